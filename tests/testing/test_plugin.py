"""The pytest plugin: stories as tests, and the fixture `sim`, in both modes of pytest-asyncio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import sampled
from ..processes import ROOT, clean_environment, smsbot

TEST = """\
import pytest

{mark}
async def test_order(sim):
    ann, bob = sim.phone("+48600100200"), sim.phone()
    await ann.text("piza")
    await bob.text("order")
    assert ann.last.startswith("Size?")
    sim.double("quote", 22)
    for text in ("L", "2", "Main St"):
        await ann.text(text)
    await sim.advance("5s")
    await sim.restart()
    assert ann.last == "2 x L, $22. OK? YES or NO"
    sim.provider.next = ["500", "down"]
    await ann.text("yes")
    await sim.advance("10s")
    assert ann.last == "On its way!"
    assert bob.heard == ["Size? 1) Small $8  2) Medium $11  3) Large $14"]
    view = await sim.run_of(ann.number)
    assert view.end == "ordered"
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments], cwd=folder,
        env=clean_environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    assert smsbot("new", "clinic", folder=folder).returncode == 0
    return folder / "clinic"


@pytest.mark.parametrize("mode", sampled(["auto", "strict"], "auto"))
def test_sim_in_both_modes(clinic: Path, mode: str) -> None:
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    (clinic / "test_bot.py").write_text(TEST.format(mark=mark))
    done = run(clinic, "test_bot.py", "-o", f"asyncio_mode={mode}")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_suite_of_gateways_needs_no_setting() -> None:
    suite = "tests/contracts/test_gateway.py"
    done = run(ROOT, suite, "-n0", "-o", "asyncio_mode=strict", "-k", "httpx and (test_the_request or test_nobody)")
    assert " passed" in done.stdout, done.stdout + done.stderr
    assert "failed" not in done.stdout + done.stderr
    assert "error" not in done.stdout + done.stderr


@pytest.mark.slow
def test_stories_are_collected_where_they_are_asked_for(clinic: Path) -> None:
    assert "no tests ran" in run(clinic, "flows").stdout
    done = run(clinic, "flows", "--smsbot-stories")
    assert "3 passed" in done.stdout, done.stdout


@pytest.mark.slow
def test_a_failing_story_reads_like_one(clinic: Path) -> None:
    path = clinic / "wrong.story.yaml"
    path.write_text("story: wrong\nscript:\n  - me: pizza\n  - bot: Which size?\n")
    done = run(clinic, "--smsbot-stories", "wrong.story.yaml")
    path.unlink()
    assert done.returncode == 1
    assert "expected  Which size?" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_bot_of_ones_own(clinic: Path) -> None:
    test = (
        "import pytest\nfrom smsbot import Bot\n\n@pytest.fixture\ndef smsbot_bot():\n    bot = Bot()\n"
        "    @bot.on('hi')\n    def hi() -> str:\n        return 'Hello.'\n    return bot\n\n"
        "@pytest.mark.asyncio\nasync def test_hi(sim):\n    ann = sim.phone()\n    await ann.text('hi')\n    assert ann.last == 'Hello.'\n"
    )
    (clinic / "test_own.py").write_text(test)
    assert "1 passed" in run(clinic, "test_own.py").stdout
