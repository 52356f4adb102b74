"""Any gateway with a JSON or form API, by configuration: a request with holes, and what its answers mean.

::

    [accounts.other]
    gateway = "http"
    url = "https://api.example.org/messages"
    body = {to = "{to}", from = "{from}", text = "{text}", ref = "{reference}", callback = "{report_to}"}
    headers = {Authorization = "Bearer {secret}"}
    id = "messages.0.id"
    statuses = {DELIVRD = "delivered", UNDELIV = "undelivered"}
    look_up = "https://api.example.org/messages?ref={reference}"
    [accounts.other.fields.inbound]
    from = "msisdn"

Holes are filled as text and nothing else is looked at, so that a text can never become a part of the request.
"""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from smsbot.core.errors import NoAnswer, NotSent, SettingsError
from smsbot.core.message import Arrival, Receipt
from smsbot.core.nearest import nearest
from smsbot.core.status import Status
from smsbot.transport import Answer, Transport

from .base import (
    Claims,
    Credentials,
    Dedupe,
    Hook,
    Lookup,
    Outbound,
    Outcome,
    Proof,
    Provider,
    Search,
    SendResult,
    WebhookRequest,
    retry_after,
)
from .fields import FieldMap, canonical, dig, items, loads, masked

FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "inbound": {
        "from": ("from", "sender", "msisdn", "From", "source"),
        "to": ("to", "recipient", "receiver", "To", "destination"),
        "text": ("text", "message", "body", "content", "Body"),
        "id": ("id", "message_id", "messageId", "MessageSid"),
        "time": ("time", "timestamp", "received_at", "receivedAt", "date"),
    },
    "status": {
        "id": ("id", "message_id", "messageId", "MessageSid"),
        "status": ("status", "state", "MessageStatus"),
        "reference": ("reference", "ref", "client_ref", "clientRef", "externalId"),
    },
}
REQUIRED: Mapping[str, tuple[str, ...]] = {"inbound": ("from", "to", "text"), "status": ("id", "status")}
OPTIONS: Mapping[str, str] = {
    "url": "where a text is sent to, with holes as {to}",
    "method": "POST (default), PUT or GET",
    "format": "json (default), form, or query",
    "headers": "headers of the request, with holes",
    "body": "fields of the request, with holes; tables may lie in tables",
    "id": "where the answer holds the provider's id, such as messages.0.id",
    "accepted": "HTTP statuses that mean: taken (default 200, 201, 202)",
    "look_up": "an address that says whether it has {reference}; 404 or an empty list is no",
    "look_up_status": "where the answer to a look-up holds the status (default: status)",
    "statuses": "the provider's words for what became of a text, and ours",
    "hook_header": "the header of webhooks that proves them",
    "hook_proof": "secret (the header is the hook_secret, default), sha256 or sha1 (HMAC of the body, hex or base64)",
    "timeout": "seconds for a whole request (default 20)",
}
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_MEANINGS = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED, Status.EXPIRED)
_HOLE = re.compile(r"\{(\w+)\}")
_HOLES = ("to", "from", "text", "reference", "validity", "report_to", "secret", "secret2")
_DEFAULTS = {s.value: s for s in (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED)}


