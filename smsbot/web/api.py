"""The API for programs: ``POST /api/v1/events`` with a bearer token. Errors are problem+json (RFC 9457)."""

from __future__ import annotations

import hashlib
from datetime import datetime, tzinfo
from typing import Any, TypeVar

import orjson
import pydantic
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from smsbot.core.clock import Clock
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.phone import mask
from smsbot.desk.finding import find
from smsbot.desk.histories import Histories
from smsbot.desk.verdicts import Outcome, Verdict, plain
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from .commands import Commands
from .webhooks import MAX_BODY

M = TypeVar("M", bound=pydantic.BaseModel)


class EventIn(pydantic.BaseModel):
    """Something that happened outside, for a person's conversation."""

    model_config = pydantic.ConfigDict(extra="forbid")
    event: str = pydantic.Field(min_length=1, max_length=200, description="The name that a handler or a flow answers.")
    to: str = pydantic.Field(description="The person's number, E.164 or in the national format of the line.")
    line: str = pydantic.Field("", description="Which of our numbers; by default the first that answers the event.")
    data: dict[str, Any] = pydantic.Field(default_factory=dict, description="What the handler or the flow is told.")
    key: str = pydantic.Field(
        "", max_length=200, description="The same key counts once; Idempotency-Key does the same."
    )
    at: datetime | None = pydantic.Field(None, description="When; by default now. It needs a time zone.")
    busy: str = pydantic.Field("", description="While the person is in a conversation: queue, replace or skip.")
    valid: str = pydantic.Field("", description="How long it is worth beginning, such as 4h.")
    reference: str = pydantic.Field(
        "", max_length=200, description="What you call it, such as order-7: the desk finds the texts by that."
    )


class FindIn(pydantic.BaseModel):
    """Whom or what a verdict is wanted on: a number, or what you called a text."""

    model_config = pydantic.ConfigDict(extra="forbid")
    to: str = pydantic.Field("", max_length=40, description="The person's number, or its last digits.")
    reference: str = pydantic.Field("", max_length=200, description="What you called it, such as order-7.")


_TAKEN = ("started", "queued", "scheduled")
"""The outcomes that mean that it is going to happen; all others kept it from beginning."""


class Api:
    """Serves programs that have a token."""

    def __init__(
        self, tables: Tables, commands: Commands, *, lines: Lines, clock: Clock, zone: tzinfo
    ) -> None:  # fmt: skip
        self._tables = tables
        self._commands = commands
        self._lines = lines
        self._clock = clock
        self._histories = Histories(tables, zone)

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Route("/api/v1/events", self.events, methods=["POST"]),
            Route("/api/v1/find", self.find, methods=["POST"]),
            Route("/api/v1/messages/{id}", self.message, methods=["GET"]),
            Route("/api/v1/openapi.json", self.openapi, methods=["GET"]),
        ]

    async def events(self, request: Request) -> Response:
        """Begin, or queue, what answers an event; answers ``{"status": "started"}``, ``queued``, ``scheduled`` …"""
        name = await self._token(request)
        if not name:
            return _unauthorized()
        asked = await _body(request, EventIn)
        if isinstance(asked, Response):
            return asked
        key = asked.key or request.headers.get("idempotency-key", "")
        at = asked.at.timestamp() if asked.at is not None and asked.at.tzinfo is not None else None
        if asked.at is not None and at is None:
            return _problem(422, "invalid", "at needs a time zone, such as 2026-11-25T10:00:00+01:00")
        try:
            status = await self._commands.emit(
                asked.event, asked.to, asked.data, line=asked.line, key=key, at=at, busy=asked.busy, valid=asked.valid,
                by=f"token {name}", ref=asked.reference,
            )  # fmt: skip
        except UsageError as error:
            return _problem(422, "invalid", str(error.args[0]))
        except StoreError:
            return _problem(503, "not-stored", "the database did not take it; try again", headers={"retry-after": "5"})
        return JSONResponse({"status": status}, 202 if status in _TAKEN else 200)

    async def find(self, request: Request) -> Response:
        """The verdict on what was requested last for a number, or on a text by your reference."""
        if not await self._token(request):
            return _unauthorized()
        asked = await _body(request, FindIn)
        if isinstance(asked, Response):
            return asked
        if bool(asked.to) is bool(asked.reference):
            return _problem(422, "invalid", "give either to or reference")
        meant = await find(self._tables, asked.to or asked.reference, [x.country for x in self._lines.values()])
        if meant.several:
            return _problem(422, "ambiguous", f"{len(meant.several)} numbers or more end so; give more digits")
        if not meant.number or (asked.reference and meant.text is None):
            return _problem(404, "not-found", "neither a number nor a reference that is known")
        now = self._clock.now()
        if meant.text is not None:
            return JSONResponse(_judged(meant.text, await self._histories.of_text(meant.text, now)))
        return JSONResponse(plain(await self._histories.of_person(meant.number, now)))

    async def message(self, request: Request) -> Response:
        """One text out and the verdict on it."""
        if not await self._token(request):
            return _unauthorized()
        rows = await self._tables.rows("outgoing", id=request.path_params["id"])
        if not rows:
            return _problem(404, "not-found", "there is no such message")
        return JSONResponse(_judged(rows[0], await self._histories.of_text(rows[0], self._clock.now())))

    async def openapi(self, request: Request) -> Response:
        """The description of the API, as OpenAPI 3.1."""
        return JSONResponse(document())

    async def _token(self, request: Request) -> str:
        """The name of the token that asks; empty if it has none."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return ""
        found = await self._tables.rows("token", hash=token_hash(token.strip()))
        return str(found[0]["name"]) if found else ""


def _judged(row: Row, verdict: Verdict) -> dict[str, Any]:
    """A text and the verdict on it. What it says is not told: a token that may ask need not read."""
    told = {"id": row["id"], "reference": row["ref"], "line": row["line"], "to": mask(row["number"])}
    told |= {"status": row["status"], "kind": row["kind"] or row["lane"], "parts": row["parts"]}
    priced = {"price": row["price"], "currency": row["currency"]} if row["price"] is not None else {}
    return {**told, **priced, **plain(verdict)}


async def _body(request: Request, model: type[M]) -> M | Response:
    """What was posted; the problem with it, if it cannot be taken."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return _problem(413, "too-large", f"a body has at most {MAX_BODY} bytes")
    try:
        return model.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        return _problem(400, "not-json", f"the body is not JSON: {error.msg}")
    except pydantic.ValidationError as error:
        wrong = [{"field": ".".join(map(str, e["loc"])), "reason": e["msg"]} for e in error.errors()]
        return _problem(422, "invalid", "it cannot be taken", errors=wrong)


