"""What conversations in Python may do, each told with the conversation kept alive and replayed from its journal."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, NoReply, RouteError, TooManyTries, choice, integer, retrying
from smsbot.testing.sim import Sim
from smsbot.turns import blocking
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.lines import table_of

from ..house import ANN

FLOW = """
flow: address
start: street
steps:
  - {id: street, ask: street, say: "Street?", then: thanks, timeout: {after: 1h, then: gone}}
  - {id: thanks, say: "Thanks for {street}.", end: done}
  - {id: gone, end: abandoned}
returns: street
"""


class Size(Enum):
    SMALL = "S"
    LARGE = "L"


@dataclass
class Order:
    size: Size
    qty: int = field(metadata={"ask": "How many (1-9)?", "kind": integer(1, 9)})


def made(calls: list[str]) -> Bot:
    """A bot with one conversation for each thing that can be awaited."""
    bot = Bot(apology="Sorry, that went wrong.")

    async def price(size: str) -> int:
        calls.append(f"price {size}")
        return 8

    def slot(day: str, idempotency_key: str = "") -> str:
        calls.append(f"slot {day} {len(idempotency_key) > 8}")
        return "10:00"

    def shaky() -> str:
        calls.append("shaky")
        if len(calls) < 3:
            raise ConnectionError("the till is away")
        return "paid"

    def broken() -> str:
        calls.append("broken")
        raise ValueError("no such visit")

    @bot.on("gather")
    async def gather(chat: Chat) -> None:
        cost, time = await chat.gather(chat.step(price, "L"), chat.step(slot, "Mon"))
        await chat.ask(f"{cost} at {time}. Fine?", bool)
        chat.say(f"Booked for {cost} at {time}.")

    @bot.on("nap")
    async def nap(chat: Chat) -> None:
        chat.say("Good night.")
        began = chat.now
        await chat.sleep("8h")
        chat.say(f"Good morning after {(chat.now - began).total_seconds() / 3600:.0f} hours.")

    @bot.on("menu")
    async def menu(chat: Chat) -> str:
        return "You took " + await chat.menu("Which?", {"soup": "Tomato soup", "fish": "Fried fish"})

    @bot.on("form")
    async def form(chat: Chat) -> str:
        answers = await chat.form({"name": "Name?", "qty": ("How many?", int)})
        return f"{answers['qty']} for {answers['name']}"

    @bot.on("order")
    async def order(chat: Chat) -> str:
        made = await chat.ask("Your order, please.", Order)
        return f"{made.qty} {made.size.name}"

    @bot.on("again")
    async def again(chat: Chat, count: int = 1) -> Any:
        if await chat.confirm(f"Round {count}. Play another? YES or NO"):
            return chat.restart(count=count + 1)
        return f"{count} rounds."

    @bot.on("pay")
    async def pay(chat: Chat) -> str:
        return await chat.step(retrying(shaky, tries=3, wait="2s"))

    @bot.on("lost")
    async def lost(chat: Chat) -> str:
        try:
            return await chat.step(broken)
        except ValueError as error:
            await chat.ask("Another visit?")
            return f"Not found: {error}"

    @bot.on("silence")
    async def silence(chat: Chat) -> str:
        try:
            return await chat.ask("Still there?", remind=("1h", "Hello?"), timeout="3h")
        except NoReply:
            return "Bye."

    @bot.on("tries")
    async def tries(chat: Chat) -> str:
        try:
            return str(await chat.ask("1 or 2?", choice(Literal["1", "2"]), tries=1, retry="1 or 2, please."))
        except TooManyTries:
            chat.handoff("desk")
            return "A person will help."

    @bot.on("mixed")
    async def mixed(chat: Chat) -> str:
        street = await chat.run("address", returns=str)
        name = await chat.run(who, greeting="And your name?")
        return f"{name}, {street}"

    async def who(chat: Chat, greeting: str) -> str:
        return await chat.ask(greeting)

    @bot.on("dice")
    async def dice(chat: Chat) -> str:
        before = chat.random.randint(1, 1_000_000)
        await chat.ask("Roll?")
        return "the same" if before == chat.data.setdefault("dice", before) else "another"

    @bot.on("late")
    async def late(chat: Chat) -> str:
        first = await chat.ask("First?")
        try:
            return f"{first} {await chat.ask('Second?', late='1d', timeout='1h')}"
        except NoReply:
            return "Gone."

    keys: list[str] = []

    def keyed(what: str, idempotency_key: str = "") -> str:
        keys.append(idempotency_key)
        return what

    @bot.on("both")
    async def both(chat: Chat) -> str:
        found = await chat.gather(chat.step(keyed, "a"), chat.step(keyed, "b"))
        return f"{list(found)} {keys[-1] == keys[-2]}"

    def odd() -> str:
        raise LookupError("none")

    @bot.on("caught")
    async def caught(chat: Chat) -> str:
        try:
            await chat.gather(chat.step(keyed, "a"), chat.step(odd))
        except LookupError:
            return "caught"
        return "not caught"

    async def never() -> str:
        await asyncio.sleep(60)
        return "never"

    @bot.on("slow")
    async def slow(chat: Chat) -> str:
        try:
            async with asyncio.timeout(0.02):
                word = await chat.step(never)
        except TimeoutError:
            word = "slow"
        return f"{word} {await chat.ask(f'{word.capitalize()}. Go on?')}"

    @bot.on("endless")
    async def endless(chat: Chat) -> Any:
        return chat.restart()

    @bot.on("integer")
    async def kind(chat: Chat) -> str:
        return str(await chat.ask("How many?", integer))  # type: ignore[arg-type]

    @bot.on("misspelt")
    async def misspelt(chat: Chat) -> str:
        return await chat.ask("How many?", time_out="1h")  # type: ignore[call-overload,no-any-return]

    @bot.on("forgot")
    async def forgot(chat: Chat) -> str:
        chat.confirm("Really?")
        return "Done."

    @bot.on("truth")
    async def truth(chat: Chat) -> str:
        return "Done." if chat.confirm("Really?") else "Not done."

    @bot.on("foreign")
    async def foreign(chat: Chat) -> str:
        await chat.ask("Wait?")
        await asyncio.sleep(0.01)
        return "Done."

    @bot.anywhere("help")
    def help_() -> str:
        return "This is help."

    return bot


# What is texted, or how long nothing is (in brackets), and all that is heard.
STORIES: list[tuple[list[str], list[str]]] = [
    (["gather", "yes"], ["8 at 10:00. Fine?", "Booked for 8 at 10:00."]),
    (["nap", "[7h]"], ["Good night."]),
    (["nap", "[7h]", "[61m]"], ["Good night.", "Good morning after 8 hours."]),
    (["menu", "2"], ["Which?\n1) Tomato soup\n2) Fried fish", "You took fish"]),
    (["menu", "tomato soup"], ["Which?\n1) Tomato soup\n2) Fried fish", "You took soup"]),
    (["form", "Ann", "3"], ["Name?", "How many?", "3 for Ann"]),
    (["form", "Anm", "back", "Ann", "3"], ["Name?", "How many?", "Name?", "How many?", "3 for Ann"]),
    (["order", "L", "4"], ["Your order, please.", "Size?", "How many (1-9)?", "4 LARGE"]),
    (
        ["again", "yes", "yes", "no"],
        [
            "Round 1. Play another? YES or NO",
            "Round 2. Play another? YES or NO",
            "Round 3. Play another? YES or NO",
            "3 rounds.",
        ],
    ),
    (["pay", "[1m]"], ["paid"]),
    (["lost", "no"], ["Another visit?", "Not found: no such visit"]),
    (["silence", "yes"], ["Still there?", "yes"]),
    (["silence", "[61m]"], ["Still there?", "Hello?"]),
    (["silence", "[4h]"], ["Still there?", "Hello?", "Bye."]),
    (["tries", "2"], ["1 or 2?", "2"]),
    (["tries", "qq", "xx"], ["1 or 2?", "1 or 2, please.", "A person will help."]),
    (["mixed", "Main St 4", "Ann"], ["Street?", "Thanks for Main St 4.", "And your name?", "Ann, Main St 4"]),
    (
        ["mixed", "help", "Main St 4", "Ann"],
        ["Street?", "This is help.", "Street?", "Thanks for Main St 4.", "And your name?", "Ann, Main St 4"],
    ),
    (["late", "a", "[2h]", "b"], ["First?", "Second?", "Gone.", "a b"]),
    (["both"], ["['a', 'b'] False"]),
    (["caught"], ["caught"]),
    (["slow", "x"], ["Slow. Go on?", "slow x"]),
    (["dice", "go"], ["Roll?", "the same"]),
]


CALLS = {"gather": ["price L", "slot Mon True"], "pay": ["shaky"] * 3, "lost": ["broken"]}
"""What runs outside, by start word: once each, but for what is tried again."""


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
@pytest.mark.parametrize(("script", "heard"), STORIES, ids=["-".join(s[0]) for s in STORIES])
async def test_story(script: list[str], heard: list[str], live: bool, tmp_path: Path) -> None:
    calls: list[str] = []
    async with Sim(at(tmp_path, made(calls))) as sim:
        ann = sim.phone(ANN)
        for act in script:
            if not live:
                await sim.restart()
            await (sim.advance(act[1:-1]) if act.startswith("[") else ann.text(act))
        assert ann.heard == heard
    assert sorted(calls) == CALLS.get(script[0], [])


def at(folder: Path, bot: Bot) -> Bot:
    """The bot with its flow."""
    (folder / "address.yaml").write_text(FLOW, encoding="utf-8")
    bot.flows = (str(folder / "address.yaml"),)
    return bot


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (["forgot"], "await chat.confirm"),
        (["truth"], "await chat.confirm"),
        (["foreign", "x"], "chat.step"),
        (["endless"], "was restarted 100 times"),
        (["integer"], "write integer(…)"),
        (["misspelt"], "did you mean 'timeout'"),
    ],
)
async def test_a_mistake_is_an_error_that_names_its_line(script: list[str], why: str, tmp_path: Path) -> None:
    """It is a dead letter after all tries, the apology is said, and others go on."""
    async with Sim(at(tmp_path, made([]))) as sim:
        ann, bob = sim.phone(ANN), sim.phone()
        for text in script:
            await ann.text(text)
        await sim.advance("10m")
        trouble = await sim.trouble_of(ANN)
        assert why in trouble
        assert f"{Path(__file__).name}:" in trouble
        assert ann.last == "Sorry, that went wrong."
        await bob.text("menu")
        await bob.text("1")
        assert bob.last == "You took soup"


async def test_an_action_of_a_flow_may_ask(tmp_path: Path) -> None:
    (tmp_path / "book.yaml").write_text(
        "flow: book\nstart: book\nsteps:\n"
        "  - {do: pick_day('May'), save: day}\n  - {say: \"Booked {day}.\", end: booked}\n",
        encoding="utf-8",
    )
    bot = Bot(flows=str(tmp_path / "book.yaml"))

    @bot.action
    async def pick_day(chat: Chat, month: str) -> str:
        day = await chat.ask(f"Which day of {month}?", integer(1, 31))
        return f"{day} {month}" if await chat.confirm(f"{day} {month}, right?") else "nothing"

    async with Sim(bot) as sim:
        ann = sim.phone(ANN)
        for text in ("book", "40", "12", "yes"):
            await sim.restart()
            await ann.text(text)
        assert ann.heard[0] == "Which day of May?"
        assert ann.heard[-2:] == ["12 May, right?", "Booked 12 May."]
        view = await sim.run_of(ANN)
        assert view is not None
        assert view.end == "booked"


async def test_a_double_stands_in_for_a_step_and_a_contact_can_be_seen(tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("quote")
    async def quote(chat: Chat) -> str:
        chat.contact["asked"] = 1
        return f"It costs {await chat.step(far_away, 'L')}."

    async with Sim(bot) as sim:
        sim.double("far_away", lambda size: f"9 for {size}")
        ann = sim.phone(ANN)
        await ann.text("quote")
        assert ann.heard == ["It costs 9 for L."]
        assert (await sim.contacts(ANN))["asked"] == 1
        with pytest.raises(Exception, match='did you mean "far_away"'):
            sim.double("far_awaz", 1)


def far_away(size: str) -> str:
    raise AssertionError("the real one was called")


async def test_what_holds_everybody_up_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A handler, a conversation after an answer, and a step that is not async."""
    monkeypatch.setattr(blocking, "LONGEST", 0.02)
    bot = Bot()

    def blocks() -> str:
        time.sleep(0.05)
        return "Done."

    @bot.on("handler")
    def handler() -> str:
        return blocks()

    @bot.on("talk")
    async def talk(chat: Chat) -> str:
        await chat.ask("Go on?")
        blocks()
        return await chat.ask("Really?")

    @bot.on("step")
    async def step(chat: Chat) -> str:
        return await chat.step(blocks)

    async with Sim(bot) as sim:
        ann = sim.phone(ANN)
        for texts, name in ((["handler"], "handler"), (["talk", "yes", "yes"], "talk"), (["step"], "blocks")):
            for text in texts:
                await ann.text(text)
            told = "".join(capsys.readouterr())
            assert told.count("held up") == 1, told
            assert re.search(rf"handler=\S*\b{name}\b", told)
            assert f"{Path(__file__).name}:" in told


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
async def test_what_was_asked_for_before_a_question_happens_once(live: bool) -> None:
    bot = Bot()

    @bot.event("ping")
    def ping(event: dict[str, int]) -> str:
        return f"ping {event['n']}"

    @bot.on("go")
    async def go(chat: Chat) -> str:
        chat.contact["seen"] = chat.contact.get("seen", 0) + 1
        chat.handoff("desk")
        chat.start("ping", {"n": 1}, to="+48600100300")
        first = await chat.ask("First?", integer(1, 9))
        chat.start("ping", {"n": 2}, to="+48600100300")
        return f"{first} {await chat.ask('Second?')} {chat.contact['seen']}"

    async with Sim(bot) as sim:
        ann, bob = sim.phone(ANN), sim.phone("+48600100300")
        for text in ("go", "none", "1", "x"):
            if not live:
                await sim.restart()
            await ann.text(text)
        assert ann.heard == ["First?", "First? A number from 1 to 9.", "Second?", "1 x 1"]
        assert bob.heard == ["ping 1", "ping 2"]
        assert len(await sim.app.store.rows("waiting_people", now=sim.clock.now(), later=0, limit=9)) == 1


