"""The lint of conversations: all of the unsafe snippets, none of the safe ones, at their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import targets
from smsbot.checks.lint import lint
from smsbot.core.problem import render

HEAD = '''
import asyncio, datetime as d, os, random, secrets, socket, sqlite3, subprocess, time, urllib.request, uuid
import httpx
from datetime import date, datetime, timedelta, UTC
from pathlib import Path
from random import choice as pick
from time import monotonic as tick
from smsbot import Bot, Chat, choice, integer
bot = Bot()
HERE = Path(".")
client = httpx.AsyncClient
DICE = random.Random(7)

def load(name: str) -> str: return Path(name).read_text()
async def fetch(url: str) -> str: return url
async def helper(chat: Chat) -> str:
    {helper}
    return await chat.ask("Name?")

@bot.on("go")
async def go(chat: Chat) -> None:
    size = await chat.ask("Size?")
    {body}
    chat.say("done")
'''  # fmt: skip
UNSAFE = [
    "at = datetime.now()", "at = datetime.now(UTC)", "at = datetime.utcnow()", "at = date.today()", "at = d.datetime.now()",
    "at = d.date.today()", "t = time.time()", "t = tick()", "time.sleep(1)", "n = random.random()", "n = random.randint(1, 6)",
    "n = pick([1, 2])", "n = DICE.random()", "k = secrets.token_hex()", "u = uuid.uuid4()", "r = os.urandom(8)", "f = open('x')",
    "s = Path('x').read_text()", "(HERE / 'x').write_text('y')", "subprocess.run(['ls'])", "db = sqlite3.connect('x')",
    "p = urllib.request.urlopen('http://x')", "s = socket.create_connection(('x', 1))", "r = httpx.get('http://x')",
    "await asyncio.sleep(1)", "x = await fetch('u')", "async with client() as c: pass",
    "from datetime import datetime as now_of; at = now_of.now()", "import random as r; n = r.choice([1])", "x = await chat.step(fetch, str(datetime.now()))",
    "def inner(): return time.time()\n    t = inner()",
]  # fmt: skip
SAFE = [
    "at = chat.now", "at = chat.now + timedelta(days=1)", "at = datetime.fromisoformat('2026-01-01')", "at = datetime(2026, 1, 1)",
    "at = date(2026, 1, 1)", "n = chat.random.randint(1, 6)", "n = chat.random.choice([1, 2])", "s = await chat.step(load, 'x')",
    "x = await chat.step(fetch, 'u')", "x = await chat.step(lambda: datetime.now())", "x = await chat.step(datetime.now)",
    "x = await chat.step(random.random)", "def inner(): return time.time()\n    t = await chat.step(inner)", "await chat.sleep('10m')",
    "ok = await chat.confirm('OK?')", "x, y = await chat.gather(chat.step(load, 'x'), chat.step(fetch, 'u'))", "x = await chat.run('flow')",
    "name = await helper(chat)", "x = await chat.run(helper)", "q = await chat.ask('How many?', integer(1, 9))", "n = len(size); m = sum([1, 2])",
    "s = size.strip().lower()", "p = Path('x') / 'y'", "u = uuid.UUID(int=7)", "t = timedelta(seconds=3)", "w = d.timedelta(1)",
    "x = max(1, 2)", "chat.contact['n'] = size", "step = chat.step(load, 'x')\n    x = await step", "days = [d.date(2026, 1, n) for n in (1, 2)]",
]  # fmt: skip


def problems(folder: Path, body: str, helper: str = "pass") -> list[tuple[int, str]]:
    code = HEAD.replace("{body}", body).replace("{helper}", helper)
    (folder / "linted.py").write_text(code, encoding="utf-8")
    found = lint(targets.load("linted.py:bot", folder), folder)
    lines = code.split("\n")
    for problem in found:
        assert problem.place.path == "linted.py"
        assert problem.help
        assert render(problem)
        assert lines[problem.place.line - 1] == problem.excerpt
    return [(p.place.line, p.message) for p in found]


@pytest.mark.parametrize("body", UNSAFE)
def test_unsafe(body: str, tmp_path: Path) -> None:
    line = HEAD[: HEAD.index("{body}")].count("\n") + 1
    found = problems(tmp_path, body)
    assert len(found) == 1, found
    assert line <= found[0][0] <= line + body.count("\n")


@pytest.mark.parametrize("body", SAFE)
def test_safe(body: str, tmp_path: Path) -> None:
    assert problems(tmp_path, body) == []


def test_what_a_function_that_is_given_the_chat_does_counts(tmp_path: Path) -> None:
    ((line, message),) = problems(tmp_path, "await helper(chat)", "t = time.time()")
    assert line == HEAD[: HEAD.index("{helper}")].count("\n") + 1
    assert "another time" in message


def test_a_handler_that_asks_through_a_helper_is_a_conversation(tmp_path: Path) -> None:
    code = """
import random
from smsbot import Bot, Chat
bot = Bot()
async def question(chat: Chat, text: str) -> str:
    return await chat.ask(text)
@bot.on("go")
async def go(chat: Chat) -> str:
    number = random.randint(1, 9)
    return f"{await question(chat, 'Name?')} {number}"
@bot.on("say")
async def say(chat: Chat) -> str:
    return str(random.randint(1, 9))
"""
    (tmp_path / "helped.py").write_text(code)
    assert [p.place.line for p in lint(targets.load("helped.py:bot", tmp_path), tmp_path)] == [9]


def test_there_are_enough() -> None:
    assert len(UNSAFE) >= 25
    assert len(SAFE) >= 25


def test_the_examples_are_safe() -> None:
    from ..processes import ROOT

    for path in (ROOT / "bots").glob("[a-z]*.py"):
        assert lint(targets.load(f"bots.{path.stem}:bot", ROOT), ROOT) == []
