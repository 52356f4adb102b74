"""What a conversation does live and what it does when it is replayed are one: each runs both ways, step by step."""

from __future__ import annotations

import asyncio
import decimal
import functools
import json
import linecache
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Flag, auto
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot, Chat, ChatError, NoReply, RouteError, StepFailed, choice, integer, targets
from smsbot.testing.sim import Sim

from .test_failures import fails_once

SIZE = choice(Literal["S", "M", "L"])


class Way(Flag):
    IN = auto()
    OUT = auto()


class Priced:
    """A plain class, which cannot be kept."""


@dataclass
class Cup:
    size: str
    sugar: int = 0


Talk = tuple[Bot, list[str]]
FLOWS = """
flow: {0}
returns: total
args: {{x: integer}}
steps:
  - {{do: charge(x), save: total}}
  - {{say: "{0} took {{total}}"}}
"""


def flows(folder: Path) -> str:
    (folder / "flows").mkdir(exist_ok=True)
    for name in ("fa", "fb"):
        (folder / "flows" / f"{name}.yaml").write_text(FLOWS.format(name))
    return str(folder / "flows")


async def heard(sim: Sim, texts: list[str], replayed: bool) -> list[str]:
    """What Ann hears in answer to texts; `@ 5m` lets time pass."""
    ann = sim.phone()
    for text in texts:
        if replayed:
            await sim.restart()
        await (sim.advance(text[2:]) if text.startswith("@ ") else ann.text(text))
    await sim.advance("30s")
    trouble = await sim.trouble_of(ann.number)
    return ann.heard + ([trouble] if trouble.startswith("dead letter") else [])


CASES: dict[str, tuple[Callable[[Bot], Any], list[str], list[str]]] = {}


def case(texts: list[str], expected: list[str]) -> Callable[[Callable[[Bot], Any]], Callable[[Bot], Any]]:
    def add(make: Callable[[Bot], Any]) -> Callable[[Bot], Any]:
        CASES[make.__name__] = make, texts, expected
        return make

    return add


