"""What a gateway is: it reads its provider's webhooks, sends texts, and may look texts up.

A gateway declares its routes; the web layer mounts them behind each account's secret path. Errors of
sending are data, not exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol

from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A webhook as it came, before anyone believes it."""

    account: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


Hook = Callable[[WebhookRequest], Sequence[Arrival | Receipt]]
"""Reads a webhook; raises `NotUnderstood`, which puts it into quarantine."""


@dataclass(frozen=True, slots=True)
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


class Outcome(StrEnum):
    """What a provider's answer to a send means."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Definitely not sent, and sending the same again would be refused again."""
    THROTTLED = "throttled"
    """Definitely not sent; again after `retry_after`."""
    UNREACHABLE = "unreachable"
    """Definitely not sent: no connection."""
    UNKNOWN = "unknown"
    """Bytes were written, and no usable answer came."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The answer to a send."""

    outcome: Outcome
    reference: str = ""
    """The provider's id where it is not ours."""
    code: str = ""
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a look-up found: `found` is None where the provider could not say."""

    found: bool | None
    status: Status | None = None
    detail: str = ""


class Gateway(Protocol):
    """One account at a provider."""

    hooks: Mapping[str, Hook]
    """The routes it wants, by the last part of their path: ``inbound``, ``status``."""
    can_look_up: bool

    async def send(self, text: Outbound) -> SendResult:
        """Hand one text over; never raises for what the provider or the network did."""
        ...

    async def look_up(self, reference: str) -> Lookup:
        """Whether the provider has the attempt of this reference."""
        ...

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Read the webhook `kind` by these field names from now on; raises `UsageError` for an unknown field."""
        ...


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
