"""The terms of questions and texts: checks of an answer, several reminders, durations, states by handler, references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypedDict

import pydantic
import pytest

from smsbot import Bot, Chat, Delivery, NoReply, TooManyTries, UsageError, integer

from ..house import ANN, BOB, House


def even(n: int) -> bool:
    return n % 2 == 0


def small(n: int) -> str | None:
    return f"{n} is too much." if n > 6 else None


def decent(n: int) -> None:
    if n == 4:
        raise ValueError("Not 4, please.")


async def later(n: int) -> bool:
    return True


def asking(check: Any, **terms: Any) -> Bot:
    bot = Bot()

    @bot.on("go", "go {n:int}")
    async def go(chat: Chat) -> str:
        most = 6
        try:
            n = await chat.ask("How many?", integer(1, 99), check=check or (lambda n: n <= most), tries=2, **terms)
        except TooManyTries:
            return "Too often."
        again = await chat.ask("And your name?")
        return f"{n} for {again}"

    return bot


HINT = " A number from 1 to 99."
CHECKS: list[tuple[str, Any, list[str], list[str]]] = [
    ("False asks again", even, ["go", "3", "4", "Ann"], ["How many?", "How many?", "And your name?", "4 for Ann"]),
    ("a text is said", small, ["go", "9", "5"], ["How many?", "9 is too much.", "And your name?"]),
    ("so is that of a ValueError", decent, ["go", "4", "5"], ["How many?", "Not 4, please.", "And your name?"]),
    ("a lambda with what is around it", None, ["go", "9", "6"], ["How many?", "How many?", "And your name?"]),
    (
        "tries are counted",
        even,
        ["go", "3", "x", "5"],
        ["How many?", "How many?", "How many?", "Too often."],
    ),
    ("a hole is looked at", even, ["go 3", "4"], ["How many?", "And your name?"]),
    ("a good hole answers", even, ["go 4"], ["And your name?"]),
]


@pytest.mark.parametrize("replayed", [False, True], ids=["live", "replayed"])
@pytest.mark.parametrize(("name", "check", "texts", "heard"), CHECKS, ids=[c[0] for c in CHECKS])
async def test_an_answer_is_looked_at(
    house: Any, name: str, check: Any, texts: list[str], heard: list[str], replayed: bool
) -> None:
    h: House = await house(asking(check))
    for text in texts:
        await h.text(ANN, text)
        if replayed:
            await h.restart()
    assert [t.removesuffix(HINT) for t in await h.heard(ANN)] == heard


async def test_a_check_that_is_wrong_itself_is_a_mistake(house: Any) -> None:
    h: House = await house(asking(lambda n: 7))
    await h.text(ANN, "go")
    await h.text(ANN, "4")
    assert "check= returned int" in await h.trouble_of(ANN)


async def test_a_late_answer_is_looked_at_too(house: Any) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        try:
            return f"got {await chat.ask('How many?', int, check=even, timeout='1m', late='1h')}"
        except NoReply:
            return "gone"

    h: House = await house(bot)
    await h.text(ANN, "go")
    await h.advance("2m")
    await h.text(ANN, "3")
    await h.text(ANN, "4")
    assert (await h.heard(ANN))[-1] == "got 4"


FLOW = """\
flow: visit
start: visit
steps:
  - ask: day
    say: "Which day?"
    remind: [5m, {after: 1h, say: "Still there?"}, {after: 2h, say: "Last call."}]
    timeout: 3h
  - {say: "See you {day}.", end: done}
