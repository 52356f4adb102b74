"""Texts per second from the real webhook to the reply POSTed to a sink, beside a bare Starlette echo.

    python benchmarks/turns.py [--seconds 4] [--rounds 3] [--connections 64] [--profile FILE]

Both servers run in turn in one run, on one core; the load and the sink run in this process, on another.
64 connections walk 2,048 numbers in a closed loop: the next text of a number leaves when the one before is
acknowledged *and* its reply has reached the sink. Ids are random. Nothing leaves loopback, and it stops by
itself. Trust the ratios and the CPU per text, not the rates: machines differ and drift.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
LINE = "+48732000111"
PASSWORD = "a password of the benchmark"
TURNS = ("ORDER", "2", "yes")
SETTINGS = """
[bots.order]
target = "benchmarks.order_bot:bot"
lines = ["+48732000111"]
[lines."+48732000111"]
pace = 0  # these people text faster than people do
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:{sink}"
"""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Result:
    """One round of one server."""

    texts: int
    seconds: float
    cpu: float
    memory: float
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.texts / self.seconds

    @property
    def cost(self) -> float:
        """CPU microseconds of the server per text."""
        return self.cpu / self.texts * 1e6

    def percentile(self, p: float) -> float:
        found = sorted(self.latencies)
        return found[int(len(found) * p)] * 1000 if found else 0.0


class Connection(asyncio.Protocol):
    """A keep-alive HTTP/1.1 client connection: one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def post(self, head: bytes, body: bytes) -> asyncio.Future[int]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head + b"%d\r\n\r\n%s" % (len(body), body))
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = self._buffer[end + 4 + length :]
        assert self._answer is not None
        self._answer.set_result(int(head[9:12]))


class Sink(asyncio.Protocol):
    """Plays MessageFlow's send API, and tells the walker of a number that its reply is here."""

    waiting: dict[str, asyncio.Future[None]] = {}  # noqa: RUF012 - one sink a process

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            sent = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            if not sent:  # a text that a killed server had under way is looked up
                self._transport.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
                continue
            body = json.loads(sent)
            item = {"externalId": body["externalId"], "phoneNumber": body["phoneNumbers"][0], "status": 1}
            content = json.dumps({"meta": {"status": 200}, "data": [item]}).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (len(content), content)
            )
            waiter = self.waiting.pop(body["phoneNumbers"][0], None)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


async def walk(port: int, path: str, numbers: list[str], end: float, result: Result, reply: bool) -> None:
    """One connection: texts of its numbers, turn by turn."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ".encode()
    while True:
        for number in numbers:
            for text in TURNS:
                body = {"id": random.randbytes(8).hex(), "from": number, "to": LINE, "message": text}
                arrived = Sink.waiting[number] = loop.create_future()
                began = time.perf_counter()
                status = await connection.post(head, json.dumps(body).encode())
                assert status == 200, status
                if reply:
                    await asyncio.wait_for(arrived, 20)
                result.latencies.append(time.perf_counter() - began)
                result.texts += 1
            if time.perf_counter() >= end:
                return


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and MB of a process, and of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    own = [((int(fields[11]) + int(fields[12])) / _TICK, memory)]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    cpu, memories = zip(*own, *map(usage, map(int, children)), strict=True)
    return sum(cpu), sum(memories)


def hook(folder: Path) -> str:
    """The path of the webhook of a server whose database is a file."""
    db = sqlite3.connect(folder / "smsbot.db")
    secret = db.execute("SELECT secret FROM hook_secrets").fetchone()[0]
    db.close()
    return f"/hooks/main/{secret}/inbound"


async def measure(
    name: str, seconds: float, connections: int, sink: int, *, profile: str = "",
    path: Callable[[Path], str] = hook, workers: int = 1,
) -> Result:  # fmt: skip
    """One round of one server, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return await measure_in(
            Path(folder), name, seconds, connections, sink, profile=profile, path=path, workers=workers
        )


async def measure_in(
    folder: Path, name: str, seconds: float, connections: int, sink: int, *, profile: str = "",
    path: Callable[[Path], str] = hook, workers: int = 1,
) -> Result:  # fmt: skip
    """The same in a folder that there is."""
    port = free_port()
    process = start(name, folder, port, sink, profile, workers)
    try:
        await up(port)
        entrance = path(folder) if name == "smsbot" else "/sms"
        numbers = [f"+4860{i:07d}" for i in range(2048)]
        share = [numbers[i::connections] for i in range(connections)]
        result = Result(0, 0.0, 0.0, 0.0)
        await asyncio.gather(
            *(walk(port, entrance, s[:4], time.perf_counter() + 0.7, Result(0, 0, 0, 0), name != "echo") for s in share)
        )
        cpu, began = usage(process.pid)[0], time.perf_counter()
        await asyncio.gather(*(walk(port, entrance, s, began + seconds, result, name != "echo") for s in share))
        result.seconds = time.perf_counter() - began
        after, result.memory = usage(process.pid)
        result.cpu = after - cpu
    finally:
        process.send_signal(signal.SIGINT if profile and name != "echo" else signal.SIGTERM)
        process.wait(40)
    return result


def start(
    name: str, folder: Path, port: int, sink: int, profile: str, workers: int = 1
) -> subprocess.Popen[bytes]:  # fmt: skip
    """The server on core 0, of so many processes."""
    environment = os.environ | {
        "PORT": str(port),
        "PUBLIC_URL": "https://bench.test",
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-benchmark",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-benchmark",
        "SMSBOT_DASHBOARD_PASSWORD": PASSWORD,
        "PYTHONPATH": str(HERE.parent),
    }
    (folder / "smsbot.toml").write_text(SETTINGS.format(sink=sink))
    if name != "smsbot":
        command = [
            "-m",
            "uvicorn",
            "benchmarks.echo_app:app" if name == "echo" else f"benchmarks.{name}_bot:app",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
            "--workers",
            str(workers),
        ]
    elif profile:
        command = ["-m", "cProfile", "-o", profile, "-m", "smsbot", "run"]
    else:
        command = ["-m", "smsbot", "run", "--workers", str(workers)]

    def pin() -> None:
        os.sched_setaffinity(0, {0})

    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, preexec_fn=pin, stderr=subprocess.DEVNULL
    )


async def up(port: int) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise SystemExit("the server did not start")


async def main(arguments: argparse.Namespace) -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {1})
    sink = free_port()
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", sink)
    rounds: dict[str, list[Result]] = {"echo": [], "smsbot": []}
    for i in range(arguments.rounds):
        for name, results in rounds.items():
            results.append(
                await measure(name, arguments.seconds, arguments.connections, sink, profile=arguments.profile)
            )
            r = results[-1]
            print(
                f"round {i + 1} {name:7} {r.rate:8.0f} texts/s  {r.cost:6.0f} µs CPU/text"
                f"  p50 {r.percentile(0.5):6.1f} ms  p99 {r.percentile(0.99):6.1f} ms  {r.memory:4.0f} MB",
                flush=True,
            )
    server.close()

    def median(name: str, of: str) -> float:
        found: float = statistics.median(getattr(r, of) for r in rounds[name])
        return found

    print(
        f"ratio to echo: {median('smsbot', 'rate') / median('echo', 'rate'):.3f} of its rate, "
        f"{median('smsbot', 'cost') / median('echo', 'cost'):.2f} times its CPU per text"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--profile", default="", help="write a cProfile of smsbot to FILE (slows it down)")
    asyncio.run(main(parser.parse_args()))
