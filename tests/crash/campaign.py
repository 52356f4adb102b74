"""A campaign: people text a server that is ended again and again, at every named place and at random moments.

python -m tests.crash.campaign --quick
python -m tests.crash.campaign --full --seed 7
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from smsbot.failpoints import POINTS

from ..processes import ROOT, clean_environment, free_port
from . import network as net
from .people import KINDS, Person, Place
from .verdict import Verdict, verdict

SETTINGS = """
[bots.crash]
target = "tests.crash.bot:bot"
lines = ["+48732000111"]
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:{port}/v2.1"
"""
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
ONCE = {"recover.begun", "drain.begun"}
"""What happens once in the life of a process."""
SYSCALLS = {"pwrite64": 160, "fdatasync": 50}
"""By which SQLite writes and flushes, and how many of each a server makes from its start through whole conversations."""
APART = {"migration.written", "migration.done", "backup.copied"}
"""What has a test of its own, because no load passes there."""
PATIENCE = 8.0
"""Seconds in which a place must be reached under load."""


def places() -> list[str]:
    """Everywhere that a process may be ended under load."""
    return [p for p in POINTS if p not in APART] + list(net.POINTS)


@dataclass
class Report:
    """What a campaign came to."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    """Places that were never reached, so that nothing was proved about them."""
    verdict: Verdict = field(default_factory=Verdict)
    exit: int | None = None
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every place was reached and the contract held."""
        return self.verdict.clean and not self.missed and self.exit == 0

    def add(self, other: Report) -> None:
        """Count another campaign in."""
        self.kills += other.kills
        self.missed += other.missed
        if self.exit == 0:
            self.exit = other.exit
        self.seconds += other.seconds
        for name, value in vars(other.verdict).items():
            setattr(self.verdict, name, getattr(self.verdict, name) + value)

    def __str__(self) -> str:
        calls = [k for k in self.kills if ":" in k]
        named = self.kills.total() - self.kills["random"] - len(calls)
        places = len(self.kills.keys() - {"random"}) - len(calls)
        head = f"seed {self.seed}: {named} kills at {places} named places, {len(calls)} at system calls, "
        head += f"{self.kills['random']} at random, {self.seconds:.0f} s"
        missed = [f"  never reached: {', '.join(self.missed)}"] if self.missed else []
        return "\n".join([head, *missed, str(self.verdict), *([] if self.exit == 0 else [f"  exit code {self.exit}"])])


class Zygote:
    """A process that has imported everything and forks servers; under strace, they end at a system call."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.crash.zygote"], cwd=ROOT, env=clean_environment(),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._listening = loop.run_in_executor(None, self._listen, loop)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self.news.put_nowait, json.loads(line))

    async def fork(self, **asked: object) -> int:
        """Fork a server; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        while "pid" not in (news := await asyncio.wait_for(self.news.get(), 20)):
            pass
        return int(news["pid"])

    async def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        await asyncio.to_thread(self.process.wait, 20)
        await self._listening
        self.process.stdout.close()


class Servers:
    """One server at a time."""

    def __init__(self, folder: Path, port: int, plant: str) -> None:
        self._folder = folder
        self._port = port
        self._plant = plant
        self._plain = self._zygote = Zygote()
        self.pid = 0
        self.status: int | None = None

    async def start(self, failpoint: str = "", syscall: str = "") -> bool:
        """Start one that ends at a failpoint, or at the n-th system call of a kind; whether it listens before it ends."""
        env = {
            "PORT": str(self._port), "PUBLIC_URL": "https://bots.test", "SMSBOT_RECHECK": "0.2",
            "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
            "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
            "CRASH_STEPS": str(self._folder / "steps"), "SMSBOT_FAILPOINT": failpoint,
        }  # fmt: skip
        if self._zygote is not self._plain:
            await self._zygote.close()
        self._zygote = Zygote(_strace(syscall)) if syscall else self._plain
        self.status = None
        self.pid = await self._zygote.fork(
            env=env, folder=str(self._folder), log=str(self._folder / "log"), plant=self._plant
        )
        end = time.monotonic() + 20
        while time.monotonic() < end and not self.ended:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return True
            await asyncio.sleep(0.01)
        assert self.ended, "the server does not listen"
        return False

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        while not self._zygote.news.empty():
            news = self._zygote.news.get_nowait()
            if news.get("died") == self.pid:
                self.status = news["status"]
        return self.status is not None

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        self.send(signal.SIGKILL)
        await self.over(10)

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self.pid and not self.ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def over(self, patience: float) -> bool:
        """Wait for its end."""
        end = time.monotonic() + patience
        while not self.ended and time.monotonic() < end:  # noqa: ASYNC110 - its end is told by a pipe
            await asyncio.sleep(0.005)
        return self.ended

    async def close(self) -> None:
        """End everything."""
        self.send(signal.SIGKILL)
        for zygote in {self._plain, self._zygote}:
            await zygote.close()


