"""Examples of providers' manuals, read and no more: a curl line, an HTTP dump, a bare JSON object, form or address.

Nothing is executed and nothing is sent: a curl line is taken apart as text. What cannot be read raises `UsageError`
that says what would be, and never repeats what stands in the example.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, urlsplit

from smsbot.core.errors import NotUnderstood, UsageError

from .base import WebhookRequest
from .fields import items

LARGEST = 262_144
"""Bytes of all examples together."""
_DEEPEST = 16


def words(listed: str) -> tuple[str, ...]:
    """The words of a list that is written as one text."""
    return tuple(listed.split())


_MOST_FIELDS = 200
_START = re.compile(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)[ \t]+(\S.*?)(?:[ \t]+HTTP/[\d.]+)?[ \t]*")
_HEADER = re.compile(r"([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)")
_CONTINUED = re.compile(r"[\\^`][ \t]*\r?\n")
_PROMPT = re.compile(r"(?:[$#>%] *)?(?=curl(?:\.exe)?\s)")
_FORM = re.compile(r"&?[^\s=&{}<>\"']+=[^\n]*(?:\n\s*&?[^\s=&{}<>\"']+=[^\n]*)*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SHORT = {"X": "request", "H": "header", "d": "data", "F": "form", "u": "user", "G": "get"}
_SHORT_IGNORED = "AbcCDeEKmoPQrtTUwxyYz"
"""One-letter options of curl with a value that says nothing about the request."""
_VALUED = frozenset(
    words(
        "request header data data-raw data-ascii data-binary data-urlencode json form form-string user url url-query "
        "oauth2-bearer user-agent referer cookie cookie-jar max-time connect-timeout output proxy cacert cert key "
        "write-out retry retry-delay resolve"
    )
)
_ENDS = frozenset(["|", "||", "&&", ";", ">", ">>", "&", "2>&1"])


@dataclass(frozen=True, slots=True)
class Example:
    """One example, taken apart; `way` is ``curl``, ``http`` or ``bare``."""

    way: str
    method: str = ""
    url: str = ""
    """Without its query."""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    format: str = ""
    """``json``, ``form`` or ``multipart``; empty where there is no body."""
    user: str = ""
    """``user:password`` of a basic authorization."""
    remarks: tuple[str, ...] = ()
    """Remarks about what was left out or read otherwise than it stands there."""

    def header(self, name: str) -> str:
        """The value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


def texts(content: bytes) -> list[str]:
    """The examples of a file: what stands between lines of ``---``; raises `UsageError`."""
    if len(content) > LARGEST:
        raise UsageError(
            f"the example has more than {LARGEST // 1024} KB; paste one request or one webhook of the manual"
        )
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError("the example is no UTF-8 text; paste it from the manual into a plain text file") from None
    if _CONTROL.search(text):
        raise UsageError("the example has control characters, so it is no text; paste it into a plain text file")
    found = [part.strip() for part in re.split(r"(?m)^---[ \t]*$", text)]
    found = [part for part in found if part]
    if not found:
        _wrong("it is empty")
    return found


def read(text: str) -> Example:
    """One example, whatever it is; raises `UsageError`."""
    text = text.strip()
    if prompt := _PROMPT.match(text):
        return _curl(text[prompt.end() :])
    first, _, rest = text.partition("\n")
    if start := _START.fullmatch(first.rstrip()):
        return _dump(start[1], start[2], rest)
    if text.startswith("HTTP/"):
        _wrong("it is an answer, not a request")
    if text.startswith("<"):
        _wrong("it is XML or HTML, and the http gateway speaks JSON and forms")
    if text[:1] in ("{", "["):
        return _bare(text, "json")
    if re.fullmatch(r"(?:https?://|/)\S+\?\S+=\S*", text):
        return _addressed(Example("http", "GET"), text)
    if _FORM.fullmatch(text):
        return _bare(text, "form")
    return _wrong("it is neither a curl line nor an HTTP request, nor a JSON object or a form")


def _wrong(why: str) -> NoReturn:
    raise UsageError(
        f"this is no example that can be read: {why}. Paste a request of the manual, such as\n"
        "  curl https://api.example.org/messages -H 'X-Api-Key: KEY' -d 'to=+48600100200&from=+48732000111&text=Hi'\n"
        'or what it posts to a webhook, such as {"from": "+48600100200", "to": "+48732000111", "text": "Hi"}'
    )


def _bare(text: str, kind: str) -> Example:
    return Example("bare", fields=_json(text) if kind == "json" else _form(text), format=kind)


