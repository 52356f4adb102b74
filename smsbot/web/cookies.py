"""The cookies of a browser: the session of its user, and the language that they chose."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.types import Message, Send

from smsbot.desk.users import LIFE

_NAME = "smsbot_session"
_LANGUAGE = "smsbot_language"
_YEAR = 365 * 86_400


def cookie_of(headers: Mapping[bytes, str]) -> str:
    """The key of the session that a request shows; empty without one."""
    return _value(_NAME, headers)


def cookie(key: str, headers: Mapping[bytes, str]) -> str:
    """What a browser is told to keep, for encrypted connections alone if it has one; an empty key: to forget it."""
    return _kept(_NAME, key, int(LIFE) if key else 0, headers)


def language_of(headers: Mapping[bytes, str]) -> str:
    """The language that a browser was told to keep; empty for none."""
    return _value(_LANGUAGE, headers)


def language_cookie(language: str, headers: Mapping[bytes, str]) -> str:
    """What a browser is told to keep of its user's choice."""
    return _kept(_LANGUAGE, language, _YEAR, headers)


def _value(name: str, headers: Mapping[bytes, str]) -> str:
    try:
        found = SimpleCookie(headers.get(b"cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value[:100] if found is not None else ""


def _kept(name: str, value: str, seconds: int, headers: Mapping[bytes, str]) -> str:
    secure = "; Secure" if headers.get(b"x-forwarded-proto", "").strip().lower() == "https" else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"


def with_cookie(send: Send, key: str, headers: Mapping[bytes, str]) -> Send:
    """`send`, with a new key for the browser."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = (b"set-cookie", cookie(key, headers).encode())
            message = {**message, "headers": [*message.get("headers", ()), told]}
        await send(message)

    return telling
