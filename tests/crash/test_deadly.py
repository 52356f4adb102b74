"""Texts whose handler ends the process: others are answered, and after five processes it is a dead letter."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot import Bot, Chat
from smsbot.testing.scripted import answers, scripted
from smsbot.testing.sim import Sim

from ..processes import Process, free_port

SETTINGS = """
[bots.it]
target = "bots.py:bot"
lines = ["7255"]
[lines."7255"]
country = "PL"
pace = 0
[accounts.main]
gateway = "messageflow"
base_url = "{url}"
"""
BOTS = """
import asyncio, os
from smsbot import Bot, Chat

bot = Bot(apology="Sorry, that went wrong.")

@bot.on("boom")
def boom() -> str:
    os._exit(9)

@bot.on("later")
async def later(chat: Chat) -> str:
    await chat.step(asyncio.sleep, 0.3)
    os._exit(9)

@bot.on("slow")
async def slow(chat: Chat) -> str:
    await chat.step(asyncio.sleep, 0.5)
    return "slow but sure"

@bot.on("hi")
def hi() -> str:
    return "hello"
"""
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    "SMSBOT_DASHBOARD_PASSWORD": "a password of the test",
    "PUBLIC_URL": "https://bots.test",
}
DEADLY = "+48600100999"


class Server:
    """A server that is started again whenever it ends, as its operator's supervisor does."""

    def __init__(self, folder: Path, provider: Any) -> None:
        (folder / "bots.py").write_text(BOTS)
        (folder / "smsbot.toml").write_text(SETTINGS.format(url=provider.url))
        self.folder, self.provider = folder, provider
        self.process = Process("run", port=free_port(), folder=folder, log=folder / "log", **SECRETS)
        self.deaths = 0

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "smsbot.db")) as db:
            return db.execute(sql).fetchall()

    async def start(self) -> None:
        self.process.start()
        await self.process.ready_soon()

    async def again(self) -> bool:
        """Start it again if it has ended."""
        if self.process.process.poll() is None:
            return False
        self.deaths += 1
        await asyncio.to_thread(self.process.start)
        return True

    async def text(self, identity: str, text: str, number: str) -> None:
        """Deliver until it is acknowledged, as providers do."""
        for _ in range(100):
            try:
                (secret,) = self.rows("SELECT secret FROM hook_secrets")[0]
                url = f"{self.process.url}/hooks/main/{secret}/inbound"
                async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
                    body = {"id": identity, "from": number, "to": "7255", "message": text}
                    if (await http.post(url, json=body)).status_code == 200:
                        return
            except (httpx.TransportError, IndexError):
                await asyncio.sleep(0.05)
                await self.again()
        raise AssertionError(f"{text} was never acknowledged")

    async def until(self, done: Any, patience: float = 40.0) -> None:
        end = time.monotonic() + patience
        while not done():
            assert time.monotonic() < end, self.process.log.read_text()[-3000:]
            await self.again()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("word", ["boom", pytest.param("later", marks=pytest.mark.slow)])
async def test_a_text_that_ends_processes_is_a_dead_letter_and_others_are_answered(tmp_path: Path, word: str) -> None:
    async with scripted(answers(200, {"meta": {"status": 200}, "data": []})) as provider:
        server = Server(tmp_path, provider)
        await server.start()
        try:
            for n in range(3):
                await server.text(f"s{n}", "slow", f"+4860010010{n}")
            await server.text("deadly", word, DEADLY)
            for n in range(3):
                await server.text(f"h{n}", "hi", f"+4860010020{n}")
            await server.until(lambda: server.rows("SELECT 1 FROM events WHERE state = 2"))
            await server.until(lambda: len(server.rows("SELECT 1 FROM outgoing")) == 7)
            said = sorted(r[0] for r in server.rows("SELECT text FROM outgoing"))
            assert said == ["Sorry, that went wrong."] + ["hello"] * 3 + ["slow but sure"] * 3
            ((number, note),) = server.rows("SELECT number, note FROM events WHERE state = 2")
            assert number == DEADLY
            assert "the process ended in each of 5 tries" in note
            assert server.deaths in (5, 6)  # the first may end it before the text is acknowledged
        finally:
            if server.process.process.poll() is None:
                server.process.stop()


async def test_a_server_that_is_closed_counts_nothing(tmp_path: Path) -> None:
    """However often it is started: only a death is counted."""
    bot, begun = Bot(), list[int]()

    @bot.on("wait")
    async def wait(chat: Chat) -> str:
        begun.append(1)
        if len(begun) < 9:
            raise ConnectionError
        return "at last"

    async with Sim(bot, tmp_path) as sim:
        ann = sim.phone()
        await ann.text("wait")
        for _ in range(2):
            await sim.restart()
        (event,) = await sim.app.store.unread(0, 9)
        assert event.attempts <= len(begun)
        assert not sim.app.store.died
