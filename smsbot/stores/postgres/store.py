"""The store on PostgreSQL: served by one process at a time, which another may replace once its lease is over."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from smsbot.core.errors import StoreError
from smsbot.stores.base import Row
from smsbot.stores.committing import TALLY, CommittingStore
from smsbot.stores.deciding.rules import ASIDE, NO_RULES, Pauses, Rules
from smsbot.stores.queries import load

from . import schema
from .driver import Conflict, Connection, Lost
from .lane import Lane
from .processes import Process
from .reader import PostgresReader, statements

_LOOK = 0.1


class PostgresStore(CommittingStore):
    """Everything in one database, or one schema of it.

    A `patient` one waits at its start while another process serves, as a spare on another machine does; `place` is
    where its process id means something, by default this machine.
    """

    def __init__(self, url: str, *, rules: Rules = NO_RULES, patient: bool = False, place: str = "") -> None:
        self.url = url
        self._patient = patient
        self._waits = False
        """Whether it has seen the database, so that it waits until that is there again."""
        self._process = Process(self._connect, place)
        self._selects = statements("selects")
        self._writer = Lane(self._connect, self._process, rules, statements("writes"), self._selects)
        super().__init__(self._writer)
        self._hot = PostgresReader(url)
        self._pages = PostgresReader(url)
        self._is_hot = frozenset(name for name, query in load("postgres", "reads").items() if query.hot)

    async def _connect(self, name: str) -> Connection:
        return await Connection.to(self.url, name)

    # -- life ---------------------------------------------------------------------------------------

    async def open(self, now: float) -> None:
        """Connect, migrate, register, and mark every open attempt as unknown."""
        connection = await self._registered()
        try:
            await self._open(connection, now)
        except BaseException as error:
            await self._process.stop(connection)
            await self.close()
            if isinstance(error, (Lost, Conflict)):
                raise StoreError(f"the database cannot be opened: {error}") from error
            raise
        finally:
            await connection.close()

    async def _registered(self) -> Connection:
        """A connection, once this process has its place; one that waits for it outlasts a restart of the server."""
        while True:
            connection: Connection | None = None
            try:
                connection = await self._connect("smsbot-opening")
                await schema.migrate(connection)
                self._waits = True
                await self._process.join(connection, patient=self._patient)
                return connection
            except (Lost, Conflict) as error:
                if connection is not None:
                    connection.end()
                if not (self._waits and self._patient):
                    raise StoreError(f"the database cannot be reached: {error}") from error
                await asyncio.sleep(_LOOK)
            except BaseException:
                if connection is not None:
                    await connection.close()
                raise

    async def _open(self, connection: Connection, now: float) -> None:
        self._process.start()
        self._writer.start(await self._connect(self._process.name))
        for reader in (self._hot, self._pages):
            reader.name = self._process.name
            await reader.open()
        crashed = [(name, (now,)) for name in ("crashed_attempts", "crashed_texts", "orphaned_texts")]
        made = [("meta", ("dedupe_key", secrets.token_bytes(32))), ("meta", ("began", repr(now)))]
        await self.write([*crashed, *((name, ()) for name in TALLY), *made])
        held = await connection.rows(self._selects["pauses"], ())
        self.pauses = Pauses((row["scope"], row["name"]) for row in held)
        await self.write([("park_all", (s, n)) for s, n in self.pauses.names if s not in ASIDE])
        await self.remember()

    async def close(self) -> None:
        """Commit what was submitted, leave, close all connections."""
        await self._writer.stop()
        for reader in (self._hot, self._pages):
            await reader.close()
        connection = self._writer.connection
        await self._process.stop(connection)
        if connection is not None:
            await connection.close()

    def when_replaced(self, then: Callable[[], None]) -> None:
        """What to do once another process has taken the place of this one, which commits and sends nothing more."""
        self._process.replaced = then

    async def still_ours(self) -> None:
        """Return once nobody can have taken the place of this process; never, where somebody has."""
        while not self._process.sure:  # noqa: ASYNC110 - it is sure nearly always
            await asyncio.sleep(_LOOK)

    # -- tables -------------------------------------------------------------------------------------

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        return await (self._hot if name in self._is_hot else self._pages).rows(name, **parameters)
