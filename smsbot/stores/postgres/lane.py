"""The one way of a process into PostgreSQL: whatever waits is gathered, decided and committed together.

One task and one connection. Where the connection is lost before COMMIT, the batch is taken again; where the answer to a
COMMIT is lost, the mark that each batch leaves in the row of this process tells what became of it, and nobody is
answered before that is known.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from smsbot.core.errors import StoreError, StoreLocked
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.stores.committing import TALLY
from smsbot.stores.deciding.facts import Facts, Wants
from smsbot.stores.deciding.gathering import Look, Rows, gather
from smsbot.stores.deciding.rules import Rules
from smsbot.stores.deciding.unit import Named, Unit, batches
from smsbot.stores.jobs import Job, refusal, shared

from .driver import ANSWER, Conflict, Connection, Lost, Refused, within
from .processes import TAKEN_OVER, Process
from .statements import Statement

log = Log("smsbot.lane")
_BATCH = 256
_PATIENCE = 5.0
"""Seconds for which a batch is taken again, until those who wait are told that the database is away."""
_PAUSE = 0.05
_TALLY_EACH = 50_000
"""Rows that are written until what is new is tallied."""


class Lane:
    """The task and its connection."""

    failing = False
    """Whether the last commit failed."""

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
        self._jobs: deque[Job] = deque()
        self._awake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._batch = 0
        self._written = 0
        """Rows that were written since they were tallied."""

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._jobs)

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
        """The answers of the units, after the commit that holds them."""
        if self._stopping or self._task is None or self._task.done():
            raise StoreError("the database is closed")
        job = Job(units, asyncio.get_running_loop())
        self._jobs.append(job)
        self._awake.set()
        return await job.future

    async def _live(self) -> None:
        while self._jobs or not self._stopping:
            if not self._jobs:
                self._awake.clear()
                await self._awake.wait()
                continue
            jobs: list[Job] = []
            while self._jobs and len(jobs) < _BATCH:
                jobs.append(self._jobs.popleft())
            try:
                await self._serve(jobs)
                await self._tally()
            except BaseException as error:
                _answer(jobs, StoreError("the database is closed"))
                if isinstance(error, asyncio.CancelledError):
                    raise
                log.error("the lane into the database failed", exc_info=error)

    async def _serve(self, jobs: Sequence[Job]) -> None:
        """Commit jobs together; one by one, if the database does not take a row of them."""
        units = [unit for job in jobs for unit in job.units]
        try:
            answers = await self._insist(units)
        except StoreError as error:
            self.failing = True
            _answer(jobs, error)
            return
        except Exception:
            answers = [await self._apart(unit) for unit in units]
        self.failing = False
        for job, own in zip(jobs, shared(answers, jobs), strict=True):
            job.answer(own)

    async def _apart(self, unit: Unit) -> Any:
        """The answer of one unit in a transaction of its own; a refusal if the database does not take its rows."""
        try:
            return (await self._insist([unit]))[0]
        except StoreError as error:
            return error
        except Exception as error:
            return refusal(error)

    async def _tally(self) -> None:
        """Count what is new for /metrics, now and then."""
        if self._written > _TALLY_EACH and not self._stopping:
            self._written = 0
            with suppress(StoreError, Refused):
                await self._insist([Named([(name, ()) for name in TALLY])])

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
        await connection.begin()
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
        """The answers of units, with their rows written."""
        answers: list[Any] = []
        for batch in batches(units):
            facts = await self._facts(connection, batch)
            answers += [unit.decide(facts) for unit in batch]
            await self._write(connection, facts)
        return answers

    async def _facts(self, connection: Connection, units: Sequence[Unit]) -> Facts:
        wants = Wants()
        for unit in units:
            unit.want(wants)
        looking = gather(wants, self._rules)
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


def _answer(jobs: Sequence[Job], error: StoreError) -> None:
    for job in jobs:
        job.answer(error)
