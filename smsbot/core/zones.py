"""Time zones: that of a person, of a line, of a country (IANA time zone database, from the package ``tzdata``)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LARGEST = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "CL": "America/Santiago",
    "KZ": "Asia/Almaty", "MX": "America/Mexico_City", "RU": "Europe/Moscow",
}  # fmt: skip
"""Where most people of a country live, if the database does not name that zone first."""


@cache
def zone(name: str) -> tzinfo | None:
    """The zone of an IANA name such as ``Europe/Warsaw``; None if there is none of that name."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        return None


@cache
def zones_of(country: str | None) -> tuple[str, ...]:
    """The zones of a country (ISO 3166-1 alpha-2), that of most of its people first; empty where it is not known."""
    found = _by_country().get(country or "", ())
    first = _LARGEST.get(country or "")
    return (first, *(name for name in found if name != first)) if first else found


def usual(country: str | None) -> str:
    """The zone in which people of a country are thought to live; UTC where the country is not known."""
    return next(iter(zones_of(country)), "UTC")


@cache
def _by_country() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            country, _, name, *_ = row.split("\t")
            found[country] = (*found.get(country, ()), name)
    return found


def zone_of(contact: Mapping[str, object], line: str) -> tzinfo:
    """A person's zone: ``contact.timezone`` where it names one, else that of the line, else UTC."""
    own = contact.get("timezone")
    return (zone(own) if isinstance(own, str) else None) or zone(line) or UTC
