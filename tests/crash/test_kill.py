"""`kill -9` at random moments under load; an independent ledger tells what the person saw.

The ledger plays MessageFlow: it records every request before it answers, answers look-ups from its
records, and delivers each inbound webhook until it gets a 2xx. The seed is printed on failure.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from ..processes import Process, free_port, running

LINE = "+48732000111"
SETTINGS = """
[bots.pizza]
target = "bots.pizza:bot"
lines = ["+48732000111"]
[accounts.main]
gateway = "messageflow"
base_url = "{url}"
"""
ORDER = ["pizza", "2", "3", "Main St 1", "yes"]
REPLIES = [
    "Size? 1) Small $8  2) Medium $11  3) Large $14",
    "How many (1-9)?",
    "Delivery address?",
    "3 x M, $33. OK? YES or NO",
    "On its way!",
]


class Ledger:
    """What reached the network, by number, in order."""

    def __init__(self) -> None:
        self.sends: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.known: dict[str, dict[str, Any]] = {}
        self.arrived = asyncio.Condition()
        self.port = free_port()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                status, answer = await self._answer(head.split(b" ")[1].decode(), body)
                content = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(content), content))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, target: str, body: bytes) -> tuple[int, Any]:
        meta = {"numberOfErrors": 0, "numberOfData": 1, "status": 200}
        if not body:
            external = parse_qs(urlsplit(target).query)["externalId"][0]
            found = self.known.get(external)
            return (200, {"meta": meta, "data": [found]}) if found else (404, {"meta": meta, "errors": []})
        text = json.loads(body)
        number, external = text["phoneNumbers"][0], text["externalId"]
        self.known[external] = {"externalId": external, "phoneNumber": number, "status": 1}
        async with self.arrived:
            self.sends[number].append((text["message"], external))
            self.arrived.notify_all()
        return 200, {"meta": meta, "data": [self.known[external]]}

    async def reply(self, number: str, seen: int, patience: float) -> bool:
        """Wait until a number has more than `seen` different texts."""

        async def more() -> None:
            async with self.arrived:
                await self.arrived.wait_for(lambda: self.count(number) > seen)

        try:
            await asyncio.wait_for(more(), patience)
        except TimeoutError:
            return False
        return True

    def count(self, number: str) -> int:
        return len({external.rpartition("-")[0] for _, external in self.sends[number]})


class Phone:
    """Orders pizza again and again, and notes which replies never came."""

    def __init__(self, number: str, ledger: Ledger, hook: str, http: httpx.AsyncClient) -> None:
        self.number, self.ledger, self.hook, self.http = number, ledger, hook, http
        self.acknowledged: list[str] = []
        self.missing = 0

    async def live(self, until: asyncio.Event) -> None:
        n = 0
        while not until.is_set() or n % len(ORDER):
            seen = self.ledger.count(self.number)
            await self.text(f"{self.number}-{n}", ORDER[n % len(ORDER)])
            if not await self.ledger.reply(self.number, seen, 25.0):
                self.missing += 1
            n += 1

    async def text(self, identity: str, text: str) -> None:
        body = {"id": identity, "from": self.number, "to": LINE, "message": text}
        while True:
            try:
                answer = await self.http.post(self.hook, json=body, timeout=10)
                if answer.status_code == 200:
                    self.acknowledged.append(identity)
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def kill_under_load(folder: Path, kills: int, phones: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    ledger = Ledger()
    server = await ledger.serve()
    (folder / "smsbot.toml").write_text(SETTINGS.format(url=f"http://127.0.0.1:{ledger.port}/v2.1"))
    (folder / "bots").symlink_to(Path(__file__).parent.parent.parent / "bots")
    process = Process(
        "run", port=free_port(), folder=folder, log=folder / "log",
        SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION="key-of-the-test", SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY="app-of-the-test",
        SMSBOT_PUBLIC_URL="https://bots.test", SMSBOT_RECHECK="0.2",
    )  # fmt: skip
    process.start()
    await process.ready_soon()
    with sqlite3.connect(folder / "smsbot.db") as db:
        secret = db.execute("SELECT secret FROM hook_secrets").fetchone()[0]
    db.close()
    enough = asyncio.Event()
    hook = f"{process.url}/hooks/main/{secret}/inbound"
    limits = httpx.Limits(max_connections=phones)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as http:
        people = [Phone(f"+4860010{i:04d}", ledger, hook, http) for i in range(phones)]
        lives = [asyncio.create_task(p.live(enough)) for p in people]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.02, 0.5))
            process.kill()
            process.start()
            await process.ready_soon()
        enough.set()
        await asyncio.gather(*lives)
    await asyncio.sleep(1.0)  # what is unknown is looked up
    code = await asyncio.to_thread(process.stop)
    server.close()
    return verdict(folder / "smsbot.db", ledger, people) | {"exit": code}


def verdict(path: Path, ledger: Ledger, people: list[Phone]) -> dict[str, Any]:
    """Lost, doubled, inverted and unknown, by the ledger and the database."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    taken = Counter(r["gateway_id"] for r in db.execute("SELECT gateway_id FROM events WHERE kind = 'text'"))
    unread = db.execute("SELECT count(*) FROM events WHERE state <> 1").fetchone()[0]
    unknown = {r["outgoing"] for r in db.execute("SELECT outgoing FROM attempts WHERE outcome = 'unknown'")}
    held_rows = db.execute("SELECT id, number FROM outgoing WHERE status = 'unknown' AND phase IS NULL").fetchall()
    held = {r["id"] for r in held_rows}
    gaps = {r["number"] for r in held_rows}
    owed = {r["id"]: r["text"] for r in db.execute("SELECT id, text FROM outgoing")}
    db.close()
    doubled, inverted, reached = [], 0, set()
    for number, sends in ledger.sends.items():
        firsts = list(dict.fromkeys(e.rpartition("-")[0] for _, e in sends))
        reached |= set(firsts)
        copies = Counter(e.rpartition("-")[0] for _, e in sends)
        doubled += [o for o, n in copies.items() if n > 1]
        texts = [owed[o] for o in firsts]
        inverted += number not in gaps and texts != [REPLIES[i % 5] for i in range(len(texts))]
    acknowledged = [i for p in people for i in p.acknowledged]
    return {
        "texts": len(acknowledged),
        "lost texts": sum(taken[i] != 1 for i in acknowledged) + unread,
        "lost replies": len(set(owed) - reached - held),
        "replies short": len(acknowledged) - len(owed),
        "doubled, not listed": len(set(doubled) - unknown),
        "doubled, listed": len(set(doubled) & unknown),
        "inverted": inverted,
        "unknown": len(unknown),
        "held": len(held),
        "missing": sum(p.missing for p in people) - len(held),
    }


