"""The other processes of a database, as one of them sees them: how they stand, and which are dead."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from .driver import Connection
from .statements import PROCESSES

LEASE = 6.0
"""Seconds without a beat until others may take a process for dead."""
_AWAY = 2.0
"""Seconds without a look of our own after which we know nothing of others any more, and watch them anew."""


@dataclass(slots=True)
class _Look:
    """Another process, as it was seen last."""

    place: str
    pid: int
    shares: bool
    retires: bool
    build: str
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


class Others:
    """The other processes of a database, as one process sees them."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._seen: dict[int, _Look] = {}
        self._looked = 0.0

    async def look(self, connection: Connection, own: int) -> object:
        """See how they stand; returns the time of that by the database's clock. `own` is none of them."""
        asked = time.monotonic()
        rows = await connection.rows(PROCESSES["all"], ())
        before = self._seen if asked - self._looked < _AWAY else {}  # the database may have been away for all of us
        self._looked = asked
        self._seen = {
            row["id"]: _Look(
                row["place"], row["pid"], row["shares"], row["retires"], row["build"], (row["beat"], row["batch"])
            )
            for row in rows
            if row["id"] != own
        }
        for other, look in self._seen.items():
            look.follow(before.get(other), time.monotonic())
        return rows[0]["now"] if rows else None

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def active(self) -> list[int]:
        """Those that are not about to end."""
        return [other for other, look in self._seen.items() if not look.retires]

    def builds(self) -> dict[int, str]:
        """What those have announced that serve, and are not about to end."""
        dead = self.dead
        return {o: look.build for o, look in self._seen.items() if not look.retires and o not in dead}

    def seen_of(self, other: int) -> tuple[object, ...]:
        """By what another was seen to stand still."""
        return self._seen[other].beat

    @property
    def dead(self) -> list[int]:
        """Those that are gone: their machine says so, or they have not moved for a lease."""
        return [other for other, look in self._seen.items() if self._is_dead(look)]

    def in_the_way(self, *, shares: bool) -> list[_Look]:
        """Those beside which a process may not serve, unless they are dead: one that shares, beside its like only."""
        return [look for look in self._seen.values() if not self._is_dead(look) and not (shares and look.shares)]

    def whose(self, look: _Look) -> str:
        """Another process, in words."""
        where = "this machine" if look.place == self._place else "another machine"
        return f"process {look.pid} of {where}"

    def _is_dead(self, look: _Look) -> bool:
        if look.place == self._place and (look.pid == os.getpid() or _has_ended(look.pid)):
            return True
        return self._looked - look.since > LEASE


def _has_ended(pid: int) -> bool:
    """Whether no process of this id runs here, as /proc tells (proc(5)); one that nobody has reaped runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return not Path(f"/proc/{pid}").exists()
