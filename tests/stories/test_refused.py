"""What a provider refuses, reports and does not know: accounts that are held, reports, unknown texts."""

from __future__ import annotations

from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import UsageError
from smsbot.core.message import Claim, Receipt
from smsbot.core.status import Status
from smsbot.pipeline.repairs import scope_of
from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import LineSettings
from smsbot.stores.base import SendOutcome, Settlement
from smsbot.stores.deciding.reports import worst_of
from smsbot.stores.records import outgoing_of

from ..house import ANN, BOB, LINE, House, echo
from ..live import TwilioHouse

HELD = "an account is held"


async def statuses(h: House) -> list[str]:
    return [row["status"] for row in await h.outgoing()]


# -- accounts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", ["401", "402", "403"])
async def test_a_bad_key_holds_the_account_and_loses_nothing(
    house: Any, refusal: str, capfd: pytest.CaptureFixture[str]
) -> None:
    h: House = await house(echo())
    h.provider.next = [refusal] * 4
    for n in range(8):
        await h.text(ANN if n % 2 else BOB, str(n))
    assert set(await statuses(h)) == {"queued"}
    assert h.provider.sends <= 2
    said = capfd.readouterr()
    assert (said.out + said.err).count(HELD) == 1, "one alarm"
    pauses = await h.app.store.rows("pauses")
    assert [(p["scope"], p["name"]) for p in pauses] == [("account", "sandbox")]
    await h.advance("20m")
    assert set(await statuses(h)) == {"delivered"}, "the first text that is taken ends it"
    assert await h.heard(BOB) == [f"heard {n}" for n in (0, 2, 4, 6)], "in their order"
    assert await h.heard(ANN) == [f"heard {n}" for n in (1, 3, 5, 7)]
    assert await h.app.store.rows("pauses") == []


