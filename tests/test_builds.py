"""What processes of one database tell each other of the code that serves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .processes import clean_environment

FILES = {
    "x.py": "import prices\nfrom smsbot import Bot\nbot = Bot(flows='flows')\n",
    "prices.py": "PIZZA = 7\n",
    "unused.py": "",
    "flows/hi.yaml": "flow: hi\nstart: {words: [hi]}\nsteps:\n  - {id: over, say: hello, end: done}\n",
    "smsbot.toml": '[bots.x]\ntarget = "x.py:bot"\nlines = ["7255"]\n[lines."7255"]\naccount = "m"\ncountry = "PL"\n'
    '[accounts.m]\ngateway = "messageflow"\n',
}
ASK = """
from pathlib import Path
from smsbot.builds import build_of
from smsbot.configuration import read
from smsbot.lineup import build_lines
from smsbot.targets import load_as
settings = read()
bots = {name: load_as(name, own.target) for name, own in settings.bots.items()}
print(build_of(build_lines(settings, bots, sandboxed=True), Path.cwd()))
"""
INSTALLED = "from pathlib import Path\nfrom smsbot import builds\nbuilds._OTHERS = {Path.cwd()}\n"
"""The folder is one of those into which packages are installed."""


def build(folder: Path, before: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", before + ASK],
        cwd=folder,
        env=clean_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def project(folder: Path) -> Path:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path)


@pytest.mark.slow
def test_it_is_the_same_wherever_the_files_lie(tmp_path: Path) -> None:
    assert build(project(tmp_path / "one")) == build(project(tmp_path / "another" / "place"))


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        ("x.py", True),
        ("unused.py", False),
        pytest.param("", False, marks=SLOW),
        pytest.param("prices.py", True, marks=SLOW),
        pytest.param("flows/hi.yaml", True, marks=SLOW),
    ],
)
def test_another_build_is_one_of_other_code(folder: Path, changed: str, other: bool) -> None:
    before = build(folder)
    if changed:
        path = folder / changed
        path.write_text(path.read_text().replace("hello", "good day") + "# changed\n")
    assert (build(folder) != before) is other


@pytest.mark.slow
@pytest.mark.parametrize(("changed", "other"), [("x.py", True), ("prices.py", False)])
def test_of_what_is_installed_the_bot_alone_counts(folder: Path, changed: str, other: bool) -> None:
    before = build(folder, INSTALLED)
    (folder / changed).write_text((folder / changed).read_text() + "# changed\n")
    assert (build(folder, INSTALLED) != before) is other
