"""The FastAPI application: its routes together, its problems, and its OpenAPI document."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from smsbot.core.errors import StoreError, UsageError
from smsbot.log import Log

from . import contacts, conversations, events, lines, messages, opt_outs, otp, webhooks
from .front import Front
from .problems import JSON, Problem, Refusal
from .rooms import Rooms

log = Log("smsbot.api")
_ABOUT = """
Everything that a shop needs to text its customers and to hear them.

Each request carries a token, `Authorization: Bearer smsbot_…`, that may what its scopes say. Every `POST` takes an
`Idempotency-Key`: the same key with the same body is one effect and one answer, however often it is sent, for seven
days; with another body it is refused. What is wrong is told as problem details (RFC 9457), each with a page.
"""
_MOST = 100
"""Problems that one answer lists."""
_BY_STATUS = {400: "SB700", 401: "SB701", 404: "SB703", 405: "SB706"}


def application(rooms: Rooms) -> ASGIApp:
    """The application, behind its front."""
    app = FastAPI(
        title="smsbot", version=version("smsbot"), description=_ABOUT, docs_url=None, redoc_url=None,
        servers=[{"url": f"{rooms.base}/api/v1"}], root_path_in_servers=False, redirect_slashes=False,
    )  # fmt: skip
    for part in (messages, otp, events, conversations, contacts, opt_outs, lines, webhooks):
        app.include_router(part.router(rooms))

    def described() -> dict[str, Any]:
        return _with_problems(plain())

    plain = app.openapi
    app.openapi = described  # type: ignore[method-assign]

    def refuse(request: Request, refusal: Refusal) -> Response:
        return Response(refusal.body(rooms.base), refusal.status, dict(refusal.headers), JSON)

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return refuse(request, error)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refuse(request, _validation(error))

    def unusable(request: Request, error: Exception) -> Response:
        return refuse(request, Refusal("SB704", str(error.args[0])))

    def unknown(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code, "SB704")
        answer = refuse(request, Refusal(code, f"{request.method} {request.url.path}: {error.detail}"))
        answer.headers.update(error.headers or {})
        return answer

    def unkept(request: Request, error: Exception) -> Response:
        log.warning("a request of a program was not kept", why=type(error).__name__)
        return refuse(request, Refusal("SB709", "the database did not take it; try again", wait=5))

    for kind, handler in (
        (Refusal, refused), (RequestValidationError, invalid), (UsageError, unusable), (HTTPException, unknown),
        (StoreError, unkept),
    ):  # fmt: skip
        app.add_exception_handler(kind, handler)
    return Front(app, rooms, {"/messages": messages.shortcut(rooms)})


def _validation(error: RequestValidationError) -> Refusal:
    """Every problem of a body or an address, with its place."""
    wrong = error.errors()
    if any(e["type"] == "json_invalid" for e in wrong):
        return Refusal("SB700", f"the body is not JSON: {wrong[0].get('ctx', {}).get('error', 'it ends early')}")
    told = [{"field": _place(e["loc"]), "reason": _reason(e)} for e in wrong[:_MOST]]
    first = f"{told[0]['field']}: {told[0]['reason']}" if told else "it cannot be read"
    return Refusal("SB704", first if len(wrong) == 1 else f"{len(wrong)} things are wrong; first, {first}", errors=told)


def _place(loc: Any) -> str:
    """Where a problem is, without the names of alternatives that pydantic puts between."""
    skipped = {"body", "query", "path", "header", "str", "Recipient"}
    parts = [
        str(p) for p in loc if str(p) not in skipped and not str(p).startswith(("list[", "function-", "constrained"))
    ]
    return ".".join(parts) or "body"


def _reason(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the shape of problems, which no route returns by itself."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    if "Problem" not in schemas:
        found = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(found.pop("$defs", {}))
        schemas["Problem"] = found
    return orjson.loads(orjson.dumps(document))  # type: ignore[no-any-return]
