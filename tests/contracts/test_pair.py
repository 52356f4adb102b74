"""Two processes on one PostgreSQL database: what both decide at once is decided as by one."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from smsbot.core import codec
from smsbot.core.clock import ManualClock
from smsbot.core.commit import Timer, Verdict
from smsbot.core.errors import StoreLocked
from smsbot.core.handover import Taken
from smsbot.core.message import Claim, Event, Key, Receipt
from smsbot.core.status import Status
from smsbot.pipeline.long_texts import LongTexts
from smsbot.pipeline.search import SearchIndex
from smsbot.stores.base import Acceptance, Check, Consent, Report, Row, SendOutcome, Settlement
from smsbot.stores.database import Database
from smsbot.stores.memory import _MOMENT
from smsbot.stores.postgres import others, processes
from smsbot.stores.postgres.driver import Connection, Lost
from smsbot.stores.postgres.locks import locked, shut
from smsbot.stores.postgres.statements import PROCESSES, Statement
from smsbot.stores.postgres.store import PostgresStore

from ..patience import until
from ..postgres import Server
from .test_store import ANN, NOW, event, step, text

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.slow]
SEED = 20261130
BOB = Key(ANN.line, "+48601000002")


class Pair:
    """Two stores, as those of two machines."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.migrated()
        self.a, self.b = self.store("one"), self.store("two")

    def store(self, place: str) -> PostgresStore:
        return PostgresStore(self.url, shares=True, place=place)

    def rows(self, sql: str) -> list[str]:
        return self.server.run(sql, self.url.split("@/")[1].split("?")[0]).split()


@pytest.fixture
async def pair(postgres: Server) -> AsyncIterator[Pair]:
    made = Pair(postgres)
    await made.a.open(NOW)
    await made.b.open(NOW)
    yield made
    for store in (made.b, made.a):
        with suppress(Exception):
            await store.close()


@pytest.fixture
async def other(pair: Pair) -> AsyncIterator[Connection]:
    """A connection of neither, to hold locks by."""
    connection = await Connection.to(pair.url, "a test")
    yield connection
    await connection.close()


async def die(store: PostgresStore) -> None:
    """Beat no more, as a process that is frozen."""
    task = store._process._task
    assert task is not None
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


# -- who has a conversation -------------------------------------------------------------------------


async def test_who_came_first_leads_and_neither_remembers(pair: Pair) -> None:
    assert pair.a.leads
    assert not pair.b.leads
    assert (pair.a.alone, pair.b.alone) == (False, False)
    assert (await pair.b.step_express([step(event("a"))]))[0].verdict is Verdict.DONE
    await asyncio.sleep(_MOMENT)
    assert (pair.a.peek(ANN), pair.b.peek(ANN)) == (None, None)
    assert (await pair.a.load(ANN)).version == 1


async def test_the_other_remembers_again_once_it_is_alone(pair: Pair) -> None:
    await pair.a.close()

    async def leads() -> bool:
        return pair.b.leads and pair.b.alone

    await pair.b.load(ANN)
    await until(leads)
    await pair.b.step_express([step(event("a"))])
    assert pair.b.peek(ANN) is None, "what that turn began from is of before"
    assert (await pair.b.load(ANN)).version == 1
    await pair.b.step_express([step(event("b"), version=2)])
    found = pair.b.peek(ANN)
    assert found is not None
    assert found.version == 2


