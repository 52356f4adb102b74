"""The one way of a process into PostgreSQL: whatever waits is locked, gathered, decided and committed together.

One task and one connection. Where the connection is lost before COMMIT, the batch is taken again; where the answer to a
COMMIT is lost, the mark that each batch leaves in the row of this process tells what became of it, and nobody is
answered before that is known.

Beside other processes a batch decides only on numbers that it has locked until its COMMIT; a unit whose number another
process has just locked is left for the next batch, with all of its process that come after it and are about the same.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from smsbot.core.errors import StoreError, StoreLocked
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.stores.committing import TALLY
from smsbot.stores.deciding.facts import Facts, Wants
from smsbot.stores.deciding.gathering import Look, Rows, gather, search
from smsbot.stores.deciding.rules import Rules
from smsbot.stores.deciding.unit import LATER, Named, Searching, Unit, batches
from smsbot.stores.jobs import Job, refusal

from .driver import ANSWER, Conflict, Connection, Lost, Refused, within
from .locks import locked, shut
from .processes import TAKEN_OVER, Process
from .statements import Statement

log = Log("smsbot.lane")
_BATCH = 1024
"""Names that are decided on together: each lock that is held until the COMMIT takes a place in the server's memory."""
_PATIENCE = 5.0
"""Seconds for which a batch is taken again, until those who wait are told that the database is away."""
_PAUSE = 0.05
_NEXT = 0.003
"""Seconds until what another process has locked is asked for again, where nothing else waits."""
_TALLY_EACH = 50_000
"""Rows that are written until what is new is tallied."""
_Wish = tuple[Job, int]
"""A job, and which of its units."""


