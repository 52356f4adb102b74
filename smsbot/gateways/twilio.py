"""Twilio, Messages API 2010-04-01: sends, signed webhooks (form-encoded), and lists of messages.

What Twilio cannot do shapes this file: it keeps no id of ours, so reports carry our reference in the
address they are sent to, and a send without an answer is looked for by number, text and time. It answers
STOP and START by itself, and delivers a webhook again only if the connection failed, which is why the
addresses end with ``#rc=5&rp=all`` and what was missed is listed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from smsbot.core.clock import iso
from smsbot.core.errors import NoAnswer, NotSent, NotUnderstood, UsageError
from smsbot.core.message import Arrival, Media, Receipt
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
from .fields import form, loads
from .redaction import redact

BASE_URL = "https://api.twilio.com"
_OBEYS = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), "stop"),
    **dict.fromkeys(("start", "yes", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}
"""The words that Twilio obeys by itself, in every country (Twilio, Support for opt-out keywords)."""
CLAIMS = Claims(
    Proof.SIGNATURE,
    retries=15.0,
    dedupe=Dedupe.ID,
    can_look_up=True,
    lists_texts=True,
    lists_reports=True,
    obeys=_OBEYS,
    sends_media=True,
    hook_suffix="#rc=5&rp=all",
)
STATUSES: Mapping[str, Status] = {
    "accepted": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "queued": Status.ACCEPTED,
    "sending": Status.SENT,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}
_REFUSALS = {
    "21610": "person",
    "20003": "account",  # the keys are wrong
    "20005": "account",  # the account is not active
    "20006": "account",  # no access to it
    "30002": "account",  # it is suspended
}
"""Error codes that say more than that this text was refused (Twilio, Error and Warning Dictionary)."""
_WORDS = {"STOP": "stop", "START": "start", "HELP": "help"}
"""``OptOutType``: what Advanced Opt-Out has made of a text, in whatever words it was told."""
_OUR_ID = "smsbot"
"""The name of our reference in the address of reports."""
_LISTED = 100
"""Messages a page, each about a kilobyte, so that a page stays below what an answer may have."""
_MOST_PAGES = 200
_MOST_PICTURES = 10
_SKEW = 30.0
"""Seconds by which Twilio's clock and ours may differ."""


