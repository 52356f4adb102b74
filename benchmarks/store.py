"""What a text costs in the store alone: the commit of its turn, and that of its send.

    python -m benchmarks.store [--texts 16000] [--flight 64 256] [--processes 1 2] [--rounds 3]
                               [--programs /usr/lib/postgresql/15/bin]

People talk to a bot that asks: each text is committed with the answer it gets, the run, its timer and its steps; then
its send is settled. So many are under way at once, over one or more processes. Beside it stand SQLite, and on the same
PostgreSQL server what the bots of `postgres.py` do there: one of three tables, and one with our promises by a statement
after the other. Told is the CPU of Python and of all PostgreSQL processes for a text, without what drives the store,
and the rate. Trust the ratios; nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from smsbot.core.commit import Commit, Timer, digest, outgoing_id
from smsbot.core.conversation import Conversation, Run, StoredFrame
from smsbot.core.message import Event, Key, Outgoing
from smsbot.stores.base import SendOutcome, Settlement, Store
from smsbot.stores.postgres.store import PostgresStore
from smsbot.stores.sqlite import SqliteStore

from . import careful_bot, naive_bot
from .postgres import created, server

LINE = "+48732000111"
PEOPLE = 4_000
SPAWN = multiprocessing.get_context("spawn")


class Result(NamedTuple):
    """One measurement: microseconds of CPU a text, and texts a second."""

    python: float
    postgres: float
    rate: float


class Bot(Protocol):
    """What keeps a text and its answer."""

    async def open(self) -> None: ...
    async def text(self, key: Key, n: int) -> None: ...
    async def close(self) -> None: ...


class Nothing:
    """Makes the records of a turn and keeps the conversations, so that what drives a store can be taken off."""

    def __init__(self) -> None:
        self._kept: dict[Key, Conversation] = {}

    async def open(self) -> None:
        """There is nothing to open."""

    async def text(self, key: Key, n: int) -> None:
        """The records alone."""
        await asyncio.sleep(0)
        self._kept[key] = turn(self._kept.get(key, Conversation(key)), n).after

    async def close(self) -> None:
        """There is nothing to close."""


class Ours:
    """A store of smsbot."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self) -> None:
        """Connect, make the tables."""
        await self._store.open(time.time())

    async def text(self, key: Key, n: int) -> None:
        """Its turn, then its send."""
        (answer,) = await self._store.step_express([turn(await self._store.load(key), n)])
        for claim in answer.claims:
            await self._store.sent([Settlement(claim, SendOutcome.ACCEPTED, time.time(), claim.reference)])

    async def close(self) -> None:
        """Let go."""
        await self._store.close()


