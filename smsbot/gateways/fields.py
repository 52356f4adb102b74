"""How providers spell the fields of their webhooks: JSON objects, arrays of them, or forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from smsbot.core.errors import NotUnderstood, UsageError
from smsbot.core.message import Arrival
from smsbot.core.nearest import nearest

from .base import FieldNames, WebhookRequest

_DIGITS = re.compile(r"\+?\d[\d ]{2,}\d")
"""What may be a phone number or a code in a provider's words about a text."""


class FieldMap:
    """Reads our fields out of an object; names that somebody gave are believed before those assumed."""

    def __init__(self, provider: str, names: FieldNames, required: Mapping[str, tuple[str, ...]]) -> None:
        self._provider = provider
        self._required = required
        self._names = {kind: dict(fields) for kind, fields in names.items()}

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Believe these names (a dot goes into an object) before the others."""
        if kind not in self._names:
            raise UsageError(f'{self._provider} has no webhook "{kind}"; it has {", ".join(self._names)}')
        known = self._names[kind]
        for field in fields:
            if field not in known:
                near = nearest(field, known)
                hint = f'; did you mean "{near}"?' if near else ""
                raise UsageError(f'"{field}" is not a field of {kind}; fields: {", ".join(known)}{hint}')
        for field, name in fields.items():
            known[field] = (name, *(n for n in known[field] if n != name))

    def read(self, kind: str, item: Mapping[str, Any]) -> dict[str, str]:
        """Our fields of an object; raises `NotUnderstood` if one that is required is not there."""
        values: dict[str, str] = {}
        for field, names in self._names[kind].items():
            for name in names:
                value = dig(item, name)
                if value is not None:
                    values[field] = value
                    break
        missing = [f for f in self._required[kind] if f not in values]
        if missing:
            there = masked(", ".join(sorted(item))[:200])
            raise NotUnderstood(f"no field for {', '.join(missing)} (fields there: {there})")
        return values

    def arrivals(self, request: WebhookRequest) -> list[Arrival]:
        """The texts of a webhook; raises `NotUnderstood`."""
        found: list[Arrival] = []
        for item in items(request):
            values = self.read("inbound", item)
            text, told = values["text"].replace("\x00", ""), values.get("id", "")
            sender, recipient, sent_at = values["from"], values["to"], values.get("time", "")
            found.append(Arrival(request.account, sender, recipient, text, told, sent_at, canonical(item)))
        return found


def masked(words: str) -> str:
    """A provider's words without what may be a number or a code."""
    return _DIGITS.sub("•••", words)


def items(request: WebhookRequest) -> list[dict[str, Any]]:
    """The objects of a webhook: one, an array of them, or a form."""
    if "form-urlencoded" in request.headers.get("content-type", ""):
        return [form(request.body)]
    try:
        found = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        found = _lenient(request.body)
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(i, dict) for i in listed):
        raise NotUnderstood("the body is neither a JSON object nor an array of objects")
    return listed


def form(body: bytes) -> dict[str, Any]:
    """The fields of a form (the first of those that are repeated); raises `NotUnderstood`."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise NotUnderstood("the form has too many fields") from error
    if not pairs:
        raise NotUnderstood("the body is no form")
    return dict(reversed(pairs))


def canonical(item: Mapping[str, Any]) -> bytes:
    """The same bytes for the same object."""
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # deeper or larger than orjson writes
        return json.dumps(item, sort_keys=True).encode()


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; empty where it is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def dig(item: Mapping[str, Any], name: str) -> str | None:
    """The value of a name, or of a dotted path, as text; None if it is not there or no plain value.

    A number in a path is a place in a list: ``messages.0.id``.
    """
    value: Any = item.get(name)
    if value is None and "." in name:
        value = item
        for part in name.split("."):
            if isinstance(value, list) and part.isdecimal():
                value = value[int(part)] if int(part) < len(value) else None
            else:
                value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _lenient(body: bytes) -> Any:
    """JSON that is not quite right: lone surrogates and broken UTF-8 become replacement characters."""
    try:
        return _whole(json.loads(body.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("the body is not JSON") from error


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(v) for v in value]
    if isinstance(value, dict):
        return {_whole(k): _whole(v) for k, v in value.items()}
    return value
