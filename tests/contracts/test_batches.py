"""A batch that is decided as one ends like the same writes decided one by one, in every table and every answer."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsbot.core.commit import Commit, Timer, digest
from smsbot.core.conversation import Conversation
from smsbot.core.errors import StoreError
from smsbot.core.message import Claim, Event, Key, Outgoing, Receipt
from smsbot.core.status import Status
from smsbot.stores.base import Acceptance, Check, Checked, Consent, LookupOutcome, Report, SendOutcome, Settlement
from smsbot.stores.deciding.facts import Due, Facts
from smsbot.stores.deciding.inbound import Accept, Enqueue, Once, Turn
from smsbot.stores.deciding.outbound import ClaimDue, Close, EndCheck, Probe, Settle
from smsbot.stores.deciding.reports import Reported
from smsbot.stores.deciding.unit import Named, Pause, Unit, batches
from smsbot.stores.sqlite import SqliteStore


class Ends(Settle):
    """The end of an attempt, as it happens: only of one that is on record and under way."""

    def decide(self, facts: Facts) -> Any:
        text, attempt = facts.texts.get(self.end.claim.outgoing.id), self.end.claim.attempt
        if text is None or (text.phase, text.attempts) != ("attempt", attempt):
            return None
        return super().decide(facts)


NOW = 1000.0
KEYS = [Key("+48100", "+48600"), Key("+48100", "+48601"), Key("+48200", "+48600")]
WAKES = frozenset({Status.DELIVERED, Status.UNDELIVERED})
NAMES = [f"t{n}" for n in range(6)]

keys, names, lanes = st.sampled_from(KEYS), st.sampled_from(NAMES), st.sampled_from(["reply", "notice", "consent"])
moments = st.sampled_from([NOW - 5, NOW, NOW + 60])


def outgoing(name: str, key: Key, due: float, lane: str) -> Outgoing:
    identity = digest(name, size=10).hex()
    return Outgoing(identity, key, "main", name, 1, NOW, due, NOW + 30, lane=lane)


texts = st.builds(outgoing, names, keys, moments, lanes)
events = st.builds(
    lambda name, key, window, origin: Event(
        digest(name, repr(window)), key, "text", name, NOW, seen=digest(name), window=window, origin=origin
    ),
    names, keys, st.sampled_from([0.0, 30.0]), st.sampled_from([b"", b"same"]),
)  # fmt: skip
claims = st.builds(Claim, texts, st.sampled_from([1, 1, 2]))
references = st.sampled_from(["", "r1", "r2"])
timers = st.builds(lambda key, due: Timer(key, "wait", due), keys, moments)


def accept(event: Event, timer: Timer | None, said: str, texts: list[Outgoing]) -> Unit:
    """An event, with a word about consent and what it is answered, or one of a timer."""
    consent = Consent(said, "STOP", "text") if said and timer is None else None
    owned = tuple(replace(t, key=event.key) for t in texts)
    timer = timer and replace(timer, key=event.key)
    return Accept(Acceptance(event, consent, owned if consent else (), timer=timer, waits=None))


def turn(event: Event, version: int, texts: list[Outgoing], express: bool, more: dict[str, Any]) -> Unit:
    """A turn that says something, with what it keeps; the ids of its texts are those of its event."""
    key, of = event.key, f"{express} {event.id.hex()}"
    owned = tuple(replace(t, key=key, id=digest(of, t.id, size=10).hex()) for t in texts)
    if "timers" in more:
        more = {**more, "timers": tuple(replace(t, key=key) for t in more["timers"])}
    commit = Commit(replace(event, seq=0 if express else 999), Conversation(key, version), outgoing=owned, **more)
    return Turn(commit, express=express)


more = st.fixed_dictionaries(
    {},
    optional={
        "timers": st.lists(timers, max_size=1),
        "cancelled": st.just(("wait",)),
        "hold": st.sampled_from(["", "with the desk"]),
        "contact": st.dictionaries(st.just("name"), st.sampled_from([None, '"Ann"', '"Bob"'])),
        "starts": st.just(((Timer(KEYS[1], "start:1", 8e15), b"start"),)),
        "released": st.booleans(),
        "handoffs": st.just(("desk",)),
    },
)
units = st.one_of(
    st.builds(accept, events, st.none() | timers, st.sampled_from(["", "", "optout", "optin"]), st.lists(texts, max_size=1)),
    st.builds(turn, events, st.sampled_from([1, 1, 2]), st.lists(texts, max_size=3), st.booleans(), more),
    st.builds(Enqueue, texts),
    st.builds(
        lambda claim, fate, reference, parts: Ends(
            Settlement(claim, fate, NOW + 1, reference, "why", NOW + 9, parts if reference else ()), WAKES
        ),
        claims, st.sampled_from(SendOutcome), references, st.sampled_from([(), (), ("r2", "r3")]),
    ),
    st.builds(lambda now, rooms: ClaimDue(Due(now, 10, 5, rooms)), moments, st.sampled_from([dict[tuple[str, str], int](), {(KEYS[0].line, "reply"): 0}])),
    st.builds(
        lambda claim, finding, reference: EndCheck(
            Checked(Check(claim, NOW, 0, 0), finding, NOW + 2, again=NOW + 50, detail="gone", reference=reference), WAKES
        ),
        claims, st.sampled_from(LookupOutcome), references,
    ),
    st.builds(lambda text, status: Close(text, status, "late", NOW), texts, st.sampled_from([Status.EXPIRED, Status.BLOCKED])),
    st.builds(
        lambda reference, status, ours, part: Reported(
            Report(Receipt("main", reference, status, str(status), NOW, outgoing=ours, part=part), WAKES)
        ),
        references, st.none() | st.sampled_from([Status.SENT, Status.DELIVERED, Status.UNDELIVERED]),
        st.sampled_from(["", *(digest(n, size=10).hex() for n in NAMES[:2])]), st.sampled_from(["", "", "1"]),
    ),
    st.builds(lambda account: Probe(account, NOW), st.sampled_from(["main", "none"])),
    st.builds(
        lambda scope, ends: Pause(scope[0], scope[1], NOW, "", ends=ends),
        st.sampled_from([("all", ""), ("lane", "reply"), ("line", "+48100"), ("account", "main")]), st.booleans(),
    ),
    st.builds(lambda key: Once(key, NOW, []), st.sampled_from([b"k1", b"start"])),
    st.builds(lambda at: Named([("hold", ("+48600", at, "by hand"))]), moments),
)  # fmt: skip


class Pair:
    """Two stores that are given the same, one as batches, one unit by unit."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.stores = [SqliteStore(folder / f"{name}.db") for name in ("together", "apart")]
        for store in self.stores:
            self.runner.run(store.open(NOW))

    def close(self) -> None:
        for store in self.stores:
            self.runner.run(store.close())
        self.runner.close()

    async def compare(self, told: list[list[Unit]]) -> None:
        together, apart = self.stores
        for batch in told:
            one = await _answer(together, batch)
            each = [await _answer(apart, [unit]) for unit in batch]
            refused = StoreError in each
            assert one is StoreError if refused else one == [answer for (answer,) in each], batch
            assert await self._tables(together) == await self._tables(apart), batch

    @staticmethod
    async def _tables(store: SqliteStore) -> dict[str, list[Any]]:
        with closing(sqlite3.connect(store.path)) as db:
            return {name: [tuple(r) for r in db.execute(f"SELECT * FROM {name}")] for name in _tables_of(db)}

    async def wipe(self) -> None:
        for store in self.stores:
            with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
                for name in _tables_of(db):
                    db.execute(f"DELETE FROM {name}")


