"""Texts of a status, a kind, a line and a time, newest first; a page looks at a bounded share of however many."""

from __future__ import annotations

from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

WINDOW = 80_000
"""Places that one page looks at: what is rare is then looked for by a further page."""


@struct
class Wanted:
    """What a page is of; what is empty does not matter. `way` is ``in`` or ``out``."""

    way: str = "out"
    status: str = ""
    kind: str = ""
    line: str = ""
    since: float = 0.0
    until: float = float("inf")


@struct
class Page:
    """Some texts, the newest first."""

    rows: tuple[Row, ...]
    below: int
    """The place below which to go on; 0: there are no older ones."""
    back_to: float | None = None
    """How far back was looked, if there may be more."""


class Listings:
    """Reads by place, where a time is found by halving: texts are kept in the order in which they came."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(self, wanted: Wanted, below: int, limit: int) -> Page:
        """The newest texts below a place (0: the newest of all)."""
        top, foot = await self._bounds(wanted)
        below = min(below or top, top)
        after = max(below - WINDOW, foot + 1)
        if below <= after:
            return Page((), 0)
        found = await self._reads.rows(
            f"texts_{wanted.way}", after=after, below=below, status=wanted.status, kind=wanted.kind,
            line=wanted.line, limit=limit + 1,
        )  # fmt: skip
        rows = tuple(found[:limit])
        below = rows[-1]["seq"] if len(found) > limit else after
        return Page(rows, below, await self._at(wanted.way, below - 1)) if below > foot + 1 else Page(rows, 0)

    async def _bounds(self, wanted: Wanted) -> tuple[int, int]:
        """The places around the time: below the first, above the second."""
        newest = (await self._reads.rows(f"newest_{wanted.way}_place"))[0]["seq"] or 0
        top = newest + 1 if wanted.until == float("inf") else await self._place(wanted.way, wanted.until, newest)
        foot = await self._place(wanted.way, wanted.since, newest) - 1 if wanted.since else 0
        return top, foot

    async def _place(self, way: str, moment: float, newest: int) -> int:
        """The first place whose text came at a moment or later."""
        low, high = 1, newest + 1
        while low < high:
            middle = (low + high) // 2
            at = await self._at(way, middle)
            if at is None or at >= moment:
                high = middle
            else:
                low = middle + 1
        return low

    async def _at(self, way: str, place: int) -> float | None:
        """When the last text up to a place came."""
        rows = await self._reads.rows(f"{way}_place_at", seq=place)
        return rows[0]["at"] if rows else None
