"""What PostgreSQL alone has to promise: one process at a time, and what becomes of a commit whose answer is lost."""

from __future__ import annotations

import asyncio
import os
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smsbot.core.commit import Committed, Verdict, digest
from smsbot.core.errors import StoreError, StoreForeign, StoreLocked, StoreRefused, StoreTooNew
from smsbot.core.message import Event, Key
from smsbot.stores.base import Acceptance
from smsbot.stores.database import Database
from smsbot.stores.deciding.facts import Facts
from smsbot.stores.deciding.inbound import Enqueue
from smsbot.stores.postgres import lane, others, processes
from smsbot.stores.postgres.driver import Connection
from smsbot.stores.postgres.statements import Statement, statements
from smsbot.stores.postgres.store import PostgresStore
from smsbot.stores.queries import load

from ..patience import until
from ..postgres import Server
from .test_lifting import OF_A_TEXT
from .test_store import ANN, NOW, event, step, text

pytestmark = pytest.mark.needs("postgres")


@asynccontextmanager
async def opened(url: str, **more: object) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, **more)  # type: ignore[arg-type]
    await store.open(NOW)
    try:
        yield store
    finally:
        await store.close()


def rows(server: Server, url: str, sql: str) -> list[str]:
    return server.run(sql, url.split("@/")[1].split("?")[0]).split()


def kept(server: Server, url: str) -> list[str]:
    """How many events and texts there are."""
    return rows(server, url, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM outgoing)")


# -- one process at a time --------------------------------------------------------------------------


async def test_a_second_process_is_told_whose_it_is(postgres: Server) -> None:
    url = postgres.migrated()
    async with opened(url, place="one"):
        with pytest.raises(StoreLocked, match=f"process {os.getpid()} of another machine"):
            await PostgresStore(url, place="two").open(NOW)


async def test_the_place_of_a_dead_process_of_this_machine_is_taken_at_once(postgres: Server) -> None:
    url = postgres.migrated()
    rows(postgres, url, f"INSERT INTO processes (place, pid) VALUES ('{processes._here()}', 4194305)")
    began = time.monotonic()
    async with opened(url):
        assert time.monotonic() - began < others.LEASE / 2
        assert rows(postgres, url, "SELECT pid FROM processes") == [str(os.getpid())]


