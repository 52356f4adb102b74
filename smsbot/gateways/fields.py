"""How providers spell the fields of their webhooks: JSON objects, arrays of them, or forms."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from python_multipart import create_form_parser
from python_multipart.exceptions import FormParserError

from smsbot.core.errors import NotUnderstood, UsageError
from smsbot.core.message import Arrival, Media, Unread
from smsbot.core.nearest import nearest
from smsbot.core.phone import masked

from .base import FieldNames, WebhookRequest

_CHARSET = re.compile(r"charset=\"?([\w.:-]+)")
_MOST_PICTURES = 10
_LONG = re.compile(rb"[:\[,\s]-?\d{19}")
"""A number of which orjson may keep less than all of its digits."""
_NO_ID = frozenset({"0", "null", "none", "undefined", "nil", "-", "n/a", "nan"})
"""What stands for an id where there is none: it would make all texts one."""
_PAIR = re.compile(rb"\s*[\w.%\[\]-]{1,100}=")
"""How a form begins."""
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")
"""How JSON begins, whole or broken: read as a form, its texts would be cut at ``&`` and ``=`` into other fields."""
_STRANGE = re.compile("[\udc80-\udcff]")
"""Bytes that were no letters of a charset, as `surrogateescape` keeps them."""
_DEEPEST = 100
"""Levels of a webhook; more are nothing that a gateway says, and the stack would end before they do."""
T = TypeVar("T")


class FieldMap:
    """Reads our fields out of an object; names that somebody gave are believed before those assumed."""

    def __init__(self, provider: str, names: FieldNames, required: Mapping[str, tuple[str, ...]]) -> None:
        self._provider = provider
        self._required = required
        self._names = {kind: dict(fields) for kind, fields in names.items()}
        self._listed: dict[str, list[list[str]]] = {kind: [] for kind in names}
        """For each webhook, the ways to our fields that go through a list: none, unless somebody maps one."""

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Believe these names before the others.

        A dot goes into an object; ``results.*.sender`` is that of each element of a list. So is ``results.0.sender``: a
        list that holds one today may hold more tomorrow.
        """
        if kind not in self._names:
            raise UsageError(f'{self._provider} has no webhook "{kind}"; it has {", ".join(self._names)}')
        known = self._names[kind]
        for field in fields:
            if field not in known:
                near = nearest(field, known)
                hint = f'; did you mean "{near}"?' if near else ""
                raise UsageError(f'"{field}" is not a field of {kind}; fields: {", ".join(known)}{hint}')
        for field, written in fields.items():
            *way, last = written.split(".")
            path = [*("*" if part == "0" else part for part in way), last]
            if "*" in path and path not in self._listed[kind]:
                self._listed[kind].append(path)
            name = ".".join("0" if part == "*" else part for part in path)
            known[field] = (name, *(n for n in known[field] if n != name))

    def each(
        self, kind: str, request: WebhookRequest, make: Callable[[dict[str, str], Mapping[str, Any]], T]
    ) -> list[T | Unread]:
        """Make something of each part of a webhook, of its fields and of the part itself.

        Raises `NotUnderstood` if none of it is understood; where others are, a part that is not is `Unread`.
        """
        found: list[T | Unread] = []
        problems: list[NotUnderstood] = []
        for item in items(request):
            try:
                parts = self._parts(kind, item)
            except NotUnderstood as error:
                problems.append(error)
                found.append(Unread(canonical(item), error.args[0]))
                continue
            for part in parts:
                try:
                    values = self.read(kind, part)
                except NotUnderstood as error:
                    problems.append(error)
                    found.append(Unread(canonical(part), error.args[0]))
                else:
                    found.append(make(values, part))
        if len(problems) == len(found):
            raise problems[0]
        return found

    def _parts(self, kind: str, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The object once for each element of the lists that lie on the way to our fields, with that one alone.

        Lists beside each other belong together if they are equally long. Raises `NotUnderstood` if they are not.
        """
        ways = {way for path in self._listed[kind] if (way := _first_list(item, path))}
        if not ways:
            return [item]
        lists = {way: _at(item, way) for way in ways}
        if len({len(found) for found in lists.values()}) > 1:
            raise NotUnderstood("lists beside each other are not equally long")
        parts: list[Mapping[str, Any]] = []
        for n in range(len(next(iter(lists.values())))):
            part = item
            for way, found in lists.items():
                part = _with(part, list(way), [found[n]])
            parts += self._parts(kind, part)
        return parts

    def read(self, kind: str, item: Mapping[str, Any]) -> dict[str, str]:
        """Our fields of an object; raises `NotUnderstood` if one that is required is not there."""
        values: dict[str, str] = {}
        for field, names in self._names[kind].items():
            for name in names:
                value = dig(item, name)
                if value or (value is not None and field in self._required[kind]):
                    values[field] = value
                    break
        missing = [f for f in self._required[kind] if f not in values]
        if missing:
            there = masked(", ".join(sorted(item))[:200])
            raise NotUnderstood(f"no field for {', '.join(missing)} (fields there: {there})")
        return values

    def arrivals(self, request: WebhookRequest) -> list[Arrival | Unread]:
        """The texts of a webhook; raises `NotUnderstood`."""

        def arrival(values: dict[str, str], part: Mapping[str, Any]) -> Arrival:
            text, told, sent_at = values["text"].replace("\x00", ""), values.get("id", ""), values.get("time", "")
            told = "" if told.strip().casefold() in _NO_ID else told
            pictures, place = _pictures(part, self._names["inbound"].get("media", ())), _part(values)
            who = (request.account, values["from"], values.get("to", ""))
            return Arrival(
                *who, text, gateway_id=told, sent_at=sent_at, raw=canonical(part), media=pictures, part=place
            )

        return self.each("inbound", request, arrival)


def _pictures(part: Mapping[str, Any], names: Iterable[str]) -> tuple[Media, ...]:
    """The pictures of a text: an address, a list of addresses, or of objects that hold one."""
    found = next((value for name in names if (value := _at(part, name.split(".")))), None)
    listed = found if isinstance(found, list) else [found]
    pictures: list[Media] = []
    for each in listed[:_MOST_PICTURES]:
        told = each if isinstance(each, Mapping) else {"url": each}
        url, kind = told.get("url"), told.get("type") or told.get("contentType") or told.get("content_type")
        if isinstance(url, str) and url:
            pictures.append(Media(url, kind if isinstance(kind, str) else ""))
    return tuple(pictures)


def _part(values: Mapping[str, str]) -> tuple[str, int, int]:
    """Which part of a long text it is, as far as the gateway says."""
    if "part" not in values:
        return "", 0, 0
    number, total = (values.get(name, "") for name in ("part", "parts"))
    if not all(n.isascii() and n.isdecimal() and len(n) < 4 for n in (number, total)):
        return "", 0, 0
    return values.get("part_of", ""), int(number), int(total)


_CHARSETS = frozenset(
    ["utf-8", "utf-8-sig", "ascii", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1251", "cp1252", "cp1253",
     "cp1254", "cp1257", *(f"iso8859-{n}" for n in (1, 2, 5, 7, 9, 15))]
)  # fmt: skip
"""Those that texts come in. Others, as UTF-7 and Punycode, make something else of it, and some take hours."""


@lru_cache(maxsize=64)
def charset_of(kind: str) -> str:
    """The charset that a content type names, else UTF-8; raises `NotUnderstood` for one that no text comes in."""
    named = _CHARSET.search(kind)
    try:
        charset = codecs.lookup(named[1] if named else "utf-8").name
    except LookupError:
        charset = ""
    if charset not in _CHARSETS:
        raise NotUnderstood("its charset is not known")
    return charset


def items(request: WebhookRequest) -> list[dict[str, Any]]:
    """The objects of a webhook: one, an array of them, or a form."""
    kind = request.headers.get("content-type", "").lower()
    charset = charset_of(kind)
    if "multipart/form-data" in kind:
        return [_multipart(request)]
    if is_form(kind, request.body):
        return [form(request.body, charset)]
    try:
        found = _parsed(request.body if charset == "utf-8" else request.body.decode(charset).encode())
    except ValueError:
        found = _lenient(request.body)
    listed = found if isinstance(found, list) else [found]
    if not listed or not all(isinstance(i, dict) for i in listed):
        raise NotUnderstood("the body is neither a JSON object nor an array of objects")
    if request.body.count(b"[") + request.body.count(b"{") > _DEEPEST and _deeper(listed, _DEEPEST):
        raise NotUnderstood("the body is nested too deeply")
    return listed


def is_form(kind: str, body: bytes) -> bool:
    """Whether a body is a form: as its type says, unless it begins as JSON does; without a telling type, as it looks.

    Programs that post JSON and say nothing of it have it called a form by the library that they use.
    """
    if _JSON.match(body):
        return False
    return "form-urlencoded" in kind or ("json" not in kind and _PAIR.match(body) is not None)


def form(body: bytes, charset: str = "utf-8") -> dict[str, Any]:
    """The fields of a form (the first of those that are repeated); raises `NotUnderstood`."""
    try:
        text = body.decode(charset, "surrogateescape")
        pairs = parse_qsl(text, keep_blank_values=True, encoding=charset, errors="surrogateescape", max_num_fields=200)
    except UnicodeDecodeError as error:
        raise NotUnderstood("its letters are none of its charset") from error
    except ValueError as error:
        raise NotUnderstood("the form has too many fields") from error
    if not pairs:
        raise NotUnderstood("the body is no form")
    return {_mended(name): _mended(value) for name, value in reversed(pairs)}


def _mended(text: str) -> str:
    """A text whose bytes were not all of its charset: Windows-1252 if none of its other letters were, else with marks.

    Gateways that know no Unicode put the bytes of their own table into addresses, and name no charset.
    """
    if text.isascii() or not (strange := _STRANGE.findall(text)):
        return text
    if len(strange) == sum(not c.isascii() for c in text):
        return text.encode("ascii", "surrogateescape").decode("cp1252", "replace")
    return _STRANGE.sub("\N{REPLACEMENT CHARACTER}", text)


def _multipart(request: WebhookRequest) -> dict[str, Any]:
    """The fields of a multipart form, without its files."""
    found: dict[str, Any] = {}

    def keep(field: Any) -> None:
        found.setdefault(field.field_name.decode("utf-8", "replace"), (field.value or b"").decode("utf-8", "replace"))

    headers = {"Content-Type": request.headers.get("content-type", "").encode("latin-1", "replace")}
    try:
        parser = create_form_parser({**headers, "Content-Length": b"%d" % len(request.body)}, keep, lambda _: None)
        parser.write(request.body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise NotUnderstood("the body is no form") from error
    if not found:
        raise NotUnderstood("the body is no form")
    return found


def canonical(item: Mapping[str, Any]) -> bytes:
    """The same bytes for the same object."""
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # deeper or larger than orjson writes
        return json.dumps(item, sort_keys=True).encode()


def loads(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer, a list as one whose names are its places; empty where it is neither."""
    try:
        found = _parsed(body.removeprefix(codecs.BOM_UTF8))
    except ValueError:
        return {}
    if isinstance(found, list):
        return {str(n): value for n, value in enumerate(found)}
    return found if isinstance(found, dict) else {}


def dig(item: Mapping[str, Any], name: str) -> str | None:
    """The value of a name, or of a dotted path, as text; None if it is not there or no plain value.

    A number in a path is a place in a list: ``messages.0.id``.
    """
    value: Any = item.get(name)
    if type(value) is str:
        return value
    if value is None:
        if "." not in name:
            return None
        value = _at(item, name.split("."))
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a number that went through a spreadsheet
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def object_in(value: Any) -> dict[str, Any] | None:
    """The JSON object that a field of a form holds, as some providers wrap theirs; None if it holds none."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    return loads(value.encode("utf-8", "replace")) or None


def _at(value: Any, way: Iterable[str]) -> Any:
    """The value at the end of a way; None if there is no such way."""
    for part in way:
        value = object_in(value) or value
        if isinstance(value, list) and part.isdecimal():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def _first_list(item: Mapping[str, Any], path: list[str]) -> tuple[str, ...]:
    """The way to the first list of several elements that a path goes through; empty if there is none."""
    for n, part in enumerate(path):
        if part == "*":
            way = tuple("0" if p == "*" else p for p in path[:n])
            found = _at(item, way)
            if isinstance(found, list) and len(found) > 1:
                return way
    return ()


def _with(value: Any, way: list[str], end: Any) -> Any:
    """A copy that has something else at the end of a way which it has."""
    if not way:
        return end
    if isinstance(value, list):
        place = int(way[0])
        return [*value[:place], _with(value[place], way[1:], end), *value[place + 1 :]]
    return {**value, way[0]: _with(value[way[0]], way[1:], end)}


def _parsed(body: bytes) -> Any:
    """JSON with long numbers as they are, so that ids stay apart; raises `ValueError`."""
    if _LONG.search(body) is None:
        return orjson.loads(body)
    try:
        return _whole(json.loads(body, parse_constant=_no_number))
    except RecursionError as error:
        raise ValueError("too deep") from error


def _lenient(body: bytes) -> Any:
    """JSON that is not quite right: lone surrogates and broken UTF-8 become replacement characters."""
    try:
        return _whole(json.loads(_mended(body.decode("utf-8-sig", "surrogateescape")), parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("the body is not JSON") from error


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other for more than some levels."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return not levels or any(_deeper(v, levels - 1) for v in inner)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(v) for v in value]
    if isinstance(value, dict):
        return {_whole(k): _whole(v) for k, v in value.items()}
    return value
