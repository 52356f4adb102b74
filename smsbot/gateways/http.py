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
from smsbot.core.linear import linear
from smsbot.core.message import Arrival, Receipt, Unread
from smsbot.core.phone import masked
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
    handed_over,
    our_id,
    refused,
    retry_after,
)
from .fields import FieldMap, dig, loads
from .http_answers import is_busy, reason, usual_no
from .http_options import HOLE, HOLES, OPTIONS, Options
from .reports import REPORT_FIELDS, report

FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "inbound": {
        "from": ("from", "sender", "msisdn", "From", "source"),
        "to": ("to", "recipient", "receiver", "To", "destination"),
        "text": ("text", "message", "body", "content", "Body"),
        "id": ("id", "message_id", "messageId", "MessageSid"),
        "time": ("time", "timestamp", "received_at", "receivedAt", "date"),
        "media": ("media", "mediaUrl", "media_url", "attachments"),
        "part": ("part", "concat-part", "concat_part", "partNumber"),
        "parts": ("parts", "concat-total", "concat_total", "partsTotal"),
        "part_of": ("part_of", "concat-ref", "concat_ref", "partRef"),
    },
    "status": {
        "id": ("id", "message_id", "messageId", "MessageSid"),
        "status": ("status", "state", "MessageStatus"),
        "reference": ("reference", "ref", "client_ref", "clientRef", "externalId"),
        **REPORT_FIELDS,
    },
}
REQUIRED: Mapping[str, tuple[str, ...]] = {"inbound": ("from", "text"), "status": ("id", "status")}
_WORDS: Mapping[Status, str] = {
    Status.ACCEPTED: "accepted acceptd queued buffered pending enroute scheduled submitted accepted_by_gateway",
    Status.SENT: "sent sending submitted_to_operator dispatched en_route",
    Status.DELIVERED: "delivered delivrd received read success delivery_success",
    Status.FAILED: "failed rejected rejectd sendingfailed sending_failed error canceled cancelled blocked",
    Status.UNDELIVERED: "undelivered undeliv undeliverable deliveryfailed delivery_failed notdelivered not_delivered",
    Status.EXPIRED: "expired deleted",
}
KNOWN_WORDS = {word: status for status, words in _WORDS.items() for word in words.split()}
"""The words with one meaning everywhere, in any case (SMPP 3.4 §5.2.28, and common sense); `statuses` adds others."""
_PLAIN = {s.value: s for s in (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED)}
"""Of a look-up fewer words are believed: it decides whether a text is sent again."""
_MOST_IDS = 20
_GAPS = re.compile(r"[\s-]+")


