"""The contract of a gateway: it reads its provider's webhooks, sends texts, and may look texts up.

A gateway declares its routes; the web layer mounts them behind each account's secret path. Errors of
sending are data, not exceptions. A `Provider` says what an account is told and how its gateway is made;
third parties add theirs under the entry point group ``smsbot.gateways``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from smsbot.core.errors import NoAnswer, NotSent
from smsbot.core.message import Arrival, Receipt, Unread
from smsbot.core.status import Status
from smsbot.core.structs import struct
from smsbot.transport import Answer, Transport

PLAYED = ".sandbox"
"""Behind the name of an account: the one that the sandbox plays for it."""
_ACCOUNT = re.compile(
    r"unauthori[sz]ed|not authori[sz]ed|authenticat|api[ _-]?key|not (?:white|allow)listed|"
    r"(?:invalid|bad|wrong|unknown|expired) (?:\w+ ){0,2}(?:key|token|credentials?|login|password|username)\b|"
    r"(?:insufficient|no|not enough|out of|low|lack of) (?:\w+ ){0,2}(?:balance|credits?|funds|money)|"
    r"(?:balance|credits?|funds) (?:\w+ ){0,2}(?:low|insufficient|exhausted|exceeded|limit)|payment required|"
    r"(?:account|subaccount) (?:is |has been |was )?"
    r"(?:suspended|closed|blocked|disabled|locked|not active|inactive|not found|expired)|access denied",
    re.IGNORECASE,
)
"""The words of providers when the account, and not the text, is refused."""
_OURS = re.compile(r"([0-9a-f]{22})-\d+")


@struct
class WebhookRequest:
    """A webhook as it came, before anyone believes it."""

    account: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    url: str = ""
    """The address that the provider called, with its query; by PUBLIC_URL, not by what the request says of itself."""


Hook = Callable[[WebhookRequest], Sequence[Arrival | Receipt | Unread]]
"""Reads a webhook; raises `NotUnderstood`, which puts it into quarantine, as it does with a part that is `Unread`."""


@struct
class Outbound:
    """One text to hand to a provider."""

    sender: str
    recipient: str
    text: str
    reference: str
    """Our id of this attempt, at most 25 characters: what the provider is asked to keep."""
    validity: float
    """Seconds for which it is worth delivering."""
    report_to: str = ""
    """Where delivery reports go."""
    flash: bool = False
    """Whether the phone shows it at once and keeps it not (class 0, 3GPP TS 23.038 §4)."""
    media: str = ""
    """The address of a picture that goes with it; only where `Claims.sends_media`."""


class Outcome(StrEnum):
    """The meaning of a provider's answer to a send."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Definitely not sent, and sending the same again would be refused again."""
    THROTTLED = "throttled"
    """Definitely not sent; again after `retry_after`."""
    UNREACHABLE = "unreachable"
    """Definitely not sent: no connection."""
    UNKNOWN = "unknown"
    """Bytes were written, and no usable answer came."""


@struct
class SendResult:
    """The answer to a send."""

    outcome: Outcome
    reference: str = ""
    """The provider's id where it is not ours."""
    code: str = ""
    detail: str = ""
    retry_after: float | None = None
    about: str = ""
    """Of a refusal: ``account`` if no other text would be taken either (the key is wrong, the money is gone), and
    ``person`` if the provider's own list says that they have opted out."""
    balance: float | None = None
    """The money that is left with the provider, in its own unit; None where it does not say."""
    parts: tuple[str, ...] = ()
    """Further ids of the provider, where it has one for each SMS of the text."""


@struct
class Search:
    """An attempt whose end is unknown, to be looked for at its provider."""

    text: Outbound
    started: float
    """When the attempt began, seconds since 1970 UTC."""
    known: frozenset[str] = frozenset()
    """Provider's ids of the number's other texts: none of them is the one that is looked for."""


@struct
class Lookup:
    """The result of a look-up: `found` is None where the provider could not say."""

    found: bool | None
    status: Status | None = None
    detail: str = ""
    reference: str = ""
    """The provider's id where it is not ours."""


class Proof(StrEnum):
    """How a webhook shows that it comes from the provider, beside the secret in its address."""

    ADDRESS = "the secret address alone"
    HEADER = "a fixed header"
    SIGNATURE = "a signature over the request"


class Dedupe(StrEnum):
    """By what a text that is delivered again is known."""

    ID = "the provider's id"
    CONTENT = "its id if it has one, else who, what and when, else the same body within a minute"


