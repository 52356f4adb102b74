"""A campaign: people text a server that is ended again and again, at every named place and at random moments.

python -m tests.crash.campaign --quick
python -m tests.crash.campaign --full --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from smsbot.failpoints import POINTS

from ..postgres import Server
from ..postgres import server as postgres_server
from . import network as net
from .lives import sweep
from .people import KINDS, Person, Place
from .report import Report, Tell, progress, silent
from .stage import Stage, Zygote

RARE = {
    "gateway.connected",
    "step.begun",
    "step.done",
    "step.kept",
    "timer.due",
    "timer.fired",
    "event.kept",
    "check.found",
    "check.kept",
}
"""What happens so seldom that the first time must do."""
FAULTS = ("fault.log", "fault.worker", "fault.writer", "fault.addresses")
"""What goes wrong without ending the process: its log cannot be written, a worker and the writer raise, names hang."""
ONCE = {"recover.begun", "drain.begun"}
"""What happens once in the life of a process."""
APART = {
    "migration.written",
    "migration.done",
    "backup.copied",
    "copy.written",
    "copy.done",
    "restore.copied",
    "restore.kept",
    "restore.placed",
    "worker.timers",
    "writer.served",
    "api.asked",
    "api.done",
    "pushes.taking",
    "pushes.taken",
    "push.begun",
    "push.answered",
}
"""What has a test of its own, because no load passes there."""
PATIENCE = 30.0
"""Seconds in which a place must be reached under load."""


def places() -> list[str]:
    """Everywhere that a process may be ended under load."""
    return [p for p in POINTS if p not in APART] + list(net.POINTS)


def plan(chance: random.Random, seeds: int, kills: int) -> list[str]:
    """Every place `seeds` times and `kills` moments, in any order."""
    found = places() * seeds + [*FAULTS] * seeds + ["random"] * kills
    chance.shuffle(found)
    return found


async def campaign(
    folder: Path,
    seed: int,
    steps: Sequence[str],
    *,
    people: int = 24,
    plant: str = "",
    tell: Tell = silent,
    database: str = "",
) -> Report:
    """End a server once for each step: a place, or ``random``; then let all come to rest, and judge."""
    began = time.monotonic()
    report = Report(f"seed {seed}")
    zygote, enough, crowd = Zygote(), asyncio.Event(), list[Person]()
    limits = httpx.Limits(max_connections=4 * people)
    try:
        async with (
            Stage(zygote, folder, seed, plant=plant, patience=3.0 if plant else 60.0, database=database) as stage,
            httpx.AsyncClient(trust_env=False, limits=limits, timeout=10) as http,
        ):
            await stage.start()
            place = stage.place(http)
            lives = [asyncio.create_task(_live(n, place, crowd, enough)) for n in range(people)]
            await stage.servers.kill()
            chance = random.Random(seed)
            for n, step in enumerate(steps, 1):
                await _end_at(step, stage, chance, report)
                tell(n, len(steps), step)
                for life in lives:
                    if life.done():
                        life.result()
            await stage.start()
            enough.set()
            stage.network.unkind = False
            await asyncio.wait_for(asyncio.gather(*lives), 120)
            await stage.rest()
            await stage.end()
            report.exit = stage.servers.status
    finally:
        await zygote.close()
    report.verdict = stage.judge(crowd)
    report.seconds = time.monotonic() - began
    return report


async def _live(n: int, place: Place, crowd: list[Person], enough: asyncio.Event) -> None:
    """One place in the crowd: who waits in vain for a held text makes room for another."""
    kind = KINDS[n % len(KINDS)]
    for life in range(10_000):
        person = kind(f"+48600{life:02d}{n:04d}", place)
        crowd.append(person)
        await person.live(enough)
        if enough.is_set():
            return


async def _end_at(step: str, stage: Stage, chance: random.Random, report: Report) -> None:
    """Start a server that will end there."""
    servers = stage.servers
    nth = 1 if step in RARE | ONCE else chance.randint(2, 30)
    if step in FAULTS:
        await _live_through(step, stage, chance)
        report.kills[step] += 1
        return
    if step in net.POINTS:  # before it starts: connections that it opens at once are kept, and none is opened later
        stage.network.end_at(step, nth, lambda: servers.send(signal.SIGKILL))
    listens = await servers.start(f"{step}:{nth}" if step in POINTS else "")
    if step == "random":
        await asyncio.sleep(chance.uniform(0.02, 0.6))
        await servers.kill()
    elif listens and step == "drain.begun":
        await asyncio.sleep(0.3)
        servers.send(signal.SIGTERM)
    await servers.over(PATIENCE)
    stage.network.spare()
    if servers.killed:
        report.kills[step] += 1
    else:
        report.missed.append(step)
        await servers.kill()


async def _live_through(fault: str, stage: Stage, chance: random.Random) -> None:
    """Serve a while with something that goes wrong, then be ended."""
    raising = {
        "fault.worker": "worker.timers:3:raise",
        "fault.writer": f"writer.statement:{chance.randint(50, 400)}:raise",
    }
    await stage.servers.start(
        raising.get(fault, ""),
        log="/dev/full" if fault == "fault.log" else "",
        fault="addresses hang" if fault == "fault.addresses" else "",
    )
    await asyncio.sleep(chance.uniform(0.3, 1.5))
    await stage.servers.kill()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every place twice, 40 random moments (default)")
    parser.add_argument("--full", action="store_true", help="every place 20 times, 1,000 moments, every system call")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SMSBOT_SEED", "20261125")))
    parser.add_argument("--postgres", action="store_true", help="keep everything in a PostgreSQL server of its own")
    asked = parser.parse_args()
    with _server(asked.postgres) as server:
        return _all(asked, server)


@contextmanager
def _server(wanted: bool) -> Iterator[Server | None]:
    """A PostgreSQL server of this run, if it is wanted."""
    if not wanted:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="smsbot-pg-", dir="/tmp") as folder, postgres_server(Path(folder)) as made:
        yield made


def _all(asked: argparse.Namespace, server: Server | None) -> int:
    total = Report(f"seed {asked.seed}, in all", exit=0)

    def run(made: Callable[[Path], Report]) -> None:
        with tempfile.TemporaryDirectory(prefix="smsbot-crash-") as folder:
            found = made(Path(folder))
            if not found.clean:
                print("".join(log.read_text()[-4000:] for log in Path(folder).rglob("log")), file=sys.stderr)
        print(found, flush=True)
        total.add(found)

    for seed in range(asked.seed, asked.seed + (10 if asked.full else 1)):
        steps = plan(random.Random(seed), 2, 100 if asked.full else 40)
        run(lambda folder, seed=seed, steps=steps: asyncio.run(  # type: ignore[misc]
            campaign(folder, seed, steps, tell=progress(), database=server.fresh() if server else "")
        ))  # fmt: skip
    if asked.full and server is None:
        run(lambda folder: asyncio.run(sweep(folder, asked.seed, tell=progress())))
    if asked.full:
        print(f"--\n{total}")
    return 0 if total.clean else 1


if __name__ == "__main__":
    sys.exit(main())
