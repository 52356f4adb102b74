"""Delivery states of an outgoing text, and the rule that they only rise."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where an outgoing text stands, in the words that users read."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    DELIVERED = "delivered"

    @property
    def rank(self) -> int:
        """Its place in the order; a report moves a text only to a higher one."""
        return RANK[self]

    @property
    def final(self) -> bool:
        """Whether nothing but `delivered` can follow."""
        return RANK[self] >= RANK[Status.FAILED]


RANK = {
    Status.QUEUED: 0,
    Status.SENDING: 0,
    Status.UNKNOWN: 1,
    Status.ACCEPTED: 2,
    Status.SENT: 3,
    Status.BLOCKED: 4,
    Status.FAILED: 4,
    Status.UNDELIVERED: 4,
    Status.EXPIRED: 4,
    Status.DELIVERED: 5,
}

MEANING = {
    Status.QUEUED: "waits to be sent",
    Status.SENDING: "is being handed to the provider",
    Status.UNKNOWN: "no usable answer came from the provider; it may have arrived",
    Status.ACCEPTED: "the provider took it",
    Status.SENT: "the provider passed it to the operator",
    Status.BLOCKED: "we did not send it",
    Status.FAILED: "the provider refused it",
    Status.UNDELIVERED: "the operator could not deliver it",
    Status.EXPIRED: "its time ran out before it could be delivered",
    Status.DELIVERED: "the operator confirmed delivery",
}


def risen(old: Status, new: Status) -> Status:
    """The status after a report of `new` on a text that stands at `old`."""
    return new if RANK[new] > RANK[old] else old
