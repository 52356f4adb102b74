"""What failed, by its cause: looked at, sent again or taken again, one or many, and taken along as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from smsbot.core.clock import Clock, iso
from smsbot.core.phone import mask
from smsbot.desk.failures import Cause, Causes, when, why_not
from smsbot.desk.words import N_
from smsbot.pipeline.repairs import Filter, Repairs
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from .acts import Act, Look, about
from .find import HIDDEN, MARKS, handle_of
from .spoken import _, _n, _said
from .tables import cell, table
from .templates import Templates

PERIODS: Mapping[str, tuple[str, float]] = {
    "24h": (N_("24 hours"), 86_400.0), "7d": (N_("7 days"), 7 * 86_400.0), "30d": (N_("30 days"), 30 * 86_400.0),
}  # fmt: skip
"""What is looked back on: its name in addresses, in words, and in seconds."""
_MOST = 3000
"""Texts of a kind on the page, the newest."""
_IN_THE_FILE = 100_000
"""The same for the file."""
_SHOWN = 25
"""Rows of a cause on the page; the file has all."""
_AT_ONCE = 1000
"""Texts that one click sends again."""


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
            Look("/failed", self.failed),
            Act("/failed", self.again, N_("sent failed texts again")),
            Look("/failed.csv", self.file),
        ]

    async def failed(self, request: Request) -> Response:
        """What failed since a moment."""
        return await self._page(request)

    async def again(self, request: Request) -> Response:
        """Send the chosen texts again, or all of a cause; or give turns that failed another try."""
        form = await request.form()
        chosen, key = set(map(str, form.getlist("id"))), str(form.get("cause", ""))
        found = [c for c in await self._causes(request, _MOST) if key in ("", c.key)]
        rows = [r for c in found for r in c.again if key or _handle(r) in chosen]
        if not rows:
            told = _("None of these can be sent again.") if key or chosen else _("Choose at least one text.")
            return await self._page(request, told, 422)
        turns = {r["seq"] for r in rows if r["status"] == "dead"}
        texts = [r for r in rows if r["status"] != "dead"]
        sent = await self._repairs.send_these_again(texts[:_AT_ONCE])
        taken = await self._repairs.take_again(Filter(), turns) if turns else 0
        done = {"sent": sent, "taken": taken, "left": max(len(texts) - _AT_ONCE, 0)}
        about(request, f"{sent} texts, {taken} turns", "/failed")
        asked = {"since": period(request), "line": self._line(request)} | {k: str(v) for k, v in done.items()}
        return RedirectResponse(f"/failed?{urlencode(asked)}", 303)  # a page that is loaded again sends nothing

    async def file(self, request: Request) -> Response:
        """Everything on the page as a table for spreadsheets, numbers masked."""
        head = ["time", "line", "number", "what", "why", "reference", "message", "not again because"]
        rows = []
        for cause in await self._causes(request, _IN_THE_FILE):
            for row in cause.rows:
                told = [iso(when(row)), row["line"], mask(row["number"]), cause.status, cause.words]
                rows.append([cell(c) for c in [*told, row.get("ref", ""), _handle(row), why_not(row)]])
        return table(f"failed-{period(request)}", head, rows)

    # -- what is shown ------------------------------------------------------------------------------

    async def _causes(self, request: Request, most: int) -> Sequence[Cause]:
        since, line = self._clock.now() - PERIODS[period(request)][1], self._line(request)
        rows: list[Row] = []
        for query in ("failures", "unsure"):
            rows += await self._tables.rows(query, since=since, line=line, limit=most)
        rows += await Filter(since, line).turns(self._tables)
        found = Causes()
        for n, row in enumerate(rows):
            found.add(row)
            if n % 200 == 0:
                await asyncio.sleep(0)  # texts go first, however many failed
        return found.found()

    def _line(self, request: Request) -> str:
        """The line that is asked for, also one that there is no more; empty for all."""
        asked = request.query_params.get("line", "").replace(" ", "+")[:20]
        line = self._lines.find(asked) if asked else None
        return line.number if line is not None else asked

    async def _page(self, request: Request, told: str = "", status: int = 200) -> Response:
        found = await self._causes(request, _MOST)
        total = sum(len(c.rows) for c in found)
        return self._templates.response(
            "failed.html", status, causes=[_shown(c) for c in found], told=told or _done(request),
            total=total, cut=_is_cut(found), period=period(request), periods=PERIODS, line=self._line(request),
            lines=[x.number for x in self._lines.values()], most=_MOST,
        )  # fmt: skip


def _is_cut(causes: Sequence[Cause]) -> bool:
    """Whether more may have failed than is on the page: a query came to its limit."""
    unsure = sum(len(c.rows) for c in causes if c.status == "unknown")
    texts = sum(len(c.rows) for c in causes if not c.of_turns) - unsure
    return max(texts, unsure) >= _MOST


def _shown(cause: Cause) -> dict[str, Any]:
    """A cause as people see it."""
    tone, icon = ("bad", "triangle-alert") if cause.of_turns else MARKS[cause.status]
    rows = [
        {
            "handle": _handle(r), "number": mask(r["number"]), "line": r["line"], "at": when(r),
            "text": _said(HIDDEN) if r.get("kind") == "code" else r["text"], "why_not": why_not(r),
        }
        for r in cause.rows[:_SHOWN]
    ]  # fmt: skip
    return {
        "key": cause.key, "words": cause.words, "status": N_("not answered") if cause.of_turns else cause.status,
        "n": len(cause.rows), "again": len(cause.again), "newest": cause.newest, "oldest": cause.oldest, "tone": tone,
        "icon": icon, "rows": rows, "more": len(cause.rows) - len(rows), "of_turns": cause.of_turns,
        "unsure": cause.status == "unknown",
    }  # fmt: skip


def _handle(row: Row) -> str:
    """The name in addresses of a text, or of a text in that a turn failed for."""
    return handle_of({**row, "direction": "in" if row["status"] == "dead" else "out"})


def _done(request: Request) -> str:
    """What was done by the click that led here."""
    counts = {name: request.query_params.get(name, "") for name in ("sent", "taken", "left")}
    told = {name: int(value[:9]) for name, value in counts.items() if value.isascii() and value.isdecimal()}
    if not told:
        return ""
    sent, taken, left = (told.get(name, 0) for name in ("sent", "taken", "left"))
    done = [_n("%(n)s sent again", "%(n)s sent again", sent)] if sent else []
    done += [_n("%(n)s taken again", "%(n)s taken again", taken)] if taken else []
    did = ", ".join(done) or _("Nothing was left to do")
    if left:
        did += "; " + _n("%(n)s is left for another click", "%(n)s are left for another click", left)
    return f"{did}."
