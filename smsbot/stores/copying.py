"""A whole database from SQLite to PostgreSQL, or back: all of it or nothing, and compared row by row.

Nobody may serve either side meanwhile. What is searched by is not copied, since the server fills it again, and the copy
starts paused: what the source still owes would leave twice if both were served.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from smsbot.core.errors import BackupError, StoreOlder
from smsbot.failpoints import reached

from .backup import check, locked
from .database import Database
from .migrating import connected
from .postgres import schema
from .postgres.driver import Conflict, Connection, Lost, Refused
from .postgres.processes import Process
from .postgres.statements import Statement, plain
from .queries import migrations

Tell = Callable[[str, int, int], None]
"""Is told what is done, how many more rows it was, and how many there are in all, copied and compared."""
Progress = Callable[[str, int], None]
_FILLED_AGAIN = ("words_in", "words_out", "numbers", "searched", "tallies", "tallied")
_OF_THE_SERVER = ("processes", "attended", "smsbot_schema")
_LAST = ("endpoints",)
"""Comes last: triggers note for endpoints what happens, and a copy is nothing that has happened."""
_SHARE = 5000
_COLUMNS = Statement(
    "SELECT c.table_name, c.column_name, c.udt_name, k.ordinal_position AS key FROM information_schema.columns c "
    "JOIN information_schema.tables t USING (table_schema, table_name) "
    "LEFT JOIN information_schema.table_constraints p ON p.table_schema = c.table_schema "
    "AND p.table_name = c.table_name AND p.constraint_type = 'PRIMARY KEY' "
    "LEFT JOIN information_schema.key_column_usage k ON k.constraint_schema = p.constraint_schema "
    "AND k.constraint_name = p.constraint_name AND k.table_name = c.table_name AND k.column_name = c.column_name "
    "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.column_name <> 'process' "
    "ORDER BY c.table_name, c.ordinal_position"
)


_PAUSE = (
    "INSERT INTO holds (scope, name, at, why) VALUES ('all', '', ?, ?) "
    "ON CONFLICT (scope, name) DO UPDATE SET at = excluded.at, why = excluded.why"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as both sides have it."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """Those of PostgreSQL."""
    key: tuple[str, ...]
    """The columns by which its rows are in one order on both sides."""

    @property
    def count(self) -> str:
        """How many rows it has."""
        return f"SELECT count(*) FROM {_quoted(self.name)}"

    @property
    def read(self) -> str:
        """All rows in that order, for PostgreSQL."""
        return f"SELECT {_listed(self.columns)} FROM {_quoted(self.name)} ORDER BY {_listed(self.key)}"

    @property
    def read_in_file(self) -> str:
        """The same for SQLite, where a column may compare without case."""
        order = ", ".join(f"{_quoted(column)} COLLATE BINARY" for column in self.key)
        return f"SELECT {_listed(self.columns)} FROM {_quoted(self.name)} ORDER BY {order}"

    @property
    def write_in_file(self) -> str:
        """A row, for SQLite."""
        holes = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {_quoted(self.name)} ({_listed(self.columns)}) VALUES ({holes})"

    def values(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row as PostgreSQL has it."""
        return tuple(plain(kind, value) for kind, value in zip(self.types, row, strict=True))


