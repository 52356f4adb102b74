"""Quiet hours: when nothing leaves that a person has not just asked for, in the zone that they live in.

A number does not tell where its owner is: it may have been ported, and some belong to many zones. So a text leaves when
it is no quiet hour in any zone that may be theirs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files

from smsbot.core import phone, zones
from smsbot.core.errors import UsageError
from smsbot.core.hours import Hours, hours
from smsbot.core.lanes import BULK
from smsbot.core.structs import struct

from .holidays import is_holiday

NEVER = "never"
"""How quiet hours are written that there are none of."""
_AWAKE = "21:00-8:00"
"""The hours that are slept through, where a line has no quiet hours."""
_FARTHEST = 21 * 86_400.0
"""Seconds within which it is looked for an hour that is not quiet."""
_HOLIDAYS = "holidays"


@struct
class Quiet:
    """The quiet hours of a week, and whether holidays are quiet as a whole."""

    hours: Hours
    holidays: bool = False

    def until(self, moment: float, zone: tzinfo, country: str | None) -> float:
        """When the quiet that a moment is in ends, in one zone; the moment itself if it is not quiet."""
        local = datetime.fromtimestamp(moment, zone)
        if self.holidays and is_holiday(country, local.date()):
            return _at(local, 24 * 60, moment)
        end = self.hours.end(local)
        return moment if end is None else _at(local, end, moment)


def quiet(written: str) -> Quiet | None:
    """Read quiet hours: ``20:00-8:00, Sun, holidays``; None for ``never``. Raises `UsageError`."""
    parts = [part.strip() for part in written.split(",")]
    if parts == [NEVER]:
        return None
    timed = [_whole_days(part) for part in parts if part.lower() != _HOLIDAYS]
    try:
        return Quiet(hours(", ".join(timed)) if timed else Hours(()), len(timed) < len(parts))
    except UsageError as error:
        hint = 'quiet hours are written as "20:00-8:00, Sun, holidays", or "never"'
        raise UsageError(f"{error.args[0].partition(';')[0]}; {hint}") from None


def of_country(country: str | None, lane: str) -> Quiet | None:
    """The quiet hours of a lane in a country, where the settings say nothing."""
    return _defaults().get(country or "", _defaults()["default"]) if lane == BULK else None


def zones_of(number: str, own: str | None) -> tuple[str, ...]:
    """The zones that a person may live in: the one that is known of them, else all that their number may be of."""
    if own and zones.zone(own) is not None:
        return (own,)
    return phone.zones(number) or zones.zones_of(phone.country(number)) or ("UTC",)


def opens(rule: Quiet, moment: float, candidates: Sequence[str], country: str | None) -> float | None:
    """The first moment from this on that is quiet in none of the zones; None where there is none in three weeks."""
    known = [found for found in map(zones.zone, candidates) if found is not None]
    at = moment
    while at < moment + _FARTHEST:
        later = max((rule.until(at, zone, country) for zone in known), default=at)
        if later <= at:
            return at
        at = later
    return None


def after_waking(rule: Quiet | None, moment: float, seconds: float, zone: tzinfo, country: str | None) -> float:
    """The moment when so many seconds have passed that are not quiet."""
    rule = rule or Quiet(hours(_AWAKE))
    left = seconds
    for begin, end in _open_spans(rule, moment, zone, country):
        if left <= end - begin:
            return begin + left
        left -= end - begin
    return moment + seconds  # there is no hour that is not quiet


def _open_spans(rule: Quiet, moment: float, zone: tzinfo, country: str | None) -> Iterator[tuple[float, float]]:
    """Spans that are not quiet, each of a day at most, from a moment on; no more after three weeks without one."""
    at, since = moment, moment
    while at - since <= _FARTHEST:
        later = rule.until(at, zone, country)
        if later > at:
            at = later
            continue
        local = datetime.fromtimestamp(at, zone)
        midnight = _at(local, 24 * 60, at)
        start = rule.hours.start(local)
        end = midnight if start is None else min(midnight, _at(local, start, at))
        yield at, end
        at = since = end


def _at(local: datetime, minutes: int, after: float) -> float:
    """The moment of a minute of a local day (1440: the next day's beginning), behind another moment.

    A time that the clock passes over in spring is as far behind the gap as it is within (3:30 for 2:30); one that comes
    twice in autumn is the first of both that is behind `after` (PEP 495).
    """
    day = local.date() + timedelta(days=minutes // 1440)
    wanted = datetime.combine(day, time(minutes % 1440 // 60, minutes % 60), local.tzinfo)
    first, second = (wanted.replace(fold=fold).timestamp() for fold in (0, 1))
    return first if first > after else max(second, after)


def _whole_days(part: str) -> str:
    """Days without hours are quiet as a whole."""
    return part if not part or any(c.isdigit() for c in part) else f"{part} 0:00-24:00"


@cache
def _defaults() -> Mapping[str, Quiet]:
    text = files("smsbot.policy").joinpath("data/quiet.toml").read_text(encoding="utf-8")
    found = {name: quiet(row["bulk"]) for name, row in tomllib.loads(text).items()}
    return {name: rule for name, rule in found.items() if rule is not None}
