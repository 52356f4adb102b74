"""The site of the desk: its pages together, quarantine, the phone; and health for machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsbot.core import codec
from smsbot.core.clock import Clock
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.phone import masked
from smsbot.desk.words import N_, NAMES
from smsbot.gateways.base import FieldNames
from smsbot.pipeline.supervisor import Supervisor
from smsbot.stores.base import Tables
from smsbot.turns.lines import Lines

from . import convertors as convertors
from . import quarantine
from .acts import Act, Audit, Forbidden, Look, about
from .auth import LANGUAGE, headers_of, inside, user_of
from .commands import Commands
from .cookies import cookie_of, language_cookie
from .guesses import Guesses
from .live import Live
from .metrics import CONTENT_TYPE, metrics
from .phones import MOST, Phones
from .prefix import Prefix
from .spoken import WORDS, _, _why, words_for
from .templates import HERE, VISITOR, Missing, Templates, Visitor

_QUARANTINED = 20
_HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_OF_FILES = [*_HEADERS[:-1], (b"cache-control", b"no-cache")]
"""A file of ours is asked for again, and answered 304 as long as it is the same."""


class _Headers:
    """Security headers on every page; and whom the page is for, and in which language."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = headers_of(scope)
            place = scope["path"] if scope["method"] == "GET" else "/"
            VISITOR.set(Visitor(user_of(scope), bool(cookie_of(headers)), place))
            WORDS.set(words_for(headers))
        more = _OF_FILES if scope["type"] == "http" and scope["path"].startswith("/static/") else _HEADERS

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Room(Protocol):
    """Pages that belong together."""

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        ...


