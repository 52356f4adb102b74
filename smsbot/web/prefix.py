"""Pages inside another application: every address on them begins with the place where they are mounted."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ADDRESS = re.compile(rb'(\s(?:href|src|action|formaction|data-[\w-]+|hx-[\w-]+)=")/(?!/)')
_PLACE = "smsbot.place"
"""Where it stands in a scope."""


def placed(scope: Scope) -> Scope:
    """A scope without the prefix at which we are mounted; it is kept for the pages."""
    root = scope.get("root_path", "").rstrip("/")
    if not root or not scope["path"].startswith(root):
        return scope
    return {**scope, "path": scope["path"][len(root) :] or "/", "root_path": "", _PLACE: root}


class Prefix:
    """Puts the prefix before the addresses of a page, and of where an answer leads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        place = scope.get(_PLACE, "")
        await self._app(scope, receive, _Placed(send, place.encode()) if place else send)


class _Placed:
    def __init__(self, send: Send, place: bytes) -> None:
        self._send = send
        self._place = place
        self._begun: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [self._led(*h) for h in message["headers"]]}
            kind = dict(message["headers"]).get(b"content-type", b"")
            if kind.startswith(b"text/html"):
                self._begun = message
                return
        elif self._begun is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._whole(self._begun)
            return
        await self._send(message)

    async def _whole(self, begun: Message) -> None:
        body = _ADDRESS.sub(lambda found: found[1] + self._place + b"/", self._body)
        head = [h for h in begun["headers"] if h[0] != b"content-length"] + [(b"content-length", b"%d" % len(body))]
        await self._send({**begun, "headers": head})
        await self._send({"type": "http.response.body", "body": body})

    def _led(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        inside = name == b"location" and value.startswith(b"/") and not value.startswith(b"//")
        return name, self._place + value if inside else value