def _addressed(example: Example, written: str) -> Example:
    """The example with its address, whose query and user are told apart from it."""
    written = written.strip().strip("<>") if written.strip().startswith("<") else written.strip()
    if "://" not in written and not written.startswith("/"):
        written = f"https://{written}"
    try:
        parts = urlsplit(written)
        _ = parts.port
    except ValueError:
        _wrong("its address cannot be read")
    user, at, host = parts.netloc.rpartition("@")
    url = f"{parts.scheme}://{host}{parts.path}" if parts.scheme else parts.path
    query = {**_form(parts.query), **example.query} if parts.query else example.query
    return replace(example, url=url, query=query, user=example.user or (user if at else ""))


# -- HTTP dumps --------------------------------------------------------------------------------------


def _dump(method: str, address: str, rest: str) -> Example:
    headers, body = _head(rest.split("\n"))
    host = next((value for name, value in headers.items() if name.lower() == "host"), "")
    if address.startswith("/") and host:
        address = f"https://{host}{address}"
    return _with_body(_addressed(Example("http", method, headers=headers), address), body)


def _head(lines: Sequence[str]) -> tuple[dict[str, str], str]:
    """Headers, and the body: behind a blank line, or where no header stands any more."""
    headers: dict[str, str] = {}
    for n, line in enumerate(lines):
        if not line.strip():
            if headers or any(_HEADER.fullmatch(later.strip()) is None for later in lines[n + 1 : n + 2]):
                return headers, "\n".join(lines[n + 1 :])
            continue
        named = _HEADER.fullmatch(line.strip())
        if named is None:
            return headers, "\n".join(lines[n:])
        headers[named[1]] = named[2]
    return headers, ""


def _with_body(example: Example, body: str) -> Example:
    kind, body = example.header("content-type").lower(), body.strip()
    if not body:
        return example
    if "multipart/form-data" in kind:
        return replace(example, fields=_multipart(example, body), format="multipart")
    if "json" in kind or body[:1] in ("{", "["):
        return replace(example, fields=_json(body), format="json")
    if "xml" in kind or body.startswith("<"):
        _wrong("its body is XML, and the http gateway speaks JSON and forms")
    return replace(example, fields=_form(body), format="form")


def _multipart(example: Example, body: str) -> dict[str, Any]:
    headers = {"content-type": example.header("content-type")}
    content = body.replace("\n", "\r\n").encode("utf-8", "replace") + b"\r\n"
    try:
        return items(WebhookRequest("", content, headers))[0]
    except NotUnderstood:
        _wrong("its body is no multipart form")


# -- bodies ------------------------------------------------------------------------------------------