async def test_a_held_account_is_tried_ever_less_often(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"] * 1000
    await h.text(ANN, "a")
    await h.advance("50m")
    assert 4 <= h.provider.sends <= 12


async def test_resume_ends_the_hold_at_once(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"]
    await h.text(ANN, "a")
    assert await h.heard(ANN) == []
    await h.app.commands.table()["resume"](scopes=[["account", "sandbox"]], everything=False, why="")
    await h.settle()
    assert await h.heard(ANN) == ["heard a"]


async def test_a_hold_survives_a_restart(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"] * 2
    await h.text(ANN, "a")
    await h.restart()
    await h.text(ANN, "b")
    assert set(await statuses(h)) == {"queued"}
    await h.advance("10m")
    assert await h.heard(ANN) == ["heard a", "heard b"]


async def test_what_answers_stop_still_leaves(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"]
    await h.text(ANN, "a")
    await h.text(BOB, "STOP")
    assert len(await h.heard(BOB)) == 1


WORDS = [
    "Authentication failed", "Unauthorized", "insufficient balance", "Not enough credit", "Invalid API key",
    "Your account has been suspended", "Out of funds", "account is disabled", "wrong password", "No credits left",
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
async def test_repeated_refusals_that_name_the_account_hold_it(tmp_path: Any, words: str) -> None:
    async with TwilioHouse(echo(), tmp_path) as h:
        h.twilio.refuses = [(400, 99999, words)] * 3
        for n in range(3):
            number = f"+4860010020{n}"
            await h.webhook("inbound", {"MessageSid": f"SM{n}", "From": number, "To": "+48732000111", "Body": str(n)})
            await h.settle()
        pauses = await h.app.store.rows("pauses")
        assert [(p["scope"], p["name"]) for p in pauses] == [("account", "main")]
        assert await h.statuses() == ["queued"] * 3
        for _ in range(30):
            await h.advance(10)
        assert sorted(set(h.heard)) == ["heard 0", "heard 1", "heard 2"]
        assert await h.statuses() == ["accepted"] * 3


async def test_one_text_that_is_refused_in_such_words_fails_alone(tmp_path: Any) -> None:
    async with TwilioHouse(echo(), tmp_path) as h:
        h.twilio.refuses = [(400, 99999, "not authorized to send to this region")] * 50
        await h.webhook("inbound", {"MessageSid": "SM1", "From": "+48600100200", "To": "+48732000111", "Body": "x"})
        for _ in range(30):
            await h.advance(10)
        assert await h.statuses() == ["failed"]
        assert await h.app.store.rows("pauses") == []


def test_an_account_is_named_when_it_is_resumed() -> None:
    assert scope_of("account main", {"pizza": ["7255"]}, ["main"]) == [("account", "main")]
    with pytest.raises(UsageError, match='did you mean "account main"'):
        scope_of("account mian", {"pizza": ["7255"]}, ["main"])


# -- reports ------------------------------------------------------------------------------------------


async def report(h: House, *receipts: Receipt) -> None:
    await h.app.inbox._receipts.take(receipts)
    await h.settle()


async def sent(h: House) -> dict[str, Any]:
    h.provider.next = ["ok"]
    await h.text(ANN, "x " * 200)
    return (await h.outgoing())[-1]


async def test_another_accounts_report_changes_nothing(house: Any) -> None:
    h: House = await house(echo())
    await h.http.patch(f"/sandbox/phones/{ANN}", json={"mode": "off"})
    row = await sent(h)
    before = (await statuses(h))[-1]
    await report(h, Receipt("another", row["id"], Status.FAILED, "9", outgoing=row["id"]))
    assert (await statuses(h))[-1] == before
    await report(h, Receipt("sandbox", row["id"], Status.UNDELIVERED, "9", outgoing=row["id"]))
    assert (await statuses(h))[-1] == "undelivered"


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.SENT, Status.FAILED, Status.EXPIRED])
async def test_a_text_that_never_left_is_not_reported_on(house: Any, status: Status) -> None:
    h: House = await house(echo())
    await h.app.commands.table()["pause"](scopes=[["all", ""]], everything=True, why="")
    await h.app.commands.send(ANN, "later")
    row = (await h.outgoing())[-1]
    await report(h, Receipt("sandbox", row["id"], status, "1", outgoing=row["id"]))
    assert (await statuses(h))[-1] == "queued"
    await h.app.commands.table()["resume"](scopes=[], everything=True, why="")
    await h.settle()
    await h.advance("1m")
    assert await h.heard(ANN) == ["later"]


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.FAILED])
async def test_a_text_that_was_only_refused_for_now_is_not_reported_on(house: Any, status: Status) -> None:
    h: House = await house(echo())
    h.provider.next = ["429 60"]
    await h.text(ANN, "a")
    row = (await h.outgoing())[0]
    await report(h, Receipt("sandbox", f"{row['id']}-7", status, "1", outgoing=row["id"]))
    assert await statuses(h) == ["queued"]
    await h.advance("10m")
    assert await h.heard(ANN) == ["heard a"]


async def test_a_provider_that_counts_more_sms_than_we_do(house: Any) -> None:
    h: House = await house(echo())
    await h.http.patch(f"/sandbox/phones/{ANN}", json={"mode": "off"})
    await h.text(ANN, "a")
    store, row = h.app.store, (await h.outgoing())[0]
    await store.write([("text", ("sending", 0, "attempt", 1.0, 0, 1, "", 0, 0, 0, row["id"]))])
    claim = Claim(outgoing_of((await store.rows("outgoing", id=row["id"]))[0]), 1)
    await store.sent([Settlement(claim, SendOutcome.ACCEPTED, 2.0, "x", parts=("y",))])
    await report(h, Receipt("sandbox", "x", Status.DELIVERED, "1"))
    assert await statuses(h) == ["sent"], "one of two"
    await report(h, Receipt("sandbox", "y", Status.FAILED, "2"))
    assert await statuses(h) == ["failed"]


async def test_what_a_report_says_beside_its_status_is_kept(house: Any) -> None:
    h: House = await house(echo())
    await h.http.patch(f"/sandbox/phones/{ANN}", json={"mode": "off"})
    row = await sent(h)
    told = Receipt("sandbox", row["id"], Status.UNDELIVERED, "UNDELIV", outgoing=row["id"], detail="absent subscriber",
                   code="27", operator="26002", body='{"to": "+00000000000"}')  # fmt: skip
    await report(h, told)
    kept = next(r for r in await h.app.store.rows("receipts", id=row["id"]) if r["raw"] == "UNDELIV")
    assert (kept["code"], kept["operator"], kept["detail"]) == ("27", "26002", "absent subscriber")
    assert kept["body"] == '{"to": "+00000000000"}'


D, F, S, U, E = Status.DELIVERED, Status.FAILED, Status.SENT, Status.UNDELIVERED, Status.EXPIRED
PARTS: list[tuple[list[tuple[str, Status]], int, Status | None]] = [
    ([("1", D), ("2", D), ("3", D)], 3, D),
    ([("1", D), ("2", D)], 3, S),
    ([("1", D), ("2", F), ("3", D)], 3, F),
    ([("1", U), ("2", D), ("3", D)], 3, U),
    ([("3", E), ("1", D), ("2", D)], 3, E),
    ([("1", F)], 3, F),
    ([("1", F), ("1", D), ("2", D), ("3", D)], 3, D),
    ([("1", S), ("2", D), ("3", D)], 3, S),
    ([("1", Status.ACCEPTED)], 3, None),
    ([("1", D)], 1, D),
]


@pytest.mark.parametrize(("reports", "many", "expected"), PARTS)
def test_parts_that_disagree_end_as_the_worst(
    reports: list[tuple[str, Status]], many: int, expected: Status | None
) -> None:
    assert worst_of(reports, many) is expected
    assert worst_of(reports[::-1], many) is expected, "in any order"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_long_text_of_which_one_part_is_lost(house: Any, order: tuple[int, ...]) -> None:
    h: House = await house(echo())
    await h.http.patch(f"/sandbox/phones/{ANN}", json={"mode": "off"})
    row = await sent(h)
    parts = row["parts"]
    assert parts == 3
    told = [Receipt("sandbox", f"p{n}", s, s.value, outgoing=row["id"], part=str(n)) for n, s in enumerate((D, U, D))]
    for n in order:
        await report(h, told[n])
    assert (await statuses(h))[-1] == "undelivered"


R = tuple[str, str, Status]
TOLD: list[tuple[str, list[R], str]] = [
    ("one id, both delivered", [("a", "1", D), ("a", "2", D), ("a", "3", D)], "delivered"),
    ("one id, one failed", [("a", "1", D), ("a", "2", F), ("a", "3", D)], "failed"),
    ("the whole, then a part", [("a", "", D), ("a", "1", S)], "delivered"),
    ("the whole failed, then a part arrived", [("a", "", F), ("a", "1", D)], "failed"),
    ("parts, then the whole", [("a", "1", S), ("a", "", D)], "delivered"),
    ("a part alone", [("a", "1", D)], "sent"),
]


@pytest.mark.parametrize(("name", "told", "expected"), TOLD, ids=[t[0] for t in TOLD])
@pytest.mark.parametrize("early", [False, True])
async def test_reports_of_single_sms(house: Any, name: str, told: list[R], expected: str, early: bool) -> None:
    """Under one id, after the send is known or before it; a report of the whole is never lowered by one of a part."""
    h: House = await house(echo())
    await h.http.patch(f"/sandbox/phones/{ANN}", json={"mode": "off"})
    row = await sent(h)
    store = h.app.store
    await store.write([("attempt_ended", (1.0, "accepted", "" if early else "a", "", row["id"], 1))])
    receipts = [Receipt("sandbox", ref, status, status.value, part=part) for ref, part, status in told]
    for receipt in receipts if not early else []:
        await report(h, receipt)
    if early:
        await store.write([("text", ("sending", 0, "attempt", 1.0, 0, 1, "", 0, 0, 0, row["id"]))])
        for receipt in receipts:
            await report(h, receipt)
        claim = Claim(outgoing_of((await store.rows("outgoing", id=row["id"]))[0]), 1)
        await store.sent([Settlement(claim, SendOutcome.ACCEPTED, 2.0, "a")])
    assert (await statuses(h))[-1] == expected


# -- unknown texts ------------------------------------------------------------------------------------


async def test_what_the_provider_never_had_is_sent_until_it_has_it(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["lost"] * 5
    await h.text(ANN, "a")
    await h.advance("5m")
    assert await h.heard(ANN) == ["heard a"], "once, however often it was lost on the way"
    assert h.provider.sends == 6


async def test_one_that_it_has_is_never_sent_twice(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["lost", "lost", "mute"]
    h.provider.look_ups_fail = 2
    await h.text(ANN, "a")
    await h.advance("30m")
    assert await h.heard(ANN) == ["heard a"]


async def test_one_that_is_too_late_is_expired_not_unknown(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["lost"] * 10_000
    await h.text(ANN, "a")
    await h.advance("2h")
    row = (await h.outgoing())[0]
    assert (row["status"], "never had it" in row["detail"]) == ("expired", True)
    assert (await h.app.store.rows("counts"))[0]["unknown"] == 0


async def test_a_provider_that_loses_every_try_is_tried_less_and_less_often(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["lost"] * 1_000
    await h.text(ANN, "a")
    await h.advance("10m")
    assert 5 <= h.provider.sends <= 12, "1, 2, 4 … seconds between two tries"
    await h.advance("1h")
    assert 12 <= h.provider.sends <= 30, "five minutes at the most"


async def test_who_opts_out_meanwhile_is_not_texted_again(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["lost"]
    await h.text(ANN, "a", "STOP")
    await h.advance("5m")
    assert "heard a" not in await h.heard(ANN)
    assert (await h.app.store.rows("counts"))[0]["unknown"] == 0


async def test_where_nobody_can_know_one_resend_is_the_most(tmp_path: Any) -> None:
    async with TwilioHouse(echo(), tmp_path) as h:
        h.twilio.lost = 3
        await h.webhook("inbound", {"MessageSid": "SM1", "From": "+48600100200", "To": "+48732000111", "Body": "x"})
        for _ in range(40):
            await h.advance(30)
        assert len(h.twilio.sent) == 2
        assert await h.statuses() == ["unknown"]


async def test_texts_of_an_account_that_is_gone_wait_for_it(house: Any) -> None:
    h: House = await house(echo())
    chosen = dict(h.app.sender._accounts)
    h.app.sender._accounts = {}
    await h.text(ANN, "a")
    assert await statuses(h) == ["queued"]
    h.app.sender._accounts = chosen
    await h.advance("10m")
    assert await h.heard(ANN) == ["heard a"]
    assert LINE


async def test_a_conversation_goes_on_while_its_account_is_held(house: Any) -> None:
    bot = Bot()

    @bot.on("hi")
    async def hi(chat: Chat) -> str:
        return f"Hello {await chat.ask('Name?')}"

    h: House = await house(bot)
    h.provider.next = ["402"]
    await h.text(ANN, "hi")
    await h.text(ANN, "Ann")
    assert await h.heard(ANN) == []
    await h.advance("10m")
    assert await h.heard(ANN) == ["Name?", "Hello Ann"]


async def test_a_confirmation_of_stop_backs_off_while_the_account_is_held(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"] * 100
    await h.text(ANN, "STOP")
    await h.advance("1m")
    assert h.provider.sends <= 12, "it is tried, but not all the time"
    h.provider.next = []
    await h.advance("10m")
    assert len(await h.heard(ANN)) == 1


@pytest.mark.slow
async def test_an_account_that_is_refused_holds_five_hundred_texts_and_sends_each_once(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["401"] * 10_000
    sends = h.app.sends
    wishes = [Wish(f"+4850000{n:04d}", f"text {n}") for n in range(500)]
    await sends.send(sends.line(LINE), wishes, Terms("notice"))
    await h.advance("5s")
    assert h.provider.sends <= 64 + 3, "those that were under way when it was held"
    assert set(await statuses(h)) == {"queued"}
    h.provider.next = []  # it is mended
    await h.app.store.resume("account", "sandbox", h.clock.now())
    h.app.timers.kick()
    await h.advance("1m")
    assert await statuses(h) == ["delivered"] * 500
    for n in range(0, 500, 7):
        assert await h.heard(f"+4850000{n:04d}") == [f"text {n}"]
    taken = await h.app.store.rows("sandbox_list", account="sandbox", phone="", since=0.0, until=9e15)
    assert len(taken) == len({r["phone"] for r in taken}) == min(len(taken), 500)


@pytest.mark.parametrize("rate", [0, 20])
async def test_a_balance_near_zero_holds_the_account_once_and_what_waits_leaves(house: Any, rate: float) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(rate=rate)})
    now = h.clock.now()
    for balance in (None, 5.0, 1.5):
        if balance is not None:
            await h.app.sender.holds.left("sandbox", balance, now)
    assert not h.app.store.account_held("sandbox")
    await h.app.sender.holds.left("sandbox", 0.4, now)
    pauses = await h.app.store.rows("pauses")
    assert [p["why"] for p in pauses] == ["its balance at the provider is 0.4"]
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == []
    await h.advance("1m")
    assert await h.heard(ANN) == ["heard hi"], "it is tried, and taken"
    assert await h.app.store.rows("pauses") == []
    await h.app.sender.holds.left("sandbox", 0.3, h.clock.now())
    assert await h.app.store.rows("pauses") == [], "once"
