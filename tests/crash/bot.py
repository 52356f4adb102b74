"""What the crash harness runs: texts in order, questions, a step that must run once, timers, events, plain answers."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, Literal

from smsbot import Bot, Chat, choice

bot = Bot(flows="flows", timeout="10m", tries=9, threads=2)


@bot.action
async def weigh(n: int, size: str) -> int:
    """What a flow asks of the outside, which takes a moment."""
    await asyncio.sleep(0.01)
    return n * 3


async def record(number: str, n: int, idempotency_key: str = "") -> int:
    """Something outside: one line, written whole; who reads them knows a repeated call by its key."""
    ledger = os.open(os.environ["CRASH_STEPS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(ledger, f"{number} {n} {idempotency_key} {os.getpid()}\n".encode())
    os.close(ledger)
    return n * 2


@bot.on("go {n:int}")
async def go(chat: Chat, n: int) -> str:
    chat.say(f"{n} hello")
    size = await chat.ask(f"{n} size?", choice(Literal["S", "M", "L"]))
    twice = await chat.step(record, chat.number, n)
    chat.say(f"{n} {size} {twice}")
    chat.say(f"{n} wait")
    await chat.sleep("0.3s")
    while not await chat.confirm(f"{n} sure?"):
        pass
    return f"{n} done"


@bot.on("echo {n:int}")
def echo(n: int) -> str:
    return f"echo {n}"


@bot.on("slow {n:int}", blocking=True)
def slow(n: int) -> str:
    """Holds one of the few threads of this bot."""
    time.sleep(0.3)
    return f"slow {n}"


@bot.event("ping")
def ping(chat: Chat, event: dict[str, Any]) -> str:
    return f"ping {event['n']}"
