"""A database of every schema there was is opened by this smsbot, and its conversations go on.

Each file was left by the smsbot of its time with people in the middle of something (`data/schemas`). A change of the
schema adds a file; none is ever made anew.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smsbot import targets
from smsbot.settings import LineSettings
from smsbot.stores.backup import check
from smsbot.stores.queries import migrations

from ..house import House

DATA = Path(__file__).parent.parent / "data" / "schemas"
FILES = {int(p.name.split("-")[1].split(".")[0]): p for p in DATA.glob("schema-*.db.gz")}
ANN, BOB, CAT, DAN = (f"+4860010020{n}" for n in range(1, 5))
BOTS: Mapping[str, tuple[str, str, int]] = {
    "states": (str(DATA / "states.py") + ":bot", "7201", 2),
    "flow": (str(DATA / "flows"), "7202", 3),
    "talk": (str(DATA / "talk.py") + ":bot", "7203", 4),
}
"""Target and line of each bot, and the schema that could hold it first."""


def test_every_schema_has_its_file() -> None:
    newest = migrations("sqlite")[-1][0]
    assert sorted(FILES) == list(range(2, newest + 1)), "schema 1 was never without the tables of the sandbox"


@pytest.mark.parametrize("schema", sorted(FILES))
async def test_conversations_of_old_databases_go_on(tmp_path: Path, schema: int) -> None:
    (tmp_path / "sim.db").write_bytes(gzip.decompress(FILES[schema].read_bytes()))
    chosen = {name: (target, line) for name, (target, line, first) in BOTS.items() if schema >= first}
    bots = {name: targets.load(target) for name, (target, _) in chosen.items()}
    lines: Any = {name: (line,) for name, (_, line) in chosen.items()}
    country = {line: LineSettings(country="PL") for _, line in chosen.values()}
    async with House(bots, tmp_path, lines=lines, line_settings=country) as h:
        await h.text(ANN, "three", to="7201")
        assert (await h.heard(ANN))[-1] == "three it is, order number 1."
        await h.text(DAN, "five", to="7201")
        assert "it is" not in (await h.heard(DAN))[-1], "who opted out then is opted out now"
        await h.text(ANN, "order", to="7201")
        await h.text(ANN, "one", to="7201")
        assert (await h.heard(ANN))[-1] == "one it is, order number 2."
        if schema >= 3:
            await h.text(BOB, "Monday", to="7202")
            assert (await h.heard(BOB))[-1] == "Ann on Monday. See you!"
        if schema >= 4:
            await h.text(CAT, "Main St 1", to="7203")
            assert (await h.heard(CAT))[-1] == "2 to Main St 1 for $22."
        assert await h.app.store.rows("frames_left") == []
    assert check(tmp_path / "sim.db")["open conversations"] == 0
