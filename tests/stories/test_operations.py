"""What the desk does: pauses and resumes, failed texts sent again, failed turns taken again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import UsageError
from smsbot.pipeline.repairs import scope_of

from ..house import ANN, BOB, LINE, House
from ..tables import sql

EVERYTHING: dict[str, Any] = {"scopes": [("all", "")], "everything": True}


def bot() -> Bot:
    made = Bot(timeout="10m")

    @made.on("order")
    async def order(chat: Chat) -> str:
        qty = await chat.ask("How many?")
        return f"{qty}, on their way"

    @made.fallback
    def count(chat: Chat, text: str) -> str:
        chat.contact["n"] = chat.contact.get("n", 0) + 1
        return f"{chat.contact['n']}: {text}"

    return made


async def pause(h: House, **how: Any) -> None:
    await h.app.commands.table()["pause"](**(how or EVERYTHING), why="")


async def resume(h: House, **how: Any) -> None:
    await h.app.commands.table()["resume"](**(how or EVERYTHING))
    await h.settle()


async def test_a_pause_records_what_comes_and_answers_it_in_order_later(house: Any) -> None:
    h: House = await house(bot())
    await h.text(ANN, "a")
    await pause(h)
    await h.text(ANN, "b", "c")
    await h.text(BOB, "x")
    assert await h.heard(ANN) == ["1: a"]
    assert len(await h.events()) == 4, "what came in is recorded"
    await h.restart()
    await h.text(ANN, "d")
    assert await h.heard(ANN) == ["1: a"]
    await resume(h)
    assert await h.heard(ANN) == ["1: a", "2: b", "3: c", "4: d"]
    assert await h.heard(BOB) == ["1: x"]


async def test_stop_is_obeyed_and_confirmed_in_a_pause(house: Any) -> None:
    h: House = await house(bot())
    await pause(h)
    await h.text(ANN, "hello", "STOP")
    assert len(await h.heard(ANN)) == 1
    assert "no more" in (await h.heard(ANN))[0]
    await resume(h)
    assert len(await h.heard(ANN)) == 1, "what was said before the STOP is not answered after it"


async def test_what_waited_too_long_expires_instead_of_leaving(house: Any) -> None:
    h: House = await house(bot())
    await pause(h, scopes=[("lane", "reply")], everything=False)
    await h.text(ANN, "a")
    assert [r["status"] for r in await h.outgoing()] == ["queued"], "in a lane's pause conversations go on"
    await h.advance("2h")
    await resume(h)
    assert await h.heard(ANN) == []
    assert [r["status"] for r in await h.outgoing()] == ["expired"]


async def test_a_timeout_in_a_pause_is_served_after_it_and_behind_the_answer_that_came_before(house: Any) -> None:
    h: House = await house(bot())
    await h.text(ANN, "order")
    await pause(h)
    await h.text(ANN, "two")
    await h.advance("20m")
    await resume(h)
    assert await h.heard(ANN) == ["How many?", "two, on their way"]


async def test_a_line_alone_is_paused(house: Any) -> None:
    h: House = await house({"a": bot(), "b": bot()}, lines={"a": (LINE,), "b": ("7255",)})
    await pause(h, scopes=[("line", "7255")], everything=False)
    await h.inbound(id="1", **{"from": ANN}, to="7255", message="x")
    await h.text(ANN, "y")
    assert await h.heard(ANN) == ["1: y"]
    await resume(h)
    assert await h.heard(ANN) == ["1: y", "2: x"]


LINES = {"pizza": ["+48732000111", "7255"], "echo": ["7256"]}


@pytest.mark.parametrize(
    ("what", "scopes"),
    [
        ("", [("all", "")]),
        ("pizza", [("line", "+48732000111"), ("line", "7255")]),
        ("7256", [("line", "7256")]),
        ("bulk", [("lane", "bulk")]),
    ],
)
def test_what_a_word_pauses(what: str, scopes: list[tuple[str, str]]) -> None:
    assert scope_of(what, LINES) == scopes


def test_a_word_that_pauses_nothing() -> None:
    with pytest.raises(UsageError, match='"piza" is no bot, line, lane or account; did you mean "pizza"'):
        scope_of("piza", LINES)


async def again(h: House, what: str = "send_again", **how: Any) -> int:
    chosen = {"since": 0.0, "line": "", "reason": "", "statuses": ["failed"], **how}
    done: int = await h.app.commands.table()[what](**chosen)
    await h.settle()
    return done


async def test_failed_texts_are_sent_again_once(house: Any) -> None:
    h: House = await house(bot())
    h.provider.next = ["400", "400", "422"]
    await h.text(ANN, "a", "b")
    await h.text(BOB, "c")
    assert await again(h, reason="422") == 1
    assert await h.heard(BOB) == ["1: c"]
    assert await again(h) == 2
    assert await h.heard(ANN) == ["1: a", "2: b"]
    assert await again(h) == 0, "what was sent again is not sent a third time"
    first = next(r for r in await h.outgoing() if r["status"] == "failed")
    assert "sent again as" in first["detail"]


async def test_what_fails_again_may_be_tried_again(house: Any) -> None:
    h: House = await house(bot())
    h.provider.next = ["400", "400"]
    await h.text(ANN, "a")
    assert await again(h) == 1
    assert await again(h) == 1
    assert await h.heard(ANN) == ["1: a"]


async def test_who_has_opted_out_gets_nothing_again(house: Any) -> None:
    h: House = await house(bot())
    h.provider.next = ["400"]
    await h.text(ANN, "a")
    await h.text(ANN, "STOP")
    await again(h)
    assert "1: a" not in await h.heard(ANN)


@pytest.mark.slow
async def test_a_held_unknown_is_sent_again_only_by_name(house: Any) -> None:
    h: House = await house(bot())
    h.provider.next = ["lost"]
    h.provider.look_ups_fail = 10**6
    await h.text(ANN, "a")
    await h.advance("25h")
    h.provider.look_ups_fail = 0
    assert [r["status"] for r in await h.outgoing()] == ["unknown"]
    assert await again(h) == 0
    assert (await h.app.store.rows("counts"))[0]["unknown"] == 1
    assert await again(h, statuses=["unknown"]) == 1
    assert await h.heard(ANN) == ["1: a"]
    assert (await h.app.store.rows("counts"))[0]["unknown"] == 0, "somebody has decided, so it asks for nobody any more"


async def test_dead_letters_are_taken_again(house: Any) -> None:
    broken = [True]
    made = Bot()

    @made.fallback
    def answer(text: str) -> str:
        if broken:
            raise ValueError("the kitchen burns")
        return f"got {text}"

    h: House = await house(made)
    await h.text(ANN, "a", "b")
    await h.advance("1h")
    assert await h.heard(ANN) == []
    broken.clear()
    assert await again(h, "take_again", reason="kitchen") == 2
    assert await h.heard(ANN) == ["got a", "got b"]
    assert await again(h, "take_again") == 0


async def test_dead_letters_that_are_asked_for_twice_at_once_are_taken_once(house: Any) -> None:
    broken = [True]
    made = Bot()

    @made.fallback
    def answer(chat: Chat, text: str) -> str:
        if broken:
            raise ValueError("the kitchen burns")
        chat.contact["n"] = chat.contact.get("n", 0) + 1
        return f"{chat.contact['n']}: {text}"

    h: House = await house(made)
    await h.text(ANN, "a", "b")
    await h.advance("1h")
    broken.clear()
    chosen: dict[str, Any] = {"since": 0.0, "line": "", "reason": "", "statuses": []}
    done = await asyncio.gather(*(h.app.commands.table()["take_again"](**chosen) for _ in range(3)))
    assert sorted(done) == [0, 0, 2]
    await h.settle()
    await h.text(ANN, "c")
    assert await h.heard(ANN) == ["1: a", "2: b", "3: c"]


async def test_a_pause_in_the_middle_of_a_turn_loses_no_text(house: Any) -> None:
    """The handler waits while the pause begins: its text is acknowledged, and answered once."""
    waiting, go_on = asyncio.Event(), asyncio.Event()
    made = Bot()

    @made.fallback
    async def answer(chat: Chat, text: str) -> str:
        waiting.set()
        await go_on.wait()
        return f"got {text}"

    h: House = await house(made)
    task = asyncio.create_task(h.inbound(id="1", **{"from": ANN}, to=LINE, message="a"))
    await waiting.wait()
    await pause(h)
    go_on.set()
    assert (await task).status_code == 200
    await h.inbound(id="2", **{"from": ANN}, to=LINE, message="b")
    await resume(h)
    assert await h.heard(ANN) == ["got a", "got b"]
    assert await h.app.store.unread(0, 10) == []


async def test_a_failed_turn_in_a_pause_wakes_nobody(house: Any) -> None:
    broken = [True]
    made = Bot()

    @made.fallback
    def answer(text: str) -> str:
        if broken:
            raise ValueError("no")
        return f"got {text}"

    h: House = await house(made)
    await h.text(ANN, "a")
    await pause(h)
    await h.advance("1h")
    broken.clear()
    await h.advance("1h")
    assert await h.heard(ANN) == []
    await resume(h)
    await h.advance("1m")
    row = (await h.outgoing())[0]
    assert (row["text"], row["status"]) in (("got a", "delivered"), ("got a", "expired"))


async def test_metrics_count_and_tell_nothing_personal(house: Any) -> None:
    h: House = await house(bot())
    h.provider.next = ["400"]
    await h.text(ANN, "my code is 123456")
    await h.text(ANN, "second")
    await h.text(BOB, "STOP")
    page = (await h.http.get("/metrics")).text
    assert f'smsbot_messages_received_total{{kind="text",line="{LINE}"}} 2.0' in page
    assert f'smsbot_texts{{line="{LINE}",status="failed"}} 1.0' in page
    assert f'smsbot_texts{{line="{LINE}",status="delivered"}} 2.0' in page
    assert "smsbot_numbers_opted_out 1.0" in page
    assert "123456" not in page
    assert ANN not in page


@pytest.mark.parametrize("each", [-1, 7, 50_000])
async def test_totals_are_those_of_all_rows_however_they_were_tallied(
    house: Any, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    monkeypatch.setattr("smsbot.stores.sqlite._TALLY_EACH", each)
    h: House = await house(bot())

    async def counted() -> None:
        came = sql(
            h.app.settings.place,
            "SELECT 'in', line, kind, count(*), 0 FROM events WHERE kind = 'text' OR kind = 'optout' GROUP BY 2, 3",
        )
        went = sql(h.app.settings.place, "SELECT 'out', line, status, count(*), sum(parts) FROM outgoing GROUP BY 2, 3")
        rows = sorted([*came, *went])
        totals = await h.app.store.rows("totals")
        assert sorted(tuple(row.values()) for row in totals) == rows

    h.provider.next = ["400", "429", "500"]
    for round_ in range(3):
        for number in (ANN, BOB):
            await h.text(number, f"{round_} " + "ą" * 90 * round_, "order")
            await counted()
        await h.advance("10m")
        await counted()
        await h.restart()
        await counted()
    await h.text(BOB, "STOP")
    await counted()