class Lane:
    """The task and its connection."""

    failing = False
    """Whether the last commit failed."""
    waiting = 0
    """Jobs that have no answer yet."""

    def __init__(
        self, connect: Callable[[str], Awaitable[Connection]], process: Process, rules: Rules,
        writes: Mapping[str, Statement], selects: Mapping[str, Statement],
    ) -> None:  # fmt: skip
        self._connect = connect
        self._process = process
        self._rules = rules
        self._writes = writes
        self._selects = selects
        self._connection: Connection | None = None
        self._wishes: deque[_Wish] = deque()
        self._under_way: Sequence[_Wish] = ()
        self._awake = asyncio.Event()
        self._between = asyncio.Event()
        """Whether no batch is under way."""
        self._between.set()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._batch = 0
        self._written = 0
        """Rows that were written since they were tallied."""

    @property
    def names(self) -> Collection[str]:
        """The names of all that waits for an answer."""
        jobs = {id(job): job for job, _ in (*self._wishes, *self._under_way)}
        return {name for job in jobs.values() for unit in job.units for name in unit.names}

    @property
    def connection(self) -> Connection | None:
        """The connection, if there is one."""
        return self._connection

    def start(self, connection: Connection) -> None:
        """Begin to commit."""
        self._connection = connection
        self._task = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """Commit what was submitted, then end; what cannot be committed is refused."""
        self._stopping = True
        self._awake.set()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def submit(self, units: Sequence[Unit]) -> list[Any]:
        """The answers of the units, each after the commit that holds it."""
        if self._stopping or self._task is None or self._task.done():
            raise StoreError("the database is closed")
        job = Job(units, asyncio.get_running_loop())
        if not units:
            return []
        self._wishes.extend((job, nth) for nth in range(len(units)))
        self._awake.set()
        self.waiting += 1
        try:
            return await job.future
        finally:
            self.waiting -= 1

    async def between(self) -> None:
        """Return once no batch is under way of those that are now."""
        await self._between.wait()

    async def _live(self) -> None:
        while self._wishes or not self._stopping:
            if not self._wishes:
                self._awake.clear()
                await self._awake.wait()
                continue
            wishes = self._under_way = self._next()
            self._between.clear()
            try:
                late = await self._serve(wishes)
                await self._tally()
            except BaseException as error:
                _answer(wishes, StoreError("the database is closed"))
                if isinstance(error, asyncio.CancelledError):
                    raise
                log.error("the lane into the database failed", exc_info=error)
            else:
                self._wishes.extendleft(reversed(late))
                if len(late) == len(wishes):
                    await asyncio.sleep(_NEXT)
            finally:
                self._under_way = ()
                self._between.set()

    def _next(self) -> list[_Wish]:
        """What is decided together; apart from what no other process may decide anything beside."""
        wishes: list[_Wish] = []
        room = _BATCH
        while self._wishes and room > 0:
            job, nth = self._wishes[0]
            if _settles(job.units[nth]):
                return wishes or [self._wishes.popleft()]
            wishes.append(self._wishes.popleft())
            room -= max(1, len(job.units[nth].names))
        return wishes

    async def _serve(self, wishes: Sequence[_Wish]) -> list[_Wish]:
        """Commit together; one by one, if the database does not take a row of them. Returns what has to wait."""
        units = [job.units[nth] for job, nth in wishes]
        try:
            answers = await self._insist(units)
        except StoreError as error:
            self.failing = True
            _answer(wishes, error)
            return []
        except Exception:
            answers = [await self._apart(unit) for unit in units]
        self.failing = False
        late = []
        for (job, nth), answer in zip(wishes, answers, strict=True):
            if answer is LATER:
                late.append((job, nth))
            else:
                job.settle(nth, answer)
        return late

    async def _apart(self, unit: Unit) -> Any:
        """The answer of one unit in a transaction of its own; a refusal if the database does not take its rows."""
        try:
            while (answer := (await self._insist([unit]))[0]) is LATER:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_NEXT)
            return answer
        except StoreError as error:
            return error
        except Exception as error:
            return refusal(error)

    async def _tally(self) -> None:
        """Count what is new for /metrics, now and then."""
        if self._written > _TALLY_EACH and not self._stopping:
            self._written = 0
            with suppress(StoreError, Refused):
                await self._insist([Named([(name, ()) for name in TALLY], settled=True)])

    async def _insist(self, units: Sequence[Unit]) -> list[Any]:
        """The answers of units, once they are committed; taken again while the database comes and goes."""
        until = time.monotonic() + _PATIENCE
        while True:
            if self._process.gone:
                raise StoreLocked(TAKEN_OVER)
            try:
                return await self._together(units)
            except (Lost, Conflict) as error:
                self.failing = True
                if self._stopping or time.monotonic() > until:
                    raise StoreError(f"the database is away: {error}") from error
                await asyncio.sleep(_PAUSE)

    async def _together(self, units: Sequence[Unit]) -> list[Any]:
        connection = await self._connected()
        self._batch += 1  # a number is never used again: of one whose fate is not known, it would prove nothing
        batch = self._batch
        try:
            answers = await within(ANSWER, self._written_down(connection, units, batch))
        except BaseException:
            await connection.roll_back()
            raise
        try:
            await within(ANSWER, connection.commit())
        except (Lost, Conflict, StoreError) as error:
            if not await self._became(batch):
                raise Lost(str(error)) from error
        reached("writer.committed")
        return answers

    async def _written_down(self, connection: Connection, units: Sequence[Unit], batch: int) -> list[Any]:
        """The answers of units, with all that follows from them, short of the COMMIT."""
        await connection.begin(f"SET LOCAL smsbot.process = '{self._process.id}'; {shut(others=_settles(units[0]))}")
        reached("writer.begun")
        answers = await self._decided(connection, units)
        await self._process.mark(connection, batch)
        reached("writer.written")
        return answers

    async def _became(self, batch: int) -> bool:
        """Whether a COMMIT whose answer was lost has happened; asked until somebody knows."""
        told = False
        self.failing = True
        while True:
            try:
                return await within(ANSWER, self._process.became(await self._connected(), batch))
            except StoreLocked:
                raise
            except (Lost, Conflict, StoreError) as error:
                if self._stopping:  # whoever starts next looks at what is there
                    raise StoreError(f"nobody knows whether it was committed: {error}") from error
                if not told:
                    log.warning("the answer to a commit was lost; nobody is answered until it is known", why=str(error))
                told = True
                await asyncio.sleep(_PAUSE)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost:
            self._connection = await self._connect(self._process.name)
        return self._connection

    async def _decided(self, connection: Connection, units: Sequence[Unit]) -> list[Any]:
        """The answers of units, with their rows written; `LATER` of those that have to wait."""
        places: Sequence[int] = range(len(units))
        names: Collection[str] | None = None
        if not self._process.alone:
            places, names = await self._lock(connection, units)
        answers: list[Any] = [LATER] * len(units)
        ours = iter(places)
        for batch in batches(units[nth] for nth in places):
            facts = await self._facts(connection, batch, names)
            for unit in batch:
                answers[next(ours)] = unit.decide(facts)
            await self._write(connection, facts)
        return answers

    async def _lock(self, connection: Connection, units: Sequence[Unit]) -> tuple[Sequence[int], Collection[str]]:
        """Lock what units are about: which of them may be decided, and on which names.

        Those about what another process has just locked have to wait, and all after them that are about the same.
        """
        named = await self._named(connection, units)
        names = {name for own in named for name in own}
        got = await locked(connection, names)
        busy, places = names - got, list[int]()
        for nth, unit in enumerate(units):
            if busy.isdisjoint(named[nth]) or (isinstance(unit, Searching) and unit.choosy):
                places.append(nth)
            else:
                busy.update(named[nth])
        return places, got

    async def _named(self, connection: Connection, units: Sequence[Unit]) -> list[Collection[str]]:
        """The names of each unit, with those of the texts that it finds."""
        searching = [unit for unit in units if isinstance(unit, Searching)]
        if not searching:
            return [unit.names for unit in units]
        facts = await self._driven(connection, search(_wants(searching)))
        return [(*u.names, *u.found(facts)) if isinstance(u, Searching) else u.names for u in units]

    async def _facts(self, connection: Connection, units: Sequence[Unit], names: Collection[str] | None) -> Facts:
        process = self._process
        facts = Facts(
            process=process.id, outdated=process.outdated, leads=process.leads, locked=names, rules=self._rules
        )  # fmt: skip
        return await self._driven(connection, gather(_wants(units), facts))

    async def _driven(self, connection: Connection, looking: Generator[Look, Sequence[Rows], Facts]) -> Facts:
        try:
            look = next(looking)
            while True:
                look = looking.send(await self._look(connection, look))
        except StopIteration as end:
            found: Facts = end.value
            return found

    async def _look(self, connection: Connection, look: Look) -> Sequence[Rows]:
        name, parameters = look
        return await connection.each(self._selects[name], parameters)

    async def _write(self, connection: Connection, facts: Facts) -> None:
        rows = facts.written()
        for name, row in facts.script:
            await connection.run(self._writes[name], row)
            reached("writer.statement")
        for name, statement in self._writes.items():
            if name in rows:
                await connection.many(statement, rows[name])
                self._written += len(rows[name])
                reached("writer.statement")


def _settles(unit: Unit) -> bool:
    """Whether no other process may decide anything meanwhile."""
    return bool(getattr(unit, "settled", False))


def _wants(units: Sequence[Unit]) -> Wants:
    wants = Wants()
    for unit in units:
        unit.want(wants)
    return wants


def _answer(wishes: Sequence[_Wish], error: StoreError) -> None:
    for job, _ in wishes:
        job.answer(error)