class Twilio:
    """One Twilio account. Each of `auth_tokens` may sign webhooks (as one before a rotation may); the first sends."""

    claims = CLAIMS
    thanks = (b"text/xml", b"<Response/>")

    def __init__(
        self,
        account_sid: str,
        auth_tokens: Sequence[str],
        transport: Transport,
        *,
        messaging_service: str = "",
        base_url: str = BASE_URL,
        timeout: float = 20.0,
    ) -> None:
        self._tokens = tuple(t.encode() for t in auth_tokens)
        self._service = messaging_service
        basic = base64.b64encode(f"{account_sid}:{auth_tokens[0]}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        self._transport = transport
        self._base = base_url.rstrip("/")
        self._url = f"{self._base}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._timeout = timeout
        self.hooks: Mapping[str, Hook] = {"inbound": self._inbound, "status": self._status}

    def __repr__(self) -> str:
        return f"Twilio({self._base})"

    # -- sending ------------------------------------------------------------------------------------

    async def send(self, text: Outbound) -> SendResult:
        """One ``POST Messages.json``; its validity is between 1 and 36,000 seconds."""
        fields = {
            "To": text.recipient,
            "Body": text.text,
            "ValidityPeriod": str(min(max(int(text.validity), 1), 36_000)),
        }
        fields["From"] = text.sender
        if self._service:
            fields["MessagingServiceSid"] = self._service
        if text.media:
            fields["MediaUrl"] = text.media
        if text.report_to:
            fields["StatusCallback"] = f"{text.report_to}?{urlencode({_OUR_ID: text.reference})}"
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        request = self._transport.request(
            "POST", self._url, headers=headers, body=urlencode(fields).encode(), timeout=self._timeout
        )
        return await handed_over(request, read_send)

    async def look_up(self, search: Search) -> Lookup:
        """The text in the list of what was sent to this number since the attempt began, by its words."""
        text = search.text
        query = {"To": text.recipient, "From": text.sender, "DateSent>": iso(search.started - _SKEW)}
        try:
            async for item in self._listed(query):
                sid = str(item.get("sid", ""))
                if item.get("body") != text.text or sid in search.known or _when(item) < search.started - _SKEW:
                    continue
                return Lookup(True, STATUSES.get(str(item.get("status"))) or Status.ACCEPTED, reference=sid)
        except (NotSent, NoAnswer) as error:
            return Lookup(None, detail=error.args[0])
        return Lookup(False)

    async def catch_up(self, account: str, lines: Sequence[str], since: float) -> Sequence[Arrival | Receipt]:
        """Texts to our lines, and how those we sent stand."""
        listed: list[tuple[float, Mapping[str, Any]]] = []
        for line in lines:
            for way in ("To", "From"):
                async for item in self._listed({way: line, "DateSent>": iso(since)}):
                    if _when(item) >= since:
                        listed.append((_when(item), item))
        listed.reverse()  # Twilio lists the newest first, in whole seconds; answers must not change places
        listed.sort(key=lambda entry: entry[0])
        return [found for _, item in listed for found in _listed_item(account, item)]

    async def _listed(self, query: Mapping[str, str]) -> Any:
        url = f"{self._url}?{urlencode({**query, 'PageSize': _LISTED})}"
        for _ in range(_MOST_PAGES):
            answer = await self._transport.request("GET", url, headers=self._headers, timeout=self._timeout)
            page = loads(answer.body)
            messages = page.get("messages")
            if answer.status != 200 or not isinstance(messages, list):
                raise NoAnswer(f"the list of messages answered HTTP {answer.status}")
            for item in messages:
                if isinstance(item, dict):
                    yield item
            following = page.get("next_page_uri")
            if not isinstance(following, str) or not following.startswith("/"):
                return
            url = self._base + following

    # -- webhooks -----------------------------------------------------------------------------------

    def genuine(self, request: WebhookRequest) -> bool:
        """Whether ``X-Twilio-Signature`` is right for the public address and the raw body."""
        given = request.headers.get("x-twilio-signature", "").encode("latin-1", "replace")
        algorithm = _algorithm(request.headers.get("x-twilio-webhooks-signature-settings", ""))
        return algorithm is not None and any(
            hmac.compare_digest(given, sign(token, url, pairs, algorithm)) and whole
            for url, pairs, whole in _signed(request)
            for token in self._tokens
        )

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Twilio's fields are documented, so there is nothing to map."""
        raise UsageError("the fields of Twilio's webhooks are known; there is nothing to map")

    def _inbound(self, request: WebhookRequest) -> Sequence[Arrival]:
        item = form(request.body)
        found = _arrival(request.account, item, ("From", "To", "Body", "MessageSid"), request.body)
        return [replace(found, word=_WORDS.get(str(item.get("OptOutType")).strip().upper(), ""), signed=_told(request))]

    def _status(self, request: WebhookRequest) -> Sequence[Receipt]:
        item = form(request.body)
        sid, raw = item.get("MessageSid") or item.get("SmsSid"), item.get("MessageStatus") or item.get("SmsStatus")
        if not sid or not raw:
            raise NotUnderstood("no MessageSid or no MessageStatus")
        ours = parse_qs(urlsplit(request.url).query).get(_OUR_ID, [""])[0]
        found = _receipt(request.account, str(sid), str(raw), ours, str(item.get("ErrorCode", "")))
        kept = redact(request.body, {"content-type": "application/x-www-form-urlencoded"})
        return [replace(found, code=str(item.get("ErrorCode", "")), body=str(kept["body"])[:2000])]


def sign(token: bytes, url: str, pairs: Iterable[tuple[str, str]], algorithm: str = "sha1") -> bytes:
    """Twilio's signature: base64 of the HMAC over the address and each distinct field, sorted, nothing between."""
    told = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.digest(token, told.encode("utf-8", "surrogatepass"), algorithm))


def _told(request: WebhookRequest) -> bytes:
    """The body as the signature covers it: names and values with nothing between, so they can be cut elsewhere."""
    with suppress(ValueError):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=200)
        return "".join(name + value for name, value in sorted(set(pairs))).encode("utf-8", "surrogatepass")
    return b""


def _algorithm(settings: str) -> str | None:
    """The hash that ``X-Twilio-Webhooks-Signature-Settings`` names, SHA-1 without it; None for one we do not know."""
    named = (part.partition("=") for part in settings.split(","))
    found = next((v.strip() for name, _, v in named if name.strip() == "algorithm" and v.strip()), "HMAC_SHA1")
    return {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(found.upper())


def _signed(request: WebhookRequest) -> Iterator[tuple[str, list[tuple[str, str]], bool]]:
    """The addresses, with and without a port, and fields that may be signed; whether the body is the one that was."""
    pairs: list[tuple[str, str]] = []
    try:
        named = parse_qs(urlsplit(request.url).query).get("bodySHA256", [])
        if not named:
            pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=200)
    except ValueError:  # not UTF-8, or more fields than any webhook has
        return
    whole = not named or hmac.compare_digest(named[0].encode(), hashlib.sha256(request.body).hexdigest().encode())
    for url in _with_and_without_port(request.url):
        yield url, pairs, whole


