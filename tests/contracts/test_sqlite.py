"""What SQLite alone promises: its file, its lock, and that a commit is on the disk."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smsbot.core.commit import Verdict
from smsbot.core.errors import StoreError, StoreLocked, StoreTooNew
from smsbot.stores.base import Acceptance
from smsbot.stores.migrating import connected
from smsbot.stores.queries import load, migrations
from smsbot.stores.sqlite import SqliteStore

from .test_store import NOW, event


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore(tmp_path / "contract.db")
    await made.open(NOW)
    yield made
    await made.close()


async def test_the_file_is_private_and_locked(store: SqliteStore) -> None:
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    with pytest.raises(StoreLocked):
        await SqliteStore(store.path).open(NOW)
    assert (await store.accept([Acceptance(event("a"))]))[0].verdict is Verdict.DONE


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    """C7: a commit that was acknowledged is on the disk; no kill of a process would show that it is not."""
    db = connected(tmp_path / "x.db")
    assert db.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL"
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    db.close()


async def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    made = SqliteStore(path)
    await made.open(NOW)
    await made.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=999")
    db.close()
    with pytest.raises(StoreTooNew, match="999"):
        await SqliteStore(path).open(NOW)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        await SqliteStore(path).open(NOW)
    with pytest.raises(StoreError):
        await SqliteStore(tmp_path / "nowhere" / "x.db").open(NOW)


async def test_a_full_disk_refuses_and_recovers(store: SqliteStore) -> None:
    await store.accept([Acceptance(event("before"))])

    async def limit(pages: int) -> None:
        """Run on the writer's connection, as the only place that can make its disk full."""

        def full(db: sqlite3.Connection, seq: int) -> None:
            db.execute(f"PRAGMA max_page_count={pages}")

        store._writer.committed = full
        await store.write([])

    await limit(1)
    with pytest.raises(StoreError, match="full"):
        for i in range(200):
            await store.accept([Acceptance(replace(event(f"big {i}"), text="x" * 4000))])
    await limit(1_000_000)
    assert (await store.accept([Acceptance(event("after"))]))[0].verdict is Verdict.DONE
    texts = [e.text for e in await store.unread(0, 1000)]
    assert texts[0] == "before"
    assert texts[-1] == "after"


def test_the_schema_is_the_sum_of_the_migrations(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "x.db")
    db.create_function("reverse", 1, lambda text: text[::-1])
    for _, script in migrations("sqlite"):
        db.executescript(script)
    for part in ("reads", "writes", "selects"):
        for query in load("sqlite", part).values():
            db.execute(f"EXPLAIN {query.sql}" if not query.sql.startswith("PRAGMA") else query.sql, _nothing(query.sql))
    db.close()


def test_what_was_searched_through_is_found_after_the_words_moved(tmp_path: Path) -> None:
    """Schema 24 keeps what is begun; a code is in neither, before and after, and what follows is not taken in yet."""
    db = sqlite3.connect(tmp_path / "x.db")
    db.create_function("reverse", 1, lambda text: text[::-1])
    scripts = migrations("sqlite")
    for number, script in scripts:
        if number == 24:
            for seq, kind, text in (
                (1, "text", "a yellow umbrella"),
                (2, "status", "umbrella 22"),
                (3, "text", "umbrellas"),
            ):
                db.execute("INSERT INTO events (seq, id, line, number, kind, text, at) VALUES (?, ?, '', '', ?, ?, 0)",
                           (seq, bytes([seq]), kind, text))  # fmt: skip
            db.execute("UPDATE searched SET events = 2")
            db.commit()
        db.executescript(script)
    begun = "SELECT rowid FROM words_in WHERE words_in MATCH ?"
    assert [db.execute(begun, (asked,)).fetchall() for asked in ('"umb"*', '"umbr"*', '"umbrella"')] == [[(1,)]] * 3
    db.executescript(load("sqlite", "writes")["search_in"].sql.replace("?1", "1000"))
    assert db.execute(f"{begun} ORDER BY rowid", ('"yellow" OR "umbr"*',)).fetchall() == [(1,), (3,)]
    db.close()


def _nothing(sql: str) -> Any:
    names = set(re.findall(r":([a-z_]+)", sql))
    if names:
        return dict.fromkeys(names)
    numbered = [int(n) for n in re.findall(r"\?(\d+)", sql)]
    return (None,) * (max(numbered) if numbered else sql.count("?"))
