"""Opening a SQLite file to write, at the newest schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from smsbot.core.errors import StoreForeign, StoreTooNew
from smsbot.failpoints import reached

from .queries import migrations
from .respelling import respell

_RESPELLED = 6
"""The schema with which each number has one spelling."""
_PATIENCE = 1.0
"""Seconds for which a foreign writer is waited for: a webhook is told 503 rather than nothing."""


def connected(path: str | Path) -> sqlite3.Connection:
    """A connection that writes, with every migration done; raises `StoreForeign` or `StoreTooNew`."""
    db = sqlite3.connect(path, isolation_level=None, cached_statements=256, timeout=_PATIENCE)
    db.row_factory = sqlite3.Row
    db.create_function("reverse", 1, lambda text: text[::-1], deterministic=True)
    if not db.execute("PRAGMA user_version").fetchone()[0] and db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreForeign(f"{path} is a database of another program")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA foreign_keys=ON")
    db.execute("PRAGMA cache_size=-65536")
    db.execute("PRAGMA wal_autocheckpoint=4000")
    _migrate(db)
    return db


def _migrate(db: sqlite3.Connection) -> None:
    scripts = migrations("sqlite")
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    newest = scripts[-1][0]
    if version > newest:
        raise StoreTooNew(f"the database has schema {version}, this smsbot knows up to {newest}")
    for number, script in scripts:
        if number > version:
            db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version={number};")
            if number == _RESPELLED:
                respell(db)
            reached("migration.written")
            db.execute("COMMIT")
            reached("migration.done")
