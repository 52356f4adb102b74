"""Public holidays of a country, from the rules in `data/holidays.toml`, each with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def known() -> frozenset[str]:
    """The countries (ISO 3166-1 alpha-2) whose holidays are known."""
    return frozenset(_rules())


def is_holiday(country: str | None, day: date) -> bool:
    """Whether a whole country keeps a day; no day of a country that is not known."""
    return day in _of_year(country or "", day.year)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm; J.-M. Oudin, 1940, in the USNO's almanac)."""
    century = year // 100
    golden = year % 19
    moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
    moon -= moon // 28 * (1 - moon // 28 * (29 // (moon + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    offset = moon - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


@cache
def _rules() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("smsbot.policy").joinpath("data/holidays.toml").read_text(encoding="utf-8"))


@cache
def _of_year(country: str, year: int) -> frozenset[date]:
    rule = _rules().get(country, {})
    found = {date.fromisoformat(f"{year}-{day}") for day in rule.get("fixed", ())}
    found |= {easter(year) + timedelta(days=after) for after in rule.get("easter", ())}
    found |= {_nth(year, month, _DAYS.index(day), n) for n, day, month in rule.get("nth", ())}
    return frozenset(found)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    if n > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)
