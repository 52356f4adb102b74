"""The Python client of the API: `Client` for programs that wait, `AsyncClient` for those that await.

    with Client("https://sms.example.com", token) as sms:
        sent = sms.send("+48500100100", "Your order 1001 is on its way.", reference="order-1001")

What may have failed on the way is tried again, with one Idempotency-Key for all tries, so that it has one effect. What
the server refuses raises `ApiError`, with every problem and its place.
"""

from __future__ import annotations

import asyncio
import functools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeVar
from urllib.parse import quote

import httpx

from smsbot.core.errors import ApiError

__all__ = ["ApiError", "AsyncClient", "Client", "Judged", "Progress", "Sending", "Sent", "verify"]
P = ParamSpec("P")
T = TypeVar("T")
Value = str | int | float
_SIGNATURE = re.compile(r"(?<!\S)v1,[A-Za-z0-9+/]{43}=(?!\S)")
_AGAIN = frozenset({429, 500, 502, 503, 504})
_FIRST, _LONGEST = 0.5, 8.0
"""Seconds until a request is tried again: at first, and at most."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A text, and how it stands: ``queued``, ``scheduled``, ``paused``, ``opted_out``, ``skipped`` …"""

    id: str
    to: str
    status: str
    reference: str = ""
    line: str = ""
    why: str = ""
    kind: str = ""
    parts: int = 1
    send_at: str | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """A request to send: its id, and a text for each recipient."""

    id: str
    messages: tuple[Sent, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A text and the verdict on it."""

    id: str
    verdict: str
    """``delivered``, ``not_delivered``, ``on_its_way``, ``held`` …"""
    arrived: bool | None
    """Whether the person has it; None while nobody can know."""
    why: str
    say: str
    at: str | None
    raw: Mapping[str, Any] = field(repr=False)
    """The whole answer."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How the texts of a request fare."""

    id: str
    total: int
    counts: Mapping[str, int]
    ends_at: str | None


@dataclass(frozen=True, slots=True)
class _Ask(Generic[T]):
    """A request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[Any], T]
    body: Mapping[str, Any] | None = None
    key: str | None = None
    query: Mapping[str, Any] | None = None


# -- what can be asked ------------------------------------------------------------------------------------


def _send(
    to: str | Sequence[str | Mapping[str, Any]],
    text: str | None = None,
    *,
    template: str | None = None,
    values: Mapping[str, Value] | None = None,
    line: str = "",
    kind: Literal["notice", "code", "bulk", "reply"] = "notice",
    reference: str = "",
    send_at: str | None = None,
    zone: str = "",
    valid: str = "",
    rate: float = 0.0,
    key: str | None = None,
) -> _Ask[Sending]:
    """Send a text, or a template, to one or up to a thousand; with the same `key`, it is the same send."""
    body = {
        "to": to if isinstance(to, str) else list(to), "text": text, "template": template, "values": values or {},
        "line": line, "kind": kind, "reference": reference, "send_at": send_at, "zone": zone, "valid": valid,
        "rate": rate,
    }  # fmt: skip
    return _Ask("POST", "/messages", _sending, {k: v for k, v in body.items() if v}, key)


def _message(message: str) -> _Ask[Judged]:
    """What became of a text, by our id."""
    return _Ask("GET", f"/messages/{quote(message, safe='')}", _judged)


def _find(*, reference: str = "", to: str = "") -> _Ask[Judged]:
    """What became of a text, by your reference, or of what was requested last for a number."""
    return _Ask("POST", "/find", _judged, {"reference": reference} if reference else {"to": to})


def _cancel(message: str) -> _Ask[Sent]:
    """Take a text back that has not left."""
    return _Ask("POST", f"/messages/{quote(message, safe='')}/cancel", _sent)


def _progress(request: str) -> _Ask[Progress]:
    """How the texts of a request fare."""
    return _Ask("GET", f"/requests/{quote(request, safe='')}", _read_progress)


def _stop(request: str) -> _Ask[int]:
    """Take back all texts of a request that have not left; how many."""
    return _Ask("POST", f"/requests/{quote(request, safe='')}/cancel", lambda told: int(told["cancelled"]))


def _messages(**filters: Value) -> _Ask[list[Mapping[str, Any]]]:
    """Texts, the newest first: `direction`, `number`, `reference`, `request`, `line`, `status`, `limit`, `cursor` …"""
    return _Ask("GET", "/messages", lambda told: list(told["messages"]), query=filters)


def _emit(
    event: str, to: str, data: Mapping[str, Any] | None = None, *, line: str = "", reference: str = "",
    busy: str = "", valid: str = "", at: str | None = None, key: str | None = None,
) -> _Ask[str]:  # fmt: skip
    """Tell a bot what happened: ``started``, ``queued``, ``scheduled``, ``skipped``, ``opted_out``, ``expired`` …"""
    body = {"event": event, "to": to, "data": data or {}, "line": line, "reference": reference, "busy": busy}
    more = {"valid": valid, "at": at}
    return _Ask("POST", "/events", _status, {k: v for k, v in (body | more).items() if v}, key)


def _begin(
    flow: str, to: str, args: Mapping[str, Any] | None = None, *, line: str = "", reference: str = "", busy: str = "",
    key: str | None = None,
) -> _Ask[str]:  # fmt: skip
    """Begin a flow with somebody; whether it began, waits, or why not."""
    body = {"flow": flow, "to": to, "args": args or {}, "line": line, "reference": reference, "busy": busy}
    return _Ask("POST", "/conversations", _status, {k: v for k, v in body.items() if v}, key)


def _conversation(line: str, number: str) -> _Ask[Mapping[str, Any]]:
    """Where a conversation stands, and how others ended."""
    return _Ask("GET", f"/conversations/{quote(line, safe='')}/{quote(number, safe='')}", dict)


def _end(line: str, number: str) -> _Ask[Mapping[str, Any]]:
    """End a conversation."""
    return _Ask("POST", f"/conversations/{quote(line, safe='')}/{quote(number, safe='')}/end", dict)


def _contact(number: str) -> _Ask[Mapping[str, Any]]:
    """What is known of a person."""
    return _Ask("GET", f"/contacts/{quote(number, safe='')}", dict)


def _know(
    number: str, fields: Mapping[str, Value | bool | None] | None = None, *, language: str | None = None,
    timezone: str | None = None,
) -> _Ask[Mapping[str, Any]]:  # fmt: skip
    """Change what is known of a person; a field that is None is removed."""
    body: dict[str, Any] = {"fields": dict(fields or {})}
    body |= {"language": language} if language else {}
    body |= {"timezone": timezone} if timezone else {}
    return _Ask("PATCH", f"/contacts/{quote(number, safe='')}", dict, body)


def _opt_out(numbers: Sequence[str], proof: str) -> _Ask[int]:
    """Send nothing to these any more; how many got texts before."""
    body = {"numbers": list(numbers), "proof": proof}
    return _Ask("POST", "/opt-outs", lambda told: int(told["opted_out"]), body)


def _opt_in(number: str, proof: str) -> _Ask[bool]:
    """Let somebody get texts again; whether they had opted out."""
    path = f"/opt-outs/{quote(number, safe='')}/remove"
    return _Ask("POST", path, lambda told: bool(told["opted_in"]), {"proof": proof})


def _add_webhook(url: str, types: Sequence[str] = (), *, key: str | None = None) -> _Ask[Mapping[str, Any]]:
    """Have an address told what happens; the answer holds the secret of its signatures, this once."""
    return _Ask("POST", "/webhooks", dict, {"url": url, "types": list(types)}, key)


# -- clients ----------------------------------------------------------------------------------------------


def _waits(make: Callable[P, _Ask[T]]) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(make)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._do(make(*args, **kwargs))

    return call


def _awaits(make: Callable[P, _Ask[T]]) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    @functools.wraps(make)
    async def call(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._do(make(*args, **kwargs))

    return call


class Client:
    """The API for programs that wait. `url` is the server's; `tries` how often a request is tried in all."""

    def __init__(
        self, url: str, token: str, *, timeout: float = 20.0, tries: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._http = httpx.Client(**_settings(url, token, timeout), transport=transport)
        self._tries = tries

    def _do(self, ask: _Ask[T]) -> T:
        made = _request(ask)
        for wait in _pauses(self._tries):
            try:
                answer = self._http.request(**made)
            except httpx.TransportError as error:
                failed: Exception = error
            else:
                if answer.status_code not in _AGAIN or wait is None:
                    return ask.read(_told(answer))
                failed, wait = ApiError.of(answer.status_code, answer.content), _patience(answer, wait)
            if wait is None:
                raise failed
            time.sleep(wait)
        raise AssertionError("unreachable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    send = _waits(_send)
    message = _waits(_message)
    find = _waits(_find)
    cancel = _waits(_cancel)
    progress = _waits(_progress)
    stop = _waits(_stop)
    messages = _waits(_messages)
    emit = _waits(_emit)
    begin = _waits(_begin)
    conversation = _waits(_conversation)
    end = _waits(_end)
    contact = _waits(_contact)
    know = _waits(_know)
    opt_out = _waits(_opt_out)
    opt_in = _waits(_opt_in)
    add_webhook = _waits(_add_webhook)


class AsyncClient:
    """The same for programs that await."""

    def __init__(
        self, url: str, token: str, *, timeout: float = 20.0, tries: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._http = httpx.AsyncClient(**_settings(url, token, timeout), transport=transport)
        self._tries = tries

    async def _do(self, ask: _Ask[T]) -> T:
        made = _request(ask)
        for wait in _pauses(self._tries):
            try:
                answer = await self._http.request(**made)
            except httpx.TransportError as error:
                failed: Exception = error
            else:
                if answer.status_code not in _AGAIN or wait is None:
                    return ask.read(_told(answer))
                failed, wait = ApiError.of(answer.status_code, answer.content), _patience(answer, wait)
            if wait is None:
                raise failed
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    send = _awaits(_send)
    message = _awaits(_message)
    find = _awaits(_find)
    cancel = _awaits(_cancel)
    progress = _awaits(_progress)
    stop = _awaits(_stop)
    messages = _awaits(_messages)
    emit = _awaits(_emit)
    begin = _awaits(_begin)
    conversation = _awaits(_conversation)
    end = _awaits(_end)
    contact = _awaits(_contact)
    know = _awaits(_know)
    opt_out = _awaits(_opt_out)
    opt_in = _awaits(_opt_in)
    add_webhook = _awaits(_add_webhook)


def verify(secret: str, headers: Mapping[str, str], body: bytes | str) -> Mapping[str, Any]:
    """What a webhook of ours tells, once its signature is verified; raises ``WebhookVerificationError``."""
    from standardwebhooks.webhooks import Webhook

    told = {k.lower(): v for k, v in headers.items()}
    known = _SIGNATURE.findall(told.get("webhook-signature", ""))  # it stumbles over others
    found: Mapping[str, Any] = Webhook(secret).verify(body, told | {"webhook-signature": " ".join(known)})
    return found


def _settings(url: str, token: str, timeout: float) -> dict[str, Any]:
    base = url.rstrip("/").removesuffix("/api/v1")
    return {"base_url": f"{base}/api/v1", "timeout": timeout, "headers": {"authorization": f"Bearer {token}"}}


def _request(ask: _Ask[Any]) -> dict[str, Any]:
    keyed = {"idempotency-key": ask.key or secrets.token_hex(16)} if ask.method == "POST" else {}
    return {"method": ask.method, "url": ask.path, "json": ask.body, "params": ask.query, "headers": keyed}


def _pauses(tries: int) -> Iterator[float | None]:
    """The pauses behind each try; None behind the last."""
    for n in range(max(tries, 1) - 1):
        yield min(_FIRST * 2.0**n, _LONGEST)
    yield None


def _patience(answer: httpx.Response, wait: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), _LONGEST) if told.isdecimal() else wait


def _told(answer: httpx.Response) -> Any:
    if answer.status_code >= 300:
        raise ApiError.of(answer.status_code, answer.content)
    return answer.json() if answer.content else None


def _status(told: Mapping[str, Any]) -> str:
    return str(told["status"])


def _sent(told: Mapping[str, Any]) -> Sent:
    return Sent(**{name: told[name] for name in Sent.__dataclass_fields__ if name in told})


def _sending(told: Mapping[str, Any]) -> Sending:
    return Sending(told["id"], tuple(map(_sent, told["messages"])))


def _judged(told: Mapping[str, Any]) -> Judged:
    names = ("verdict", "arrived", "why", "say", "at")
    return Judged(id=told.get("id", ""), raw=told, **{name: told[name] for name in names})


def _read_progress(told: Mapping[str, Any]) -> Progress:
    return Progress(told["id"], told["total"], told["counts"], told["ends_at"])
