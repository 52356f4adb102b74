"""Looking into a database behind the back of its server, whatever it is kept by."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

from smsbot.stores.database import Database

Values = Sequence[object]
Found = tuple[tuple[str, ...], list[tuple[Any, ...]]]
"""The names of columns, and rows."""


def sql(place: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a statement with ``?`` for its values; what it writes is committed."""
    return _run(place, statement, [values])[1]


def dicts(place: Database, statement: str, *values: object) -> list[dict[str, Any]]:
    """The same by the names of their columns."""
    names, rows = _run(place, statement, [values])
    return [dict(zip(names, row, strict=True)) for row in rows]


def many(place: Database, statement: str, rows: Sequence[Values]) -> None:
    """Run a statement once for each row of values."""
    _run(place, statement, rows)


def _run(place: Database, statement: str, rows: Sequence[Values]) -> Found:
    return _on_server(place.address, statement, rows) if place.on_server else _in_file(place, statement, rows)


def _in_file(place: Database, statement: str, rows: Sequence[Values]) -> Found:
    with closing(sqlite3.connect(place.path, timeout=30)) as db, db:
        for values in rows:
            cursor = db.execute(statement, values)
            found = cursor.fetchall()
        return tuple(column[0] for column in cursor.description or ()), found


def _on_server(address: str, statement: str, rows: Sequence[Values]) -> Found:
    from smsbot.stores.postgres.driver import Connection, Lost
    from smsbot.stores.postgres.statements import Statement

    async def work() -> list[Any]:
        connection = await Connection.to(address, "a test")
        found: list[Any] = []
        for values in rows:
            found = await connection.rows(Statement(statement), values)
        await connection.close()
        return found

    async def insist() -> list[Any]:
        for _ in range(100):  # a server that is restarted
            with suppress(Lost):
                return await work()
            await asyncio.sleep(0.1)
        return await work()

    with ThreadPoolExecutor(1) as aside:
        found = aside.submit(lambda: asyncio.run(insist())).result()
    return tuple(found[0].keys()) if found else (), [tuple(row.values()) for row in found]
