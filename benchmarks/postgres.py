"""smsbot on PostgreSQL beside smsbot on SQLite, a naive bot of three tables, and a plain one with our promises.

Each from the real webhook to the reply.

    python benchmarks/postgres.py [--seconds 4] [--rounds 3] [--connections 64] [--processes 1 2 4]
                                  [--programs /usr/lib/postgresql/15/bin]

One server at a time, all of its processes on one core; PostgreSQL, the load and the sink share the others. The
database is a new one in a folder that is removed, over a socket, with fsync on. Trust the ratios and the CPU per text;
nothing leaves loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import turns


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """A PostgreSQL server of this run: the address of its databases, without their names."""
    with tempfile.TemporaryDirectory(prefix="smsbot-pg-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        as_root = os.geteuid() == 0
        if as_root:  # the server refuses root
            shutil.chown(folder, "postgres")

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", str(folder / "data"), *arguments]
            who = ["runuser", "-u", "postgres", "--"] if as_root else []
            subprocess.run([*who, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

        run("initdb", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8")
        options = f"-k {folder} -c listen_addresses= -c shared_buffers=256MB"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "fast", "stop")


def created(url: str, name: str) -> str:
    """The address of a new database."""
    import asyncpg

    async def work() -> None:
        db = await asyncpg.connect(url.format("postgres"))
        await db.execute(f"CREATE DATABASE {name}")
        await db.close()

    asyncio.run(work())
    return url.format(name)


def hook(folder: Path, database: str) -> str:
    """The path of the webhook, asked of smsbot itself."""
    command = [sys.executable, "-m", "smsbot", "hooks", "--json"]
    keys = {"SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "x", "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "x"}
    environment = os.environ | {"DATABASE_URL": database, "PUBLIC_URL": "https://bench.test"} | keys
    told = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout
    found = json.dumps(json.loads(told))
    path = found[found.index("/hooks/main/") :]
    return path[: path.index('"')].replace("/status", "/inbound")


async def main(arguments: argparse.Namespace, url: str) -> None:
    """All kinds in turn, in each round."""
    loop = asyncio.get_running_loop()
    sink = turns.free_port()
    listening = await loop.create_server(turns.Sink, "127.0.0.1", sink)
    many = [(kind, count) for count in arguments.processes for kind in ("postgresql", "naive", "careful")]
    rounds: dict[tuple[str, int], list[turns.Result]] = {one: [] for one in (("sqlite", 1), *many)}
    for n in range(arguments.rounds):
        for (kind, count), results in rounds.items():
            name = f"{kind} ×{count}"
            made = f"{kind}{count}_{n}"
            database = "smsbot.db" if kind == "sqlite" else await asyncio.to_thread(created, url, made)
            os.environ |= {"DATABASE_URL": database, "GATEWAY": f"http://127.0.0.1:{sink}"}
            path, what = partial(hook, database=database), kind if kind in ("naive", "careful") else "smsbot"
            r = await turns.measure(what, arguments.seconds, arguments.connections, sink, path=path, workers=count)
            results.append(r)
            print(
                f"round {n + 1} {name:13} {r.rate:7.0f} texts/s  {r.cost:5.0f} µs CPU/text"
                f"  p50 {r.percentile(0.5):6.1f} ms  p99 {r.percentile(0.99):6.1f} ms  {r.memory:4.0f} MB",
                flush=True,
            )
    listening.close()
    rate = {name: statistics.median(r.rate for r in results) for name, results in rounds.items()}
    cost = {name: statistics.median(r.cost for r in results) for name, results in rounds.items()}
    for count in arguments.processes:
        ours = ("postgresql", count)
        for other in (("sqlite", 1), ("naive", count), ("careful", count)):
            print(f"PostgreSQL ×{count} beside {other[0]} ×{other[1]}: {rate[ours] / rate[other]:.2f} of its rate, "
                  f"{cost[ours] / cost[other]:.2f} times its CPU per text")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="how many serve")
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    parser.add_argument("--programs", type=Path, default=newest[-1] if newest else None, help="where initdb is")
    asked = parser.parse_args()
    if asked.programs is None:
        parser.error("there is no PostgreSQL server here; name the folder of its programs with --programs")
    with server(asked.programs) as address:
        asyncio.run(main(asked, address))
