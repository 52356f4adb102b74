"""The backfill of what no webhook brought: the provider lists texts and reports at start and every few minutes (C2)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from smsbot.core.clock import Clock
from smsbot.core.errors import SmsbotError
from smsbot.log import Log
from smsbot.stores.base import Store
from smsbot.turns.lines import Lines

from .attempts import Account
from .inbox import Inbox

log = Log("smsbot.backfill")
PAUSE = 300.0
FIRST = 48 * 3600.0
"""Seconds back at start: nobody knows how long we were away."""
_SOON = 60.0
"""Seconds in which a report usually comes by itself."""
OVERLAP = 3600.0
"""Seconds back after that; providers list late, and what we have is known by its id."""


def _lists(account: Account) -> bool:
    claims = account.gateway.claims
    return claims.lists_texts or claims.lists_reports


class Backfill:
    """Asks each gateway that can list what it has for us."""

    def __init__(self, store: Store, inbox: Inbox, accounts: Mapping[str, Account], lines: Lines, clock: Clock) -> None:
        self._store = store
        self._inbox = inbox
        self._accounts = {name: a for name, a in accounts.items() if _lists(a)}
        self._lines = lines
        self._clock = clock
        self._until: dict[str, float] = {}
        self._far: dict[str, float] = {}
        """When late reports are looked for again where texts are listed, too: phones may be off for hours."""

    @property
    def wanted(self) -> bool:
        """Whether any gateway can list."""
        return bool(self._accounts)

    async def run(self) -> None:
        """List until cancelled."""
        while True:
            for name in self._accounts:
                await self.once(name)
            await asyncio.sleep(PAUSE)

    async def once(self, name: str) -> None:
        """Take what one account has; a provider that cannot answer is asked again later."""
        account, now = self._accounts[name], self._clock.now()
        try:
            await self._take(account, now)
        except SmsbotError as error:
            log.warning("what no webhook brought could not be listed", account=account.name, why=error.args[0])
        except Exception as error:
            log.error("a gateway raised", account=account.name, exc_info=error)
        else:
            self._until[account.name] = now

    async def _take(self, account: Account, now: float) -> None:
        began = float((await self._store.rows("began"))[0]["value"])
        first = max(now - FIRST, began)
        since = max(self._until.get(account.name, now) - OVERLAP, began) if account.name in self._until else first
        lists_texts, waits = account.gateway.claims.lists_texts, await self._waits(account, now, first)
        if waits is not None and (not lists_texts or now >= self._far.get(account.name, 0.0)):
            since, self._far[account.name] = min(since, waits) if lists_texts else waits, now + OVERLAP
        elif not lists_texts:  # then only what waits for its report is worth asking for
            return
        lines = [line.number for line in self._lines.values() if account.name in line.accounts]
        await self._inbox.take_listed(account.name, await account.gateway.catch_up(account.name, lines, since))

    async def _waits(self, account: Account, now: float, first: float) -> float | None:
        """When the oldest text was sent whose report is missing; None if none is."""
        rows = await self._store.rows("unreported", account=account.name, since=first, before=now - _SOON)
        at: float | None = rows[0]["at"]
        return None if at is None else max(first, at - _SOON)