"""


def reminding(folder: Path, kind: str) -> Bot:
    if kind == "yaml":
        (folder / "visit.yaml").write_text(FLOW, encoding="utf-8")
        return Bot(flows=folder / "visit.yaml")
    bot = Bot()

    @bot.on("visit")
    async def visit(chat: Chat) -> str:
        day = await chat.ask(
            "Which day?",
            remind=["5m", (timedelta(hours=1), "Still there?"), (7200, "Last call.")],
            timeout=timedelta(hours=3),
        )
        return f"See you {day}."

    return bot


@pytest.mark.parametrize("kind", ["python", "yaml"])
async def test_several_reminders(house: Any, tmp_path: Path, kind: str) -> None:
    h: House = await house(reminding(tmp_path, kind))
    await h.text(ANN, "visit")
    await h.text(BOB, "visit")
    for time, heard in (("4m", 1), ("2m", 2), ("50m", 2), ("5m", 3), ("1h", 4), ("50m", 4)):
        await h.advance(time)
        await h.restart()
        assert len(await h.heard(ANN)) == heard, time
        if time == "5m":
            await h.text(BOB, "Monday")
    assert await h.heard(ANN) == ["Which day?", "Which day?", "Still there?", "Last call."]
    assert await h.heard(BOB) == ["Which day?", "Which day?", "Still there?", "See you Monday."]
    await h.text(ANN, "Friday")
    assert (await h.heard(ANN))[-1] == "See you Friday."


@pytest.mark.parametrize("kind", ["python", "yaml"])
async def test_of_overdue_reminders_the_last_is_said(house: Any, tmp_path: Path, kind: str) -> None:
    h: House = await house(reminding(tmp_path, kind))
    await h.text(ANN, "visit")
    await h.stop()
    h.clock.move_to(h.clock.now() + 2.5 * 3600)
    await h.start()
    await h.settle()
    await h.advance("1s")
    assert await h.heard(ANN) == ["Which day?", "Last call."]


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"remind": ["1h", "5m"]}, "one after the other"),
        ({"remind": ["5m", "5m"]}, "one after the other"),
        ({"remind": ["5m", "30h"]}, "before the timeout"),
        ({"remind": [("5m", 7)]}, "a duration and a text"),
        ({"check": 7}, "a function that looks"),
        ({"check": later}, "it decides at once"),
        ({"timeout": object()}, "is not a duration"),
        ({"validate": even}, "a question takes no 'validate'"),
    ],
)
async def test_terms_that_cannot_be_meant(house: Any, terms: dict[str, Any], why: str) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return str(await chat.ask("How many?", int, **terms))

    h: House = await house(bot)
    await h.text(ANN, "go")
    assert why in await h.trouble_of(ANN)


@pytest.mark.parametrize(
    ("remind", "why"),
    [("[1h, 5m]", "one after the other"), ("[5m, 4h]", "after the timeout"), ("[]", "")],
)
def test_reminders_of_a_flow_that_cannot_be_meant(tmp_path: Path, remind: str, why: str) -> None:
    from smsbot.checks.proof import examine
    from smsbot.core.problem import render

    text = FLOW.replace('[5m, {after: 1h, say: "Still there?"}, {after: 2h, say: "Last call."}]', remind)
    (tmp_path / "visit.yaml").write_text(text, encoding="utf-8")
    _, problems = examine(Bot("visit", flows=tmp_path / "visit.yaml"))
    told = "\n".join(map(render, problems))
    assert why in told
    assert bool(told) is bool(why)


async def test_a_state_by_its_handler(house: Any) -> None:
    bot = Bot()

    @bot.state("rating")
    def rated(chat: Chat, text: str) -> str:
        chat.end("rated")
        return f"Thanks for {text}."

    @bot.state("late")
    def late(chat: Chat) -> str:
        chat.end("late")
        return "Never mind."

    @bot.on("rate")
    def rate(chat: Chat) -> str:
        chat.goto(rated, timeout=timedelta(minutes=5), then=late)
        return "1 to 5?"

    @bot.on("wrong")
    def wrong(chat: Chat) -> None:
        chat.goto(rate)

    h: House = await house(bot)
    await h.text(ANN, "rate")
    await h.text(ANN, "5")
    await h.text(ANN, "rate")
    await h.advance("6m")
    assert await h.heard(ANN) == ["1 to 5?", "Thanks for 5.", "1 to 5?", "Never mind."]
    await h.text(BOB, "wrong")
    assert "rate has no @bot.state above it" in await h.trouble_of(BOB)


async def test_a_report_says_what_its_text_was_called(house: Any) -> None:
    bot, seen = Bot(), list[tuple[str, str]]()

    @bot.on("order")
    def order(chat: Chat) -> None:
        chat.say("It is on its way.", ref="order-7")
        chat.say("Anything else?")

    @bot.on_delivery("delivered")
    def arrived(report: Delivery) -> None:
        seen.append((report.text, report.ref))

    h: House = await house(bot)
    await h.text(ANN, "order")
    await bot.send(ANN, "Ready.", ref="order-8")
    await h.settle()
    await h.advance("1m")
    assert seen == [("It is on its way.", "order-7"), ("Anything else?", ""), ("Ready.", "order-8")]


# -- events of a type -------------------------------------------------------------------------------


@dataclass
class Parcel:
    order: str
    weight: int = 1


class Visit(pydantic.BaseModel):
    day: date
    doctor: str


class Storm(TypedDict):
    hours: int


def typed() -> tuple[Bot, list[Any]]:
    bot, seen = Bot(), list[Any]()

    @bot.event("parcel")
    def parcel(chat: Chat, event: Parcel) -> None:
        seen.append((chat.event, chat.message.text, event))

    @bot.event("visit")
    async def visit(chat: Chat, event: Visit) -> str:
        ok = await chat.confirm(f"{event.doctor} on {event.day}?")
        return f"{event.doctor}: {ok}"

    @bot.event("storm")
    def storm(event: Storm) -> None:
        seen.append(event)

    @bot.on("hi")
    def hi(chat: Chat) -> str:
        return f"hi {chat.event!r}"

    @bot.on("begin")
    def begin(chat: Chat) -> None:
        chat.start("parcel", Parcel("9"))

    @bot.on("misbegin")
    def misbegin(chat: Chat) -> None:
        chat.start("parcel", {"weight": "heavy"})

    @bot.on("misname")
    def misname(chat: Chat) -> None:
        chat.start("parcels", {})

    return bot, seen


async def test_an_event_is_built_as_its_handler_says(house: Any) -> None:
    bot, seen = typed()
    h: House = await house(bot)
    await bot.start("parcel", {"order": "7", "weight": "3"}, to=ANN)
    await bot.start("parcel", Parcel("8"), to=ANN)
    await h.text(ANN, "begin")
    await bot.start("storm", {"hours": "5"}, to=ANN)
    await h.advance("2s")
    assert seen == [
        ("parcel", "", Parcel("7", 3)), ("parcel", "", Parcel("8")), ("parcel", "", Parcel("9")), {"hours": 5},
    ]  # fmt: skip
    await bot.start("visit", Visit(day=date(2026, 12, 1), doctor="Nowak"), to=ANN)
    await h.advance("2s")
    await h.restart()
    await h.text(ANN, "yes")
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == ["Nowak on 2026-12-01?", "Nowak: True", "hi ''"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("parcel", {}, ["order Field required"]),
        ("parcel", {"weight": "heavy"}, ["order", "weight"]),
        ("visit", {"day": "soon"}, ["day", "doctor"]),
        ("storm", {"hours": "many"}, ["hours"]),
        ("parcl", {}, ['did you mean "parcel"']),
        ("parcel", ["order"], ["a mapping"]),
    ],
)
async def test_data_that_do_not_fit_begin_nothing(house: Any, name: str, data: Any, why: list[str]) -> None:
    bot, seen = typed()
    h: House = await house(bot)
    with pytest.raises(UsageError) as told:
        await bot.start(name, data, to=ANN)
    for each in why:
        assert each in str(told.value)
    assert seen == []
    assert await h.trouble_of(ANN) == ""


@pytest.mark.parametrize(("word", "why"), [("misbegin", "order Field required"), ("misname", 'did you mean "parcel"')])
async def test_a_handler_cannot_begin_what_does_not_fit(house: Any, word: str, why: str) -> None:
    bot, _ = typed()
    h: House = await house(bot)
    await h.text(ANN, word)
    assert why in await h.trouble_of(ANN)


async def test_what_was_stored_before_its_type_changed_holds_up_nobody(house: Any) -> None:
    """A deploy in between: the event is a dead letter at once, and what comes behind it goes on."""
    bot, seen = typed()
    h: House = await house(bot)
    later = h.clock.now() + 60
    from datetime import UTC, datetime

    await bot.start("parcel", {"order": "7"}, to=ANN, at=datetime.fromtimestamp(later, UTC))
    newer = Bot()

    @newer.event("parcel")
    def parcel(event: Visit) -> None:
        seen.append(event)

    newer.on("hi")(_says("hello"))
    await h.stop()
    h._bots = {"bot": newer}
    await h.start()
    await h.advance("2m")
    assert "do not fit Visit" in await h.trouble_of(ANN)
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == ["hello"]


def _says(text: str) -> Callable[[], str]:
    def handler() -> str:
        return text

    return handler
