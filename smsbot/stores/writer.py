"""The one thread that writes to SQLite: whatever waits is committed together, without a batching delay.

A job is a list of units (`deciding`). What the units of a batch have to know is read inside the transaction, they
decide on that and on what those before them decided, and the rows that they leave run as one ``executemany`` a
statement, in the order of ``sql/shared/writes.sql``. If the database refuses a row, the batch is rolled back, and each
unit is committed by itself, so that only its own is refused.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from smsbot.core.errors import StoreError
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.threads import in_background

from .deciding.facts import Facts, Wants
from .deciding.gathering import Look, Rows, gather
from .deciding.rules import Rules
from .deciding.unit import Unit, batches
from .jobs import Job, failure, refusal, shared
from .migrating import connected
from .queries import Query

log = Log("smsbot.writer")
_BATCH = 512
_AGAIN = 0.1
"""Seconds after a fault of the thread until it goes on."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The named statements of a dialect: what is written, and what is read for it."""

    writes: Mapping[str, Query]
    selects: Mapping[str, Query]


class Hand:
    """Statements by name, run at once."""

    def __init__(self, db: sqlite3.Connection, statements: Statements) -> None:
        self._db = db
        self._statements = statements

    def run(self, name: str, *parameters: object) -> None:
        """Write."""
        self._db.execute(self._statements.writes[name].sql, parameters)
        reached("writer.statement")

    def rows(self, name: str, *parameters: object) -> list[sqlite3.Row]:
        """Read."""
        return self._db.execute(self._statements.selects[name].sql, parameters).fetchall()