def _strace(syscall: str) -> list[str]:
    """``pwrite64:7``: end whichever thread makes its seventh, before the call is made."""
    name, _, nth = syscall.partition(":")
    inject = f"inject={name}:signal=KILL:when={nth}"
    return ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject]


class Campaign:
    """People, a network, and servers that end."""

    def __init__(self, folder: Path, seed: int, *, people: int, plant: str = "") -> None:
        self._folder = folder
        self._chance = random.Random(seed)
        self._size = people
        self._plant = plant
        self._network = net.Network(seed)
        self._port = free_port()
        self.report = Report(seed)

    async def run(self, steps: Sequence[str], tell: Callable[[str], None] = lambda _: None) -> Report:
        """End the server once for each step: a place, or ``random``; then let all come to rest, and judge."""
        began = time.monotonic()
        dies_at_start = any(step.partition(":")[0] in SYSCALLS for step in steps)
        self._patience = 900.0 if dies_at_start else 60.0  # it answers nobody for as long as it dies at once
        await self._network.open()
        (self._folder / "smsbot.toml").write_text(SETTINGS.format(port=self._network.port))
        self._servers = Servers(self._folder, self._port, self._plant)
        enough = asyncio.Event()
        people: list[Person] = []
        limits = httpx.Limits(max_connections=4 * self._size)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=10) as http:
            try:
                await self._start()
                place = self._place(http)
                lives = [asyncio.create_task(self._live(n, place, people, enough)) for n in range(self._size)]
                await self._servers.kill()
                for n, step in enumerate(steps, 1):
                    await self._end_at(step)
                    tell(f"{n} {step}")
                    for life in lives:
                        if life.done():
                            life.result()
                await self._start()
                enough.set()
                self._network.unkind = False
                await asyncio.wait_for(asyncio.gather(*lives), 120)
                await self._rest()
                await self._network.reported()
                self._servers.send(signal.SIGTERM)
                await self._servers.over(40)
                self.report.exit = self._servers.status
            finally:
                await self._servers.close()
                await self._network.close()
        self.report.verdict = verdict(self._folder / "smsbot.db", self._folder / "steps", self._network, people)
        self.report.seconds = time.monotonic() - began
        return self.report

    async def _live(self, n: int, place: Place, people: list[Person], enough: asyncio.Event) -> None:
        """One place in the crowd: who waits in vain for a held text makes room for another."""
        kind = KINDS[n % len(KINDS)]
        for life in range(10_000):
            person = kind(f"+48600{life:02d}{n:04d}", place)
            people.append(person)
            await person.live(enough)
            if enough.is_set():
                return

    def _place(self, http: httpx.AsyncClient) -> Place:
        """The address of inbound webhooks, and a token of the API."""
        base = f"http://127.0.0.1:{self._port}"
        self._network.reports_to = lambda url: url.replace("https://bots.test", base)
        with self._database() as db, db:
            secret = db.execute("SELECT secret FROM hook_secrets").fetchone()[0]
            hashed = hashlib.sha256(b"crash-token").digest()
            db.execute("INSERT OR IGNORE INTO tokens VALUES ('crash', ?, 0)", (hashed,))
        hook = f"{base}/hooks/main/{secret}/inbound"
        patience = 3.0 if self._plant else self._patience
        return Place(self._network, hook, "crash-token", http, self.report.seed, patience, self._held)

    def _database(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self._folder / "smsbot.db", timeout=20))

    def _held(self, number: str) -> bool:
        with self._database() as db:
            rows = db.execute(
                "SELECT 1 FROM outgoing WHERE number = ? AND status = 'unknown' AND phase IS NULL", (number,)
            )
            return rows.fetchone() is not None

    async def _end_at(self, step: str) -> None:
        """Start a server that will end there."""
        nth = 1 if step in RARE | ONCE else self._chance.randint(2, 30)
        syscall = step if step.partition(":")[0] in SYSCALLS else ""
        listens = await self._servers.start(f"{step}:{nth}" if step in POINTS else "", syscall)
        if step in net.POINTS:
            self._network.end_at(step, nth, lambda: self._servers.send(signal.SIGKILL))
        if step == "random":
            await asyncio.sleep(self._chance.uniform(0.02, 0.6))
            await self._servers.kill()
        elif listens and step == "drain.begun":
            await asyncio.sleep(0.3)
            self._servers.send(signal.SIGTERM)
        if await self._servers.over(PATIENCE) and self._servers.status == signal.SIGKILL:
            self.report.kills[step] += 1
        else:
            self.report.missed.append(step)
            await self._servers.kill()

    async def _start(self) -> None:
        if not await self._servers.start():
            raise AssertionError((self._folder / "log").read_text()[-3000:])

    async def _rest(self) -> None:
        """Until nothing is open in the database."""
        for _ in range(400):
            with self._database() as db:
                waits = db.execute("SELECT count(*) FROM outgoing WHERE phase IS NOT NULL").fetchone()[0]
                unread = db.execute("SELECT count(*) FROM events WHERE state = 0").fetchone()[0]
            if not waits and not unread:
                return
            await asyncio.sleep(0.05)


