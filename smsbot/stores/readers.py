"""Readers of a SQLite file, by the names of their statements: one for pages, one for what a turn waits for."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import aiosqlite

from smsbot.core.errors import StoreError, StoreForeign, StoreOlder, StoreTooNew

from . import queries
from .base import Row


class SqliteReader:
    """Named reads on a read-only connection; never a second writer or checkpointer."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._reads = queries.load("sqlite", "reads")
        self._db: aiosqlite.Connection | None = None

    async def open(self) -> None:
        """Connect; raises `StoreError` if there is no such database."""
        if not self._path.is_file():
            raise StoreForeign(f"there is no database {self._path}")
        self._db = await aiosqlite.connect(f"file:{_uri(self._path)}?mode=ro", uri=True, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        try:
            version = next(iter(await self._db.execute_fetchall("PRAGMA user_version")))[0]
        except sqlite3.Error as error:
            await self.close()
            raise StoreError(f"the database could not be read: {error}") from error
        newest = queries.migrations("sqlite")[-1][0]
        if 0 < version < newest:
            await self.close()
            raise StoreOlder(f"{self._path} has schema {version}, and this smsbot reads {newest}")
        if not version or version > newest:
            await self.close()
            kind = StoreTooNew if version else StoreForeign
            raise kind(f"{self._path} " + (f"has schema {version}, which is newer" if version else "is not smsbot's"))

    async def close(self) -> None:
        """Let go of the connection."""
        if self._db is not None:
            await self._db.close()
            self._db = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        if self._db is None:
            raise StoreError("the database is closed")
        try:
            return [dict(r) for r in await self._db.execute_fetchall(self._reads[name].sql, parameters)]
        except sqlite3.Error as error:
            raise StoreError(f"the database could not be read: {error}") from error


class HotReader:
    """Reads that a turn waits for, on its own thread: a hop to another costs ten times what they do."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._sql = {q.name: q.sql for q in queries.load("sqlite", "reads").values() if q.hot}
        self._db: sqlite3.Connection | None = None

    def open(self) -> None:
        """Connect to a database that is there."""
        self._db = sqlite3.connect(
            f"file:{_uri(self._path)}?mode=ro", uri=True, isolation_level=None, timeout=0.5, check_same_thread=False
        )
        self._db.row_factory = sqlite3.Row

    def close(self) -> None:
        """Let go of the connection."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def __contains__(self, name: str) -> bool:
        return name in self._sql

    def rows(self, name: str, parameters: Mapping[str, object]) -> list[Row]:
        """The rows of a named read."""
        if self._db is None:
            raise StoreError("the database is closed")
        try:
            return [dict(r) for r in self._db.execute(self._sql[name], parameters)]
        except sqlite3.Error as error:
            raise StoreError(f"the database could not be read: {error}") from error


def _uri(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
