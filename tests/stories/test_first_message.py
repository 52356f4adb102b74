"""The path of one SMS, seen by the person and by the provider."""

from __future__ import annotations

import asyncio
from typing import Any

from smsbot import Bot, Chat, Delivery

from ..house import ANN, BOB, LINE, House
from ..tables import sql


def counter() -> Bot:
    """Answers every text with its number, so that doubled or lost turns show."""
    bot = Bot()

    @bot.fallback
    def count(chat: Chat, text: str) -> str:
        chat.contact["n"] = chat.contact.get("n", 0) + 1
        return f"{chat.contact['n']}: {text}"

    return bot


async def test_a_text_is_answered_and_delivered(house: Any) -> None:
    h: House = await house(counter())
    await h.text(ANN, "hello")
    assert await h.transcript(ANN) == ["> hello", "< 1: hello"]
    assert [row["status"] for row in await h.outgoing()] == ["delivered"]


async def test_the_same_webhook_ten_times_at_once_is_one_turn(house: Any) -> None:
    h: House = await house(counter())
    body = {"id": "m1", "from": ANN, "to": LINE, "message": "hi", "time": "2026-11-23T10:00:00Z"}
    answers = await asyncio.gather(*(h.inbound(**body) for _ in range(10)))
    assert [a.status_code for a in answers] == [200] * 10
    await h.advance("8d")
    assert (await h.inbound(**body)).status_code == 200
    await h.restart()
    assert (await h.inbound(**body)).status_code == 200
    await h.settle()
    assert await h.heard(ANN) == ["1: hi"]
    assert len(await h.events()) == 1


async def test_two_texts_at_once_are_two_turns_in_order(house: Any) -> None:
    h: House = await house(counter())
    await asyncio.gather(*(h.inbound(id=f"m{i}", **{"from": ANN}, to=LINE, message=str(i)) for i in range(20)))
    await h.advance("5s")
    assert await h.heard(ANN) == [f"{i + 1}: {i}" for i in range(20)]


async def test_one_twice_without_ids_and_times(house: Any) -> None:
    h: House = await house(counter())
    body = {"from": ANN, "to": LINE, "message": "1"}
    await h.inbound(**body)
    await h.inbound(**body)
    await h.advance("59s")
    await h.inbound(**body)
    await h.advance("2s")
    await h.inbound(**body)
    await h.advance("1s")
    assert await h.heard(ANN) == ["1: 1", "2: 1"]


async def test_without_an_id_the_provider_s_time_tells_texts_apart(house: Any) -> None:
    h: House = await house(counter())
    for time in ("10:00", "10:00", "10:01"):
        await h.inbound(**{"from": ANN}, to=LINE, message="1", time=time)
    await h.advance("1s")
    assert await h.heard(ANN) == ["1: 1", "2: 1"]


async def test_an_array_of_texts_is_answered_once_all_are_durable(house: Any) -> None:
    h: House = await house(counter())
    texts = [{"id": f"a{i}", "from": ANN, "to": LINE, "message": str(i)} for i in range(5)]
    answer = await h.http.post(h.hook("inbound"), json=texts)
    assert answer.status_code == 200
    assert len(await h.events()) == 5
    await h.advance("2s")
    assert await h.heard(ANN) == [f"{i + 1}: {i}" for i in range(5)]


async def test_three_spellings_are_one_person_on_a_polish_line(house: Any) -> None:
    h: House = await house(counter())
    for i, spelling in enumerate(("600100200", "48600100200", "+48600100200", "0048 600 100 200")):
        await h.inbound(id=f"s{i}", **{"from": spelling}, to=LINE.lstrip("+"), message="x")
    await h.advance("2s")
    assert await h.heard(ANN) == ["1: x", "2: x", "3: x", "4: x"]


async def test_the_reply_leaves_from_the_line_that_was_texted(house: Any) -> None:
    def named(name: str) -> Bot:
        bot = Bot()
        bot.fallback(lambda: name)
        return bot

    h: House = await house(
        {"long": named("long"), "short": named("short")}, lines={"long": (LINE,), "short": ("7255",)}
    )
    await h.text(ANN, "hi", to="7255")
    await h.text(ANN, "hi")
    replies = [(e["line"], e["text"]) for e in await h.thread(ANN) if e["direction"] == "out"]
    assert replies == [("7255", "short"), (LINE, "long")]


