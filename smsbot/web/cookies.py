"""The cookie by which a browser shows the session of a user."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.types import Message, Send

from smsbot.desk.users import LIFE

_NAME = "smsbot_session"


def cookie_of(headers: Mapping[bytes, str]) -> str:
    """The key of the session that a request shows; empty without one."""
    try:
        found = SimpleCookie(headers.get(b"cookie", "")).get(_NAME)
    except CookieError:
        return ""
    return found.value[:100] if found is not None else ""


def cookie(key: str, headers: Mapping[bytes, str]) -> str:
    """What a browser is told to keep, for encrypted connections alone if it has one; an empty key: to forget it."""
    secure = "; Secure" if headers.get(b"x-forwarded-proto", "").strip().lower() == "https" else ""
    return f"{_NAME}={key}; Path=/; HttpOnly; SameSite=Lax; Max-Age={int(LIFE) if key else 0}{secure}"


def with_cookie(send: Send, key: str, headers: Mapping[bytes, str]) -> Send:
    """`send`, with a new key for the browser."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = (b"set-cookie", cookie(key, headers).encode())
            message = {**message, "headers": [*message.get("headers", ()), told]}
        await send(message)

    return telling