class Http:
    """One account at a provider that its settings describe."""

    claims = Claims(Proof.ADDRESS, retries=0.0, dedupe=Dedupe.CONTENT)
    thanks = (b"application/json", b'{"ok":true}')

    def __init__(self, credentials: Credentials, transport: Transport) -> None:
        told = _Options(credentials)
        self._secrets = credentials.secrets
        self._transport = transport
        self._url = told.address("url", needed=True)
        self._method = told.one_of("method", ("POST", "PUT", "GET"))
        self._format = told.one_of("format", ("json", "form", "query"))
        self._headers = told.table("headers")
        self._body = told.table("body", needed=True)
        self._id = told.text("id", "id")
        self._accepted = told.numbers("accepted", (200, 201, 202))
        self._look_up = told.address("look_up")
        self._look_up_status = told.text("look_up_status", "status")
        self._statuses = {**_DEFAULTS, **told.meanings("statuses")}
        self._timeout = told.seconds("timeout", 20.0)
        self._header = told.text("hook_header", "").lower()
        self._proof = told.one_of("hook_proof", ("secret", "sha256", "sha1"))
        told.check(self._method, self._format)
        self._fields = FieldMap("this gateway", FIELDS, REQUIRED)
        self.remap = self._fields.remap
        self.hooks: Mapping[str, Hook] = {"inbound": self._inbound, "status": self._status}
        self.claims = Claims(
            Proof.ADDRESS if not self._header else Proof.HEADER if self._proof == "secret" else Proof.SIGNATURE,
            retries=0.0,
            dedupe=Dedupe.CONTENT,
            can_look_up=bool(self._look_up),
        )

    def __repr__(self) -> str:
        return f"Http({urlsplit(self._url).hostname})"

    # -- sending ------------------------------------------------------------------------------------

    async def send(self, text: Outbound) -> SendResult:
        """One request as it is configured."""
        values = {
            "to": text.recipient, "from": text.sender, "text": text.text, "reference": text.reference,
            "validity": str(max(int(text.validity), 1)), "report_to": text.report_to, **self._keys(),
        }  # fmt: skip
        url, headers, content = self._request(values)
        try:
            answer = await self._transport.request(
                self._method, url, headers=headers, body=content, timeout=self._timeout
            )
        except NotSent as error:
            return SendResult(Outcome.UNREACHABLE, detail=error.args[0])
        except NoAnswer as error:
            return SendResult(Outcome.UNKNOWN, detail=error.args[0])
        return self._read_send(answer)

    def _keys(self) -> dict[str, str]:
        return {name: self._secrets.get(name, "") for name in ("secret", "secret2")}

    def _request(self, values: Mapping[str, str]) -> tuple[str, dict[str, str], bytes]:
        url = _filled(self._url, values, _quoted)
        headers: dict[str, str] = _filled(self._headers, values)
        body = _filled(self._body, values)
        if self._format == "json":
            return url, {"Content-Type": "application/json", **headers}, orjson.dumps(body)
        encoded = urlencode(body)
        if self._format == "query":
            return f"{url}{'&' if '?' in url else '?'}{encoded}", headers, b""
        return url, {"Content-Type": "application/x-www-form-urlencoded", **headers}, encoded.encode()

    def _read_send(self, answer: Answer) -> SendResult:
        status, told = answer.status, loads(answer.body)
        why = _why(told)
        if status in (425, 429):
            wait = retry_after(answer.headers, time.time())
            return SendResult(Outcome.THROTTLED, detail=why or f"HTTP {status}", retry_after=wait)
        if status in self._accepted:
            return SendResult(Outcome.ACCEPTED, dig(told, self._id) or "")
        if status >= 500 or status == 408 or status < 300:
            return SendResult(Outcome.UNKNOWN, detail=why or f"HTTP {status}")
        return SendResult(Outcome.REFUSED, code=f"HTTP {status}", detail=why)

    async def look_up(self, search: Search) -> Lookup:
        """The configured address: 404 or an empty list is absent, 200 is found."""
        url = _filled(self._look_up, {"reference": search.text.reference, **self._keys()}, _quoted)
        headers = _filled(self._headers, {**self._keys(), **dict.fromkeys(_HOLES[:6], "")})
        try:
            answer = await self._transport.request("GET", url, headers=headers, timeout=self._timeout)
        except (NotSent, NoAnswer) as error:
            return Lookup(None, detail=error.args[0])
        if answer.status == 404:
            return Lookup(False)
        if answer.status != 200:
            return Lookup(None, detail=f"HTTP {answer.status}")
        return self._found(answer)

    def _found(self, answer: Answer) -> Lookup:
        """Found where its id or its status is named; absent where all lists are empty; else nobody can say."""
        try:
            told = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return Lookup(None, detail="the answer is no JSON")
        item = told[0] if isinstance(told, list) and told else told
        if isinstance(item, dict):
            reference, word = dig(item, self._id), dig(item, self._look_up_status)
            if reference or word:
                return Lookup(True, self._statuses.get(word or "") or Status.ACCEPTED, reference=reference or "")
            lists = [v for v in item.values() if isinstance(v, list)]
            if not item or (lists and not any(lists)):
                return Lookup(False)
        elif told == []:
            return Lookup(False)
        return Lookup(None, detail="the answer names neither its id nor its status")

    async def catch_up(self, account: str, lines: Sequence[str], since: float) -> Sequence[Arrival | Receipt]:
        """Nothing can be listed."""
        return ()

    # -- webhooks -----------------------------------------------------------------------------------

    def genuine(self, request: WebhookRequest) -> bool:
        """Whether the configured header proves the webhook; without one, the secret address is all."""
        if not self._header:
            return True
        given = request.headers.get(self._header, "").encode("latin-1", "replace")
        secret = self._secrets["hook_secret"].encode()
        if self._proof == "secret":
            return hmac.compare_digest(given, secret)
        made = hmac.digest(secret, request.body, self._proof)
        given = given.removeprefix(f"{self._proof}=".encode())
        return hmac.compare_digest(given.lower(), made.hex().encode()) or hmac.compare_digest(
            given, base64.b64encode(made)
        )

    def _inbound(self, request: WebhookRequest) -> Sequence[Arrival]:
        found: list[Arrival] = []
        for item in items(request):
            values = self._fields.read("inbound", item)
            text, told = values["text"].replace("\x00", ""), values.get("id", "")
            found.append(
                Arrival(
                    request.account, values["from"], values["to"], text, told, values.get("time", ""), canonical(item)
                )
            )
        return found

    def _status(self, request: WebhookRequest) -> Sequence[Receipt]:
        found: list[Receipt] = []
        for item in items(request):
            values = self._fields.read("status", item)
            outgoing = _ours(values.get("reference", "")) or _ours(values["id"])
            raw = values["status"]
            found.append(Receipt(request.account, values["id"], self._statuses.get(raw), raw, outgoing=outgoing))
        return found


