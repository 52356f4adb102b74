"""How long one text waits for its durable answer on a kept connection: directly, behind nginx, behind Caddy.

    python -m benchmarks.latency [--texts 300] [--pause 0 20 50] [--extra both|with|without]

One connection, one text at a time: a webhook leaves in one write, its whole answer is awaited, the next follows after
so many milliseconds; a loop for each pause. Other benchmarks keep many connections busy and ask for rates; here
nothing hides 40 ms in which one end waits for an ACK of the other. Those come only where the next text leaves within
40 ms: after a longer pause Linux acknowledges at once. The server runs with what the `speed` extra brings (uvloop,
httptools), and without it, as plain `pip install smsbot` leaves it: these are two HTTP stacks. The proxies
use the samples of docs/deploy on loopback, without TLS; one that is not installed is left out. The same loops against
a bare server that answers 204 at once are the baseline of the ratios. Nothing leaves loopback, and everything that
was started is ended. It takes about four minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from .isolation import Gateway, percentile
from .turns import HERE, free_port, hook

ROOT = HERE.parent
DEPLOY = ROOT / "docs" / "deploy"
EXTRA = ("uvloop", "httptools")
PATIENCE = 30.0
"""Seconds for a start, for an end, and for one answer."""
WARM, NUMBERS = 20, 500
SETTINGS = """
[bots.echo]
target = "bots.echo:bot"
lines = ["7255"]
[lines."7255"]
country = "PL"
pace = 0  # these people text faster than people do
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:{gateway}/v2.1"
"""
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""
Front = Callable[[Path, int, int], "list[str] | None"]
"""The command of a proxy on a port before another port; None where its program is missing."""


@dataclass
class Target:
    """Where texts are sent to, and its place in the table."""

    server: str
    front: str
    port: int
    path: str


class Phone:
    """One kept connection; every request leaves in one write."""

    _ids = count()

    def __init__(self, target: Target) -> None:
        self._target = target
        self._socket = socket.create_connection(("127.0.0.1", target.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\nContent-Type: application/json\r\n"
        self._head = head.encode() + b"Content-Length: %d\r\n\r\n"

    def close(self) -> None:
        self._socket.close()

    def text(self) -> float:
        """Milliseconds until the whole answer to one text is here; anything but a 2xx ends the benchmark."""
        n = next(self._ids)
        number = f"+4860{n % NUMBERS:07d}"
        body = json.dumps({"id": f"l{n}", "from": number, "to": "7255", "message": f"hello {n}"}).encode()
        request = self._head % len(body) + body
        began = time.perf_counter()
        self._socket.sendall(request)
        head = self._answer()
        took = time.perf_counter() - began
        if head[9:10] != b"2" or b"connection: close" in head:
            raise SystemExit(f"{self._target.server}, {self._target.front}, text {n}: {head.decode()}")
        return took * 1000

    def _answer(self) -> bytes:
        """The head of an answer whose body has come as well, in small letters."""
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        head = found[:end].lower()
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        if length is None and head[9:12] != b"204":
            raise SystemExit(f"{self._target.server}, {self._target.front}: no length in {head.decode()}")
        whole = end + 4 + int(length[1] if length else 0)
        while len(found) < whole:
            found += self._more()
        return head

    def _more(self) -> bytes:
        if data := self._socket.recv(65536):
            return data
        raise SystemExit(f"{self._target.server}, {self._target.front}: the connection was closed")


def loop(target: Target, texts: int, pause: float) -> list[float]:
    """Milliseconds of each text, one after another, over one connection."""
    with closing(Phone(target)) as phone:
        for _ in range(WARM):
            phone.text()
        found = []
        for _ in range(texts):
            time.sleep(pause)
            found.append(phone.text())
        return found


class Bare(asyncio.Protocol):
    """Answers 204 to whatever a `Phone` sends, as soon as it is whole."""

    def __init__(self) -> None:
        self._found = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._found += data
        head, end, body = self._found.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.rpartition(b"Content-Length: ")[2]):
            self._found = b""
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _bare(port: Connection) -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _gateway(port: Connection) -> None:
    gateway = Gateway()
    server = await gateway.open()
    port.send(gateway.port)
    await server.serve_forever()


def bare(port: Connection) -> None:
    """The baseline, in a process of its own."""
    asyncio.run(_bare(port))


def gateway(port: Connection) -> None:
    """MessageFlow's send API, in a process of its own."""
    asyncio.run(_gateway(port))


@contextmanager
def beside(serves: Callable[[Connection], None]) -> Iterator[int]:
    """The port of a server of ours in another process."""
    fresh = multiprocessing.get_context("spawn")
    here, there = fresh.Pipe()
    process = fresh.Process(target=serves, args=(there,), daemon=True)
    process.start()
    try:
        if not here.poll(PATIENCE):
            raise SystemExit(f"{serves.__name__} did not start")
        yield here.recv()
    finally:
        process.terminate()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()


