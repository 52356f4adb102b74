"""The request that sends a text, read from an example of it: its address, headers and fields, with holes."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from smsbot.core.errors import UsageError

from .base import keeps_keys
from .example import Example, Place, words
from .example_found import Account
from .example_guess import (
    REQUEST,
    Choice,
    bare,
    choose,
    elements,
    is_key,
    is_made,
    is_person,
    is_unique,
    paths,
    shown,
)
from .http_options import HOLE, HOLES

_NOT_OURS = frozenset(
    words(
        "host content-length user-agent accept-encoding connection cookie transfer-encoding expect origin referer "
        "postman-token cache-control"
    )
)
"""Headers that the connection makes, or that nobody needs."""
_DATED = frozenset(
    words(
        "sendat scheduledat schedule scheduledfor scheduletime scheduleddate scheduleddatetime date senddate deliverat "
        "sendtime timestamp time sendafter expireat expirydate expiredate validuntil startat"
    )
)
"""Names of fields that hold a time: that of the example would be that of all texts."""
_USERS = frozenset(words("user username login account accountid userid clientid apiid appid projectid"))
"""Names of fields that say whose account it is."""
_PICTURES = frozenset(words("media mediaurl mediaurls medias attachments images"))
_SCHEME = re.compile(r"(Bearer|Basic|App|AccessKey|Key|Token|ApiKey|api-key|[A-Za-z][A-Za-z-]{1,19}) +(\S+)")
_COMPUTED = re.compile(r"(?:digest|hmac\S*|aws4\S*|oauth|signature)\s", re.I)
_NUMBERS = re.compile(r"\+\d[\d ().-]{6,}\d|(?<![\w.-])\d{9,15}(?![\w-])")
"""A pattern for what may be a phone number among other words."""
_GONE = object()


class _Request:
    """Makes a template of one request."""

    def __init__(self, found: Account, example: Example) -> None:
        self._found = found
        self._example = example
        self._holes: dict[str, str] = {}
        self._all = {"?": example.query, "": example.fields}
        self._chosen = choose(REQUEST, self._all)
        self._doubt_sender()
        self._by_place = {choice.place: role for role, choice in self._chosen.items()}

    def _doubt_sender(self) -> None:
        """Leave out a sender that only looks like a number: it may be anybody's, and a text can do without it."""
        choice = self._chosen.get("from")
        if choice is not None and choice.why == "by what it holds":
            del self._chosen["from"]
            ways = self._way(choice.place) + _others(choice)
            self._found.doubt("body", f"{{from}} is perhaps {ways}")

    def table(self) -> dict[str, Any]:
        """The settings."""
        example, found = self._example, self._found
        if example.method not in ("POST", "PUT", "GET"):
            other = example.method if example.method in ("PATCH", "DELETE", "HEAD", "OPTIONS") else "another method"
            raise UsageError(_SHOW.format(f"texts are sent by POST, PUT or GET, and the example has {other}"))
        headers, query = self._headers(), self._filled("?", example.query)
        body = self._filled("", example.fields) if example.fields else {}
        kind = "form" if example.format == "multipart" else example.format
        if example.format == "multipart":
            found.note(
                "request", "format", "was a multipart form and is sent as a plain one; most providers take both", False
            )
        url = self._address()
        if not body or example.method == "GET":
            body, kind, query = {**query, **body}, "query", {}
        elif query:
            url += "?" + "&".join(f"{quote(str(k))}={_in_query(v)}" for k, v in query.items())
        if not body:
            raise UsageError(_SHOW.format("it has no fields, so no text is in it"))
        self._needs()
        named = {"url": url, "method": example.method, "format": kind, "headers": headers, "body": body}
        return {"gateway": "http", **{k: v for k, v in named.items() if v}}

    def _needs(self) -> None:
        missing = [role for role in ("to", "text") if role not in self._chosen]
        if missing:
            there = self._found.discreet(", ".join(list(paths(self._example))[:20]))
            raise UsageError(_SHOW.format(f"no field in it looks like {' or '.join(missing)} (fields: {there})"))
        for role, choice in self._chosen.items():
            way = shown(choice.place, self._all).removeprefix("?.").removeprefix(".")
            self._found.note("request", way, f"is {{{role}}}, {choice.why}{_others(choice)}", choice.sure)
            if not choice.sure:
                self._found.doubt("body", f"{way}: {{{role}}} {choice.why}{_others(choice)}")
        if "from" not in self._chosen:
            self._found.note("request", "from", "no field holds the sender; the account's own number is used", False)
        self._plus()

    def _plus(self) -> None:
        value: Any = self._all
        for name in self._chosen["to"].place:
            value = value[name]
        if is_person(value) and not str(value).strip().startswith(("+", "tel:")):
            said = "has no + in the example, and {to} has one: most providers take both, ask yours"
            self._found.note("request", self._way(self._chosen["to"].place), said, False)

    # -- keys

    def _key(self, value: str, what: str) -> str | None:
        """The hole of a key; None where an account has no more room."""
        if value not in self._holes:
            free = [s for s in ("secret", "secret2") if s not in self._holes.values()]
            if not free:
                return None
            self._holes[value] = free[0]
            self._found.secrets[free[0]] = what
        self._found.hide(value)
        return f"{{{self._holes[value]}}}"

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._example.user:
            found["Authorization"] = self._basic(self._example.user)
        for name, value in self._example.headers.items():
            made = self._header(name, value)
            if made and not (name.lower() == "authorization" and "Authorization" in found):
                found[name] = made
        return found

    def _basic(self, user: str) -> str:
        packed = base64.b64encode(user.encode("utf-8", "replace")).decode()
        self._found.hide(user, user.partition(":")[2])
        what = "user and password in base64, as printed by: printf %s 'USER:PASSWORD' | base64 | tr -d '\\n'"
        hole = self._key(packed, what)
        self._found.note("request", "Authorization", f"is Basic {hole}, user and password of the example in base64")
        return f"Basic {hole}"

    def _header(self, name: str, value: str) -> str:
        low, value = name.lower(), value.strip()
        if low in _NOT_OURS or not value or value == "*/*":
            if low == "cookie":
                self._found.note("request", name, "is left out: sessions end", False)
            return ""
        if low == "content-type":
            return self._content_type(value)
        if bare(name) in REQUEST["reference"]:
            return "{reference}"
        if is_made(name) or _COMPUTED.match(value):
            self._found.doubt("headers", f"{name}: made anew for each request, which this gateway cannot do")
            self._found.note("request", name, "is made anew for each request, which this gateway cannot do", False)
            self._found.hide(value)
            return ""
        opaque = bool(re.fullmatch(r"[A-Za-z0-9+/=_.-]{20,}", value) and re.search(r"\d", value)) and low != "accept"
        if is_key(name) or opaque:
            return self._secret_header(name, value, is_key(name))
        if is_person(value) or _NUMBERS.search(value):
            self._found.doubt("headers", f"{name}: left out; looks like a phone number")
            self._found.note("request", name, "left out: looks like a phone number; {from}, or one of yours", False)
            return ""
        return self._constant(value)

    def _secret_header(self, name: str, value: str, sure: bool) -> str:
        scheme = _SCHEME.fullmatch(value)
        word, secret = (scheme[1], scheme[2]) if scheme else ("", value)
        if word.lower() == "basic":
            self._hide_packed(secret)
        what = f"the key of the header {name}" if word.lower() != "basic" else "user:password in base64"
        hole = self._key(secret, what)
        if hole is None:
            self._found.hide(secret)
            self._found.doubt("headers", f"{name}: a third key; an account has {{secret}} and {{secret2}}")
            self._found.note("request", name, "is a third key, and an account has two", False)
            return ""
        made = f"{word} {hole}".strip()
        self._found.note(
            "request", name, f"is {made}, {'a key by its name' if sure else 'as it looks like a key'}", sure
        )
        return made

    def _hide_packed(self, packed: str) -> None:
        try:
            told = base64.b64decode(packed, validate=True).decode()
        except ValueError:
            return
        self._found.hide(told, told.partition(":")[2])

    def _content_type(self, value: str) -> str:
        plain = value.partition(";")[0].strip().lower()
        usual = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
        return "" if plain in usual or not self._example.fields else self._constant(value)

    # -- fields

    def _filled(self, where: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        made = self._template(fields, (where,))
        return made if isinstance(made, dict) else {}

    def _template(self, value: Any, place: Place) -> Any:
        if isinstance(value, Mapping):
            made = {k: self._template(v, (*place, k)) for k, v in value.items()}
            return {k: v for k, v in made.items() if v is not _GONE}
        if isinstance(value, list):
            return self._list(value, place)
        return self._leaf(value, place)

    def _list(self, value: list[Any], place: Place) -> Any:
        many = bool(value) and isinstance(value[0], Mapping | list)
        held = any((*place, n) in self._by_place for n in range(len(value)))
        if len(value) > 1 and (many or held):
            self._found.note("request", self._way(place), "holds one in each request, though several in the example")
        if held:
            (n,) = [n for n in range(len(value)) if (*place, n) in self._by_place][:1]
            return [self._template(value[n], (*place, n))]
        made = [self._template(v, (*place, n)) for n, v in enumerate(value[:1] if many else value)]
        return [v for v in made if v is not _GONE]

    def _way(self, place: Place) -> str:
        return shown(place, self._all).removeprefix("?.").removeprefix(".")

    def _leaf(self, value: Any, place: Place) -> Any:
        role, name = self._by_place.get(place), (elements(place) or [""])[-1]
        if role is not None:
            prefix = re.match(r"(?:tel|sms):", str(value))
            return f"{prefix[0] if prefix else ''}{{{role}}}"
        if value is None:
            return _GONE
        if is_made(name):
            return self._left_out(value, place, "made anew for each request, which this gateway cannot do")
        if is_key(name) and isinstance(value, str | int) and not isinstance(value, bool):
            return self._key_field(str(value), place)
        if name in _DATED:
            return self._left_out(value, place, "a time, which would be that of every text")
        if is_unique(name):
            return self._left_out(value, place, "an id, which would be that of every text")
        if name in _PICTURES:
            return self._left_out(value, place, "a picture, which would go with every text")
        if is_person(value) or _NUMBERS.search(str(value)):
            return self._left_out(value, place, "looks like a phone number; {to}, {from} or one of yours")
        own = name in _USERS
        said = "stays as the example has it" + ("; put in what is yours" if own else "")
        self._found.note("request", self._way(place), said, not own)
        if isinstance(value, str):
            return self._constant(value)
        return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value

    def _key_field(self, value: str, place: Place) -> Any:
        hole = self._key(value, f"the value of {self._way(place)}")
        if hole is None:
            self._found.hide(value)
            return self._left_out("", place, "a third key; an account has {secret} and {secret2}")
        self._found.note("request", self._way(place), f"is {hole}, a key by its name")
        return hole

    def _left_out(self, value: Any, place: Place, why: str) -> Any:
        self._found.doubt("body", f"{self._way(place)}: left out; {why}")
        self._found.note("request", self._way(place), f"left out: {why}", False)
        return _GONE

    def _constant(self, value: str) -> str:
        """A text that stays as it is: braces of placeholders are no holes, and keys in it are."""
        value = HOLE.sub(lambda m: m[1], value)
        for key, hole in self._holes.items():
            value = value.replace(key, f"{{{hole}}}") if len(key) >= 8 else value
        return value

    # -- the address

    def _address(self) -> str:
        url = self._example.url
        if url.startswith("/"):
            raise UsageError(_SHOW.format("it says no host; add a line such as Host: api.example.org"))
        if url.startswith("http://") and not keeps_keys(url):
            url = "https://" + url.removeprefix("http://")
            said = "was http:// and is https:// here, so that keys do not travel in clear; ask the provider for it"
            self._found.note("request", "url", said, False)
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        made = f"{scheme}://{HOLE.sub(lambda m: m[1], host)}{slash}" + "/".join(map(self._segment, path.split("/")))
        if not keeps_keys(made) or re.search(r"\s", made):
            raise UsageError(_SHOW.format("its address is none of https://…"))
        if re.search(r"[$<>]", made) or HOLE.search(url):
            self._found.note("request", "url", "has a placeholder of the manual; put in what is yours", False)
        return made

    def _segment(self, segment: str) -> str:
        told = unquote(segment)
        prefix = re.match(r"(?:tel:|sms:)?", told)
        if is_person(told) and (told.startswith(("+", "tel:", "sms:")) or told in self._found.hidden):
            self._found.hidden |= {told, segment, told.lstrip("telsm:+")}
            mine = "from" if "to" in self._chosen else "to"
            return quote(prefix[0] if prefix else "", safe="") + f"{{{mine}}}"
        user = self._example.user.partition(":")[0]
        if user and len(user) >= 8 and told == user and (hole := self._key(user, "the user, as in the address")):
            return hole
        if len(told) >= 8 and told in self._holes:
            return f"{{{self._holes[told]}}}"
        return HOLE.sub(lambda m: f"{{{m[1]}}}" if m[1] in HOLES[:3] else m[1], segment)


_SHOW = (
    "this is no request that sends a text: {}. Paste one whole, such as\n"
    "  curl https://api.example.org/messages -H 'X-Api-Key: KEY' -d 'to=+48600100200&from=+48732000111&text=Hi'"
)


def _others(choice: Choice) -> str:
    ways = [w.removeprefix("?.").removeprefix(".") for w in choice.others]
    return f", else {', '.join(ways)}" if ways else ""


def _in_query(value: Any) -> str:
    """A value of a query, whose holes stay holes."""
    return quote(str(value), safe="{}")


def read_request(found: Account, example: Example) -> None:
    """Take in what an example says of how a text is sent."""
    found.settings = {**_Request(found, example).table(), **found.settings}