_REFERENCE = re.compile(r"([0-9a-f]{22})-\d+")


def _ours(reference: str) -> str:
    match = _REFERENCE.fullmatch(reference)
    return match[1] if match else ""


def _filled(template: Any, values: Mapping[str, str], escape: Callable[[str], str] = str) -> Any:
    """A template with its holes filled, in one pass: what was filled in is not looked at again."""
    if isinstance(template, str):
        return _HOLE.sub(lambda m: escape(values.get(m[1], "")), template)
    if isinstance(template, Mapping):
        return {k: _filled(v, values, escape) for k, v in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(v, values, escape) for v in template]
    return template


def _holes(template: Any) -> list[str]:
    if isinstance(template, str):
        return _HOLE.findall(template)
    inner = (
        template.values() if isinstance(template, Mapping) else template if isinstance(template, list | tuple) else ()
    )
    return [hole for value in inner for hole in _holes(value)]


def _quoted(value: str) -> str:
    """A value as one part of a path or a query: it cannot become another."""
    return quote(value, safe="")


def _why(told: Mapping[str, Any]) -> str:
    """A provider's reason, wherever it says it, without numbers."""
    errors = told.get("errors")
    places = [told, *(errors if isinstance(errors, list) else [errors]), told.get("error")]
    for place in places:
        for name in ("message", "detail", "title", "description", "error", "reason"):
            if isinstance(place, dict) and isinstance(place.get(name), str) and place[name]:
                return masked(place[name])[:200]
    return ""


