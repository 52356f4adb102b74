"""The store on PostgreSQL, which several processes may serve at once."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from smsbot.core.conversation import Conversation
from smsbot.core.errors import StoreError
from smsbot.core.handover import Taken
from smsbot.core.message import Event, Key
from smsbot.log import Log
from smsbot.stores.base import Row
from smsbot.stores.committing import TALLY, CommittingStore
from smsbot.stores.deciding.rules import ASIDE, NO_RULES, Pauses, Rules
from smsbot.stores.queries import load as queries

from . import schema
from .driver import Conflict, Connection, Lost
from .lane import Lane
from .memory import SharedMemory
from .processes import Process
from .reader import PostgresReader
from .statements import PROCESSES, statements

log = Log("smsbot.store")
_LOOK = 0.1
_MOST = 1000
"""Conversations that are taken up at once."""


class PostgresStore(CommittingStore):
    """Everything in one database, or one schema of it.

    One that `shares` it serves beside others that do; another needs it for itself. A `patient` one waits at its start
    while it may not serve; `place` is where its process id means something, by default this machine.
    """

    def __init__(
        self, url: str, *, rules: Rules = NO_RULES, patient: bool = False, shares: bool = False, place: str = ""
    ) -> None:  # fmt: skip
        self.url = url
        self._patient = patient
        self._waits = False
        """Whether it has seen the database, so that it waits until that is there again."""
        self._connect = partial(Connection.to, url, by_index=True)
        self._process = Process(self._connect, place, shares=shares)
        self._process.hear = self._hear
        self._selects = statements("selects")
        self._writer = Lane(self._connect, self._process, rules, statements("writes"), self._selects)
        super().__init__(self._writer)
        self.memory: SharedMemory = SharedMemory()
        self._hot = PostgresReader(url, by_index=True)
        self._pages = PostgresReader(url)
        self._is_hot = frozenset(name for name, query in queries("postgres", "reads").items() if query.hot)
        self._heard_by: list[Callable[[], Awaitable[None]]] = []
        self._strays: set[Key] = set()
        """Conversations that this process has, and of which it knew nothing when it looked last."""

    # -- life ---------------------------------------------------------------------------------------

    async def open(self, now: float) -> None:
        """Connect, migrate, register; what dead processes were sending is unknown from now on."""
        self._process.clock = lambda: now
        connection = await self._registered()
        ahead = now - time.time()
        self._process.clock = lambda: time.time() + ahead
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
                connection = await Connection.to(self.url, "smsbot-opening")
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
        self.memory.begin(alone=self._process.alone)
        self._process.start()
        self._writer.start(await self._connect(self._process.name))
        for reader in (self._hot, self._pages):
            reader.name = self._process.name
            await reader.open()
        while not self._process.alone and (deaf := await self._process.heard(connection.rows)):
            log.warning("waits until all others lock what they decide on, and forget", deaf=deaf)
        await self.write([("meta", ("dedupe_key", secrets.token_bytes(32))), ("meta", ("began", repr(now)))])
        if self._process.alone:
            await self.write([(name, ()) for name in TALLY])
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
        """What to do once another process has taken this one for dead, which commits and sends nothing more."""
        self._process.replaced = then

    async def still_ours(self) -> None:
        """Return once nobody can have taken this process for dead; never, where somebody has."""
        while not self._process.sure:  # noqa: ASYNC110 - it is sure nearly always
            await asyncio.sleep(_LOOK)

    # -- beside others ------------------------------------------------------------------------------

    @property
    def leads(self) -> bool:
        """Whether this process does what one alone does."""
        return self._process.leads

    async def lead(self) -> None:
        """Return once this process does what one alone does."""
        while not self._process.leads:  # noqa: ASYNC110 - others lead until their end
            await asyncio.sleep(_LOOK)

    @property
    def alone(self) -> bool:
        """Whether no other process serves beside this one."""
        return self._process.alone

    def when_heard(self, *then: Callable[[], Awaitable[None]]) -> None:
        """What to do with every beat beside others, to take up what they have changed."""
        self._heard_by.extend(then)

    async def _hear(self, connection: Connection) -> None:
        """Take up what others have changed since the last beat, and whether there are others."""
        alone = self._process.alone
        if alone and self.memory.keeps:
            return
        if alone is not self.memory.keeps:
            self.memory.begin(alone=alone)
            await self._writer.between()  # what was begun when there was nobody else
        held = await connection.rows(self._selects["pauses"], ())
        self.pauses = Pauses((row["scope"], row["name"]) for row in held)
        taken = [(Key(r["line"], r["number"]), r) for r in await connection.rows(PROCESSES["takeovers"], ())]
        self.memory.taken = {key: Taken(key, row["owner"], row["at"]) for key, row in taken}
        for then in self._heard_by:
            await then()

    async def heard(self) -> str:
        """Wait until every process has heard of what is committed by now; who has not, if some have not in time."""
        return "" if self._process.alone else await self._process.heard(self._hot.ask)

    async def waiting(self, known: Callable[[Key], bool]) -> Sequence[Event]:
        """Events that wait in conversations that no process has, or that this one has and knows nothing of."""
        mine = await self._hot.ask(PROCESSES["mine"], (self._process.id,))
        under_way = self._writer.names
        strays = {key for r in mine if r["number"] not in under_way and not known(key := Key(r["line"], r["number"]))}
        lost, self._strays = strays & self._strays, strays  # at the first look its answer may be on its way
        orphans = await self._hot.ask(PROCESSES["orphans"], (_MOST,)) if self._process.takes_up else []
        return await self.attend([*lost, *(Key(row["line"], row["number"]) for row in orphans)])

    @property
    def outdated(self) -> bool:
        """Whether processes of a newer build take the turns."""
        return self._process.outdated

    async def announce(self, build: str) -> None:
        """Serve from now on with the code of a build; returns when all know, so that no conversation goes back."""
        await self._process.announce(build, self._hot.ask)
        await self._tell("a new build serves")

    async def retire(self) -> None:
        """Lead no more, for this process is about to end."""
        await self._process.retire(self._hot.ask)

    async def at_work(self, key: Key) -> bool:
        """Whether a process may be sending something in a conversation, or another one answers there."""
        return not self._process.alone and bool(
            await self._hot.ask(PROCESSES["at_work"], (key.line, key.number, self._process.id))
        )

    async def suppressed(self, number: str) -> bool:
        """Whether the number has opted out; beside others, what they have committed counts as well."""
        if self._process.alone:
            return await super().suppressed(number)
        return bool(await self._hot.ask(PROCESSES["suppressed"], (number,)))

    async def take_over(self, taken: Taken) -> str:
        """Give a conversation to somebody at the desk, and wait until every process knows."""
        owner = await super().take_over(taken)
        await self._tell("the conversation is taken over")
        return owner

    async def pause(self, scope: str, name: str, now: float, why: str = "") -> None:
        """Keep texts from leaving, and wait until every process knows."""
        await super().pause(scope, name, now, why)
        await self._tell("it is paused")

    async def resume(self, scope: str, name: str, now: float) -> None:
        """Let them leave again, wherever."""
        await super().resume(scope, name, now)
        await self._tell("it is resumed")

    async def _tell(self, what: str) -> None:
        if deaf := await self.heard():
            log.warning(f"{what}, but not every process has heard of it yet", deaf=deaf)

    async def load(self, key: Key) -> Conversation:
        """The conversation; what was read before others came or left is used once, and not remembered."""
        era = self.memory.era
        found = await super().load(key)
        if era != self.memory.era:
            self.memory.drop(key)
        return found

    # -- tables -------------------------------------------------------------------------------------

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        return await (self._hot if name in self._is_hot else self._pages).rows(name, **parameters)
