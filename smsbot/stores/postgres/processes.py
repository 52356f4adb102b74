"""The registration of a process that serves a database: its beat, and when another may take its place.

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
from dataclasses import dataclass
from pathlib import Path

from smsbot.core.errors import StoreError, StoreLocked
from smsbot.log import Log

from .driver import ANSWER, Conflict, Connection, Lost, within
from .statements import Statement

log = Log("smsbot.processes")
LEASE = 6.0
"""Seconds without a beat until others may take a process for dead."""
SURE = 5.0
"""Seconds since our own beat for which we are sure that nobody has."""
BEAT = 1.0
_LOOK = 0.25

TAKEN_OVER = "another smsbot took over this database while this one was away"

_LOCK = "LOCK TABLE processes IN SHARE ROW EXCLUSIVE MODE"
_OTHERS = Statement("SELECT id, place, pid, batch, extract(epoch FROM beat)::float8 AS beat FROM processes ORDER BY id")
_JOIN = Statement("INSERT INTO processes (place, pid) VALUES (?, ?) RETURNING id, current_schema()::text AS house")
_END = Statement("DELETE FROM processes WHERE id = ?")
_SESSIONS = Statement(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE application_name = ? AND datname = current_database() AND pid <> pg_backend_pid()"
)
_BEAT = Statement("UPDATE processes SET beat = clock_timestamp() WHERE id = ? RETURNING id")
_MARK = Statement("UPDATE processes SET batch = ?, beat = clock_timestamp() WHERE id = ? RETURNING id")
_BECAME = Statement("SELECT batch FROM processes WHERE id = ? FOR UPDATE")


def session_name(house: str, process: int) -> str:
    """What the sessions of a process are called, in the schema that it serves: who takes its place can end them."""
    return f"smsbot-{process}-{house}"


@dataclass(slots=True)
class _Look:
    """Another process, as it was seen last."""

    place: str
    pid: int
    beat: tuple[object, ...]
    since: float = 0.0
    """When it was seen to stand as it does."""
    moved: bool = False
    """Whether it has moved since it was first seen."""

    def follow(self, before: _Look | None, now: float) -> None:
        """Compare with what was seen before."""
        still = before is not None and before.beat == self.beat
        self.since = before.since if before is not None and still else now
        self.moved = before is not None and (before.moved or not still)


class Process:
    """This process, as others see it in the database."""

    def __init__(self, connect: Callable[[str], Awaitable[Connection]], place: str = "") -> None:
        self._connect = connect
        self._place = place or _here()
        self._house = ""
        self.id = 0
        self.gone = False
        """Whether another has taken its place: nothing is committed, or sent, any more."""
        self.replaced: Callable[[], None] = _nothing
        """Is called once then."""
        self._beaten = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What its sessions are called."""
        return session_name(self._house, self.id)

    @property
    def sure(self) -> bool:
        """Whether nobody can have taken its place yet."""
        return not self.gone and time.monotonic() - self._beaten < SURE

    async def join(self, connection: Connection, *, patient: bool) -> None:
        """Register, once no other process serves the database.

        While one does, a `patient` one waits for its end; another raises `StoreLocked` as soon as it sees it move.
        """
        seen: dict[int, _Look] = {}
        told = False
        while not await within(ANSWER, self._joined(connection, seen)):
            moving = next((look for look in seen.values() if look.moved), None)
            if moving is not None and not patient:
                raise StoreLocked(f"another smsbot serves this database ({self._whose(moving)})")
            if moving is not None and not told:
                log.warning("another smsbot serves this database; waits for its end", who=self._whose(moving))
                told = True
            await asyncio.sleep(_LOOK)

    async def _joined(self, connection: Connection, seen: dict[int, _Look]) -> bool:
        """Take the place of the dead, if nobody alive is left; `seen` is what was seen of others so far.

        The lock, behind which every beat and batch waits, is taken only where it seems so.
        """
        asked = time.monotonic()
        if not await self._all_dead(connection, seen):
            return False
        await connection.script(f"BEGIN; {_LOCK}")
        if not await self._all_dead(connection, seen):
            await connection.script("ROLLBACK")
            return False
        for other in seen:
            await connection.run(_END, (other,))
        joined = (await connection.rows(_JOIN, (self._place, os.getpid())))[0]
        self.id, self._house = joined["id"], joined["house"]
        await connection.script("COMMIT")
        self._beaten = asked
        for other in seen:
            await connection.rows(_SESSIONS, (session_name(self._house, other),))
        return True

    async def _all_dead(self, connection: Connection, seen: dict[int, _Look]) -> bool:
        """Look at the others, and keep what was seen; whether none of them is alive."""
        asked = time.monotonic()
        looks = {
            row["id"]: _Look(row["place"], row["pid"], (row["beat"], row["batch"]))
            for row in await connection.rows(_OTHERS, ())
        }
        for other, look in looks.items():
            look.follow(seen.get(other), time.monotonic())
        seen.clear()
        seen.update(looks)
        return all(self._dead(look, asked) for look in looks.values())

    def _dead(self, look: _Look, now: float) -> bool:
        """Whether a process is gone: its machine says so, or it has not moved for a lease."""
        if look.place == self._place and (look.pid == os.getpid() or _has_ended(look.pid)):
            return True
        return now - look.since > LEASE

    def _whose(self, look: _Look) -> str:
        where = "this machine" if look.place == self._place else "another machine"
        return f"process {look.pid} of {where}"

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
        if not self.id:
            return
        with suppress(Lost, Conflict, StoreError):
            if connection is None or connection.lost:
                connection = await self._connect(self.name)
                await connection.run(_END, (self.id,))
                await connection.close()
            else:
                await connection.run(_END, (self.id,))
        self.id = 0

    async def mark(self, connection: Connection, batch: int) -> None:
        """Write that a batch is the last, as the last of its statements; raises `StoreLocked` if we were replaced."""
        asked = time.monotonic()
        if not await connection.rows(_MARK, (batch, self.id)):
            self._end()
            raise StoreLocked(TAKEN_OVER)
        self._beaten = max(self._beaten, asked)

    async def became(self, connection: Connection, batch: int) -> bool:
        """Whether a batch was committed of which we have not heard; waits for a transaction that still goes on."""
        try:
            await connection.begin()  # as durable as what it asks about
            found = await connection.rows(_BECAME, (self.id,))
            await connection.commit()
        except BaseException:
            await connection.roll_back()
            raise
        if not found:
            self._end()
            raise StoreLocked(TAKEN_OVER)
        return bool(found[0]["batch"] >= batch)

    async def _live(self) -> None:
        connection: Connection | None = None
        try:
            while not self.gone:
                try:
                    if connection is None or connection.lost:
                        connection = await self._connect(self.name)
                    asked = time.monotonic()
                    if not await within(ANSWER, connection.rows(_BEAT, (self.id,))):
                        self._end()
                    self._beaten = max(self._beaten, asked)
                except (Lost, Conflict, StoreError) as error:
                    log.debug("a beat was missed", why=str(error))
                await asyncio.sleep(BEAT)
        finally:
            if connection is not None:
                connection.end()

    def _end(self) -> None:
        if not self.gone:
            self.gone = True
            log.error(TAKEN_OVER)
            self.replaced()


def _has_ended(pid: int) -> bool:
    """Whether no process of this id runs here, as /proc tells (proc(5)); one that nobody has reaped runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return not Path(f"/proc/{pid}").exists()


def _nothing() -> None:
    """Nobody wants to know."""


def _here() -> str:
    """Where process ids mean what they mean here: a machine since it was started, and a container of it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = "/proc/self/ns/pid"
    with suppress(OSError):
        return f"{boot.read_text().strip()} {os.readlink(space)}"
    return f"{socket.gethostname()} {os.getpid()}"
