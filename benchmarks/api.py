"""Texts per second through ``POST /api/v1/messages``, beside a bare FastAPI endpoint that validates the same body.

    python benchmarks/api.py [--seconds 4] [--rounds 3] [--connections 32]

Both servers run in turn in one run, on one core; the load and the gateway run in this process, on another. Each text is
durable before it is acknowledged, and leaves meanwhile: the gateway takes texts in the same seconds. A call with a
thousand recipients is timed at the end. Nothing leaves loopback, and it stops by itself. Trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.turns import PASSWORD, SETTINGS, Connection, Result, Sink, free_port, up, usage

FOLDER = Path(__file__).parent.parent


async def ask(port: int, token: str, numbers: list[str], end: float, result: Result) -> None:
    """One connection: a text for one number after the other."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    head = (
        f"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: "
    ).encode()
    while time.perf_counter() < end:
        body = {
            "to": random.choice(numbers),
            "text": "Your order is on its way.",
            "reference": random.randbytes(8).hex(),
        }
        began = time.perf_counter()
        status = await connection.post(head, json.dumps(body).encode())
        assert status == 202, status
        result.latencies.append(time.perf_counter() - began)
        result.texts += 1


def start(name: str, folder: Path, port: int, sink: int) -> tuple[subprocess.Popen[bytes], str]:
    """The server on core 0, and a token for it."""
    environment = os.environ | {
        "PORT": str(port), "PUBLIC_URL": "https://bench.test", "SMSBOT_API__RATE": "0",
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-benchmark",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-benchmark", "SMSBOT_DASHBOARD_PASSWORD": PASSWORD,
        "PYTHONPATH": str(FOLDER),
    }  # fmt: skip
    (folder / "smsbot.toml").write_text(SETTINGS.format(sink=sink))
    token = "none"
    command = [
        "-m",
        "uvicorn",
        "benchmarks.api_bare:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--no-access-log",
    ]
    if name == "smsbot":
        made = [sys.executable, "-m", "smsbot", "token", "add", "bench"]
        token = subprocess.run(
            made, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
        command = ["-m", "smsbot", "run"]

    def pin() -> None:
        os.sched_setaffinity(0, {0})

    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, preexec_fn=pin, stderr=subprocess.DEVNULL
    )
    return process, token


async def many(port: int, token: str) -> float:
    """Seconds until a call with a thousand recipients is acknowledged."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    head = f"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: ".encode()
    body = {
        "to": [f"+4861{n:07d}" for n in range(1000)],
        "text": "Sale",
        "kind": "bulk",
        "send_at": "2027-04-01T00:00Z",
    }
    began = time.perf_counter()
    assert await connection.post(head, json.dumps(body).encode()) == 202
    return time.perf_counter() - began


async def measure(name: str, seconds: float, connections: int, sink: int) -> tuple[Result, float]:
    """One round of one server."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process, token = start(name, Path(folder), port, sink)
        try:
            await up(port)
            numbers = [f"+4860{i:07d}" for i in range(2048)]
            share = [numbers[i::connections] for i in range(connections)]
            warm = Result(0, 0.0, 0.0, 0.0)
            await asyncio.gather(*(ask(port, token, s, time.perf_counter() + 2.0, warm) for s in share))
            result = Result(0, 0.0, 0.0, 0.0)
            cpu, began = usage(process.pid)[0], time.perf_counter()
            await asyncio.gather(*(ask(port, token, s, began + seconds, result) for s in share))
            result.seconds = time.perf_counter() - began
            after, result.memory = usage(process.pid)
            result.cpu = after - cpu
            thousand = await many(port, token) if name == "smsbot" else 0.0
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
    return result, thousand


async def main(arguments: argparse.Namespace) -> None:
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {1})
    sink = free_port()
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", sink)
    rounds: dict[str, list[Result]] = {"bare": [], "smsbot": []}
    for i in range(arguments.rounds):
        for name, results in rounds.items():
            r, thousand = await measure(name, arguments.seconds, arguments.connections, sink)
            results.append(r)
            more = f"  a thousand at once in {thousand * 1000:.0f} ms" if thousand else ""
            print(
                f"round {i + 1} {name:7} {r.rate:8.0f} calls/s  {r.cost:6.0f} µs CPU/call"
                f"  p50 {r.percentile(0.5):6.1f} ms  p99 {r.percentile(0.99):6.1f} ms  {r.memory:4.0f} MB{more}",
                flush=True,
            )
    server.close()
    ratio = statistics.median(r.rate for r in rounds["smsbot"]) / statistics.median(r.rate for r in rounds["bare"])
    print(f"ratio to a bare FastAPI endpoint: {ratio:.3f} of its rate")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    asyncio.run(main(parser.parse_args()))
