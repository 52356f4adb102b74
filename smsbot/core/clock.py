"""The wall clock as a value that is handed in, so that time can be virtual; and durations such as "10m"."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from .errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 10 * 366 * 86400.0
"""The longest duration, in seconds."""
_SECONDS = re.compile(r"[0-9]{9,13}(?:\.[0-9]{1,9})?")
_FIRST, _MOST_SECONDS = 1e9, 1e10
"""The moments that a provider may name: from 2001 to 2286."""
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")


class Clock(Protocol):
    """A clock that tells the time."""

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


def moment(written: str) -> float | None:
    """The moment that a provider wrote: seconds or milliseconds since 1970, ISO 8601, or RFC 5322.

    Without a zone it is taken for UTC. None where it is none of these, or no time of this world.
    """
    written = written.strip()
    try:
        if _SECONDS.fullmatch(written):
            found = float(written)
            found = found / 1000 if found > _MOST_SECONDS else found
        else:
            found = _written(written)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if _FIRST <= found <= _MOST_SECONDS else None


def _written(text: str) -> float:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = parsedate_to_datetime(text)
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()


def iso(moment: float) -> str:
    """The moment as RFC 3339 in UTC, for people and JSON."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
