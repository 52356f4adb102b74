"""Two servers that serve one PostgreSQL database: killed, frozen, replaced, and their database restarted.

The ledger of the network judges, as in the campaign: nothing lost, nothing twice, nothing inverted.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from smsbot.stores.database import Database
from smsbot.stores.postgres import schema

from ..postgres import Server, program, server
from ..processes import ROOT, free_port
from ..skipping import leave_out
from ..tables import sql
from .people import KINDS, Person
from .stage import SETTINGS, Servers, Stage, Zygote
from .verdict import Verdict

SEED = 20261130
pytestmark = [pytest.mark.needs("postgres"), pytest.mark.slow]


class Pair(Stage):
    """A stage whose address leads to one of two servers, as that of a load balancer."""

    def __init__(
        self, zygotes: tuple[Zygote, Zygote], folder: Path, seed: int, database: str, patience: float = 60.0
    ) -> None:  # fmt: skip
        super().__init__(zygotes[0], folder, seed, database=database, patience=patience)
        self.entrance = self.servers.port
        self.both: list[Servers] = []
        self.chance = random.Random(seed)
        self.mirrors = False
        """Whether both are given everything, as a provider does that delivers again."""
        self.at_first = 2
        """How many serve from the beginning."""
        self.out: set[int] = set()
        """Process ids of those that are given nothing."""
        for name, zygote in zip(("one", "two"), zygotes, strict=True):
            own = folder / name
            own.mkdir()
            server = Servers(zygote, own, free_port(), "", Database(database))
            server.steps = self.servers.steps
            self.both.append(server)
        self.folders = [folder / "one", folder / "two"]

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        """With an entrance, a network, and one server that serves."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", self.entrance)
        await self.network.open()
        for folder in self.folders:
            (folder / "smsbot.toml").write_text(SETTINGS.format(port=self.network.port))
        try:
            for one in self.both[: self.at_first]:
                await one.start()
            yield
        finally:
            for one in self.both:
                one.send(signal.SIGCONT)
                await one.kill()
            server.close()
            await self.network.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        for one in self.chance.sample(self.both, 2):
            if one.pid not in self.out and (self.mirrors or not there):
                with suppress(OSError):
                    there.append(await asyncio.open_connection("127.0.0.1", one.port))
        if there:
            ways = [_pipe(there[0][0], writer), _pipe(reader, *(asked for _, asked in there))]
            await asyncio.wait(list(map(asyncio.create_task, ways)), return_when=asyncio.FIRST_COMPLETED)
            for _, asked in there:
                asked.close()
        writer.close()

    def log(self) -> str:
        """The last words of both."""
        return "".join((f / "log").read_text()[-3000:] for f in self.folders if (f / "log").exists())


