"""The wall clock as a value that is handed in, so that time can be virtual; and durations such as "10m"."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Protocol

from .errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 10 * 366 * 86400.0
"""The longest duration, in seconds."""
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()


class ShiftedClock:
    """The machine's clock, moved forward by an offset that never falls (for the sandbox)."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC, plus the offset."""
        return time.time() + self.offset

    def move_to(self, moment: float) -> None:
        """Make `now()` at least `moment`; never goes back."""
        self.offset += max(0.0, moment - self.now())


class ManualClock:
    """A clock that stands still until it is moved (for tests)."""

    def __init__(self, start: float = 1_780_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return self._now

    def move_to(self, moment: float) -> None:
        """Make `now()` at least `moment`; never goes back."""
        self._now = max(self._now, moment)

    def set_to(self, moment: float) -> None:
        """Make `now()` this moment, also an earlier one; before anything has happened."""
        self._now = moment


def duration(value: str | float | int) -> float:
    """Seconds of a duration: ``"10m"``, ``"1h 30m"``, ``"24h"``, or a number of seconds."""
    if isinstance(value, int | float):
        seconds = float(value)
    else:
        parts = _PART.findall(value)
        if not parts or _PART.sub("", value).strip():
            raise UsageError(f'{value!r} is not a duration; write for example "30s", "10m", "24h" or "1h 30m"')
        seconds = sum(float(n) * _UNITS[unit] for n, unit in parts)
    if not 0 <= seconds <= LONGEST:
        raise UsageError(f"{value!r} is not between zero and ten years")
    return seconds


def iso(moment: float) -> str:
    """The moment as RFC 3339 in UTC, for people and JSON."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
