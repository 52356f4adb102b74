"""A server under an even load: memory and open files stay flat; and nothing personal gets into any log."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.stores.database import Database
from smsbot.testing.scripted import answers, scripted

from ..postgres import Server
from ..processes import Process, free_port
from ..tables import sql
from .network import META

pytestmark = pytest.mark.slow

SETTINGS = """
[bots.x]
target = "x.py:bot"
lines = ["+48732000111"]
[accounts.main]
gateway = "messageflow"
base_url = "{url}"
"""
BOT = """
from smsbot import Bot, Chat
bot = Bot(timeout="5s")

@bot.on("ask")
async def ask(chat: Chat) -> str:
    return "thanks for " + await chat.ask("What is your code?")

@bot.fallback
def answer(chat: Chat, text: str) -> str:
    if "boom" in text:
        raise ValueError(f"cannot cope with {text} of {chat.number}")
    if "key" in text:
        chat.data["x"] = {}[text]
    return f"you said {text}"
"""
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "authorization-CANARY",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "application-CANARY",
    "SMSBOT_DASHBOARD_PASSWORD": "password-CANARY",
    "PUBLIC_URL": "https://bots.test",
}


def server(folder: Path, url: str, *arguments: str, **more: str) -> Process:
    (folder / "smsbot.toml").write_text(SETTINGS.format(url=url))
    (folder / "x.py").write_text(BOT)
    environment = {"SMSBOT_RECHECK": "0.2", **SECRETS, **more}
    return Process("run", *arguments, port=free_port(), folder=folder, log=folder / "log", **environment)


def hook(process: Process, database: Database) -> str:
    ((secret,),) = sql(database, "SELECT secret FROM hook_secrets WHERE account = 'main'")
    return f"{process.url}/hooks/main/{secret}/inbound"


async def taken(reader: Any, writer: Any, request: bytes) -> None:
    if not request.partition(b"\r\n\r\n")[2]:
        await answers(404, {"meta": META})(reader, writer, request)
        return
    sent = json.loads(request.partition(b"\r\n\r\n")[2])
    await answers(200, {"meta": META, "data": [{"externalId": sent["externalId"], "status": 1}]})(
        reader, writer, request
    )


def usage(pid: int) -> tuple[int, int]:
    """Resident bytes and open files."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{pid}/fd"))


async def texts(http: httpx.AsyncClient, url: str, name: str) -> None:
    """Fifty at once, each taken."""
    bodies = [
        {"id": f"{name}-{n}", "from": f"+48600{(hash(name) + n) % 500:06d}", "to": "+48732000111", "message": f"hello {n}"}
        for n in range(50)
    ]  # fmt: skip
    statuses = await asyncio.gather(*(http.post(url, json=b) for b in bodies))
    assert {a.status_code for a in statuses} == {200}