class _Options:
    """Reads options, and collects everything that is wrong with them."""

    def __init__(self, credentials: Credentials) -> None:
        self._given = {k: v for k, v in credentials.options.items() if v not in (None, "")}
        self._secrets = credentials.secrets
        self._problems: list[str] = []

    def _wrong(self, name: str, why: str) -> None:
        self._problems.append(f"{name}: {why}")

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self._given.get(name, default)
        if not isinstance(value, str):
            self._wrong(name, f"is a text, not {value!r}")
            return default
        if name == "hook_header" and value and not _TOKEN.fullmatch(value):
            self._wrong(name, f"{value!r} is no name of a header")
        return value

    def address(self, name: str, *, needed: bool = False) -> str:
        """An address that keys may travel to."""
        if needed and name not in self._given:
            self._wrong(name, f"is missing: {OPTIONS[name]}")
        url = self.text(name, "")
        try:
            parts = urlsplit(url or "https://none")
        except ValueError:
            parts = urlsplit("")
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost")):
            self._wrong(name, "must be https://…, so that keys do not travel in clear")
        return url

    def one_of(self, name: str, values: Sequence[str]) -> str:
        """One of these words; the first if none is given."""
        value = self.text(name, values[0])
        if value not in values:
            self._wrong(name, f"{value!r} is none of {', '.join(values)}")
        return value

    def numbers(self, name: str, default: tuple[int, ...]) -> frozenset[int]:
        """HTTP statuses."""
        value = self._given.get(name, default)
        if (
            not isinstance(value, list | tuple)
            or not value
            or not all(type(v) is int and 200 <= v < 300 for v in value)
        ):
            self._wrong(name, "is a list of HTTP statuses such as [200, 202]")
            return frozenset(default)
        return frozenset(value)

    def seconds(self, name: str, default: float) -> float:
        """A time."""
        value = self._given.get(name, default)
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = 0.0
        if not 0 < seconds <= 120:
            self._wrong(name, f"is seconds, more than 0 and at most 120, not {value!r}")
            return default
        return seconds

    def table(self, name: str, *, needed: bool = False) -> dict[str, Any]:
        """A table."""
        if needed and name not in self._given:
            self._wrong(name, f"is missing: {OPTIONS[name]}")
        value = self._given.get(name, {})
        if not isinstance(value, Mapping):
            self._wrong(name, 'is a table, such as {to = "{to}"}')
            return {}
        return dict(value)

    def meanings(self, name: str) -> dict[str, Status]:
        """The provider's words, and what each means."""
        found: dict[str, Status] = {}
        known = [s.value for s in _MEANINGS]
        for word, meaning in self.table(name).items():
            if meaning in known:
                found[str(word)] = Status(meaning)
                continue
            near = nearest(str(meaning), known)
            hint = f'; did you mean "{near}"?' if near else ""
            self._wrong(f"{name}.{word}", f'"{meaning}" is none of {", ".join(known)}{hint}')
        return found

    def check(self, method: str, form: str) -> None:
        """What must fit together; raises `SettingsError` with every problem."""
        body, headers = self.table("body"), self.table("headers")
        if body and not {"to", "text"} <= {*_holes(body), *_holes(self._given.get("url"))}:
            self._wrong("body", "has no {to} or no {text}, so nobody would get anything")
        if form != "json" and not all(isinstance(v, str | int | float) for v in body.values()):
            self._wrong("body", f"a {form} has no tables in tables; that is for json")
        if method == "GET" and form != "query":
            self._wrong("format", "a GET has no body; its format is query")
        if not all(isinstance(v, str) for v in headers.values()):
            self._wrong("headers", "are texts")
        if "look_up_status" in self._given and "look_up" not in self._given:
            self._wrong("look_up_status", "needs look_up")
        self._check_holes()
        self._check_secrets()
        if self._problems:
            raise SettingsError(list(dict.fromkeys(self._problems)))

    def _check_holes(self) -> None:
        for name in ("url", "headers", "body"):
            for hole in _holes(self._given.get(name)):
                if hole not in _HOLES:
                    near = nearest(hole, _HOLES)
                    hint = f'; did you mean "{{{near}}}"?' if near else ""
                    self._wrong(name, f'there is nothing to fill "{{{hole}}}" with{hint}')
        for hole in _holes(self._given.get("look_up")):
            if hole not in ("reference", "secret", "secret2"):
                self._wrong("look_up", f"only {{reference}} and secrets can be asked for, not {{{hole}}}")

    def _check_secrets(self) -> None:
        used = {h for name in ("url", "headers", "body", "look_up") for h in _holes(self._given.get(name))}
        for secret in ("secret", "secret2"):
            if secret in used and not self._secrets.get(secret):
                self._wrong(secret, f"{{{secret}}} is used, but the secret is missing")
        if "hook_header" in self._given and not self._secrets.get("hook_secret"):
            self._wrong("hook_secret", "hook_header is given, but the secret is missing")
        if "hook_header" not in self._given and ("hook_proof" in self._given or self._secrets.get("hook_secret")):
            self._wrong(
                "hook_header", "is missing, so nothing would prove a webhook: name the header that holds the proof"
            )


PROVIDER = Provider(
    "http",
    Http.claims,
    Http,
    secrets=(),
    more_secrets=("secret", "secret2", "hook_secret"),
    options=OPTIONS,
    fields=FIELDS,
)
