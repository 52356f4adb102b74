"""Codes arrive first, bulk last, each lane by its own account and for its own time; and quiet hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import UsageError
from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import AccountSettings, LaneSettings, LineSettings
from smsbot.testing.sim import LINE

from ..house import ANN, BOB, House, echo

WARSAW = ZoneInfo("Europe/Warsaw")


async def send(h: House, text: str, kind: str, number: str = ANN, **terms: Any) -> dict[str, Any]:
    sends = h.app.sends
    return (await sends.send(sends.line(LINE), [Wish(number, text)], Terms(kind, **terms)))[0]


async def many(h: House, count: int, kind: str = "bulk") -> None:
    sends = h.app.sends
    wishes = [Wish(f"+4850000{n:04d}", f"{kind} {n}") for n in range(count)]
    await sends.send(sends.line(LINE), wishes, Terms(kind))


async def owed(h: House) -> list[dict[str, Any]]:
    """All texts, whole, oldest first."""
    return [(await h.app.store.rows("outgoing", id=r["id"]))[0] for r in await h.outgoing()]


def at(h: House, hour: int, minute: int = 0, day: int = 10) -> float:
    return datetime(2026, 6, day, hour, minute, tzinfo=WARSAW).timestamp()


@pytest.mark.slow
async def test_a_code_leaves_before_all_that_wait_in_bulk(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=10, quiet="never")})
    await many(h, 300)
    await h.advance("2s")
    assert 15 <= len(await delivered(h, "bulk")) <= 25, "ten a second"
    await send(h, "your code", "code", BOB)
    await h.advance("0.3s")
    assert await h.heard(BOB) == ["your code"]
    await h.advance("60s")
    assert len(await delivered(h, "bulk")) == 300


async def delivered(h: House, kind: str) -> list[str]:
    return [
        r["text"]
        for r in await h.outgoing()
        if r["text"].startswith(kind) and r["status"] in ("accepted", "sent", "delivered")
    ]


async def test_a_code_overtakes_a_text_to_the_same_person(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=1, quiet="never")})
    await many(h, 20)
    await send(h, "sale", "bulk", ANN)
    await send(h, "your code", "code", ANN)
    await h.advance("3s")
    assert await h.heard(ANN) == ["your code"]
    await h.advance("30s")
    assert await h.heard(ANN) == ["your code", "sale"]


async def test_an_answer_does_not_wait_behind_notices(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=1)})
    await many(h, 30, "notice")
    await h.text(ANN, "hi")
    await h.advance("3s")
    assert await h.heard(ANN) == ["heard hi"]


async def test_texts_of_one_lane_keep_their_order(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=5, quiet="never")})
    for n in range(5):
        await send(h, f"sale {n}", "bulk", ANN)
    await h.advance("10s")
    assert await h.heard(ANN) == [f"sale {n}" for n in range(5)]


@pytest.mark.slow
async def test_what_is_queued_in_bulk_survives_a_restart_and_leaves_once(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=20, quiet="never")})
    await many(h, 100)
    await h.advance("1s")
    await h.restart()
    await h.advance("60s")
    texts = [r["text"] for r in await h.outgoing()]
    assert sorted(texts) == sorted(f"bulk {n}" for n in range(100))
    assert len(await delivered(h, "bulk")) == 100
    for n in range(100):
        assert await h.heard(f"+4850000{n:04d}") == [f"bulk {n}"]


async def test_a_lane_has_its_own_account_and_life(house: Any) -> None:
    own = LineSettings(
        account="main", lanes={"priority": LaneSettings(account="fast", valid="2m"), "notice": LaneSettings(valid="3h")}
    )
    keys = {"authorization": "x" * 12, "application_key": "y" * 12}
    accounts = {name: AccountSettings.model_validate(keys) for name in ("main", "fast")}
    h: House = await house(echo(), line_settings={LINE: own}, accounts=accounts)
    await h.text(ANN, "hi")
    await send(h, "your code", "code")
    await send(h, "a notice", "notice")
    await h.settle()
    rows = {r["text"]: r for r in await owed(h)}
    assert {text: r["account"] for text, r in rows.items()} == {
        "heard hi": "main",
        "your code": "fast",
        "a notice": "main",
    }
    lives = {text: round(r["expires"] - r["created"]) for text, r in rows.items()}
    assert lives == {"heard hi": 3600, "your code": 120, "a notice": 3 * 3600}
    assert await h.heard(ANN) == ["heard hi", "your code", "a notice"]


@pytest.mark.slow
async def test_a_provider_that_says_too_much_is_sent_less(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(quiet="never")})
    h.provider.next = ["429"] * 3
    await many(h, 200)
    await h.advance("1s")
    assert len(await delivered(h, "bulk")) < 100, "a rate is learnt"
    await h.advance("60s")
    assert len(await delivered(h, "bulk")) == 200


async def test_who_says_a_text_says_its_lane(house: Any) -> None:
    bot = Bot()

    @bot.on("mixed")
    def mixed(chat: Chat) -> None:
        chat.say("an answer")
        chat.say("a code", secret=True)
        chat.say("by the way", lane="notice")
        chat.say("a sale", lane="bulk")

    @bot.on("wrong")
    def wrong(chat: Chat) -> None:
        chat.say("x", lane="bulky")

    h: House = await house(bot, line_settings={LINE: LineSettings(quiet="never")})
    await h.text(ANN, "mixed")
    assert {r["text"]: r["lane"] for r in await owed(h)} == {
        "an answer": "reply", "a code": "priority", "by the way": "notice", "a sale": "bulk",
    }  # fmt: skip
    await h.text(BOB, "wrong")
    assert "did you mean bulk?" in await h.trouble_of(BOB)


async def test_what_a_timer_sets_off_is_a_notice(house: Any) -> None:
    bot = Bot()

    @bot.on("hi")
    async def hi(chat: Chat) -> None:
        chat.say("hello")
        await chat.sleep("2h")
        chat.say("still there?")

    h: House = await house(bot)
    await h.text(ANN, "hi")
    await h.advance("3h")
    assert [(r["text"], r["lane"]) for r in await owed(h)] == [("hello", "reply"), ("still there?", "notice")]


async def test_a_bot_sends_by_itself(house: Any) -> None:
    bot = Bot()
    bot.fallback(lambda: None)
    h: House = await house(bot)
    assert await bot.send("600100200", "Ready.", key="order 1") in ("sending", "sent", "accepted")
    await h.settle()
    await bot.send("600100200", "Ready.", key="order 1")
    later = datetime.fromtimestamp(h.clock.now(), WARSAW) + timedelta(hours=1)
    await bot.send(ANN, "Later.", at=later, lane="priority")
    await h.settle()
    assert await h.heard(ANN) == ["Ready."]
    await h.advance("2h")
    assert await h.heard(ANN) == ["Ready.", "Later."]
    mistakes: list[tuple[str, dict[str, Any], str]] = [
        ("x", {}, "number"), (ANN, {"lane": "fast"}, "lane"), (ANN, {"line": "+4811"}, "line"),
    ]  # fmt: skip
    for number, more, why in mistakes:
        with pytest.raises(UsageError, match=why):
            await bot.send(number, "x", **more)


# -- quiet hours ------------------------------------------------------------------------------------


def reminding(hours: str) -> Bot:
    bot = Bot()

    @bot.on("hi")
    async def hi(chat: Chat) -> None:
        await chat.sleep(hours)
        chat.say("your visit is tomorrow")

    return bot


async def test_a_reminder_in_quiet_hours_leaves_in_the_morning_once(house: Any) -> None:
    h: House = await house(reminding("4h"), line_settings={LINE: LineSettings(quiet="21:00-8:00")})
    await h.begin_at(at(h, 18))
    await h.text(ANN, "hi")
    await h.advance("5h")  # it is 23:00
    assert await h.heard(ANN) == []
    (row,) = await owed(h)
    assert (row["phase"], row["status"]) == ("queue", "queued")
    assert row["detail"] == "quiet hours until 11 Jun 08:00 (Europe/Warsaw)"
    assert at(h, 8, day=11) <= row["due"] <= at(h, 8, 15, day=11)
    found = await h.http.post("/", data={"q": ANN}, follow_redirects=True)
    assert "quiet hours until" in found.text
    assert "Held" in found.text
    await h.restart()
    await h.advance("8h")
    assert await h.heard(ANN) == []
    await h.advance("90m")
    assert await h.heard(ANN) == ["your visit is tomorrow"]
    await h.advance("48h")
    assert await h.heard(ANN) == ["your visit is tomorrow"]


async def test_one_that_is_not_worth_it_in_the_morning_is_expired_with_its_reason(house: Any) -> None:
    own = LineSettings(quiet="20:00-9:00", lanes={"notice": LaneSettings(valid="2h")})
    h: House = await house(reminding("4h"), line_settings={LINE: own})
    await h.begin_at(at(h, 18))
    await h.text(ANN, "hi")
    await h.advance("20h")
    assert await h.heard(ANN) == []
    (row,) = await owed(h)
    assert row["status"] == "expired"
    assert row["detail"].startswith("quiet hours until 11 Jun 09:00 (Europe/Warsaw); so late it is not worth")


async def test_answers_and_codes_pass_at_night(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(quiet="21:00-8:00")})
    await h.begin_at(at(h, 23))
    await h.text(ANN, "hi")
    await send(h, "your code", "code", BOB)
    await h.advance("1s")
    assert await h.heard(ANN) == ["heard hi"]
    assert await h.heard(BOB) == ["your code"]
    await send(h, "about what you wrote", "notice", ANN)
    await send(h, "news", "notice", BOB)
    await h.advance("1s")
    assert await h.heard(ANN) == ["heard hi", "about what you wrote"]
    assert await h.heard(BOB) == ["your code"]


async def test_bulk_of_a_night_leaves_spread_in_the_morning(house: Any) -> None:
    h: House = await house(echo())
    await h.begin_at(at(h, 22))
    await many(h, 40)
    await h.advance("1h")
    rows = await owed(h)
    assert {r["phase"] for r in rows} == {"queue"}
    assert len({round(r["due"]) for r in rows}) > 30, "not all at once"
    await h.advance("9h")  # it is 8:00
    await h.advance("20m")
    assert len(await delivered(h, "bulk")) == 40


async def test_a_text_that_a_pause_kept_into_the_night_waits_for_the_morning(house: Any) -> None:
    h: House = await house(echo())
    await h.begin_at(at(h, 19))
    await h.app.store.pause("lane", "bulk", h.clock.now())
    await send(h, "bulk", "bulk", BOB, valid=86_400.0)
    await h.advance("2h")
    await h.app.store.resume("lane", "bulk", h.clock.now())
    h.app.timers.kick()
    await h.advance("10m")
    assert await h.heard(BOB) == []
    assert (await owed(h))[0]["detail"].startswith("quiet hours")
    await h.advance("12h")
    assert await h.heard(BOB) == ["bulk"]


async def test_who_opts_out_at_night_hears_nothing_in_the_morning(house: Any) -> None:
    h: House = await house(echo())
    await h.begin_at(at(h, 22))
    await send(h, "bulk", "bulk", BOB)
    await h.text(BOB, "STOP")
    await h.advance("12h")
    assert "bulk" not in await h.heard(BOB)


# -- order, and what else keeps a text ----------------------------------------------------------------


async def test_texts_that_the_night_kept_leave_in_their_order(house: Any) -> None:
    bot = Bot()

    @bot.on("hi")
    async def hi(chat: Chat) -> None:
        await chat.sleep("4h")
        for n in range(5):
            chat.say(f"part {n}")

    h: House = await house(bot, line_settings={LINE: LineSettings(quiet="21:00-8:00")})
    await h.begin_at(at(h, 18))
    for number in (ANN, BOB):
        await h.text(number, "hi")
    await h.advance("14h")  # it is 8:00
    for number in (ANN, BOB):
        await send(h, "and one more", "notice", number)
    await h.advance("30m")
    for number in (ANN, BOB):
        assert await h.heard(number) == [*(f"part {n}" for n in range(5)), "and one more"]


async def test_what_the_night_kept_leaves_one_after_the_other(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(quiet="21:00-8:00")})
    await h.begin_at(at(h, 23))
    for n in range(4):
        await send(h, f"part {n}", "notice", ANN, valid=86_400.0)
    h.provider.next = ["429 60"]  # the first of them
    await h.advance("9h")
    await h.advance("20m")
    assert await h.heard(ANN) == [f"part {n}" for n in range(4)]


@pytest.mark.parametrize("kept", ["quiet", "later"])
async def test_a_held_account_is_tried_with_nothing_that_must_not_leave(house: Any, kept: str) -> None:
    h: House = await house(
        echo(), line_settings={LINE: LineSettings(quiet="21:00-8:00" if kept == "quiet" else "never")}
    )
    await h.begin_at(at(h, 23))
    sends = h.app.sends
    due = h.clock.now() + 2 * 86_400 if kept == "later" else None
    await sends.send(sends.line(LINE), [Wish(ANN, "x", due=due)], Terms("notice", 86_400.0))
    await h.app.store.pause("account", "sandbox", h.clock.now())
    await h.advance("20m")
    assert await h.heard(ANN) == []
    assert h.app.store.account_held("sandbox")


async def test_the_held_account_of_a_lane_holds_no_other_back(house: Any) -> None:
    keys = {"authorization": "x" * 12, "application_key": "y" * 12}
    accounts = {name: AccountSettings.model_validate(keys) for name in ("main", "fast")}
    own = LineSettings(account="main", lanes={"priority": LaneSettings(account="fast")})
    h: House = await house(echo(), line_settings={LINE: own}, accounts=accounts)
    await h.app.store.pause("account", "fast", h.clock.now())
    await send(h, "your code", "code")
    await h.text(ANN, "hello")
    assert await h.heard(ANN) == ["heard hello"]
    await h.app.store.probe("fast", h.clock.now() + 7200)
    rows = {r["text"]: r for r in await owed(h)}
    assert rows["your code"]["status"] == "expired", "it is not held for ever"


@pytest.mark.parametrize("zone", [5, [1], {"a": 1}, True, None])
async def test_a_field_of_a_contact_that_is_no_zone_stops_nobody(house: Any, zone: Any) -> None:
    h: House = await house(echo())
    await h.begin_at(at(h, 12))
    await h.know(ANN, {"timezone": zone})
    await send(h, "x", "bulk", ANN)
    await send(h, "y", "bulk", BOB)
    await h.advance("1m")
    assert (await h.heard(ANN), await h.heard(BOB)) == (["x"], ["y"])


async def test_hours_that_are_all_quiet_end_no_wait_never(house: Any) -> None:
    bot = Bot()

    @bot.on("hi")
    async def hi(chat: Chat) -> str:
        await chat.sleep("2h waking")
        return "two hours"

    h: House = await house(bot, line_settings={LINE: LineSettings(quiet="Mon-Sun")})
    await h.text(ANN, "hi")
    await h.advance("3h")
    assert (await h.app.store.rows("unread", after=0, limit=10)) == []


async def test_stop_is_confirmed_before_all_replies_of_a_slow_line(house: Any) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=1)})
    for n in range(30):
        await h.inbound(id=str(n), **{"from": f"+4850000{n:04d}"}, to=LINE, message="hi")
    await h.text(ANN, "STOP")
    await h.advance("3s")
    assert len(await h.heard(ANN)) == 1
    attempts = [r for r in await owed(h) if r["phase"] == "attempt"]
    assert len(attempts) <= 4, "few have an attempt that a crash would leave open"
    await h.advance("40s")
    assert {r["status"] for r in await owed(h)} == {"delivered"}
