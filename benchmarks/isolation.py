"""Does one dead gateway, or one number that floods, delay the others? Ratios within one run.

    python -m benchmarks.isolation [--rounds 4] [--seconds 6] [--flood 10000]

One server with two accounts, each on a gateway of its own in this process. Calm rounds and rounds in which the
second gateway takes every connection and never answers follow one another; in both, twenty texts a second arrive
for each line. Measured is the time from a webhook to the answer at the first gateway. Then one number sends
`--flood` texts as fast as they are taken; until the last is answered, another texts now and then. Nothing leaves
loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from .turns import HERE, free_port

FLOODS = "+48600999999"
SETTINGS = """
[bots.echo]
target = "bots.echo:bot"
lines = ["7255", "7256"]
[lines."7255"]
account = "first"
country = "PL"
pace = 0  # the one that floods is to be answered
[lines."7256"]
account = "second"
country = "PL"
pace = 0
[accounts.first]
gateway = "messageflow"
base_url = "http://127.0.0.1:{first}/v2.1"
[accounts.second]
gateway = "messageflow"
base_url = "http://127.0.0.1:{second}/v2.1"
"""


class Gateway:
    """Takes texts and remembers when; or takes connections and never answers."""

    def __init__(self) -> None:
        self.dead = False
        self.at: dict[str, float] = {}
        self.taken: Counter[str] = Counter()
        self.port = 0

    async def open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                while self.dead:  # noqa: ASYNC110 - so that it can come back to life
                    await asyncio.sleep(0.1)
                status, told = 404, {"meta": {"status": 404}}
                if body:
                    text = json.loads(body)
                    self.at[text["phoneNumbers"][0]] = time.perf_counter()
                    self.taken[text["phoneNumbers"][0]] += 1
                    item = {"externalId": text["externalId"], "status": 1}
                    status, told = 200, {"meta": {"status": 200}, "data": [item]}  # type: ignore[dict-item]
                content = json.dumps(told).encode()
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()


class Run:
    """A server, its two gateways, and people who text it."""

    def __init__(self, hooks: dict[str, str], first: Gateway, second: Gateway, http: httpx.AsyncClient) -> None:
        self.hooks, self.first, self.second, self.http = hooks, first, second, http
        self._n = 0

    async def answer(self, line: str, number: str = "", *, wait: bool = True) -> float:
        """Milliseconds from a webhook to its answer at the gateway; 0 where nobody waits."""
        self._n += 1
        number = number or f"+4860{self._n:07d}"
        account, gateway = ("first", self.first) if line == "7255" else ("second", self.second)
        gateway.at.pop(number, None)
        began = time.perf_counter()
        body = {"id": f"b{self._n}", "from": number, "to": line, "message": f"hello {self._n}"}
        while (await self.http.post(self.hooks[account], json=body)).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        while wait and number not in gateway.at:  # noqa: ASYNC110 - a millisecond is exact enough
            await asyncio.sleep(0.001)
        return (gateway.at[number] - began) * 1000 if wait else 0.0

    async def round(self, seconds: float, *, dead: bool) -> list[float]:
        """Latencies of the first line while the second is calm, or dead."""
        self.second.dead = dead
        tasks: list[asyncio.Task[float]] = []
        others: list[asyncio.Task[float]] = []
        for _ in range(int(seconds * 20)):
            tasks.append(asyncio.create_task(self.answer("7255")))
            others.append(asyncio.create_task(self.answer("7256", wait=False)))
            await asyncio.sleep(0.05)
        found = await asyncio.gather(*tasks)
        await asyncio.gather(*others)
        return found

    async def flood(self, texts: int) -> list[float]:
        """Latencies of one number while another floods, over 64 connections of its own, and while it is answered."""
        before = self.first.taken[FLOODS]
        end = time.perf_counter() + 120
        left = iter(range(texts))
        flood = [asyncio.create_task(self._pour(left)) for _ in range(64)]
        found = []
        while self.first.taken[FLOODS] < before + texts and time.perf_counter() < end:
            found.append(await self.answer("7255"))
            await asyncio.sleep(0.1)
        await asyncio.gather(*flood)
        return found

    async def _pour(self, left: Iterator[int]) -> None:
        """Text as fast as it is taken; a client library would cost more than the server that is measured."""
        parts = urlsplit(self.hooks["first"])
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for n in left:
            body = json.dumps({"id": f"f{n}", "from": FLOODS, "to": "7255", "message": f"hello {n}"}).encode()
            head = f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}\r\n\r\n"
            status = b""
            while b" 200 " not in status:
                writer.write(head.encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                status = answer.partition(b"\r\n")[0]
                length = next(int(h[15:]) for h in answer.lower().split(b"\r\n") if h.startswith(b"content-length:"))
                await reader.readexactly(length)
        writer.close()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Run]:
    """Everything, and its end."""
    first, second, port = Gateway(), Gateway(), free_port()
    servers = [await first.open(), await second.open()]
    (folder / "smsbot.toml").write_text(SETTINGS.format(first=first.port, second=second.port))
    keys = {
        f"SMSBOT_ACCOUNTS__{name}__{key}": "key-of-the-benchmark"
        for name in ("FIRST", "SECOND")
        for key in ("AUTHORIZATION", "APPLICATION_KEY")
    }
    env = {**os.environ, **keys, "PUBLIC_URL": "https://x.test", "PORT": str(port), "PYTHONPATH": str(HERE.parent)}
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "smsbot", "run"]
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=200)) as http:
            url = f"http://127.0.0.1:{port}"
            for _ in range(400):
                try:
                    if (await http.get(f"{url}/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
            with closing(sqlite3.connect(folder / "smsbot.db")) as db:
                secrets = dict(db.execute("SELECT account, secret FROM hook_secrets").fetchall())
            hooks = {account: f"{url}/hooks/{account}/{secret}/inbound" for account, secret in secrets.items()}
            yield Run(hooks, first, second, http)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        for server in servers:
            server.close()


def percentile(values: list[float], p: float) -> float:
    return sorted(values)[min(int(len(values) * p), len(values) - 1)]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--flood", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with running(Path(folder)) as run:
            await run.round(2.0, dead=False)  # warm
            calm: list[float] = []
            dead: list[float] = []
            for n in range(asked.rounds):
                calm += await run.round(asked.seconds, dead=False)
                dead += await run.round(asked.seconds, dead=True)
                print(
                    f"round {n + 1}: calm p50 {percentile(calm, 0.5):.1f} ms, dead p50 {percentile(dead, 0.5):.1f} ms"
                )
            for p in (0.5, 0.99):
                a, b = percentile(calm, p), percentile(dead, p)
                print(f"p{p * 100:.0f}: calm {a:.1f} ms, with a dead gateway beside it {b:.1f} ms, ratio {b / a:.2f}")
            run.second.dead = False
            found = await run.flood(asked.flood)
            print(f"another number, while one sends {asked.flood}: {len(found)} answers,", end=" ")
            print(f"median {percentile(found, 0.5):.0f} ms, worst {max(found):.0f} ms")


if __name__ == "__main__":
    asyncio.run(main())
