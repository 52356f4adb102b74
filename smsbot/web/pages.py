"""The pages: all messages live, one message's timeline, the phone; and health for machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsbot.core import codec, phone
from smsbot.core.clock import Clock
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.phone import mask
from smsbot.core.status import MEANING, Status
from smsbot.core.zones import zone_of
from smsbot.desk.finding import is_part, waiting, whole_number
from smsbot.gateways.base import FieldNames
from smsbot.gateways.fields import masked
from smsbot.pipeline.supervisor import Supervisor
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from . import quarantine
from .commands import Commands
from .guesses import Guesses
from .live import Live
from .metrics import CONTENT_TYPE, metrics
from .phones import MOST, Phones

_HERE = Path(__file__).parent
_PAGE = 50
_QUARANTINED = 20
_FOREVER = 1e15
_HEADERS = [
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_INBOUND = {"text": "received", "reaction": "reacted", "optout": "opted out", "optin": "opted in"}
_ICONS = {
    "queued": "…", "sending": "…", "unknown": "?", "accepted": "✓", "sent": "✓", "delivered": "✓✓",
    "failed": "✕", "undelivered": "✕", "expired": "✕", "blocked": "⊘",
}  # fmt: skip


_PHASES = {
    "queue": "is due",
    "behind": "waits for the text before it",
    "held": "is paused",
    "check": "is looked up at the provider",
}
"""The reasons why an open text waits."""


class _Row(Convertor[int]):
    """The number of a row: one that SQLite can have."""

    regex = "[0-9]{1,18}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("row", _Row())


class _Headers:
    """Security headers on every page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class Pages:
    """Renders what the store knows. Numbers are masked before they reach a template."""

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
        *,
        dev: bool,
        real: int = 0,
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
        env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        env.globals.update(dev=dev, real=real, icons=_ICONS)
        first = next(iter(lines.values()), None)
        self._zone = zone_of({}, first.timezone if first is not None else "UTC")
        env.filters.update(clock=self._clock_time, moment=self._moment)
        env.globals.update(zone=str(self._zone))
        self._env = env

    def app(
        self,
        sandbox: ASGIApp | None,
        phones: Phones | None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[None]],
        api: Sequence[BaseRoute] = (),
    ) -> Starlette:
        """The Starlette app of all pages."""
        routes: list[BaseRoute] = [
            Route("/", self.messages, methods=["GET", "POST"]),
            Route("/feed", self.feed, methods=["GET", "POST"]),
            Route("/messages/{id}", self.message),
            Route("/handoffs/{id:row}", self.handoff, methods=["POST"]),
            Route("/handoffs/{id:row}/done", self.handoff_done, methods=["POST"]),
            Route("/quarantine", self.quarantine, methods=["GET"]),
            Route("/quarantine", self.map_quarantine, methods=["POST"]),
            Route("/quarantine/{id:row}/discard", self.discard, methods=["POST"]),
            Route("/live", self.live),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.metrics),
            *api,
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ]
        if sandbox is not None and phones is not None:
            routes += [Route("/phone", self.phone), *phones.routes(), Mount("/sandbox", sandbox)]
        app = Starlette(routes=routes, middleware=[Middleware(_Headers)], lifespan=lifespan)
        app.router.redirect_slashes = False  # it would lead to whatever the request calls its host
        return app

    def _render(self, template: str, status: int = 200, **context: Any) -> Response:
        return Response(self._env.get_template(template).render(**context), status, media_type="text/html")

    def _clock_time(self, at: float) -> str:
        """The time of day in the zone of the first line; with its date if that is not today."""
        moment, now = (datetime.fromtimestamp(t, self._zone) for t in (at, self._clock.now()))
        return moment.strftime("%H:%M:%S" if moment.date() == now.date() else "%d %b %H:%M:%S")

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    # -- messages -----------------------------------------------------------------------------------

    async def messages(self, request: Request) -> Response:
        """All messages, newest first; a number, posted, narrows them to one person."""
        return self._render("messages.html", **await self._listing(request))

    async def feed(self, request: Request) -> Response:
        """The rows alone, for a page that is told to look again."""
        return self._render("_feed.html", **await self._listing(request))

    async def _listing(self, request: Request) -> dict[str, Any]:
        form = await request.form() if request.method == "POST" else {}
        asked = str(form.get("number", "")).strip()
        return await self._listing_of(asked, self._normalise(asked), str(form.get("before", "")))

    async def _listing_of(self, asked: str, number: str, cursor: str) -> dict[str, Any]:
        number = number or self._normalise(asked)
        several = ""
        if asked and is_part(asked):
            try:
                number = await whole_number(self._tables, number, asked)
            except UsageError as error:
                number, several = "", error.args[0]
        before, skip = _cursor(cursor)
        wanted = _PAGE + 1 + skip
        if number:
            rows = await self._tables.rows("thread", number=number, limit=wanted, before=before)
        elif asked:
            rows = []
        else:
            rows = await self._tables.rows("feed", limit=wanted, before=before)
        rows = rows[skip:]
        counts, pauses = (await self._tables.rows("counts"))[0], await self._tables.rows("pauses")
        return {
            "handoffs": [{**h, "number": mask(h["number"])} for h in await self._tables.rows("handoffs", limit=_PAGE)]
            if not asked
            else [],
            "rows": [_shown(r) for r in rows[:_PAGE]],
            "older": _next_cursor(rows[:_PAGE], before, skip) if len(rows) > _PAGE else None,
            "fixed": before < _FOREVER,
            "asked": asked,
            "several": several,
            "waits": waiting(rows, pauses) if number else "",
            "found": mask(number) if number else "",
            "counts": {k: v for k, v in counts.items() if v},
            "pauses": pauses,
            "lines": [(x.number, x.bot.name) for x in self._lines.values()],
        }

    async def handoff(self, request: Request) -> Response:
        """The thread of a person who waits, with the whole number: the desk must be able to call."""
        found = await self._tables.rows("handoffs", limit=10_000)
        row = next((h for h in found if h["id"] == request.path_params["id"]), None)
        if row is None:
            return self._render("missing.html", 404)
        return self._render("messages.html", **await self._listing_of(row["number"], "", ""))

    async def handoff_done(self, request: Request) -> Response:
        """Somebody at the desk has looked after a person."""
        await self._tables.write(
            [("unhold", (request.path_params["id"],)), ("handoff_done", (self._clock.now(), request.path_params["id"]))]
        )
        return RedirectResponse("/", 303)

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
        return self._render("quarantine.html", status, entries=entries, more=more, told=told, strange=strange)

    async def discard(self, request: Request) -> Response:
        """Somebody has looked at a webhook, and nothing is to be done; it stays in the database."""
        await self._tables.write([("replayed", (self._clock.now(), request.path_params["id"]))])
        return RedirectResponse("/quarantine", 303)

    def _is_line(self, address: str) -> bool:
        return self._lines.find(address) is not None

    async def map_quarantine(self, request: Request) -> Response:
        """Take the meanings that somebody chose, and read the account's quarantine again."""
        form = await request.form()
        fields = {k[6:]: str(v) for k, v in form.items() if k.startswith("field-") and v}
        if not fields:
            return await self._quarantine("Say at least of one field what it means.", 422)
        try:
            done = await self._commands.map_fields(str(form.get("account")), str(form.get("kind")), fields)
        except UsageError as error:
            return await self._quarantine(error.args[0], 422)
        return await self._quarantine(f"{done['replayed']} understood and answered, {done['left']} left.")

    def _normalise(self, asked: str) -> str:
        """The number that was asked for, in the country of the first line that understands it."""
        for country in dict.fromkeys(x.country for x in self._lines.values()):
            number = phone.normalise(asked, country)
            if phone.can_receive(number):
                return number
        return ""

    async def message(self, request: Request) -> Response:
        """One text out: its verdict and its timeline."""
        found = await self._tables.rows("outgoing", id=request.path_params["id"])
        if not found:
            return self._render("missing.html", 404)
        row = found[0]
        timeline = await self._timeline(row)
        shown = _shown({**row, "direction": "out", "at": row["created"]})
        return self._render("message.html", row=shown, timeline=timeline, meaning=MEANING[Status(row["status"])])

    async def _timeline(self, row: Row) -> Sequence[tuple[float, str, str]]:
        identity = row["id"]
        entries: list[tuple[float, str, str]] = [(row["created"], "requested", f"{row['parts']} SMS, {row['lane']}")]
        for a in await self._tables.rows("attempts", id=identity):
            entries.append((a["started"], f"attempt {a['n']} began", ""))
            if a["ended"] is not None:
                entries.append((a["ended"], f"attempt {a['n']}: {a['outcome']}", a["detail"]))
        for r in await self._tables.rows("receipts", id=identity):
            entries.append((r["at"], f"report: {r['status'] or 'not understood'}", f"raw status {r['raw']}"))
        if row["phase"] in _PHASES:
            entries.append((row["due"], _PHASES[row["phase"]], row["detail"]))
        if row["status"] in ("expired", "blocked") and row["detail"]:
            entries.append((row["due"], str(row["status"]), row["detail"]))
        return sorted(entries, key=lambda e: e[0])

    # -- phone --------------------------------------------------------------------------------------

    async def phone(self, request: Request) -> Response:
        """One to six simulated phones."""
        lines = [(x.number, x.bot.name) for x in self._lines.values()]
        return self._render("phone.html", lines=lines, most=MOST)

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


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people see it: masked, with the word for its status."""
    incoming = row["direction"] == "in"
    status = _INBOUND.get(row["status"], row["status"]) if incoming else row["status"]
    return {
        "direction": row["direction"], "id": row["id"], "line": row["line"], "number": mask(row["number"]),
        "text": row["text"], "at": row["at"], "status": status, "detail": row["detail"], "parts": row["parts"],
        "reaction": row["reaction"],
    }  # fmt: skip


def _cursor(text: str) -> tuple[float, int]:
    """Where an older page begins: a time, and how many of that very time were shown already."""
    at, _, skip = text.partition(" ")
    try:
        return float(at), min(max(int(skip or 0), 0), 10_000)
    except ValueError:
        return _FOREVER, 0


def _next_cursor(rows: Sequence[Row], before: float, skip: int) -> str:
    last = rows[-1]["at"]
    shown = sum(r["at"] == last for r in rows) + (skip if last == before else 0)
    return f"{last!r} {shown}"
