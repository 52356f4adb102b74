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

from smsbot.core.errors import NoAnswer, NotSent, UsageError
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
_HOLE = re.compile(r"\{(\w+)\}")
_HOLES = ("to", "from", "text", "reference", "validity", "report_to", "secret", "secret2")
_DEFAULTS = {s.value: s for s in (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED)}


class Http:
    """One account at a provider that its settings describe."""

    claims = Claims(Proof.ADDRESS, retries=0.0, dedupe=Dedupe.CONTENT)
    thanks = (b"application/json", b'{"ok":true}')

    def __init__(self, credentials: Credentials, transport: Transport) -> None:
        options = dict(credentials.options)
        self._secrets = credentials.secrets
        self._transport = transport
        self._url = _address(options, "url") or _missing("url")
        self._method = _one_of(options, "method", ("POST", "PUT", "GET"))
        self._format = _one_of(options, "format", ("json", "form", "query"))
        self._headers = _table(options, "headers")
        self._body = _table(options, "body") or _missing("body")
        self._id = str(options.get("id") or "id")
        self._accepted = frozenset(options.get("accepted") or (200, 201, 202))
        self._look_up = _address(options, "look_up")
        self._look_up_status = str(options.get("look_up_status") or "status")
        self._statuses = {**_DEFAULTS, **_meanings(_table(options, "statuses"))}
        self._timeout = float(options.get("timeout") or 20.0)
        self._header = str(options.get("hook_header") or "").lower()
        self._proof = _one_of(options, "hook_proof", ("secret", "sha256", "sha1"))
        self._check()
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

    def _check(self) -> None:
        """Every hole must be one that can be filled; raises `UsageError`."""
        if self._header and not self._secrets.get("hook_secret"):
            raise UsageError("hook_header needs the secret HOOK_SECRET")
        for name, template in (("url", self._url), ("headers", self._headers), ("body", self._body)):
            for hole in _holes(template):
                if hole not in _HOLES:
                    near = nearest(hole, _HOLES)
                    hint = f'; did you mean "{{{near}}}"?' if near else ""
                    raise UsageError(f'{name}: there is nothing to fill "{{{hole}}}" with{hint}')
        for hole in _holes(self._look_up):
            if hole not in ("reference", "secret", "secret2"):
                raise UsageError(f"look_up: only {{reference}} and secrets can be asked for, not {{{hole}}}")
        for secret in ("secret", "secret2"):
            used = {*_holes(self._url), *_holes(self._headers), *_holes(self._body), *_holes(self._look_up)}
            if secret in used and not self._secrets.get(secret):
                raise UsageError(f"{{{secret}}} is used, but the secret {secret.upper()} is not given")

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
        url = _filled(self._url, values, quote)
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
        why = masked(str(told.get("message") or told.get("error") or told.get("detail") or ""))[:200]
        detail = why or f"HTTP {status}"
        if status in (425, 429):
            wait = retry_after(answer.headers, time.time())
            return SendResult(Outcome.THROTTLED, detail=detail, retry_after=wait)
        if status in self._accepted:
            return SendResult(Outcome.ACCEPTED, dig(told, self._id) or "")
        if status >= 500 or status == 408 or status < 300:
            return SendResult(Outcome.UNKNOWN, detail=detail)
        return SendResult(Outcome.REFUSED, code=f"HTTP {status}", detail=detail)

    async def look_up(self, search: Search) -> Lookup:
        """The configured address: 404 or an empty list is absent, 200 is found."""
        url = _filled(self._look_up, {"reference": search.text.reference, **self._keys()}, quote)
        headers = _filled(self._headers, {**self._keys(), **dict.fromkeys(_HOLES[:6], "")})
        try:
            answer = await self._transport.request("GET", url, headers=headers, timeout=self._timeout)
        except (NotSent, NoAnswer) as error:
            return Lookup(None, detail=error.args[0])
        if answer.status == 404:
            return Lookup(False)
        if answer.status != 200:
            return Lookup(None, detail=f"HTTP {answer.status}")
        told = loads(answer.body)
        if answer.body.strip() in (b"[]", b"{}", b"") or any(v == [] for v in told.values()):
            return Lookup(False)
        status = self._statuses.get(dig(told, self._look_up_status) or "")
        return Lookup(True, status or Status.ACCEPTED, reference=dig(told, self._id) or "")

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
    inner = template.values() if isinstance(template, Mapping) else template if isinstance(template, list) else ()
    return [hole for value in inner for hole in _holes(value)]


def _missing(name: str) -> Any:
    raise UsageError(f"{name} is missing: {OPTIONS[name]}")


def _address(options: Mapping[str, Any], name: str) -> str:
    url = str(options.get(name) or "")
    try:
        parts = urlsplit(url or "https://none")
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost")):
        raise UsageError(f"{name}: must be https://…, so that keys do not travel in clear")
    return url


def _one_of(options: Mapping[str, Any], name: str, values: Sequence[str]) -> str:
    given = str(options.get(name) or values[0])
    if given not in values:
        raise UsageError(f"{name}: {given!r} is none of {', '.join(values)}")
    return given


def _table(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    given = options.get(name) or {}
    if not isinstance(given, Mapping):
        raise UsageError(f'{name}: is a table, such as {{to = "{{to}}"}}')
    return dict(given)


def _meanings(words: Mapping[str, Any]) -> dict[str, Status]:
    known = [s.value for s in Status]
    for word, meaning in words.items():
        if meaning not in known:
            near = nearest(str(meaning), known)
            hint = f'; did you mean "{near}"?' if near else ""
            raise UsageError(f'statuses.{word}: "{meaning}" is none of {", ".join(known)}{hint}')
    return {str(word): Status(meaning) for word, meaning in words.items()}


PROVIDER = Provider(
    "http",
    Http.claims,
    Http,
    secrets=(),
    more_secrets=("secret", "secret2", "hook_secret"),
    options=OPTIONS,
    fields=FIELDS,
)
