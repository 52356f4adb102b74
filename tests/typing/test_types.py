"""Type checkers know what ask, confirm, step and run give; and a forgotten await is an error for them."""

from __future__ import annotations

import re
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


LEFT_OUT = """
from smsbot import Bot, Chat
bot = Bot()

@bot.on("hi")
def hello():
    return "Hello!"

@bot.fallback
async def answer(chat: Chat):
    return chat.nothing

@bot.on("go")
def untyped(chat):
    return "?"

@bot.provide
def kitchen(chat: Chat):
    return 7

def helper(chat: Chat):
    return "?"
"""


@pytest.mark.needs("types")
def test_handlers_may_leave_out_what_they_return(tmp_path: Path) -> None:
    """With our plugin, cached or not; nothing else becomes lax, and the bodies are checked."""
    (tmp_path / "left.py").write_text("import other\n" + LEFT_OUT)
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nplugins = smsbot.mypy\nstrict = true\ncache_dir = {tmp_path}/cache\nmypy_path = {tmp_path}\n"
    )
    for other in ("A = 1", "A = 1", "A = ''", "A = 2"):  # what it depends on changes, so it is looked at again
        (tmp_path / "other.py").write_text(other)
        done = check("mypy", "--config-file", str(tmp_path / "mypy.ini"), str(tmp_path / "left.py"))
        found = [line.rpartition("left.py:")[2] for line in done.stdout.splitlines() if ": error:" in line]
        assert found == [
            '12: error: "Chat" has no attribute "nothing"  [attr-defined]',
            "15: error: Function is missing a type annotation  [no-untyped-def]",
            "19: error: Function is missing a return type annotation  [no-untyped-def]",
            "22: error: Function is missing a return type annotation  [no-untyped-def]",
        ], done.stdout


@pytest.mark.needs("types")
@pytest.mark.parametrize("tool", ["mypy", "pyright"])
@pytest.mark.parametrize("page", ["README.md", "docs/conversations.md", "docs/handlers.md"])
def test_what_the_pages_show_is_typed(tool: str, page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    whole = [block for block in blocks if "from smsbot import" in block]
    assert whole
    for n, block in enumerate(whole):
        (tmp_path / f"page{n}.py").write_text(block)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nplugins = smsbot.mypy\nstrict = true\ncache_dir = {tmp_path}/cache\n")
    arguments = ["--config-file", str(tmp_path / "mypy.ini")] if tool == "mypy" else []
    found = check(tool, *arguments, *(str(p) for p in sorted(tmp_path.glob("page*.py"))))
    assert found.returncode == 0, found.stdout
