"""What the desk must know at once: somebody waits, a gateway stands still, reports stay away, an account is refused.

Each is told once for as long as it lasts, also through a restart; what could not be told is tried again for three days.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from smsbot.core.clock import Clock, iso
from smsbot.core.errors import StoreError
from smsbot.core.phone import mask
from smsbot.core.structs import struct
from smsbot.log import Log
from smsbot.policy.money import TOLD
from smsbot.stores.base import Row, Store

from .spending import Budget, uses

log = Log("smsbot.alerts")
PAUSE = 5.0
"""Seconds between two looks."""
STALLED = 300.0
"""Seconds that a text waits for its gateway before that is told."""
UNTAKEN = 3600.0
"""Seconds for which a system of the user's takes nothing before that is told."""
_UNREPORTED = 900.0
"""Seconds after which a report should have come."""
_ENOUGH = 20
"""Texts of a line without reports, at least."""
_FIRST, _LONGEST = 15.0, 3600.0
"""Seconds until it is tried again: at first, and at most."""
_GIVE_UP = 3 * 86_400.0
_LISTED = 5
"""Things of a kind that are named in one message."""
KINDS: Mapping[str, tuple[str, str]] = {
    "person": ("person waits", "people wait"), "account": ("account is held", "accounts are held"),
    "stalled": ("gateway stands still", "gateways stand still"),
    "reports": ("line lacks reports", "lines lack reports"),
    "cap": ("cap is nearly reached", "caps are nearly reached"),
    "endpoint": ("of your systems takes nothing", "of your systems take nothing"),
}  # fmt: skip
Key = tuple[str, str]


@struct
class Alert:
    """Something that lasts."""

    kind: str
    about: str
    since: float
    words: str
    page: str

    @property
    def key(self) -> Key:
        """By what it is told once."""
        return self.kind, self.about


class Channel(Protocol):
    """A way to the desk (`transport.alerts`)."""

    name: str
    """By which it is known who was told."""

    async def tell(self, words: str, facts: Mapping[str, Any]) -> str:
        """Tell it; why it could not be told, or nothing."""
        ...


class Alerts:
    """Looks every few seconds, and tells what is new through each channel. `base` is where the pages are."""

    def __init__(
        self, store: Store, channels: Sequence[Channel], clock: Clock, base: str, *, budget: Budget | None = None
    ) -> None:  # fmt: skip
        self._store = store
        self._channels = channels
        self._clock = clock
        self._base = base
        self._budget = budget

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self.once()
            except StoreError as error:
                log.debug("alerts wait for the database", why=str(error))
            await sleep(PAUSE)

    async def once(self) -> None:
        """Note what began and what is over, and tell what is due."""
        now = self._clock.now()
        found = {a.key: a for a in await self._lasting(now)}
        known = {(r["kind"], r["about"]): r for r in await self._store.rows("alerts")}
        fresh = [a for key, a in found.items() if key not in known]
        over = [key for key, row in known.items() if key not in found or _given_up(row, now)]
        changes: list[tuple[str, Sequence[object]]] = [
            ("alert", (a.kind, a.about, a.since, a.words, a.page, now)) for a in fresh
        ]
        changes += [("alert_over", key) for key in over if key not in found]
        changes += [("alert_told", key) for key in over if key in found]
        if changes:
            await self._store.write(changes)
        for (kind, _, _), rows in _together(await self._store.rows("alerts_due", now=now)).items():
            await self._tell(kind, rows, now)

    async def _tell(self, kind: str, rows: Sequence[Row], now: float) -> None:
        one, many = KINDS[kind]
        head = f"1 {one}" if len(rows) == 1 else f"{len(rows)} {many}"
        listed = [f"· {r['words']}" for r in rows[:_LISTED]]
        more = [f"· and {len(rows) - _LISTED} more"] if len(rows) > _LISTED else []
        words = "\n".join([f"{head}: {self._base}{rows[0]['page']}", *listed, *more])
        facts = {"v": 1, "kind": kind, "count": len(rows), "since": iso(min(r["since"] for r in rows)),
                 "page": f"{self._base}{rows[0]['page']}"}  # fmt: skip
        told, why = set(rows[0]["told"].split()), list[str]()
        for channel in (c for c in self._channels if c.name not in told):
            wrong = await channel.tell(words, facts)
            if wrong:
                why.append(wrong)
            else:
                told.add(channel.name)
        if not why:
            await self._store.write([("alert_told", (kind, r["about"])) for r in rows])
            return
        log.warning("the desk could not be told", what=head, why="; ".join(why))
        names, wait = " ".join(sorted(told)), min(_FIRST * 2.0 ** min(rows[0]["tries"], 16), _LONGEST)
        await self._store.write([("alert_again", (now + wait, names, now, kind, r["about"])) for r in rows])

    async def _lasting(self, now: float) -> list[Alert]:
        """Everything that the desk must know and that has not come to its end."""
        found = [
            Alert("person", str(r["id"]), r["at"], f"{mask(r['number'])} waits for {r['desk']}", "/inbox")
            for r in await self._store.rows("people_to_tell")
        ]
        for pause in await self._store.rows("pauses"):
            if pause["scope"] == "account":
                words = f"account {pause['name']}: nothing leaves ({pause['why'] or 'paused'})"
                found.append(Alert("account", pause["name"], pause["at"], words, "/overview"))
        for r in await self._store.rows("stalled", due=now - STALLED):
            words = f"account {r['account']}: {r['n']} texts wait for the gateway"
            found.append(Alert("stalled", r["account"], r["at"], words, "/overview"))
        for r in await self._store.rows("lines_unreported", since=now - 3600.0, until=now - _UNREPORTED):
            if r["missing"] >= _ENOUGH and r["missing"] > r["told"] and r["ever"]:
                words = f"line {r['line']}: {r['missing']} texts of the last hour have no report, {r['told']} have"
                found.append(Alert("reports", r["line"], r["at"], words, "/overview"))
        found += await self._caps(now)
        for r in await self._store.rows("endpoints"):
            silent = r["failing"] is not None and now - r["failing"] > UNTAKEN
            if silent or (r["paused"] is not None and not r["why"].startswith("paused by ")):
                words = f"webhook {urlsplit(r['url']).hostname}: {r['owed']} things wait ({r['why'] or 'it fails'})"
                since = r["failing"] if r["failing"] is not None else r["paused"]
                found.append(Alert("endpoint", r["id"], since, words, f"/programs/told/{r['id']}"))
        return found

    async def _caps(self, now: float) -> list[Alert]:
        """Caps that are nearly, or wholly, used up today."""
        if self._budget is None or not self._budget.caps:
            return []
        return [
            Alert("cap", f"{use.day} {use.cap.scope} {use.cap.name}", now, use.words, "/overview")
            for use in await uses(self._store, self._budget, now)
            if use.share >= TOLD
        ]


def _given_up(row: Row, now: float) -> bool:
    return row["due"] is not None and row["tried"] is not None and now - row["tried"] > _GIVE_UP


def _together(rows: Iterable[Row]) -> Mapping[tuple[str, str, int], list[Row]]:
    """Those that go in one message: of a kind, and told to the same channels so far."""
    found: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row["kind"], row["told"], row["tries"]), []).append(row)
    return found
