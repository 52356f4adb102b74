"""What a large database costs: a text's CPU beside that in an empty one, and pages, commands and starts.

    python benchmarks/growth.py [--people 200000] [--seconds 3] [--rounds 3]

The file is seeded: each person has sent two or three texts and heard as many, of which a tenth wait for an answer. With
200,000 people that is a million messages. Trust the ratio of CPU: servers on the small and on the large file take
turns in one run. Nothing leaves loopback, and it stops by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import httpx

from benchmarks.turns import LINE, PASSWORD, Sink, free_port, measure_in, start, up
from smsbot.stores.queries import load

DAYS = 90
AUTH = ("desk", PASSWORD)
Row = tuple[Any, ...]
INSERTS = {
    "seen": "INSERT INTO seen (key, at) VALUES (?, ?)",
    "events": "INSERT INTO events (id, line, number, kind, text, account, gateway_id, at, state, note) "
    "VALUES (?, ?, ?, 'text', ?, 'main', ?, ?, 1, 'the keyword matches the whole text')",
    "outgoing": "INSERT INTO outgoing (id, line, number, account, event, lane, text, parts, created, due, expires, "
    "status, rank, attempts) VALUES (?, ?, ?, 'main', ?, 'reply', ?, 1, ?, ?, ?, 'delivered', 5, 1)",
    "attempts": "INSERT INTO attempts (outgoing, n, started, ended, outcome) VALUES (?, 1, ?, ?, 'accepted')",
    "receipts": "INSERT INTO receipts (account, reference, raw, status, outgoing, at) "
    "VALUES ('main', ?, '21', 'delivered', ?, ?)",
    "conversations": "INSERT INTO conversations (line, number, version, run) VALUES (?, ?, ?, ?)",
    "runs": "INSERT INTO runs (id, line, number, bot, started_by, started, ended, end_label) "
    "VALUES (?, ?, ?, 'order', 'ORDER', ?, ?, ?)",
    "frames": "INSERT INTO frames (run, depth, kind, name, state, data, prompt, deadline) "
    "VALUES (?, 0, 'handler', 'order', 'size', '{}', 'Which size?', ?)",
    "visits": "INSERT INTO visits (run, seq, step, at) VALUES (?, ?, ?, ?)",
    "timers": "INSERT INTO timers (line, number, name, due, data) VALUES (?, ?, 'timeout', ?, ?)",
}


def person(n: int, chance: random.Random, now: float) -> Iterator[tuple[str, Row]]:
    """The rows of one person, by table."""
    number, at = f"+4850{n:07d}", now - chance.random() * DAYS * 86_400
    run, turns, waits = chance.randbytes(16), 2 + n % 2, n % 10 == 0
    for turn in range(turns):
        event, text, when = chance.randbytes(16), f"{int(at):08x}{chance.randbytes(7).hex()}", at + turn * 30
        yield "seen", (event, when)
        yield "events", (event, LINE, number, ("ORDER", "2", "yes")[turn], event.hex(), when)
        yield "outgoing", (text, LINE, number, event, "Which size? 1 or 2.", when, when, when + 3600)
        yield "attempts", (text, when, when)
        yield "receipts", (f"{text}-1", text, when + 3)
    deadline = now + 86_400
    yield "conversations", (LINE, number, turns, run if waits else None)
    yield "runs", (run, LINE, number, at, None if waits else at + 90, "" if waits else "done")
    for place, step in enumerate(("ORDER", "order.size", "order.sure")[: 2 if waits else turns]):
        yield "visits", (run, place, step, at + place * 30)
    if waits:
        yield "frames", (run, deadline)
        yield "timers", (LINE, number, deadline, f"{run.hex()} {deadline}")


def seed(database: Path, people: int) -> None:
    """Fill a database that a server has made."""
    chance, now = random.Random(20261128), time.time()
    db = sqlite3.connect(database)
    db.execute("PRAGMA synchronous = OFF")
    with click.progressbar(range(0, people, 2_000), label="seeding", file=sys.stderr) as bar:
        for first in bar:
            rows: dict[str, list[Row]] = {table: [] for table in INSERTS}
            for n in range(first, min(first + 2_000, people)):
                for table, row in person(n, chance, now):
                    rows[table].append(row)
            with db:
                for table, statement in INSERTS.items():
                    db.executemany(statement, rows[table])
    with db:  # a server that had served them would have counted them
        for name in ("tally_events", "tally_texts", "tallied"):
            db.execute(load("sqlite", "writes")[name].sql)
    db.close()


async def seconds_to_start(folder: Path, sink: int) -> float:
    """From nothing to the first answer of a server whose last one was killed; it is killed as well."""
    port = free_port()
    began = time.perf_counter()
    process = start("smsbot", folder, port, sink, "")
    try:
        await up(port)
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.get(f"http://127.0.0.1:{port}/readyz")).raise_for_status()
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()


async def pages(folder: Path, sink: int, number: str) -> dict[str, float]:
    """Milliseconds of what the desk looks at, medians of nine; each is asked once before."""
    port = free_port()
    process = start("smsbot", folder, port, sink, "")
    found: dict[str, float] = {}
    try:
        await up(port)
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(trust_env=False, auth=AUTH, timeout=60, follow_redirects=True) as http:
            asks: dict[str, Callable[[], Any]] = {
                "the first page": lambda: http.get(url),
                "a number": lambda: http.post(url, data={"number": number}, headers={"sec-fetch-site": "same-origin"}),
                "its last digits": lambda: http.post(
                    url, data={"number": number[-6:]}, headers={"sec-fetch-site": "same-origin"}
                ),
                "/metrics": lambda: http.get(f"{url}/metrics"),
            }
            for name, ask in asks.items():
                (await ask()).raise_for_status()
                took = []
                for _ in range(9):
                    began = time.perf_counter()
                    (await ask()).raise_for_status()
                    took.append(time.perf_counter() - began)
                found[name] = statistics.median(took) * 1e3
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
    return found


def trace(small: Path, large: Path, number: str) -> float:
    """Milliseconds of `smsbot trace` in the large file beyond those in the small one."""

    def once(folder: Path) -> float:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "smsbot", "trace", number],
            cwd=folder,
            check=False,
            capture_output=True,
            env=environment,
        )
        return time.perf_counter() - began

    environment = {k: v for k, v in os.environ.items() if not k.startswith("SMSBOT_")}
    environment["PYTHONPATH"] = str(Path(__file__).parent.parent)
    return statistics.median(once(large) - once(small) for _ in range(9)) * 1e3


async def main(arguments: argparse.Namespace) -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {1})
    sink = free_port()
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", sink)
    number = "+48500001000"
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        for folder in (small, large):
            await measure_in(Path(folder), "smsbot", 0.1, 4, sink)
        seed(Path(large) / "smsbot.db", arguments.people)
        size = (Path(large) / "smsbot.db").stat().st_size / 1e6
        print(f"{arguments.people:,} people, {arguments.people * 5:,} messages, {size:,.0f} MB")
        starts = [await seconds_to_start(Path(large), sink) for _ in range(3)]
        print(f"from a kill to ready   {starts[0]:5.2f} s at first, then {min(starts[1:]):.2f} s")
        costs: dict[str, list[float]] = {small: [], large: []}
        for n in range(arguments.rounds):
            for folder, found in costs.items():
                r = await measure_in(Path(folder), "smsbot", arguments.seconds, 64, sink)
                found.append(r.cost)
                name = "large" if folder == large else "small"
                print(f"round {n + 1} {name}  {r.rate:6.0f} texts/s  {r.cost:5.0f} µs CPU/text", flush=True)
        ratio = statistics.median(b / a for a, b in zip(costs[small], costs[large], strict=True))
        print(f"a text in the large file costs {ratio:.3f} of one in the small")
        for name, took in (await pages(Path(large), sink, number)).items():
            print(f"{name:22} {took:7.1f} ms")
        print(f"{'smsbot trace':22} {trace(Path(small), Path(large), number):7.1f} ms more than in the small file")
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(parser.parse_args()))
