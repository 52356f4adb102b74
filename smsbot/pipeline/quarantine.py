"""Webhooks that were not understood: kept, and read again once somebody has said what their fields mean."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from smsbot.core import codec
from smsbot.core.clock import Clock
from smsbot.core.errors import NotUnderstood
from smsbot.core.message import Arrival, Quarantined, Unread
from smsbot.gateways.base import Gateway, WebhookRequest
from smsbot.log import Log
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Lines

log = Log("smsbot.quarantine")
FOREIGN = "a text to a number that is none of our lines"
"""Why a webhook waits that was understood."""
Take = Callable[[WebhookRequest, str, Iterable[Any]], Awaitable[bool]]
"""Takes in what a webhook brings; False if something of it was not understood."""


class Quarantine:
    """The webhooks that were not understood, kept until somebody looks."""

    def __init__(self, store: Store, lines: Lines, clock: Clock) -> None:
        self._store = store
        self._lines = lines
        self._clock = clock

    async def keep(self, request: WebhookRequest, kind: str, reason: str) -> None:
        """Keep a webhook that was not understood."""
        why = reason.partition(" (")[0]  # the names of fields may be anything, also what somebody wrote
        log.warning("a webhook was not understood and lies in quarantine", account=request.account, why=why)
        kept = Quarantined(request.account, kind, request.body, reason, self._clock.now(), _safe(request.headers))
        await self._store.quarantine([kept])

    async def reread(self, gateways: Mapping[str, Gateway], account: str, take: Take) -> tuple[int, int]:
        """Read quarantined webhooks again; how many were understood, and how many are left."""
        done = left = 0
        for row in await self._store.rows("quarantined", account=account, limit=100_000):
            gateway = gateways.get(row["account"])
            request = WebhookRequest(row["account"], row["body"], codec.loads(row["headers"]))
            if gateway is not None and await self._understood(gateway, row, request, take):
                await self._store.replayed(row["id"], self._clock.now())
                done += 1
            else:
                left += 1
        return done, left

    async def _understood(self, gateway: Gateway, row: Row, request: WebhookRequest, take: Take) -> bool:
        """Whether a webhook makes sense now, and is taken in.

        What has neither id nor time is told apart by when it came, since all are replayed at one time.
        """
        try:
            items = gateway.hooks[row["kind"]](request)
            if any(isinstance(i, Unread) for i in items):
                return False
            if any(isinstance(i, Arrival) and i.recipient and self._lines.find(i.recipient) is None for i in items):
                return False
            at = row["at"]
            dated = [replace(i, sent_at=i.sent_at or repr(at), late=at) if isinstance(i, Arrival) else i for i in items]
            return await take(request, row["kind"], dated)
        except NotUnderstood:
            return False
        except Exception as error:
            log.error("a webhook in quarantine could not be replayed", id=row["id"], exc_info=error)
            return False


def _safe(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers worth keeping: none that authorises."""
    return {k: v for k, v in headers.items() if k in ("content-type", "user-agent", "content-length")}