def _with_and_without_port(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = re.sub(r":\d*$", "", parts.netloc)  # as it is spelled: what was signed is compared letter by letter
    yield parts._replace(netloc=f"{host}:{port}").geturl()
    yield parts._replace(netloc=host).geturl()


def read_send(answer: Answer) -> SendResult:
    """Read the answer to ``POST Messages.json``."""
    status, item = answer.status, loads(answer.body)
    code = str(item.get("code") or item.get("error_code") or "")[:40]
    why = masked(str(item.get("message") or item.get("error_message") or ""))[:200] or f"HTTP {status}"
    if status == 429:
        return SendResult(
            Outcome.THROTTLED, code=code, detail=why, retry_after=retry_after(answer.headers, time.time())
        )
    if status >= 500 or status == 408 or status < 200:
        return SendResult(Outcome.UNKNOWN, code=code, detail=why)
    if status >= 300:
        found = refused(status, code, why)
        return replace(found, about=_REFUSALS.get(code, found.about))
    sid = item.get("sid")
    if not isinstance(sid, str) or not sid:
        return SendResult(Outcome.UNKNOWN, detail=f"HTTP {status}, which does not name our text")
    if STATUSES.get(str(item.get("status"))) is Status.FAILED:
        return SendResult(Outcome.REFUSED, sid, code, why, about=_REFUSALS.get(code, ""))
    return SendResult(Outcome.ACCEPTED, sid)


def _listed_item(account: str, item: Mapping[str, Any]) -> list[Arrival | Receipt]:
    if str(item.get("direction")) == "inbound":
        with suppress(NotUnderstood):  # one that nobody can read must not hide the others
            return [replace(_arrival(account, item, ("from", "to", "body", "sid"), b""), late=_when(item))]
        return []
    sid, raw = item.get("sid"), item.get("status")
    return [_receipt(account, str(sid), str(raw), "", str(item.get("error_code") or ""))] if sid and raw else []


def _arrival(account: str, item: Mapping[str, Any], names: tuple[str, str, str, str], raw: bytes) -> Arrival:
    sender, recipient, text, sid = (item.get(name) for name in names)
    if not isinstance(sender, str) or not isinstance(recipient, str) or not sender or not recipient:
        raise NotUnderstood("no From or no To")
    words = str(text or "").replace("\x00", "")
    return Arrival(
        account,
        sender,
        recipient=recipient,
        text=words,
        gateway_id=str(sid or ""),
        sent_at="",
        raw=raw,
        media=_pictures(item),
    )


def _pictures(item: Mapping[str, Any]) -> tuple[Media, ...]:
    """The pictures of a webhook: ``NumMedia``, ``MediaUrl0``, ``MediaContentType0`` …"""
    many = str(item.get("NumMedia") or "0")
    count = min(int(many), _MOST_PICTURES) if many.isascii() and many.isdecimal() and len(many) < 4 else 0
    found = ((item.get(f"MediaUrl{n}"), item.get(f"MediaContentType{n}")) for n in range(count))
    return tuple(Media(str(url), str(kind or "")) for url, kind in found if url)


def _receipt(account: str, sid: str, raw: str, ours: str, code: str) -> Receipt:
    detail = f"error {code}" if code and code != "0" else ""
    opted_out = _REFUSALS.get(code) == "person"
    return Receipt(account, sid, STATUSES.get(raw), raw, outgoing=our_id(ours), detail=detail, opted_out=opted_out)


def _when(item: Mapping[str, Any]) -> float:
    """When a listed message was made (RFC 2822); now where that cannot be read."""
    try:
        return parsedate_to_datetime(str(item.get("date_created"))).timestamp()
    except (ValueError, TypeError):
        return time.time()


def _make(credentials: Credentials, transport: Transport) -> Twilio:
    keys, options = credentials.secrets, credentials.options
    tokens = [t for t in (keys["auth_token"], keys.get("signing_key", "")) if t]
    return Twilio(
        keys["account_sid"],
        tokens,
        transport,
        messaging_service=str(options.get("messaging_service") or ""),
        base_url=options.get("base_url") or BASE_URL,
    )


PROVIDER = Provider(
    "twilio",
    CLAIMS,
    _make,
    secrets=("account_sid", "auth_token"),
    more_secrets=("signing_key",),
    options={
        "messaging_service": "the SID of a messaging service that sends",
        "base_url": "another address of the API",
    },
)
