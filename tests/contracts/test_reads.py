"""What is read and written costs no more where a million texts are kept: no statement reads a whole table of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping

import pytest

from smsbot.core.lanes import ALL
from smsbot.stores.queries import Query, load, migrations

GROWS = frozenset(
    [
        "events",
        "outgoing",
        "attempts",
        "receipts",
        "seen",
        "asked",
        "codes",
        "code_texts",
        "outside",
        "happened",
        "pushes",
        "journal",
        "conversations",
        "runs",
        "visits",
        "frames",
        "timers",
        "contacts",
        "consents",
        "part_references",
        "sandbox_texts",
    ]
)
"""Tables that have a row for each text or person."""
RARE: Mapping[str, str] = {
    "happened": "only what was not taken up yet",
    "erase_happened": "only what was not taken up yet",
    "happened_to_nobody": "only what was not taken up yet",
    "erase_asked": "when somebody is forgotten; answers of seven days",
    "all_asked": "by tests alone",
    "outside_parts": "in the sandbox alone, of programs of the vendor's shape",
    "contents_in_use": "once, at a start; open conversations alone",
    "open_count": "by hand, before a deploy; open conversations alone",
    "frames_left": "by tests alone",
    "feed": "by its place, newest first, to a limit",
    "runs_waiting": "open conversations alone, to a limit",
    "people_waiting": "open conversations alone, to a limit",
    "parts_waiting": "once, at a start",
    "failed": "by hand, before texts are sent again",
    "latest_receipts": "by hand, in `smsbot doctor`",
    "sandbox_list": "by its place, newest first, to a limit",
}
"""Those that may, and why."""
STATEMENTS = {
    f"{part}: {name}": q for part in ("reads", "selects", "writes") for name, q in load("sqlite", part).items()
}
_ALIAS = re.compile(r"\b(?:FROM|JOIN|UPDATE)\s+(\w+)(?:\s+AS)?\s+(\w+)\b")
_SMALL = re.compile(
    r"USING (?:COVERING )?INDEX (?:events_unread|events_dead|outgoing_open|outgoing_lane|outgoing_unknown|receipts_unknown)"
)
"""Indexes of what is open or went wrong: they have few rows, however many texts there were."""


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.create_function("reverse", 1, lambda text: text[::-1])
    for _, script in migrations("sqlite"):
        db.executescript(script)
    yield db
    db.close()


class Anything(dict[str, object]):
    def __missing__(self, name: str) -> object:
        return 1


def plan(database: sqlite3.Connection, query: Query) -> list[str]:
    numbered = [int(n) for n in re.findall(r"\?(\d+)", query.sql)]
    given: object = [1] * (max(numbered) if numbered else query.sql.count("?"))
    if re.search(r"[^\w:]:[a-z]", query.sql):
        given = Anything()
    return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query.sql}", given)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_a_whole_table_of_texts(database: sqlite3.Connection, name: str) -> None:
    """An index of some rows is used only by a statement that asks for those rows in the index's own words."""
    query = STATEMENTS[name]
    tables = {alias: table for table, alias in _ALIAS.findall(query.sql)}
    whole = [
        step
        for step in plan(database, query)
        if (found := re.match(r"SCAN (\w+)", step))
        and tables.get(found[1], found[1]) in GROWS
        and not _SMALL.search(step)
    ]
    assert bool(whole) == (query.name in RARE), whole


def test_what_is_queued_in_any_lane_is_found(database: sqlite3.Connection) -> None:
    for n, lane in enumerate(ALL):
        database.execute(
            "INSERT INTO outgoing (id, line, number, account, event, lane, text, parts, created, due, expires, status, rank,"
            " phase) VALUES (?, ?, '', '', x'', ?, '', 1, 0, 0, 0, 'queued', 0, 'queue')",
            (f"{n}", f"+48{n % 2}", lane),
        )
    found = database.execute(STATEMENTS["selects: queued_pairs"].sql).fetchall()
    database.rollback()
    assert sorted(found) == sorted((f"+48{n % 2}", lane) for n, lane in enumerate(ALL))