@struct
class Claims:
    """The promises of a provider; the conformance suite holds a gateway to each, `smsbot doctor` prints them."""

    proof: Proof
    retries: float
    """Seconds for which it delivers a webhook again that we did not take; 0 where it says nothing."""
    dedupe: Dedupe
    can_look_up: bool = False
    """Whether an attempt without an answer can be looked for."""
    finds_by_id: bool = False
    """Whether it is looked for by our own id, and what was taken is found at once: an absent attempt was none."""
    lists_texts: bool = False
    """Whether texts to our lines that no webhook brought can be listed."""
    lists_reports: bool = False
    """Whether what became of our texts can be listed."""
    obeys: Mapping[str, str] = field(default_factory=dict)
    """Whole texts that the network itself obeys and confirms, in small letters, as ``stop``, ``start`` or ``help``."""
    sends_media: bool = False
    """Whether pictures can go with a text."""
    by_query: bool = False
    """Whether webhooks may come by GET, with their fields in the address."""
    hook_suffix: str = ""
    """The ending that the pasted address should have, as ``#rc=5`` asks Twilio to try more often."""


class Gateway(Protocol):
    """One account at a provider."""

    claims: Claims
    hooks: Mapping[str, Hook]
    """The routes it wants, by the last part of their path: ``inbound``, ``status``."""
    thanks: tuple[bytes, bytes]
    """Content type and body of the answer to a webhook that was taken."""

    def genuine(self, request: WebhookRequest) -> bool:
        """Whether a webhook shows what `Claims.proof` says; asked before anything is read or written."""
        ...

    async def send(self, text: Outbound) -> SendResult:
        """Hand one text over; never raises for what the provider or the network did."""
        ...

    async def look_up(self, search: Search) -> Lookup:
        """Whether the provider has the attempt."""
        ...

    async def catch_up(self, account: str, lines: Sequence[str], since: float) -> Sequence[Arrival | Receipt]:
        """Texts to our lines and reports since a moment (seconds since 1970 UTC); raises `TransportError`."""
        ...

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Read the webhook `kind` by these field names from now on; raises `UsageError` for an unknown field."""
        ...


FieldNames = Mapping[str, Mapping[str, tuple[str, ...]]]
"""For each webhook: our word for a field, and the names that it may have, first match wins."""


@struct
class Credentials:
    """The settings of an account: its secrets and its options."""

    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)


@struct
class Provider:
    """A kind of gateway: what its accounts are told, and how one is made."""

    name: str
    claims: Claims
    make: Callable[[Credentials, Transport], Gateway]
    """Raises `SettingsError` for what cannot work, each problem as ``option: why``."""
    secrets: tuple[str, ...]
    """The secrets that every account has, given by the environment."""
    more_secrets: tuple[str, ...] = ()
    """Secrets that an account may have."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further settings of an account, and what each says."""
    fields: FieldNames = field(default_factory=dict)
    """Webhooks whose fields may be mapped."""


async def handed_over(request: Awaitable[Answer], read: Callable[[Answer], SendResult]) -> SendResult:
    """The result of a request that sends: by `read` from its answer, or by the error if there was none."""
    try:
        answer = await request
    except NotSent as error:
        return SendResult(Outcome.UNREACHABLE, detail=error.args[0])
    except NoAnswer as error:
        return SendResult(Outcome.UNKNOWN, detail=error.args[0])
    return read(answer)


def refused(status: int, code: str, why: str) -> SendResult:
    """The result of a refusal: of this text, or, by its HTTP status, of every text of the account."""
    about = "account" if status in (401, 402, 403) else ""
    return SendResult(Outcome.REFUSED, code=code or f"HTTP {status}", detail=why, about=about)


def blames_account(why: str) -> bool:
    """Whether what a provider says of a refusal is about the account; one may be wrong, several are not."""
    return _ACCOUNT.search(why) is not None


def our_id(reference: str) -> str:
    """Our outgoing id in a reference that we gave; empty if it is not ours."""
    match = _OURS.fullmatch(reference)
    return match[1] if match else ""


def keeps_keys(url: str) -> bool:
    """Whether keys may travel to an address: encrypted, or not beyond this computer."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    return bool(parts.hostname) and (parts.scheme == "https" or local)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds of a ``Retry-After`` header (RFC 9110 §10.2.3, both forms), between 0 and 1 h; None without."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value.lstrip("-").isdigit() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), 3600.0)
