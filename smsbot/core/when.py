"""When something goes on, as people write it: ``2h waking``, ``9:00``, ``9:00 tomorrow``, ``Mon 9:00``."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

from .clock import duration
from .errors import UsageError
from .hours import weekday
from .structs import struct

EXAMPLE = 'write for example "9:00", "9:00 tomorrow", "Mon 9:00", "2026-12-24 9:00" or "2h waking"'
Awake = Callable[[float, float], float]
"""From a moment and a number of seconds to the moment when so many have passed that are no quiet hours."""
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")
_WAKING = re.compile(r"(.+?)\s+waking", re.IGNORECASE)


def passing(moment: float, seconds: float) -> float:
    """Every hour counts: nobody says which ones are quiet."""
    return moment + seconds


@struct
class When:
    """A moment that is not known until it is waited for."""

    waking: float = 0.0
    """Seconds that are no quiet hours; 0: a time of a day."""
    hour: int = 0
    minute: int = 0
    day: str = ""
    """``tomorrow``, the number of a weekday from 0 for Monday, a day as ISO 8601 writes it; empty: the next time."""

    def moment(self, now: float, zone: tzinfo, awake: Awake) -> float:
        """The moment, in seconds since 1970; behind `now`, but for a day that is named and has passed.

        A time that the clock passes over in spring is as far behind the gap as it is within (3:30 for 2:30); of one
        that comes twice in autumn it is the first (PEP 495).
        """
        if self.waking:
            return awake(now, self.waking)
        today = datetime.fromtimestamp(now, zone).date()
        if self.day == "tomorrow":
            return self._at(today + timedelta(days=1), zone)
        if "-" in self.day:
            return self._at(date.fromisoformat(self.day), zone)
        step = 7 if self.day else 1
        first = today + timedelta(days=(int(self.day) - today.weekday()) % 7 if self.day else 0)
        found = self._at(first, zone)
        return found if found > now else self._at(first + timedelta(days=step), zone)

    def _at(self, day: date, zone: tzinfo) -> float:
        return datetime.combine(day, time(self.hour, self.minute), zone).timestamp()


def when(written: str) -> When:
    """Read a time of a day, or a time that is spent awake. Raises `UsageError`."""
    if (found := _WAKING.fullmatch(written.strip())) is not None:
        seconds = duration(found[1])
        if seconds <= 0:
            raise UsageError(f'"{written[:40]}" is no time at all')
        return When(waking=seconds)
    clock = _CLOCK.search(written)
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59:
        raise UsageError(f'"{written[:40]}" is no time of a day; {EXAMPLE}')
    rest = f"{written[: clock.start()]} {written[clock.end() :]}".strip().lower()
    return When(0.0, int(clock[1]), int(clock[2]), _day(rest, written))


def _day(rest: str, written: str) -> str:
    if rest in ("", "tomorrow"):
        return rest
    try:
        return date.fromisoformat(rest).isoformat() if rest[:1].isdigit() else str(weekday(rest))
    except (ValueError, UsageError):
        raise UsageError(f'"{written[:40]}" names no day; {EXAMPLE}') from None
