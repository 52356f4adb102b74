"""What is read for pages, metrics and starts costs no more where a million texts are kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from smsbot.stores.queries import load, migrations

EACH = (
    "counts", "totals", "thread", "newest_out", "unanswered", "of_ref", "waiting_ref", "wrote", "pauses", "handoffs", "held", "paced", "unwell", "looked_up",
    "last_run", "visits_of_run", "conversation", "unread", "next_due", "due_timers", "due_checks", "last_seq", "seen",
)  # fmt: skip
"""Asked for whenever somebody looks, or at each start. (The feed reads rows by their place, newest first, to a limit.)"""


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    for _, script in migrations("sqlite"):
        db.executescript(script)
    yield db
    db.close()


class Anything(dict[str, object]):
    def __missing__(self, name: str) -> object:
        return 1


@pytest.mark.parametrize("name", EACH)
def test_what_is_asked_often_reads_no_whole_table_of_texts(database: sqlite3.Connection, name: str) -> None:
    sql = load("sqlite", "reads")[name].sql
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {sql}", Anything())]
    whole = [step for step in plan if step in ("SCAN events", "SCAN outgoing", "SCAN attempts", "SCAN receipts")]
    assert whole == [], plan
