"""Who may see the dashboard: everybody on loopback in `dev`; with `run`, whoever knows the password."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

_CLOSED = b"The dashboard is closed. Set SMSBOT_DASHBOARD_PASSWORD to open it.\n"


class LocalGate:
    """In front of `dev`: only this machine's own pages may ask (no DNS rebinding, no foreign forms)."""

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._hosts = {"127.0.0.1", "localhost", "::1", urlsplit(url).hostname}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who comes from here."""
        if scope["type"] != "http" or self._local(scope):
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Only pages of this computer may use the sandbox.\n"})

    def _local(self, scope: Scope) -> bool:
        headers = {k: v.decode("latin-1") for k, v in scope["headers"]}
        places = [f"//{headers.get(b'host', '')}"]
        if scope["method"] not in ("GET", "HEAD"):
            places += [headers[b"origin"]] if b"origin" in headers else []
            if headers.get(b"sec-fetch-site") == "cross-site":
                return False
        return all(_host(place) in self._hosts for place in places)


def _host(place: str) -> str | None:
    try:
        return urlsplit(place).hostname
    except ValueError:
        return None


class PasswordGate:
    """HTTP Basic in front of an app; closed where no password is set. `open_paths` need none."""

    def __init__(self, app: ASGIApp, password: str | None, is_open: Callable[[str], bool]) -> None:
        self._app = app
        self._digest = hashlib.sha256(password.encode()).digest() if password else None
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through who may."""
        if scope["type"] != "http" or self._is_open(scope["path"]) or self._allowed(scope):
            await self._app(scope, receive, send)
            return
        challenge = [(b"www-authenticate", b'Basic realm="smsbot", charset="UTF-8"')] if self._digest else []
        body = b"Sign in.\n" if self._digest else _CLOSED
        head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body)), *challenge]
        await send({"type": "http.response.start", "status": 401 if self._digest else 403, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def _allowed(self, scope: Scope) -> bool:
        if self._digest is None:
            return False
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        kind, _, value = given.partition(b" ")
        if kind.lower() != b"basic":
            return False
        try:
            _, _, password = base64.b64decode(value, validate=True).partition(b":")
        except binascii.Error:
            return False
        return hmac.compare_digest(hashlib.sha256(password).digest(), self._digest)
