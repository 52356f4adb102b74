"""Who gets no texts and why; one person's consent by hand, all that is known of them, and that it is forgotten."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from smsbot.core.clock import Clock, iso
from smsbot.core.errors import UsageError
from smsbot.core.phone import mask
from smsbot.desk.numbers import LONGEST, listed
from smsbot.desk.words import N_
from smsbot.pipeline.people import People, known
from smsbot.stores.base import Tables
from smsbot.turns.lines import Lines

from .acts import Act, Look, about
from .auth import who
from .find import Find, cursor_of, handle_of, next_cursor
from .spoken import _, _n, _why
from .tables import cell, table
from .templates import Templates

_PAGE = 100
_IN_THE_FILE = 1_000_000
_FOREVER = 1e15
_WRONG = 20
_LONGEST_WHY = 200
MOST = 20_000
"""Numbers of one list; longer ones are given to `smsbot opt-outs import`."""


class PeoplePages:
    """A page of those who opted out, and the buttons on the page of a person."""

    def __init__(
        self, tables: Tables, *, people: People, find: Find, lines: Lines, templates: Templates, clock: Clock
    ) -> None:  # fmt: skip
        self._tables = tables
        self._people = people
        self._find = find
        self._lines = lines
        self._templates = templates
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Look("/people", self.people, role="admin"),
            Act("/people/opt-outs.csv", self.file, N_("took the list of opt-outs"), role="admin"),
            Act("/people/opt-outs", self.take_in, N_("took in opt-outs"), role="admin"),
            Act("/of/{id}/opt-out", self.opt_out, N_("opted somebody out")),
            Act("/of/{id}/opt-in", self.opt_in, N_("let texts go to somebody again"), role="admin"),
            Act("/of/{id}/export", self.export, N_("took all that is known of somebody"), role="admin"),
            Act("/of/{id}/erase", self.erase, N_("erased somebody"), role="admin"),
        ]

    # -- all ----------------------------------------------------------------------------------------

    async def people(self, request: Request) -> Response:
        """Who gets no texts, the latest first."""
        return await self._page(request)

    async def file(self, request: Request) -> Response:
        """All of them as a file, with whole numbers: it is given to other systems."""
        rows = await self._tables.rows("opt_outs", before=_FOREVER, limit=_IN_THE_FILE)
        about(request, f"{len(rows)} numbers", "/people")
        told = [[r["number"], iso(r["at"]), cell(r["text"] or ""), cell(r["source"] or "")] for r in rows]
        return table("opt-outs", ["number", "since", "text", "proof"], told)

    async def take_in(self, request: Request) -> Response:
        """Numbers that must get nothing, from a file or typed; they are never opted in by a list."""
        async with request.form() as form:
            why, given = str(form.get("why", "")).strip()[:_LONGEST_WHY], form.get("file")
            raw = (await given.read(LONGEST + 1)) if isinstance(given, UploadFile) else b""
            text = raw.decode("utf-8", "replace") or str(form.get("numbers", ""))
        if not why:
            return await self._page(request, _("Nothing was taken in: say where the list is from."), 422)
        found = listed(text, self._lines.values()[0].country)
        if len(text) > LONGEST or len(found.numbers) > MOST:
            told = _n(
                "Nothing was taken in: %(n)s number at the most; `smsbot opt-outs import` takes longer lists.",
                "Nothing was taken in: %(n)s numbers at the most; `smsbot opt-outs import` takes longer lists.",
                MOST,
            )
            return await self._page(request, told, 422)
        if not found.numbers:
            return await self._page(request, _("Nothing was taken in: no line has a phone number."), 422)
        added = await self._people.opt_out(found.numbers, f"{who(request)}: {why}")
        about(request, f"{added} numbers: {why}", "/people")
        known = len(found.numbers) - added
        told = _n("%(n)s opted out", "%(n)s opted out", added)
        if known:
            told += ", " + _n("%(n)s had before", "%(n)s had before", known)
        told += "."
        return await self._page(request, told, wrong=found.wrong)

    # -- one ----------------------------------------------------------------------------------------

    async def opt_out(self, request: Request) -> Response:
        """Somebody said it, as on the telephone."""
        return await self._decided(request, "optout")

    async def opt_in(self, request: Request) -> Response:
        """Somebody wants texts again, and there is a proof."""
        return await self._decided(request, "optin")

    async def _decided(self, request: Request, action: str) -> Response:
        key = await self._find.whose(request)
        why = str((await request.form()).get("why", "")).strip()[:_LONGEST_WHY]
        if not why:
            return await self._find.show(key.number, told=_("Not kept: say how you know, it is the proof."), status=422)
        proof = f"{who(request)}: {why}"
        if action == "optout":
            await self._people.opt_out([key.number], proof)
        else:
            await self._people.opt_in(key.number, proof)
        return RedirectResponse(f"/of/{request.path_params['id']}", 303)

    async def export(self, request: Request) -> Response:
        """Everything that is known of somebody, as a file for them."""
        key = await self._find.whose(request)
        found = await known(self._tables, key.number, self._clock.now())
        headers = {"content-disposition": 'attachment; filename="person.json"'}
        return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)

    async def erase(self, request: Request) -> Response:
        """Forget somebody; what they decided about texts stays, for it must be kept."""
        key = await self._find.whose(request)
        if str((await request.form()).get("sure", "")) != "yes":
            return await self._find.show(key.number, told=_("Not erased: confirm it by the box."), status=422)
        try:
            await self._people.erase(key.number)
        except UsageError as error:
            return await self._find.show(key.number, told=_("Not erased: %(why)s.", why=_why(error)), status=409)
        about(request, mask(key.number))
        return RedirectResponse("/", 303)

    # -- what is shown ------------------------------------------------------------------------------

    async def _page(self, request: Request, told: str = "", status: int = 200, wrong: Any = ()) -> Response:
        before, skip = cursor_of(request.query_params.get("before", ""))
        rows = await self._tables.rows("opt_outs", before=before, limit=_PAGE + 1 + skip)
        page = rows[skip : skip + _PAGE]
        return self._templates.response(
            "people.html", status, told=told, refused=status != 200,
            wrong=wrong[:_WRONG], unread=max(len(wrong) - _WRONG, 0),
            people=[await self._shown(r) for r in page],
            older=next_cursor(page, before, skip) if len(rows) > skip + _PAGE else None,
        )  # fmt: skip

    async def _shown(self, row: Any) -> dict[str, Any]:
        newest = await self._tables.rows("thread", number=row["number"], limit=1, before=_FOREVER)
        return {**row, "number": mask(row["number"]), "handle": handle_of(newest[0]) if newest else ""}
