"""Delivery reports: kept as they came, raising the status of their text, waking bots that listen (C6)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from smsbot.core.clock import Clock
from smsbot.core.message import Key, Receipt
from smsbot.core.status import Status
from smsbot.failpoints import reached
from smsbot.gateways.base import PLAYED
from smsbot.log import Log
from smsbot.stores.base import Report, Store
from smsbot.turns.lines import Lines

from .dispatcher import Dispatcher

_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,29}|[0-9]{1,3}")
log = Log("smsbot.receipts")


class Receipts:
    """Takes delivery reports in."""

    def __init__(self, store: Store, lines: Lines, dispatcher: Dispatcher, clock: Clock) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._clock = clock
        self._wakes: frozenset[Status] = frozenset(
            status for line in lines.values() for status in line.table.deliveries
        )
        self.opted_out: Callable[[Key, str, str], Awaitable[None]] | None = None
        """Is told of people who are on their provider's own list."""
        store.listen(self._wakes, dispatcher.feed)

    async def take(self, receipts: Sequence[Receipt]) -> None:
        """Keep reports; durable on return."""
        now = self._clock.now()
        for receipt in receipts:
            if receipt.status is None:
                # with a wrong field map it could be anything, so only what looks like a word is named
                word = receipt.raw if _WORD.fullmatch(receipt.raw) else "…"
                log.warning("a delivery status that is not known", account=receipt.account, status=word)
        reports = [Report(replace(r, at=now, account=r.account.removesuffix(PLAYED)), self._wakes) for r in receipts]
        events = await self._store.report(reports)
        reached("report.taken")
        self._dispatcher.feed(events)
        for report in reports:
            if report.receipt.opted_out:
                await self._is_out(report.receipt)

    async def _is_out(self, receipt: Receipt) -> None:
        """Somebody has opted out at the provider: here, too."""
        rows = await self._store.rows("text_reported", id=receipt.outgoing, reference=receipt.reference)
        for row in rows:
            said = await self._store.rows("consents", number=row["number"])
            came_back = bool(said) and said[-1]["action"] == "optin" and said[-1]["at"] >= row["created"]
            if self.opted_out is not None and row["account"] == receipt.account and not came_back:
                why = f"the number has opted out, says the provider ({receipt.code})"
                await self.opted_out(Key(row["line"], row["number"]), receipt.account, why)