async def evenly(http: httpx.AsyncClient, url: str, seconds: int) -> AsyncIterator[int]:
    """Fifty texts in each of so many seconds."""
    for second in range(seconds):
        began = asyncio.get_running_loop().time()
        await texts(http, url, str(second))
        yield second
        await asyncio.sleep(max(0.0, 1.0 - (asyncio.get_running_loop().time() - began)))


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "before"), [(8, 0), pytest.param(600, 200_000, marks=pytest.mark.long)])
async def test_memory_and_files_stay_flat(tmp_path: Path, seconds: int, before: int) -> None:
    """50 texts a second from 500 numbers, each answered and reported.

    The long run first fills what is bounded (SQLite's pages, 64 MB; ids seen last, 100,000), which the first 170,000
    texts do, so that what still grows would be a leak.
    """
    async with scripted(taken) as provider:
        process = server(tmp_path, provider.url)
        process.start()
        try:
            await asyncio.to_thread(process.ready)
            url, samples = hook(process, Database(str(tmp_path / "smsbot.db"))), []
            async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
                for n in range(before // 50):
                    await texts(http, url, f"before {n}")
                    provider.requests.clear()
                async for _ in evenly(http, url, seconds):
                    samples.append(usage(process.process.pid))
                    provider.requests.clear()
        finally:
            code = await asyncio.to_thread(process.stop)
    assert code == 0
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    memory = [statistics.median(m for m, _ in part) / 1e6 for part in (early, late)]
    files = [statistics.median(f for _, f in part) for part in (early, late)]
    print(
        f"{seconds} s at 50 texts/s: memory {memory[0]:.1f} then {memory[1]:.1f} MB, files {files[0]} then {files[1]}"
    )
    assert memory[1] < (memory[0] * 1.02 if before else memory[0] * 1.05 + 4)
    assert files[1] <= files[0] + 16


ROWS = """
SELECT (SELECT count(*) FROM events WHERE state = 0) + (SELECT count(*) FROM outgoing WHERE phase IS NOT NULL),
  (SELECT sum(pg_relation_size(oid))::int8 FROM pg_class WHERE relname IN ('processes', 'attended', 'conversations'))
"""
"""What waits, and the bytes of tables whose rows are few, and change with every text."""


@pytest.mark.long
@pytest.mark.needs("postgres")
async def test_two_processes_and_their_database_stay_flat(postgres: Server, tmp_path: Path) -> None:
    """Ten minutes of the same: what waits, the memory of each process, and rows that are dead."""
    seconds, database = 600, Database(postgres.migrated())
    async with scripted(taken) as provider:
        process = server(tmp_path, provider.url, "--workers", "2", DATABASE_URL=database.address)
        process.start()
        samples: list[list[int]] = []
        try:
            await asyncio.to_thread(process.ready)
            async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
                async for second in evenly(http, hook(process, database), seconds):
                    provider.requests.clear()
                    if second % 5 == 4:
                        pids = sorted(row[0] for row in sql(database, "SELECT pid FROM processes"))
                        assert len(pids) == 2
                        memory = [usage(pid)[0] for pid in pids]
                        samples.append([*sql(database, ROWS)[0], *memory])
        finally:
            code = await asyncio.to_thread(process.stop)
    assert code == 0
    quarter = len(samples) // 4
    early, late = (
        [statistics.median(column) for column in zip(*part, strict=True)]
        for part in (samples[quarter : 2 * quarter], samples[-quarter:])
    )
    print("waiting, bytes of the tables, memory of each:", early, "then", late)
    assert late[0] < 100, "what waits"
    assert late[1] < early[1] * 1.2 + 65_536, "dead rows"
    assert all(after < before * 1.05 + 4e6 for before, after in zip(early[2:], late[2:], strict=True)), "memory"


@pytest.mark.parametrize(
    "texts", [150, pytest.param(600, marks=pytest.mark.slow), pytest.param(10_000, marks=pytest.mark.long)]
)
async def test_no_number_text_code_or_secret_gets_into_a_log(tmp_path: Path, texts: int) -> None:
    """Every way that something can go wrong, with a provider that repeats what it was sent."""
    chance = random.Random(20261125)

    async def unkind(reader: Any, writer: Any, request: bytes) -> None:
        body = request.partition(b"\r\n\r\n")[2]
        if not body:
            await answers(chance.choice([404, 401, 500]), {"meta": META})(reader, writer, request)
            return
        sent = json.loads(body)
        echo = [
            {"title": "no", "message": f"{sent['message']} to {sent['phoneNumbers'][0]} refused", "code": "E-4-004"}
        ]
        status = chance.choice([200, 200, 200, 400, 401, 429, 500, 0])
        if not status:
            writer.transport.abort()
            raise ConnectionError
        item = [{"externalId": sent["externalId"], "status": 1}]
        told = {"meta": META, "data": item} if status == 200 else {"meta": META, "errors": echo}
        await answers(status, told)(reader, writer, request)

    async with scripted(unkind) as provider:
        process = server(tmp_path, provider.url)
        process.start()
        try:
            await asyncio.to_thread(process.ready)
            url, room = hook(process, Database(str(tmp_path / "smsbot.db"))), asyncio.Semaphore(40)
            pages = []
            async with httpx.AsyncClient(trust_env=False, timeout=20) as http:

                async def text(n: int) -> None:
                    words = [
                        "secretword boom",
                        "secretword key",
                        "ask",
                        "my code is 987654",
                        "STOP secretword",
                        "secretword",
                    ]
                    number = f"+4860055{n % 700:04d}"
                    body: Any = {
                        "id": f"i{n}",
                        "from": number,
                        "to": "+48732000111",
                        "message": f"{chance.choice(words)} {n}",
                    }
                    if n % 50 == 0:
                        body = {"wrong": number, "secretword": f"987654 {n}"}
                    if n % 77 == 0:
                        body["to"] = "+48999999999"
                    async with room:
                        await http.post(url, json=body)
                        if n % 40 == 0:
                            report = {"externalId": f"{'0' * 22}-1", "status": f"secretword {number}"}
                            await http.post(url.replace("inbound", "status"), json=report)

                await asyncio.gather(*(text(n) for n in range(texts)))
                for path in ("/metrics", "/healthz", "/readyz"):
                    pages.append((await http.get(process.url + path, auth=("x", "password-CANARY"))).text)
                assert "smsbot_messages_received_total" in pages[0]
        finally:
            await asyncio.to_thread(process.stop)
    log = re.sub(r'"timestamp": ?"[^"]*"', "", (tmp_path / "log").read_text())  # its digits could be any
    told = log + "".join(pages)
    assert len(told) > 10_000, "there were things to log"
    for canary in ("secretword", "987654", "60055", "CANARY", "code is"):
        where = told.find(canary)
        assert where < 0, f"{canary} in: {told[max(0, where - 300) : where + 100]}"
    assert '"level": "error"' in told
    assert "ValueError" in told
