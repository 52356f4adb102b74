"""How soon a code leaves while many bulk texts wait on its line, and what bulk keeps under a stream of codes.

    python -m benchmarks.lanes [--bulk 100000] [--rate 20] [--codes 50] [--seconds 60]

In virtual time, on one server in this process, read from the ledger of the sandbox's network: which text was taken
when. Nothing leaves this process, and it stops by itself. A slot is 1 / rate seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path

from smsbot import Bot
from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import LineSettings
from smsbot.testing.sim import LINE, Sim

SEED = 20261129
_EACH = 1000


def _number(n: int) -> str:
    return f"+48{500_000_000 + n * 7:09d}"


def _ledger(path: Path) -> list[tuple[float, str]]:
    """When each text was taken, and what it says, in the order of the network."""
    with sqlite3.connect(path) as db:
        return list(db.execute("SELECT at, text FROM sandbox_texts WHERE direction = 'out' ORDER BY seq"))


async def _send(sim: Sim, number: str, text: str, kind: str) -> None:
    sends = sim.app.sends
    await sends.send(sends.line(LINE), [Wish(number, text)], Terms(kind))


async def _bulk(sim: Sim, many: int) -> None:
    sends = sim.app.sends
    for at in range(0, many, _EACH):
        wishes = [Wish(_number(n), f"sale {n}") for n in range(at, min(at + _EACH, many))]
        await sends.send(sends.line(LINE), wishes, Terms("bulk"))


async def _slots(sim: Sim, folder: Path, codes: int, rate: float) -> list[int]:
    """By code, sent at a moment of its own: the slots from then until the network had it, its own among them."""
    draw = random.Random(SEED)
    asked: dict[str, float] = {}
    for n in range(codes):
        await sim.advance(draw.uniform(0.3, 1.0))
        asked[f"code {n}"] = sim.clock.now()
        await _send(sim, _number(2_000_000 + n), f"code {n}", "code")
    await sim.advance(2.0)
    taken = {text: at for at, text in _ledger(folder / "sim.db")}
    slots = [round((taken[text] - at) * rate + 0.499) for text, at in asked.items()]
    return [max(n, 1) for n in slots]


async def _share(sim: Sim, folder: Path, seconds: int, rate: float) -> tuple[float, int]:
    """Of all that leaves while more codes are asked for than can leave, the share in bulk."""
    begun, n = sim.clock.now(), 0
    for _ in range(seconds):
        for _ in range(int(rate * 1.5)):
            await _send(sim, _number(3_000_000 + n), f"code s{n}", "code")
            n += 1
        await sim.advance(1.0)
    kinds = Counter(text.partition(" ")[0] for at, text in _ledger(folder / "sim.db") if at > begun)
    return kinds["sale"] / max(kinds.total(), 1), kinds.total()


async def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bulk", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--codes", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="smsbot-lanes-"))
    bot = Bot()
    bot.fallback(lambda: None)
    async with Sim(bot, folder, line_settings={LINE: LineSettings(rate=given.rate, quiet="never")}) as sim:
        began = time.perf_counter()
        await _bulk(sim, given.bulk)
        print(
            f"{given.bulk} bulk texts wait at {given.rate:g} a second; written in {time.perf_counter() - began:.1f} s"
        )
        slots = await _slots(sim, folder, given.codes, given.rate)
        print(f"{given.codes} codes: slots until it left: {dict(sorted(Counter(slots).items()))}, most {max(slots)}")
        share, total = await _share(sim, folder, given.seconds, given.rate)
        print(f"under 1.5 times as many codes as can leave: bulk has {share:.1%} of {total} texts")
        print(f"{total / given.seconds:.2f} texts a second left")


if __name__ == "__main__":
    asyncio.run(main())
