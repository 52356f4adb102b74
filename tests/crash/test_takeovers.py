"""The process is killed within each step of a takeover: afterwards the desk has the conversation, or the bot does.

By the sandbox's ledger no text of the bot begins once the lock is durable, and nothing that anybody texted is lost.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from smsbot import Bot, Chat, choice, failpoints
from smsbot.core.message import Key

from ..conftest import sampled
from ..house import ANN, LINE, House

pytestmark = pytest.mark.slow

WHO = Key(LINE, ANN)
STEPS = ("take", "write", "note", "continue", "restart", "end")
PLACES = (
    "writer.begun", "writer.statement", "writer.written", "writer.committed", "send.claimed", "send.answered", "send.settled",
    "turn.begun", "turn.decided", "turn.committed",
)  # fmt: skip
KILLS = [(step, place, n) for step in STEPS for place in PLACES for n in (1, 2, 4)]
SOME = [("take", "writer.committed", 1), ("continue", "writer.statement", 2)]


def pizza() -> Bot:
    bot = Bot(timeout="2h")

    @bot.on("pizza")
    async def order(chat: Chat) -> str:
        size = await chat.ask("Size?", choice(Literal["S", "M"]))
        address = await chat.ask("Where to?")
        return f"{size} to {address}"

    return bot


async def step_of(h: House, step: str) -> None:
    handle = f"e{(await h.app.store.rows('thread', number=ANN, limit=50, before=1e15))[-1]['seq']}"
    if step == "take":
        await h.http.post(f"/of/{handle}/take")
    elif step == "write":
        await h.http.post(f"/of/{handle}/write", data={"text": "Ola here"})
    elif step == "note":
        await h.http.post(f"/of/{handle}/note", data={"text": "calls back at 5"})
    else:
        await h.http.post(f"/of/{handle}/give-back", data={"how": step})
    await h.settle()


async def life(folder: Path, step: str, spec: str) -> None:
    """A person in the middle of an order; somebody takes over; the process ends somewhere in one step."""
    async with House(pizza(), folder) as h:
        await h.text(ANN, "pizza")
        await h.text(ANN, "M")
        if step != "take":
            await h.app.takeovers.take(WHO, "ola")
            await h.text(ANN, "is anybody there?")
        failpoints.arm(spec)
        await step_of(h, step)
        failpoints.arm("")


def lived(folder: Path, step: str, spec: str) -> None:
    asyncio.run(life(folder, step, spec))


def killed(folder: Path, step: str, spec: str) -> bool:
    """Whether the process ended there."""
    fresh = multiprocessing.get_context("spawn")
    process = fresh.Process(target=lived, args=(folder, step, spec))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def owner(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "sim.db")) as db:
        rows = db.execute("SELECT owner FROM takeovers").fetchall()
    return rows[0][0] if rows else ""


@pytest.mark.parametrize("kill", sampled(KILLS, *SOME))
async def test_afterwards_one_of_two_has_the_conversation(tmp_path: Path, kill: tuple[str, str, int]) -> None:
    step, place, n = kill
    was_killed = await asyncio.to_thread(killed, tmp_path, step, f"{place}:{n}")
    had = owner(tmp_path)
    async with House(pizza(), tmp_path) as h:
        await h.settle()
        await h.advance("10s")
        heard = await h.heard(ANN)
        given_back = step in ("continue", "restart", "end")
        assert heard[:2] == ["Size?", "Where to?"]
        if step == "take":
            await h.text(ANN, "Main St 1")
            spoke = await h.heard(ANN)
            if had:
                assert spoke == heard, "the bot is silent"
                assert owner(tmp_path) == "desk"
            else:
                assert was_killed
                assert spoke[-1] == "M to Main St 1", "nobody took over, so the bot goes on"
            return
        if step in ("write", "note"):
            assert had == "ola"
            assert set(heard[2:]) <= {"Ola here"}, "the bot is silent"
            assert heard.count("Ola here") <= 1
            if not was_killed and step == "write":
                assert heard[-1] == "Ola here"
            await h.app.takeovers.give_back(WHO, "continue")
            await h.settle()
            assert (await h.heard(ANN))[-1] == "Where to?"
        if given_back and owner(tmp_path):  # the click was lost with its answer: it is clicked again
            assert was_killed
            assert heard == ["Size?", "Where to?"], "the bot is silent until then"
            await h.app.takeovers.give_back(WHO, step)
            await h.settle()
        heard = await h.heard(ANN)
        assert heard.count("Where to?") == (2 if step not in ("restart", "end") else 1)
        assert heard.count("Size?") == (2 if step == "restart" else 1)
        texts = [e["text"] for e in await h.events() if e["status"] == "text"]
        assert texts == ["pizza", "M", "is anybody there?"] or (
            step == "restart" and texts[:3] == ["pizza", "M", "is anybody there?"]
        )