@pytest.mark.slow
async def test_the_place_of_a_silent_process_elsewhere_is_taken_after_its_lease(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(others, "LEASE", 1.5)
    url = postgres.migrated()
    rows(postgres, url, "INSERT INTO processes (place, pid) VALUES ('elsewhere', 1)")
    began = time.monotonic()
    async with opened(url):
        assert time.monotonic() - began >= 1.5


@pytest.mark.slow
async def test_a_spare_waits_for_the_end_of_the_one_that_serves(postgres: Server) -> None:
    url = postgres.migrated()
    spare = PostgresStore(url, patient=True, place="two")
    async with opened(url, place="one") as first:
        waiting = asyncio.create_task(spare.open(NOW))
        await asyncio.sleep(1.5)
        assert not waiting.done()
        await first.accept([Acceptance(event("a"))])
    await asyncio.wait_for(waiting, 3)
    assert [e.text for e in await spare.unread(0, 10)] == ["a"]
    await spare.close()


@pytest.mark.slow
async def test_one_that_was_replaced_commits_and_sends_nothing_more(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen longer than its lease: another serves by now, and what this one wakes up with counts for nothing."""
    monkeypatch.setattr(others, "LEASE", 0.5)
    monkeypatch.setattr(processes, "SURE", 0.3)
    monkeypatch.setattr(processes, "BEAT", 3600.0)
    url = postgres.migrated()
    told: list[str] = []
    async with opened(url, place="one") as frozen, opened(url, place="two") as second:
        frozen.when_replaced(lambda: told.append("replaced"))
        with pytest.raises(StoreError):
            await frozen.accept([Acceptance(event("late"))])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(frozen.still_ours(), 0.5)
        assert told == ["replaced"]
        assert await second.unread(0, 10) == []
        assert (await second.accept([Acceptance(event("a"))]))[0].verdict is Verdict.DONE


# -- plans ------------------------------------------------------------------------------------------


async def test_what_a_text_asks_for_is_found_by_an_index_from_the_first_text_on(postgres: Server) -> None:
    """A plan that is made while a table is empty stays for minutes, in which thousands of texts come."""
    connection = await Connection.to(postgres.migrated(), "a test", by_index=True)
    reads = load("postgres", "reads")
    hot = {name: one for name, one in statements("reads").items() if reads[name].hot}
    written = {name: one for name, one in statements("writes").items() if name in OF_A_TEXT}
    scanned = []
    await connection.script("SET plan_cache_mode = force_generic_plan")
    for name, statement in {**hot, **statements("selects"), **written}.items():
        await connection.learn(statement)
        lifts = (statement.lifts.sql,) if statement.lifts is not None else ()
        for sql in filter(None, lifts if name in written else (statement.sql, statement.lifted)):
            await connection.script(f"PREPARE asked AS {sql}")
            given = ", ".join(["NULL"] * (max(map(int, re.findall(r"\$(\d+)", sql)), default=0)))
            plan = await connection.rows(Statement(f"EXPLAIN EXECUTE asked {f'({given})' if given else ''}"), ())
            scanned += [f"{name}: {row['QUERY PLAN']}" for row in plan if "Seq Scan" in row["QUERY PLAN"]]
            await connection.script("DEALLOCATE asked")
    await connection.close()
    assert scanned == []


# -- lost connections -------------------------------------------------------------------------------


class Proxy:
    """Between a store and its server; cuts a connection where it is told to."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._to = str(server.folder / ".s.PGSQL.5432")
        self.folder = folder
        self.cut_after_commit: Callable[[], bool] = lambda: False
        """Whether the answer to a COMMIT that passes now is lost."""
        self.cut_before_commit: Callable[[], bool] = lambda: False
        self.away = False
        """Whether every connection ends with its next word."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._serve, self.folder / ".s.PGSQL.5432")
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._to)
        lost = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(65536):
                if self.away or (b"COMMIT\0" in data and self.cut_before_commit()):
                    return
                if b"COMMIT\0" in data and self.cut_after_commit():
                    lost.set()
                up_writer.write(data)
                await up_writer.drain()

        async def down() -> None:
            while data := await up_reader.read(65536):
                if lost.is_set():
                    return
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.create_task(each()) for each in (up, down)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, up_writer):
            end.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await task


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "its answer"])
async def test_what_was_lost_at_a_commit_is_neither_lost_nor_done_twice(
    postgres: Server, tmp_path: Path, before: bool
) -> None:
    """Every third COMMIT, of turns with texts: each is answered as done once, and stands once."""
    proxy, count = Proxy(postgres, tmp_path), 0
    url = postgres.migrated().replace(str(postgres.folder), str(tmp_path))
    async with proxy.serving(), opened(url) as store:

        def third() -> bool:
            nonlocal count
            count += 1
            return count % 3 == 0

        setattr(proxy, "cut_before_commit" if before else "cut_after_commit", third)
        for n in range(12):
            key = Key("7255", f"+4860010{n:04d}")
            commit = step(event(f"t{n}", key), outgoing=(text(f"x{n}", key),))
            answer = (await store.step_express([commit]))[0]
            assert answer.verdict is Verdict.DONE
            assert [c.outgoing.text for c in answer.claims] == [f"x{n}"]
        setattr(proxy, "cut_before_commit" if before else "cut_after_commit", lambda: False)
        assert count > 15
        assert kept(postgres, url) == ["12|12"]
        again = await store.step_express([step(event("t3", Key("7255", "+48600100003")))])
        assert again[0].verdict is Verdict.DUPLICATE


@pytest.mark.slow
async def test_backends_that_are_ended_all_the_time_lose_and_double_nothing(postgres: Server) -> None:
    url, done = postgres.migrated(), asyncio.Event()
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'smsbot-%' "
        f"AND datname = '{url.split('@/')[1].split('?')[0]}' ORDER BY random() LIMIT 1"
    )

    async def killer() -> None:
        process = await asyncio.create_subprocess_exec(*postgres.psql, "-At", stdin=-1, stdout=-3)
        assert process.stdin is not None
        while not done.is_set():
            process.stdin.write(f"{kill};\n".encode())
            await process.stdin.drain()
            await asyncio.sleep(0.1)
        process.stdin.close()
        await process.wait()

    async def insisted(store: PostgresStore, key: Key) -> Committed:
        """As a provider delivers again after a 503: what was refused was not committed, so that it is no duplicate."""
        while True:
            with suppress(StoreError):
                return (await store.step_express([step(event(key.number, key), outgoing=(text(key.number, key),))]))[0]

    async with opened(url) as store:
        task = asyncio.create_task(killer())
        answers: list[Committed] = []
        for n in range(40):
            keys = [Key("7255", f"+486{n:04d}{i:04d}") for i in range(10)]
            answers += await asyncio.gather(*(insisted(store, key) for key in keys))
        done.set()
        await task
        assert all(a.verdict is Verdict.DONE and len(a.claims) == 1 for a in answers)
        assert len({a.seq for a in answers}) == 400
        assert kept(postgres, url) == ["400|400"]


@pytest.mark.slow
async def test_a_server_that_is_away_refuses_and_comes_back(tmp_path: Path, postgres: Server) -> None:
    proxy = Proxy(postgres, tmp_path)
    url = postgres.migrated().replace(str(postgres.folder), str(tmp_path))
    async with proxy.serving(), opened(url) as store:
        await store.accept([Acceptance(event("before"))])
        proxy.away = True
        began = time.monotonic()
        with pytest.raises(StoreError, match="away"):
            await store.accept([Acceptance(event("meanwhile"))])
        assert time.monotonic() - began < 8
        assert store.failing
        proxy.away = False
        assert (await store.accept([Acceptance(event("after"))]))[0].verdict is Verdict.DONE
        assert [e.text for e in await store.unread(0, 10)] == ["before", "after"]


# -- values -----------------------------------------------------------------------------------------


async def test_a_text_with_a_nul_is_kept(postgres: Server) -> None:
    """PostgreSQL has no place for U+0000: a provider that sends one must not be told 503 for ever."""
    async with opened(postgres.migrated()) as store:
        odd = Event(digest("odd"), ANN, "event", "a\0b", NOW, data='{"ref":"x\\u0000y"}')
        assert (await store.accept([Acceptance(odd)]))[0].verdict is Verdict.DONE
        assert [(e.text, e.data) for e in await store.unread(0, 10)] == [("a\ufffdb", '{"ref":"x\ufffdy"}')]
        assert await store.rows("waiting_ref", ref="x\ufffdy") == [{"number": ANN.number}]


async def test_a_row_that_is_refused_harms_no_other(postgres: Server) -> None:
    async with opened(postgres.migrated()) as store:
        bad = replace(event("bad"), text="my secret \ud800")
        answers = await asyncio.gather(
            store.accept([Acceptance(event("a"))]), store.accept([Acceptance(bad)]),
            store.accept([Acceptance(event("b"))]), return_exceptions=True,
        )  # fmt: skip
        assert isinstance(answers[1], StoreRefused)
        assert "secret" not in "".join(traceback.format_exception(answers[1]))
        assert [e.text for e in await store.unread(0, 10)] == ["a", "b"]


# -- the schema -------------------------------------------------------------------------------------


async def refused(kind: type[Exception], work: Callable[[], Awaitable[object]], match: str) -> None:
    with pytest.raises(kind, match=match):
        await work()


async def test_a_database_that_is_not_ours_or_too_new_is_refused(postgres: Server) -> None:
    empty = postgres.fresh()
    await refused(StoreForeign, Database(empty).reader().__aenter__, "no database of smsbot")
    foreign = postgres.fresh()
    rows(postgres, foreign, "CREATE TABLE theirs (x int)")
    await refused(StoreForeign, lambda: PostgresStore(foreign).open(NOW), "another program")
    new = postgres.migrated()
    rows(postgres, new, "UPDATE smsbot_schema SET version = 999, compatible = 999")
    await refused(StoreTooNew, lambda: PostgresStore(new).open(NOW), "999")
    await refused(StoreTooNew, Database(new).reader().__aenter__, "999")
    await refused(StoreError, lambda: PostgresStore("postgresql://postgres@/x?host=/nowhere").open(NOW), "reached")


async def test_a_newer_schema_that_only_adds_is_served(postgres: Server) -> None:
    """The release before goes on beside the next one, and may be started again."""
    url = postgres.migrated()
    rows(postgres, url, "UPDATE smsbot_schema SET version = 999; ALTER TABLE events ADD COLUMN mood text")
    async with opened(url) as store:
        assert (await store.accept([Acceptance(event("a"))]))[0].verdict is Verdict.DONE
        async with Database(url).reader() as reader:
            assert len(await reader.rows("unread", after=0, limit=10)) == 1


@pytest.mark.slow
async def test_many_that_start_at_once_migrate_once(postgres: Server) -> None:
    url = postgres.fresh()
    stores = [PostgresStore(url, place=f"machine {n}") for n in range(4)]
    found = await asyncio.gather(*(s.open(NOW) for s in stores), return_exceptions=True)
    assert [f for f in found if f is not None and not isinstance(f, StoreLocked)] == []
    assert found.count(None) == 1
    for store in stores:
        await store.close()


def test_an_address_is_shown_without_its_password() -> None:
    assert str(Database("postgresql://ann:secret@db.example:5433/bots?sslmode=require")) == (
        "postgresql://ann@db.example:5433/bots"
    )
    assert str(Database("sqlite:///x.db")) == "x.db"


@pytest.mark.parametrize(
    "password", ["s/cret", "s#cret", "s?cret", "s@c/ret", "s@c#ret", "s@cret", "[::cret", "a:cret"]
)
async def test_a_password_that_was_not_escaped_is_not_shown(password: str) -> None:
    place = Database(f"postgresql://ann:{password}@h.invalid/bots")
    assert "cret" not in str(place)
    with pytest.raises(StoreError) as told:
        [finding async for finding in place.findings()]
    assert "cret" not in "".join(traceback.format_exception(told.value))


async def test_every_look_can_be_of_many_at_once(postgres: Server) -> None:
    """What a batch has to know is read for all of it; names inside a statement must not hide what it is given."""
    connection = await Connection.to(postgres.migrated(), "smsbot-test")
    try:
        for name, statement in statements("selects").items():
            given = {int(n) for n in re.findall(r"\$(\d+)", statement.sql)}
            assert len(await connection.each(statement, [[None] * len(given)] * 3)) == 3, name
    finally:
        await connection.close()


async def test_a_schema_of_its_own_is_enough(postgres: Server) -> None:
    """Beside the tables of another program, in one database."""
    url = postgres.fresh()
    rows(postgres, url, "CREATE TABLE theirs (x int); CREATE SCHEMA sms")
    own = f"{url}&options=-csearch_path%3Dsms"
    async with opened(own) as store:
        assert (await store.accept([Acceptance(event("a"))]))[0].verdict is Verdict.DONE
    async with Database(own).reader() as reader:
        assert (await reader.rows("last_seq"))[0]["events"] == 1
    found = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert rows(postgres, url, found) == ["1"]


async def test_a_commit_of_unknown_fate_is_asked_about_while_its_transaction_goes_on(postgres: Server) -> None:
    """The old transaction may hold its row for longer than we wait at a time: we ask once more, and hear."""
    url = postgres.migrated()
    async with opened(url) as store:
        hold = "BEGIN; UPDATE processes SET batch = 1000000; SELECT pg_sleep(3); COMMIT;"
        command = [*postgres.psql, "-d", url.split("@/")[1].split("?")[0], "-c", hold]
        holding = await asyncio.create_subprocess_exec(*command, stdout=-3)
        sleeps = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; UPDATE proc%' AND wait_event = 'PgSleep'"
        await until(lambda: bool(rows(postgres, url, sleeps)))
        assert await asyncio.wait_for(store._writer._became(1_000_000), 10)
        assert await holding.wait() == 0
        assert (await store.accept([Acceptance(event("a"))]))[0].verdict is Verdict.DONE


async def test_what_is_new_is_tallied_now_and_then(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "_TALLY_EACH", 5)
    url = postgres.migrated()
    async with opened(url) as store:
        for n in range(6):
            await store.accept([Acceptance(event(str(n)))])
        await store.accept([Acceptance(event("last"))])
        assert int(rows(postgres, url, "SELECT events FROM tallied")[0]) >= 3
        assert sum(r["n"] for r in await store.rows("totals") if r["what"] == "in") == 7


async def test_a_pulse_moves_with_what_is_committed_and_not_with_a_beat(postgres: Server) -> None:
    async with opened(postgres.migrated()) as store:
        before = await store.rows("pulse")
        await asyncio.sleep(2 * processes.BEAT)
        assert await store.rows("pulse") == before
        await store.accept([Acceptance(event("a"))])
        assert await store.rows("pulse") != before


async def test_a_fault_of_ours_in_a_decision_refuses_its_unit_alone(postgres: Server) -> None:
    class Broken(Enqueue):
        def decide(self, facts: Facts) -> Committed:
            raise KeyError("a fault")

    async with opened(postgres.migrated()) as store:
        answers = await asyncio.gather(
            store.accept([Acceptance(event("a"))]), store.lane.submit([Broken(text("x"))]), return_exceptions=True
        )
        assert isinstance(answers[1], StoreRefused)
        assert [e.text for e in await store.unread(0, 10)] == ["a"]


async def test_a_database_that_holds_nothing_yet_is_looked_at(postgres: Server) -> None:
    """Before the first start: whether the server answers and is durable, and that nothing is there."""
    found = {name: passed async for name, passed, _ in Database(postgres.fresh()).findings()}
    assert found["synchronous_commit"] is True
    assert found["database"] is None
    lax = [finding async for finding in Database(f"{postgres.migrated()}&synchronous_commit=off").findings()]
    assert ("synchronous_commit", False) in [(name, passed) for name, passed, _ in lax]
    with pytest.raises(StoreError, match="reached"):
        [finding async for finding in Database("postgresql://postgres@/x?host=/nowhere").findings()]
