"""How people fare in the flows and conversations of each bot, step by step: as a picture, and as a table beneath it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from smsbot.checks.picture import figure
from smsbot.core.clock import Clock
from smsbot.core.phone import mask
from smsbot.desk.funnels import LEFT, MOST, Funnel, Funnels, Step, ordered
from smsbot.desk.kept import LARGE, Kept
from smsbot.flows.steps import Flow
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from .acts import Look
from .failed import PERIODS, period
from .find import handle_of
from .spoken import _n
from .templates import Missing, Templates

_PEOPLE = 50


class FlowPages:
    """A page of all, one of each, and who stands or left at a step."""

    def __init__(self, tables: Tables, *, lines: Lines, clock: Clock, templates: Templates) -> None:
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._templates = templates
        self._funnels = Funnels(tables)
        self._all = Kept(self._counted, lambda found: sum(f.began + f.waiting for f in found) > LARGE)

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Look("/flows", self.flows),
            Look("/flows/{name}", self.flow),
            Look("/flows/{name}/{step}", self.people),
        ]

    async def flows(self, request: Request) -> Response:
        """All flows and conversations, those of most people first; also those that nobody entered."""
        found = list(await self._found(request))
        entered = {(f.bot, f.name) for f in found}
        found += [Funnel(bot, name) for bot, name in self._known() if (bot, name) not in entered]
        return self._templates.response("flows.html", funnels=found, most=MOST, **self._times(request))

    async def flow(self, request: Request) -> Response:
        """One of them, with its numbers."""
        own, drawn = await self._one(request)
        steps = ordered(own, list(drawn.steps) if drawn is not None else ())
        notes = {s.name: _note(s) for s in steps if s.passed or s.waiting}
        return self._templates.response(
            "flow.html", own=own, steps=steps, left=LEFT, drawn=figure(drawn, notes) if drawn is not None else "",
            **self._times(request),
        )  # fmt: skip

    async def people(self, request: Request) -> Response:
        """Who waits at a step, or left there."""
        own, _drawn = await self._one(request)
        what = "left" if request.query_params.get("what") == "left" else "waiting"
        step = request.path_params["step"]
        if step not in own.steps:
            raise Missing
        rows = await self._funnels.people(own, step, what, self._since(request), _PEOPLE + 1)
        return self._templates.response(
            "people_at.html", own=own, step=step, what=what, left=LEFT, more=len(rows) > _PEOPLE, most=_PEOPLE,
            people=[await self._person(r) for r in rows[:_PEOPLE]], now=self._clock.now(), **self._times(request),
        )  # fmt: skip

    # -- what is shown ------------------------------------------------------------------------------

    async def _one(self, request: Request) -> tuple[Funnel, Flow | None]:
        bot, name = request.query_params.get("bot", ""), request.path_params["name"]
        drawn = self._known().get((bot, name))
        found = next((f for f in await self._found(request) if (f.bot, f.name) == (bot, name)), None)
        if found is None and drawn is None:
            raise Missing
        return found or Funnel(bot, name), drawn

    async def _found(self, request: Request) -> Sequence[Funnel]:
        return await self._all.of(period(request))

    async def _counted(self, asked: str) -> Sequence[Funnel]:
        return await self._funnels.all(self._clock.now() - PERIODS[asked][1])

    async def _person(self, row: Row) -> Mapping[str, Any]:
        newest = await self._tables.rows("thread", number=row["number"], limit=1, before=1e15)
        return {
            "number": mask(row["number"]), "at": row["at"], "end": row["end_label"],
            "handle": handle_of(newest[0]) if newest else "",
        }  # fmt: skip

    def _known(self) -> Mapping[tuple[str, str], Flow]:
        """The flows of today, by bot and name."""
        return {
            (line.bot.name, name): flow
            for line in self._lines.values()
            for name, flow in line.versions.current.flows.items()
        }

    def _since(self, request: Request) -> float:
        return self._clock.now() - PERIODS[period(request)][1]

    def _times(self, request: Request) -> Mapping[str, Any]:
        return {"period": period(request), "periods": PERIODS}


def _note(step: Step) -> str:
    told = (
        _n("%(n)s came by", "%(n)s came by", step.passed),
        step.waiting and _n("%(n)s waits", "%(n)s wait", step.waiting),
        step.left and _n("%(n)s left", "%(n)s left", step.left),
    )
    return " · ".join(t for t in told if t)
