"""A rolling deploy of a changed bot, in the middle of two hundred conversations in YAML and in Python."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx
import pytest

from smsbot.stores.database import Database

from ..postgres import Server
from ..processes import Process, free_port
from ..tables import sql
from .network import Network
from .test_workers import SECRETS, SETTINGS

SEED = 20261130
PEOPLE = 200
LINE = "+48732000111"
BEFORE = {
    "x.py": """
from smsbot import Bot, Chat
bot = Bot(flows="flows")

@bot.on("visit")
async def visit(chat: Chat) -> str:
    day = await chat.ask("Which day?")
    street = await chat.ask("Which street?")
    return f"{day}, {street}: visited"
""",
    "flows/order.yaml": """
flow: order
start: {words: [order]}
defaults: {timeout: {after: 1h, then: gone}}
steps:
  - {ask: size, say: "Which size?", choices: {S: [small], L: [large]}}
  - {ask: name, say: "Which name?"}
  - {id: over, say: "{size} for {name}: ordered", end: done}
asides:
  - {id: gone, say: "gone", end: abandoned}
""",
}
AFTER = {
    "x.py": """
from smsbot import Bot, Chat
bot = Bot(flows="flows")

@bot.on("visit")
async def visit(chat: Chat) -> str:
    day = await chat.ask("On which day?")
    town = await chat.ask("Which town?") if chat.since("asks-town") else "here"
    street = await chat.ask("Which street, please?")
    sure = await chat.confirm("Are you sure?")
    return f"{day}, {town}, {street}, {sure}: visited"
""",
    "flows/order.yaml": """
flow: order
start: {words: [order]}
defaults: {timeout: {after: 1h, then: gone}}
steps:
  - {ask: size, say: "S, M or L? Which size?", choices: {S: [small], M: [medium], L: [large]}}
  - {ask: town, say: "Which town?"}
  - {ask: name, say: "Which name, please?"}
  - {id: over, say: "{size} for {name} of {town}: ordered", end: done}
asides:
  - {id: gone, say: "gone", end: abandoned}
""",
}
ANSWERS = {"day": "monday", "street": "Main 1", "size": "large", "name": "Ann", "town": "Gdynia", "sure": "yes"}


class Fleet:
    """Servers, of which some serve the one code and some the other; people text any of them."""

    def __init__(self, folder: Path, database: str, network: Network) -> None:
        self._folder, self._database, self._network = folder, database, network
        self.serving: list[Process] = []
        self.chance = random.Random(SEED)
        self._texts = count(1)
        network.reports_to = lambda url: url.replace("https://bots.test", self.any.url)

    @property
    def any(self) -> Process:
        return self.chance.choice(self.serving)

    async def start(self, name: str, files: dict[str, str]) -> Process:
        folder = self._folder / name
        for path, content in {**files, "smsbot.toml": SETTINGS.format(port=self._network.port)}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        made = Process(
            "run", port=free_port(), folder=folder, log=folder / "log", DATABASE_URL=self._database, **SECRETS
        )
        made.start()
        await asyncio.to_thread(made.ready)
        self.serving.append(made)
        return made

    async def end(self, one: Process) -> None:
        self.serving.remove(one)
        one.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(one.process.wait, 40) == 0

    async def text(self, http: httpx.AsyncClient, secret: str, number: str, words: str) -> None:
        """As a provider that insists."""
        body = {"id": f"t{next(self._texts)}", "from": number, "to": LINE, "message": words}
        while True:
            with suppress(httpx.TransportError):
                answer = await http.post(f"{self.any.url}/hooks/main/{secret}/inbound", json=body)
                if answer.is_success:
                    return
            await asyncio.sleep(0.05)


async def talk(
    fleet: Fleet, http: httpx.AsyncClient, secret: str, network: Network, n: int, over: asyncio.Event
) -> int:
    """One after the other, each to its end; how many."""
    number, heard = f"+48600{n:06d}", 0
    for talks in count(1):
        words = "order" if n % 2 else "visit"
        while True:
            await fleet.text(http, secret, number, words)
            heard += 1
            assert await network.until(number, heard, 60), (number, words, list(network.firsts(number).values())[-3:])
            asked = list(network.firsts(number).values())[heard - 1]
            if asked.endswith(("visited", "ordered")):
                break
            words = next((answer for question, answer in ANSWERS.items() if question in asked), "")
            assert words, (number, list(network.firsts(number).values())[-6:])
            await asyncio.sleep(fleet.chance.uniform(0.5, 3.0))
        if over.is_set():
            return talks
    raise AssertionError


@pytest.mark.slow
@pytest.mark.needs("postgres")
async def test_nobody_notices_a_rolling_deploy(postgres: Server, tmp_path: Path) -> None:
    network, url, over = Network(SEED), postgres.migrated(), asyncio.Event()
    network.unkind = False
    await network.open()
    fleet = Fleet(tmp_path, url, network)
    try:
        old = [await fleet.start(name, BEFORE) for name in ("one", "two")]
        ((secret,),) = sql(Database(url), "SELECT secret FROM hook_secrets WHERE account = 'main'")
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            talks = [asyncio.create_task(talk(fleet, http, secret, network, n, over)) for n in range(PEOPLE)]
            await asyncio.sleep(5)
            for name, before in zip(("three", "four"), old, strict=True):
                await fleet.start(name, AFTER)
                await asyncio.sleep(2)
                await fleet.end(before)
            await asyncio.sleep(3)
            over.set()
            done = await asyncio.gather(*talks)
            await network.reported()
    finally:
        for one in fleet.serving:
            one.stop()
        await network.close()
    print(sum(done), "conversations")
    told = [text for number in network.sends for text in network.firsts(number).values()]
    assert any("Gdynia" in text for text in told), "the new code was talked to"
    assert sql(Database(url), "SELECT count(*) FROM events WHERE state <> 1") == [(0,)], "no dead letter"
    assert sql(Database(url), "SELECT count(*) FROM outgoing WHERE status <> 'delivered'") == [(0,)]
    external = Counter(external for sends in network.sends.values() for _, external in sends)
    assert set(external.values()) == {1}
