"""The store on one SQLite file: WAL, synchronous=FULL, one writer thread, read-only readers."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from smsbot.core.commit import digest
from smsbot.core.errors import StoreLocked
from smsbot.core.message import Event, Key

from . import queries
from .base import Row
from .committing import TALLY, CommittingStore
from .deciding.rules import ASIDE, NO_RULES, Pauses, Rules
from .peers import Alone
from .place import Lock, Mark
from .readers import HotReader, SqliteReader
from .writer import Hand, Statements, Writer

_LOCK_TRIES = 20
_SHARE = 1000
"""Events that are told at once at the start."""
_TALLY_EACH = 50_000
"""Rows that are written until what is new is tallied."""


class SqliteStore(Alone, CommittingStore):
    """Everything in one file of mode 0600, served by one process at a time.

    A `guarded` one refuses to begin anew, or with less, where a database was served before.
    """

    def __init__(self, path: str | Path, *, guarded: bool = True, rules: Rules = NO_RULES) -> None:
        self.path = Path(path)
        self._writer = Writer(
            str(self.path), Statements(queries.load("sqlite", "writes"), queries.load("sqlite", "selects")), rules
        )
        super().__init__(self._writer)
        self._lock = Lock(self.path)
        self._mark = Mark(self.path)
        self._guarded = guarded
        self._seq = 0
        """The place of the last event that is durable."""
        self._told: int | None = 0
        """Up to which place it was told what waited when it was opened; None: all."""
        self._tallied = 0
        self._hot = HotReader(path)
        self._pages = SqliteReader(path)

    async def open(self, now: float) -> None:
        """Lock, migrate, mark open attempts as unknown, connect the readers."""
        if self._guarded:
            self._mark.check_there()
        await self._wait_for_lock()
        try:
            if self._guarded:
                self._mark.check_name()
            await self._writer.start(lambda hand: self._prepare(hand, now))
            self._hot.open()
            await self._pages.open()
            await self.remember()
            self._keep_mark()
        except BaseException:
            await self.close()
            raise

    def _prepare(self, hand: Hand, now: float) -> None:
        hand.run("crashed_attempts", now)
        hand.run("crashed_texts", now)
        hand.run("orphaned_texts", now)
        _tally(hand)
        hand.run("meta", "dedupe_key", secrets.token_bytes(32))
        hand.run("meta", "began", repr(now))
        self._seq = hand.rows("last_event")[0]["seq"]
        self.pauses = Pauses((row["scope"], row["name"]) for row in hand.rows("pauses"))
        for scope, name in self.pauses.names:
            if scope not in ASIDE:
                hand.run("park_all", scope, name)

    def _keep_mark(self) -> None:
        """See that nothing is lost since the last time, and keep from now on what is durable."""
        identity = digest("database", key=self.dedupe_key)[:8]
        if self._guarded:
            self._mark.check_same(identity, self._seq)
        self._mark.open(identity, self._seq)
        self._writer.committed = self._committed

    def _committed(self, db: sqlite3.Connection, seq: int) -> None:
        """Mark what is durable, and tally it now and then."""
        if seq > self._seq:
            self._seq = seq
            self._mark.keep(seq)
        if db.total_changes - self._tallied > _TALLY_EACH:
            self._tallied = db.total_changes
            self._writer.alone(db, _tally)

    async def _wait_for_lock(self) -> None:
        """Take the lock; a process that has just been killed may hold it for a moment still."""
        for _ in range(_LOCK_TRIES):
            try:
                self._lock.take()
                return
            except StoreLocked:
                await asyncio.sleep(0.05)
        self._lock.take()

    async def close(self) -> None:
        """Commit what was submitted, close all connections, let the lock go."""
        self._hot.close()
        await self._pages.close()
        await self._writer.stop()
        self._mark.close()
        self._lock.close()

    async def waiting(self, known: Callable[[Key], bool]) -> Sequence[Event]:
        """What waited at the start, share by share; what comes later is known to whoever takes it in."""
        if self._told is None:
            return ()
        events = await self.unread(self._told, _SHARE)
        self._told = events[-1].seq if events else None
        return events

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        return self._hot.rows(name, parameters) if name in self._hot else await self._pages.rows(name, **parameters)


def _tally(hand: Hand) -> None:
    """Count what is new for /metrics."""
    for name in TALLY:
        hand.run(name)
