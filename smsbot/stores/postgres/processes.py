"""A process that serves a database beside others: its beat, whether it leads, and which turns it takes.

A row of ``processes`` is the right to commit. Every batch writes its number into that row last, so that a process whose
row is gone commits nothing more, and one that lost the answer to a COMMIT can see whether it happened. Nobody is taken
for dead by a clock of ours: a beat counts as still when it did not move while we watched for a lease.

With each beat a process hears of the others, and of what they changed that it keeps in memory. When it has heard is
written in its row, so that whoever changes something can wait until all have heard of it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from smsbot.core.errors import StoreError, StoreLocked
from smsbot.log import Log

from . import bequest
from .driver import ANSWER, Conflict, Connection, Lost, Refused, within
from .others import Others
from .statements import PROCESSES, Statement

log = Log("smsbot.processes")
SURE = 5.0
"""Seconds since our own beat for which we are sure that nobody has taken us for dead."""
BEAT = 0.5
_LOOK = 0.25
_LONGEST = 4.0
"""Seconds that a beat may take; then it is given up, before this process would be taken for dead."""
_HEARD = 10.0
"""Seconds that are waited for others to hear of something; those that are dead are gone by then."""

Ask = Callable[[Statement, Sequence[object]], Awaitable[list[Any]]]
"""Asks the database for the rows of a statement."""
TAKEN_OVER = "another smsbot took over this database while this one was away"

_LOCK = "LOCK TABLE processes IN SHARE ROW EXCLUSIVE MODE"


def session_name(house: str, process: int) -> str:
    """What the sessions of a process are called, in the schema that it serves: who takes its place can end them."""
    return f"smsbot-{process}-{house}"


class Process:
    """This process, as others see it in the database; one that `shares` it serves beside others."""

    def __init__(
        self, connect: Callable[[str], Awaitable[Connection]], place: str = "", *, shares: bool = False
    ) -> None:  # fmt: skip
        self._connect = connect
        self._place = place or _here()
        self._shares = shares
        self._others = Others(self._place)
        self._house = ""
        self.id = 0
        self.gone = False
        """Whether another has taken its place: nothing is committed, or sent, any more."""
        self.alone = True
        """Whether no other serves, as far as was heard; others begin only when all have heard of them."""
        self.leads = True
        """Whether it has been there for longest, so that it does what one alone does; it does then until its end."""
        self.build = ""
        """What is told to others of the code that serves here, once it does."""
        self.outdated = False
        """Whether processes of a newer build take the turns."""
        self.takes_up = True
        """Whether it takes up what waits and belongs to nobody."""
        self.clock: Callable[[], float] = time.time
        self.retiring = False
        """Whether it is about to end, so that another leads."""
        self.replaced: Callable[[], None] = _nothing
        """Is called once it is gone."""
        self.hear: Callable[[Connection], Awaitable[None]] = _hear_nothing
        """Takes up what others have changed, with every beat."""
        self._beaten = 0.0
        self._heard: object = None
        """When it has heard last, by the database's clock."""
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What its sessions are called."""
        return session_name(self._house, self.id)

    @property
    def sure(self) -> bool:
        """Whether nobody can have taken its place yet."""
        return not self.gone and time.monotonic() - self._beaten < SURE

    # -- its life ---------------------------------------------------------------------------------------

    async def join(self, connection: Connection, *, patient: bool) -> None:
        """Register, once no process is left beside which this one may not serve.

        While one is, a `patient` one waits for its end; another raises `StoreLocked` as soon as it sees it move.
        """
        told = False
        while not await within(ANSWER, self._joined(connection)):
            moving = next((look for look in self._others.in_the_way(shares=self._shares) if look.moved), None)
            if moving is not None and not patient:
                raise StoreLocked(f"another smsbot serves this database ({self._others.whose(moving)})")
            if moving is not None and not told:
                whose = self._others.whose(moving)
                log.warning("another smsbot has this database for itself; waits for its end", who=whose)
                told = True
            await asyncio.sleep(_LOOK)

    async def _joined(self, connection: Connection) -> bool:
        """Register, if nobody is in the way, in the place of the dead.

        The lock, behind which every beat and batch waits, is taken only where it seems so.
        """
        asked = time.monotonic()
        await self._others.look(connection, 0)
        if self._others.in_the_way(shares=self._shares):
            return False
        await connection.begin(_LOCK)  # bounded: one that freezes here would stop them all
        await self._others.look(connection, 0)
        if self._others.in_the_way(shares=self._shares):
            await connection.roll_back()
            return False
        dead = self._others.dead
        for other in dead:
            await connection.rows(PROCESSES["bury"], (other, *self._others.seen_of(other)))
        joined = (await connection.rows(PROCESSES["join"], (self._place, os.getpid(), self._shares)))[0]
        self.id, self._house = joined["id"], joined["house"]
        await connection.commit()
        self._beaten = asked
        self._counted(dead)
        await self._end_sessions(connection, dead)
        if await bequest.is_left(connection):
            await bequest.take(connection, self.clock())
        return True

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
                await self._leave(connection)
                await connection.close()
            else:
                await self._leave(connection)
        self.id = 0

    async def _leave(self, connection: Connection) -> None:
        """Give back the conversations that wait; what it was still sending is unknown, as others are told at once."""
        await connection.run(PROCESSES["give_back"], (self.id,))
        await connection.run(PROCESSES["end"], (self.id,))
        if not self.alone and await bequest.is_left(connection):
            await bequest.take(connection, self.clock())

    async def _live(self) -> None:
        connection: Connection | None = None
        try:
            while not self.gone:
                try:
                    if connection is None or connection.lost:
                        connection = await self._connect(self.name)
                    again = await within(_LONGEST, self._beat(connection))
                except (Lost, Conflict, Refused, StoreError) as error:
                    log.debug("a beat was missed", why=str(error))
                    again = False
                except Exception as error:  # without a beat this process is dead to all others
                    log.error("a beat failed inside smsbot", exc_info=error)
                    again = False
                if not again:
                    await asyncio.sleep(BEAT)
        finally:
            if connection is not None:
                connection.end()

    async def _beat(self, connection: Connection) -> bool:
        """Show that it lives, hear of the others, bury the dead; whether others wait to see what it has heard."""
        asked = time.monotonic()
        if not await connection.rows(PROCESSES["beat"], (self._heard, self.id)):
            self._end()
            return False
        self._beaten = max(self._beaten, asked)
        many = len(self._others)
        heard = await self._others.look(connection, self.id)
        self._counted(())
        await self.hear(connection)
        self._heard = heard
        await self._bury(connection)
        return len(self._others) > many

    async def _bury(self, connection: Connection) -> None:
        """Take the right to commit from those that are dead, unless they have moved since they were looked at."""
        dead = []
        for other in self._others.dead:
            if await connection.rows(PROCESSES["bury"], (other, *self._others.seen_of(other))):
                log.warning("another smsbot is dead; its work goes on here", process=other)
                dead.append(other)
        await self._end_sessions(connection, dead)
        if await bequest.is_left(connection):
            await bequest.take(connection, self.clock())

    def _counted(self, dead: Collection[int]) -> None:
        """Count the others; it leads if it is alone, or the first of those that are not about to end."""
        self.alone = len(self._others) == len(dead)
        before = [other for other in self._others.active if other < self.id and other not in dead]
        self.leads = self.alone or not (before or self.retiring)
        self._compare_builds()

    def _compare_builds(self) -> None:
        """Take turns, or leave them to a newer build; the first of a build takes up what belongs to nobody."""
        builds = self._others.builds() | {self.id: self.build}
        newest = max((one for one in builds if builds[one]), default=self.id)
        outdated = bool(self.build) and builds[newest] != self.build
        if outdated and not self.outdated:
            log.info("processes of a newer build serve; they take the turns from now on")
        self.outdated = outdated
        first = min(one for one in builds if builds[one] == self.build)
        self.takes_up = self.alone or (first == self.id and not (outdated or self.retiring))

    async def retire(self, ask: Ask) -> None:
        """Lead no more: what one alone does is another's from now on, if there is one."""
        self.retiring, self.leads = True, self.alone
        await ask(PROCESSES["retire"], (self.id,))

    async def announce(self, build: str, ask: Ask) -> None:
        """Serve from now on, with the code of a build: it takes turns, and those that were there before do not."""
        self.build = build
        await ask(PROCESSES["announce"], (build, self.id))

    async def heard(self, ask: Ask) -> str:
        """Wait until all have heard of what is committed by now; who has not, if some have not in time."""
        since = (await ask(PROCESSES["now"], ()))[0]["now"]
        end = time.monotonic() + _HEARD
        while deaf := await ask(PROCESSES["deaf"], (since,)):
            if time.monotonic() > end:
                return ", ".join(f"process {row['pid']}" for row in deaf)
            await asyncio.sleep(0.05)
        return ""

    # -- what it has the right to -----------------------------------------------------------------------

    async def mark(self, connection: Connection, batch: int) -> None:
        """Write that a batch is the last, as the last of its statements; raises `StoreLocked` if we were replaced."""
        asked = time.monotonic()
        if not await connection.rows(PROCESSES["mark"], (batch, self.id)):
            self._end()
            raise StoreLocked(TAKEN_OVER)
        self._beaten = max(self._beaten, asked)

    async def became(self, connection: Connection, batch: int) -> bool:
        """Whether a batch was committed of which we have not heard; waits for a transaction that still goes on."""
        try:
            await connection.begin()  # as durable as what it asks about
            found = await connection.rows(PROCESSES["became"], (self.id,))
            await connection.commit()
        except BaseException:
            await connection.roll_back()
            raise
        if not found:
            self._end()
            raise StoreLocked(TAKEN_OVER)
        return bool(found[0]["batch"] >= batch)

    def _end(self) -> None:
        if not self.gone:
            self.gone = True
            log.error(TAKEN_OVER)
            self.replaced()

    async def _end_sessions(self, connection: Connection, dead: list[int]) -> None:
        """End the sessions of the dead: what they have locked is free."""
        for other in dead:
            await connection.rows(PROCESSES["end_sessions"], (session_name(self._house, other),))


def _nothing() -> None:
    """Nobody wants to know."""


async def _hear_nothing(connection: Connection) -> None:
    """Nothing is kept in memory."""


def _here() -> str:
    """Where process ids mean what they mean here: a machine since it was started, and a container of it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    space = "/proc/self/ns/pid"
    with suppress(OSError):
        return f"{boot.read_text().strip()} {os.readlink(space)}"
    return f"{socket.gethostname()} {os.getpid()}"
