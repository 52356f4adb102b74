"""The delivery contract under kills at every named place; and proof that the harness can fail."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from smsbot.failpoints import POINTS

from ..conftest import leave_out
from ..processes import ROOT, Process, free_port
from .campaign import APART, FAULTS, campaign, places, plan
from .lives import CALLS, life
from .planted import PLANTS
from .stage import Zygote

SEED = int(os.environ.get("SMSBOT_SEED", "20261125"))


async def test_some_kills_under_load(tmp_path: Path) -> None:
    """A sample of the next one, for README's command."""
    steps = random.Random(SEED).sample([*places(), "random"], 6)
    found = await campaign(tmp_path, SEED, steps, people=12)
    print(found)
    assert found.clean, f"{found}\n{(tmp_path / 'log').read_text()[-3000:]}"
    assert sum(found.kills.values()) == 6


@pytest.mark.slow
async def test_every_place_and_random_kills_under_load(tmp_path: Path) -> None:
    """What `scripts/crash --quick` runs."""
    found = await campaign(tmp_path, SEED, plan(random.Random(SEED), 2, 40))
    print(found)
    assert found.clean, f"{found}\n{(tmp_path / 'log').read_text()[-3000:]}"
    assert set(found.kills) == {*places(), *FAULTS, "random"}
    assert found.verdict.texts > 300
    assert min(found.verdict.duplicated, found.verdict.reordered) > 0.1 * found.verdict.texts


CAUGHT = {
    "200 before the commit": ("lost_texts", ["webhook.taken", "writer.written", "turn.decided", "random"]),
    "attempt after the send": ("duplicates", ["gateway.taken", "send.answered", "random"]),
    "dedupe in memory": ("duplicate_effects", ["webhook.taken", "writer.committed", "random"]),
    "the next text does not wait": ("inversions", ["send.claimed", "report.taken"]),
    "resend blindly": ("duplicates", ["gateway.taken", "report.taken"]),
    "reports forgotten": ("reports_lost", ["random"]),
    "any start undoes a stop": ("duplicate_effects", ["random"]),
    "takeovers forgotten": ("duplicate_effects", ["random"]),
}
"""For each planted bug, where the harness must see it, and where the process is ended to show it."""


SAMPLE = {
    "pwrite64": 400,
    "fdatasync": 30,
    "ftruncate": 1,
    "unlink": 1,
    "write" if find_spec("uvloop") else "sendto": 50,
}
"""For each call, how many a life surely makes."""


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
async def test_the_harness_finds_what_is_planted(tmp_path: Path, plant: str) -> None:
    name, where = CAUGHT[plant]
    for seed in range(SEED, SEED + 5):  # a short campaign may miss what needs two texts in the right moment
        steps = where * 5
        random.Random(seed).shuffle(steps)
        folder = tmp_path / str(seed)
        folder.mkdir()
        found = await campaign(folder, seed, steps, people=18, plant=plant)
        print(found)
        if getattr(found.verdict, name):
            return
    pytest.fail(f"not found: {found}")


@pytest.mark.needs("strace")
@pytest.mark.slow
async def test_the_process_ends_at_system_calls(tmp_path: Path) -> None:
    """A sample of what `scripts/crash --full` does at every write and flush of a whole life."""
    if shutil.which("strace") is None:
        leave_out("strace", "strace")
    chance = random.Random(SEED)
    sample = [f"{name}:{chance.randint(1, most)}" for name, most in SAMPLE.items() for _ in range(1 + most // 100)]
    assert {*SAMPLE} <= {*CALLS}
    zygote = Zygote()
    try:
        for call in sample:
            folder = tmp_path / call
            folder.mkdir()
            found = await life(zygote, folder, SEED, call)
            print(found)
            assert found.clean, f"{found}\n{(folder / 'log').read_text()[-3000:]}"
            assert found.kills == {call: 1}
    finally:
        await zygote.close()


@pytest.mark.slow
def test_a_migration_is_done_whole_or_not_at_all(tmp_path: Path) -> None:
    """Ended right before the end of each migration it is not done, right behind it it is; the next start goes on."""

    def start(folder: Path, failpoint: str = "") -> Process:
        made = Process(
            "dev", "--no-reload", "--db", str(folder / "x.db"), "bots/echo.py", port=free_port(), log=folder / "log",
            SMSBOT_FAILPOINT=failpoint,
        )  # fmt: skip
        made.start()
        return made

    def schema(folder: Path) -> tuple[int, list[tuple[str, str]]]:
        with closing(sqlite3.connect(folder / "x.db")) as db:
            rows = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            return db.execute("PRAGMA user_version").fetchone()[0], rows

    def whole(folder: Path) -> tuple[int, list[tuple[str, str]]]:
        process = start(folder)
        try:
            process.ready()
            assert process.stop() == 0
        finally:
            process.kill()
        return schema(folder)

    (tmp_path / "calm").mkdir()
    want = whole(tmp_path / "calm")
    for n in range(1, want[0] + 1):
        for place, left in (("migration.written", n - 1), ("migration.done", n)):
            folder = tmp_path / f"{place}-{n}"
            folder.mkdir()
            process = start(folder, f"{place}:{n}")
            try:
                assert process.process.wait(30) == -9
            finally:
                process.kill()
            assert schema(folder)[0] == left
        assert whole(folder) == want


def test_every_place_is_named_in_the_code() -> None:
    """A failpoint that no code passes would prove nothing."""
    code = "\n".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "smsbot").rglob("*.py") if p.name != "failpoints.py"
    )
    assert [p for p in POINTS if f'reached("{p}")' not in code] == []
    assert set(POINTS) >= APART