class Pages:
    """The routes of all pages, and those that are of no page of their own."""

    def __init__(
        self,
        tables: Tables,
        lines: Lines,
        clock: Clock,
        live: Live,
        commands: Commands,
        fields: Callable[[str], FieldNames],
        unready: Callable[[], str],
        supervisor: Supervisor,
        guesses: Guesses,
        rooms: Sequence[Room],
        templates: Templates,
    ) -> None:
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._live = live
        self._commands = commands
        self._fields = fields
        self._unready = unready
        self._supervisor = supervisor
        self._guesses = guesses
        self._rooms = rooms
        self._templates = templates

    def app(
        self,
        sandbox: ASGIApp | None,
        phones: Phones | None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
    ) -> Starlette:
        """The Starlette app of all pages."""
        routes: list[BaseRoute] = [
            *(route for room in self._rooms for route in room.routes()),
            Look("/quarantine", self.quarantine, role="admin"),
            Act("/quarantine", self.map_quarantine, N_("mapped webhooks"), role="admin"),
            Act("/quarantine/{id:row}/discard", self.discard, N_("discarded a webhook"), role="admin"),
            Route("/live", self.live),
            Route(LANGUAGE, self.language, methods=["POST"]),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Look("/metrics", self.metrics, role="admin"),
            Route("/s/{code}", self.link),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
        if sandbox is not None and phones is not None:
            routes += [Route("/phone", self.phone), *phones.routes(), Mount("/sandbox", sandbox)]
        app = Starlette(
            routes=routes,
            middleware=[
                Middleware(_Headers),
                Middleware(GZipMiddleware, minimum_size=1000, compresslevel=4),
                Middleware(Prefix),
            ],
            lifespan=lifespan,
            exception_handlers={
                Missing: self._missing,
                404: self._missing,
                Forbidden: self._forbidden,
                StoreError: self._unkept,
            },
        )
        app.state.audit = Audit(self._tables, self._clock)
        app.router.redirect_slashes = False  # it would lead to whatever the request calls its host
        return app

    def _missing(self, request: Request, _error: Exception) -> Response:
        """There is nothing at an address, for people or for programs."""
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": "not found; the API is at /api/v1"}, 404)
        return self._templates.response("missing.html", 404)

    def _unkept(self, request: Request, _: Exception) -> Response:
        """The database did not take what was to be kept."""
        return PlainTextResponse("The database did not keep it. Nothing was done; try again.\n", 503)

    def _forbidden(self, request: Request, _: Exception) -> Response:
        """There is something, but not for the role of whoever asks."""
        return self._templates.response("forbidden.html", 403)

    # -- quarantine ---------------------------------------------------------------------------------

    async def quarantine(self, request: Request) -> Response:
        """Webhooks that were not understood, each with a form."""
        return await self._quarantine("")

    async def _quarantine(self, told: str, status: int = 200) -> Response:
        rows = await self._tables.rows("quarantined", account="", limit=1000)
        entries = [
            quarantine.shown(r, codec.loads(r["headers"]), self._fields(r["account"]), self._is_line)
            for r in rows[:_QUARANTINED]
        ]
        more = len(rows) - len(entries)
        strange = [
            (r["account"], masked(r["raw"])[:40], r["n"], r["at"]) for r in await self._tables.rows("unknown_statuses")
        ]
        return self._templates.response(
            "quarantine.html", status, entries=entries, more=more, told=told, strange=strange
        )

    async def discard(self, request: Request) -> Response:
        """Somebody has looked at a webhook, and nothing is to be done; it stays in the database."""
        await self._tables.write([("replayed", (self._clock.now(), request.path_params["id"]))])
        about(request, f"number {request.path_params['id']}", "/quarantine")
        return RedirectResponse("/quarantine", 303)

    def _is_line(self, address: str) -> bool:
        return self._lines.find(address) is not None

    async def map_quarantine(self, request: Request) -> Response:
        """Take the meanings that somebody chose, and read the account's quarantine again."""
        form = await request.form()
        fields = {k[6:]: str(v) for k, v in form.items() if k.startswith("field-") and v}
        if not fields:
            return await self._quarantine(_("Say at least of one field what it means."), 422)
        try:
            done = await self._commands.map_fields(str(form.get("account")), str(form.get("kind")), fields)
        except UsageError as error:
            return await self._quarantine(_why(error), 422)
        about(request, f"account {form.get('account')}, {form.get('kind')}: {', '.join(fields)}", "/quarantine")
        return await self._quarantine(_("%(replayed)s understood and answered, %(left)s left.", **done))

    async def link(self, request: Request) -> Response:
        """Where a short address in a text leads; each time is counted."""
        code = request.path_params["code"]
        rows = await self._tables.rows("link_of", code=code)
        if not rows:
            raise Missing
        with suppress(StoreError):  # a full disk: people are led on all the same
            await self._tables.write([("clicked", (code,))])
        return RedirectResponse(rows[0]["url"], 302)

    async def language(self, request: Request) -> Response:
        """Keep in the browser which language somebody chose, and show them the page again."""
        form = await request.form()
        place = inside(str(form.get("next", "")))
        code = str(form.get("language", ""))
        told = {"set-cookie": language_cookie(code, headers_of(request.scope))} if code in NAMES else {}
        return RedirectResponse(place, 303, told)

    # -- phone --------------------------------------------------------------------------------------

    async def phone(self, request: Request) -> Response:
        """One to six simulated phones."""
        lines = [(x.number, x.bot.name) for x in self._lines.values()]
        return self._templates.response("phone.html", lines=lines, most=MOST)

    # -- machines -----------------------------------------------------------------------------------

    async def live(self, request: Request) -> Response:
        """An event whenever something changed."""
        return EventSourceResponse(self._live.follow(), ping=15)

    async def healthz(self, request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def metrics(self, request: Request) -> Response:
        """Counts for Prometheus; behind the same password as the pages."""
        return Response(await metrics(self._tables, self._supervisor.workers, self._guesses), media_type=CONTENT_TYPE)

    async def readyz(self, request: Request) -> Response:
        """The database answers and keeps what is written, every worker lives, and the server is not closing."""
        began = time.perf_counter()
        try:
            await self._tables.rows("last_seq")
        except StoreError:
            return JSONResponse({"ready": False, "why": "the database does not answer"}, 503)
        try:
            if self._tables.failing:  # perhaps nothing has been written since it was repaired
                await self._tables.write([("meta", ("tried", "1"))])
        except StoreError:
            return JSONResponse({"ready": False, "why": "the database does not keep what is written"}, 503)
        if why := self._unready():
            return JSONResponse({"ready": False, "why": why}, 503)
        return JSONResponse({"ready": True, "database_ms": round((time.perf_counter() - began) * 1000, 1)})