def _json(text: str) -> dict[str, Any]:
    """An object; of an array of objects the first."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        _wrong(f"its JSON breaks in line {error.lineno}, column {error.colno} ({error.msg})")
    except (ValueError, RecursionError):
        _wrong("its JSON cannot be read")
    found = found[0] if isinstance(found, list) and found else found
    if not isinstance(found, dict) or not found:
        _wrong("its JSON is no object with fields")
    whole: dict[str, Any] = _clean(found)
    if sum(1 for _ in leaves(whole)) > _MOST_FIELDS:
        _wrong(f"it has more than {_MOST_FIELDS} fields")
    return whole


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _clean(value: Any, depth: int = 0) -> Any:
    """A value without halves of characters; raises `UsageError` for what nobody nests so deep."""
    if depth > _DEEPEST:
        _wrong(f"it is nested more than {_DEEPEST} deep")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(v, depth + 1) for v in value]
    if isinstance(value, dict):
        return {_clean(k): _clean(v, depth + 1) for k, v in value.items()}
    return value


def _form(text: str) -> dict[str, Any]:
    """A form, also one that the manual broke into lines; the first of fields that are repeated."""
    joined = re.sub(r"\s*\n\s*&?|&\s*\n\s*", "&", text.strip()).strip("&?")
    try:
        pairs = parse_qsl(joined, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        _wrong(f"it has more than {_MOST_FIELDS} fields")
    if not pairs:
        _wrong("its form has no fields")
    return _first(pairs)


def _first(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name.strip(), value)
    return found


Place = tuple[str | int, ...]
"""Where a value lies: names of objects and places in lists."""


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every plain value, with its place; of a list of objects only the first is looked at."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, (*place, name))
    elif isinstance(value, list):
        many = bool(value) and isinstance(value[0], Mapping | list)
        for n, inner in enumerate(value[:1] if many else value[:20]):
            yield from leaves(inner, (*place, n))
    else:
        yield place, value


# -- curl --------------------------------------------------------------------------------------------


def _curl(text: str) -> Example:
    try:
        said = shlex.split(_CONTINUED.sub(" ", _straight(text)))
    except ValueError:
        _wrong("a quote of its curl line is not closed; copy the whole command")
    given = list(_options(said[1:]))
    data = [(name, value) for name, value in given if name.startswith(("data", "json"))]
    parts = [(name, value) for name, value in given if name in ("form", "form-string")]
    headers, remarks = _curl_headers(given), _remarks(given)
    wants = [value for name, value in given if name == "request"]
    get = any(name == "get" for name, _ in given)
    method = wants[-1].upper() if wants else "GET" if get or not (data or parts) else "POST"
    user = next((value for name, value in given if name == "user"), "")
    example = Example("curl", method, headers=headers, user=user, remarks=remarks)
    body = _data(data)
    if get and body:
        example, body = replace(example, query=_form(body)), ""
    for value in (value for name, value in given if name == "url-query"):
        example = replace(example, query={**example.query, **_form(value)})
    example = _addressed(example, _address(given))
    if parts:
        return replace(example, fields=_parts(parts), format="multipart")
    return _with_body(example, body)


def _straight(text: str) -> str:
    """The quotes that a manual's typesetting bent, where it has no others; and those of bash, ``$'…'``."""
    bent = text if "'" in text or '"' in text else text.translate({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'"})
    return re.sub(r"(?<=\s)\$'", "'", bent)


def _options(said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options of curl by their long names, with their values; addresses are ``url``."""
    rest = list(said)
    while rest:
        word = rest.pop(0)
        if word in _ENDS:
            return
        if word.startswith("--") and len(word) > 2:
            name, given, value = word[2:].partition("=")
            yield name, value if given else _value(rest, word) if name in _VALUED else ""
        elif word.startswith("-") and len(word) > 1:
            yield from _letters(word[1:], rest)
        elif word != "--":
            yield "url", word


def _letters(letters: str, rest: list[str]) -> Iterator[tuple[str, str]]:
    """Options of one letter, as in ``-sSXPOST``."""
    while letters:
        letter, letters = letters[0], letters[1:]
        name = _SHORT.get(letter, letter)
        if name in _VALUED or letter in _SHORT_IGNORED:
            yield name, letters or _value(rest, f"-{letter}")
            return
        yield name, ""


def _value(rest: list[str], option: str) -> str:
    if not rest:
        _wrong(
            f"the curl line ends behind {option[:30]}; copy the whole command" if option.isascii() else "it ends early"
        )
    return rest.pop(0)


def _address(given: Sequence[tuple[str, str]]) -> str:
    urls = [value for name, value in given if name == "url" and value.strip()]
    likely = [u for u in urls if "://" in u] or [u for u in urls if "." in u or "/" in u or "$" in u]
    if not likely:
        _wrong("its curl line has no address, such as https://api.example.org/messages")
    return likely[0]


def _curl_headers(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in given:
        if name == "header" and (named := _HEADER.fullmatch(value.strip())):
            found[named[1]] = named[2]
        elif name == "oauth2-bearer":
            found["Authorization"] = f"Bearer {value}"
        elif name == "json":
            found = {"Content-Type": "application/json", **found}
    return found


def _remarks(given: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    found = []
    if any(name == "header" and value.startswith("@") for name, value in given):
        found.append("headers in a file are not read")
    if sum(name == "url" for name, _ in given) > 1:
        found.append("words of the curl line besides its address are not looked at")
    return tuple(found)


def _data(given: Sequence[tuple[str, str]]) -> str:
    pieces = []
    for name, value in given:
        if name != "data-raw" and (value.startswith("@") or (name == "data-urlencode" and _names_file(value))):
            _wrong("the body of its curl line is in a file (@…); write what is in the file behind -d")
        pieces.append(_encoded(value) if name == "data-urlencode" else value)
    json_only = bool(given) and all(name == "json" for name, _ in given)
    return ("" if json_only else "&").join(pieces)


def _names_file(value: str) -> bool:
    return "@" in value and "=" not in value


def _encoded(value: str) -> str:
    name, has_name, content = value.partition("=")
    return f"{name}={quote(content, safe='')}" if has_name else quote(value, safe="")


def _parts(given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option, value in given:
        name, _, content = value.partition("=")
        if option == "form" and content.startswith(("@", "<")):
            _wrong("a field of its curl line is a file (@…); texts have none")
        found.setdefault(name.strip(), content.partition(";type=")[0] if option == "form" else content)
    return found
