"""Options that nobody can choose: `smsbot check` names them, in Python as in YAML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..conftest import thinned
from ..processes import smsbot

BOT = """
from enum import Enum
from typing import Literal

from smsbot import Bot, Chat, choice, one_of

bot = Bot()
PLAN = choice(Literal["keep", "cancel"])


class Size(Enum):
    SMALL = "small"
    INFO = "info"


@bot.on("plan")
async def plan(chat: Chat) -> str:
    return {call}
"""
CALLS = [
    ('await chat.menu("Your plan?", ["keep", "cancel"])', "US", ("SB640", "error")),
    ('await chat.menu("Your plan?", ["keep", "cancel"])', "PL", None),
    ('await chat.menu("Your plan?", {"a": "Keep", "stop": "Stop it"})', "PL", ("SB640", "error")),
    ('await chat.ask("Your plan?", PLAN)', "US", ("SB640", "error")),
    ('await chat.ask("Your plan?", choice(Literal["go", "rest"], words={"rest": ["quit"]}))', "US", ("SB640", "error")),
    ('await chat.ask("Your plan?", one_of(["wypisz", "zostaw"]))', "PL", ("SB640", "error")),
    ('await chat.ask("Your plan?", Size)', "PL", ("SB640", "warning")),
    ('await chat.ask("Your plan?", Literal["a", "A"])', "PL", ("SB642", "error")),
    ('await chat.menu("Your plan?", ["Café", "cafe"])', "PL", ("SB642", "error")),
    ('await chat.menu("Your plan?", ["A+", "A-"])', "PL", None),
    ('await chat.menu("Your plan?", [str(n) for n in range(3)])', "PL", None),
]


@pytest.mark.parametrize(("call", "country", "expected"), thinned(CALLS))
def test_options_of_handlers(tmp_path: Path, call: str, country: str, expected: tuple[str, str] | None) -> None:
    (tmp_path / "shop.py").write_text(BOT.replace("{call}", f"f'{{{call}}}'" if "'" not in call else call), "utf-8")
    (tmp_path / "smsbot.toml").write_text(
        f'[bots.shop]\ntarget = "shop.py:bot"\nlines = ["7255"]\n[lines."7255"]\ncountry = "{country}"\n'
    )
    found = json.loads(smsbot("check", "--json", folder=tmp_path).stdout)["problems"]
    assert [(p["code"], p["severity"]) for p in found] == ([expected] if expected else [])
    if expected:
        assert (found[0]["path"], found[0]["line"]) == ("shop.py", 18)
        assert found[0]["help"]


@pytest.mark.parametrize(
    ("choices", "country", "expected"),
    thinned(
        [
            ("[keep, cancel]", "US", ("SB640", "error")),
            ("{go: [], rest: [quit]}", "US", ("SB640", "error")),
            ("[keep, cancel]", "GB", None),
            ("[keep, info]", "GB", ("SB640", "warning")),
            ('["A+", "A-"]', "GB", None),
            ('[a, "A!"]', "GB", ("SB642", "error")),
            ('["😀", "😡"]', "GB", None),
        ]
    ),
)
def test_options_of_flows(tmp_path: Path, choices: str, country: str, expected: tuple[str, str] | None) -> None:
    (tmp_path / "plan.yaml").write_text(
        f"flow: plan\nstart: plan\nsteps:\n  - {{ask: p, say: Your plan?, choices: {choices}, timeout: 1h}}\n", "utf-8"
    )
    (tmp_path / "smsbot.toml").write_text(
        f'[bots.shop]\ntarget = "plan.yaml"\nlines = ["7255"]\n[lines."7255"]\ncountry = "{country}"\n'
    )
    found = json.loads(smsbot("check", "--json", folder=tmp_path).stdout)["problems"]
    assert [(p["code"], p["severity"]) for p in found] == ([expected] if expected else [])
