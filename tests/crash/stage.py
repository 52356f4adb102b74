"""Where people text a server that is ended: a folder, the network, one server at a time, and a verdict."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx

from smsbot.stores.database import Database

from ..processes import ROOT, clean_environment, free_port
from ..tables import sql
from . import network as net
from .people import PASSWORD, Person, Place
from .verdict import Verdict, verdict

SETTINGS = """
[bots.crash]
target = "tests.crash.bot:bot"
lines = ["+48732000111", "+48732000222", "7255"]
[lines."+48732000111"]
account = "main"
pace = 0
[lines."+48732000222"]
account = "other"
pace = 0
[lines."7255"]
account = "main"
country = "PL"
pace = 0
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:{port}/v2.1"
[accounts.other]
gateway = "http"
url = "http://localhost:{port}/other"
body = {{to = "{{to}}", text = "{{text}}", ref = "{{reference}}", report = "{{report_to}}"}}
look_up = "http://localhost:{port}/other?ref={{reference}}"
look_up_certain = true
"""


class Zygote:
    """A process that has imported everything, from one folder of sources, and forks servers."""

    def __init__(self, sources: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"], cwd=sources, env=clean_environment(PYTHONPATH=str(sources)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.died: dict[int, int] = {}
        """The status of each server that has ended, by its process id."""
        self._pids: asyncio.Queue[int] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self._listening = loop.run_in_executor(None, self._listen, loop)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._heard, json.loads(line))

    def _heard(self, news: dict[str, int]) -> None:
        if "pid" in news:
            self.died.pop(news["pid"], None)  # a number that has been used before
            self._pids.put_nowait(news["pid"])
        else:
            self.died[news["died"]] = news["status"]

    async def fork(self, **asked: object) -> int:
        """Fork a server; its process id."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked).encode() + b"\n")
        self.process.stdin.flush()
        return await asyncio.wait_for(self._pids.get(), 20)

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

    def __init__(self, zygote: Zygote, folder: Path, port: int, plant: str, database: Database) -> None:
        self._zygote = zygote
        self._database = database
        self.steps = folder / "steps"
        """Where steps say that they ran."""
        self._folder = folder
        self.port = port
        self._plant = plant
        self._tracer: asyncio.subprocess.Process | None = None
        self.pid = 0

    async def start(self, failpoint: str = "", call: str = "", log: str = "", fault: str = "") -> bool:
        """Start one that ends at a failpoint, or at the n-th system call of a kind; whether it listens before it ends.

        `log` is where it writes its lines, as ``/dev/full``; `fault` is what goes wrong outside of it.
        """
        await self.launch(failpoint, call, log, fault)
        end = time.monotonic() + 20
        while time.monotonic() < end and not self.ended:
            if await self.listens():
                return True
            await asyncio.sleep(0.01)
        assert self.ended, "the server does not listen"
        return False

    async def listens(self) -> bool:
        """Whether it takes connections."""
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    async def launch(self, failpoint: str = "", call: str = "", log: str = "", fault: str = "") -> None:
        """Start one, and do not wait until it listens: a spare does not."""
        env = {
            "PORT": str(self.port), "PUBLIC_URL": "https://bots.test", "SMSBOT_RECHECK": "0.2",
            "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
            "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
            "SMSBOT_DASHBOARD_PASSWORD": PASSWORD, "DATABASE_URL": self._database.address,
            "CRASH_STEPS": str(self.steps), "SMSBOT_FAILPOINT": failpoint,
        }  # fmt: skip
        self.pid = 0
        self.pid = await self._zygote.fork(
            env=env,
            folder=str(self._folder),
            log=log or str(self._folder / "log"),
            plant=fault or self._plant,
            traced=bool(call),
        )
        if call:
            await self._trace(call)

    async def _trace(self, call: str) -> None:
        """``pwrite64:7``: from here on, whichever thread makes its seventh ends the process, before the call is made."""
        name, _, nth = call.partition(":")
        inject = f"inject={name}:signal=KILL:when={nth}"
        self._tracer = await asyncio.create_subprocess_exec(
            "strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject, "-p", str(self.pid)
        )

    @property
    def status(self) -> int | None:
        """How the server ended, if it has."""
        return self._zygote.died.get(self.pid)

    @property
    def ended(self) -> bool:
        """Whether the server has ended."""
        return self.status is not None

    @property
    def killed(self) -> bool:
        """Whether the server was ended, as by `kill -9`."""
        return self.ended and self.status == signal.SIGKILL

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
        if self._tracer is not None and self.ended:
            await self._tracer.wait()
            self._tracer = None
        return self.ended


class Stage:
    """Opened, it has a network and no server yet."""

    def __init__(
        self, zygote: Zygote, folder: Path, seed: int, *, plant: str = "", patience: float = 60.0, database: str = ""
    ) -> None:  # fmt: skip
        self.database = Database(database or str(folder / "smsbot.db"))
        self._folder = folder
        self._seed = seed
        self._patience = patience
        port = free_port()
        self._base = f"http://127.0.0.1:{port}"
        self.network = net.Network(seed)
        self.servers = Servers(zygote, folder, port, plant, self.database)
        self._unknown: set[str] = set()
        """Numbers to which a text is held as unknown, as they were looked up last."""
        self._looked = 0.0

    async def __aenter__(self) -> Self:
        await self.network.open()
        (self._folder / "smsbot.toml").write_text(SETTINGS.format(port=self.network.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.servers.kill()
        await self.network.close()

    async def start(self) -> None:
        """Start a server that nobody ends."""
        if not await self.servers.start():
            raise AssertionError((self._folder / "log").read_text()[-3000:])

    def place(self, http: httpx.AsyncClient) -> Place:
        """The address of inbound webhooks, and a token of the API; needs a database that was begun."""
        self.network.reports_to = lambda url: url.replace("https://bots.test", self._base)
        secrets = dict(sql(self.database, "SELECT account, secret FROM hook_secrets"))
        hashed = hashlib.sha256(b"crash-token").digest()
        sql(self.database, "INSERT INTO tokens (name, hash, at) VALUES ('crash', ?, 0) ON CONFLICT DO NOTHING", hashed)
        hooks = {name: f"{self._base}/hooks/{name}/{secret}/inbound" for name, secret in secrets.items()}
        return Place(self.network, hooks, "crash-token", http, self._seed, self._patience, self._held)

    def _held(self, number: str) -> bool:
        if time.monotonic() - self._looked > 1.0:  # many people ask, and nobody is served while the database is asked
            unknown = "SELECT DISTINCT number FROM outgoing WHERE status = 'unknown' AND phase IS NULL"
            self._unknown = {row[0] for row in sql(self.database, unknown)}
            self._looked = time.monotonic()
        return number in self._unknown

    async def rest(self) -> None:
        """Wait until nothing is open in the database and every report was taken.

        What was cut off seven times waits 64 s for its next try, as what a provider loses each time.
        """
        for _ in range(1800):
            waits = sql(self.database, "SELECT 1 FROM outgoing WHERE phase IS NOT NULL LIMIT 1")
            if not waits and not sql(self.database, "SELECT 1 FROM events WHERE state = 0 LIMIT 1"):
                break
            await asyncio.sleep(0.05)
        await self.network.reported()

    async def end(self) -> None:
        """End the server as it should."""
        self.servers.send(signal.SIGTERM)
        await self.servers.over(40)

    def judge(self, people: Sequence[Person]) -> Verdict:
        """What the ledger and the people say."""
        return verdict(self.database, self._folder / "steps", self.network, people)
