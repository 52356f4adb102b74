"""How all texts fare, at a glance: what waits, what is paused, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.lanes import CHOSEN
from smsbot.desk.overview import MOST, WAITS, Overviews
from smsbot.desk.people import KINDS
from smsbot.desk.shares import Share
from smsbot.desk.words import N_
from smsbot.pipeline.repairs import Repairs, Scope, scope_of
from smsbot.stores.base import Tables
from smsbot.turns.lines import Lines

from .acts import Act, Look, about
from .auth import who
from .failed import PERIODS, period
from .spoken import _, _why
from .templates import Templates

_HEIGHT = 120
"""The height of the picture, and its width: units of an SVG, which is as wide as its place."""
_BAR, _GAP = 24, 6
_LONGEST_WHY = 120


class OverviewPages:
    """One page, and the buttons that keep texts from leaving and let them leave again."""

    def __init__(
        self,
        tables: Tables,
        *,
        lines: Lines,
        clock: Clock,
        repairs: Repairs,
        templates: Templates,
        accounts: Callable[[], Sequence[str]],
    ) -> None:
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._repairs = repairs
        self._templates = templates
        self._accounts = accounts
        self._overviews = Overviews(tables, clock.now)

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Look("/overview", self.overview),
            Act("/pauses", self.pause, N_("paused sending"), role="admin"),
            Act("/pauses/end", self.resume, N_("ended a pause"), role="admin"),
        ]

    async def overview(self, request: Request) -> Response:
        """Everything at a glance."""
        return await self._page(period(request))

    async def pause(self, request: Request) -> Response:
        """Keep texts from leaving, and say why and who said so; nothing of them is lost."""
        form = await request.form()
        why, me = str(form.get("why", "")).strip()[:_LONGEST_WHY], who(request)
        if not why:
            return await self._page("24h", _("Not paused: say why, for the colleague who finds it."), 422)
        try:
            scopes = self._scopes(str(form.get("what", "")))
        except UsageError as error:
            return await self._page("24h", _("Not paused: %(why)s.", why=_why(error)), 422)
        await self._repairs.pause(scopes, False, f"{why} ({me})")
        about(request, f"{form.get('what')}: {why}", "/overview")
        return RedirectResponse("/overview", 303)

    async def resume(self, request: Request) -> Response:
        """Let the texts of one pause leave."""
        form = await request.form()
        scope, name = str(form.get("scope", "")), str(form.get("name", ""))
        about(request, f"{scope} {name}".strip(), "/overview")
        if scope in ("all", "line", "lane", "account"):  # others keep one person's texts, and end by a button of theirs
            await self._repairs.resume([(scope, name)], False)
        return RedirectResponse("/overview", 303)

    def _scopes(self, what: str) -> list[Scope]:
        return scope_of("" if what == "everything" else what or "?", self._named(), self._accounts())

    def _named(self) -> Mapping[str, Sequence[str]]:
        """The lines of each bot."""
        found: dict[str, list[str]] = {}
        for line in self._lines.values():
            found.setdefault(line.bot.name, []).append(line.number)
        return found

    async def _page(self, asked: str, told: str = "", status: int = 200) -> Response:
        now, seen = self._clock.now(), await self._overviews.of(PERIODS[asked][1])
        choices = {"everything": _("everything")}
        choices |= {name: name for name in (*(x.number for x in self._lines.values()), *CHOSEN)}
        choices |= {f"account {name}": _("account %(name)s", name=name) for name in self._accounts()}
        return self._templates.response(
            "overview.html", status, seen=seen, told=told, period=asked, periods=PERIODS, now=now, most=MOST,
            waiting=[(WAITS.get(w.what, w.what), w) for w in await self._overviews.waiting(now)],
            pauses=await self._tables.rows("pauses"), choices=choices, kinds=KINDS, picture=_picture(seen.bars),
        )  # fmt: skip


def _picture(bars: Sequence[Share]) -> dict[str, Any]:
    """Where the parts of each bar lie: those that arrived at the foot, those that did not on top of them."""
    most = max((b.texts for b in bars), default=0)
    drawn = []
    for n, bar in enumerate(bars):
        foot, parts = float(_HEIGHT), []
        for name, count in (("good", bar.delivered), ("bad", bar.lost), ("wait", bar.open)):
            height = _HEIGHT * count / most if most else 0.0
            foot -= height
            parts.append((name, round(foot, 1), round(height, 1)))
        drawn.append({"x": n * (_BAR + _GAP), "parts": parts, "at": float(bar.name), "share": bar})
    return {"width": len(bars) * (_BAR + _GAP) - _GAP, "height": _HEIGHT, "bar": _BAR, "most": most, "bars": drawn}
