"""A real payload without the person in it: shapes stay, so that it can be kept as a fixture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from .fields import is_form

_TELLING = frozenset({
    "status", "state", "type", "event", "currency", "country", "encoding", "direction", "error", "err", "code", "parts",
    "part", "segments", "num", "price",
})  # fmt: skip
"""Last words of names of fields whose values say what happened, not to whom."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_VALUE = re.compile(r"(?!.*\d{6})[\w.:/+-]{1,24}", re.ASCII)
"""What such a field may say: one word or a short number; more could be a name or a text."""
_DIGITS_OF_A_NAME = 4
_SAFE = ("content-type", "content-length", "user-agent")
"""Headers kept as they are; of others only the name is."""


def redact(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """The body of a webhook with letters as ``x`` and digits as ``0``, except in fields such as ``status``."""
    kind = headers.get("content-type", "")
    if is_form(kind.lower(), body):
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        shown: Any = urlencode([(_name(name), _value(name, value)) for name, value in pairs])
    else:
        try:
            shown = _value("", orjson.loads(body))
        except (orjson.JSONDecodeError, RecursionError):
            shown = _shape(body.decode("utf-8", "replace"))
    return {"headers": {k: v if k in _SAFE else "…" for k, v in headers.items()}, "body": shown}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {_name(k): _value(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(name, v) for v in value]
    if isinstance(value, bool) or value is None:
        return value
    if _is_telling(name) and _VALUE.fullmatch(str(value)):
        return value
    if isinstance(value, int):
        return 10 ** (len(str(abs(value))) - 1)
    return 0.0 if isinstance(value, float) else _shape(str(value))


def _is_telling(name: str) -> bool:
    words = _WORDS.findall(name)
    return bool(words) and words[-1].lower() in _TELLING


def _name(name: str) -> str:
    """The name of a field; where it is a person's number, its shape."""
    return _shape(name) if sum(c.isdigit() for c in name) > _DIGITS_OF_A_NAME else name


def _shape(text: str) -> str:
    return "".join("0" if c.isdigit() else "x" if c.isalpha() else c for c in text)
