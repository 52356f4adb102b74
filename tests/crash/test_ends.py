"""Handlers that end the process: their text is tried again as any that fails, then a dead letter; others are answered."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from smsbot.core.message import Event, Key
from smsbot.pipeline.running import Running

from ..processes import Process, running

BOT = """
import asyncio, os
from smsbot import Bot, Chat

bot = Bot(apology="Sorry.")

async def ends(slowly: bool = True) -> None:
    await asyncio.sleep(0.05)
    os._exit(9)

@bot.on("handler")
def handler() -> None:
    os._exit(9)

@bot.on("step")
async def step(chat: Chat) -> None:
    await chat.step(ends)

@bot.on("conversation")
async def conversation(chat: Chat) -> None:
    await chat.ask("Sure?")
    os._exit(9)

@bot.on_error(Exception)
def failed(chat: Chat) -> str:
    return "That went wrong."

@bot.on("hi")
def hi() -> str:
    return "hello"
"""
ANN, BOB = "+48600100200", "+48600100201"
WAYS = ("handler", "step", "conversation")


def say(process: Process, number: str, text: str) -> None:
    with suppress(httpx.TransportError):
        httpx.post(f"{process.url}/sandbox/phones/{number}/texts", json={"text": text}, trust_env=False)


def heard(process: Process, number: str) -> list[str]:
    thread = httpx.get(f"{process.url}/sandbox/phones/{number}/texts", trust_env=False).json()
    return [e["text"] for e in thread if e["direction"] == "out"]


def until(process: Process, number: str, texts: list[str], patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while (found := heard(process, number)) != texts:
        assert time.monotonic() < end, found
        time.sleep(0.05)


def outlives(process: Process) -> bool:
    """Whether the process outlives the minutes in which it tries again what has failed."""
    try:
        httpx.post(f"{process.url}/sandbox/clock", json={"advance": "3m"}, timeout=60, trust_env=False)
    except httpx.TransportError:
        process.process.wait(20)
        return False
    return True


def ended(folder: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(folder / "x.db")) as db:
        return db.execute("SELECT attempts, note FROM events WHERE note LIKE 'dead letter%'").fetchall()


DEAD = (5, "dead letter: ProcessEnded: SB114: the process ended while this text was answered")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_a_text_that_ends_the_process_is_a_dead_letter_after_five_lives(tmp_path: Path, way: str) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    with running("dev", "bot.py", "--db", "x.db", folder=tmp_path, log=tmp_path / "log") as process:
        say(process, ANN, way)
        if way == "conversation":
            until(process, ANN, ["Sure?"])
            say(process, ANN, "yes")
        process.process.wait(20)
        for others in range(1, 9):
            process.start()
            process.ready()
            say(process, BOB, "hi")
            until(process, BOB, ["hello"] * others)
            if outlives(process):
                break
        until(process, ANN, ["Sure?", "Sorry."] if way == "conversation" else ["Sorry."])
        assert ended(tmp_path) == [DEAD]


@pytest.mark.slow
def test_texts_that_end_the_process_before_one_another_are_all_counted(tmp_path: Path) -> None:
    """What is durable by now and ends the process at once, life after life, before anything else is done."""
    (tmp_path / "bot.py").write_text(BOT.replace("os._exit(9)", "raise RuntimeError"))
    with running("dev", "--no-reload", "bot.py", "--db", "x.db", folder=tmp_path, log=tmp_path / "log") as process:
        for number in (ANN, BOB, "+48600100202"):
            say(process, number, "handler")
        assert process.stop() == 0
        with closing(sqlite3.connect(tmp_path / "x.db")) as db, db:
            db.execute("UPDATE events SET state = 0, attempts = 0, retry_at = NULL")
        (tmp_path / "bot.py").write_text(BOT)
        for _ in range(3 * 5 + 2):
            process.start()
            try:
                process.ready()
            except AssertionError:
                continue
            if outlives(process):
                break
        assert ended(tmp_path) == [DEAD] * 3


EVENT = Event(b"e" * 16, Key("7255", ANN), "text", "hi", 0.0)
AGAIN = Event(b"o" * 16, Key("7255", BOB), "text", "hi", 0.0, seen=b"s" * 16)
"""One that its provider delivers again under another id, as a text without one."""


def left_by(tmp_path: Path, event: Event) -> Running:
    """What the next process knows where one ends while the code of an event runs."""
    first, second = Running(), Running()
    first.open(tmp_path)
    first.call(event, lambda: follow(first, second, tmp_path))
    return second


def follow(one: Running, other: Running, folder: Path) -> None:
    """One process ends, as its lock does, and another begins."""
    one.close()
    assert other.open(folder) == 0


@pytest.mark.parametrize("event", [EVENT, AGAIN, replace(AGAIN, seq=7)])
def test_what_ran_when_a_process_ended_is_known_to_the_next_alone(tmp_path: Path, event: Event) -> None:
    found, third = left_by(tmp_path, event), Running()
    assert found.suspects(event)
    assert not found.suspects(replace(event, id=b"x" * 16, seen=b""))
    found.answered()
    assert not found.suspects(event)
    follow(found, third, tmp_path)
    assert not third.suspects(event), "it has been answered for"


def test_what_has_ended_is_noted_no_more(tmp_path: Path) -> None:
    first, second = Running(), Running()
    first.open(tmp_path)
    first.call(EVENT, lambda: None)
    with pytest.raises(ZeroDivisionError):
        first.call(EVENT, lambda: 1 / 0)
    follow(first, second, tmp_path)
    assert not second.suspects(EVENT)


def test_a_new_note_blames_nobody(tmp_path: Path) -> None:
    first = Running()
    first.open(tmp_path)
    assert not first.blames
    assert not first.suspects(EVENT)
    (tmp_path / "running").write_bytes(b"short")
    follow(first, first, tmp_path)
    assert not first.suspects(EVENT)


def test_while_a_thread_runs_nobody_is_blamed(tmp_path: Path) -> None:
    first, second = Running(), Running()
    first.open(tmp_path)
    with first.in_thread():
        with first.in_thread():
            pass
        first.call(EVENT, lambda: follow(first, second, tmp_path))
    assert not second.blames


async def test_what_waits_is_not_noted(tmp_path: Path) -> None:
    first, second = Running(), Running()

    async def work() -> int:
        await asyncio.sleep(0.01)
        follow(first, second, tmp_path)
        return 7

    first.open(tmp_path)
    waiting = asyncio.ensure_future(first.run(EVENT, work()))
    await asyncio.sleep(0)
    assert (tmp_path / "running").read_bytes()[:16] == bytes(16)
    assert await waiting == 7
    assert second.suspects(EVENT)


def test_what_cannot_be_noted_is_told_and_served_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()
    first = Running()
    with pytest.raises(OSError, match="directory"):
        first.open(tmp_path)
    assert first.call(EVENT, lambda: True)
    assert not first.suspects(EVENT)


def test_processes_that_share_a_folder_note_apart(tmp_path: Path) -> None:
    first, second, third = Running(), Running(), Running()
    assert [one.open(tmp_path) for one in (first, second)] == [0, 1]
    first.call(EVENT, lambda: second.call(AGAIN, lambda: first.close()))
    assert third.open(tmp_path) == 0
    assert (third.suspects(EVENT), third.suspects(AGAIN)) == (True, False)
    second.close()