async def _answer(store: SqliteStore, job: list[Unit]) -> Any:
    """The answers of a job that is one batch; what it was refused with stands for all."""
    try:
        return await store.lane.submit(job)
    except StoreError:
        return StoreError


def _tables_of(db: Any) -> list[str]:
    rows = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    aside = (
        "meta",
        "tallied",
        "tallies",
        "searched",
        "numbers",
    )  # filled by others than a batch, as what is searched by
    return sorted(r[0] for r in rows if r[0] not in aside and not r[0].startswith("words_"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("batches"))
    yield made
    made.close()


@settings(
    max_examples=10_000 if os.environ.get("SMSBOT_LONG") else 50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(st.lists(units, min_size=1, max_size=6), min_size=1, max_size=4))
def test_a_batch_ends_like_its_units_one_by_one(pair: Pair, told: list[list[Unit]]) -> None:
    pair.runner.run(pair.wipe())
    pair.runner.run(pair.compare(told))


def test_batches_are_cut_where_rows_could_pass_each_other() -> None:
    stop, start = (
        Accept(Acceptance(Event(digest(w), KEYS[0], w, w, NOW), Consent(w, w, "text"))) for w in ("optout", "optin")
    )
    other, pause = Enqueue(outgoing("t1", KEYS[1], NOW, "reply")), Pause("all", "", NOW, "", ends=False)
    assert [len(b) for b in batches([stop, other, start, other])] == [2, 2]
    assert [len(b) for b in batches([other, pause, pause, other, other])] == [1, 1, 1, 2]
    assert list(batches([])) == []