ZERO = ("lost texts", "lost replies", "replies short", "doubled, not listed", "inverted", "exit")


@pytest.mark.parametrize(
    ("kills", "phones"), [pytest.param(12, 30, id="short"), pytest.param(200, 60, id="long", marks=pytest.mark.long)]
)
async def test_kill_9_under_load(tmp_path: Path, kills: int, phones: int) -> None:
    seed = int(os.environ.get("SMSBOT_SEED", "20261123"))
    found = await kill_under_load(tmp_path, kills, phones, seed)
    print(f"seed {seed}, {kills} kills: {found}")
    assert {k: found[k] for k in ZERO} == dict.fromkeys(ZERO, 0), f"seed {seed}: {found}"
    assert found["missing"] <= 0, f"seed {seed}: {found}"
    assert found["texts"] > kills


def test_a_pending_timeout_survives_a_kill_and_a_clock_jump(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running("dev", "--db", str(tmp_path / "x.db"), log=log) as process:
        ann = f"{process.url}/sandbox/phones/+48600100200/texts"
        httpx.post(ann, json={"text": "pizza"})
        _wait(lambda: len(httpx.get(ann).json()) == 2)
        process.kill()
        process.start()
        process.ready()
        began = time.monotonic()
        assert httpx.post(f"{process.url}/sandbox/clock", json={"advance": "10m"}, timeout=60).status_code == 200
        texts = [e["text"] for e in httpx.get(ann).json()]
        assert texts[-1] == "Text PIZZA to start again."
        assert time.monotonic() - began < 30
        process.kill()
        process.start()
        process.ready()
        httpx.post(ann, json={"text": "pizza"})
        _wait(lambda: len(httpx.get(ann).json()) == 5)
        assert process.stop() == 0


def _wait(condition: Any, patience: float = 10.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
