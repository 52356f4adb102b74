"""Type checkers know what ask, confirm, step and run give; and a forgotten await is an error for them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ..conftest import leave_out
from ..processes import ROOT

HERE = Path(__file__).parent
WRONG = """
from smsbot import Bot, Chat
bot = Bot()
def price(size: str) -> int: return 1
@bot.on("go")
async def go(chat: Chat) -> None:
    size: int = await chat.ask("Size?")
    await chat.step(price, 7)
    total: int = chat.ask("How many?", int)
"""


def check(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if find_spec(tool) is None:
        leave_out("types", tool)
    return subprocess.run(
        [sys.executable, "-m", tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.needs("types")
@pytest.mark.parametrize(("tool", "arguments"), [("mypy", ["--strict"]), ("pyright", [])])
def test_what_is_inferred(tool: str, arguments: list[str]) -> None:
    done = check(tool, *arguments, str(HERE / "conversation.py"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("types")
@pytest.mark.parametrize(("tool", "arguments"), [("mypy", ["--strict"]), ("pyright", [])])
def test_what_is_wrong_is_found(tool: str, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    done = check(tool, *arguments, str(tmp_path / "wrong.py"))
    assert done.returncode == 1
    for line in (7, 8, 9):
        assert f"wrong.py:{line}:" in done.stdout, done.stdout
