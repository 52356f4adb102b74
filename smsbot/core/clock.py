"""The wall clock as a value that is handed in, so that time can be virtual; and durations such as "10m"."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Protocol

from .errors import UsageError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 10 * 366 * 86400.0
"""The longest duration, in seconds."""
_SINCE = re.compile(r"([0-9]{9,13}(?:\.[0-9]{1,9})?|[0-9]{16}|[0-9]{19})|/Date\(([0-9]{9,13})(?:[+-][0-9]{4})?\)/")
_TO_THE_SECOND = re.compile(r"[0-9]{9}|[0-9]:[0-9]{2}:[0-9]{2}|[0-9]{8}T?[0-9]{6}")
_LOST_PLUS = re.compile(r"([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) ((?:0[0-9]|1[0-4]):?[0-5][0-9])$")
_ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
"""Names of zones as providers write them, and their hours before UTC (RFC 5322, IANA time zone database)."""
_SEPARATOR = re.compile(r"[^0-9A-Za-z]|$")
_DATES = {
    ".": ("%d.%m.%Y",), "-": ("%d-%m-%Y", "%d-%b-%Y", "%Y-%m-%d"), "/": ("%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y"),
    " ": ("%b %d, %Y", "%d %b %Y"),
}  # fmt: skip
"""Days by the first sign in them; a month before its day stands between slashes."""
_TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%H:%M:%S %z")
_HALVES = ("%I:%M:%S %p", "%I:%M %p")
"""Times of a day of twice twelve hours."""
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


Duration = str | float | timedelta
"""A text such as ``"10m"``, seconds, or a `timedelta`."""


def duration(value: Duration) -> float:
    """Seconds of a duration: ``"10m"``, ``"1h 30m"``, ``"24h"``, a number of seconds, or a `timedelta`."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float):
        seconds = float(value)
    elif not isinstance(value, str):
        raise UsageError(f'{value!r} is not a duration; write for example "30s", "10m", 600 or timedelta(minutes=10)')
    else:
        parts = _PART.findall(value)
        if not parts or _PART.sub("", value).strip():
            raise UsageError(f'{value!r} is not a duration; write for example "30s", "10m", "24h" or "1h 30m"')
        seconds = sum(float(n) * _UNITS[unit] for n, unit in parts)
    if not 0 <= seconds <= LONGEST:
        raise UsageError(f"{value!r} is not between zero and ten years")
    return seconds


def moment(written: str) -> float | None:
    """The moment that a provider wrote: seconds since 1970 or their fractions, ISO 8601, RFC 5322, or as people write.

    Without a zone it is taken for UTC. None where it is none of these, or no time of this world.
    """
    written = written.strip()
    try:
        if (counted := _SINCE.fullmatch(written)) is not None:
            found = float(counted[1] or counted[2])
            while found > _MOST_SECONDS:  # milliseconds, microseconds, nanoseconds
                found /= 1000
        else:
            found = _written(written)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if _FIRST <= found <= _MOST_SECONDS else None


def is_precise(written: str) -> bool:
    """Whether a provider's time tells one text from the next: a moment, to the second."""
    return bool(_TO_THE_SECOND.search(written)) and moment(written) is not None


def _written(text: str) -> float:
    bare, zone = _without_zone(text)
    try:
        read = datetime.fromisoformat(bare)
    except ValueError:
        read = _spelled(bare) or parsedate_to_datetime(text)
    return (read if read.tzinfo is not None else read.replace(tzinfo=zone)).timestamp()


def _without_zone(text: str) -> tuple[str, timezone]:
    """A time without the name of its zone, and that; a plus that became a space on its way is one again."""
    text = _LOST_PLUS.sub(r"\1+\2", text)
    head, _, name = text.rpartition(" ")
    if name.upper() in _ZONES and head:
        return head, timezone(timedelta(hours=_ZONES[name.upper()]))
    return text, UTC


def _spelled(text: str) -> datetime | None:
    """As people of some country write it; None for no such form."""
    for form in _forms(text):
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return None


def _forms(text: str) -> Iterator[str]:
    """The forms that a time may have: few, since each costs as much as a step of a turn."""
    found = _SEPARATOR.search(text)
    sign = found[0] if found is not None else ""
    if not sign:
        yield "%Y%m%d%H%M%S"
    if text[-4:].isdigit():
        yield "%a %b %d %H:%M:%S %Y"  # asctime
    gap = ", " if ", " in text[9:] else " "  # not the one within "Sep 21, 2026"
    for date in _DATES.get(sign, ()):
        for hour in _HALVES if text[-1:] in "mM" else _TIMES:
            yield f"{date}{gap}{hour}"


def iso(moment: float) -> str:
    """The moment as RFC 3339 in UTC, for people and JSON."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
