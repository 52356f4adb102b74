"""The conversation that the design prints, run as printed: typo, HELP, a flow inside, a step that runs once."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from smsbot import targets
from smsbot.testing.sim import Sim

from ..conftest import leave_out
from ..house import ANN

PRINTED = '''
from typing import Literal
from smsbot import Bot, Chat, NoReply, choice, integer

bot = Bot(flows="flows/pizza")                            # YAML flows of this bot

@bot.on("hi", "hello")
def hello() -> str:
    return "Hello! Text PIZZA to order."

@bot.on("pizza", "pizza {qty:int}", typos=1)
async def order(chat: Chat, kitchen: Kitchen):            # Kitchen is injected: @bot.provide
    size = await chat.ask("Size? S, M or L", choice(Literal["S", "M", "L"]))
    try:
        qty = await chat.ask("How many?", integer(1, 9), retry="1 to 9, please.", timeout="10m")
    except NoReply:
        return chat.end("abandoned")
    total = await chat.step(kitchen.quote, size, qty)     # runs once, journaled
    if await chat.confirm(f"{qty} x {size} = ${total}. OK?"):
        address = await chat.run("address", returns=str)  # a YAML flow inside a Python conversation
        await chat.step(kitchen.place, size, qty, address)
        chat.say("On its way!")

@bot.anywhere("help")                                      # answers, then the open question is asked again
def help_(chat: Chat): chat.say("We sell pizza. Text STOP to leave.")

@bot.state("awaiting_rating")                              # the classic state machine, same store
def rating(chat: Chat, text: str): ...

@bot.action                                                # what flows may call
async def quote(size: str, qty: int) -> Decimal: ...
'''  # fmt: skip
AROUND = """
from __future__ import annotations
from decimal import Decimal

class Kitchen:
    def __init__(self) -> None:
        self.quoted: list[tuple[str, int]] = []
        self.placed: list[tuple[str, int, str]] = []

    def quote(self, size: str, qty: int) -> Decimal:
        self.quoted.append((size, qty))
        return Decimal(11) * qty

    async def place(self, size: str, qty: int, address: str) -> None:
        self.placed.append((size, qty, address))
"""
PROVIDED = """
KITCHEN = Kitchen()

@bot.provide
def kitchen() -> Kitchen:
    return KITCHEN
"""
ADDRESS = """
flow: address
returns: "street + ', ' + city"
defaults: {timeout: 10m}
steps:
  - {ask: street, say: "Street?"}
  - {ask: city, say: "City?"}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Any:
    (tmp_path / "flows" / "pizza").mkdir(parents=True)
    (tmp_path / "flows" / "pizza" / "address.yaml").write_text(ADDRESS, encoding="utf-8")
    (tmp_path / "printed.py").write_text(AROUND + PRINTED + PROVIDED, encoding="utf-8")
    return targets.load("printed.py:bot", tmp_path)


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
async def test_its_story(bot: Any, live: bool, tmp_path: Path) -> None:
    kitchen = sys.modules[bot._providers[next(iter(bot._providers))][0].__module__].KITCHEN
    async with Sim(bot, tmp_path) as sim:
        if not live:
            sim.app.dispatcher.live.most = 0
        ann = sim.phone(ANN)
        for text in ("piza", "help", "M", "20", "3"):
            await ann.text(text)
        assert ann.heard == [
            "Size? S, M or L", "We sell pizza. Text STOP to leave.", "Size? S, M or L", "How many?", "1 to 9, please.",
            "3 x M = $33. OK?",
        ]  # fmt: skip
        await sim.restart()
        for text in ("yes", "Main St 1", "HELP", "Gdynia"):
            await ann.text(text)
        assert ann.heard[6:] == [
            "Street?", "City?", "We sell pizza. Text STOP to leave.", "City?", "On its way!",
        ]  # fmt: skip
        assert (kitchen.quoted, kitchen.placed) == ([("M", 3)], [("M", 3, "Main St 1, Gdynia")])
        assert (await sim.run_of(ANN)).end == "done"  # type: ignore[union-attr]
        for text in ("pizza 2", "L"):
            await ann.text(text)
        assert ann.last == "2 x L = $22. OK?"
        await ann.text("yes")
        await sim.advance("11m")  # nobody answers the flow inside
        assert (await sim.run_of(ANN)).end == "abandoned"  # type: ignore[union-attr]


@pytest.mark.needs("types")
def test_mypy_strict_passes(bot: Any, tmp_path: Path) -> None:
    """With our plugin, and with the one body that the print leaves out as `...` written."""
    if find_spec("mypy") is None:
        leave_out("types", "mypy")
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = smsbot.mypy\n")
    printed, settings = tmp_path / "printed.py", ["--strict", "--config-file", str(tmp_path / "mypy.ini")]
    printed.write_text(printed.read_text().replace("-> Decimal: ...", "-> Decimal: return Decimal(11) * qty"))
    for more, code in ((settings, 0), (["--strict"], 1)):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *more, str(printed)], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout
    assert done.stdout.count("missing a return type annotation") == 3, "what the plugin is for"
