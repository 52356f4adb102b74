"""Hours in which somebody is there, as people write them: ``Mon-Fri 9:00-17:00, Sat 10-14``."""

from __future__ import annotations

import re
from datetime import datetime

from .errors import UsageError
from .structs import struct

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES = 24 * 60
_PART = re.compile(
    r"(?:(?P<days>[a-z]{3,9}(?:\s*[-–]\s*[a-z]{3,9})?(?:\s*/\s*[a-z]{3,9})*)\s+)?"
    r"(?P<from>\d{1,2}(?::\d\d)?)\s*[-–]\s*(?P<to>\d{1,2}(?::\d\d)?)"
)
_EXAMPLE = "write for example Mon-Fri 9:00-17:00, Sat 10-14"


@struct
class Hours:
    """Times of the week, in minutes since Monday 0:00; what goes past midnight is in two."""

    spans: tuple[tuple[int, int], ...]

    def at(self, moment: datetime) -> bool:
        """Whether somebody is there at a moment, whose zone is that of the hours."""
        minute = moment.weekday() * _MINUTES + moment.hour * 60 + moment.minute
        return any(start <= minute < end for start, end in self.spans)

    def end(self, moment: datetime) -> int | None:
        """The minute of its day (1440: midnight) at which the span ends that a moment is in; None if it is in none.

        A span that goes on past midnight ends there; the next begins there.
        """
        day, minute = moment.weekday() * _MINUTES, moment.hour * 60 + moment.minute
        ends = [end - day for start, end in self.spans if start <= day + minute < end]
        return min(max(ends), _MINUTES) if ends else None

    def start(self, moment: datetime) -> int | None:
        """The minute of its day at which the next span begins on it, behind a moment; None if none does."""
        day, minute = moment.weekday() * _MINUTES, moment.hour * 60 + moment.minute
        starts = [start - day for start, _ in self.spans if day + minute < start < day + _MINUTES]
        return min(starts, default=None)


def hours(written: str) -> Hours:
    """Read hours; days that are not named are all seven. Raises `UsageError` with what is wrong."""
    spans: list[tuple[int, int]] = []
    for part in written.lower().split(","):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise UsageError(f'"{part.strip()[:40]}" is no time of the week; {_EXAMPLE}')
        start, end = _minute(found["from"]), _minute(found["to"])
        if start == end:
            raise UsageError(f'"{part.strip()[:40]}" begins when it ends; {_EXAMPLE}')
        length = (end - start) % _MINUTES or _MINUTES
        for day in _days(found["days"] or "mon-sun"):
            spans += _cut(day * _MINUTES + start, length)
    return Hours(tuple(sorted(spans)))


def _cut(start: int, length: int) -> list[tuple[int, int]]:
    """A span, the part of it that is in the next week at that week's beginning."""
    week = 7 * _MINUTES
    if start + length <= week:
        return [(start, start + length)]
    return [(start, week), (0, start + length - week)]


def _minute(written: str) -> int:
    hour, _, minute = written.partition(":")
    found = int(hour) * 60 + int(minute or 0)
    if found > _MINUTES or int(minute or 0) > 59:
        raise UsageError(f'"{written}" is no time of day')
    return found


def _days(written: str) -> list[int]:
    found: list[int] = []
    for part in written.split("/"):
        ends = [weekday(d.strip()) for d in re.split(r"[-–]", part)]
        first, last = ends[0], ends[-1]
        found += [(first + n) % 7 for n in range((last - first) % 7 + 1)]
    return list(dict.fromkeys(found))


def weekday(written: str) -> int:
    """The number of a weekday from 0 for Monday, by three letters of its name or more. Raises `UsageError`."""
    for n, name in enumerate(_NAMES):
        if name.startswith(written) and len(written) >= 3:
            return n
    raise UsageError(f'"{written}" is no day of the week; {_EXAMPLE}')
