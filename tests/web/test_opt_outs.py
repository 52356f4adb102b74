"""Opt-outs, whoever obeys them: us, the provider, both, in any order of delivery."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from smsbot import Bot, Chat
from smsbot.core.clock import moment
from smsbot.core.phone import normalise
from smsbot.settings import LineSettings

from ..house import ANN, LINE, House
from ..live import ANN as CARD
from ..live import LINE as TWILIO_LINE
from ..live import TwilioHouse


def echo() -> Bot:
    bot = Bot()

    @bot.fallback
    def say(chat: Chat, text: str) -> str:
        return f"heard {text}"

    return bot


async def opted_out(app: Any, number: str) -> bool:
    return bool(await app.store.rows("suppressed", number=number))


# -- numbers that no plan knows -----------------------------------------------------------------------

UNKNOWN = ["999123456789", "210999999999", "00999123456789", "+999123456789", "tel:+999123456789", "48999123456"]


@pytest.mark.parametrize("written", UNKNOWN)
async def test_a_stop_counts_however_its_number_is_written(house: Any, written: str) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(country="PL")})
    await h.inbound(id="1", **{"from": written}, to=LINE, message="STOP")
    number = normalise(written, "PL")
    assert number.startswith("+")
    assert await opted_out(h.app, number)
    await h.inbound(id="2", **{"from": number}, to=LINE, message="hello")
    assert not any("heard" in r["text"] for r in await h.outgoing())


# -- orders of delivery -------------------------------------------------------------------------------

TIMES: dict[str, Callable[[int], str]] = {
    "seconds": lambda s: str(1_790_000_000 + s),
    "milliseconds": lambda s: str((1_790_000_000 + s) * 1000),
    "ISO": lambda s: f"2026-09-21T10:{s // 60:02}:{s % 60:02}Z",
    "ISO with a zone": lambda s: f"2026-09-21T12:{s // 60:02}:{s % 60:02}+02:00",
    "plain": lambda s: f"2026-09-21 10:{s // 60:02}:{s % 60:02}",
    "microseconds": lambda s: str((1_790_000_000 + s) * 1_000_000),
    "compact": lambda s: f"20260921141{s // 60}{s % 60:02}",
    "dots": lambda s: f"21.09.2026 10:{s // 60:02}:{s % 60:02}",
    "dashes": lambda s: f"21-09-2026 10:{s // 60:02}:{s % 60:02}",
    "slashes": lambda s: f"2026/09/21 10:{s // 60:02}:{s % 60:02}",
    "noon": lambda s: f"9/21/2026 {12 if s > 90 else 11}:{s // 60:02}:{s % 60:02} {'PM' if s > 90 else 'AM'}",
    "months": lambda s: f"Sep 21, 2026 {12 if s > 90 else 11}:{s // 60:02}:{s % 60:02} {'PM' if s > 90 else 'AM'}",
    "zone": lambda s: f"2026-09-21 10:{s // 60:02}:{s % 60:02} CEST",
    "dotnet": lambda s: f"/Date({(1_790_000_000 + s) * 1000})/",
    "a lost plus": lambda s: f"2026-09-21T10:{s // 60:02}:{s % 60:02} 02:00",
    "ctime": lambda s: f"Mon Sep 21 10:{s // 60:02}:{s % 60:02} 2026",
    "RFC 850": lambda s: f"Monday, 21-Sep-26 10:{s // 60:02}:{s % 60:02} GMT",
    "Go": lambda s: f"2026-09-21 10:{s // 60:02}:{s % 60:02} +0000 UTC",
    "RFC 5322": lambda s: f"Mon, 21 Sep 2026 10:{s // 60:02}:{s % 60:02} +0000",
}


@pytest.mark.parametrize("form", TIMES)
@pytest.mark.parametrize("word", ["START", "start please", "UNSTOP"])
async def test_a_start_that_was_sent_before_the_stop_does_not_undo_it(house: Any, form: str, word: str) -> None:
    h: House = await house(echo())
    at = TIMES[form]
    await h.inbound(id="1", **{"from": ANN}, to=LINE, message="STOP", time=at(120))
    await h.inbound(id="2", **{"from": ANN}, to=LINE, message=word, time=at(60))
    assert await opted_out(h.app, ANN)
    await h.inbound(id="3", **{"from": ANN}, to=LINE, message=word, time=at(180))
    assert not await opted_out(h.app, ANN)


async def test_a_second_stop_is_the_one_that_counts(house: Any) -> None:
    h: House = await house(echo())
    at = TIMES["seconds"]
    for n, (word, when) in enumerate([("STOP", 60), ("STOP", 240), ("START", 120)]):
        await h.inbound(id=str(n), **{"from": ANN}, to=LINE, message=word, time=at(when))
    assert await opted_out(h.app, ANN)


async def test_without_times_the_order_of_delivery_counts(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "STOP")
    await h.text(ANN, "START")
    assert not await opted_out(h.app, ANN)


@pytest.mark.parametrize(
    "text",
    [
        "STOP I never signed up for this", "I'm in a meeting, stop texting me", "Sorry I'm driving. STOP",
        "Auto-reply: I am away. Stop texting this number", "I am out of office, remove me from your list",
        "Jestem na spotkaniu, proszę przestać pisać", "STOP. I'm at work and can't talk",
        "I'm busy right now, please unsubscribe me", "Can't talk now. Stop sending me these messages",
        "quit texting, I am at work", "I'm in a meeting, please stop", "I never signed up for this, please stop",
        "I'm driving and can't reply. Please unsubscribe", "I'm in a meeting, opt me out", "This is a work phone STOP",
    ],
)  # fmt: skip
async def test_an_opt_out_beside_a_reason_is_one(house: Any, text: str) -> None:
    h: House = await house(echo())
    await h.text(ANN, text)
    assert await opted_out(h.app, ANN)


MOMENTS = [
    ("1790000000", 1_790_000_000.0), ("1790000000000", 1_790_000_000.0), ("1790000000.25", 1_790_000_000.25),
    ("2026-09-21T14:13:20Z", 1_790_000_000.0), ("2026-09-21 14:13:20", 1_790_000_000.0),
    ("Mon, 21 Sep 2026 16:13:20 +0200", 1_790_000_000.0), ("", None), ("soon", None), ("12", None), ("NaN", None),
    ("1e400", None), ("99999999999999999999", None), ("0001-01-01T00:00:00", None), ("2026-13-45", None),
    ("2026-09-21T14:13:20+99:99", None), ("١٧٩٠٠٠٠٠٠٠", None),
]  # fmt: skip


@pytest.mark.parametrize(("written", "expected"), MOMENTS)
def test_moments(written: str, expected: float | None) -> None:
    assert moment(written) == expected


# -- Twilio and we ------------------------------------------------------------------------------------


@pytest.fixture
async def twilio(tmp_path: Path) -> Any:
    async with TwilioHouse(echo(), tmp_path) as made:
        yield made


async def say(house: TwilioHouse, body: str, sid: str, **more: str) -> None:
    fields = {"MessageSid": sid, "From": CARD, "To": TWILIO_LINE, "Body": body, **more}
    assert (await house.webhook("inbound", fields)).status_code == 200
    await house.settle()


@pytest.mark.parametrize(
    "word", ["STOP", "stop", " Stop ", "STOPALL", "CANCEL", "END", "QUIT", "UNSUBSCRIBE", "REVOKE", "OPTOUT"]
)
async def test_what_twilio_obeys_we_obey_and_do_not_confirm(twilio: TwilioHouse, word: str) -> None:
    await say(twilio, word, "SM1")
    assert await opted_out(twilio.app, CARD)
    assert twilio.heard == []
    for again in ("START", "YES", "UNSTOP"):
        await say(twilio, "STOP", f"stop {again}")
        await say(twilio, again, f"start {again}")
        assert not await opted_out(twilio.app, CARD), again
    assert twilio.heard == []


@pytest.mark.parametrize("text", ["STOP PLEASE", "please stop", "stop texting me", "unsubscribe me", "STOP!"])
async def test_what_twilio_does_not_confirm_is_confirmed_by_us(twilio: TwilioHouse, text: str) -> None:
    await say(twilio, text, "SM1")
    assert await opted_out(twilio.app, CARD)
    assert len(twilio.heard) == 1
    assert "START" in twilio.heard[0]


async def test_words_that_only_twilio_knows_are_believed(twilio: TwilioHouse) -> None:
    await say(twilio, "PARA EL CARRO", "SM1", OptOutType="STOP")
    assert await opted_out(twilio.app, CARD)
    await say(twilio, "hello", "SM2")
    assert twilio.heard == []
    await say(twilio, "SIGUE", "SM3", OptOutType="START")
    assert not await opted_out(twilio.app, CARD)
    await say(twilio, "AYUDA POR FAVOR", "SM4", OptOutType="HELP")
    assert twilio.heard == [], "Twilio has answered each of them"
    await say(twilio, "hello", "SM5", OptOutType="")
    assert twilio.heard == ["heard hello"]


async def test_21610_opts_out_here_too(twilio: TwilioHouse) -> None:
    twilio.twilio.refuses = [(400, 21610, "Attempt to send to unsubscribed recipient")]
    await say(twilio, "hello", "SM1")
    await twilio.settle()
    assert await opted_out(twilio.app, CARD)
    assert await twilio.statuses() == ["blocked"]
    await say(twilio, "are you there", "SM2")
    assert len(twilio.twilio.sent) == 1, "nothing is tried again"
    consents = await twilio.app.store.rows("consents", number=CARD)
    assert [(c["action"], "21610" in c["source"]) for c in consents] == [("optout", True)]


@pytest.mark.parametrize("body", ["", "  ", "Liked “heard hello”", "https://x.test/a.jpg"])
@pytest.mark.parametrize("word", ["STOP", "stop", "STOP "])
async def test_what_twilio_says_counts_whatever_came_with_it(twilio: TwilioHouse, body: str, word: str) -> None:
    picture = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x", "MediaContentType0": "image/jpeg"}
    await say(twilio, body, "SM1", OptOutType=word, **(picture if body.startswith("https") else {}))
    assert await opted_out(twilio.app, CARD)
    await say(twilio, body, "SM2", OptOutType="START", **picture)
    assert not await opted_out(twilio.app, CARD)
    assert twilio.heard == []


@pytest.mark.parametrize("status", ["failed", "undelivered"])
async def test_21610_in_a_report_opts_out_too(twilio: TwilioHouse, status: str) -> None:
    await say(twilio, "hello", "SM1")
    sid = (await twilio.app.store.rows("references", number=CARD))[0]["reference"]
    report = {"MessageSid": sid, "MessageStatus": status, "ErrorCode": "21610"}
    assert (await twilio.webhook("status", report)).status_code == 200
    await twilio.settle()
    assert await opted_out(twilio.app, CARD)
    twilio.clock.move_to(twilio.clock.now() + 3600)
    await say(twilio, "START", "SM2", OptOutType="START")
    await twilio.webhook("status", report)
    await twilio.settle()
    assert not await opted_out(twilio.app, CARD), "what was said of a text from before says nothing of them now"


async def test_one_signed_webhook_cut_elsewhere_is_not_another_text(twilio: TwilioHouse) -> None:
    fields = {"MessageSid": "SM123456", "From": CARD, "To": TWILIO_LINE, "Body": "hello"}
    await twilio.webhook("inbound", fields)
    await twilio.settle()
    for cut in range(1, 8):  # the same letters, with another border between name and value
        forged = {
            "MessageSid"[:10] + "SM123456"[:cut]: "SM123456"[cut:],
            **{k: v for k, v in fields.items() if k != "MessageSid"},
        }
        forged["MessageSid"] = ""
        await twilio.webhook("inbound", {k: v for k, v in forged.items() if v})
        await twilio.settle()
    longer = {"Body": "hello", "From": CARD, "MessageSi": "dSM123456", "To": TWILIO_LINE}
    assert "".join(k + v for k, v in sorted(longer.items())) == "".join(k + v for k, v in sorted(fields.items()))
    await twilio.webhook("inbound", longer)
    await twilio.settle()
    assert twilio.heard == ["heard hello"]
    assert parse_qsl("a=b") == [("a", "b")]