def token_hash(token: str) -> bytes:
    """The hash that is kept of a token: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def document() -> dict[str, Any]:
    """The OpenAPI description."""
    answer = {
        "type": "object",
        "properties": {"status": {"enum": [*_TAKEN, "skipped", "opted_out", "expired", "duplicate"]}},
    }
    verdict = {
        "type": "object",
        "properties": {
            "verdict": {"enum": [o.slug for o in Outcome]},
            "title": {"enum": [str(o) for o in Outcome]},
            "arrived": {"type": ["boolean", "null"]},
            **{name: {"type": "string"} for name in ("why", "say")},
            "at": {"type": ["string", "null"]},
            "path": {"type": "array", "items": {"type": "object"}},
        },
    }
    judged = {"200": {"description": "The verdict", "content": {"application/json": {"schema": verdict}}}}
    problem = {"description": "What is wrong", "content": {"application/problem+json": {}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "smsbot", "version": "1"},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/events": {
                "post": {
                    "summary": "Begin, or queue, what answers an event.",
                    "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                    "requestBody": {"content": {"application/json": {"schema": EventIn.model_json_schema()}}},
                    "responses": {
                        "202": {"description": "Taken", "content": {"application/json": {"schema": answer}}},
                        "200": {
                            "description": "Not begun, and why",
                            "content": {"application/json": {"schema": answer}},
                        },
                        **dict.fromkeys(("400", "401", "413", "422", "503"), problem),
                    },
                }
            },
            "/api/v1/find": {
                "post": {
                    "summary": "The verdict on what was requested last for a number, or on a text by your reference.",
                    "requestBody": {"content": {"application/json": {"schema": FindIn.model_json_schema()}}},
                    "responses": {**judged, **dict.fromkeys(("400", "401", "404", "413", "422"), problem)},
                }
            },
            "/api/v1/messages/{id}": {
                "get": {
                    "summary": "One text and the verdict on it.",
                    "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {**judged, **dict.fromkeys(("401", "404"), problem)},
                }
            },
        },
    }


def _unauthorized() -> Response:
    return _problem(401, "unauthorized", "a bearer token is needed; smsbot token add NAME makes one")


def _problem(status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    body = {"type": f"about:blank#{kind}", "title": kind.replace("-", " "), "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
