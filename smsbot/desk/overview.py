"""How all texts fare: what waits for what, and what became of the last ones, by time, line, operator and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from smsbot.core.structs import struct
from smsbot.stores.base import Reads, Row

from .kept import LARGE, Kept
from .shares import ARRIVED, LOST, Share, usual
from .words import N_

MOST = 50_000
"""The last texts that are looked at; a page shall come at once, also where millions are kept."""
_PAID = frozenset({"accepted", "sent", "delivered", "undelivered"})
"""What became of texts that a gateway took, and wants to be paid for."""
_PARTS = 24
"""Bars of the picture."""
WAITS: Mapping[str, str] = {
    "queue": N_("for their time"),
    "attempt": N_("for the gateway's answer"),
    "check": N_("to be looked up at the gateway"),
    "behind": N_("for the text before them"),
    "held": N_("for a pause to end"),
    "report": N_("for a delivery report"),
    "bot": N_("for a bot's answer"),
    "person": N_("for a person"),
    "quarantine": N_("for somebody to read their webhook"),
}
"""What texts, events and people wait for, as people read it."""


@struct
class Waiting:
    """Things that wait for the same."""

    what: str
    """A key of `WAITS`."""
    n: int
    oldest: float
    id: str
    """The oldest of them, as pages name a message; empty where it is none."""


@struct
class Overview:
    """The texts of a time."""

    since: float
    cut: bool
    """Whether there were more texts, in or out, than are looked at; `since` is then that of the first of those out."""
    all: Share
    bars: tuple[Share, ...]
    """Equal parts of the time, the oldest first, named by the moment when each begins."""
    by: Mapping[str, Sequence[Share]]
    """The same texts by ``line``, ``kind`` and ``operator``, those of most texts first."""
    received: int
    sms: int
    """Parts, as they are paid for."""
    cost: Mapping[str, float]
    """What gateways said that they cost, by currency."""


class Overviews:
    """Reads of all texts; each is bounded, and what became of many is kept for a moment."""

    def __init__(self, reads: Reads, now: Callable[[], float]) -> None:
        self._reads = reads
        self._now = now
        self._kept = Kept(self._of, lambda seen: seen.all.texts > LARGE)

    async def of(self, seconds: float) -> Overview:
        """The texts of the last seconds."""
        return await self._kept.of(seconds)

    async def waiting(self, now: float) -> Sequence[Waiting]:
        """What waits, by what it waits for; the oldest first."""
        rows = await self._reads.rows("waits", most=MOST, now=now)
        found: dict[str, list[Waiting]] = {}
        for r in rows:
            if r["n"]:
                found.setdefault(r["what"], []).append(Waiting(r["what"], r["n"], r["at"], r["id"] or ""))
        return sorted(map(_together, found.values()), key=lambda w: w.oldest)

    async def _of(self, seconds: float) -> Overview:
        now = self._now()
        since = now - seconds
        first = await self._first(since)
        cut, since = first is not None, first or since
        width = (now - since) / _PARTS
        rows = await self._reads.rows("sent_lately", since=since, width=width, most=MOST)
        lately = await self._reads.rows("lately", since=since)
        received = await self._reads.rows("received_lately", since=since, most=MOST)
        cut = cut or any(r["cut"] for r in received)
        parts = {n: [r for r in rows if min(r["part"], _PARTS - 1) == n] for n in range(_PARTS)}
        return Overview(
            since=since,
            cut=cut,
            all=_share("", rows, lately),
            bars=tuple(_share(repr(since + n * width), own) for n, own in parts.items()),
            by={
                "line": _by(rows, lately, lambda r: r["line"]),
                "kind": _by(rows, lately, lambda r: r["kind"] or r["lane"]),
                "operator": _by([r for r in rows if r["operator"]], lately, lambda r: r["operator"] or ""),
            },
            received=sum(r["n"] for r in received),
            sms=sum(r["parts"] for r in rows if r["status"] in _PAID),
            cost=_cost(rows),
        )

    async def _first(self, since: float) -> float | None:
        """When the first text was made that is looked at; None if that is every one since a moment."""
        newest = (await self._reads.rows("newest_out_place"))[0]["seq"] or 0
        others = await self._reads.rows("out_place_at", seq=newest - MOST)
        if not others or others[0]["at"] < since:
            return None
        return float((await self._reads.rows("out_place_at", seq=newest - MOST + 1))[0]["at"])


def _together(waiting: Sequence[Waiting]) -> Waiting:
    """Things of several kinds that wait for the same."""
    oldest = min(waiting, key=lambda w: w.oldest)
    return Waiting(oldest.what, sum(w.n for w in waiting), oldest.oldest, oldest.id)


def _by(rows: Sequence[Row], lately: Sequence[Row], name: Callable[[Row], str]) -> Sequence[Share]:
    names = dict.fromkeys(map(name, rows))
    shares = [_share(n, [r for r in rows if name(r) == n], [t for t in lately if name(t) == n]) for n in names]
    return sorted(shares, key=lambda s: -s.texts)


def _share(name: str, rows: Sequence[Row], lately: Sequence[Row] = ()) -> Share:
    return Share(
        name,
        sum(r["n"] for r in rows),
        sum(r["n"] for r in rows if r["status"] == ARRIVED),
        sum(r["n"] for r in rows if r["status"] in LOST),
        usual(lately),
    )


def _cost(rows: Sequence[Row]) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        if row["price"] is not None:
            found[row["currency"]] = found.get(row["currency"], 0.0) + row["price"]
    return found
