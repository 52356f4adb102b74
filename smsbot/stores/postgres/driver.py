"""The one file that knows asyncpg: a connection to PostgreSQL, and which of its errors mean what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from smsbot.core.errors import StoreError

from .statements import Statement

_CONNECTING = 5.0
"""Seconds that a connection may take to be made."""
_STATEMENTS = 1024
"""Statements that a connection keeps prepared; none with ``?statement_cache_size=0``, as PgBouncer wants it."""
_BOUNDS = (
    "SET LOCAL idle_in_transaction_session_timeout = '3s'; SET LOCAL lock_timeout = '2s'; "
    "SET LOCAL statement_timeout = '10s'"
)
_BY_INDEX = (
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; "
    "SET jit = off"
)
"""A scan that cannot be helped, of few rows, is reckoned as so dear that it would be compiled.

A join of another kind would read all of an index, which costs nothing as long as its table is empty.
"""
_DURABLE = ("on", "remote_apply", "remote_write", "local", "off")
_AGAIN = ("40001", "40P01", "55P03", "57014")
"""A conflict of two transactions, a lock or a statement that took too long: it may be done again at once."""
_GONE = ("08", "57P", "25P03", "25006", "53300")
"""The connection is of no use any more, leads to a server that takes no writes (by now), or there are too many."""
ANSWER = 15.0
"""Seconds in which a few statements are answered, since each ends by itself in less; else the server is gone."""
T = TypeVar("T")


class Lost(Exception):
    """The connection was lost, or could not be made; whether a COMMIT that was asked for has happened is not known."""


class Conflict(Exception):
    """The transaction was rolled back for the sake of another, and may be tried again."""


class Refused(Exception):
    """The database does not take a row."""


class Connection:
    """A connection that may have been lost; whoever has it makes another then."""

    def __init__(self, raw: Any, durable: str) -> None:
        self._raw = raw
        self.durable = durable
        """The ``synchronous_commit`` of what is written here."""

    @classmethod
    async def to(cls, url: str, name: str, *, by_index: bool = False) -> Connection:
        """Connect, under a name that ``pg_stat_activity`` shows; raises `Lost`.

        `by_index` keeps what is asked from being planned as a scan of whole tables. The plan of a statement that stays
        prepared is from when it was first run: a scan is cheapest while a database is empty, and is gone on with for
        minutes, until the server has looked at the tables anew.
        """
        try:
            dsn, kept, durable = _split(url)
            raw = await asyncpg.connect(
                dsn, timeout=_CONNECTING, statement_cache_size=kept, server_settings={"application_name": name}
            )
        except ValueError as e:  # what cannot be read of an address may be a piece of its password
            raise StoreError(f"the address of the database cannot be read ({type(e).__name__})") from None
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as e:
            raise Lost(_words(e)) from e
        made = cls(raw, durable)
        if by_index and kept:
            await made.script(_BY_INDEX)
        return made

    async def rows(self, statement: Statement, parameters: Sequence[object]) -> list[dict[str, Any]]:
        """The rows of a statement, by name."""
        return (await self.named(statement, (parameters,)))[0]

    async def named(self, statement: Statement, parameters: Sequence[Sequence[object]]) -> list[list[dict[str, Any]]]:
        """The same for each set of parameters."""
        return [[statement.row(row) for row in rows] for rows in await self.each(statement, parameters)]

    async def each(self, statement: Statement, parameters: Sequence[Sequence[object]]) -> list[list[tuple[Any, ...]]]:
        """The rows of a statement for each set of parameters, by place; in one round trip where it can be."""
        await self.learn(statement)
        if len(parameters) == 1 or not statement.lifted:
            return [
                [statement.tidy(row) for row in await self._done(self._raw.fetch, statement, one)] for one in parameters
            ]
        columns = statement.columns(parameters)
        found: list[list[tuple[Any, ...]]] = [[] for _ in parameters]
        for n, *row in await self._guarded(self._raw.fetch(statement.lifted, *columns)):
            found[n - 1].append(statement.tidy(row))
        return found

    async def run(self, statement: Statement, parameters: Sequence[object]) -> None:
        """Write once."""
        await self._done(self._raw.execute, statement, parameters)

    async def many(self, statement: Statement, parameters: Sequence[Sequence[object]]) -> None:
        """Write each row; at once where no row of the table is changed twice, else one after the other."""
        if len(parameters) == 1:
            await self.run(statement, parameters[0])
            return
        await self.learn(statement)
        if statement.lifts is not None and statement.lifts.takes(columns := statement.columns(parameters)):
            await self._guarded(self._raw.execute(statement.lifts.sql, *columns))
        else:
            await self._guarded(self._raw.executemany(statement.sql, [statement.values(one) for one in parameters]))

    async def copy_in(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Write rows of values of the right types into a table (COPY)."""
        await self._guarded(self._raw.copy_records_to_table(table, columns=columns, records=rows))

    async def stream(self, sql: str, share: int) -> AsyncIterator[list[tuple[Any, ...]]]:
        """The rows of a query, a share at a time, inside a transaction."""
        cursor = await self._guarded(self._raw.cursor(sql))
        while rows := await self._guarded(cursor.fetch(share)):
            yield [tuple(row) for row in rows]

    async def begin(self, also: str = "SELECT 1") -> None:
        """Begin a transaction that is durable at its end, and that holds up nobody for long if this process freezes."""
        await self.script(f"BEGIN; {_BOUNDS}; SET LOCAL synchronous_commit = {self.durable}; {also}")

    async def commit(self) -> None:
        """End it; however long a standby lets it wait, for a wait that is cut off would be reported as done."""
        await self.script("SET LOCAL statement_timeout = 0; COMMIT")

    async def roll_back(self) -> None:
        """End it as if nothing had been, as far as there is anybody to tell."""
        if not self.lost:
            with suppress(Lost, Conflict, StoreError):
                await self.script("ROLLBACK")

    async def script(self, sql: str) -> None:
        """Run statements without parameters."""
        await self._guarded(self._raw.execute(sql))

    async def _done(self, how: Any, statement: Statement, parameters: Sequence[object]) -> Any:
        await self.learn(statement)
        return await self._guarded(how(statement.sql, *statement.values(parameters)))

    async def learn(self, statement: Statement) -> None:
        """Ask for the types of a statement, once."""
        if not statement.known:
            prepared = await self._guarded(self._raw.prepare(statement.sql, name=""))
            columns = [(c.name, c.type.name) for c in prepared.get_attributes()]
            statement.learn([t.name for t in prepared.get_parameters()], columns)

    async def _guarded(self, work: Any) -> Any:
        try:
            return await work
        except asyncpg.PostgresError as error:
            state = error.sqlstate or ""
            if state.startswith(_GONE):
                self.end()
                raise Lost(_words(error)) from error
            if state in _AGAIN:
                raise Conflict(_words(error)) from error
            if state.startswith(("22", "23", "54")):
                raise Refused(_rule(error)) from None
            raise StoreError(f"the database did not do it: {_words(error)}") from error
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self.end()
            raise Lost(_words(error)) from error
        except asyncio.CancelledError:
            self.end()  # what it was about may still be under way
            raise

    @property
    def lost(self) -> bool:
        """Whether it is of no use any more."""
        return bool(self._raw.is_closed())

    def end(self) -> None:
        """Let go of it at once."""
        self._raw.terminate()

    async def close(self) -> None:
        """Take leave; a server that does not answer is left."""
        try:
            await self._raw.close(timeout=1.0)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self._raw.terminate()


async def within(seconds: float, work: Awaitable[T]) -> T:
    """What comes of work with a connection, which ends if it takes longer; raises `Lost` then."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise Lost(f"no answer within {seconds:.0f} s") from error


def _split(url: str) -> tuple[str, int, str]:
    """The address as the driver takes it, how many statements are kept prepared, and how durable commits are."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    durable = asked.pop("synchronous_commit", "on")
    if durable not in _DURABLE:
        raise StoreError(f"synchronous_commit={durable} of the database's address is none of {', '.join(_DURABLE)}")
    kept = asked.pop("statement_cache_size", str(_STATEMENTS))
    if not kept.isdecimal():
        raise StoreError(f"statement_cache_size={kept} of the database's address is not a number")
    return urlunsplit(parts._replace(query=urlencode(asked))), int(kept), durable


def _rule(error: asyncpg.PostgresError) -> str:
    """What a row has broken; not in the words of the driver or the server, for they may quote what somebody wrote."""
    return " ".join(filter(None, (type(error).__name__, getattr(error, "constraint_name", None))))


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no answer'}"
