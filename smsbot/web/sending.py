"""Broadcasts and their progress, what is held and why, what the days cost, and one-time codes by their outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.desk.sending import OUTCOMES, Day, Sendings
from smsbot.desk.words import N_
from smsbot.pipeline.broadcasts import WORDS, Broadcasts, Progress
from smsbot.pipeline.spending import Budget, uses
from smsbot.policy.money import CONTACT, money
from smsbot.stores.base import Tables

from .acts import Act, Look, about
from .auth import who
from .failed import PERIODS, period
from .spoken import _, _amount, _why
from .templates import Templates

_GOOD = ("delivered", "on_its_way")
_LISTED = 30
"""Broadcasts on the page."""


class SendingPages:
    """One page, and the buttons that pause, resume and stop a broadcast."""

    def __init__(
        self, tables: Tables, *, broadcasts: Broadcasts, budget: Budget, clock: Clock, templates: Templates
    ) -> None:  # fmt: skip
        self._tables = tables
        self._broadcasts = broadcasts
        self._budget = budget
        self._clock = clock
        self._templates = templates
        self._sendings = Sendings(tables)

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Look("/sending", self.sending),
            Act("/broadcasts/pause", self.pause, N_("paused a broadcast"), role="admin"),
            Act("/broadcasts/resume", self.resume, N_("resumed a broadcast"), role="admin"),
            Act("/broadcasts/stop", self.stop, N_("stopped a broadcast"), role="admin"),
        ]

    async def sending(self, request: Request) -> Response:
        """Everything at a glance."""
        return await self._page(request)

    async def pause(self, request: Request) -> Response:
        """Let nothing more of a broadcast leave for now."""
        return await self._change(request, "pause")

    async def resume(self, request: Request) -> Response:
        """Let it go on."""
        return await self._change(request, "resume")

    async def stop(self, request: Request) -> Response:
        """Take back all of it that has not left."""
        return await self._change(request, "stop")

    async def _change(self, request: Request, do: str) -> Response:
        name = str((await request.form()).get("name", ""))
        try:
            if do == "stop":
                await self._broadcasts.stop(name, who(request))
            else:
                await self._broadcasts.pause(name, do)
        except UsageError as error:
            return await self._page(request, _("Nothing was done: %(why)s.", why=_why(error)), 422)
        about(request, name, "/sending")
        return RedirectResponse("/sending", 303)

    async def _page(self, request: Request, told: str = "", status: int = 200) -> Response:
        now, asked = self._clock.now(), period(request)
        days = PERIODS[asked][1]
        since = (self._budget.day(now) - timedelta(seconds=days)).isoformat()
        spent = await self._sendings.days(since)
        currency = self._budget.prices.currency
        return self._templates.response(
            "sending.html", status, told=told, period=asked, periods=PERIODS, now=now,
            broadcasts=[_shown(b) for b in await self._broadcasts.listed(_LISTED)], words=WORDS,
            held=await self._sendings.held(), counts=bool(self._budget.prices.table),
            uses=await uses(self._tables, self._budget, now),
            people=next((cap for cap in self._budget.caps if cap.scope == CONTACT), None),
            days=[(day, _height(day, spent)) for day in spent], askers=await self._sendings.askers(since),
            money=lambda amount: _amount(money(amount, currency)),
            codes=await self._sendings.codes(now - days, now), outcomes=OUTCOMES,
        )  # fmt: skip


def _shown(told: Progress) -> dict[str, Any]:
    """A broadcast with the parts of its bar, in hundredths."""
    good = sum(told.counts.get(word, 0) for word in _GOOD)
    bad = told.total - good - told.open
    parts, x = [], 0.0
    for name, n in (("good", good), ("bad", bad), ("wait", told.open)):
        parts.append((name, round(x, 2), round(100 * n / told.total, 2)))
        x += 100 * n / told.total
    return {"told": told, "parts": parts, "good": good, "ends": not told.done and not told.stopped}


def _height(day: Day, days: Sequence[Day]) -> float:
    """How much of the dearest day a day cost, in hundredths."""
    most = max((each.spent for each in days), default=0)
    return round(100 * day.spent / most, 1) if most else 0.0