FAILING = """
flow: book
start: book
join: yes
steps:
  - {do: pick(), save: day}
  - {say: "Booked {day}.", end: booked}
"""


@pytest.mark.parametrize(
    ("script", "heard", "called"),
    [
        (["pizza 3"], ["Three.", "How many?"], ["step"]),
        (["again", "x"], ["A?", "paid"], ["step"]),
        (["book", "Mon"], ["Day?", "Booked Mon."], ["step"]),
        (["tasks"], ["a b"], ["a", "b", "b"]),
        (["joined"], ["One.", "Two.\nThree."], ["step"]),
    ],
    ids=lambda v: v[0],
)
async def test_a_turn_that_fails_once_does_nothing_twice(
    script: list[str], heard: list[str], called: list[str], tmp_path: Path
) -> None:
    (tmp_path / "book.yaml").write_text(FAILING, encoding="utf-8")
    calls: list[str] = []
    fails = [True]
    bot = Bot(flows=str(tmp_path / "book.yaml"))
    bot.join = script == ["joined"]

    def step() -> str:
        calls.append("step")
        return "paid"

    def once() -> None:
        if fails:
            fails.pop()
            raise ValueError("once")

    @bot.on("pizza {qty:int}")
    async def pizza(chat: Chat) -> str:
        qty = await chat.ask("How many?", integer(1, 9))
        chat.say({3: "Three."}[qty])
        await chat.step(step)
        once()
        qty = await chat.ask("How many?", integer(1, 9), key="more")
        return str(qty)

    @bot.on("again")
    async def again(chat: Chat, word: str = "") -> Any:
        if not word:
            return chat.restart(word=await chat.ask("A?"))
        paid = await chat.step(step)
        once()
        return paid

    @bot.action
    async def pick(chat: Chat) -> str:
        await chat.step(step)
        once()
        return await chat.ask("Day?")

    async def named(name: str) -> str:
        calls.append(name)
        await asyncio.sleep(0.01 if name == "b" else 0)
        if name == "b":
            once()
        return name

    @bot.on("tasks")
    async def tasks(chat: Chat) -> str:
        async with asyncio.TaskGroup() as group:
            found = [group.create_task(both(chat, n)) for n in "ab"]
        return " ".join(t.result() for t in found)

    async def both(chat: Chat, name: str) -> str:
        return await chat.step(named, name)

    @bot.on("joined")
    async def joined(chat: Chat) -> str:
        chat.say("One.")
        await chat.step(step)
        chat.say("Two.")
        once()
        return "Three."

    async with Sim(bot) as sim:
        ann = sim.phone(ANN)
        for text in script:
            await ann.text(text)
        await sim.advance("1m")
        assert ann.heard == heard
        assert calls == called
        assert not fails


def test_two_conversations_of_one_name_are_an_error() -> None:
    bot = Bot()
    for word in ("apple", "beer"):

        @bot.on(word)
        async def talk(chat: Chat, word: str = word) -> str:
            return await chat.ask(f"{word}?")

    with pytest.raises(RouteError, match=r"another conversation called .*talk\(\)"):
        table_of(bot, "", FlowVersions())
