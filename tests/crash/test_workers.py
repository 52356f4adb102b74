"""`smsbot run --workers`: processes on one socket, each of which is replaced when it ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from smsbot.stores.database import Database

from ..postgres import Server
from ..processes import Process, free_port, smsbot
from ..tables import sql

SETTINGS = """
[bots.x]
target = "x.py:bot"
lines = ["+48732000111"]
[lines."+48732000111"]
pace = 0
per_minute = 0
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:{port}/v2.1"
"""
BOT = """
import asyncio, os
from smsbot import Bot
bot = Bot()

@bot.on("slow")
async def slow() -> str:
    await asyncio.sleep(0.2)
    return f"slow {os.getpid()}"

@bot.fallback
def answer() -> str:
    return f"by {os.getpid()}"
"""
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "authorization", "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "application",
    "PUBLIC_URL": "https://bots.test",
}  # fmt: skip


def until(done: Callable[[], bool], patience: float) -> float:
    """Wait; the seconds that it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < patience
        time.sleep(0.02)
    return time.monotonic() - began


class Shop:
    """A server of several processes, and people who text it."""

    def __init__(self, folder: Path, url: str, count: int) -> None:
        (folder / "smsbot.toml").write_text(SETTINGS.format(port=9))
        (folder / "x.py").write_text(BOT)
        self.database = Database(url)
        self.process = Process(
            "run", "--workers", str(count), port=free_port(), folder=folder, log=folder / "log", DATABASE_URL=url,
            **SECRETS,
        )  # fmt: skip
        self._texts = 0

    def pids(self) -> list[int]:
        return [pid for (pid,) in sql(self.database, "SELECT pid FROM processes ORDER BY id")]

    def text(self, words: str = "hi") -> str:
        """Text once, as a provider that insists; what is answered."""
        ((secret,),) = sql(self.database, "SELECT secret FROM hook_secrets WHERE account = 'main'")
        self._texts += 1
        number = f"+48600{self._texts:06d}"
        body = {"id": f"t{self._texts}", "from": number, "to": "+48732000111", "message": words}
        until(lambda: self._posted(secret, body), 20)
        asked = "SELECT text FROM outgoing WHERE number = ?"
        until(lambda: bool(sql(self.database, asked, number)), 20)
        return str(sql(self.database, asked, number)[0][0])

    def _posted(self, secret: str, body: dict[str, str]) -> bool:
        try:
            return httpx.post(f"{self.process.url}/hooks/main/{secret}/inbound", json=body, timeout=5).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def shop(postgres: Server, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path, postgres.migrated(), 2)
    made.process.start()
    try:
        made.process.ready()
        until(lambda: len(made.pids()) == 2, 30)
        yield made
    finally:
        if made.process.process.poll() is None:
            made.process.kill()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.needs("postgres")
def test_a_worker_that_is_killed_is_replaced_and_its_work_goes_on(shop: Shop) -> None:
    first, second = shop.pids()
    assert {shop.text() for _ in range(20)} <= {f"by {first}", f"by {second}"}
    os.kill(first, signal.SIGKILL)
    assert shop.text("slow").startswith("slow ")
    took = until(lambda: first not in shop.pids() and len(shop.pids()) == 2, 10)
    assert took < 10
    assert shop.text().startswith("by ")


@pytest.mark.slow
@pytest.mark.needs("postgres")
def test_all_are_renewed_while_texts_are_answered(shop: Shop) -> None:
    before = shop.pids()
    shop.process.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 60
    while set(before) & set(shop.pids()) or len(shop.pids()) < 2:
        assert shop.text("slow").startswith("slow ")
        assert time.monotonic() < end
    assert sql(shop.database, "SELECT count(*) FROM events WHERE state <> 1") == [(0,)]


@pytest.mark.slow
@pytest.mark.needs("postgres")
def test_sigterm_ends_all_and_the_end_of_the_parent_as_well(shop: Shop) -> None:
    pids = shop.pids()
    assert shop.process.stop() == 0
    assert not any(map(alive, pids))
    assert shop.pids() == []
    shop.process.start()
    shop.process.ready()
    until(lambda: len(shop.pids()) == 2, 30)
    pids = shop.pids()
    shop.process.kill()
    until(lambda: not any(map(alive, pids)), 30)


def test_a_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text(SETTINGS.format(port=9))
    (tmp_path / "x.py").write_text(BOT)
    done = smsbot("run", "--workers", "2", folder=tmp_path, **SECRETS)
    assert done.returncode != 0
    assert "one process serves a file" in done.stderr
    assert "smsbot db copy" in done.stderr


@pytest.mark.slow
@pytest.mark.needs("postgres")
def test_what_cannot_start_is_told_once(postgres: Server, tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text(SETTINGS.format(port=9))
    (tmp_path / "x.py").write_text("def broken(:")
    done = smsbot("run", "--workers", "3", folder=tmp_path, DATABASE_URL=postgres.migrated(), **SECRETS)
    assert done.returncode not in (0, -signal.SIGTERM)
    assert done.stderr.count("broken") == 1, done.stderr