async def _pipe(reader: asyncio.StreamReader, *writers: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            for writer in writers:
                with suppress(OSError):
                    writer.write(data)
                    await writer.drain()
    for writer in writers:
        with suppress(OSError):
            writer.close()


Happening = Callable[[Pair, Server, random.Random], Awaitable[None]]


async def calm(pair: Pair, _: Server, __: random.Random) -> None:
    """Nothing happens."""
    await asyncio.sleep(8)


async def mirrored(pair: Pair, _: Server, __: random.Random) -> None:
    """Both are given each webhook."""
    pair.mirrors = True
    await asyncio.sleep(8)


async def _killed(pair: Pair, chance: random.Random, times: int, fault: str) -> None:
    for _n in range(times):
        await asyncio.sleep(chance.uniform(1.0, 2.0))
        one = chance.choice(pair.both)
        await one.kill()
        await asyncio.sleep(chance.uniform(0.0, 1.5))
        await one.start(fault=fault)


async def killed(pair: Pair, _: Server, chance: random.Random) -> None:
    """`kill -9` of one of two on one machine; it is started again."""
    await _killed(pair, chance, 5, "")


async def killed_elsewhere(pair: Pair, _: Server, chance: random.Random) -> None:
    """The same on two machines: only silence says that it is dead."""
    await _killed(pair, chance, 3, "elsewhere")
    await asyncio.sleep(8)


async def frozen(pair: Pair, _: Server, chance: random.Random) -> None:
    """SIGSTOP for longer than the lease, then CONT: the one that wakes up sends and commits nothing, and ends."""
    for _n in range(2):
        one = pair.both[1]
        if one.ended:
            await one.start(fault="elsewhere")
        await asyncio.sleep(chance.uniform(1.0, 2.0))
        one.send(signal.SIGSTOP)
        pair.out.add(one.pid)
        await asyncio.sleep(9)
        one.send(signal.SIGCONT)
        assert await one.over(35), "it ends by itself"
        assert one.status == 1 << 8
    await one.start(fault="elsewhere")


async def frozen_inside(pair: Pair, _: Server, chance: random.Random) -> None:
    """One freezes inside a transaction, past the lease; the other acknowledges meanwhile as ever."""
    one = pair.both[1]
    one.send(signal.SIGTERM)
    assert await one.over(35)
    await one.start(fault="freezes in a transaction")
    pid, took = one.pid, list[float]()
    while " T " not in Path(f"/proc/{pid}/stat").read_text():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.005)
    pair.out.add(pid)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        hook = pair.place(http).hooks["main"].replace(str(pair.entrance), str(pair.both[0].port))
        end = time.monotonic() + 9
        while time.monotonic() < end:
            began = time.monotonic()
            number = f"+48601{len(took):06d}"
            body = {"id": f"beside-{began}", "from": number, "to": "+48732000111", "message": "STOP"}
            assert (await http.post(hook, json=body)).status_code == 200
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
    one.send(signal.SIGCONT)
    assert await one.over(35), "it ends by itself"
    await one.start(fault="elsewhere")
    took.sort()
    print(
        f"beside a frozen one: p50 {took[len(took) // 2] * 1e3:.0f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.0f} ms"
    )
    assert took[len(took) * 99 // 100] < 0.25


async def deployed(pair: Pair, _: Server, chance: random.Random) -> None:
    """SIGTERM to one after the other, each of which is started again: a rolling deploy, twice."""
    for one in pair.both * 2:
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        pair.out.add(one.pid)
        one.send(signal.SIGTERM)
        assert await one.over(35)
        assert one.status == 0
        await one.start()


async def restarted(pair: Pair, server: Server, chance: random.Random) -> None:
    """The database is restarted, as it should and as it should not."""
    for how in ("fast", "immediate", "fast", "immediate"):
        await asyncio.sleep(chance.uniform(0.5, 1.5))
        await asyncio.to_thread(server.control, "-m", how, "restart")


async def cut_off(pair: Pair, server: Server, chance: random.Random) -> None:
    """A backend of smsbot is ended every 20 ms."""
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'smsbot-%' "
        "ORDER BY random() LIMIT 1;\n"
    )
    process = subprocess.Popen([*server.psql, "-At"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    assert process.stdin is not None
    end = time.monotonic() + 8
    while time.monotonic() < end:
        process.stdin.write(kill.encode())
        process.stdin.flush()
        await asyncio.sleep(0.02)
    process.stdin.close()
    await asyncio.to_thread(process.wait)


async def judged(
    server: Server, url: str, folder: Path, happening: Happening, *, people: int = 24, patience: float = 60.0,
    texts: int = 1, second: Path = ROOT,
) -> tuple[Verdict, str]:  # fmt: skip
    """What the ledger says of a happening, again and again until so many texts, and the last words of the servers.

    `second` is where the sources of the second server lie; if they are others, the happening starts it.
    """
    enough, crowd, zygotes = asyncio.Event(), list[Person](), (Zygote(), Zygote(second))
    try:
        pair = Pair(zygotes, folder, SEED, url, patience)
        pair.at_first = 2 if second == ROOT else 1
        limits = httpx.Limits(max_keepalive_connections=0)  # each text to one or the other
        async with pair.entered(), httpx.AsyncClient(trust_env=False, timeout=10, limits=limits) as http:
            place = pair.place(http)
            pair.network.throttles = texts == 1  # else they would take hours
            lives = [asyncio.create_task(live(n, place, crowd, enough)) for n in range(people)]
            chance = random.Random(SEED)
            while sum(len(p.taken) for p in crowd) < texts:
                await happening(pair, server, chance)
            await asyncio.sleep(1)
            enough.set()
            pair.network.unkind = False
            done, late = await asyncio.wait(lives, timeout=120)
            assert not late, pair.log()
            for one in done:
                one.result()
            await pair.rest()
            for server_ in pair.both:
                server_.send(signal.SIGTERM)
        return pair.judge(crowd), pair.log()
    finally:
        for zygote in zygotes:
            await zygote.close()


FAULTS = [mirrored, killed, killed_elsewhere, frozen, deployed, restarted, cut_off]
LONG = [pytest.param(one, marks=pytest.mark.long) for one in (calm, killed_elsewhere, restarted, frozen_inside)]


@pytest.mark.parametrize("happening", [mirrored, killed, frozen, deployed, cut_off, *LONG])
async def test_nothing_is_lost_doubled_or_inverted(postgres: Server, tmp_path: Path, happening: Happening) -> None:
    url = postgres.migrated()
    found, log = await judged(postgres, url, tmp_path, happening)
    print(found)
    assert found.clean, f"{found}\n{log}"
    assert found.texts > 20
    assert sql(Database(url), "SELECT count(*) FROM events WHERE state = 0") == [(0,)]


@pytest.mark.long
@pytest.mark.parametrize("happening", FAULTS)
async def test_of_twenty_thousand_texts(postgres: Server, tmp_path: Path, happening: Happening) -> None:
    url = postgres.migrated()
    found, log = await judged(postgres, url, tmp_path, happening, people=160, texts=20_000)
    print(happening.__name__, found)
    assert found.clean, f"{found}\n{log}"
    assert sql(Database(url), "SELECT count(*) FROM events WHERE state = 0") == [(0,)]


def next_release(folder: Path) -> Path:
    """The sources of a release whose schema has what a migration may add, and which is served beside this one."""
    for name in ("smsbot", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "smsbot" / "stores" / "sql" / "postgres" / f"{schema.NEWEST + 1:04d}_next.sql").write_text(
        "ALTER TABLE outgoing ADD COLUMN told text NOT NULL DEFAULT 'not yet';\n"
        "ALTER TABLE events ADD COLUMN heard double precision;\n"
        "CREATE TABLE nexts (number text PRIMARY KEY, at double precision NOT NULL);\n"
        "CREATE INDEX outgoing_told ON outgoing (told, number) WHERE phase IS NOT NULL;\n"
        "CREATE INDEX conversations_version ON conversations (version);\n"
    )
    version = folder / "smsbot" / "__init__.py"
    text = version.read_text()
    version.write_text(re.sub(r'__version__ = "[^"]*"', '__version__ = "999.0"', text))
    assert "999.0" in version.read_text()
    return folder


async def upgraded(pair: Pair, server: Server, chance: random.Random) -> None:
    """The next release joins, and migrates while people text; then each is replaced in turn, by its own release."""
    if not pair.both[1].pid:
        await asyncio.sleep(2)
        await pair.both[1].start()
    await deployed(pair, server, chance)


@pytest.mark.parametrize("texts", [1, pytest.param(20_000, marks=pytest.mark.long)])
async def test_this_release_serves_beside_the_next(postgres: Server, tmp_path: Path, texts: int) -> None:
    url = postgres.migrated()
    found, log = await judged(
        postgres, url, tmp_path, upgraded, people=160 if texts > 1 else 24, texts=texts,
        second=next_release(tmp_path / "next"),
    )  # fmt: skip
    print(found)
    assert found.clean, f"{found}\n{log}"
    assert sql(Database(url), "SELECT version FROM smsbot_schema") == [(schema.NEWEST + 1,)]
    assert sql(Database(url), "SELECT count(*) FROM events WHERE state = 0") == [(0,)]
    assert sql(Database(url), "SELECT count(DISTINCT told) FROM outgoing") == [(1,)]


@pytest.mark.long
async def test_the_ledger_sees_what_is_lost_without_synchronous_commit(postgres: Server, tmp_path: Path) -> None:
    """A control: if it saw nothing here, its zeros would mean nothing."""

    async def restarts(pair: Pair, server: Server, chance: random.Random) -> None:
        for _n in range(6):
            await asyncio.sleep(chance.uniform(0.5, 1.0))
            await asyncio.to_thread(server.control, "-m", "immediate", "restart")

    url = f"{postgres.migrated()}&synchronous_commit=off"
    found, _ = await judged(postgres, url, tmp_path, restarts, patience=3.0)
    print(found)
    assert found.lost_texts


async def test_a_synchronous_standby_takes_over(tmp_path: Path) -> None:
    """The primary dies and its standby is promoted: what was acknowledged is there, and little time passes."""
    if program("initdb") is None:
        leave_out("postgres", "PostgreSQL's server")
    worst = 0.0
    with (
        tempfile.TemporaryDirectory(dir="/tmp", prefix="smsbot-pg-") as first,
        tempfile.TemporaryDirectory(dir="/tmp", prefix="smsbot-pg-") as second,
        server(Path(first)) as primary,
        primary.standby(Path(second)) as standby,
    ):
        name = primary.migrated().split("@/")[1].split("?")[0]

        def taking_over() -> None:
            primary.control("-m", "immediate", "stop")
            standby.control("promote")

        async def promoted(pair: Pair, _: Server, chance: random.Random) -> None:
            nonlocal worst
            probing = asyncio.create_task(probe(pair))
            await asyncio.sleep(chance.uniform(1.5, 2.5))
            await asyncio.to_thread(taking_over)  # as one: whoever asks the database meanwhile holds this loop up
            worst = await probing

        found, log = await judged(primary, primary.both(standby, name), tmp_path, promoted)
        print(found, f"worst acknowledgement {worst:.2f} s", sep="\n")
        assert found.clean, f"{found}\n{log}"
        assert worst < 2.0


async def probe(pair: Pair) -> float:
    """Text for some seconds, insisting as providers do; the longest that one text took until it was acknowledged."""
    worst, end = 0.0, time.monotonic() + 8
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        hook = pair.place(http).hooks["main"]
        while time.monotonic() < end:
            began = time.monotonic()
            body = {"id": f"probe-{began}", "from": "+48600999999", "to": "+48732000111", "message": "STOP"}
            status = 0
            while status != 200:
                with suppress(httpx.HTTPError):
                    status = (await http.post(hook, json=body)).status_code
            worst = max(worst, time.monotonic() - began)
            await asyncio.sleep(0.05)
    return worst


async def live(n: int, place: object, crowd: list[Person], enough: asyncio.Event) -> None:
    for life in range(10_000):
        person = KINDS[n % len(KINDS)](f"+48600{life:02d}{n:04d}", place)  # type: ignore[arg-type]
        crowd.append(person)
        await person.live(enough)
        if enough.is_set():
            return
