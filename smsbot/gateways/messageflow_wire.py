"""The assumptions about MessageFlow's API v2.1, in one place, so that a real sample changes one file.

Documented by the vendor (dev.messageflow.com): the host, both key headers, the envelope, HTTP 207 for
partial success, statuses 1, 2, 9 and 21, `webhookUrl` per send, an empty list as 404, and that webhooks
are JSON POSTs. **Assumed**, because the vendor does not publish them: every field name of the two
webhooks, object or array, `validity` in minutes, and the `C-…-0001` form of `externalId`. The tests keep
one fixture for each assumption; `smsbot hooks map` overrides the names without a release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smsbot.core.status import Status

BASE_URL = "https://api.messageflow.com/v2.1"
MAX_PARTS = 9
LISTED = 1000
"""The most that a list gives at once."""

STATUSES: Mapping[int, Status] = {
    1: Status.ACCEPTED,
    2: Status.SENT,
    9: Status.FAILED,
    21: Status.DELIVERED,
}
"""Documented numbers; any other is kept raw and changes nothing."""

INVENTED: Mapping[int, Status] = {-22: Status.UNDELIVERED, -23: Status.EXPIRED}
"""The vendor names Undelivered and Expired without numbers; the sandbox uses these, which no vendor has."""

NUMBERS: Mapping[Status, int] = {status: number for number, status in {**STATUSES, **INVENTED}.items()} | {
    Status.QUEUED: 1, Status.SENDING: 1, Status.UNKNOWN: 1, Status.BLOCKED: 9,
}  # fmt: skip
"""The number that stands for a status on the wire."""

FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "inbound": {
        "from": ("from", "phoneNumber", "sender"),
        "to": ("to", "recipient", "number"),
        "text": ("message", "text"),
        "id": ("id", "externalId"),
        "time": ("time", "createTime", "receivedAt"),
        "media": ("media",),
        "part": ("part",),
        "parts": ("parts",),
        "part_of": ("partOf",),
    },
    "status": {
        "id": ("externalId",),
        "status": ("status",),
        "time": ("statusTime", "time"),
        "code": ("errorCode", "code"),
        "detail": ("error", "errorMessage", "description"),
        "operator": ("operator", "network"),
        "part": ("part",),
    },
}
"""For each webhook: our word for a field, and the names that it may have, first match wins."""

REQUIRED: Mapping[str, tuple[str, ...]] = {"inbound": ("from", "to", "text"), "status": ("id", "status")}

_DECORATED = re.compile(r"(?:C-)?([0-9a-f]{22})-(\d+)(?:-\d{4})?")


def report_item(facts: Mapping[str, Any], external: str, at: float) -> Mapping[str, Any]:
    """A delivery report as the vendor's webhook tells it, of a text that a program calls `external`."""
    return {
        "externalId": external, "phoneNumber": facts["to"], "sender": facts["line"],
        "status": NUMBERS[Status(facts["status"])], "statusTime": int(at), "numberOfParts": facts["parts"],
    }  # fmt: skip


def our_id(external: str) -> str:
    """Our outgoing id in an `externalId`, plain or decorated as ``C-<id>-0001``; empty if it is not ours."""
    match = _DECORATED.fullmatch(external)
    return match[1] if match else ""