def syscalls() -> list[str]:
    """Every write and every flush of a server's first conversations."""
    return [f"{name}:{n}" for name, most in SYSCALLS.items() for n in range(1, most + 1)]


def plan(chance: random.Random, seeds: int, kills: int) -> list[str]:
    """Every place `seeds` times and `kills` moments, in any order."""
    found = places() * seeds + ["random"] * kills
    chance.shuffle(found)
    return found


async def campaign(
    folder: Path, seed: int, steps: Sequence[str], *, people: int = 24, plant: str = "", tell: Any = None
) -> Report:
    """One campaign from its plan to its verdict."""
    return await Campaign(folder, seed, people=people, plant=plant).run(steps, tell or (lambda _: None))


def rounds(seed: int, full: bool) -> Iterator[tuple[int, list[str]]]:
    """The campaigns of a run: a seed and a plan each."""
    if not full:
        yield seed, plan(random.Random(seed), 2, 40)
        return
    for n in range(10):
        yield seed + n, plan(random.Random(seed + n), 2, 100)
    yield seed + 10, syscalls()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="scripts/crash", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every place twice, 40 random moments (default)")
    parser.add_argument("--full", action="store_true", help="every place 20 times, 1,000 moments, every system call")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SMSBOT_SEED", "20261125")))
    asked = parser.parse_args()
    total = Report(asked.seed, exit=0)
    for seed, steps in rounds(asked.seed, asked.full):
        with tempfile.TemporaryDirectory(prefix="smsbot-crash-") as folder:
            found = asyncio.run(campaign(Path(folder), seed, steps, tell=_progress(len(steps))))
            if not found.clean:
                print((Path(folder) / "log").read_text()[-4000:], file=sys.stderr)
        print(found, flush=True)
        total.add(found)
    if asked.full:
        print(f"--\n{total}")
    return 0 if total.clean else 1


def _progress(steps: int) -> Callable[[str], None]:
    """One line that is written anew, in a terminal."""

    def tell(line: str) -> None:
        n, step = line.split()
        end = "\r" if int(n) < steps else "\r" + " " * 60 + "\r"
        print(f"{n} of {steps}: {step:40}", end=end, file=sys.stderr, flush=True)

    return tell if sys.stderr.isatty() else lambda _: None


if __name__ == "__main__":
    sys.exit(main())
