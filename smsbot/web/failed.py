"""What failed, by its cause: looked at, sent again or taken again, one or many, and taken along as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from smsbot.core.clock import Clock, iso
from smsbot.core.phone import mask
from smsbot.desk.failures import Cause, causes, when, why_not
from smsbot.pipeline.repairs import Filter, Repairs
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from .find import HIDDEN, MARKS, handle_of
from .templates import Templates

PERIODS: Mapping[str, tuple[str, float]] = {
    "24h": ("24 hours", 86_400.0), "7d": ("7 days", 7 * 86_400.0), "30d": ("30 days", 30 * 86_400.0),
}  # fmt: skip
"""What is looked back on: its name in addresses, in words, and in seconds."""
_MOST = 10_000
"""Texts that are grouped."""
_SHOWN = 25
"""Rows of a cause on the page; the file has all."""
_AT_ONCE = 1000
"""Texts that one click sends again."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet would run."""


def period(request: Request) -> str:
    """The time that an address asks for; a day where it names none that there is."""
    asked = request.query_params.get("since", "")
    return asked if asked in PERIODS else "24h"


class FailedPages:
    """One page and its file."""

    def __init__(
        self, tables: Tables, *, lines: Lines, clock: Clock, repairs: Repairs, templates: Templates
    ) -> None:  # fmt: skip
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._repairs = repairs
        self._templates = templates

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Route("/failed", self.failed),
            Route("/failed", self.again, methods=["POST"]),
            Route("/failed.csv", self.file),
        ]

    async def failed(self, request: Request) -> Response:
        """What failed since a moment."""
        return await self._page(request)

    async def again(self, request: Request) -> Response:
        """Send the chosen texts again, or all of a cause; or give turns that failed another try."""
        form = await request.form()
        chosen, key = set(map(str, form.getlist("id"))), str(form.get("cause", ""))
        found = [c for c in await self._causes(request) if key in ("", c.key)]
        rows = [r for c in found for r in c.again if key or handle_of(_message(r)) in chosen]
        if not rows:
            told = "None of these can be sent again." if key or chosen else "Choose at least one text."
            return await self._page(request, told, 422)
        return await self._page(request, await self._taken_up(rows))

    async def _taken_up(self, rows: Sequence[Row]) -> str:
        """Do it; what to tell."""
        turns = [r for r in rows if r["status"] == "dead"]
        texts = [r for r in rows if r["status"] != "dead"]
        for row in texts[:_AT_ONCE]:
            await self._repairs.send_one_again(row)
        if turns:
            await self._repairs.take_again(Filter(), {r["seq"] for r in turns})
        told = []
        if texts:
            told.append(f"{min(len(texts), _AT_ONCE)} sent again")
        if turns:
            told.append(f"{len(turns)} taken again")
        left = len(texts) - _AT_ONCE
        return f"{', '.join(told)}{f'; {left} are left for another click' if left > 0 else ''}."

    async def file(self, request: Request) -> Response:
        """Everything on the page as a table for spreadsheets, numbers masked."""
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(["time", "line", "number", "what", "why", "reference", "message", "not again because"])
        for cause in await self._causes(request):
            for row in cause.rows:
                told = [iso(when(row)), row["line"], mask(row["number"]), cause.status, cause.words]
                table.writerow(map(_cell, [*told, row.get("ref", ""), handle_of(_message(row)), why_not(row)]))
        headers = {"content-disposition": f'attachment; filename="failed-{period(request)}.csv"'}
        return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)

    # -- what is shown ------------------------------------------------------------------------------

    async def _causes(self, request: Request) -> Sequence[Cause]:
        since = self._clock.now() - PERIODS[period(request)][1]
        line = self._line(request)
        texts: list[Row] = []
        for query in ("failures", "unsure"):
            texts += await self._tables.rows(query, since=since, line=line, limit=_MOST)
        return causes(texts, await Filter(since, line).turns(self._tables))

    def _line(self, request: Request) -> str:
        line = self._lines.find(request.query_params.get("line", "").replace(" ", "+"))
        return line.number if line is not None else ""

    async def _page(self, request: Request, told: str = "", status: int = 200) -> Response:
        found = await self._causes(request)
        return self._templates.response(
            "failed.html", status, causes=[_shown(c) for c in found], told=told,
            total=sum(len(c.rows) for c in found), period=period(request), periods=PERIODS, line=self._line(request),
            lines=[x.number for x in self._lines.values()], most=_MOST,
        )  # fmt: skip


def _shown(cause: Cause) -> dict[str, Any]:
    """A cause as people see it."""
    tone, icon = ("bad", "triangle-alert") if cause.of_turns else MARKS[cause.status]
    rows = [
        {
            "handle": handle_of(_message(r)), "number": mask(r["number"]), "line": r["line"], "at": when(r),
            "text": HIDDEN if r.get("kind") == "code" else r["text"], "why_not": why_not(r),
        }
        for r in cause.rows[:_SHOWN]
    ]  # fmt: skip
    return {
        "key": cause.key, "words": cause.words, "status": "not answered" if cause.of_turns else cause.status,
        "n": len(cause.rows), "again": len(cause.again), "newest": cause.newest, "oldest": cause.oldest, "tone": tone,
        "icon": icon, "rows": rows, "more": len(cause.rows) - len(rows), "of_turns": cause.of_turns,
        "unsure": cause.status == "unknown",
    }  # fmt: skip


def _message(row: Row) -> Mapping[str, Any]:
    return {**row, "direction": "in" if row["status"] == "dead" else "out"}


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    told = str(value)
    return f"'{told}" if told.startswith(_FORMULA) else told
