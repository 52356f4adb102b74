"""The sandbox over HTTP: MessageFlow's send API, the phones, and the clock."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsbot.core import phone, segments
from smsbot.core.clock import duration
from smsbot.core.errors import UsageError
from smsbot.gateways.messageflow_wire import MAX_PARTS

from .network import Mode, Network, Sent, item


class Refusal(Exception):
    """An answer in MessageFlow's error envelope."""

    def __init__(self, status: int, code: str, message: str, parameter: str = "") -> None:
        self.status, self.code, self.message, self.parameter = status, code, message, parameter


_LONGEST = 1600


def _json(content: object, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


def envelope(status: int, data: list[Any], errors: list[Any], **meta: object) -> Response:
    """MessageFlow's envelope: meta always, data or errors or (207) both."""
    head = {
        "numberOfErrors": len(errors),
        "numberOfData": len(data),
        "status": status,
        "uniqId": secrets.token_hex(5),
        **meta,
    }
    body: dict[str, object] = {"meta": head}
    if data or not errors:
        body["data"] = data
    if errors:
        body["errors"] = errors
    return _json(body, status)


def _error(refusal: Refusal) -> dict[str, object]:
    meta = {"parameter": refusal.parameter, "value": "", "source": ""}
    return {"title": "Error", "message": refusal.message, "code": refusal.code, "meta": meta}


Credentials = Mapping[str, tuple[str, str]]
"""For each account: its authorization key and its application key."""
Advance = Callable[[float], Awaitable[float]]
"""Moves the clock by seconds, from due time to due time; returns the new time."""


def sandbox(network: Network, credentials: Credentials, advance: Advance, country: str | None) -> Starlette:
    """The ASGI app; `country` says how national numbers of phones are read."""
    return _Sandbox(network, credentials, advance, country).app()


class _Sandbox:
    def __init__(self, network: Network, credentials: Credentials, advance: Advance, country: str | None) -> None:
        self._network = network
        self._credentials = credentials
        self._advance = advance
        self._country = country

    def app(self) -> Starlette:
        app = Starlette(
            routes=[
                Route("/v2.1/sms", self.send, methods=["POST"]),
                Route("/v2.1/sms", self.listing, methods=["GET"]),
                Route("/v2.1/sms/statuses", self.listing, methods=["GET"]),
                Route("/phones/{number}/texts", self.text, methods=["POST"]),
                Route("/phones/{number}/texts", self.thread, methods=["GET"]),
                Route("/phones/{number}", self.phone, methods=["GET"]),
                Route("/phones/{number}", self.set_phone, methods=["PATCH", "POST"]),
                Route("/clock", self.clock, methods=["POST"]),
            ],
            exception_handlers={Refusal: _refused, UsageError: _unusable},
        )
        app.router.redirect_slashes = False
        return app

    # -- MessageFlow's API --------------------------------------------------------------------------

    def _account(self, request: Request) -> str:
        given = (request.headers.get("authorization", ""), request.headers.get("application-key", ""))
        for account, keys in self._credentials.items():
            if all(hmac.compare_digest(g.encode(), k.encode()) for g, k in zip(given, keys, strict=True)):
                return account
        raise Refusal(401, "E-1-001", "Unauthorized")

    async def send(self, request: Request) -> Response:
        account = self._account(request)
        body = await _object(request)
        sender, text = _text(body, "sender"), _text(body, "message")
        numbers = body.get("phoneNumbers")
        if not isinstance(numbers, list) or not numbers or not all(isinstance(n, str) for n in numbers):
            raise Refusal(422, "E-4-004", "phoneNumbers must be a list of numbers", "phoneNumbers")
        parts = segments.count(text).segments
        if parts > MAX_PARTS:
            raise Refusal(422, "E-4-005", f"message has {parts} parts, at most {MAX_PARTS} are allowed", "message")
        validity = body.get("validity", 4320)
        if not isinstance(validity, int) or not 0 <= validity <= 4320:
            raise Refusal(422, "E-4-006", "validity must be between 0 and 4320", "validity")
        external, webhook = str(body.get("externalId", "")), str(body.get("webhookUrl", ""))
        data: list[Any] = []
        errors: list[Any] = []
        for number in numbers:
            if not phone.is_number(number):
                errors.append(_error(Refusal(422, "E-4-007", "phone number is not valid", "phoneNumbers")))
                continue
            sent = Sent(
                account,
                sender,
                phone=number,
                text=text,
                external_id=external,
                webhook=webhook,
                validity=(validity or 4320) * 60.0,
            )
            data.append(item(await self._network.take(sent)))
        status = (207 if data else 422) if errors else 200
        return envelope(status, data, errors, sentSms=len(data), notSentSms=len(errors), accountBalance="0.00")

    async def listing(self, request: Request) -> Response:
        account, query = self._account(request), request.query_params
        external = query.get("externalId", "")
        if external:
            found = await self._network.find(account, external)
        else:
            limit, offset = _number(query.get("limit", "100"), 1000), _number(query.get("offset", "0"), 10**9)
            found = await self._network.listing(account, query.get("phoneNumber", ""), limit, offset)
        if not found:
            raise Refusal(404, "E-3-001", "No data found")
        return envelope(200, [item(r) for r in found], [])

    # -- phones and clock ---------------------------------------------------------------------------

    def _number(self, request: Request) -> str:
        number = phone.normalise(request.path_params["number"], self._country)
        if not phone.is_number(number):
            raise UsageError("a phone has a number such as +48600100200")
        return number

    async def text(self, request: Request) -> Response:
        body = await _object(request)
        text, to, media = body.get("text", ""), body.get("to") or "", body.get("media") or ""
        if not isinstance(text, str) or not isinstance(media, str) or not (text or media):
            raise UsageError('a text is needed: {"text": "hello"}, or a picture: {"media": "https://…"}')
        if len(text) > _LONGEST:
            raise UsageError(f"a phone sends at most {_LONGEST} characters")
        identity = await self._network.text_from(self._number(request), text, str(to), media)
        return _json({"id": identity}, 202)

    async def thread(self, request: Request) -> Response:
        return _json(await self._network.thread(self._number(request)))

    async def phone(self, request: Request) -> Response:
        number = self._number(request)
        return _json({"number": number, "mode": self._network.mode(number)})

    async def set_phone(self, request: Request) -> Response:
        number, body = self._number(request), await _object(request)
        try:
            mode = Mode(body.get("mode", ""))
        except ValueError:
            raise UsageError(f"mode is one of {', '.join(Mode)}") from None
        await self._network.set_mode(number, mode)
        return _json({"number": number, "mode": mode})

    async def clock(self, request: Request) -> Response:
        body = await _object(request)
        advance = body.get("advance", "")
        if isinstance(until := body.get("until"), int | float):
            advance = max(0.0, until - self._network.now)
        if not isinstance(advance, str | int | float) or isinstance(advance, bool):
            raise UsageError('the clock is moved by {"advance": "24h"}')
        return _json({"now": await self._advance(duration(advance))})


async def _object(request: Request) -> dict[str, Any]:
    """The body as a JSON object, whatever content type it claims."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(400, "E-4-001", "the body must be a JSON object")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(422, "E-4-004", f"{name} is required", name)
    return value


def _number(value: str, most: int) -> int:
    if not value.isascii() or not value.isdigit():
        raise Refusal(422, "E-4-008", "limit and offset are numbers", "limit")
    return min(int(value), most)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return envelope(error.status, [], [_error(error)])


async def _unusable(request: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 400)
