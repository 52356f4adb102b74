"""What the databases share is one text: every shared statement is taken by PostgreSQL as it stands, and most are shared."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsbot.stores.queries import load, migrations

from ..conftest import leave_out
from ..postgres import program, server

PARTS = ("reads", "selects", "writes")
SHARED = {f"{part}: {name}": q.sql for part in PARTS for name, q in load("sqlite", part).items() if not q.own}
_PIECE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<!:):([a-z_]+)|\?(\d*)")


def numbered(sql: str) -> str:
    """A statement with PostgreSQL's parameters: ``$1`` for the first ``?`` or name."""
    names: list[str] = []
    count = 0

    def piece(hit: re.Match[str]) -> str:
        nonlocal count
        if hit[0][0] in "'-":
            return hit[0]
        if hit[1]:
            if hit[1] not in names:
                names.append(hit[1])
            return f"${names.index(hit[1]) + 1}"
        count += 1
        return f"${hit[2] or count}"

    return _PIECE.sub(piece, sql)


@pytest.fixture(scope="module")
def psql() -> Iterator[list[str]]:
    if program("initdb") is None:
        leave_out("postgres", "PostgreSQL's server")
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="smsbot-pg-") as folder, server(Path(folder)) as found:
        schema = "".join(script for _, script in migrations("postgres"))
        subprocess.run([*found, "-v", "ON_ERROR_STOP=1"], input=schema, text=True, check=True, capture_output=True)
        yield found


def test_most_statements_are_shared() -> None:
    """At least 125 of 142; what is left needs JSON, bytes as text, full-text search, or names an index."""
    own = [name for part in PARTS for name, q in load("sqlite", part).items() if q.own]
    assert len(SHARED) >= 125 / 142 * (len(own) + len(SHARED)), own


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_holds_its_own_statements_and_no_others(part: str) -> None:
    with pytest.raises(ValueError, match=f"shared/{part}.sql does not hold what shared/{part}.sql leaves to it"):
        load("shared", part)  # a folder of all of them


@pytest.mark.needs("postgres")
def test_postgresql_takes_what_is_shared(psql: list[str]) -> None:
    script = "".join(f"\\echo {n}\nPREPARE s{n} AS {numbered(sql)};\n" for n, sql in enumerate(SHARED.values()))
    told = subprocess.run(psql, input=script, text=True, capture_output=True, check=True)
    assert told.stderr == "", [line for line in told.stderr.splitlines() if "ERROR" in line]
    assert told.stdout.split() == [str(n) for n in range(len(SHARED))]
