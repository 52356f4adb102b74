"""Whole lives of a server, from the birth of its database to its drain, each ended at one system call.

The first life ends at its first write, the second at its second, and so on until one comes to its end by itself: so
it was every write and every flush that there is, by whichever thread makes its n-th first.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
from pathlib import Path

import httpx

from .people import Echoer, Person, Pinger, Talker
from .report import Report, Tell, silent
from .stage import Stage, Zygote

CALLS = ("pwrite64", "fdatasync", "ftruncate", "unlink", "write", "sendto")
"""How SQLite writes, flushes, empties and ends its files; and how everything leaves, by uvloop's sockets or by asyncio's."""
LANES = 3
"""How many lives are lived side by side."""


async def life(zygote: Zygote, folder: Path, seed: int, call: str) -> Report:
    """One person of each kind has one round, while the server ends at `call` once and is started again."""
    report = Report(call)
    async with (
        Stage(zygote, folder, seed) as stage,
        httpx.AsyncClient(trust_env=False, timeout=10) as http,
    ):
        stage.network.unkind = False  # so that each life makes about the same calls

        async def again() -> None:
            report.kills[call] += 1
            await stage.start()

        async def guard() -> None:
            while not report.kills and not over.is_set():
                if stage.servers.killed:
                    await again()
                await asyncio.sleep(0.01)

        if not await stage.servers.start(call=call):
            await again()
        over = asyncio.Event()
        guarded = asyncio.create_task(guard())
        place = stage.place(http)
        crowd: list[Person] = [kind(f"+4860000000{n}", place) for n, kind in enumerate((Talker, Echoer, Pinger))]
        await asyncio.gather(*(person.round(1) for person in crowd))
        await stage.rest()
        over.set()
        await guarded
        await stage.end()
        if stage.servers.killed:  # at its drain
            await again()
            await stage.rest()
            await stage.end()
        report.exit = stage.servers.status
    report.verdict = stage.judge(crowd)
    return report


async def sweep(folder: Path, seed: int, *, tell: Tell = silent) -> Report:
    """As many lives as a life has calls, for each kind of call."""
    began, total = time.monotonic(), Report("whole lives", exit=0)
    zygotes = [Zygote() for _ in range(LANES)]

    async def one(zygote: Zygote, call: str) -> Report:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            return await life(zygote, Path(place), seed, call)

    try:
        for name in CALLS:
            for first in itertools.count(1, LANES):
                calls = [f"{name}:{first + n}" for n in range(LANES)]
                found = await asyncio.gather(*map(one, zygotes, calls))
                for report in found:
                    total.add(report)
                tell(total.kills.total(), 0, calls[-1])
                if not any(report.kills for report in found):
                    break
    finally:
        for zygote in zygotes:
            await zygote.close()
    total.seconds = time.monotonic() - began
    return total
