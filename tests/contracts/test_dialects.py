"""What the databases share is one text: every shared statement is taken by PostgreSQL as it stands, and most are shared."""

from __future__ import annotations

import subprocess

import pytest

from smsbot.stores.postgres.statements import Statement
from smsbot.stores.queries import load

from ..postgres import Server

PARTS = ("reads", "selects", "writes")
SHARED = {f"{part}: {name}": q.sql for part in PARTS for name, q in load("sqlite", part).items() if not q.own}
OURS = {f"{part}: {name}": q.sql for part in PARTS for name, q in load("postgres", part).items()}


def test_most_statements_are_shared() -> None:
    """At least 125 of 142; what is left needs JSON, bytes as text, full-text search, or names an index."""
    own = [name for part in PARTS for name, q in load("sqlite", part).items() if q.own]
    assert len(SHARED) >= 125 / 142 * (len(own) + len(SHARED)), own


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_holds_its_own_statements_and_no_others(part: str) -> None:
    with pytest.raises(ValueError, match=f"shared/{part}.sql does not hold what shared/{part}.sql leaves to it"):
        load("shared", part)  # a folder of all of them


@pytest.mark.needs("postgres")
def test_postgresql_takes_every_statement(postgres: Server) -> None:
    """Those that are shared as they stand, and those that it writes in its own way."""
    assert OURS.keys() >= SHARED.keys()
    dialects = postgres.migrated().split("@/")[1].split("?")[0]
    script = "".join(f"\\echo {n}\nPREPARE s{n} AS {Statement(sql).sql};\n" for n, sql in enumerate(OURS.values()))
    told = subprocess.run([*postgres.psql, "-v", "ON_ERROR_STOP=0", "-d", dialects], input=script, text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert told.stderr == "", [line for line in told.stderr.splitlines() if "ERROR" in line]
    assert told.stdout.split() == [str(n) for n in range(len(OURS))]
