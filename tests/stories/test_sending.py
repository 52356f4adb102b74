"""C5 and C9: what becomes of a text when the provider refuses, throttles, vanishes or never answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import smsbot.app
from smsbot import Bot, Chat
from smsbot.core.errors import StoreError

from ..house import ANN, BOB, LINE, House


def greeter() -> Bot:
    bot = Bot()
    bot.on("hi")(lambda: "hello")

    @bot.on("two")
    def two(chat: Chat) -> None:
        chat.say("one")
        chat.say("two")

    return bot


async def statuses(h: House) -> list[str]:
    return [row["status"] for row in await h.outgoing()]


@pytest.mark.parametrize("mood", ["400", "404", "422", "302"])
async def test_a_refusal_is_failed_and_not_repeated(house: Any, mood: str) -> None:
    h: House = await house(greeter())
    h.provider.next = [mood]
    await h.text(ANN, "hi")
    await h.advance("2h")
    assert await statuses(h) == ["failed"]
    assert h.provider.sends == 1


async def test_no_connection_is_tried_again_until_it_works(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["down"] * 4
    await h.text(ANN, "hi")
    assert await statuses(h) == ["queued"]
    await h.restart()
    await h.advance("2m")
    assert await statuses(h) == ["delivered"]
    assert await h.heard(ANN) == ["hello"]


async def test_retry_after_is_obeyed(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["429 300"]
    await h.text(ANN, "hi")
    await h.advance("290s")
    assert h.provider.sends == 1
    await h.advance("15s")
    assert (h.provider.sends, await statuses(h)) == (2, ["delivered"])


async def test_a_throttled_text_is_not_overtaken(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["429 60"]
    await h.text(ANN, "two")
    await h.text(ANN, "hi")
    await h.text(BOB, "hi")
    assert await h.heard(ANN) == []
    assert await h.heard(BOB) == ["hello"]
    await h.advance("65s")
    assert await h.heard(ANN) == ["one", "two", "hello"]


async def test_an_unknown_text_that_arrived_is_found_and_not_resent(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["mute"]
    await h.text(ANN, "hi")
    await h.advance("10s")
    assert await h.heard(ANN) == ["hello"]
    assert await statuses(h) == ["delivered"]


@pytest.mark.parametrize("mood", ["lost", "500", "503"])
async def test_an_unknown_text_that_is_absent_twice_is_resent_once(house: Any, mood: str) -> None:
    h: House = await house(greeter())
    h.provider.next = [mood]
    await h.text(ANN, "hi")
    assert await statuses(h) == ["unknown"]
    await h.advance("0.5s")
    assert h.provider.sends == 1
    await h.advance("3s")
    assert await h.heard(ANN) == ["hello"]
    assert await statuses(h) == ["delivered"]


@pytest.mark.slow
async def test_what_nobody_can_look_up_for_a_day_is_held_and_listed(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["lost"]
    h.provider.look_ups_fail = 10**6
    await h.text(ANN, "hi")
    await h.advance("25h")
    rows = await h.outgoing()
    assert [r["status"] for r in rows] == ["unknown"]
    assert "could not be looked up for a day" in rows[0]["detail"]
    assert "unknown, held" in (await h.http.get("/")).text


async def test_a_look_up_that_fails_is_asked_again_and_nothing_is_resent_meanwhile(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["mute"]
    h.provider.look_ups_fail = 3
    await h.text(ANN, "hi")
    assert h.provider.sends == 1
    await h.advance("2m")
    assert await statuses(h) == ["delivered"]
    assert h.provider.sends == 1


async def test_after_a_kill_every_open_attempt_is_unknown_first(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["mute"]
    h.provider.look_ups_fail = 1
    await h.text(ANN, "hi")
    await h.restart()
    await h.advance("20s")
    assert await h.heard(ANN) == ["hello"]


async def test_no_stale_text_leaves_after_an_outage(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["down"] * 1000
    await h.text(ANN, "hi")
    await h.advance("6h")
    sends = h.provider.sends
    h.provider.next = []
    await h.advance("1h")
    rows = await h.outgoing()
    assert [(r["status"], r["detail"]) for r in rows] == [("expired", "not sent in time")]
    assert h.provider.sends == sends
    assert await h.heard(ANN) == []


async def test_a_scheduled_text_waits_and_holds_nothing_back(house: Any) -> None:
    from datetime import timedelta

    bot = greeter()

    @bot.on("later")
    def later(chat: Chat) -> None:
        chat.say("reminder", at=chat.now + timedelta(hours=2), valid="10m")
        chat.say("ok")

    h: House = await house(bot)
    await h.text(ANN, "later")
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == ["ok", "hello"]
    await h.restart()
    await h.advance("2h")
    assert await h.heard(ANN) == ["ok", "hello", "reminder"]


async def test_a_reminder_that_is_too_late_is_listed_not_sent(house: Any) -> None:
    from datetime import timedelta

    bot = Bot()

    @bot.on("later")
    def later(chat: Chat) -> None:
        chat.say("reminder", at=chat.now + timedelta(hours=2), valid="10m")

    h: House = await house(bot)
    await h.text(ANN, "later")
    await h.stop()
    h.clock.move_to(h.clock.now() + 6 * 3600)
    await h.start()
    await h.advance("1m")
    assert await h.heard(ANN) == []
    assert await statuses(h) == ["expired"]


async def test_the_timeline_of_a_text_tells_every_attempt(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["429 5", "lost"]
    await h.text(ANN, "hi")
    await h.advance("1m")
    row = (await h.outgoing())[0]
    page = (await h.http.get(f"/messages/{row['id']}")).text
    for what in ("requested", "attempt 1: later", "attempt 2: unknown", "attempt 3: accepted", "report: delivered"):
        assert what in page
    assert ANN not in page
    assert (await h.http.get("/messages/nonsense")).status_code == 404


async def test_send_from_the_command_line_s_door(house: Any) -> None:
    h: House = await house(greeter())
    answer = await h.app.commands.send("600100200", "Your parcel is here")
    assert answer["status"] == "sending"
    await h.advance("1s")
    assert await h.heard(ANN) == ["Your parcel is here"]


async def test_a_resend_does_not_let_a_later_text_overtake(house: Any) -> None:
    bot = Bot()

    @bot.on("abc")
    def abc(chat: Chat) -> None:
        for letter in "ABC":
            chat.say(letter)

    h: House = await house(bot)
    h.provider.next = ["lost", "429 60"]
    await h.text(ANN, "abc")
    await h.advance("2m")
    assert await h.heard(ANN) == ["A", "B", "C"]


async def test_a_text_that_was_reported_delivered_is_not_sent_again(house: Any) -> None:
    h: House = await house(greeter())
    h.provider.next = ["lost", "429 30"]
    await h.text(ANN, "hi")
    await h.advance("3s")
    identity = (await h.outgoing())[0]["id"]
    assert h.provider.sends == 2
    await h.http.post(h.hook("status"), json={"externalId": f"{identity}-1", "status": 21})
    await h.text(ANN, "hi")
    await h.advance("5m")
    assert (h.provider.sends, await statuses(h)) == (3, ["delivered", "delivered"])


async def test_a_second_stop_does_not_leave_the_confirmation_behind(house: Any) -> None:
    from smsbot.understanding import consent

    h: House = await house(greeter())
    h.provider.next = ["429 300"]
    await h.text(ANN, "hi")
    await h.text(ANN, "STOP")
    await h.advance("5s")
    assert await h.heard(ANN) == [consent.OPTED_OUT]
    await h.text(ANN, "START")
    await h.text(ANN, "hi")
    assert (await h.heard(ANN))[1:] == [consent.OPTED_IN, "hello"]


async def test_what_was_not_begun_at_a_stop_is_simply_due_again(house: Any) -> None:
    h: House = await house(greeter())
    h.app.sender.at_once = 0
    await h.inbound(id="1", **{"from": ANN}, to=LINE, message="hi")
    assert await statuses(h) == ["sending"]
    await h.restart()
    await h.advance("1s")
    row = (await h.outgoing())[0]
    attempts = await h.app.store.rows("attempts", id=row["id"])
    assert (row["status"], [a["outcome"] for a in attempts]) == ("delivered", ["later", "accepted"])
    assert h.provider.sends == 1


async def test_turns_and_sends_that_hang_share_the_time_of_a_stop(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bot, hanging = greeter(), [True]

    @bot.on("hang")
    async def hang() -> None:
        if hanging:
            await asyncio.sleep(60)

    h: House = await house(bot)
    monkeypatch.setattr("smsbot.app._DRAIN", 2.0)

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.sleep(60)

    gateway = h.app.gateways["sandbox"]
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "send", never)
        await h.inbound(id="1", **{"from": ANN}, to=LINE, message="hang")
        await h.inbound(id="2", **{"from": BOB}, to=LINE, message="hi")
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        await h.stop()
    assert asyncio.get_running_loop().time() - began < 3.5
    hanging.clear()
    await h.start()
    await h.advance("10s")
    assert await h.heard(BOB) == ["hello"]


@pytest.mark.parametrize("asked", ["0", "-5", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_a_provider_that_asks_for_no_pause_gets_ours(house: Any, asked: str) -> None:
    h: House = await house(greeter())
    h.provider.next = [f"429 {asked}"] * 8
    await h.text(ANN, "hi")
    await h.advance("20s")
    assert h.provider.sends <= 6, "1, 2, 4 and 8 seconds apart, or so"


async def test_a_full_disk_does_not_keep_a_server_from_ending(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    h: House = await house(greeter())

    async def hangs(*_: object) -> None:
        await asyncio.sleep(3600)

    async def full(*_: object) -> None:
        raise StoreError("the database did not commit: database or disk is full")

    monkeypatch.setattr(h.app.gateways["sandbox"], "send", hangs)
    for n in range(70):
        await h.inbound(**{"from": f"+48600200{n:03}", "to": LINE, "message": "hi", "id": f"full-{n}"})
    await asyncio.sleep(0.2)
    monkeypatch.setattr(h.app.store, "retry", full)
    monkeypatch.setattr(smsbot.app, "_DRAIN", 2.0)
    async with asyncio.timeout(20):
        await h.app._drain()