class Other:
    """What a bot over a pool of ten keeps, as it does it itself."""

    def __init__(
        self, url: str, tables: str, accepted: Callable[..., Awaitable[tuple[int, str] | None]],
        settled: Callable[[Any, str, int], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._url = url
        self._tables = tables
        self._accepted = accepted
        self._settled = settled

    async def open(self) -> None:
        """The pool and the tables."""
        import asyncpg

        self._pool = await asyncpg.create_pool(self._url, min_size=10, max_size=10)
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("SELECT pg_advisory_xact_lock(1)")
            await db.execute(self._tables)

    async def text(self, key: Key, n: int) -> None:
        """Its turn, then its send."""
        body = {"id": str(n), "from": key.number, "message": "ORDER"}
        async with self._pool.acquire() as db, db.transaction():
            leaving = await self._accepted(db, body)
        if leaving is not None:
            await self._settled(self._pool, key.number, leaving[0])

    async def close(self) -> None:
        """Let go."""
        await self._pool.close()


async def _naively_settled(pool: Any, _number: str, text: int) -> None:
    await naive_bot.settled(pool, text)


async def _carefully_settled(pool: Any, number: str, text: int) -> None:
    async with pool.acquire() as db, db.transaction():
        await careful_bot.settled(db, text, number, "200")


def bot(kind: str, url: str, place: str, shares: bool) -> Bot:
    """One process of a kind."""
    if kind == "nothing":
        return Nothing()
    if kind == "naive":
        return Other(url, naive_bot.TABLES, naive_bot.accepted, _naively_settled)
    if kind == "careful":
        return Other(url, careful_bot.TABLES, careful_bot.accepted, _carefully_settled)
    if kind == "sqlite":
        return Ours(SqliteStore(Path(url)))
    return Ours(PostgresStore(url, shares=shares, place=place))


def turn(before: Conversation, n: int) -> Commit:
    """The n-th text: it begins a run that asks, or ends the one that has asked."""
    now = time.time()
    event = Event(digest(b"%d" % n), before.key, "text", "ORDER", now, "main", gateway_id=str(n))
    text = Outgoing(outgoing_id(event, 0), before.key, "main", "Which size? 1 or 2.", 1, now, now, now + 3600, event.id)
    if before.run is None:
        frame = StoredFrame("handler", "order", "size", "{}", "Which size?", now + 600)
        run = Run(event.id, "order", "ORDER", now, (frame,))
        timer = Timer(before.key, "timeout", now + 600, run.mark)
        after = replace(before, version=before.version + 1, run=run)
        return Commit(
            event, after, note="the keyword matches the whole text", outgoing=(text,), timers=(timer,), runs=(run,),
            visits=("ORDER", "size"), visited=run.id,
        )  # fmt: skip
    run = replace(before.run, frames=(), ended=now, end="done")
    after = replace(before, version=before.version + 1, run=None)
    return Commit(event, after, note="it is an answer", outgoing=(text,), cancelled=("timeout",), runs=(run,))


async def drive(own: Bot, keys: Sequence[Key], numbers: Sequence[int], flight: int) -> None:
    """A text of each number, so many at once; those of one person one after the other."""
    left = iter(numbers)

    async def lane(people: Sequence[Key], left: Iterator[int]) -> None:
        for key, n in zip(itertools.cycle(people), left, strict=False):
            await own.text(key, n)

    await asyncio.gather(*(lane(keys[n::flight], left) for n in range(flight)))


def python() -> float:
    """Seconds of CPU of this process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def postgres(url: str) -> float:
    """Seconds of CPU of every process of a PostgreSQL server."""
    first, ticks = (Path(url.partition("host=")[2]) / "data" / "postmaster.pid").read_text().split()[0], 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if first in (stat.parent.name, fields[1]):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def process(kind: str, url: str, nth: int, of: int, texts: int, flight: int, line: Any, told: Any) -> None:
    """One process of some: it waits for the others twice, before and after its texts, and tells its CPU."""

    async def work() -> None:
        own = bot(kind, url, f"machine {nth}", of > 1)
        await own.open()
        keys = [Key(LINE, f"+4860{n:07d}") for n in range(nth, PEOPLE, of)]
        await drive(own, keys, range(-1 - nth, -flight * 4, -of), flight // of)  # warm
        await asyncio.to_thread(line.wait)
        before = python()
        await drive(own, keys, range(nth, texts, of), flight // of)
        told.put(python() - before)
        await asyncio.to_thread(line.wait)
        await own.close()

    asyncio.run(work())


def measured(kind: str, url: str, address: str, count: int, texts: int, flight: int) -> Result:
    """One kind, by so many processes."""
    line, told = SPAWN.Barrier(count + 1), SPAWN.Queue()
    all_ = [
        SPAWN.Process(target=process, args=(kind, url, n, count, texts, flight, line, told)) for n in range(count)
    ]  # fmt: skip
    for one in all_:
        one.start()
    line.wait(60)
    began, theirs = time.perf_counter(), postgres(address)
    ours = sum(told.get(timeout=300) for _ in all_)
    took, theirs = time.perf_counter() - began, postgres(address) - theirs
    line.wait(60)
    for one in all_:
        one.join()
    return Result(ours * 1e6 / texts, theirs * 1e6 / texts, texts / took)


def main(asked: argparse.Namespace, address: str, folder: str) -> None:
    """All kinds in turn, in each round."""
    names = itertools.count()
    many = itertools.product(("postgresql", "naive", "careful"), asked.processes, asked.flight)
    kinds = [*itertools.product(("nothing", "sqlite"), (1,), asked.flight), *many]
    found: dict[tuple[str, int, int], list[Result]] = {kind: [] for kind in kinds}
    for _ in range(asked.rounds):
        for (kind, count, flight), results in found.items():
            name = f"store{next(names)}"
            url = f"{folder}/{name}.db" if kind in ("nothing", "sqlite") else created(address, name)
            results.append(measured(kind, url, address, count, asked.texts, flight))
    middle = {
        kind: Result(*(statistics.median(one[n] for one in results) for n in range(3)))
        for kind, results in found.items()
    }
    for flight in asked.flight:
        bare = middle[("nothing", 1, flight)].python
        print(f"{flight} in flight; {bare:.0f} µs a text of what drives it are taken off ours")
        for (kind, count, own), result in middle.items():
            if own != flight or kind == "nothing":
                continue
            told, python_ = "", result.python - bare
            if kind in ("naive", "careful"):
                beside = middle[("postgresql", count, flight)].rate / result.rate
                told, python_ = f"  ours takes {beside:.1f} × as many", result.python
            print(
                f"{kind:10} ×{count}  Python {python_:5.0f} µs  PostgreSQL {result.postgres:5.0f} µs"
                f"  together {python_ + result.postgres:5.0f} µs  {result.rate:6.0f} texts/s{told}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=16_000)
    parser.add_argument("--flight", type=int, nargs="+", default=[64, 256], help="texts that are under way at once")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="how many take them")
    parser.add_argument("--rounds", type=int, default=3)
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    parser.add_argument("--programs", type=Path, default=newest[-1] if newest else None, help="where initdb is")
    options = parser.parse_args()
    if options.programs is None:
        parser.error("there is no PostgreSQL server here; name the folder of its programs with --programs")
    with server(options.programs) as at, tempfile.TemporaryDirectory() as place:
        main(options, at, place)