async def test_a_phone_that_is_off_expires_and_a_full_one_is_undelivered(house: Any) -> None:
    h: House = await house(counter())
    await h.mode(ANN, "off")
    await h.mode(BOB, "full")
    await h.text(ANN, "a")
    await h.text(BOB, "b")
    assert [r["status"] for r in await h.outgoing()] == ["sent", "undelivered"]
    await h.advance("2h")
    assert [r["status"] for r in await h.outgoing()] == ["expired", "undelivered"]
    page = (await h.http.get("/")).text
    assert "expired" in page
    assert "undelivered" in page


async def test_a_phone_that_is_switched_on_gets_what_waited(house: Any) -> None:
    h: House = await house(counter())
    await h.mode(ANN, "off")
    await h.text(ANN, "a")
    await h.mode(ANN, "on")
    await h.settle()
    assert [r["status"] for r in await h.outgoing()] == ["delivered"]


async def test_reports_twice_or_out_of_order_do_not_lower_a_status(house: Any) -> None:
    h: House = await house(counter())
    for number, mode in ((ANN, "duplicate"), (BOB, "reorder")):
        await h.mode(number, mode)
        await h.text(number, "x")
    assert [r["status"] for r in await h.outgoing()] == ["delivered", "delivered"]


async def test_a_report_for_a_text_that_is_not_known_is_kept(house: Any) -> None:
    h: House = await house(counter())
    answer = await h.http.post(h.hook("status"), json={"externalId": "somebody-elses", "status": 21})
    assert answer.status_code == 200
    unknown = await h.http.post(h.hook("status"), json=[{"externalId": "x", "status": 77}])
    assert unknown.status_code == 200
    kept = sql(h.app.settings.place, "SELECT raw, status FROM receipts ORDER BY raw")
    assert kept == [("21", "delivered"), ("77", "")]


async def test_delivery_wakes_a_handler_once(house: Any) -> None:
    bot = Bot()
    seen: list[str] = []

    @bot.on("hi")
    def hi() -> str:
        return "hello"

    @bot.on_delivery("delivered", "undelivered")
    def report(chat: Chat, report: Delivery) -> None:
        seen.append(f"{report.status} {report.text}")

    h: House = await house(bot)
    await h.mode(ANN, "duplicate")
    await h.text(ANN, "hi")
    await h.mode(BOB, "full")
    await h.text(BOB, "hi")
    assert seen == ["delivered hello", "undelivered hello"]


async def test_several_texts_of_a_turn_keep_their_order(house: Any) -> None:
    bot = Bot()

    @bot.on("count")
    def count(chat: Chat) -> None:
        for i in range(8):
            chat.say(f"line {i}")

    h: House = await house(bot)
    await h.text(ANN, "count")
    await h.text(ANN, "count")
    assert await h.heard(ANN) == [f"line {i}" for i in range(8)] * 2


async def test_the_conversation_survives_a_restart(house: Any) -> None:
    from bots.pizza import bot

    h: House = await house(bot)
    for text in ("pizza", "2", "3", "Main St 1", "yes"):
        await h.text(ANN, text)
        await h.restart()
    assert await h.transcript(ANN) == [
        "> pizza",
        "< Size? 1) Small $8  2) Medium $11  3) Large $14",
        "> 2",
        "< How many (1-9)?",
        "> 3",
        "< Delivery address?",
        "> Main St 1",
        "< 3 x M, $33. OK? YES or NO",
        "> yes",
        "< On its way!",
    ]


async def test_a_timeout_fires_after_a_restart_and_a_clock_jump(house: Any) -> None:
    from bots.pizza import bot

    h: House = await house(bot)
    await h.text(ANN, "pizza")
    await h.restart()
    await h.advance("9m")
    assert len(await h.heard(ANN)) == 1
    await h.advance("10m")
    assert (await h.heard(ANN))[-1] == "Text PIZZA to start again."
    await h.text(ANN, "2")
    assert (await h.heard(ANN))[-1] == "Text PIZZA to order."


async def test_an_answer_cancels_the_timeout(house: Any) -> None:
    from bots.pizza import bot

    h: House = await house(bot)
    await h.text(ANN, "pizza")
    await h.advance("9m")
    await h.text(ANN, "1")
    await h.advance("9m")
    assert "start again" not in " ".join(await h.heard(ANN))
    await h.advance("2m")
    assert (await h.heard(ANN))[-1] == "Text PIZZA to start again."


async def test_help_is_answered_and_the_question_asked_again(house: Any) -> None:
    from bots.pizza import bot

    h: House = await house(bot)
    await h.text(ANN, "pizza")
    await h.text(ANN, "HELP!")
    assert (await h.heard(ANN))[1:] == ["We sell pizza. Text STOP to leave.", (await h.heard(ANN))[0]]
    await h.text(ANN, "small")
    assert (await h.heard(ANN))[-1] == "How many (1-9)?"
