"""The sandbox over HTTP: MessageFlow's send API, the phones, and the clock."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smsbot.core import phone
from smsbot.core.clock import duration
from smsbot.core.errors import StoreError, UsageError
from smsbot.gateways.messageflow_server import (
    Refusal,
    envelope,
    external_of,
    ordered,
    read_object,
    read_send,
    read_wanted,
)

from .network import Mode, Network, Sent, item

_MOST = 100_000
"""Texts of a thread that are told at once."""
_LONGEST = 1600


def _json(content: object, status: int = 200, **headers: str) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


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
            exception_handlers={
                Refusal: _refused,
                UsageError: _unusable,
                HTTPException: _nowhere,
                StoreError: _unkept,
            },
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
        asked = read_send(read_object(await request.body()), self._network.now)
        data: list[Any] = []
        errors: list[Any] = []
        for n, number in enumerate(asked.numbers, 1):
            if not phone.is_number(number):
                errors.append(Refusal(422, "E-4-007", "phone number is not valid", "phoneNumbers", number).item)
                continue
            sent = Sent(
                account, asked.sender, phone=number, text=asked.message, webhook=asked.webhook,
                external_id=external_of(asked, "", n) if asked.external else "", validity=asked.validity,
                due=asked.due,
            )  # fmt: skip
            data.append(item(await self._network.take(sent)))
        status = (207 if data else 422) if errors else 200
        return _enveloped(status, data, errors, sentSms=len(data), notSentSms=len(errors), accountBalance="0.00")

    async def listing(self, request: Request) -> Response:
        account, wanted = self._account(request), read_wanted(request.query_params, self._network.now)
        if wanted.external:
            found = await self._network.find(account, wanted.external)
        else:
            found = await self._network.listing(
                account, phone.normalise(wanted.number, self._country), wanted.since, wanted.until
            )
        rows = [r for r in found if not wanted.senders or r["line"] in wanted.senders]
        items = ordered([item(r) for r in rows], wanted)
        if not items:
            raise Refusal(404, "E-3-001", "No data found")
        return _enveloped(200, items, [])

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
        written = request.query_params.get("limit", "200")
        if not written.isdigit():
            raise UsageError("a limit is a number: how many texts of the thread are told")
        return _json(await self._network.thread(self._number(request), min(int(written[:9]), _MOST)))

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
    return read_object(await request.body())


def _enveloped(status: int, data: list[Any], errors: list[Any], **meta: object) -> Response:
    return Response(envelope(status, data, errors, **meta), status, media_type="application/json")


async def _nowhere(request: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    assert isinstance(error, HTTPException)
    code = "E-2-002" if error.status_code == 405 else "E-2-001"
    return _enveloped(error.status_code, [], [Refusal(error.status_code, code, str(error.detail)).item])


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return Response(error.body, error.status, media_type="application/json")


async def _unkept(request: Request, error: Exception) -> Response:
    """Our own fault, such as a server that gives way to a reloaded one: the same is asked again."""
    return _json({"error": str(error)}, 503)


async def _unusable(request: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 400)
