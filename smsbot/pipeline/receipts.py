"""Delivery reports: kept as they came, raising the status of their text, waking bots that listen (C6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from smsbot.core.clock import Clock
from smsbot.core.message import Receipt
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