class Http:
    """One account at a provider that its settings describe."""

    claims = Claims(Proof.ADDRESS, retries=0.0, dedupe=Dedupe.CONTENT)
    thanks = (b"text/plain", b"")

    def __init__(self, credentials: Credentials, transport: Transport) -> None:
        told = Options(credentials)
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
        named = told.meanings("statuses")
        self._statuses = {**KNOWN_WORDS, **named}
        self._looked_up = {**_PLAIN, **named}
        self._timeout = told.seconds("timeout", 20.0)
        self._header = told.text("hook_header", "").lower()
        self._proof = told.one_of("hook_proof", ("secret", "sha256", "sha1"))
        self._refused = told.words("refused")
        self._later = told.words("later")
        self._account_refused = told.words("account_refused")
        certain = told.flag("look_up_certain")
        self.thanks = (told.text("hook_answer_type", "text/plain").encode(), told.text("hook_answer", "").encode())
        self.echo = told.text("hook_echo", "").lower()
        told.check(self._method, self._format)
        self._id_pattern = _pattern(self._id)
        self._fields = FieldMap("this gateway", FIELDS, REQUIRED)
        self.remap = self._fields.remap
        self.hooks: Mapping[str, Hook] = {"inbound": self._fields.arrivals, "status": self._status}
        self.claims = Claims(
            Proof.ADDRESS if not self._header else Proof.HEADER if self._proof == "secret" else Proof.SIGNATURE,
            retries=0.0,
            dedupe=Dedupe.CONTENT,
            can_look_up=bool(self._look_up),
            finds_by_id=certain,
            by_query=True,
        )

    def __repr__(self) -> str:
        return f"Http({urlsplit(self._url).hostname})"

    # -- sending ------------------------------------------------------------------------------------

    async def send(self, text: Outbound) -> SendResult:
        """One request as it is configured."""
        values = {
            "to": text.recipient, "from": text.sender, "text": text.text, "reference": text.reference,
            "to_bare": text.recipient.removeprefix("+"), "from_bare": text.sender.removeprefix("+"),
            "validity": str(max(int(text.validity), 1)), "report_to": text.report_to, **self._keys(),
        }  # fmt: skip
        url, headers, content = self._request(values)
        request = self._transport.request(self._method, url, headers=headers, body=content, timeout=self._timeout)
        return await handed_over(request, self._read_send)

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
        text = "" if told else answer.body[:2000].decode("utf-8", "replace")
        why = reason(told)
        if any(rule.holds(told, text) for rule in self._account_refused):
            return SendResult(Outcome.REFUSED, detail=why or masked(text)[:200], about="account")
        if status in (425, 429) or any(rule.holds(told, text) for rule in self._later):
            wait = retry_after(answer.headers, time.time())
            return SendResult(Outcome.THROTTLED, detail=why or f"HTTP {status}", retry_after=wait)
        if status in self._accepted:
            return self._read_taken(told, text)
        if status >= 500 or status == 408 or status < 300:
            return SendResult(Outcome.UNKNOWN, detail=why or f"HTTP {status}")
        return refused(status, f"HTTP {status}", why or masked(text)[:200])

    def _read_taken(self, told: Mapping[str, Any], text: str) -> SendResult:
        """Read a 2xx: taken, unless its body says otherwise."""
        if text.lstrip()[:9].casefold().startswith(("<!doctype", "<html")):
            return SendResult(Outcome.UNKNOWN, detail="the answer is a web page")
        if any(rule.holds(told, text) for rule in self._refused):
            return SendResult(Outcome.REFUSED, detail=reason(told) or masked(text)[:200] or "refused")
        why = "" if self._refused else usual_no(told, text)
        if why:
            return SendResult(Outcome.THROTTLED if is_busy(why) else Outcome.REFUSED, detail=why)
        first, *others = self._ids(told, text) or [""]
        return SendResult(Outcome.ACCEPTED, first, parts=tuple(others))

    def _ids(self, told: Mapping[str, Any], text: str) -> list[str]:
        """The provider's ids: one, or one for each SMS where the way to it goes through a list (``messages.*.id``)."""
        if self._id_pattern is not None:
            match = self._id_pattern.search(text)
            return [match[1]] if match is not None else []
        before, star, after = self._id.partition("*")
        if not star:
            found = dig(told, self._id) or dig(told, f"0.{self._id}")
            return [found] if found else []
        places = (f"{before}{n}{after}" for n in range(_MOST_IDS))
        return [found for place in places if (found := dig(told, place))]

    async def look_up(self, search: Search) -> Lookup:
        """The configured address: 404 or an empty list is absent, 200 is found."""
        url = _filled(self._look_up, {"reference": search.text.reference, **self._keys()}, _quoted)
        headers = _filled(self._headers, {**dict.fromkeys(HOLES, ""), **self._keys()})
        try:
            answer = await self._transport.request("GET", url, headers=headers, timeout=self._timeout)
        except (NotSent, NoAnswer) as error:
            return Lookup(None, detail=error.args[0])
        if answer.status == 404:
            return Lookup(False)
        if answer.status != 200:
            return Lookup(None, detail=f"HTTP {answer.status}")
        return self._found(answer, search.text.reference)

    def _found(self, answer: Answer, ours: str) -> Lookup:
        """Found where its id or a known status is named; absent where there is nothing but empty lists; else unsaid.

        What names another reference of ours is another text. An envelope with an empty list is no text either, whatever
        its own status is.
        """
        try:
            told = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return Lookup(None, detail="the answer is no JSON")
        rows = told if isinstance(told, list) else [told]
        if not all(isinstance(row, dict) for row in rows):
            return Lookup(None, detail="the answer is neither an object nor a list of them")
        rows = [row for row in rows if not _references(row) - {ours}]
        if told and not rows:
            return Lookup(None, detail="the answer names other texts")
        named = [row for row in rows if ours in _references(row)] or rows[:1]
        item: dict[str, Any] = named[0] if named else {}
        reference, word = dig(item, self._id) or "", dig(item, self._look_up_status) or ""
        lists = [v for v in item.values() if isinstance(v, list)]
        empty = not item or (bool(lists) and not any(lists))
        known = self._looked_up.get(word.casefold())
        if known is not None or (reference and not empty):
            return Lookup(True, known or Status.ACCEPTED, reference=reference)
        if empty and not reference:
            return Lookup(False)
        return Lookup(None, detail="the answer names neither its id nor a known status")

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

    def _status(self, request: WebhookRequest) -> Sequence[Receipt | Unread]:
        def receipt(values: dict[str, str], part: Mapping[str, Any]) -> Receipt:
            outgoing, raw = our_id(values.get("reference", "")) or our_id(values["id"]), values["status"]
            word = raw.strip().casefold()  # "not delivered", "not-delivered" and "not_delivered" are one
            status = self._statuses.get(word) or self._statuses.get(_GAPS.sub("_", word))
            return report(request.account, values["id"], status, raw, outgoing, values=values, item=part)

        return self._fields.each("status", request, receipt)


def _references(value: Any) -> set[str]:
    """All references of ours in an answer, however deep."""
    if isinstance(value, str):
        return {value} if our_id(value) else set()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {found for each in inner for found in _references(each)}


def _filled(template: Any, values: Mapping[str, str], escape: Callable[[str], str] = str) -> Any:
    """A template with its holes filled, in one pass: what was filled in is not looked at again."""
    if isinstance(template, str):
        return HOLE.sub(lambda m: escape(values.get(m[1], "")), template)
    if isinstance(template, Mapping):
        return {k: _filled(v, values, escape) for k, v in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(v, values, escape) for v in template]
    return template


def _pattern(id_: str) -> Any:
    """Where an answer is no JSON, ``/…(…)…/`` finds the id in it, in linear time; None for a path."""
    if len(id_) < 3 or not (id_.startswith("/") and id_.endswith("/")):
        return None
    try:
        return linear([id_[1:-1]])
    except Exception as error:
        raise SettingsError([f"id: {error}"]) from None


def _quoted(value: str) -> str:
    """A value as one part of a path or a query: it cannot become another."""
    return quote(value, safe="")


PROVIDER = Provider(
    "http",
    Http.claims,
    Http,
    secrets=(),
    more_secrets=("secret", "secret2", "hook_secret"),
    options=OPTIONS,
    fields=FIELDS,
)
