"""The process is killed within each step of what programs ask and are told: one effect each, nothing lost or turned round.

The shop writes down what it took, in a file of its own, before it answers.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smsbot import failpoints

from ..conftest import sampled
from ..house import ANN, BOB, House
from ..web.api_house import allow, ask, shop

pytestmark = pytest.mark.slow

PLACES = (
    "api.asked", "api.done", "pushes.taking", "pushes.taken", "push.begun", "push.answered", "writer.begun",
    "writer.statement", "writer.written", "writer.committed",
)  # fmt: skip
KILLS = [(place, n) for place in PLACES for n in (1, 2, 5, 13)]
SOME = [("api.done", 1), ("pushes.taken", 1), ("push.answered", 2)]
SENT: dict[str, Any] = {"to": [ANN, BOB], "text": "On its way", "reference": "order-1"}


class Ledger:
    """The shop's address, and what it took."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def wrong_with(self, url: str) -> str:
        return ""

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[bool, str]:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([headers["webhook-id"], json.loads(body)]) + "\n")
        return True, "HTTP 200"

    def took(self) -> list[tuple[str, dict[str, Any]]]:
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return [tuple(json.loads(line)) for line in lines]


async def asked(h: House) -> None:
    answer = await ask(h, "POST", "/messages", SENT, key="k")
    assert answer.status_code == 202


async def told(h: House, ledger: Ledger) -> None:
    h.app.endpoints.outside = ledger
    while await h.app.pushes.once():
        pass


async def life(folder: Path, spec: str) -> None:
    ledger = Ledger(folder / "ledger")
    async with House(shop(), folder) as h:
        h.app.endpoints.outside = ledger
        await allow(h)
        await h.app.endpoints.add("https://shop.example.com/", [], "a test")
        failpoints.arm(spec)
        for n in range(3):
            await h.text(ANN, f"ann {n}")
            await h.text(BOB, f"bob {n}")
            await told(h, ledger)
        await asked(h)
        await h.advance("1s")
        await told(h, ledger)
        failpoints.arm("")


def lived(folder: Path, spec: str) -> None:
    asyncio.run(life(folder, spec))


def killed(folder: Path, spec: str) -> bool:
    """Whether the process ended there."""
    process = multiprocessing.get_context("spawn").Process(target=lived, args=(folder, spec))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


@pytest.mark.parametrize("kill", sampled(KILLS, *SOME))
async def test_afterwards_each_thing_has_happened_once_and_was_told(tmp_path: Path, kill: tuple[str, int]) -> None:
    await asyncio.to_thread(killed, tmp_path, f"{kill[0]}:{kill[1]}")
    ledger = Ledger(tmp_path / "ledger")
    async with House(shop(), tmp_path) as h:
        h.app.endpoints.outside = ledger
        if not await h.app.tokens.all():
            await allow(h)
        await h.advance("1m")
        await asked(h)
        await asked(h)
        for _ in range(12):  # what the new process told to nobody is tried again, later and later
            await h.advance("1h")
            await told(h, ledger)
        for number in (ANN, BOB):
            assert (await h.heard(number)).count("On its way") == 1
        came = [(e["number"], e["text"]) for e in await h.events()]
        statuses = {r["id"]: r["status"] for r in await h.outgoing()}
    took = ledger.took()
    first: dict[str, dict[str, Any]] = {}
    for identity, body in took:
        assert first.setdefault(identity, body) == body, "what is told twice is the same under the same id"
    for number in (ANN, BOB):
        texts = [
            b["data"]["text"] for b in first.values() if b["type"] == "message.received" and b["data"]["from"] == number
        ]
        assert texts == [text for whose, text in came if whose == number]
    moved = [b["data"] for b in first.values() if b["type"] == "message.status"]
    for identity, status in statuses.items():
        own = [m["status"] for m in moved if m["id"] == identity]
        assert own[-1:] == [status]
        assert len(own) == len(set(own))
