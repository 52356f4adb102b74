"""The registration of a process that serves a database: its beat, and who may take its place.

A row of ``processes`` is the right to commit. Every batch writes its number into that row last, so that a process whose
row is gone commits nothing more, and one that lost the answer to a COMMIT can see whether it happened. Nobody is taken
for dead by a clock of ours: a beat counts as still when it did not move while we watched for a lease.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from smsbot.core.errors import StoreError, StoreLocked
from smsbot.log import Log

from .driver import Conflict, Connection, Lost
from .statements import Statement

log = Log("smsbot.processes")
LEASE = 6.0
"""Seconds without a beat until others may take a process for dead."""
SURE = 5.0
"""Seconds since our own beat for which we are sure that nobody has."""
BEAT = 1.0
_LOOK = 0.25

_LOCK = "LOCK TABLE processes IN SHARE ROW EXCLUSIVE MODE"
_OTHERS = Statement("SELECT id, place, pid, batch, extract(epoch FROM beat)::float8 AS beat FROM processes ORDER BY id")
_JOIN = Statement("INSERT INTO processes (place, pid) VALUES (?, ?) RETURNING id")
_END = Statement("DELETE FROM processes WHERE id = ?")
_SESSIONS = Statement(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = ? AND datname = current_database() AND pid <> pg_backend_pid()"
)
_BEAT = Statement("UPDATE processes SET beat = clock_timestamp() WHERE id = ? RETURNING id")
_MARK = Statement("UPDATE processes SET batch = ?, beat = clock_timestamp() WHERE id = ? RETURNING id")
_BECAME = Statement("SELECT batch FROM processes WHERE id = ? FOR UPDATE")


def session_name(process: int) -> str:
    """What the sessions of a process are called, so that who takes its place can end them."""
    return f"smsbot-{process}"


class Process:
    """This process, as others see it in the database."""

    def __init__(self, connect: Callable[[str], Awaitable[Connection]]) -> None:
        self._connect = connect
        self.id = 0
        self.gone = False
        """Whether another has taken its place: nothing is committed, or sent, any more."""
        self._beaten = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What its sessions are called."""
        return session_name(self.id)

    @property
    def sure(self) -> bool:
        """Whether nobody can have taken its place yet."""
        return not self.gone and time.monotonic() - self._beaten < SURE

    async def join(self, connection: Connection) -> None:
        """Register, once no other process serves the database; raises `StoreLocked` while one does."""
        watched: dict[int, tuple[object, float]] = {}
        while True:
            asked = time.monotonic()
            await connection.script(f"BEGIN; {_LOCK}")
            others = await connection.rows(_OTHERS, ())
            alive = [other for other in others if not _dead(other, watched)]
            if not alive:
                for other in others:
                    await connection.run(_END, (other["id"],))
                self.id = (await connection.rows(_JOIN, (_place(), os.getpid())))[0]["id"]
                await connection.script("COMMIT")
                self._beaten = asked
                for other in others:
                    await connection.rows(_SESSIONS, (session_name(other["id"]),))
                return
            await connection.script("ROLLBACK")
            now = time.monotonic()
            for other in alive:
                seen = (other["beat"], other["batch"])
                known = watched.get(other["id"])
                if known is not None and known[0] != seen:
                    raise StoreLocked(_served(other))
                watched.setdefault(other["id"], (seen, now))
            await asyncio.sleep(_LOOK)

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._live())

    async def stop(self, connection: Connection | None) -> None:
        """Beat no more, and leave."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if connection is not None and self.id:
            with suppress(Lost, Conflict, StoreError):
                await connection.run(_END, (self.id,))

    async def mark(self, connection: Connection, batch: int) -> None:
        """Write that a batch is the last, as the last of its statements; raises `StoreLocked` if we were replaced."""
        asked = time.monotonic()
        if not await connection.rows(_MARK, (batch, self.id)):
            self.gone = True
            raise StoreLocked("another smsbot took over this database while this one was away")
        self._beaten = max(self._beaten, asked)

    async def became(self, connection: Connection, batch: int) -> bool:
        """Whether a batch was committed of which we have not heard; waits for a transaction that still goes on."""
        found = await connection.rows(_BECAME, (self.id,))
        if not found:
            self.gone = True
            raise StoreLocked("another smsbot took over this database while this one was away")
        return bool(found[0]["batch"] >= batch)

    async def _live(self) -> None:
        connection: Connection | None = None
        try:
            while not self.gone:
                try:
                    if connection is None or connection.lost:
                        connection = await self._connect(self.name)
                    asked = time.monotonic()
                    self.gone = not await connection.rows(_BEAT, (self.id,))
                    self._beaten = max(self._beaten, asked)
                except (Lost, Conflict, StoreError) as error:
                    log.debug("a beat was missed", why=str(error))
                await asyncio.sleep(BEAT)
            log.error("another smsbot took over this database: this one sends nothing more")
        finally:
            if connection is not None:
                connection.end()


def _dead(other: object, watched: dict[int, tuple[object, float]]) -> bool:
    """Whether a process is gone: its machine says so, or it has not moved for a lease."""
    row: dict[str, object] = dict(other)  # type: ignore[call-overload]
    if row["place"] == _place():
        return row["pid"] == os.getpid() or not Path(f"/proc/{row['pid']}").exists()
    known = watched.get(int(str(row["id"])))
    return known is not None and known[0] == (row["beat"], row["batch"]) and time.monotonic() - known[1] > LEASE


def _served(other: object) -> str:
    row: dict[str, object] = dict(other)  # type: ignore[call-overload]
    where = "this machine" if row["place"] == _place() else "another machine"
    return f"another smsbot serves this database (process {row['pid']} of {where})"


def _place() -> str:
    """Where process ids mean what they mean here: a machine since it was started, and a container of it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = "/proc/self/ns/pid"
    with suppress(OSError):
        return f"{boot.read_text().strip()} {os.readlink(space)}"
    return f"{socket.gethostname()} {os.getpid()}"
