"""What is on its way to many, what is held and why, what the days cost, and how one-time codes fare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

from .words import N_

_DAYS = 14
"""Days of which the cost is shown."""
_REASONS = 12
"""Reasons for which texts are held that are told apart."""
OUTCOMES: Mapping[str, str] = {
    "typed": N_("typed in time"), "open": N_("may be typed still"), "expired": N_("not typed in time"),
    "void": N_("typed wrongly too often"),
}  # fmt: skip
"""How a one-time code may fare, as people read it."""


@struct
class Held:
    """Texts that are held for one reason."""

    why: str
    n: int
    until: float
    """When the first of them leaves, seconds since 1970 UTC."""


@struct
class Day:
    """What a day cost, in millionths of the currency, by lane."""

    day: str
    spent: int
    texts: int
    lanes: Mapping[str, int]


@struct
class Asker:
    """What the texts of one bot, flow or program cost lately, in millionths of the currency."""

    name: str
    texts: int
    spent: int


class Sendings:
    """Reads of what is sent; each is bounded."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def held(self) -> Sequence[Held]:
        """What is held, by its reason; the reasons of most texts first."""
        rows = await self._reads.rows("held_texts", most=_REASONS)
        return [Held(r["detail"], r["n"], r["due"]) for r in rows]

    async def days(self, since: str) -> Sequence[Day]:
        """What each day cost, the latest first."""
        found: dict[str, list[Row]] = {}
        for row in await self._reads.rows("spending_since", since=since):
            found.setdefault(row["day"], []).append(row)
        return [_day(day, rows) for day, rows in list(found.items())[:_DAYS]]

    async def askers(self, since: str) -> Sequence[Asker]:
        """What cost most since a day, by what requested it."""
        rows = await self._reads.rows("spent_by", since=since, most=50_000)
        return [Asker(r["name"], r["n"], r["spent"]) for r in rows]

    async def codes(self, since: float, now: float) -> Mapping[str, int]:
        """How many one-time codes came to what, since a moment."""
        counts = (await self._reads.rows("codes_by_outcome", since=since, now=now))[0]
        return {name: counts[name] or 0 for name in OUTCOMES}


def _day(day: str, rows: Sequence[Row]) -> Day:
    whole = next((r for r in rows if r["scope"] == "day"), {"spent": 0, "texts": 0})
    lanes = {r["name"]: r["spent"] for r in rows if r["scope"] == "lane" and r["spent"]}
    return Day(day, whole["spent"], whole["texts"], lanes)
