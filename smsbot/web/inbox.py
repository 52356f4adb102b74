"""The inbox of the desk: who waits for a person, who has taken whom over, and what is done by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from smsbot.core import segments
from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.core.phone import mask
from smsbot.desk.words import N_
from smsbot.pipeline.takeovers import Takeovers
from smsbot.stores.base import Row, Tables

from .acts import Act, Look, about
from .auth import who
from .find import Find, handle_of
from .spoken import _, _why
from .templates import Missing, Templates
from .writing import Writing

_MOST = 500
_DONE = 50
_LONGEST_NOTE = 1000
LATER: Mapping[str, tuple[str, float]] = {
    "15m": (N_("15 minutes"), 900.0),
    "1h": (N_("an hour"), 3600.0),
    "4h": (N_("4 hours"), 4 * 3600.0),
    "1d": (N_("a day"), 86_400.0),
}
"""For how long somebody who waits may be put off: in forms, in words, and in seconds."""


class InboxPages:
    """The people that the desk looks after: one page, and what the buttons of the desk do."""

    def __init__(
        self,
        tables: Tables,
        *,
        find: Find,
        takeovers: Takeovers,
        templates: Templates,
        clock: Clock,
        writing: Writing,
        tell: Callable[[], None],
    ) -> None:  # fmt: skip
        self._tables = tables
        self._find = find
        self._takeovers = takeovers
        self._templates = templates
        self._clock = clock
        self._writing = writing
        self._tell = tell

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Look("/inbox", self.inbox),
            Act("/of/{id}/take", self.take, N_("took a conversation over")),
            Act("/of/{id}/give-back", self.give_back, N_("gave a conversation back")),
            Act("/of/{id}/write", self.write, N_("wrote by hand")),
            Route("/of/{id}/writing", self.is_writing, methods=["POST"]),
            Act("/of/{id}/note", self.note, N_("made a note")),
            Act("/handoffs/{id:row}", self.handoff, N_("saw a whole number")),
            Act("/handoffs/{id:row}/done", self.handoff_done, N_("was done with somebody")),
            Act("/handoffs/{id:row}/later", self.handoff_later, N_("put somebody off")),
        ]

    async def inbox(self, request: Request) -> Response:
        """Who waits, the longest first; whom I look after, and whom colleagues do; who was put off, and who is done."""
        now, me = self._clock.now(), who(request)
        waiting, later = [await self._entries("waiting_people", _MOST, now=now, later=n) for n in (0, 1)]
        taken, done = await self._entries("takeovers", _MOST), await self._entries("handoffs_done", _DONE)
        return self._templates.response(
            "inbox.html", now=now, waiting=waiting, later=later, laters=LATER, done=done,
            mine=[t for t in taken if t["owner"] == me], taken=[t for t in taken if t["owner"] != me],
        )  # fmt: skip

    async def _entries(self, query: str, most: int, **more: object) -> list[Mapping[str, Any]]:
        found = []
        for row in await self._tables.rows(query, limit=most, **more):
            found.append(await self._entry(row))
            await asyncio.sleep(0)  # texts go first, however many wait
        return found

    async def _entry(self, row: Row) -> Mapping[str, Any]:
        """A person in the list, with what they texted last."""
        said = await self._tables.rows("last_in", number=row["number"])
        newest = await self._tables.rows("thread", number=row["number"], limit=1, before=1e15)
        told = {"said": said[0]["text"], "said_at": said[0]["at"]} if said else {"said": "", "said_at": None}
        ours = await self._tables.rows("newest_out", number=row["number"], limit=1)
        answered = not said or (bool(ours) and ours[0]["created"] >= said[0]["at"])
        handle = handle_of(newest[0]) if newest else ""
        return {**row, **told, "number": mask(row["number"]), "handle": handle, "answered": answered}

    # -- what is done by hand -----------------------------------------------------------------------

    async def take(self, request: Request) -> Response:
        """Take a conversation over; whoever was first has it, and it is said who that is."""
        key = await self._find.whose(request)
        me = who(request)
        try:
            has = await self._takeovers.take(key, me)
        except UsageError as error:  # its line is gone
            return await self._find.show(key.number, told=_("Not taken over: %(why)s.", why=_why(error)), status=409)
        if has != me:
            return await self._find.show(
                key.number, told=_("%(name)s was first, and has this conversation.", name=has), status=409
            )
        return RedirectResponse(f"/of/{request.path_params['id']}", 303)

    async def give_back(self, request: Request) -> Response:
        """Give it back to the bot."""
        key = await self._find.whose(request)
        form = await request.form()
        try:
            await self._takeovers.give_back(key, str(form.get("how", "continue")))
        except UsageError as error:
            return await self._find.show(key.number, told=f"{_why(error)}.", status=422)
        return RedirectResponse(f"/of/{request.path_params['id']}", 303)

    async def write(self, request: Request) -> Response:
        """A text by hand, from the line of that conversation; not if a colleague has sent one since it was begun."""
        key, me, form = await self._find.whose(request), who(request), await request.form()
        text = str(form.get("text", "")).replace("\r\n", "\n").strip()
        if why := _unsendable(text):
            return await self._find.show(key.number, told=_("Not sent: %(why)s.", why=why), draft=text, status=422)
        if other := await self._sent_meanwhile(key, me, str(form.get("begun", ""))):
            told = _(
                "Not sent yet: %(name)s has just written to this person. Read it below, then send yours if it fits.",
                name=other,
            )
            return await self._find.show(key.number, told=told, draft=text, status=409)
        self._writing.over(key, me)
        try:
            sent = await self._takeovers.say(key, text, me)
        except UsageError as error:
            return await self._find.show(
                key.number, told=_("Not sent: %(why)s.", why=_why(error)), draft=text, status=409
            )
        return RedirectResponse(f"/messages/{sent.id}", 303)

    async def _sent_meanwhile(self, key: Key, me: str, begun: str) -> str:
        """Who else at the desk has written to this person since a moment; empty: nobody, or there is no moment."""
        for row in await self._tables.rows("newest_by_hand", number=key.number):
            if begun and row["requested_by"] != me and row["created"] > _moment(begun):
                return str(row["requested_by"])
        return ""

    async def is_writing(self, request: Request) -> Response:
        """Somebody types a text: colleagues who look at the same person see it, and this tells who else does."""
        key, me, now = await self._find.whose(request), who(request), self._clock.now()
        self._writing.note(key, me, now)
        self._tell()
        return JSONResponse({"others": self._writing.others([key], me, now)})

    async def note(self, request: Request) -> Response:
        """Words for colleagues; the person never sees them."""
        key = await self._find.whose(request)
        text = str((await request.form()).get("text", "")).replace("\r\n", "\n").strip()[:_LONGEST_NOTE]
        if not text:
            return await self._find.show(key.number, told=_("Not kept: the note is empty."), status=422)
        me = who(request)
        await self._tables.write([("note", (key.number, me, self._clock.now(), text))])
        return RedirectResponse(f"/of/{request.path_params['id']}", 303)

    async def handoff(self, request: Request) -> Response:
        """A person who waits, with the whole number: the desk must be able to call."""
        found = await self._tables.rows("handoff", id=request.path_params["id"])
        if not found:
            raise Missing
        about(request, mask(found[0]["number"]))
        return await self._find.show(found[0]["number"], whole=True)

    async def handoff_done(self, request: Request) -> Response:
        """Somebody at the desk has looked after a person."""
        identity, me = await self._waiting(request), who(request)
        await self._tables.write([("unhold", (identity,)), ("handoff_done", (self._clock.now(), me, identity))])
        return RedirectResponse("/inbox", 303)

    async def handoff_later(self, request: Request) -> Response:
        """Put somebody off: they wait again when the time is over, or once they text."""
        asked = str((await request.form()).get("for", ""))
        if asked in LATER:
            now = self._clock.now()
            await self._tables.write([("handoff_later", (now, now + LATER[asked][1], await self._waiting(request)))])
        return RedirectResponse("/inbox", 303)

    async def _waiting(self, request: Request) -> int:
        """Which handoff is meant; for the audit also of whom, if they still wait."""
        identity = int(request.path_params["id"])
        for row in await self._tables.rows("handoff", id=identity):
            about(request, mask(row["number"]), "/inbox")
        return identity


def _moment(written: str) -> float:
    try:
        return float(written)
    except ValueError:
        return float("inf")


def _unsendable(text: str) -> str:
    """Why a text cannot be sent; empty if it can."""
    if not text:
        return _("it is empty")
    parts = segments.count(text).segments
    if parts <= segments.MAX_PARTS:
        return ""
    return _("it has %(parts)s SMS parts, and %(most)s is the most", parts=parts, most=segments.MAX_PARTS)