async def test_what_was_being_read_beside_another_is_not_remembered(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer comes when this process is alone; the other may have changed the person in between."""
    reads, read, alone = pair.b.rows, asyncio.Event(), asyncio.Event()

    async def slow(name: str, **parameters: object) -> list[Row]:
        found = await reads(name, **parameters)
        read.set()
        await alone.wait()
        return found

    monkeypatch.setattr(pair.b, "rows", slow)
    loading = asyncio.create_task(pair.b.load(ANN))
    await read.wait()
    monkeypatch.setattr(pair.b, "rows", reads)
    await pair.a.close()

    async def leads() -> bool:
        return pair.b.leads and pair.b.alone

    await until(leads)
    alone.set()
    assert (await loading).version == 0
    assert pair.b.peek(ANN) is None


async def test_one_that_needs_the_database_for_itself_is_told(pair: Pair) -> None:
    with pytest.raises(StoreLocked, match="another smsbot serves this database"):
        await PostgresStore(pair.url, place="three").open(NOW)


async def test_a_text_behind_a_turn_elsewhere_waits_for_it(pair: Pair) -> None:
    (first,) = await pair.a.accept([Acceptance(event("a"))])
    assert (await pair.b.step_express([step(event("b"))]))[0].verdict is Verdict.QUEUED
    assert (await pair.b.accept([Acceptance(event("c"))]))[0].verdict is Verdict.QUEUED
    assert (await pair.b.accept([Acceptance(event("d", BOB))]))[0].verdict is Verdict.DONE
    (done,) = await pair.a.finish([step(replace(event("a"), seq=first.seq))])
    assert [e.text for e in done.behind] == ["b", "c"]
    for version, waiting in enumerate(done.behind, 2):
        (done,) = await pair.a.finish([step(waiting, version)])
    assert done.behind == ()
    assert pair.rows("SELECT number FROM attended") == [BOB.number]
    assert (await pair.b.step_express([step(event("e"), 4)]))[0].verdict is Verdict.DONE


async def test_nothing_overtakes_what_waits_for_nobody(pair: Pair) -> None:
    """What a dead process left comes before what comes now, also before anybody has taken it up."""
    await pair.a.accept([Acceptance(event("a"))])
    pair.rows("DELETE FROM attended")
    assert (await pair.b.step_express([step(event("b"))]))[0].verdict is Verdict.QUEUED
    assert (await pair.b.accept([Acceptance(event("c"))]))[0].verdict is Verdict.QUEUED
    assert [e.text for e in await pair.a.waiting(lambda key: False)] == ["a", "b", "c"]
    assert await pair.a.waiting(lambda key: True) == []


async def test_a_process_that_has_lost_sight_of_its_own_finds_it_again(pair: Pair) -> None:
    await pair.b.accept([Acceptance(event("a"))])
    assert await pair.b.waiting(lambda key: False) == []  # its answer may be on its way
    assert [e.text for e in await pair.b.waiting(lambda key: False)] == ["a"]


async def test_a_conversation_in_which_nothing_waits_is_given_back(pair: Pair) -> None:
    (kept,) = await pair.b.accept([Acceptance(event("a"))])
    pair.rows(f"UPDATE events SET state = 1 WHERE seq = {kept.seq}")
    assert await pair.b.attend([ANN]) == []
    assert pair.rows("SELECT number FROM attended") == []


async def test_a_dead_letter_lets_go_of_its_conversation(pair: Pair) -> None:
    (kept,) = await pair.b.accept([Acceptance(event("a"))])
    await pair.b.postpone(replace(event("a"), seq=kept.seq), NOW + 5, "failed")
    assert (await pair.a.accept([Acceptance(event("b"))]))[0].verdict is Verdict.QUEUED
    await pair.b.postpone(replace(event("a"), seq=kept.seq), None, "dead letter")
    assert pair.rows("SELECT count(*) FROM attended") == ["1"], "something waits behind it"


# -- both at once -----------------------------------------------------------------------------------


async def test_what_is_delivered_to_both_is_new_once(pair: Pair) -> None:
    events = [event(f"e{n}", Key(ANN.line, f"+4860100{n % 7:04}")) for n in range(200)]
    both = [s.accept([Acceptance(e)]) for e in events for s in (pair.a, pair.b)]
    verdicts = [(await answer)[0].verdict for answer in asyncio.as_completed(both)]
    assert verdicts.count(Verdict.DUPLICATE) == 200
    assert len(verdicts) == 400


async def test_a_key_counts_once(pair: Pair) -> None:
    keys = [bytes([n]) * 16 for n in range(100)]
    answers = await asyncio.gather(*(s.once(key, NOW) for key in keys for s in (pair.a, pair.b)))
    assert sum(answers) == 100


async def test_a_timer_fires_once_in_four_processes(pair: Pair) -> None:
    timers = [Timer(Key(ANN.line, f"+4860100{n:04}"), "t", NOW) for n in range(1000)]
    await pair.a.step_express([step(event(f"e{n}", t.key), timers=(t,)) for n, t in enumerate(timers)])
    stores = [pair.a, pair.b, pair.store("three"), pair.store("four")]
    for store in stores[2:]:
        await store.open(NOW)
    fired = [Acceptance(event(f"t{n}", timer.key), timer=timer) for n, timer in enumerate(timers)]
    verdicts: list[Verdict] = []

    async def fire(store: PostgresStore) -> None:
        while due := await store.sweep(NOW, 50):  # all find the same, and each takes what it can get
            names = {timer.key for timer in due}
            answers = await store.accept([one for one in fired if one.event.key in names])
            verdicts.extend(answer.verdict for answer in answers)

    await asyncio.gather(*map(fire, stores))
    for store in stores[2:]:
        await store.close()
    assert verdicts.count(Verdict.DONE) == 1000
    assert verdicts.count(Verdict.QUEUED) == 0
    assert pair.rows("SELECT count(*), count(DISTINCT number) FROM events WHERE kind = 'text' AND state = 0") == [
        "1000|1000"
    ]


async def test_a_due_text_is_claimed_once(pair: Pair) -> None:
    texts = [text(f"o{n}", Key(ANN.line, f"+4860100{n % 90:04}"), due=NOW + 1) for n in range(300)]
    await pair.a.enqueue(texts)
    claimed: list[Claim] = []

    async def claim(store: PostgresStore) -> None:
        while found := list(await store.claim_out(NOW + 1, 50)):
            while found:
                claimed.append(found.pop())
                found += await store.sent([Settlement(claimed[-1], SendOutcome.ACCEPTED, NOW + 1)])

    while len(claimed) < 300:
        await asyncio.gather(claim(pair.a), claim(pair.b))
    assert sorted(c.outgoing.id for c in claimed) == sorted(t.id for t in texts)


async def test_texts_of_one_conversation_leave_one_after_the_other_wherever_they_are_said(pair: Pair) -> None:
    (first,) = await pair.a.enqueue([text("o1")])
    (second,) = await pair.b.enqueue([text("o2")])
    assert len(first.claims) == 1
    assert second.claims == ()
    (claim,) = await pair.a.sent([Settlement(first.claims[0], SendOutcome.ACCEPTED, NOW)])
    assert claim.outgoing.id == text("o2").id


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_report_and_the_id_that_it_names_never_pass_each_other(pair: Pair, swapped: bool) -> None:
    """Delivered to one process at the very moment at which the other learns the provider's id of the text."""
    said = [text(f"o{n}", Key(ANN.line, f"+4860100{n:04}")) for n in range(150)]
    claims = [c for answer in await pair.a.enqueue(said) for c in answer.claims]
    ends = [Settlement(c, SendOutcome.ACCEPTED, NOW, reference=f"ref{n}") for n, c in enumerate(claims)]
    told = [Report(_receipt(c, f"ref{n}")) for n, c in enumerate(claims)]
    one, other = (pair.b, pair.a) if swapped else (pair.a, pair.b)
    await asyncio.gather(
        *(one.sent([end]) for end in ends), *(other.report([report]) for report in told), return_exceptions=False
    )
    assert pair.rows("SELECT status, count(*) FROM outgoing GROUP BY status") == ["delivered|150"]


def _receipt(claim: Claim, reference: str) -> Receipt:
    return Receipt(
        account=claim.outgoing.account, reference=reference, outgoing="", raw="delivered", status=Status.DELIVERED,
        at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_every_event_has_one_turn_in_the_order_of_arrival(pair: Pair, seed: int) -> None:
    """Texts of a few people to both processes, some answered at once and some after a while, each of whose turns is
    taken by the process that has the conversation."""
    chance = random.Random(SEED + seed)
    numbers = [Key(ANN.line, f"+4860100000{n}") for n in range(4)]
    turns: dict[Key, list[str]] = defaultdict(list)
    sent: dict[Key, list[str]] = defaultdict(list)

    queues: dict[tuple[PostgresStore, Key], list[Event]] = {}

    async def take(store: PostgresStore, key: Key) -> None:
        queue = queues[store, key]
        while queue:
            head = queue[0]
            await asyncio.sleep(chance.uniform(0, 0.004))
            now = await store.load(key)
            (done,) = await store.finish([step(head, now.version + 1)])
            if done.verdict is Verdict.DONE:
                turns[key].append(head.text)
                queue[:] = sorted({e.seq: e for e in (*queue[1:], *done.behind)}.values(), key=lambda e: e.seq)
        del queues[store, key]

    async def come(store: PostgresStore, one: Event) -> None:
        queue = queues.get((store, one.key))
        if queue is None:
            queue = queues[store, one.key] = []
            now = await store.load(one.key)
            (done,) = await store.step_express([step(one, now.version + 1)])
            if done.verdict is Verdict.DONE:
                turns[one.key].append(one.text)
            if done.verdict is Verdict.FENCED:
                (kept,) = await store.accept([Acceptance(one)])
                if kept.verdict is Verdict.DONE:
                    queue.append(replace(one, seq=kept.seq))
            await take(store, one.key)
            return
        (kept,) = await store.accept([Acceptance(one)])
        if kept.verdict is Verdict.DONE:
            queue = queues.get((store, one.key))
            if queue is None:
                queues[store, one.key] = [replace(one, seq=kept.seq)]
                await take(store, one.key)
            elif all(e.id != one.id for e in queue):
                queue.append(replace(one, seq=kept.seq))

    async def person(key: Key) -> None:
        under_way = []
        for n in range(60):
            one = event(f"{seed} {key.number} {n:03}", key)
            sent[key].append(one.text)
            under_way.append(asyncio.create_task(come(chance.choice((pair.a, pair.b)), one)))
            await asyncio.sleep(chance.uniform(0, 0.01))
        await asyncio.gather(*under_way)

    await asyncio.gather(*map(person, numbers))
    for key in numbers:
        order = pair.rows(f"SELECT replace(text, ' ', '_') FROM events WHERE number = '{key.number}' ORDER BY seq")
        assert sorted(turns[key]) == sorted(sent[key])
        assert [t.replace(" ", "_") for t in turns[key]] == order
    assert pair.rows("SELECT count(*) FROM attended") == ["0"]
    assert pair.rows("SELECT count(*) FROM events WHERE state = 0") == ["0"]


# -- what others have changed -----------------------------------------------------------------------


async def test_a_pause_is_heard_by_all_when_it_returns(pair: Pair) -> None:
    await pair.b.pause("all", "", NOW)
    assert pair.a.holds(text("o1"))
    assert (await pair.a.enqueue([text("o1")]))[0].claims == ()
    await pair.a.resume("all", "", NOW)
    assert not pair.b.holds(text("o1"))
    assert len(await pair.a.claim_out(NOW, 10)) == 1


async def test_a_stop_counts_everywhere_at_once(pair: Pair) -> None:
    assert not (await pair.b.load(ANN)).opted_out
    await pair.a.accept([Acceptance(event("stop"), Consent("optout", "STOP", "test"))])
    assert await pair.b.suppressed(ANN.number)
    assert (await pair.b.load(ANN)).opted_out
    await pair.a.accept([Acceptance(event("start"), Consent("optin", "START", "test"))])
    assert not (await pair.b.load(ANN)).opted_out


async def test_a_conversation_that_the_desk_takes_over_is_known_everywhere(pair: Pair) -> None:
    assert await pair.b.take_over(Taken(ANN, "Eva", NOW)) == "Eva"
    taken = pair.a.taken(ANN)
    assert taken is not None
    assert taken.owner == "Eva"
    assert await pair.a.take_over(Taken(ANN, "Jan", NOW)) == "Eva"


async def test_a_text_of_another_process_may_be_leaving(pair: Pair) -> None:
    (answer,) = await pair.a.enqueue([text("o1")])
    assert await pair.b.at_work(ANN)
    await pair.a.sent([Settlement(answer.claims[0], SendOutcome.ACCEPTED, NOW)])
    assert not await pair.b.at_work(ANN)


async def test_a_contact_that_another_process_has_changed_is_known(pair: Pair) -> None:
    await pair.a.load(ANN)
    await pair.b.contact(ANN.number, {"name": '"Ann"'})
    assert (await pair.a.load(ANN)).contact == {"name": '"Ann"'}


async def test_what_was_heard_is_told(pair: Pair) -> None:
    heard = []

    async def listen() -> None:
        heard.append(await pair.a.hook_secrets())

    pair.a.when_heard(listen)
    await pair.b.add_hook_secret("main", "secret", NOW)
    assert await pair.b.heard() == ""
    assert heard[-1] == {"main": ("secret",)}


# -- death ------------------------------------------------------------------------------------------


async def test_the_work_of_a_dead_process_goes_on(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "LEASE", 1.5)
    (kept,) = await pair.a.accept([Acceptance(event("a"))])
    (answer,) = await pair.a.enqueue([text("o1")])
    await pair.a.enqueue([text("o2")])
    assert len(answer.claims) == 1
    (mine,) = await pair.b.enqueue([text("o3", BOB)])
    await die(pair.a)

    async def leads() -> bool:
        return pair.b.leads

    await until(leads)
    found: list[Event] = []

    async def taken() -> bool:
        found.extend(await pair.b.waiting(lambda key: bool(found)))
        return bool(found)

    await until(taken)
    assert [(e.text, e.attempts) for e in found] == [("a", 1)], "a turn that a process died in costs a life"
    checks: Sequence[Check] = await pair.b.claim_checks(NOW + 60, 10)
    assert [c.claim.outgoing.text for c in checks] == ["o1"], "its send is unknown, and no other"
    assert await pair.b.sent([Settlement(mine.claims[0], SendOutcome.ACCEPTED, NOW)]) == []
    with pytest.raises(StoreLocked):
        await pair.a.finish([step(replace(event("a"), seq=kept.seq))])
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pair.a.still_ours(), 0.3)


async def test_one_that_leaves_gives_back_at_once(pair: Pair) -> None:
    await pair.b.accept([Acceptance(event("a"))])
    await pair.b.close()
    assert [(e.text, e.attempts) for e in await pair.a.waiting(lambda key: False)] == [("a", 0)]


async def test_nobody_is_dead_after_an_outage_of_all(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "LEASE", 1.0)
    monkeypatch.setattr(others, "_AWAY", 0.8)
    real = others.Others.look

    async def away(*_: object) -> None:
        raise Lost("away")

    monkeypatch.setattr(others.Others, "look", away)
    monkeypatch.setattr(processes.Process, "_beat", away)
    await asyncio.sleep(2.0)
    monkeypatch.undo()
    monkeypatch.setattr(others, "LEASE", 1.0)
    monkeypatch.setattr(others, "_AWAY", 0.8)
    assert others.Others.look is real
    await asyncio.sleep(2.0)
    assert len(pair.rows("SELECT id FROM processes")) == 2
    assert (await pair.b.step_express([step(event("a"))]))[0].verdict is Verdict.DONE


async def test_what_another_did_at_its_last_is_heard(pair: Pair) -> None:
    """It gives a conversation back and adds a secret, and is gone before anybody has heard of it."""
    await pair.b.take_over(Taken(ANN, "Eva", NOW))
    assert pair.a.taken(ANN) is not None
    secrets: list[object] = []

    async def listen() -> None:
        secrets.append(await pair.a.hook_secrets())

    pair.a.when_heard(listen)
    await pair.b.write([("give_back", ANN), ("hook_secret", ("main", "last", NOW))])
    await pair.b.close()

    async def alone() -> bool:
        return pair.a.alone and pair.a.memory.keeps

    await until(alone)
    await until_heard(secrets, {"main": ("last",)})
    assert pair.a.taken(ANN) is None


async def until_heard(heard: list[object], what: object) -> None:
    async def there() -> bool:
        return bool(heard) and heard[-1] == what

    await until(there)


async def test_one_that_moved_meanwhile_is_not_buried(pair: Pair, other: Connection) -> None:
    others = pair.a._process._others
    await others.look(other, pair.a._process.id)
    moved = pair.b._process.id
    seen = others.seen_of(moved)
    await pair.b.accept([Acceptance(event("a"))])
    assert await other.rows(PROCESSES["bury"], (moved, *seen)) == []
    assert (await pair.b.accept([Acceptance(event("b", BOB))]))[0].verdict is Verdict.DONE


async def test_a_page_that_takes_long_holds_up_no_beat(pair: Pair) -> None:
    beats = f"SELECT heard > now() - interval '2 s' FROM processes WHERE id = {pair.a._process.id}"
    slow = asyncio.create_task(pair.a._pages.ask(Statement("SELECT pg_sleep(4)"), ()))
    for _ in range(3):
        await asyncio.sleep(1)
        assert pair.rows(beats) == ["t"]
    assert pair.a._process.sure
    await slow


async def test_what_a_callback_raises_ends_no_beat(pair: Pair) -> None:
    async def broken() -> None:
        raise KeyError("x")

    pair.a.when_heard(broken)
    await asyncio.sleep(1.5)
    assert pair.a._process._task is not None
    assert not pair.a._process._task.done()
    assert pair.a._process.sure


async def test_what_a_pause_keeps_costs_no_lives(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "LEASE", 1.0)
    await pair.a.pause("all", "", NOW)
    await pair.b.accept([Acceptance(event("a"))])
    await die(pair.b)

    async def taken() -> Sequence[Event]:
        return await pair.a.waiting(lambda key: False)

    found: list[Event] = []

    async def there() -> bool:
        found.extend(await taken())
        return bool(found)

    await until(there)
    assert [e.attempts for e in found] == [0]


async def test_a_turn_of_an_event_that_waits_no_more_is_none(pair: Pair) -> None:
    (kept,) = await pair.a.accept([Acceptance(event("a"))])
    await pair.a.finish([step(replace(event("a"), seq=kept.seq))])
    (again,) = await pair.a.finish([step(replace(event("a"), seq=kept.seq), 2)])
    assert again.verdict is Verdict.DUPLICATE


async def test_what_is_under_way_is_no_stray(pair: Pair, other: Connection) -> None:
    """Of two events of one call one waits for a lock: the other is known to whoever made the call, though not yet."""
    await other.begin()
    assert await locked(other, {BOB.number})
    kept = asyncio.create_task(pair.a.accept([Acceptance(event("a")), Acceptance(event("b", BOB))]))

    async def first_is_there() -> bool:
        return pair.rows("SELECT text FROM events") == ["a"]

    await until(first_is_there)
    assert [await pair.a.waiting(lambda key: False) for _ in range(3)] == [[], [], []]
    await other.roll_back()
    assert [answer.verdict for answer in await kept] == [Verdict.DONE, Verdict.DONE]


@pytest.mark.parametrize("told", [True, False])
async def test_parts_that_come_to_both_make_one_text(pair: Pair, told: bool) -> None:
    clock = ManualClock(NOW)
    ways = [LongTexts(store, clock, lambda: None) for store in (pair.a, pair.b)]
    full = "x" * 153
    for n in range(20):
        key = Key(ANN.line, f"+4860100{n:04}")
        parts = [("a" + full[1:], f"r{n}", 1), ("b" + full[1:], f"r{n}", 2)]
        taken = [
            way.takes(event(text_, key, seen=bytes([n, place]) * 8), (ref, place, 2) if told else ("", 0, 0))
            for way, (text_, ref, place) in zip(ways, parts, strict=True)
        ]
        assert await asyncio.gather(*taken) == [True, True]
    timers = pair.server.run("SELECT data FROM timers", pair.url.split("@/")[1].split("?")[0]).splitlines()
    assert [len(codec.loads(data)["parts"]) for data in timers] == [2] * 20


async def test_words_of_a_batch_that_ends_late_are_found(pair: Pair, other: Connection) -> None:
    """A place that was given before another, and is committed after it."""
    await other.begin(f"SET LOCAL smsbot.process = '0'; {shut(others=False)}")
    late = "INSERT INTO events (seq, id, line, number, kind, text, at) SELECT nextval('events_seq_seq'), '\\x01', "
    await other.script(f"{late} '7255', '+48601000009', 'text', 'zebra', 1000")
    await pair.a.accept([Acceptance(event("horse"))])
    searching = asyncio.create_task(SearchIndex(pair.a).once())
    await asyncio.sleep(0.5)
    await other.commit()
    await searching
    assert pair.rows("SELECT count(*) FROM words_in") == ["2"]


async def test_one_that_is_about_to_end_leads_no_more(pair: Pair) -> None:
    await pair.a.retire()
    assert not pair.a.leads

    async def leads() -> bool:
        return pair.b.leads

    await until(leads)


# -- builds -----------------------------------------------------------------------------------------


def nobody(key: Key) -> bool:
    return False


async def test_the_newer_build_takes_the_turns(pair: Pair) -> None:
    (before,) = await pair.a.accept([Acceptance(event("before", BOB))])
    await pair.a.announce("1")
    await pair.b.announce("2")
    assert (pair.a.outdated, pair.b.outdated) == (True, False)
    (told,) = await pair.a.accept([Acceptance(event("a"))])
    (done,) = await pair.a.step_express([step(event("b", Key(ANN.line, "+48601000003")))])
    assert (told.verdict, done.verdict) == (Verdict.QUEUED, Verdict.QUEUED)
    assert await pair.a.waiting(nobody) == [], "neither at once, nor as one that it has lost sight of"
    assert sorted(e.text for e in await pair.b.waiting(nobody)) == ["a", "b"]
    (behind,) = await pair.b.accept([Acceptance(event("c"))])
    assert behind.verdict is Verdict.DONE
    (begun,) = await pair.a.finish([step(replace(event("before", BOB), seq=before.seq))])
    assert begun.verdict is Verdict.DONE, "what was begun before goes on"


async def test_what_an_older_build_took_in_comes_before_what_the_newer_takes(pair: Pair) -> None:
    (kept,) = await pair.a.accept([Acceptance(event("before", BOB))])
    await pair.a.announce("1")
    await pair.b.announce("2")
    (one,) = await pair.a.accept([Acceptance(event("a"))])
    (two,) = await pair.b.accept([Acceptance(event("b"))])
    assert (one.verdict, two.verdict) == (Verdict.QUEUED, Verdict.QUEUED)
    (ended,), (told,) = await asyncio.gather(
        pair.a.finish([step(replace(event("before", BOB), seq=kept.seq))]), pair.a.accept([Acceptance(event("c", BOB))])
    )  # in one batch
    assert (ended.verdict, told.verdict) == (Verdict.DONE, Verdict.QUEUED)
    assert [e.text for e in await pair.b.waiting(nobody)] == ["a", "b", "c"]
    assert await pair.b.waiting(lambda key: True) == []


async def test_what_nobody_has_begun_costs_no_life(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "LEASE", 1.0)
    await pair.a.announce("1")
    await pair.b.announce("2")
    await pair.a.accept([Acceptance(event("a"))])
    await die(pair.b)
    await until(lambda: not pair.a.outdated)
    found: list[Event] = []

    async def taken() -> bool:
        found.extend(await pair.a.waiting(nobody))
        return bool(found)

    await until(taken)
    assert [(e.text, e.attempts) for e in found] == [("a", 0)]


async def test_the_doctor_sees_two_builds(pair: Pair) -> None:
    await pair.a.announce("1")
    await pair.b.announce("2")
    found = {name: told async for name, _, told in Database(pair.url).findings()}
    assert found["builds"].startswith("2 serve; the newest, 2, takes the turns: process ")


async def test_what_a_timer_wakes_is_the_newer_builds(pair: Pair) -> None:
    await pair.a.announce("1")
    await pair.b.announce("2")
    timer = Timer(ANN, "t", NOW)
    await pair.b.step_express([step(event("a"), timers=(timer,))])
    assert pair.a.leads
    (fired,) = await pair.a.accept([Acceptance(event("t"), timer=timer)])
    assert fired.verdict is Verdict.QUEUED
    assert [e.text for e in await pair.b.waiting(nobody)] == ["t"]


@pytest.mark.parametrize("first", ["1", "2", ""])
async def test_who_announces_the_same_or_nothing_takes_no_turns_away(pair: Pair, first: str) -> None:
    if first:
        await pair.a.announce(first)
    await pair.b.announce("2" if first else "")
    if first == "1":
        await pair.b.announce("1")
        await until(lambda: not pair.a.outdated)
    assert not pair.a.outdated
    (told,) = await pair.a.accept([Acceptance(event("a"))])
    assert told.verdict is Verdict.DONE


async def test_the_former_build_takes_turns_again_once_the_newer_is_gone(pair: Pair) -> None:
    await pair.a.announce("1")
    await pair.b.announce("2")
    await pair.a.accept([Acceptance(event("a"))])
    await pair.b.close()
    await until(lambda: not pair.a.outdated)
    assert [e.text for e in await pair.a.waiting(nobody)] == ["a"], "given to one that is gone"
    (told,) = await pair.a.accept([Acceptance(event("b", BOB))])
    assert told.verdict is Verdict.DONE
