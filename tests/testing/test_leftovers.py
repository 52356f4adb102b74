"""Threads that a provider leaves behind: everything ends, and they are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..processes import SMSBOT, clean_environment

pytestmark = pytest.mark.slow

BOT = """\
import aiosqlite

from smsbot import Bot

bot = Bot()


@bot.provide
async def ledger() -> aiosqlite.Connection:
    return await aiosqlite.connect("ledger.db")


@bot.on("hi")
async def hi(ledger: aiosqlite.Connection) -> str:
    await ledger.execute("select 1")
    return "hello"
"""
YIELDS = BOT.replace(
    "-> aiosqlite.Connection:\n    return await", "-> AsyncIterator[aiosqlite.Connection]:\n    made = await"
)
YIELDS = YIELDS.replace('connect("ledger.db")\n', 'connect("ledger.db")\n    yield made\n    await made.close()\n', 1)
YIELDS = YIELDS.replace("import aiosqlite\n", "from collections.abc import AsyncIterator\n\nimport aiosqlite\n", 1)
STORY = "story: hi\nscript:\n  - me: hi\n  - bot: hello\n"
TEST = """\
import pytest
from till import bot


@pytest.fixture
def smsbot_bot():
    return bot


@pytest.mark.asyncio
async def test_hi(sim):
    ann = sim.phone()
    await ann.text("hi")
    assert ann.last == "%s"
"""


@pytest.fixture
def till(tmp_path: Path) -> Path:
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories" / "hi.story.yaml").write_text(STORY)
    (tmp_path / "till.py").write_text(BOT)
    return tmp_path


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(PYTHONPATH=str(folder))
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_stories_end_and_name_it(till: Path) -> None:
    done = run(*SMSBOT, "test", "stories", "--bot", "till.py", folder=till)
    assert done.returncode == 0, done.stderr
    assert "1 passed" in done.stdout
    assert "ledger() at" in done.stderr
    assert "till.py:8" in done.stderr


@pytest.mark.parametrize(("said", "code"), [("hello", 0), ("other", 1)])
def test_pytest_ends_and_names_it(till: Path, said: str, code: int) -> None:
    (till / "test_till.py").write_text(TEST % said)
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=till)
    assert done.returncode == code, done.stdout
    assert "ledger() at" in done.stdout


def test_what_yields_leaves_nothing(till: Path) -> None:
    (till / "till.py").write_text(YIELDS)
    done = run(*SMSBOT, "test", "stories", "--bot", "till.py", folder=till)
    assert done.returncode == 0, done.stderr
    assert "left" not in done.stderr
