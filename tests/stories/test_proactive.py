"""What a bot begins by itself: events, starts that wait for the person, ticks; in YAML and in Python."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat, NoReply, UsageError
from smsbot.core.errors import StoreError

from ..house import ANN, BOB, House

FLOW = """
flow: reminder
start: {event: remind, busy: queue, valid: 4h, key: event.id}
steps:
  - {ask: ok, type: yes_no, say: "{event.child} at {event.at}? YES or NO", timeout: {after: 20h, then: silent}}
  - {say: "{event.child}: {'yes' if ok else 'no'}.", end: answered}
  - {id: silent, end: silent}
"""


def in_python(folder: Path) -> Bot:
    bot = Bot()

    @bot.on("hello")
    async def hello(chat: Chat) -> str:
        return "Hello, " + await chat.ask("Your name?", timeout="2h")

    @bot.event("remind")
    async def remind(chat: Chat, event: dict[str, Any]) -> str:
        yes = await chat.confirm(f"{event['child']} at {event['at']}? YES or NO", timeout="20h")
        return f"{event['child']}: {'yes' if yes else 'no'}."

    return bot


def in_yaml(folder: Path) -> Bot:
    (folder / "reminder.yaml").write_text(FLOW, encoding="utf-8")
    bot = Bot(flows=str(folder / "reminder.yaml"))

    @bot.on("hello")
    async def hello(chat: Chat) -> str:
        return "Hello, " + await chat.ask("Your name?", timeout="2h")

    return bot


@pytest.fixture(params=[in_python, in_yaml], ids=["python", "yaml"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Bot:
    made: Bot = request.param(tmp_path)
    return made


def child(name: str, at: str = "10:00") -> dict[str, str]:
    return {"child": name, "at": at, "id": name}


async def test_two_children_one_phone_each_answer_goes_to_its_own_question(house: Any, bot: Bot) -> None:
    h: House = await house(bot)
    assert await h.app.commands.emit("remind", ANN, child("Ola")) == "started"
    await h.settle()
    assert await h.app.commands.emit("remind", ANN, child("Jan", "12:00")) == "queued"
    await h.settle()
    assert await h.heard(ANN) == ["Ola at 10:00? YES or NO"]
    await h.restart()
    await h.text(ANN, "yes")
    assert await h.heard(ANN) == ["Ola at 10:00? YES or NO", "Ola: yes.", "Jan at 12:00? YES or NO"]
    await h.restart()
    await h.text(ANN, "no")
    assert (await h.heard(ANN))[3:] == ["Jan: no."]


async def test_a_start_waits_for_an_open_conversation_and_expires(house: Any, bot: Bot) -> None:
    h: House = await house(bot)
    await h.text(ANN, "hello")
    assert await h.app.commands.emit("remind", ANN, child("Ola")) == "queued"
    await h.settle()
    assert await h.app.commands.emit("remind", ANN, child("Jan"), valid="30m") == "queued"
    await h.settle()
    assert await h.heard(ANN) == ["Your name?"]
    await h.advance("1h")
    await h.text(ANN, "Ann")
    assert await h.heard(ANN) == ["Your name?", "Hello, Ann", "Ola at 10:00? YES or NO"]
    await h.text(ANN, "yes")
    assert (await h.heard(ANN))[3:] == ["Ola: yes."]  # Jan's was not worth beginning any more


@pytest.mark.parametrize(
    ("busy", "heard"),
    [
        ("replace", ["Your name?", "Ola at 10:00? YES or NO"]),
        ("skip", ["Your name?"]),
        ("queue", ["Your name?"]),
    ],
)
async def test_busy(house: Any, bot: Bot, busy: str, heard: list[str]) -> None:
    h: House = await house(bot)
    await h.text(ANN, "hello")
    await h.app.commands.emit("remind", ANN, child("Ola"), busy=busy)
    await h.settle()
    assert await h.heard(ANN) == heard
    await h.text(ANN, "yes")
    answers = {"replace": ["Ola: yes."], "skip": ["Hello, yes"], "queue": ["Hello, yes", "Ola at 10:00? YES or NO"]}
    assert (await h.heard(ANN))[len(heard) :] == answers[busy]


async def test_the_same_key_counts_once(house: Any, bot: Bot) -> None:
    h: House = await house(bot)
    assert await h.app.commands.emit("remind", ANN, child("Ola"), key="7") == "started"
    await h.settle()
    assert await h.app.commands.emit("remind", ANN, child("Ola"), key="7") == "duplicate"
    await h.restart()
    assert await h.app.commands.emit("remind", ANN, child("Ola"), key="7") == "duplicate"
    await h.settle()
    assert await h.heard(ANN) == ["Ola at 10:00? YES or NO"]


async def test_a_key_is_a_persons_and_the_same_for_handlers_and_programs(house: Any) -> None:
    bot = Bot()

    @bot.event("ping")
    def ping() -> str:
        return "ping"

    @bot.on("go")
    def go(chat: Chat) -> str:
        chat.start("ping", to=ANN, key="today")
        chat.start("ping", to=BOB, key="today")
        return "ok"

    h: House = await house(bot)
    await h.text(ANN, "go")
    assert await h.app.commands.emit("ping", ANN, {}, key="today") == "duplicate"
    assert await h.heard(ANN) == ["ok", "ping"]
    assert await h.heard(BOB) == ["ping"]


async def test_what_waits_begins_in_its_order_also_after_a_failure(house: Any) -> None:
    bot = Bot()

    @bot.event("remind")
    async def remind(chat: Chat, event: dict[str, int]) -> None:
        try:
            await chat.ask(f"{event['n']}?", timeout="1h")
        except NoReply:
            raise ValueError("this deadline cannot be served") from None

    h: House = await house(bot)
    for n in range(5):
        await h.app.commands.emit("remind", ANN, {"n": n})
        await h.advance("1s")
    for _ in range(3):
        await h.text(ANN, "yes")
    assert await h.heard(ANN) == ["0?", "1?", "2?", "3?"]
    await h.advance("2h")
    assert await h.heard(ANN) == ["0?", "1?", "2?", "3?", "4?"]


async def test_ticks_of_one_name_run_each(house: Any) -> None:
    bot = Bot()
    ran: list[int] = []
    for n in range(2):

        @bot.every("0 9 * * *")
        def nine(n: int = n) -> None:
            ran.append(n)

    h: House = await house(bot)
    await h.advance("24h")
    assert sorted(ran) == [0, 1]


async def test_a_start_for_later_survives_a_restart(house: Any) -> None:
    bot = Bot()

    @bot.on("book")
    def book(chat: Chat) -> str:
        chat.start("visit", {"who": "Ann"}, at=chat.now + timedelta(days=2), key="visit-1")
        chat.start("visit", {"who": "twice"}, at=chat.now + timedelta(days=2), key="visit-1")
        return "Booked."

    @bot.event("visit")
    def visit(event: dict[str, str]) -> str:
        return f"{event['who']}, it is today."

    h: House = await house(bot)
    await h.text(ANN, "book")
    await h.advance("47h")
    await h.restart()
    assert await h.heard(ANN) == ["Booked."]
    await h.advance("61m")
    assert await h.heard(ANN) == ["Booked.", "Ann, it is today."]


async def test_what_fails_begins_nothing(house: Any) -> None:
    bot = Bot()

    @bot.on("book")
    def book(chat: Chat) -> str:
        chat.start("visit", at=chat.now + timedelta(hours=1))
        raise ValueError("no")

    @bot.event("visit")
    def visit() -> str:
        return "It is today."

    h: House = await house(bot)
    await h.text(ANN, "book")
    await h.advance("3h")
    assert await h.heard(ANN) == []


async def test_ticks_run_once_each(house: Any) -> None:
    """Also where the process begins again, or another one shares the database."""
    bot = Bot()
    at: list[datetime] = []

    @bot.event("morning")
    def morning(event: dict[str, int]) -> str:
        return f"Good morning {event['n']}."

    @bot.every("0 9 * * *")
    async def nine(now: datetime, bot: Bot) -> None:
        at.append(now)
        await bot.start("morning", {"n": len(at)}, to=ANN)

    h: House = await house(bot)
    await h.begin_at(datetime(2026, 6, 1, 4, 0, tzinfo=UTC).timestamp())
    await h.restart()
    await h.advance("2h")
    assert at == []
    await h.advance("2h")
    await h.restart()
    await h.advance("24h")
    assert [f"{t:%d %H:%M}" for t in at] == ["01 09:00", "02 09:00"]
    assert await h.heard(ANN) == ["Good morning 1.", "Good morning 2."]


async def test_time_waits_for_a_tick_that_the_database_keeps_waiting(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes on meanwhile would show the tick a later hour (seen on a busy machine)."""
    bot = Bot()
    at: list[datetime] = []

    @bot.every("0 9 * * *")
    def nine(now: datetime) -> None:
        at.append(now)

    h: House = await house(bot)
    await h.begin_at(datetime(2026, 6, 1, 4, 0, tzinfo=UTC).timestamp())
    await h.restart()
    once = h.app.store.once

    async def slowly(key: bytes, now: float) -> bool:
        await asyncio.sleep(0.1)
        return await once(key, now)

    monkeypatch.setattr(h.app.store, "once", slowly)
    await h.advance("4h")
    assert [f"{t:%d %H:%M}" for t in at] == ["01 09:00"]


