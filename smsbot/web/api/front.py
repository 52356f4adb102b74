"""In front of the routes: whose token it is, how much it may, whether the same was asked before, and the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from weakref import WeakValueDictionary

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smsbot.core.commit import digest
from smsbot.core.errors import StoreError
from smsbot.core.phone import masked
from smsbot.desk.tokens import Token
from smsbot.failpoints import reached

from ..auth import headers_of
from ..calls import Call, shown
from .problems import JSON, Refusal
from .rooms import Rooms

MAX_BODY = 1_048_576
"""Bytes of one request."""
KEPT = 7 * 86_400.0
"""Seconds for which an answer is given again."""
_LONGEST_KEY = 200
_OPEN = "/openapi.json"
_JSON = (b"content-type", b"application/json")
_ALWAYS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))

Shortcut = Callable[[Scope, bytes], Awaitable[bytes | None]]
"""A route that answers 202 without FastAPI, or None where FastAPI is to answer."""


class Front:
    """Answers for what is the same on every route."""

    def __init__(self, app: ASGIApp, rooms: Rooms, shortcuts: Mapping[str, Shortcut]) -> None:
        self._app = app
        self._rooms = rooms
        self._shortcuts = shortcuts
        self._asked: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who may, and keep a line of it."""
        if scope["type"] != "http":
            return
        began, headers = time.perf_counter(), headers_of(scope)
        ending = _Ending(send)
        try:
            if scope["path"] == scope.get("root_path", "") + _OPEN and scope["method"] == "GET":
                await self._app(scope, receive, send)
                return
            token = scope["asker"] = await self._token(headers)
            may, told = self._rooms.budgets.take(token.name)
            ending.headers = [*_ALWAYS, *told]
            if not may:
                budgets = self._rooms.budgets
                raise Refusal("SB708", f"this token may ask {budgets.rate:g} times a second", wait=budgets.wait)
            body = await _whole(receive)
            scope["headers"] = [h for h in scope["headers"] if h[0] != b"content-type"] + [_JSON]  # whatever it claims
            if scope["method"] == "POST" and b"idempotency-key" in headers:
                await self._once(scope, headers[b"idempotency-key"], body, ending)
            else:
                scope["identity"], scope["asked"], scope["again"] = b"", 0.0, False
                await self._answer(scope, body, ending)
        except Refusal as refusal:
            await ending.refuse(refusal, self._rooms.base)
        except StoreError:
            await ending.refuse(Refusal("SB709", "the database did not take it; try again", wait=5), self._rooms.base)
        except ClientDisconnect:
            return
        self._note(scope, ending, time.perf_counter() - began)

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        shortcut = self._shortcuts.get(path) if scope["method"] == "POST" else None
        told = await shortcut(scope, body) if shortcut is not None else None
        if told is None:
            await self._app(scope, _given(body), send)
            return
        head = [_JSON, (b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 202, "headers": head})
        await send({"type": "http.response.body", "body": told})

    def _note(self, scope: Scope, ending: _Ending, took: float) -> None:
        asker = scope.get("asker")
        who = asker.name if isinstance(asker, Token) else ""
        now = self._rooms.clock.now()
        call = Call(
            now, scope["method"], path=shown(scope["path"]), status=ending.status, who=who, took=took,
            why=masked(ending.why)[:200],
        )  # fmt: skip
        self._rooms.calls.note(call)

    async def _token(self, headers: Mapping[bytes, str]) -> Token:
        kind, _, secret = headers.get(b"authorization", "").partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            raise Refusal("SB701", "a bearer token is needed; smsbot token add NAME makes one")
        token = await self._rooms.tokens.of(secret.strip())
        if token is None:
            raise Refusal("SB701", "this bearer token is not known, was revoked, or has expired")
        return token

    async def _once(self, scope: Scope, called: str, body: bytes, ending: _Ending) -> None:
        """The same key with the same body is answered the same, also after a kill; its effect is one."""
        if not 0 < len(called) <= _LONGEST_KEY:
            raise Refusal("SB704", f"an Idempotency-Key has 1 to {_LONGEST_KEY} characters")
        store, now = self._rooms.store, self._rooms.clock.now()
        key = digest("asked", scope["asker"].mark, called, key=store.dedupe_key)
        meant = digest(scope["path"], scope.get("query_string", b""), _canonical(body))
        lock = self._asked.setdefault(key, asyncio.Lock())
        async with lock:
            known = [row for row in await store.rows("asked", key=key) if row["at"] > now - KEPT]
            if not known:
                await store.write([("asked_over", (now - KEPT,)), ("asked", (key, meant, now))])
                kept = await store.rows("asked", key=key)
                known = [row for row in kept if row["at"] != now]  # another process was asked at the same moment
            if known and known[0]["body"] != meant:
                raise Refusal("SB707", "this Idempotency-Key was used for another request")
            if known and known[0]["status"] is not None:
                await ending.again(known[0]["status"], known[0]["answer"])
                await ending.end()
                return
            scope["asked"], scope["again"] = known[0]["at"] if known else now, bool(known)
            scope["identity"] = digest(key, repr(scope["asked"]))
            ending.keeps = True
            if known:
                ending.headers = [*ending.headers, (b"idempotency-replayed", b"true")]
            reached("api.asked")
            await self._answer(scope, body, ending)
            reached("api.done")
            if ending.status < 300 and not scope.get("forgotten"):
                await store.write([("answered", (ending.status, ending.body, key))])
            elif 300 <= ending.status < 500:
                await store.write([("unasked", (key,))])
        await ending.end()