@case(["go", "x"], ["fa took 10", "Sure?", "10 x"])
def a_flow_acts_in_the_first_turn(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        total = await chat.run("fa", x=1, returns=int)
        return f"{total} {await chat.ask('Sure?')}"


@case(["go", "x"], ["First?", "fa took 10", "fb took 20", "10 20"])
def a_turn_with_two_flows_runs_again(bot: Bot) -> None:
    flaky = fails_once(OSError)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("First?")
        a = await chat.run("fa", x=1, returns=int)
        b = await chat.run("fb", x=2, returns=int)
        flaky()
        return f"{a} {b}"


@case(["go", "x"], ["First?", "fa took 10", "between", "fb took 20", "10 20"])
def a_turn_is_cut_between_two_flows(bot: Bot) -> None:
    flaky = fails_once(OSError)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("First?")
        a = await chat.run("fa", x=1, returns=int)
        chat.say("between")
        flaky()
        return f"{a} {await chat.run('fb', x=2, returns=int)}"


@case(["go", "x", "who"], ["First?", "busy False"])
def what_is_known_goes_back_to_what_it_was(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> None:
        chat.contact["busy"] = True
        await chat.ask("First?")
        del chat.contact["busy"]

    @bot.on("who")
    def who(chat: Chat) -> str:
        return f"busy {chat.contact.get('busy', False)}"


@case(["busy", "go", "x", "busy"], ["busy False", "First?", "busy False"])
def what_is_known_is_set_back(bot: Bot) -> None:
    @bot.on("busy")
    def busy(chat: Chat) -> str:
        chat.contact.setdefault("busy", False)
        return f"busy {chat.contact['busy']}"

    @bot.on("go")
    async def go(chat: Chat) -> None:
        chat.contact["busy"] = True
        await chat.ask("First?")
        chat.contact["busy"] = False


@case(
    ["go", "apple", "yes", "beer", "no"],
    ["[] Item?", "More? YES or NO", "['apple'] Item?", "More? YES or NO", "You buy apple, beer"],
)
def a_list_grows_from_round_to_round(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat, cart: list[str] | None = None) -> str:
        cart = cart or []
        cart.append(await chat.ask(f"{cart} Item?", key="item"))
        if await chat.confirm("More? YES or NO"):
            return chat.restart(cart=cart)
        return f"You buy {', '.join(cart)}"


@case(["go", "a", "yes", "b", "yes"], ["Items?", "Sure? YES or NO", "['a']", "Sure? YES or NO", "['a', 'b']"])
def data_is_changed_before_a_question(bot: Bot) -> None:
    @bot.on("go")
    def go(chat: Chat) -> str:
        chat.data["items"] = []
        chat.goto("items")
        return "Items?"

    @bot.state("items")
    async def items(chat: Chat, text: str) -> str:
        chat.data["items"].append(text)
        await chat.confirm("Sure? YES or NO")
        return str(chat.data["items"])


@case(["go", "Al"], ["Name?", "Name?"])
def arguments_of_a_restart_answer_nothing(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat, name: str = "") -> str:
        name = await chat.ask("Name?")
        return chat.restart(name=name)


@case(["go", "one", "x"], ["First?", "fa took 10", "m=one", "Second?", "m=x"])
def the_message_stays_the_same_behind_a_flow(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("First?")
        await chat.run("fa", x=1)
        chat.say(f"m={chat.message.text}")
        await chat.ask("Second?")
        return f"m={chat.message.text}"


@case(["go", "x"], ["First?", "0.3333"])
def context_variables_are_its_own(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        with decimal.localcontext() as local:
            local.prec = 4
            await chat.ask("First?")
            return str(Decimal(1) / 3)


@case(["go", "x"], ["Way.IN|OUT 12 False Q?", "Way.IN|OUT 12 False"])
def values_of_steps_come_back(bot: Bot) -> None:
    async def both() -> Way:
        return Way.IN | Way.OUT

    def noon() -> datetime:
        return datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Warsaw"))

    @bot.on("go")
    async def go(chat: Chat) -> str:
        way, at = await chat.step(both), await chat.step(noon)
        later = at.replace(day=25)  # behind the change to winter time
        told = f"{way} {later.hour} {later.utcoffset() == at.utcoffset()}"
        await chat.ask(f"{told} Q?")
        return told


@case(["go", "x"], ["file none.txt, bad json at 2, StepFailed Q?", "file none.txt, bad json at 2, StepFailed"])
def exceptions_of_steps_come_back(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        told = []
        try:
            await chat.step(open, "none.txt")
        except FileNotFoundError as error:
            told.append(f"file {error.filename}")
        try:
            await chat.step(json.loads, "{ ]")
        except json.JSONDecodeError as error:
            told.append(f"bad json at {error.pos}")
        try:
            await chat.step(b"\xff".decode)
        except StepFailed:
            told.append("StepFailed")
        await chat.ask(f"{', '.join(told)} Q?")
        return ", ".join(told)


@case(
    ["go", "@ 8m", "info", "@ 5m", "1", "@ 9m", "M"],
    ["Size?", "About?\n1) prices\n2) hours", "about prices", "Size?", "size M"],
)
def a_question_has_its_time_again_behind_a_digression(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            return f"size {await chat.ask('Size?', timeout='10m')}"
        except NoReply:
            return "You were silent."

    @bot.anywhere("info")
    async def info(chat: Chat) -> str:
        return f"about {await chat.menu('About?', ['prices', 'hours'])}"


@case(["go", "info", "info", "2", "L"], ["Size?", "About?", "About?", "about 2", "Size?", "size L"])
def the_same_digression_takes_its_own_place(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"size {await chat.ask('Size?')}"

    @bot.anywhere("info")
    async def info(chat: Chat) -> str:
        return f"about {await chat.ask('About?')}"


@case(["go", "hm", "x", "@ 1h"], ["What is it about?", "topic x", "Take your pills."])
def a_fallback_that_asks_wakes_no_sleeper(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.sleep("1h")
        return "Take your pills."

    @bot.fallback
    async def what(chat: Chat) -> str:
        return f"topic {await chat.ask('What is it about?')}"


@case(["go", "2"], ["Seats?\n2\n4\n6", "2 seats"])
def numbers_in_a_menu_are_no_places(bot: Bot) -> None:
    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"{await chat.menu('Seats?', ['2', '4', '6'])} seats"


@case(["go", "a", "x", "b", "yes", "done"], ["State?", "Sure? a", "again", "Sure? b", "again", "ended"])
def a_state_that_asks_goes_on_waiting(bot: Bot) -> None:
    @bot.on("go")
    def go(chat: Chat) -> str:
        chat.goto("here")
        return "State?"

    @bot.state("here")
    async def here(chat: Chat, text: str) -> str:
        if text == "done":
            chat.end("x")
            return "ended"
        await chat.ask(f"Sure? {text}", key="sure")
        return "again"


@case(
    ["go", "x"],
    ["Q?", "dead letter: ChatError: SB102: a conversation that asks awaits something outside chat, at {here}"],
)
def a_task_group_behind_a_question_is_refused(bot: Bot) -> None:
    async def work(chat: Chat, n: int) -> int:
        return await chat.step(abs, n)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        await chat.ask("Q?")
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(work(chat, n)) for n in range(3)]
        return str([task.result() for task in made])


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
@pytest.mark.parametrize("name", CASES)
async def test_live_and_replayed(tmp_path: Path, name: str, replayed: bool) -> None:
    make, texts, expected = CASES[name]
    bot, charged = Bot(flows=flows(tmp_path)), list[int]()

    @bot.action
    def charge(x: int) -> int:
        charged.append(x)
        return x * 10

    make(bot)
    async with Sim(bot, tmp_path) as sim:
        found = await heard(sim, texts, replayed)
    if "{here}" in expected[-1]:
        found[-1] = found[-1].partition(str(Path(__file__).parent))[0] + "{here}"
    assert found == expected
    assert charged == [n for n, flow in enumerate(("fa took", "fb took"), 1) if any(flow in x for x in expected)]


# -- errors that are said at once ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"), [(lambda: Priced(), "Priced cannot be stored"), (lambda: _local(), "a class inside a function")]
)
async def test_what_would_not_come_back_is_refused_at_once(
    tmp_path: Path, value: Callable[[], object], why: str
) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return str(await chat.step(value))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert why in await sim.trouble_of(ann.number)


def _local() -> object:
    @dataclass
    class Inside:
        x: int = 1

    return Inside()


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"tries": -1}, "tries is how many"),
        ({"tries": "3"}, "tries is how many"),
        ({"remind": "2h", "timeout": "1h"}, "a reminder comes before the timeout"),
        ({"timeout": "1x"}, "is not a duration"),
    ],
)
async def test_terms_that_cannot_be_meant(tmp_path: Path, terms: dict[str, Any], why: str) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return await chat.ask("Q?", **terms)

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert why in await sim.trouble_of(ann.number)
        assert "dead letter" in await sim.trouble_of(ann.number)


def test_numbers_and_tries_that_cannot_be_meant() -> None:
    with pytest.raises(ChatError, match="from 9 to 1"):
        integer(9, 1)
    with pytest.raises(RouteError, match="tries is how many"):
        Bot(tries=-1)


@pytest.mark.parametrize("verb", ["end", "goto"])
async def test_an_action_leaves_the_end_to_its_flow(tmp_path: Path, verb: str) -> None:
    bot = Bot(flows=str(tmp_path / "x.yaml"))
    (tmp_path / "x.yaml").write_text(
        "flow: x\nstart: x\ndefaults: {timeout: 1h}\nsteps: [{do: act(), save: a}, {ask: more, say: 'More?'}]\n"
    )

    @bot.action
    async def act(chat: Chat) -> str:
        getattr(chat, verb)("over")
        return "x"

    @bot.state("over")
    def over() -> None: ...

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("x")
        assert "act() cannot end a run or go to a state" in await sim.trouble_of(ann.number)
        assert ann.heard == []


@pytest.mark.parametrize("verb", ["end", "goto"])
async def test_nothing_is_asked_behind_the_end(tmp_path: Path, verb: str) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        getattr(chat, verb)("over")
        return await chat.ask("Q?")

    @bot.state("over")
    def over() -> None: ...

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        assert "go() has ended or gone to a state in this turn" in await sim.trouble_of(ann.number)


@pytest.mark.parametrize("wait", ["sleep", "flow"])
async def test_what_answers_reports_waits_for_nothing(tmp_path: Path, wait: str) -> None:
    """Else it would end the conversation that is open."""
    bot = Bot(flows=flows(tmp_path))

    @bot.action
    def charge(x: int) -> int:
        return x

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"size {await chat.ask('Size?', SIZE)}"

    @bot.on_delivery("delivered")
    async def arrived(chat: Chat) -> None:
        await (chat.sleep("1s") if wait == "sleep" else chat.run("fa", x=1))

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.advance("5m")
        await ann.text("M")
        assert ann.heard == ["Size?", "size M"]


def test_handlers_are_functions() -> None:
    bot = Bot()

    class Greets:
        async def __call__(self, chat: Chat) -> None: ...

    def hello(chat: Chat, name: str) -> str:
        return name

    for wrong in (Greets(), functools.partial(hello, name="x")):
        with pytest.raises(RouteError, match="a handler is a function with a name") as caught:
            bot.on("x")(wrong)
        assert "test_alike.py" in str(caught.value)


# -- what cannot be seen to ask ----------------------------------------------------------------------


async def helped(chat: Chat) -> bool:
    return await chat.confirm("Tomorrow 10:00. YES or NO")


def named(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def inner(chat: Chat) -> Any:
        return await function(chat)

    return inner


def through_a_helper(bot: Bot) -> None:
    @bot.event("visit")
    async def visit(chat: Chat) -> str:
        return f"come {await helped(chat)}"


def through_a_closure(bot: Bot) -> None:
    @bot.event("visit")
    async def visit(chat: Chat) -> str:
        async def inner() -> bool:
            return await chat.confirm("Tomorrow 10:00. YES or NO")

        return f"come {await inner()}"


def through_a_decorator(bot: Bot) -> None:
    @bot.event("visit")
    @named
    async def visit(chat: Chat) -> str:
        return f"come {await helped(chat)}"


def through_run(bot: Bot) -> None:
    @bot.event("visit")
    async def visit(chat: Chat) -> str:
        return f"come {await chat.run(helped)}"


@pytest.mark.parametrize("make", [through_a_helper, through_a_closure, through_a_decorator, through_run])
async def test_an_event_that_asks_somehow_waits_its_turn(tmp_path: Path, make: Callable[[Bot], None]) -> None:
    bot = Bot()
    make(bot)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"size {await chat.ask('Size?', SIZE)}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.event("visit", ann.number)
        assert ann.heard == ["Size?"]
        await ann.text("M")
        assert ann.heard == ["Size?", "size M", "Tomorrow 10:00. YES or NO"]
        await sim.restart()
        await ann.text("yes")
        assert ann.last == "come True"
        await ann.text("STOP")
        await sim.event("visit", ann.number)
        assert len(ann.heard) == 5


async def test_an_event_that_only_says_does_not_wait(tmp_path: Path) -> None:
    bot = Bot()

    @bot.event("visit")
    async def visit(chat: Chat, event: dict[str, Any]) -> None:
        price = await chat.step(abs, -7)
        chat.say(f"{chat.number[-2:]}: {price}")

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"size {await chat.ask('Size?', SIZE)}"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("go")
        await sim.event("visit", ann.number)
        assert ann.last == f"{ann.number[-2:]}: 7"


async def test_two_conversations_of_one_name_are_an_error_however_they_ask(tmp_path: Path) -> None:
    bot = Bot()

    def make(word: str) -> None:
        @bot.on(word)
        async def talk(chat: Chat) -> str:
            return f"{word} {await helped(chat)}"

    make("hi")
    make("ho")
    with pytest.raises(RouteError, match="another conversation called"):
        async with Sim(bot, tmp_path):
            pass


# -- deploys ------------------------------------------------------------------------------------------

SHOP = """
from enum import Enum
from smsbot import Bot, Chat, choice
bot = Bot()

class Size(Enum):
    S = "S"
    M = "M"

@bot.on("go")
async def order(chat: Chat) -> str:
    size = await chat.ask("Size?", choice(Size))
    sure = await chat.ask("Sure?", timeout="1h")
    return f"{size.value} {sure}"
"""


class Shop:
    """A bot in a file that is edited between two servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moment = 1_780_000_000.0
        self.write(SHOP)

    def write(self, code: str) -> None:
        (self.folder / "shop.py").write_text(code)
        later = time.time() + len(code)
        os.utime(self.folder / "shop.py", (later, later))

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Sim]:
        linecache.clearcache()
        sim = Sim(targets.load("shop.py:bot", self.folder), self.folder)
        sim.clock.set_to(self.moment)
        async with sim:
            yield sim
            self.moment = sim.clock.now()


async def test_a_file_that_is_replaced_before_the_server_ends_changes_no_names(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    async with shop.serve() as sim:
        shop.write("# a comment\n\n" + SHOP)
        await sim.phone().text("go")
    async with shop.serve() as sim:
        ann = sim.phone()
        await ann.text("M")
        await ann.text("x")
        assert ann.heard == ["Size?", "Sure?", "M x"]


async def test_an_option_that_somebody_chose_is_gone(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    async with shop.serve() as sim:
        ann = sim.phone()
        await ann.text("go")
        await ann.text("M")
    shop.write(SHOP.replace('    M = "M"\n', '    L = "L"\n'))
    async with shop.serve() as sim:
        ann = sim.phone()
        await ann.text("x")
        trouble = await sim.trouble_of(ann.number)
        assert "SB104" in trouble
        assert "order: ask choice size" in trouble
        assert "'M'" not in trouble, "what somebody wrote is not quoted"
    shop.write(SHOP)
    async with shop.serve() as sim:
        ann = sim.phone()
        await ann.text("x")
        assert ann.last == "M x"


async def test_a_deadline_during_a_bad_deploy_comes_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    async with shop.serve() as sim:
        ann = sim.phone()
        await ann.text("go")
        await ann.text("M")
    shop.write(SHOP.replace("    size =", "    colour ="))
    async with shop.serve() as sim:
        ann = sim.phone()
        await sim.advance("2h")
        assert "SB104" in await sim.trouble_of(ann.number)
        view = await sim.run_of(ann.number)
        assert view is not None
        assert view.end == ""
    shop.write(SHOP)
    async with shop.serve() as sim:
        ann = sim.phone()
        await sim.advance("11m")
        view = await sim.run_of(ann.number)
        assert view is not None
        assert view.end == "abandoned"
