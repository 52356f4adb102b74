"""What surrounds a bot's code: every turn that wakes any, once, outside of the conversation."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, CallNext, Chat, Contact, Delivery, Message, NoReply, Reaction, RouteError
from smsbot.core.message import Key

from ..house import ANN, LINE, House

FLOW = """\
flow: visit
start: visit
steps:
  - {ask: day, say: "Which day?", timeout: {after: 1h, then: gone}, remind: {after: 10m, say: "Still there?"}}
  - {say: "See you {day}.", end: done}
asides:
  - {id: gone, say: "Maybe later.", end: abandoned}
"""


@dataclass
class Ledger:
    """What a middleware is given by type."""

    rows: list[str]


def seen(tmp_path: Path) -> tuple[Bot, list[str]]:
    (tmp_path / "visit.yaml").write_text(FLOW, encoding="utf-8")
    bot, rows = Bot(flows=tmp_path / "visit.yaml"), list[str]()

    @bot.provide
    def ledger() -> Ledger:
        return Ledger(rows)

    @bot.middleware
    async def note(
        chat: Chat, call_next: CallNext, message: Message, ledger: Ledger, event: Any, report: Delivery | None,
        reaction: Reaction | None, contact: Contact,
    ) -> str | None:  # fmt: skip
        what = event or (report and report.status) or (reaction and reaction.sign) or message.text or "timeout"
        ledger.rows.append(f"{chat.number[-3:]} {what}")
        contact["seen"] = int(contact.get("seen", 0)) + 1
        await asyncio.sleep(0)
        said = await call_next()
        await asyncio.to_thread(len, "")
        ledger.rows.append(f"said {said}")
        return None

    @bot.on("hi")
    def hi(contact: Contact) -> str:
        return f"Hello, {contact['seen']}."

    @bot.on("order")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?", remind="10m", timeout="1h")
        try:
            many = await chat.ask("How many?", int)
        except NoReply:
            many = 0
        return f"{many} x {size}"

    @bot.anywhere("prices")
    def prices() -> str:
        return "10 each."

    @bot.event("shipped")
    def shipped(event: dict[str, Any]) -> str:
        return f"{event['order']} has left."

    @bot.on_reaction
    def liked() -> str:
        return "Thanks!"

    @bot.on_delivery("delivered")
    def delivered() -> None: ...

    @bot.on("wait")
    def wait(chat: Chat) -> None:
        chat.goto("waiting", timeout="5m", then="over")

    @bot.state("waiting")
    def waiting() -> None: ...

    @bot.state("over")
    def over(chat: Chat) -> str:
        chat.end("over")
        return "Over."

    return bot, rows


TURNS: list[tuple[str, list[str], list[str]]] = [
    ("a keyword", ["hi"], ["200 hi", "said Hello, 1."]),
    ("answers in Python", ["order", "L", "2"], ["200 order", "said None", "200 L", "said None", "200 2", "said 2 x L"]),
    (
        "answers after a restart", ["order", "!restart", "L", "!restart", "2"],
        ["200 order", "said None", "200 L", "said None", "200 2", "said 2 x L"],
    ),
    ("what answers anywhere", ["order", "prices"], ["200 order", "said None", "200 prices", "said 10 each."]),
    ("a reminder in Python", ["order", "!10m"], ["200 order", "said None", "200 timeout", "said None"]),
    ("a flow", ["visit", "Monday"], ["200 visit", "said None", "200 Monday", "said None"]),
    ("timers of a flow", ["visit", "!10m", "!1h"], ["200 visit", "said None"] + ["200 timeout", "said None"] * 2),
    ("the timeout of a state", ["wait", "!5m"], ["200 wait", "said None", "200 timeout", "said Over."]),
    ("an event", ["!event"], ["200 {'order': '7'}", "said 7 has left."]),
    ("a tapback", ["hi", "Liked “Hello, 1.”"], ["200 hi", "said Hello, 1.", "200 Liked", "said Thanks!"]),
    ("what wakes nobody's code", ["what", "HELP", "STOP"], []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "script", "rows"), TURNS, ids=[t[0] for t in TURNS])
async def test_it_surrounds_each_turn_once(
    house: Any, tmp_path: Path, name: str, script: list[str], rows: list[str]
) -> None:
    bot, noted = seen(tmp_path)
    h: House = await house(bot)
    for step in script:
        match step:
            case "!restart":
                await h.restart()
            case "!event":
                await h.app.commands.emit("shipped", ANN, {"order": "7"})
                await h.advance("1s")
            case _ if step.startswith("!"):
                await h.advance(step[1:])
            case _:
                await h.text(ANN, step)
    reports = [n for n, row in enumerate(noted) if row.endswith(" delivered")]
    told = [row for n, row in enumerate(noted) if n not in reports and n - 1 not in reports]
    assert told == rows
    assert len(reports) == len(await h.heard(ANN))


def with_middleware(middleware: Any) -> Bot:
    bot = Bot()
    bot.middleware(middleware)

    @bot.on("hi")
    def hi() -> str:
        return "hello"

    @bot.on("nothing")
    def nothing() -> None: ...

    @bot.on("order")
    async def order(chat: Chat) -> str:
        chat.say("Well.")
        return "so " + await chat.ask("Size?", timeout="10m")

    @bot.on("boom")
    def boom() -> None:
        raise ValueError("of the handler")

    @bot.on_error(ValueError)
    def failed(error: ValueError) -> str:
        return f"failed {error}"

    return bot


async def shouts(call_next: CallNext) -> str | None:
    said = await call_next()
    return said and said.upper()


async def swallows(call_next: CallNext) -> str:
    await call_next()
    return ""


async def adds(call_next: CallNext) -> str:
    return await call_next() or "Nothing to say."


async def forgets(call_next: CallNext) -> None:
    await call_next()


async def closed(chat: Chat, call_next: CallNext, text: str) -> str | None:
    return "We are closed." if text != "order" else await call_next()


async def speaks(chat: Chat, call_next: CallNext) -> None:
    chat.say("before")
    await call_next()
    chat.say("after")


async def catches(call_next: CallNext) -> str | None:
    try:
        return await call_next()
    except ValueError:
        return "nothing happened"


async def translates(call_next: CallNext) -> str | None:
    try:
        return await call_next()
    except ValueError as error:
        raise ValueError("told otherwise") from error


@pytest.mark.parametrize(
    ("middleware", "texts", "heard"),
    [
        (shouts, ["hi", "order", "l"], ["HELLO", "Well.", "Size?", "SO L"]),
        (swallows, ["hi", "order", "l"], ["Well.", "Size?"]),
        (adds, ["hi", "nothing"], ["hello", "Nothing to say."]),
        (forgets, ["hi", "order", "l"], ["hello", "Well.", "Size?", "so l"]),
        (closed, ["hi", "order", "l", "m"], ["We are closed.", "Well.", "Size?", "We are closed.", "We are closed."]),
        (speaks, ["hi", "order"], ["before", "hello", "after", "before", "Well.", "Size?", "after"]),
        (catches, ["boom", "hi"], ["failed of the handler", "hello"]),
        (forgets, ["boom"], ["failed of the handler"]),
    ],
)
async def test_what_it_may_do(house: Any, middleware: Any, texts: list[str], heard: list[str]) -> None:
    h: House = await house(with_middleware(middleware))
    for text in texts:
        await h.text(ANN, text)
        await h.restart()
    assert await h.heard(ANN) == heard


async def test_what_it_keeps_away_stays(house: Any) -> None:
    """A question stays open, and its timeout comes again."""
    shut = True

    async def gate(chat: Chat, call_next: CallNext, text: str) -> str | None:
        return None if shut and text != "order" else await call_next()

    h: House = await house(with_middleware(gate))
    await h.text(ANN, "order")
    await h.text(ANN, "l")
    await h.advance("11m")
    assert (await h.app.store.load(Key(LINE, ANN))).run is not None
    shut = False
    await h.advance("10m")
    assert (await h.app.store.load(Key(LINE, ANN))).run is None


async def asks(chat: Chat, call_next: CallNext) -> None:
    await chat.ask("Who?")


async def steps(chat: Chat, call_next: CallNext) -> None:
    await call_next()
    await chat.step(len, "")


async def twice(call_next: CallNext) -> None:
    await call_next()
    await call_next()


async def numbers(call_next: CallNext) -> Any:
    await call_next()
    return 7


@pytest.mark.parametrize(
    ("middleware", "why"),
    [
        (asks, "asks nobody"),
        (steps, "without chat.step()"),
        (twice, "calls call_next() once"),
        (numbers, "another text"),
    ],
)
async def test_what_is_a_mistake(house: Any, middleware: Any, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    h: House = await house(with_middleware(middleware))
    await h.text(ANN, "order")
    assert why in "".join(capsys.readouterr())
    assert await h.heard(ANN) == []


def test_what_it_names_is_known() -> None:
    async def misspelt(chat: Chat, call_nxt: CallNext) -> None: ...

    async def without(chat: Chat) -> None: ...

    async def variadic(*args: Any) -> None: ...

    with pytest.raises(RouteError, match="is async"):
        Bot().middleware(lambda chat, call_next: None)

    mistakes = ((misspelt, 'did you mean "call_next"'), (without, "takes call_next"), (variadic, "names its arguments"))
    for wrong, why in mistakes:
        with pytest.raises(RouteError, match=why) as told:
            Bot().middleware(wrong)
        assert "test_middleware.py:" in str(told.value)


async def test_what_it_wants_is_provided() -> None:
    class Missing: ...

    bot = Bot()

    @bot.middleware
    async def wants(call_next: CallNext, missing: Missing) -> None: ...

    with pytest.raises(RouteError, match="nothing provides Missing"):
        async with bot.running():
            pass


async def test_a_timeout_of_a_middleware_is_a_failure_with_a_name(house: Any) -> None:
    bot = Bot()

    @bot.middleware
    async def hurried(call_next: CallNext) -> str | None:
        try:
            return await asyncio.wait_for(call_next(), 0.05)
        except TimeoutError:
            return "never said"

    @bot.on("slow")
    async def slow(chat: Chat) -> str:
        await chat.step(asyncio.sleep, 5)
        return "done"

    @bot.on_error(TimeoutError)
    def late() -> str:
        return "Too slow, sorry."

    h: House = await house(bot)
    await h.text(ANN, "slow")
    assert await h.heard(ANN) == ["Too slow, sorry."]


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
async def test_a_conversation_sees_the_context_of_its_turn(house: Any, replayed: bool) -> None:
    bot, session = Bot(), contextvars.ContextVar[dict[str, bool]]("session")

    @bot.middleware
    async def opened(call_next: CallNext) -> str | None:
        own = {"open": True}
        token = session.set(own)
        try:
            return await call_next()
        finally:
            own["open"] = False
            session.reset(token)

    @bot.on("ask")
    async def ask(chat: Chat) -> str:
        name = await chat.ask("Name?")
        return f"{name} {session.get()}"

    @bot.on("blocking", blocking=True)
    def blocks() -> str:
        return f"{session.get()}"

    h: House = await house(bot)
    await h.text(ANN, "ask")
    if replayed:
        await h.restart()
    await h.text(ANN, "Ann")
    await h.text(ANN, "blocking")
    assert await h.heard(ANN) == ["Name?", "Ann {'open': True}", "{'open': True}"]


async def test_what_is_no_text_has_none(house: Any) -> None:
    bot, seen = Bot(), list[str]()

    @bot.middleware
    async def note(call_next: CallNext, text: str) -> str | None:
        seen.append(text)
        return await call_next()

    @bot.on("go")
    def go(chat: Chat) -> None:
        chat.goto("waiting", timeout="5m", then="late")

    @bot.state("waiting")
    def waiting() -> None: ...

    @bot.state("late")
    def late(chat: Chat, text: str) -> None:
        seen.append(text)
        chat.end("late")

    @bot.event("shipped")
    def shipped() -> None: ...

    h: House = await house(bot)
    await h.text(ANN, "go")
    await h.advance("6m")
    await bot.start("shipped", {}, to=ANN)
    await h.advance("1s")
    assert seen == ["go", "", "", ""]
