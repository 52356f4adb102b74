"""One suite for every store: what the pipeline relies on, and nothing of how it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from smsbot.core.commit import Commit, Entry, Timer, Verdict, digest
from smsbot.core.conversation import Conversation, Run, StoredFrame
from smsbot.core.errors import StoreError
from smsbot.core.message import Event, Key, Outgoing, Quarantined, Receipt
from smsbot.core.status import Status
from smsbot.stores.base import Acceptance, Check, Checked, Consent, LookupOutcome, Report, SendOutcome, Settlement
from smsbot.stores.committing import CommittingStore
from smsbot.stores.postgres.store import PostgresStore
from smsbot.stores.sqlite import SqliteStore

ANN = Key("7255", "+48600100200")
BOB = Key("7255", "+48600100300")
EVE = Key("7255", "+48600100400")
NOW = 1000.0


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.needs("postgres")),
        pytest.param("pgbouncer", marks=[pytest.mark.needs("pgbouncer"), pytest.mark.slow]),
    ]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CommittingStore]:
    made: CommittingStore = SqliteStore(tmp_path / "contract.db")
    if request.param != "sqlite":
        url = request.getfixturevalue("postgres").migrated()
        lead = request.getfixturevalue("pooled") if request.param == "pgbouncer" else str
        made = PostgresStore(lead(url))
    await made.open(NOW)
    yield made
    await made.close()


def again(store: CommittingStore) -> CommittingStore:
    """Another store over the same database, as the next process has it."""
    return PostgresStore(store.url) if isinstance(store, PostgresStore) else SqliteStore(cast(SqliteStore, store).path)


def event(name: str, key: Key = ANN, **more: Any) -> Event:
    return Event(digest(name), key, "text", name, NOW, **more)


def text(name: str, key: Key = ANN, *, due: float = NOW, expires: float = NOW + 3600, lane: str = "reply") -> Outgoing:
    return Outgoing(digest(name, size=10).hex(), key, "main", name, 1, NOW, due, expires, lane=lane)


def step(of: Event, version: int = 1, **more: Any) -> Commit:
    return Commit(of, Conversation(of.key, version), **more)


async def status(store: CommittingStore, of: Outgoing) -> tuple[str, str | None]:
    row = (await store.rows("outgoing", id=of.id))[0]
    return row["status"], row["phase"]


async def reopen(store: CommittingStore, now: float = NOW) -> CommittingStore:
    await store.close()
    made = again(store)
    await made.open(now)
    return made


async def test_an_event_is_new_once_for_ever(store: CommittingStore) -> None:
    verdicts = [a.verdict for a in await store.accept([Acceptance(event("a")), Acceptance(event("a"))])]
    assert verdicts == [Verdict.DONE, Verdict.DUPLICATE]
    store = await reopen(store)
    assert [a.verdict for a in await store.accept([Acceptance(event("a"))])] == [Verdict.DUPLICATE]
    assert (await store.step_express([step(event("a"))]))[0].verdict is Verdict.DUPLICATE
    await store.close()


async def test_a_duplicate_harms_no_other_of_its_batch(store: CommittingStore) -> None:
    await store.accept([Acceptance(event("a"))])
    names = ["b", "a", "c", "a", "d"]
    answers = await store.accept([Acceptance(event(n)) for n in names])
    assert [a.verdict is Verdict.DONE for a in answers] == [True, False, True, False, True]
    assert [e.text for e in await store.unread(0, 100)] == ["a", "b", "c", "d"]


async def test_a_weak_key_holds_for_its_window(store: CommittingStore) -> None:
    def at(when: float) -> Acceptance:
        e = event(f"1 at {when}", seen=digest("raw"), window=60.0)
        return Acceptance(replace(e, at=when))

    verdicts = [(await store.accept([at(NOW + t)]))[0].verdict for t in (0, 30, 59, 60, 61, 125)]
    assert [v is Verdict.DONE for v in verdicts] == [True, False, False, True, False, True]


async def test_unread_comes_in_order_and_pages(store: CommittingStore) -> None:
    await store.accept([Acceptance(event(str(i))) for i in range(10)])
    first = await store.unread(0, 4)
    rest = await store.unread(first[-1].seq, 100)
    assert [e.text for e in (*first, *rest)] == [str(i) for i in range(10)]


async def test_a_turn_is_committed_whole(store: CommittingStore) -> None:
    frame = StoredFrame("handler", "order", "size", '{"n":1}', "Size?", NOW + 60, "gone")
    run = Run(digest("run"), "pizza", "pizza", NOW, (frame,))
    after = Conversation(ANN, 1, run, {"name": '"Ann"'})
    answer = (
        await store.step_express(
            [
                Commit(
                    event("pizza"), after, note="why", outgoing=(text("Size?"), text("Now?")),
                    timers=(Timer(ANN, "timeout", NOW + 60, "x"),), runs=(run,), visits=("size",),
                    journal=(Entry(run.id, b"f", 1, "step", "42"),), contact={"name": '"Ann"'},
                )
            ]
        )
    )[0]  # fmt: skip
    assert answer.verdict is Verdict.DONE
    assert [c.outgoing.text for c in answer.claims] == ["Size?"]
    store = await reopen(store)
    assert await store.load(ANN) == after
    assert await store.unread(0, 10) == []
    assert await store.sweep(NOW + 60, 10) == [Timer(ANN, "timeout", NOW + 60, "x")]
    assert await store.sweep(NOW + 59, 10) == []
    assert [e.value for e in await store.journal(run.id, b"f")] == ["42"]
    await store.close()


async def test_a_stale_step_writes_nothing(store: CommittingStore) -> None:
    await store.step_express([step(event("a"))])
    answers = await store.step_express(
        [step(event("b"), 1, outgoing=(text("no"),)), step(event("c"), 2), step(event("d", BOB), 1)]
    )
    assert [a.verdict for a in answers] == [Verdict.FENCED, Verdict.DONE, Verdict.DONE]
    assert await store.rows("outgoing", id=text("no").id) == []
    assert (await store.step_express([step(event("b"), 3)]))[0].verdict is Verdict.DONE


async def test_a_segment_leaves_its_event_unread_and_a_rerun_adds_nothing_twice(store: CommittingStore) -> None:
    seq = (await store.accept([Acceptance(event("a"))]))[0].seq
    taken = replace(event("a"), seq=seq)
    segment = step(taken, 1, consumed=False, outgoing=(text("wait"),), journal=(Entry(b"r", b"f", 1, "step", "1"),))
    assert len((await store.finish([segment]))[0].claims) == 1
    assert [e.seq for e in await store.unread(0, 10)] == [seq]
    again = step(taken, 2, consumed=True, outgoing=(text("wait"), text("done")), journal=segment.journal)
    answer = (await store.finish([again]))[0]
    assert (answer.verdict, answer.claims) == (Verdict.DONE, ())
    assert await store.unread(0, 10) == []
    assert [r["text"] for r in await store.rows("feed", limit=10, before=1e15) if r["direction"] == "out"] == [
        "done",
        "wait",
    ]


async def test_texts_of_a_conversation_leave_one_after_the_other(store: CommittingStore) -> None:
    claims = (await store.enqueue([text("1")]))[0].claims
    assert [(await store.enqueue([text(n)]))[0].claims for n in "23"] == [(), ()]
    assert len((await store.enqueue([text("b", BOB)]))[0].claims) == 1
    assert await store.claim_out(NOW, 10) == []
    order = []
    while claims:
        order.append(claims[0].outgoing.text)
        claims = tuple(await store.sent([Settlement(claims[0], SendOutcome.ACCEPTED, NOW)]))
    assert order == ["1", "2", "3"]
    assert (await store.enqueue([text("4")]))[0].claims


async def test_a_text_that_waits_for_its_time_holds_nothing_back(store: CommittingStore) -> None:
    assert (await store.enqueue([text("later", due=NOW + 100)]))[0].claims == ()
    claim = (await store.enqueue([text("now")]))[0].claims[0]
    assert await store.claim_out(NOW + 99, 10) == []
    assert await store.claim_out(NOW + 100, 10) == [], "it waits behind what is being sent"
    followers = await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW + 100)])
    assert [c.outgoing.text for c in followers] == ["later"]


async def test_what_is_sent_later_keeps_its_place(store: CommittingStore) -> None:
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    await store.enqueue([text("2")])
    await store.retry([Settlement(claim, SendOutcome.LATER, NOW, again=NOW + 30)])
    assert await status(store, claim.outgoing) == ("queued", "queue")
    assert await store.next_due() == NOW + 30
    store = await reopen(store)
    assert await store.claim_out(NOW + 29, 10) == []
    (again,) = await store.claim_out(NOW + 30, 10)
    assert (again.outgoing.text, again.attempt) == ("1", 2)
    assert [c.outgoing.text for c in await store.sent([Settlement(again, SendOutcome.ACCEPTED, NOW + 30)])] == ["2"]
    await store.close()


async def test_at_start_every_open_attempt_is_unknown_and_what_waited_goes_on(store: CommittingStore) -> None:
    await store.enqueue([text("1"), text("2"), text("b", BOB)])
    store = await reopen(store, NOW + 5)
    assert await status(store, text("1")) == ("unknown", "check")
    assert {c.claim.outgoing.text for c in await store.claim_checks(NOW + 5, 10)} == {"1", "b"}
    assert await store.claim_out(NOW + 5, 10) == [], "what follows an unknown text must not overtake it"
    for check in await store.claim_checks(NOW + 5, 10):
        claims = await store.checked([Checked(check, LookupOutcome.FOUND, NOW + 6)])
        assert [c.outgoing.text for c in claims] == (["2"] if check.claim.outgoing.text == "1" else [])
    await store.close()


async def unknown_before_two(store: CommittingStore) -> Check:
    """An unknown text with one behind it, and one later."""
    claim = (await store.enqueue([text("1"), text("2")]))[0].claims[0]
    assert await store.sent([Settlement(claim, SendOutcome.UNKNOWN, NOW, again=NOW)]) == []
    assert (await store.enqueue([text("3")]))[0].claims == ()
    (check,) = await store.claim_checks(NOW, 10)
    return check


@pytest.mark.parametrize("finding", [LookupOutcome.FOUND, LookupOutcome.HOLD, LookupOutcome.LATER])
async def test_what_follows_an_unknown_text_waits_until_it_is_told(
    store: CommittingStore, finding: LookupOutcome
) -> None:
    check = await unknown_before_two(store)
    assert await store.checked([Checked(check, LookupOutcome.ABSENT, NOW, again=NOW + 2)]) == []
    assert await store.claim_out(NOW + 9, 10) == []
    (check,) = await store.claim_checks(NOW + 2, 10)
    (claim,) = await store.checked([Checked(check, finding, NOW + 2, again=NOW + 300)])
    assert claim.outgoing.text == "2"
    assert [c.outgoing.text for c in await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW + 3)])] == ["3"]
    if finding is LookupOutcome.LATER:  # found in the end: nothing that went on is counted twice
        (check,) = await store.claim_checks(NOW + 300, 10)
        assert await store.checked([Checked(check, LookupOutcome.FOUND, NOW + 300)]) == []


async def test_a_resend_goes_before_what_follows(store: CommittingStore) -> None:
    check = await unknown_before_two(store)
    (resend,) = await store.checked([Checked(check, LookupOutcome.RESEND, NOW + 2)])
    assert (resend.outgoing.text, resend.attempt) == ("1", 2)
    (claim,) = await store.sent([Settlement(resend, SendOutcome.ACCEPTED, NOW + 3)])
    assert claim.outgoing.text == "2"


async def test_a_report_tells_an_unknown_text(store: CommittingStore) -> None:
    check = await unknown_before_two(store)
    await store.report([Report(Receipt("main", "x", Status.DELIVERED, "21", NOW, outgoing=check.claim.outgoing.id))])
    (claim,) = await store.claim_out(NOW, 10)
    assert claim.outgoing.text == "2"
    assert await store.checked([Checked(check, LookupOutcome.HOLD, NOW)]) == [], (
        "the look-up came too late to say anything"
    )
    assert await status(store, check.claim.outgoing) == ("delivered", None)
    assert [c.outgoing.text for c in await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW)])] == ["3"]


@pytest.mark.parametrize(("scope", "name"), [("all", ""), ("line", "7255"), ("lane", "reply")])
async def test_a_pause_keeps_texts_in_order(store: CommittingStore, scope: str, name: str) -> None:
    claim = (await store.enqueue([text("1"), text("2")]))[0].claims[0]
    await store.pause(scope, name, NOW, "looking into it")
    assert (await store.enqueue([text("3"), text("b", BOB), text("later", BOB, due=NOW + 5)]))[0].claims == ()
    assert (await store.enqueue([text("sorry", EVE, lane="consent")]))[0].claims != (), "STOP is answered all the same"
    assert await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW)]) == []
    store = await reopen(store, NOW + 6)
    assert await store.claim_out(NOW + 6, 10) == []
    assert store.holds(text("2"))
    await store.resume(scope, name, NOW + 7)
    claims = {c.outgoing.text: c for c in await store.claim_out(NOW + 7, 10)}
    assert set(claims) == {"2", "b"}
    assert [c.outgoing.text for c in await store.sent([Settlement(claims["2"], SendOutcome.ACCEPTED, NOW)])] == ["3"]
    await store.close()


async def test_a_lane_that_is_paused_is_gone_past(store: CommittingStore) -> None:
    """A notice that waits must not keep answers in the same conversation from leaving."""
    first, _, reply = await store.enqueue([text("n1", lane="notice"), text("n2", lane="notice"), text("r1")])
    (claim,) = reply.claims
    assert claim.outgoing.text == "r1", "an answer is more urgent than a notice"
    await store.pause("lane", "notice", NOW)
    assert await store.retry([Settlement(first.claims[0], SendOutcome.LATER, NOW, again=NOW)]) == []
    assert await store.claim_out(NOW, 10) == []
    (answer,) = await store.enqueue([text("r2")])
    assert answer.claims == ()
    assert [c.outgoing.text for c in await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW)])] == ["r2"]
    store = await reopen(store, NOW + 1)
    assert await store.claim_out(NOW + 1, 10) == []
    for check in await store.claim_checks(NOW + 1, 10):
        await store.checked([Checked(check, LookupOutcome.FOUND, NOW + 1)])
    await store.resume("lane", "notice", NOW + 2)
    (claim,) = await store.claim_out(NOW + 2, 10)
    assert claim.outgoing.text == "n1"
    assert [c.outgoing.text for c in await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW + 2)])] == ["n2"]
    await store.close()


async def test_a_pause_of_a_lane_lets_no_answer_overtake_one_that_is_being_sent(store: CommittingStore) -> None:
    first, second = await store.enqueue([text("r1"), text("r2")])
    assert (len(first.claims), len(second.claims)) == (1, 0)
    await store.pause("lane", "bulk", NOW)
    assert await store.claim_out(NOW, 10) == []
    (claim,) = await store.sent([Settlement(first.claims[0], SendOutcome.ACCEPTED, NOW)])
    assert claim.outgoing.text == "r2"
    await store.close()


async def test_a_reminder_that_waits_behind_an_unknown_text_waits_on_after_a_restart(store: CommittingStore) -> None:
    await store.enqueue([text("later", due=NOW + 5)])
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    assert claim.outgoing.text == "1"
    assert await store.claim_out(NOW + 5, 10) == []
    store = await reopen(store, NOW + 6)
    assert await store.claim_out(NOW + 6, 10) == [], "what was owed first has the lower place, and waits all the same"
    (check,) = await store.claim_checks(NOW + 6, 10)
    (claim,) = await store.checked([Checked(check, LookupOutcome.FOUND, NOW + 7)])
    assert claim.outgoing.text == "later"
    await store.close()


async def test_a_report_that_came_before_a_look_up_counts_when_that_finds_its_text(store: CommittingStore) -> None:
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    await store.sent([Settlement(claim, SendOutcome.UNKNOWN, NOW, again=NOW)])
    await store.report([Report(Receipt("main", "theirs-1", Status.DELIVERED, "ok", NOW))])
    (check,) = await store.claim_checks(NOW, 10)
    await store.checked([Checked(check, LookupOutcome.FOUND, NOW, reference="theirs-1")])
    assert await status(store, claim.outgoing) == ("delivered", None)


async def test_two_pauses_end_each_by_itself(store: CommittingStore) -> None:
    await store.pause("all", "", NOW)
    await store.pause("lane", "reply", NOW)
    await store.enqueue([text("1")])
    await store.resume("all", "", NOW)
    assert await store.claim_out(NOW, 10) == []
    await store.resume("lane", "reply", NOW)
    assert [c.outgoing.text for c in await store.claim_out(NOW, 10)] == ["1"]


async def test_an_opt_out_ends_what_a_pause_keeps(store: CommittingStore) -> None:
    await store.pause("all", "", NOW)
    await store.enqueue([text("1"), text("2")])
    word = Consent("optout", "STOP", "x", "bye")
    stop = event("stop")
    answer = await store.accept([Acceptance(stop, word, (text("bye", lane="consent"),))])
    assert [c.outgoing.text for c in answer[0].claims] == ["bye"]
    assert await status(store, text("1")) == ("blocked", None)
    await store.resume("all", "", NOW)
    assert await store.claim_out(NOW, 10) == []


async def test_an_unknown_text_is_looked_up_resent_and_held(store: CommittingStore) -> None:
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    await store.sent([Settlement(claim, SendOutcome.UNKNOWN, NOW, again=NOW)])
    (check,) = await store.claim_checks(NOW, 10)
    assert (check.absences, check.resends) == (0, 0)
    await store.checked([Checked(check, LookupOutcome.ABSENT, NOW, again=NOW + 2)])
    assert await store.claim_checks(NOW + 1, 10) == []
    (check,) = await store.claim_checks(NOW + 2, 10)
    assert check.absences == 1
    (resend,) = await store.checked([Checked(check, LookupOutcome.RESEND, NOW + 2)])
    assert resend.attempt == 2
    await store.sent([Settlement(resend, SendOutcome.UNKNOWN, NOW + 2, again=NOW + 2)])
    (check,) = await store.claim_checks(NOW + 2, 10)
    assert check.resends == 1
    await store.checked([Checked(check, LookupOutcome.HOLD, NOW + 3, detail="held")])
    assert await store.claim_checks(NOW + 1e6, 10) == []
    assert await status(store, claim.outgoing) == ("unknown", None)


async def test_reports_are_idempotent_and_order_free(store: CommittingStore) -> None:
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    listen = frozenset({Status.DELIVERED})

    def report(status: Status | None, raw: str) -> Report:
        return Report(Receipt("main", claim.reference, status, raw, NOW, claim.outgoing.id), listen)

    first = await store.report([report(Status.DELIVERED, "21"), report(Status.DELIVERED, "21")])
    assert [e.kind for e in first] == ["delivery"]
    assert await store.report([report(Status.SENT, "2"), report(None, "77"), report(Status.DELIVERED, "21")]) == []
    await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW)])
    assert await status(store, claim.outgoing) == ("delivered", None)
    assert len(await store.rows("receipts", id=claim.outgoing.id)) == 3
    assert [e.kind for e in await store.unread(0, 10)] == ["delivery"]


async def test_a_report_before_its_text_is_known_counts_when_it_is(store: CommittingStore) -> None:
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    await store.report([Report(Receipt("main", "theirs-1", Status.DELIVERED, "ok", NOW))])
    await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW, reference="theirs-1")])
    assert await status(store, claim.outgoing) == ("delivered", None)
    other = (await store.enqueue([text("2")]))[0].claims[0]
    await store.sent([Settlement(other, SendOutcome.ACCEPTED, NOW, reference="theirs-2")])
    await store.report([Report(Receipt("main", "theirs-2", Status.FAILED, "no", NOW))])
    assert await status(store, other.outgoing) == ("failed", None)


@pytest.mark.parametrize("found", [True, False], ids=["looked up", "accepted"])
async def test_a_report_before_its_text_is_known_wakes_its_conversation_once(
    store: CommittingStore, found: bool
) -> None:
    woken: list[Event] = []
    store.listen(frozenset({Status.DELIVERED}), woken.extend)
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    early = Report(Receipt("main", "theirs-1", Status.DELIVERED, "ok", NOW), frozenset({Status.DELIVERED}))
    assert await store.report([early]) == []
    if found:
        await store.sent([Settlement(claim, SendOutcome.UNKNOWN, NOW, again=NOW)])
        (check,) = await store.claim_checks(NOW, 10)
        await store.checked([Checked(check, LookupOutcome.FOUND, NOW, reference="theirs-1")])
    else:
        await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW, reference="theirs-1")])
    assert [(e.kind, e.key) for e in woken] == [("delivery", ANN)]
    assert [e.seq for e in await store.unread(0, 10)] == [woken[0].seq]
    assert await store.report([early]) == []


async def test_early_reports_wake_for_what_holds_in_the_end(store: CommittingStore) -> None:
    both = frozenset({Status.DELIVERED, Status.FAILED})
    woken: list[Event] = []
    store.listen(both, woken.extend)
    claim = (await store.enqueue([text("1")]))[0].claims[0]
    for status_, raw in ((Status.DELIVERED, "ok"), (Status.FAILED, "no")):
        await store.report([Report(Receipt("main", "theirs-1", status_, raw, NOW), both)])
    await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW, reference="theirs-1")])
    assert ['"delivered"' in e.data for e in woken] == [True]


async def test_suppressed_numbers_are_refused_when_written_and_when_claimed(store: CommittingStore) -> None:
    await store.enqueue([text("scheduled", due=NOW + 10), text("first"), text("behind"), text("bob", BOB)])
    stop = Acceptance(event("stop"), Consent("optout", "stop", "text"), (text("bye", lane="consent"),))
    assert not (await store.accept([stop]))[0].claims, "the confirmation waits behind what is being sent"
    assert await store.suppressed(ANN.number)
    assert not await store.suppressed(BOB.number)
    assert await status(store, text("scheduled")) == ("blocked", None)
    assert await status(store, text("behind")) == ("blocked", None)
    assert (await store.enqueue([text("new")]))[0].claims == ()
    assert await status(store, text("new")) == ("blocked", None)
    assert (await store.load(ANN)).opted_out
    (claim,) = (await store.step_express([step(event("x"), 1, outgoing=(text("no"), text("help", lane="consent")))]))[
        0
    ].claims or (None,)
    assert claim is None
    await store.accept([Acceptance(event("start"), Consent("optin", "start", "text"))])
    assert not (await store.load(ANN)).opted_out


async def test_counts_stay_right_after_an_opt_out(store: CommittingStore) -> None:
    (first,) = (await store.enqueue([text("first")]))[0].claims
    await store.enqueue([text("behind")])
    await store.accept([Acceptance(event("stop"), Consent("optout", "stop", "text"))])
    assert await store.close_out(first.outgoing, Status.BLOCKED, "opted out", NOW) == ()
    await store.accept([Acceptance(event("start"), Consent("optin", "start", "text"))])
    assert (await store.enqueue([text("again")]))[0].claims


async def test_old_texts_expire_when_claimed_and_the_next_goes_on(store: CommittingStore) -> None:
    (claim,) = (await store.enqueue([text("1")]))[0].claims
    await store.enqueue([text("old", expires=NOW + 5), text("fresh")])
    (next_claim,) = await store.sent([Settlement(claim, SendOutcome.ACCEPTED, NOW + 10)])
    assert next_claim.outgoing.text == "fresh"
    assert await status(store, text("old")) == ("expired", None)


async def test_a_timer_fires_once(store: CommittingStore) -> None:
    timer = Timer(ANN, "timeout", NOW + 60)
    await store.step_express([step(event("a"), timers=(timer,))])
    fire = Acceptance(event("t"), timer=timer)
    assert [a.verdict for a in await store.accept([fire, fire])] == [Verdict.DONE, Verdict.DUPLICATE]
    assert await store.sweep(NOW + 100, 10) == []


async def test_a_failed_turn_waits_then_is_a_dead_letter(store: CommittingStore) -> None:
    await store.accept([Acceptance(event("a"))])
    (unread,) = await store.unread(0, 10)
    await store.postpone(unread, NOW + 5, "failed")
    (unread,) = await store.unread(0, 10)
    assert unread.attempts == 1
    await store.postpone(unread, None, "dead")
    assert await store.unread(0, 10) == []
    assert (await store.rows("counts"))[0]["dead"] == 1


async def test_quarantine_keeps_a_body_once(store: CommittingStore) -> None:
    item = Quarantined("main", "inbound", b'{"a":1}', "why", NOW)
    await store.quarantine([item, item])
    (row,) = await store.rows("quarantined", account="main", limit=10)
    await store.replayed(row["id"], NOW)
    assert await store.rows("quarantined", account="", limit=10) == []


async def test_two_secrets_live_and_a_third_retires_the_oldest(store: CommittingStore) -> None:
    for i in range(3):
        await store.add_hook_secret("main", f"s{i}", NOW + i)
    assert await store.hook_secrets() == {"main": ("s2", "s1")}


async def test_hundreds_at_once_share_their_commits(store: CommittingStore) -> None:
    keys = [Key("7255", f"+4860010{i:04d}") for i in range(400)]
    answers = await asyncio.gather(
        *(
            store.step_express([step(Event(digest(k.number), k, "text", "x", NOW), outgoing=(text(k.number, k),))])
            for k in keys
        )
    )
    assert all(a[0].verdict is Verdict.DONE and len(a[0].claims) == 1 for a in answers)
    assert (await store.rows("last_seq"))[0] == {"events": 400, "outgoing": 400}


async def test_a_closed_store_says_so(store: CommittingStore) -> None:
    await store.close()
    with pytest.raises(StoreError):
        await store.accept([Acceptance(event("a"))])
    with pytest.raises(StoreError):
        await store.rows("counts")