@contextmanager
def running(command: Sequence[str], folder: Path, port: int, **more: str) -> Iterator[None]:
    """A program that serves on a port, for as long as it is needed."""
    environment = os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)} | more
    log = folder / f"{port}.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=told, stderr=told
        )
    try:
        if not _up(process, port):
            raise SystemExit(f"{command} does not serve:\n{log.read_text()[-2000:]}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _up(process: subprocess.Popen[bytes], port: int) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def nginx(folder: Path, port: int, behind: int) -> list[str] | None:
    """docs/deploy/nginx.conf on loopback, without TLS."""
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"\n *ssl_\w+ [^\n]*", "", site)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8765", f"127.0.0.1:{behind}")
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    found = program("nginx")
    return [found, "-c", str(folder / "nginx.conf"), "-p", str(folder)] if found else None


def caddy(folder: Path, port: int, behind: int) -> list[str] | None:
    """docs/deploy/Caddyfile on loopback, without TLS."""
    site = (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8765", f"127.0.0.1:{behind}")
    site = site.replace("sms.example.org {", f"http://127.0.0.1:{port} {{\n\tbind 127.0.0.1")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + site)
    found = program("caddy")
    return [found, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"] if found else None


FRONTS: dict[str, Front] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def smsbot(folder: Path, *, extra: bool) -> Iterator[int]:
    """The port of `smsbot run`, with or without what the `speed` extra brings."""
    hidden = folder / "hidden"
    hidden.mkdir()
    for name in () if extra else EXTRA:
        (hidden / f"{name}.py").write_text(f'raise ImportError("{name} is hidden")\n')
    with beside(gateway) as sends:
        (folder / "smsbot.toml").write_text(SETTINGS.format(gateway=sends))
        port = free_port()
        more = {
            "PORT": str(port),
            "PUBLIC_URL": "https://bench.test",
            "DATABASE_URL": f"sqlite:///{folder}/smsbot.db",
            "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-benchmark",
            "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-benchmark",
            "PYTHONPATH": f"{hidden}{os.pathsep}{ROOT}",
        }
        with running([sys.executable, "-m", "smsbot", "run"], folder, port, **more):
            yield port


def kept(folder: Path) -> int:
    """How many texts the database of a server has."""
    with closing(sqlite3.connect(folder / "smsbot.db")) as db:
        found: int = db.execute("SELECT count(*) FROM seen").fetchone()[0]
    return found


class Table:
    """Measures target after target, and prints a row for each loop, beside that of the bare server."""

    def __init__(self, texts: int, pauses: Sequence[float]) -> None:
        self._texts, self._pauses = texts, pauses
        self._base: dict[float, float] = {}
        self.each = len(pauses) * (WARM + texts)
        columns = f"{'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'p50 / bare':>11}"
        print(f"{'server':22} {'front':7} {'pause':>6} {columns}", flush=True)

    def measure(self, target: Target) -> None:
        """The loops of one target; the first target is what the others are compared with."""
        for pause in self._pauses:
            found = loop(target, self._texts, pause / 1000)
            values = [percentile(found, p) for p in (0.5, 0.9, 0.99)]
            ratio = values[0] / self._base.setdefault(pause, values[0])
            columns = " ".join(f"{v:8.2f}" for v in values)
            print(f"{target.server:22} {target.front:7} {pause:3.0f} ms {columns} {ratio:11.1f}", flush=True)


def fronts(folder: Path, behind: int, stack: ExitStack) -> Iterator[tuple[str, int]]:
    """The server itself, and each proxy that is here: names and ports."""
    yield "direct", behind
    for name, front in FRONTS.items():
        port = free_port()
        command = front(folder, port, behind)
        if command is None:
            print(f"{name} is not installed: left out", file=sys.stderr)
            continue
        stack.enter_context(running(command, folder, port))
        yield name, port


def measured(table: Table, *, extra: bool) -> None:
    """One server, directly and behind each proxy; what it answered for must be in its database."""
    name = "smsbot[speed]" if extra else "smsbot"
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        server = stack.enter_context(smsbot(folder, extra=extra))
        at_start = kept(folder)  # a start is kept there too
        for n, (front, port) in enumerate(fronts(folder, server, stack), 1):
            table.measure(Target(name, front, port, hook(folder)))
            assert kept(folder) == at_start + n * table.each, "every text that was answered is kept"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=300, help="texts of one loop")
    parser.add_argument("--pause", type=float, nargs="+", default=[0, 20, 50], metavar="MS", help="before each text")
    parser.add_argument("--extra", choices=("both", "with", "without"), default="both", help="the `speed` extra")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    table = Table(asked.texts, asked.pause)
    with beside(bare) as port:
        table.measure(Target("bare, answers 204", "direct", port, "/"))
    for extra in (True, False):
        if asked.extra == ("without" if extra else "with"):
            continue
        if extra and not all(importlib.util.find_spec(name) for name in EXTRA):
            print("the `speed` extra is not installed: left out", file=sys.stderr)
            continue
        measured(table, extra=extra)


if __name__ == "__main__":
    main()