async def test_a_tick_that_the_database_refuses_comes_again(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = Bot()
    at: list[datetime] = []

    @bot.every("0 9 * * *")
    def nine(now: datetime) -> None:
        at.append(now)

    h: House = await house(bot)
    await h.begin_at(datetime(2026, 6, 1, 6, 0, tzinfo=UTC).timestamp())
    once, refused = h.app.store.once, [1]

    async def refuses(key: bytes, now: float) -> bool:
        if refused:
            refused.pop()
            raise StoreError("the database is locked")
        return await once(key, now)

    monkeypatch.setattr(h.app.store, "once", refuses)
    await h.advance("2h")
    assert len(at) == 1


@dataclass
class Order:
    n: int


async def test_a_start_that_cannot_be_read_holds_up_nobody(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deploy has taken away the class of what it holds."""
    bot = Bot()

    @bot.on("later")
    def later(chat: Chat) -> str:
        chat.start("page", {"order": Order(1)}, at=chat.now + timedelta(minutes=10))
        return "ok"

    @bot.event("page")
    def page() -> str:
        return "paged"

    @bot.on("ask")
    async def ask(chat: Chat) -> str:
        return await chat.ask("Name?", timeout="20m")

    h: House = await house(bot)
    await h.text(ANN, "later")
    await h.text(BOB, "ask")
    with monkeypatch.context() as deploy:
        deploy.delattr(sys.modules[__name__], "Order")
        await h.restart()
        await h.advance("30m")
        view = await h.run_of(BOB)
        assert view is not None
        assert view.end == "abandoned"
        assert "Order, which no longer exists" in await h.trouble_of(ANN)


async def test_a_wrong_start_says_what_is_wrong(house: Any, bot: Bot) -> None:
    h: House = await house(bot)
    for wrong, why in (
        ({"name": "rmind"}, 'did you mean "remind"'),
        ({"number": "12"}, "not a phone number"),
        ({"busy": "maybe"}, "queue, replace or skip"),
        ({"valid": "soon"}, "soon"),
        ({"line": "+48732000999"}, "line"),
    ):
        asked: dict[str, Any] = {"name": "remind", "number": ANN, "data": child("Ola"), **wrong}
        with pytest.raises(UsageError, match=why):
            await h.app.commands.emit(**asked)
    assert await h.heard(ANN) == []


async def test_an_event_that_fails_is_seen(house: Any) -> None:
    bot = Bot()

    @bot.event("soon")
    def soon() -> str:
        raise KeyError

    h: House = await house(bot)
    await h.app.commands.emit("soon", ANN, {})
    await h.advance("5m")
    (row,) = await h.app.store.rows("thread", number=ANN, limit=9, before=1e15)
    assert row["text"] == "(event soon)"
    assert "dead letter: KeyError" in row["detail"]
    assert "(event soon)" in (await h.http.get("/")).text
