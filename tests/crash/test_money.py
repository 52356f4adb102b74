"""A cap of money holds however many send at once, and through kills; what is counted is what the texts cost."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from ..processes import Process, free_port

pytestmark = pytest.mark.slow

SETTINGS = """
[bots.echo]
target = "echo.py:bot"
lines = ["+48732000111"]
[lines."+48732000111"]
pace = 0
per_minute = 0
[money]
prices = "prices.toml"
day = {cap}
"""
BOT = "from smsbot import Bot\nbot = Bot()\n@bot.fallback\ndef echo(text: str) -> str:\n    return text\n"
CENT = 10_000


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "echo.py").write_text(BOT)
    (tmp_path / "prices.toml").write_text('currency = "EUR"\n[messageflow]\n"*" = 0.01\n')
    return tmp_path


def counted(place: Path) -> tuple[int, int]:
    """What all texts cost, and what is counted of it."""
    with closing(sqlite3.connect(f"file:{place / 'smsbot.db'}?mode=ro", uri=True, timeout=30)) as db:
        (texts,) = db.execute("SELECT coalesce(sum(cost), 0) FROM outgoing").fetchone()
        (spent,) = db.execute("SELECT coalesce(sum(spent), 0) FROM spending WHERE scope = 'day'").fetchone()
    return texts, spent


async def texted(server: Process, numbers: list[str]) -> None:
    """Everybody texts at once, some fifty at the same time; a server that is killed meanwhile is not asked again."""
    gate = asyncio.Semaphore(50)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=20.0) as http:

        async def one(number: str) -> None:
            async with gate:
                with suppress(httpx.TransportError):
                    await http.post(f"/sandbox/phones/{number}/texts", json={"text": "hi"})

        await asyncio.gather(*map(one, numbers))


@pytest.mark.parametrize(("many", "kills"), [(300, 1), pytest.param(10_000, 8, marks=pytest.mark.slow)])
async def test_a_cap_holds_for_many_at_once_and_through_kills(place: Path, many: int, kills: int) -> None:
    (place / "smsbot.toml").write_text(SETTINGS.format(cap=many * 0.005))  # half of them may be answered
    draw, limit = random.Random(20261129), int(many / 2 * CENT * 0.95)
    server = Process("dev", "--no-reload", port=free_port(), folder=place, log=place / "log")
    server.start()
    try:
        await server.ready_soon()
        numbers = [f"+4850{n:07d}" for n in range(many)]
        share = many // (kills + 1) + 1
        for at in range(0, many, share):
            going = asyncio.create_task(texted(server, numbers[at : at + share]))
            await asyncio.sleep(draw.uniform(0.2, 1.0))
            if at + share < many:
                server.kill()
                await going
                texts, spent = counted(place)
                assert texts == spent <= limit
                server.start()
                await server.ready_soon()
            else:
                await going
        for _ in range(100):  # what was taken and not answered before a kill is answered now
            await asyncio.sleep(0.2)
            texts, spent = counted(place)
            if spent > limit - CENT:
                break
    finally:
        server.kill()
    assert texts == spent <= limit
    with closing(sqlite3.connect(place / "smsbot.db", timeout=30)) as db:
        (sent,) = db.execute("SELECT count(*) FROM sandbox_texts WHERE direction = 'out'").fetchone()
    assert sent * CENT <= limit
