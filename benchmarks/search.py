"""How long the desk waits for what it searches, among a million messages, while texts arrive.

    python -m benchmarks.search [--people 200000] [--rate 500] [--asks 40]

The file is that of `growth.py`: a million messages with 200,000 people. It is searched through once, as a server does
in the background; then a server answers so many texts a second, and somebody at the desk asks one thing after another.
The same without texts stands beside it: the ratio is what the load costs the desk. The load and the desk run on core 1,
the server on core 0. Nothing leaves loopback, and it stops by itself; it takes some three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import httpx

from benchmarks.growth import AUTH, seed
from benchmarks.isolation import percentile
from benchmarks.turns import LINE, Connection, Sink, free_port, hook, start, up
from smsbot.pipeline.search import SearchIndex
from smsbot.stores.sqlite import SqliteStore

FORM = {"sec-fetch-site": "same-origin"}
CONNECTIONS = 16


async def fill(database: Path) -> float:
    """Take everything in that can be searched; the seconds that it took."""
    store = SqliteStore(database)
    await store.open(time.time())
    index, began = SearchIndex(store), time.perf_counter()
    left = (await store.rows("unsearched"))[0]["n"]
    with click.progressbar(length=left, label="search index", file=sys.stderr) as bar:
        while await index.once():
            bar.update(1000)
    await store.close()
    return time.perf_counter() - began


class Load:
    """So many texts a second over some connections, until it is ended."""

    def __init__(self, port: int, path: str, rate: float) -> None:
        self._port, self._path, self._each = port, path, CONNECTIONS / rate if rate else 0.0
        self.texts = 0
        self.over = False

    async def run(self, lane: int) -> None:
        if not self._each:
            return
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        head = f"POST {self._path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ".encode()
        due = time.perf_counter() + lane * self._each / CONNECTIONS
        for n in itertools.count():
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            due += self._each
            number = f"+4851{lane:02d}{n % 99_999:05d}"
            body = {"id": random.randbytes(8).hex(), "from": number, "to": LINE, "message": "ORDER"}
            assert await connection.post(head, json.dumps(body).encode()) == 200
            self.texts += 1
            if self.over:
                return


def asks(http: httpx.AsyncClient, chance: random.Random, people: int) -> dict[str, Callable[[], object]]:
    """What the desk asks, another person each time."""

    def number() -> str:
        return f"+4850{chance.randrange(people):07d}"

    def find(asked: str) -> object:
        return http.post("/", data={"q": asked}, headers=FORM)

    return {
        "first page": lambda: http.get("/"),
        "a number": lambda: find(number()),
        "its last six digits": lambda: find(number()[-6:]),
        "its last three digits": lambda: find(number()[-3:]),
        "a word of everybody": lambda: find("order"),
        "two words, one begun": lambda: find("which siz"),
        "a word of nobody": lambda: find("umbrella"),
        "texts, failed": lambda: http.get("/texts?status=failed"),
        "texts, a rare kind": lambda: http.get("/texts?kind=bulk&status=expired"),
        "texts in, a day": lambda: http.get(f"/texts?way=in&until={time.strftime('%Y-%m-%d')}"),
        "flows": lambda: http.get("/flows"),
        "opt-outs": lambda: http.get("/people"),
        "inbox": lambda: http.get("/inbox"),
        "failed, 30 days": lambda: http.get("/failed?since=30d"),
        "overview, 24 hours": lambda: http.get("/overview"),
        "overview, 30 days": lambda: http.get("/overview?since=30d"),
    }


async def measured(folder: Path, sink: int, rate: float, count: int, people: int) -> dict[str, list[float]]:
    """Milliseconds of each ask, with and without texts."""
    port = free_port()
    process = start("smsbot", folder, port, sink, "")
    found: dict[str, list[float]] = {}
    try:
        await up(port)
        load = Load(port, hook(folder), rate)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, auth=AUTH, timeout=60
        ) as http:  # fmt: skip
            lanes = [asyncio.create_task(load.run(n)) for n in range(CONNECTIONS)]
            await asyncio.sleep(2.0)
            began, before = time.perf_counter(), load.texts
            for name, ask in asks(http, random.Random(20261129), people).items():
                took = found.setdefault(name, [])
                for _ in range(count + 1):
                    at = time.perf_counter()
                    answer = await ask()  # type: ignore[misc]
                    assert answer.status_code == 200, (name, answer.status_code)
                    took.append((time.perf_counter() - at) * 1000)
                    await asyncio.sleep(0.02)
            if rate:
                print(f"{(load.texts - before) / (time.perf_counter() - began):.0f} texts a second meanwhile")
            load.over = True
            await asyncio.gather(*lanes)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    return found


def table(quiet: dict[str, list[float]], busy: dict[str, list[float]]) -> None:
    """Print both beside each other, and what the first look costs: large counts are kept for those that follow."""
    print(f"{'asked':24} {'p50 ms':>8} {'p95 ms':>8} {'busy first':>11} {'p50':>6} {'p95':>6} {'busy / quiet':>13}")
    for name, alone in quiet.items():
        values = [percentile(list(v[1:]), p) for v in (alone, busy[name]) for p in (0.5, 0.95)]
        columns = f"{values[0]:8.1f} {values[1]:8.1f} {busy[name][0]:11.1f} {values[2]:6.1f} {values[3]:6.1f}"
        print(f"{name:24} {columns} {values[2] / values[0]:13.1f}")


async def main(asked: argparse.Namespace) -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {1})
    sink = free_port()
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", sink)
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "smsbot.db"
        store = SqliteStore(database)
        await store.open(time.time())
        await store.close()
        seed(database, asked.people)
        seconds = await fill(database)
        print(f"{asked.people * 5:,} messages, searched through in {seconds:.0f} s at full speed")
        quiet = await measured(Path(place), sink, 0.0, asked.asks, asked.people)
        busy = await measured(Path(place), sink, asked.rate, asked.asks, asked.people)
        table(quiet, busy)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--rate", type=float, default=500.0, help="texts a second")
    parser.add_argument("--asks", type=int, default=40, help="how often each is asked")
    asyncio.run(main(parser.parse_args()))
