"""Named reads from PostgreSQL on a connection of their own, one at a time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from smsbot.core.errors import StoreError, StoreRefused
from smsbot.stores.base import Row

from . import schema
from .driver import Conflict, Connection, Lost, Refused, within
from .statements import Statement, statements

_TRIES = 20
_LONGEST = 60.0
"""Seconds that a page may have to wait."""
_PAUSE = 0.1
"""Between two tries to reach a server that has just gone away: two seconds in all."""


class PostgresReader:
    """Reads by name; a connection that was lost is made anew, since a read can be asked once more."""

    def __init__(self, url: str, name: str = "smsbot-reader") -> None:
        self._url = url
        self.name = name
        self._reads = statements("reads")
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._open = False

    async def open(self) -> None:
        """Connect; raises `StoreError` if there is no such database, or not one of ours."""
        self._open = True
        try:
            await schema.check(await self._connected())
        except (Lost, Conflict) as error:
            await self.close()
            raise StoreError(f"the database cannot be reached: {error}") from error
        except StoreError:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        self._open = False
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        statement = self._reads[name]
        return [dict(row) for row in await self._asked(lambda connection: connection.named(statement, parameters))]

    async def ask(self, statement: Statement, parameters: Sequence[object]) -> list[Any]:
        """The rows of a statement of one's own."""
        return await self._asked(lambda connection: connection.rows(statement, parameters))

    async def _asked(self, ask: Callable[[Connection], Awaitable[list[Any]]]) -> list[Any]:
        async with self._turn:
            for _ in range(_TRIES):
                if not self._open:
                    raise StoreError("the database is closed")
                try:
                    connection = await self._connected()
                    return await within(_LONGEST, ask(connection))
                except Refused as error:
                    raise StoreRefused(f"the database does not take what is asked for: {error}") from None
                except (Lost, Conflict) as error:
                    why = str(error)
                    await asyncio.sleep(_PAUSE)
        raise StoreError(f"the database could not be read: {why}")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost:
            self._connection = await Connection.to(self._url, self.name)
        return self._connection
