"""The example bots, as people talk to them. ``--update`` writes the transcripts anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smsbot import targets

from .house import ANN, House
from .processes import ROOT

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def test_every_example_has_a_transcript() -> None:
    bots = {p.stem for p in (ROOT / "bots").glob("*.py")} - {"__init__"}
    assert bots == {p.stem.partition("-")[0] for p in TRANSCRIPTS}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
@pytest.mark.parametrize("restart", [False, True], ids=["", "restarted"])
async def test_example(house: Any, path: Path, restart: bool, request: pytest.FixtureRequest) -> None:
    """``> text`` is said, ``@ 10m`` waits, ``< text`` is what is heard; reloaded between all steps or never."""
    h: House = await house(targets.load(f"bots.{path.stem.partition('-')[0]}:bot", ROOT))
    got: list[str] = []
    heard = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("<") or not line:
            continue
        got.append(line)
        if line.startswith(">"):
            await h.text(ANN, line[2:])
        else:
            await h.advance(line[2:])
        texts = await h.heard(ANN)
        got += [f"< {t}" for t in texts[heard:]]
        heard = len(texts)
        if restart:
            await h.restart()
    if request.config.getoption("--update"):
        path.write_text("\n".join(got) + "\n", encoding="utf-8")
    assert "\n".join(got) + "\n" == path.read_text(encoding="utf-8")