class _Ending:
    """The answer on its way: its status and words for the log; whole, where it is to be kept before it is told."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.headers: Sequence[tuple[bytes, bytes]] = _ALWAYS
        self.keeps = False
        self.status = 500
        self.body = b""
        self._begun: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *self.headers]
            self._begun = message
            if self.keeps:
                return
        else:
            self.body += message.get("body", b"") if self.keeps or self.status >= 400 else b""
            if self.keeps:
                return
        await self._send(message)

    @property
    def why(self) -> str:
        """What was wrong, as the problem says."""
        try:
            return str(orjson.loads(self.body)["detail"]) if self.status >= 400 else ""
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return ""

    async def end(self) -> None:
        """Tell what was kept."""
        if self._begun is not None:
            await self._send(self._begun)
            await self._send({"type": "http.response.body", "body": self.body})

    async def again(self, status: int, body: bytes) -> None:
        """The answer of before."""
        self.status = status
        kind = [(b"content-type", b"application/json")] if body else []
        head = [*kind, (b"content-length", b"%d" % len(body)), (b"idempotency-replayed", b"true"), *self.headers]
        self._begun, self.body = {"type": "http.response.start", "status": status, "headers": head}, body

    async def refuse(self, refusal: Refusal, base: str) -> None:
        """A problem."""
        body = refusal.body(base)
        self.status, self.body = refusal.status, body
        more = [(name.encode(), value.encode()) for name, value in refusal.headers.items()]
        head = [(b"content-type", JSON.encode()), (b"content-length", b"%d" % len(body)), *more, *self.headers]
        await self._send({"type": "http.response.start", "status": refusal.status, "headers": head})
        await self._send({"type": "http.response.body", "body": body})


def _canonical(body: bytes) -> bytes:
    """JSON as it is whatever the order of its names and the space between; else the body itself."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, TypeError):
        return body


async def _whole(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY:
            raise Refusal("SB705", f"a body has at most {MAX_BODY} bytes")
        if not message.get("more_body"):
            return body


def _given(body: bytes) -> Receive:
    """A receiver of a body that was read before."""
    told = False

    async def receive() -> Message:
        nonlocal told
        if told:
            return {"type": "http.disconnect"}
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
