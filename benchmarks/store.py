"""What a text costs in the store alone: the commit of its turn, and that of its send.

    python -m benchmarks.store [--texts 20000] [--flight 256] [--rounds 3] [--programs /usr/lib/postgresql/15/bin]

People talk to a bot that asks once: each text is loaded, committed with the text that answers it, a run that begins or
ends, its timer and its steps; then its send is settled. So many are under way at once. Stores of one and of two
processes on PostgreSQL stand beside SQLite; the same work without a store is taken off. What is told is the CPU of
Python and of all processes of PostgreSQL for one text, not the time it takes. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from smsbot.core.commit import Commit, Timer, digest, outgoing_id
from smsbot.core.conversation import Conversation, Run, StoredFrame
from smsbot.core.message import Event, Key, Outgoing
from smsbot.stores.base import SendOutcome, Settlement
from smsbot.stores.postgres.store import PostgresStore
from smsbot.stores.sqlite import SqliteStore

from .postgres import created, server

LINE = "+48732000111"
PEOPLE = 4_000


class Nothing:
    """Keeps the conversations alone, so that what drives a store can be taken off."""

    def __init__(self) -> None:
        self._kept: dict[Key, Conversation] = {}

    async def load(self, key: Key) -> Conversation:
        return self._kept.get(key, Conversation(key))

    async def step_express(self, batch: Sequence[Commit]) -> None:
        await asyncio.sleep(0)
        for one in batch:
            self._kept[one.event.key] = one.after

    async def sent(self, batch: Sequence[Settlement]) -> None:
        await asyncio.sleep(0)


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


async def talk(store: Any, people: Sequence[Key], numbers: Iterator[int], most: int) -> None:
    """Text after text of some people, until there were enough."""
    for key in itertools.cycle(people):
        if (n := next(numbers)) >= most:
            return
        commit = turn(await store.load(key), n)
        answer = await store.step_express([commit])
        for claim in answer[0].claims if answer else ():
            await store.sent([Settlement(claim, SendOutcome.ACCEPTED, time.time(), claim.reference)])


async def drive(stores: Sequence[Any], texts: int, flight: int) -> None:
    """So many texts, so many of them at once; each person texts one of the stores."""
    keys, numbers = [Key(LINE, f"+4860{n:07d}") for n in range(PEOPLE)], itertools.count()
    lanes = [talk(stores[n % len(stores)], keys[n::flight], numbers, texts) for n in range(flight)]
    await asyncio.gather(*lanes)


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


async def measured(stores: Sequence[Any], texts: int, flight: int, url: str) -> tuple[float, float, float]:
    """Microseconds of Python and of PostgreSQL for one text, and texts a second."""
    for store in stores:
        if not isinstance(store, Nothing):
            await store.open(time.time())
    began, ours, theirs = time.perf_counter(), python(), postgres(url)
    await drive(stores, texts, flight)
    ours, theirs, took = python() - ours, postgres(url) - theirs, time.perf_counter() - began
    for store in stores:
        if not isinstance(store, Nothing):
            await store.close()
    return ours * 1e6 / texts, theirs * 1e6 / texts, texts / took


def main(asked: argparse.Namespace, url: str) -> None:
    """Each kind in turn, in each round."""
    names = itertools.count()

    def shared(count: int) -> list[PostgresStore]:
        database = created(url, f"store{next(names)}")
        return [PostgresStore(database, shares=count > 1, place=f"machine {n}") for n in range(count)]

    def sqlite() -> list[SqliteStore]:
        return [SqliteStore(Path(tempfile.mkdtemp(dir=folder)) / "smsbot.db")]

    kinds: dict[str, Callable[[], Sequence[Any]]] = {
        "nothing": lambda: [Nothing()], "sqlite": sqlite, "postgresql ×1": lambda: shared(1),
        "postgresql ×2": lambda: shared(2),
    }  # fmt: skip
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(asked.rounds):
            for name, made in kinds.items():
                found[name].append(asyncio.run(measured(made(), asked.texts, asked.flight, url)))
    bare = statistics.median(one[0] for one in found.pop("nothing"))
    print(f"{asked.flight} in flight; without a store {bare:.0f} µs a text, taken off below")
    for name, results in found.items():
        ours, theirs, rate = (statistics.median(one[n] for one in results) for n in range(3))
        print(
            f"{name:14} Python {ours - bare:4.0f} µs  PostgreSQL {theirs:4.0f} µs"
            f"  together {ours - bare + theirs:4.0f} µs  {rate:6.0f} texts/s"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--flight", type=int, default=256, help="texts that are under way at once")
    parser.add_argument("--rounds", type=int, default=3)
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    parser.add_argument("--programs", type=Path, default=newest[-1] if newest else None, help="where initdb is")
    options = parser.parse_args()
    if options.programs is None:
        parser.error("there is no PostgreSQL server here; name the folder of its programs with --programs")
    with server(options.programs) as address:
        main(options, address)
