"""`smsbot dev --live`: the real gateway for the numbers that were named, the sandbox for all others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from smsbot.core.message import Arrival, Receipt

from .base import PLAYED, Gateway, Hook, Lookup, Outbound, Search, SendResult, WebhookRequest

__all__ = ["PLAYED", "Split"]


class Split:
    """Two gateways behind one account; whoever is not in `only` never gets a real text."""

    def __init__(self, real: Gateway, sandbox: Gateway, only: frozenset[str], report_to: Callable[[], str]) -> None:
        self._real = real
        self._sandbox = sandbox
        self._only = only
        self._report_to = report_to
        """Where the sandbox delivers its reports."""
        self.claims = real.claims
        self.hooks: Mapping[str, Hook] = real.hooks
        self.thanks = real.thanks
        self.remap = real.remap

    def __repr__(self) -> str:
        return f"Split({self._real!r} for {len(self._only)} numbers)"

    def genuine(self, request: WebhookRequest) -> bool:
        """Ask the real gateway: the sandbox has addresses of its own."""
        return self._real.genuine(request)

    async def send(self, text: Outbound) -> SendResult:
        """Through the one that the recipient belongs to."""
        if text.recipient in self._only:
            return await self._real.send(text)
        return await self._sandbox.send(replace(text, report_to=self._report_to()))

    async def look_up(self, search: Search) -> Lookup:
        """At the one that the recipient belongs to."""
        return await (self._real if search.text.recipient in self._only else self._sandbox).look_up(search)

    async def catch_up(self, account: str, lines: Sequence[str], since: float) -> Sequence[Arrival | Receipt]:
        """The texts and reports that the real provider lists."""
        return await self._real.catch_up(account, lines, since)
