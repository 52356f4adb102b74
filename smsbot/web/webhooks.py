"""Providers' webhooks as a raw ASGI app: the shortest way from a socket to the inbox.

``POST /hooks/{account}/{secret}/{kind}``. A 2xx leaves only after the commit (C1); our own fault answers
503, never 4xx (C2); whoever does not know the secret gets 404, whose signature is wrong gets 403, and neither writes.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

from smsbot.core.errors import StoreError
from smsbot.failpoints import reached
from smsbot.gateways.base import Gateway, WebhookRequest
from smsbot.gateways.fields import is_form
from smsbot.gateways.redaction import redact
from smsbot.log import Log
from smsbot.pipeline.inbox import Inbox

log = Log("smsbot.webhooks")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 65_536
_DROPPED = 1_048_576
"""Bytes of a body that is too long which are still read."""
PATIENCE = 10.0
"""Seconds in which a whole body must have come."""
_JSON = (b"content-type", b"application/json")
_FORM = "application/x-www-form-urlencoded"
_KEPT = b'{"ok":true,"quarantined":true}'
"""Said to a webhook that was not understood, where its provider reads JSON."""


class TooLarge(Exception):
    """The body is longer than any webhook."""


class Webhooks:
    """Checks the secret, reads the body, hands it to the inbox."""

    def __init__(
        self,
        inbox: Inbox,
        gateways: Mapping[str, Gateway],
        secrets: Callable[[str], tuple[str, ...]],
        base: Callable[[str], str],
        closing: Callable[[], bool],
    ) -> None:
        self._inbox = inbox
        self._gateways = gateways
        self._secrets = secrets
        self._base = base
        self._closing = closing
        self.captured: deque[tuple[str, str, Mapping[str, str], bytes]] | None = None
        """While somebody asks for them, the newest webhooks as they came."""

    def capture(self) -> None:
        """From now on keep the newest webhooks."""
        self.captured = deque(maxlen=100)

    def release(self) -> list[dict[str, Any]]:
        """Hand out the webhooks that were kept, without the people in them; no more are kept."""
        kept, self.captured = self.captured or (), None
        return [{"account": a, "kind": k, **redact(body, headers)} for a, k, headers, body in kept]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook."""
        status, headers, body = await self._answer(scope, receive)
        length = (b"content-length", b"%d" % len(body))
        kind = () if any(name == b"content-type" for name, _ in headers) else (_JSON,)
        await send({"type": "http.response.start", "status": status, "headers": [*kind, length, *headers]})
        await send({"type": "http.response.body", "body": body})
        reached("webhook.answered")

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, tuple[Any, ...], bytes]:
        path = scope["path"].split("/")
        if len(path) != 5 or not self._genuine(path[2], path[3]):
            return 404, (), b'{"error":"not found"}'
        account, kind = path[2], path[4]
        gateway = self._gateways[account]
        if kind not in gateway.hooks:
            return 404, (), b'{"error":"not found"}'
        if scope["method"] != "POST" and not (gateway.claims.by_query and scope["method"] == "GET"):
            return 405, ((b"allow", b"POST"),), b'{"error":"webhooks are POSTed"}'
        if self._closing() or self._inbox.crowded:
            return 503, ((b"retry-after", b"5"),), b'{"error":"busy"}'
        reached("webhook.begun")
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        try:
            body = await _read(receive, headers.get("content-length", ""))
        except TooLarge:
            return 413, (), b'{"error":"too large"}'
        except TimeoutError:
            return 408, ((b"connection", b"close"),), b'{"error":"too slow"}'
        if body is None:
            return 400, (), b'{"error":"the body ended early"}'
        reached("webhook.read")
        request = WebhookRequest(account, body, headers, self._called(account, scope))
        if not gateway.genuine(request):
            log.warning("a webhook without the right signature was refused", account=account, kind=kind)
            return 403, (), b'{"error":"wrong signature"}'
        if self.captured is not None:
            self.captured.append((account, kind, headers, body))
        reached("webhook.verified")
        if gateway.claims.by_query:
            request = _with_query(request, scope)
        try:
            understood = await self._inbox.webhook(gateway, kind, request)
            reached("webhook.taken")
        except StoreError as error:
            log.error("a webhook could not be kept; its provider will deliver again", why=str(error))
            return 503, ((b"retry-after", b"5"),), b'{"error":"not stored"}'
        except Exception as error:
            log.error("a webhook failed inside smsbot", account=account, exc_info=error)
            return 503, ((b"retry-after", b"30"),), b'{"error":"internal"}'
        content_type, thanks = gateway.thanks
        kept = not understood and content_type == _JSON[1]
        echo = getattr(gateway, "echo", "")  # what a provider wants to see again, before it believes an address
        echoed = [(echo.encode(), headers[echo].encode("latin-1"))] if echo in headers else []
        return 200, ((b"content-type", content_type), *echoed), _KEPT if kept else thanks

    def _called(self, account: str, scope: Scope) -> str:
        """The address as the provider knows it: what the request says of its host is not believed."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string", b"")
        return self._base(account) + (raw + b"?" * bool(query) + query).decode("latin-1")

    def _genuine(self, account: str, secret: str) -> bool:
        given = secret.encode("utf-8", "replace")
        return account in self._gateways and any(
            hmac.compare_digest(given, live.encode()) for live in self._secrets(account)
        )


def _with_query(request: WebhookRequest, scope: Scope) -> WebhookRequest:
    """The webhook with the fields of its address as those of a form, where its body is one or there is none."""
    query: bytes = scope.get("query_string", b"")
    kind = request.headers.get("content-type", "").lower()
    if not query or (request.body.strip() and not is_form(kind, request.body)):
        return request
    body = b"&".join(filter(None, (request.body.strip(), query)))
    headers = request.headers if _FORM in kind else {**request.headers, "content-type": _FORM}
    return replace(request, body=body, headers=headers)


async def _read(receive: Receive, length: str) -> bytes | None:
    """The whole body; None if the client went away.

    One that is too long is read to its end and dropped, unless it is very long: a proxy that still writes when its
    answer is there may lose that answer.
    """
    if length.isdigit() and int(length[:10]) > _DROPPED:
        raise TooLarge
    body, size = b"", 0
    async with asyncio.timeout(PATIENCE):
        event: MutableMapping[str, Any] = {"more_body": True}
        while event.get("more_body") and size <= _DROPPED:
            event = await receive()
            part: bytes = event.get("body", b"")
            size += len(part)
            body = body + part if size <= MAX_BODY else b""
    if size > MAX_BODY:
        raise TooLarge
    return None if event["type"] == "http.disconnect" else body