async def copy(source: Database, target: Database, now: float, tell: Tell) -> int:
    """Copy everything; how many rows that were. Raises `BackupError`, and leaves no part of a copy."""
    if source.on_server == target.on_server:
        other = "pg_dump copies from one server to another" if source.on_server else "`smsbot db backup` copies a file"
        raise BackupError(f"one of the two must be a file and the other on a PostgreSQL server; {other}")
    try:
        if source.on_server:
            return await _to_file(source, target, now, tell)
        return await _to_server(source, target, now, tell)
    except (Lost, Conflict, Refused) as error:
        raise BackupError(f"the server did not take it, so nothing was copied: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"nothing was copied: {error}") from error


async def _to_server(source: Database, target: Database, now: float, tell: Tell) -> int:
    check(source.path)
    with locked(source.path), closing(sqlite3.connect(source.path, isolation_level=None)) as file:
        version, newest = file.execute("PRAGMA user_version").fetchone()[0], migrations("sqlite")[-1][0]
        if version < newest:
            raise StoreOlder(f"{source} has schema {version}, not {newest}; start it once with this smsbot")
        async with _unserved(target, make=True) as (connection, process):
            tables = await _tables(connection)
            await _see_that_it_is_empty(connection, target, tables)
            await connection.script(f"BEGIN; SET LOCAL synchronous_commit = {connection.durable}")
            rows = sum(int(file.execute(table.count).fetchone()[0]) for table in tables)
            progress = partial(_told, tell, 2 * rows)
            for table in tables:
                await connection.copy_in(table.name, table.columns, _from_file(file, table, progress))
                await _go_on_behind(connection, file, table)
            # else the server plans what pages ask as if nothing were there, until it looks by itself
            await connection.script("; ".join(f"ANALYZE {table.name}" for table in tables))
            reached("copy.written")
            for table in tables:
                await _compare(connection, file, table, progress)
            await connection.run(Statement(_PAUSE), (now, f"copied from {source}"))
            await process.mark(connection, 1)  # if another took our place meanwhile, nothing is committed
            try:
                await connection.commit()
            except Lost as error:
                why = f"the server went away at the very end ({error}): look whether {target} is filled"
                raise BackupError(why) from error
            reached("copy.done")
    return rows


async def _to_file(source: Database, target: Database, now: float, tell: Tell) -> int:
    if os.path.lexists(target.path):
        raise BackupError(f"{target} exists already; a copy never overwrites anything")
    unfinished = Path(f"{target.path}.unfinished")
    _remove(unfinished)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        async with _unserved(source, make=False) as (connection, process):
            with closing(connected(unfinished)) as file:
                await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ")
                tables = await _tables(connection)
                file.execute("BEGIN")
                rows = sum([int((await connection.rows(Statement(t.count), ()))[0]["count"]) for t in tables])
                progress = partial(_told, tell, 2 * rows)
                for table in tables:
                    async for share in connection.stream(table.read, _SHARE):
                        file.executemany(table.write_in_file, share)
                        progress(f"Copying {table.name}", len(share))
                reached("copy.written")
                for table in tables:
                    await _compare(connection, file, table, progress)
                file.execute(_PAUSE, (now, f"copied from {source}"))
                for table in tables:
                    await _keep_counting(connection, file, table)
                file.execute("COMMIT")
                file.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
                await connection.script("ROLLBACK")
            if process.gone:
                raise BackupError("a server was started meanwhile, so nothing was copied")
        unfinished.rename(target.path)
        reached("copy.done")
    finally:
        _remove(unfinished)
    return rows


@asynccontextmanager
async def _unserved(place: Database, *, make: bool) -> AsyncIterator[tuple[Connection, Process]]:
    """A connection to a server's database while no smsbot serves it; `make`: at the newest schema."""

    async def connect(name: str) -> Connection:
        return await Connection.to(place.address, name)

    connection = await connect("smsbot-copying")
    process = Process(connect)
    try:
        await (schema.migrate(connection) if make else schema.check(connection))
        await process.join(connection, patient=False)
        process.start()
        yield connection, process
    finally:
        await connection.roll_back()
        await process.stop(connection)
        await connection.close()


async def _tables(connection: Connection) -> list[Table]:
    found: dict[str, list[Any]] = {}
    for row in await connection.rows(_COLUMNS, ()):
        if row["table_name"] not in (*_FILLED_AGAIN, *_OF_THE_SERVER):
            found.setdefault(row["table_name"], []).append(row)
    tables = []
    for name, rows in found.items():
        columns = tuple(row["column_name"] for row in rows)
        key = sorted((row["key"], row["column_name"]) for row in rows if row["key"] is not None)
        tables.append(Table(name, columns, tuple(r["udt_name"] for r in rows), tuple(c for _, c in key) or columns))
    return sorted(tables, key=lambda table: table.name in _LAST)


async def _see_that_it_is_empty(connection: Connection, target: Database, tables: Sequence[Table]) -> None:
    for table in tables:
        if await connection.rows(Statement(f"{table.read} LIMIT 1"), ()):
            raise BackupError(f"{target} is not empty ({table.name} has rows); a copy never overwrites anything")


def _from_file(file: sqlite3.Connection, table: Table, progress: Progress) -> Iterator[tuple[Any, ...]]:
    cursor = file.execute(table.read_in_file)
    while share := cursor.fetchmany(_SHARE):
        yield from map(table.values, share)
        progress(f"Copying {table.name}", len(share))


async def _go_on_behind(connection: Connection, file: sqlite3.Connection, table: Table) -> None:
    """Ids that the database gives go on behind all that were ever given, also to rows that are gone by now."""
    if (first := _counted(table)) is not None:
        given = file.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).fetchone()
        await connection.script(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{first}'), "
            f"greatest(coalesce(max({first}), 0), {given[0] if given else 0}) + 1, false) FROM {table.name}"
        )


async def _keep_counting(connection: Connection, file: sqlite3.Connection, table: Table) -> None:
    """The same on the way back, for tables in which an id must not be given twice."""
    made = file.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table.name,)).fetchone()[0]
    if (first := _counted(table)) is not None and "AUTOINCREMENT" in made:
        asked = Statement(f"SELECT nextval(pg_get_serial_sequence('{table.name}', '{first}')) - 1 AS given")
        given = (await connection.rows(asked, ()))[0]["given"]
        file.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        file.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, given))


def _counted(table: Table) -> str | None:
    """The column of a table that the database numbers."""
    first = table.columns[0]
    return first if first in ("id", "seq") and table.types[0] == "int8" and table.key == (first,) else None


async def _compare(connection: Connection, file: sqlite3.Connection, table: Table, progress: Progress) -> None:
    """See that both sides hold the same rows."""
    cursor, n = file.execute(table.read_in_file), 0
    async for share in connection.stream(table.read, _SHARE):
        ours = list(map(table.values, cursor.fetchmany(len(share))))
        if ours != share:
            wrong = next(i for i, row in enumerate(share) if i >= len(ours) or ours[i] != row)
            raise BackupError(f"row {n + wrong + 1} of {table.name} came out differently, so nothing was kept")
        n += len(share)
        progress(f"Comparing {table.name}", len(share))
    if cursor.fetchone() is not None:
        raise BackupError(f"{table.name} lost rows on the way, so nothing was kept")


def _told(tell: Tell, total: int, what: str, rows: int) -> None:
    tell(what, rows, total)


def _remove(partial: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{partial}{suffix}").unlink(missing_ok=True)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return f'"{name}"'