class Writer:
    """The thread and its connection. `prepare` runs once on it, after the migrations."""

    failing = False
    """Whether the last commit failed."""

    def __init__(self, path: str, statements: Statements, rules: Rules) -> None:
        self._path = path
        self._rules = rules
        self._statements = statements
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gathered: list[Job] = []
        """Jobs of this turn of the loop: they are handed over at its end, so that the thread wakes once for all."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.committed: Callable[[sqlite3.Connection, int], None] = _nothing
        """Is called on the thread when a batch is durable, with the place of the last event."""

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._gathered) + self._jobs.qsize()

    async def start(self, prepare: Callable[[Hand], None]) -> None:
        """Connect, migrate and prepare; raises what went wrong."""
        self._loop = asyncio.get_running_loop()
        ready = Job((), self._loop)
        self._thread = threading.Thread(target=self._live, args=(prepare, ready), name="smsbot-writer", daemon=True)
        self._thread.start()
        await ready.future

    async def stop(self) -> None:
        """Commit what was submitted, then close."""
        self._stopping = True
        self._hand_over()
        if self._thread is not None and self._thread.is_alive():
            self._jobs.put(None)
            await in_background(self._thread.join, "smsbot-closing")

    async def submit(self, units: Sequence[Unit]) -> list[Any]:
        """The answers of the units, after the commit that holds them."""
        if self._stopping or self._loop is None or self._thread is None or not self._thread.is_alive():
            raise StoreError("the database is closed")
        job = Job(units, self._loop)
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(job)
        return await job.future

    def _hand_over(self) -> None:
        for job in self._gathered:
            self._jobs.put(job)
        self._gathered.clear()

    # -- on the thread ------------------------------------------------------------------------------

    def _live(self, prepare: Callable[[Hand], None], ready: Job) -> None:
        assert self._loop is not None
        try:
            db = connected(self._path)
            self.alone(db, prepare)
        except sqlite3.Error as error:
            unusable = StoreError(f"{self._path} cannot be used: {error}")
            self._loop.call_soon_threadsafe(ready.answer, unusable)
            return
        except Exception as error:
            self._loop.call_soon_threadsafe(ready.answer, error)
            return
        self._loop.call_soon_threadsafe(ready.answer, ())
        while self._serves(db):
            pass
        db.close()

    def _serves(self, db: sqlite3.Connection) -> bool:
        """Serve once; whatever goes wrong, there is a next time. False at the end."""
        try:
            return self._serve(db)
        except Exception as error:
            self.failing = True
            log.error("the writer failed inside smsbot; it goes on", why=type(error).__name__)
            time.sleep(_AGAIN)
            return True

    def alone(self, db: sqlite3.Connection, work: Callable[[Hand], None]) -> None:
        """Work on the thread, in a transaction of its own."""
        db.execute("BEGIN IMMEDIATE")
        try:
            work(Hand(db, self._statements))
            db.execute("COMMIT")
        except BaseException:
            _roll_back(db)
            raise

    def _serve(self, db: sqlite3.Connection) -> bool:
        """Commit one batch; False once there is no more to come."""
        reached("writer.served")
        jobs: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) >= _BATCH or self._jobs.empty():
                break
            job = self._jobs.get()
        if jobs:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(_settle, self._commit(db, jobs))
        return job is not None

    def _commit(self, db: sqlite3.Connection, jobs: list[Job]) -> list[tuple[Job, Any]]:
        units = [u for j in jobs for u in j.units]
        try:
            try:
                answers = self._together(db, units)
            except (sqlite3.OperationalError, MemoryError):
                raise
            except Exception:
                answers = [self._apart(db, unit) for unit in units]
            self.failing = False
        except BaseException as error:
            self.failing = True
            failed = failure(error)
            return [(job, failed) for job in jobs]
        return list(zip(jobs, shared(answers, jobs), strict=True))

    def _together(self, db: sqlite3.Connection, units: Sequence[Unit]) -> list[Any]:
        with self._transaction(db):
            answers, seq = self._decided(db, units)
        self._after(db, seq)
        return answers

    def _apart(self, db: sqlite3.Connection, unit: Unit) -> Any:
        """The answer of one unit in a transaction of its own; a refusal if the database does not take its rows."""
        with self._transaction(db):
            try:
                answers, seq = self._decided(db, [unit])
            except (sqlite3.OperationalError, MemoryError):
                raise
            except Exception as error:
                _roll_back(db)
                _begin(db)
                return refusal(error)
        self._after(db, seq)
        return answers[0]

    @contextmanager
    def _transaction(self, db: sqlite3.Connection) -> Iterator[None]:
        """A transaction around what is done meanwhile."""
        _begin(db)
        reached("writer.begun")
        try:
            yield
            reached("writer.written")
            db.execute("COMMIT")
            reached("writer.committed")
        except BaseException:
            _roll_back(db)
            raise

    def _decided(self, db: sqlite3.Connection, units: Sequence[Unit]) -> tuple[list[Any], int]:
        """The answers of units, with their rows written, and the place of the last event."""
        answers: list[Any] = []
        seq = 0
        for batch in batches(units):
            facts = self._facts(db, batch)
            answers += [unit.decide(facts) for unit in batch]
            self._write(db, facts)
            seq = facts.seq
        return answers, seq

    def _facts(self, db: sqlite3.Connection, units: Sequence[Unit]) -> Facts:
        wants = Wants()
        for unit in units:
            unit.want(wants)
        looking = gather(wants, Facts(rules=self._rules))
        cursor = db.cursor()
        cursor.row_factory = None
        try:
            look = next(looking)
            while True:
                look = looking.send(self._look(cursor, look))
        except StopIteration as end:
            found: Facts = end.value
            return found

    def _look(self, cursor: sqlite3.Cursor, look: Look) -> Sequence[Rows]:
        name, parameters = look
        execute, sql = cursor.execute, self._statements.selects[name].sql
        return [execute(sql, each).fetchall() for each in parameters]

    def _write(self, db: sqlite3.Connection, facts: Facts) -> None:
        hand, rows = Hand(db, self._statements), facts.written()
        for name, row in facts.script:
            hand.run(name, *row)
        for name, query in self._statements.writes.items():
            if name in rows:
                db.executemany(query.sql, rows[name])
                reached("writer.statement")

    def _after(self, db: sqlite3.Connection, seq: int) -> None:
        """Do the work that follows a commit; its failure cannot undo the commit."""
        try:
            self.committed(db, seq)
        except Exception as error:
            log.error("what follows a commit failed", why=f"{type(error).__name__}: {error}")


def _nothing(db: sqlite3.Connection, seq: int) -> None:
    """Nobody wants to know."""


def _begin(db: sqlite3.Connection) -> None:
    if db.in_transaction:  # its end failed, as the last words of a full disk may
        db.execute("ROLLBACK")
    db.execute("BEGIN IMMEDIATE")


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")


def _settle(answered: Sequence[tuple[Job, Any]]) -> None:
    for job, answers in answered:
        job.answer(answers)
