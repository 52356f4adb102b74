"""A bot on a Twilio line, from the signed webhook to the delivery report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.configuration import read

from ..live import ANN, LINE, PUBLIC, TwilioHouse


def counting() -> Bot:
    bot = Bot()

    @bot.fallback
    def count(chat: Chat, text: str) -> str:
        chat.contact["n"] = chat.contact.get("n", 0) + 1
        return f"{chat.contact['n']}: {text}"

    return bot


@pytest.fixture
async def house(tmp_path: Path) -> Any:
    async with TwilioHouse(counting(), tmp_path) as made:
        yield made


async def test_a_text_is_answered_and_its_report_comes_back(house: TwilioHouse) -> None:
    answer = await house.text("hello")
    assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, "text/xml", "<Response/>")
    assert house.heard == ["1: hello"]
    assert house.twilio.sent[0]["From"] == LINE
    assert house.twilio.sent[0]["StatusCallback"].startswith(f"{PUBLIC}/hooks/main/")
    query = "?" + house.twilio.sent[0]["StatusCallback"].partition("?")[2]
    told = {"MessageSid": "SM0", "MessageStatus": "delivered"}
    assert (await house.webhook("status", told, query=query)).status_code == 200
    assert await house.statuses() == ["delivered"]


async def test_what_is_not_signed_is_refused_and_leaves_nothing(house: TwilioHouse) -> None:
    fields = {"MessageSid": "SM1", "From": ANN, "To": LINE, "Body": "hello"}
    forged = await house.webhook("inbound", fields, token="another")
    assert forged.status_code == 403
    unsigned = await house.http.post(house.app.hooks.url("main", "inbound").removeprefix(PUBLIC), data=fields)
    assert unsigned.status_code == 403
    for name in ("feed", "quarantined"):
        rows = await house.app.store.rows(name, limit=9, **({"before": 1e15} if name == "feed" else {"account": ""}))
        assert rows == []


async def test_ten_deliveries_at_once_and_ten_more_after_eight_days_are_one_text(house: TwilioHouse) -> None:
    answers = await asyncio.gather(*(house.text("hello", "SM1") for _ in range(10)))
    await house.advance(8 * 86400)
    answers += [await house.text("hello", "SM1") for _ in range(10)]
    assert {a.status_code for a in answers} == {200}
    assert house.heard == ["1: hello"]
    await house.text("hello", "SM2")
    assert house.heard == ["1: hello", "2: hello"]


async def test_twilio_answers_stop_itself(house: TwilioHouse) -> None:
    await house.text("hello")
    await house.text("STOP")
    await house.text("are you there?")
    assert house.heard == ["1: hello"], "Twilio says that they are opted out; we say nothing"
    await house.text("START")
    await house.text("again")
    assert house.heard == ["1: hello", "2: again"]


async def test_a_send_without_an_answer_is_found_in_twilios_list(house: TwilioHouse) -> None:
    house.twilio.silent = 1
    await house.text("hello")
    await house.settle(lambda: bool(house.heard))
    for _ in range(3):
        await house.advance(61)
    assert await house.statuses() == ["accepted"], "it was there, so it is not sent again"
    assert house.heard == ["1: hello"]
    assert (await house.webhook("status", {"MessageSid": "SM0", "MessageStatus": "undelivered"})).status_code == 200
    assert await house.statuses() == ["undelivered"], "and by the id found there its reports are known"


async def test_an_equal_text_that_we_know_of_is_not_taken_for_it(house: TwilioHouse) -> None:
    """Twilio keeps no id of ours: what was lost on the way must not be found in what was sent just before."""
    await house.text("a")
    house.twilio.messages[0]["body"] = "2: b"
    house.twilio.lost = 1
    await house.text("b")
    for _ in range(4):
        await house.advance(61)
    assert house.heard == ["1: a", "2: b", "2: b"], "it never arrived, so it is sent once more"


async def test_a_text_that_no_webhook_brought_is_taken_from_the_list(house: TwilioHouse) -> None:
    await house.text("first", "SM0")
    house.twilio.messages[0] |= {"sid": "SM0", "from": ANN, "to": LINE, "body": "first", "direction": "inbound"}
    house.twilio.add(ANN, LINE, "missed", "inbound", "received")
    for _ in range(2):
        await house.app.backfill.once("main")
        await house.settle()
    assert house.heard == ["1: first", "2: missed"]


async def test_nothing_older_than_the_database_is_taken(tmp_path: Path) -> None:
    """Whoever moves a number to smsbot is not flooded with answers to what was said before."""
    house = TwilioHouse(counting(), tmp_path)
    house.twilio.add(ANN, LINE, "long ago", "inbound", "received")
    house.clock.move_to(house.clock.now() + 3600)
    async with house:
        await house.app.backfill.once("main")
        await house.settle()
        assert house.heard == []


async def test_a_text_to_a_line_that_is_added_later_is_answered_then(house: TwilioHouse) -> None:
    fields = {"MessageSid": "SM1", "From": ANN, "To": "+48732000999", "Body": "hello there"}
    assert (await house.webhook("inbound", fields)).status_code == 200
    assert house.heard == []
    page = (await house.app.store.rows("quarantined", account="", limit=9))[0]
    assert b"Body=hello+there" in page["body"], "as it came, so that it can be read again"
    lines = house.app.lines
    lines._lines["+48732000999"] = lines.values()[0]
    lines._spellings.clear()
    assert await house.app.inbox.replay(house.app.gateways) == (1, 0)
    await house.settle()
    assert house.heard == ["1: hello there"]


def test_settings_of_twilio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smsbot.toml").write_text('[accounts.main]\ngateway = "twilio"\nmessaging_service = "MG1"\n')
    monkeypatch.setenv("SMSBOT_ACCOUNTS__MAIN__ACCOUNT_SID", "AC1234567")
    monkeypatch.setenv("SMSBOT_ACCOUNTS__MAIN__AUTH_TOKEN", "secret-token")
    account = read(tmp_path).accounts["main"]
    assert (account.secret("account_sid"), account.secret("auth_token")) == ("AC1234567", "secret-token")
    assert account.options == {"messaging_service": "MG1"}
    assert "secret-token" not in repr(account)


async def test_an_older_start_from_the_list_does_not_undo_a_stop(house: TwilioHouse) -> None:
    await house.text("STOP")
    house.clock.move_to(house.clock.now() + 60)
    house.twilio.add(ANN, LINE, "START", "inbound", "received")  # its webhook is lost
    house.clock.move_to(house.clock.now() + 60)
    await house.text("STOP")
    await house.app.backfill.once("main")
    await house.settle()
    assert await house.app.store.rows("suppressed", number=ANN)
    house.clock.move_to(house.clock.now() + 60)
    house.twilio.add(ANN, LINE, "START", "inbound", "received")  # and this is their last word
    await house.app.backfill.once("main")
    await house.settle()
    assert not await house.app.store.rows("suppressed", number=ANN)


async def test_texts_of_one_second_are_taken_as_they_were_written(house: TwilioHouse) -> None:
    house.clock.move_to(house.clock.now() + 60)
    for text in ("pizza", "2", "yes"):
        house.twilio.add(ANN, LINE, text, "inbound", "received")
    house.twilio.messages.reverse()  # the newest first, as Twilio lists them
    await house.app.backfill.once("main")
    await house.settle()
    assert house.heard == ["1: pizza", "2: 2", "3: yes"]
