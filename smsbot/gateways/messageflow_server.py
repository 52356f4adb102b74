"""MessageFlow's send API seen from the other side: what its clients ask, and how they are answered (pure).

The sandbox speaks it to our own adapter, and `web.messageflow` to programs that were written for the vendor.

Documented by the vendor: the paths, both headers, the envelope, 207 for partial success, 404 for an empty list, the
filters of lists, the decorated ``C-…-0001`` ids. **Invented**, because nothing is published: every error code, limits,
prices, and the order of an error's words.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from smsbot.core import segments
from smsbot.core.clock import moment
from smsbot.core.structs import struct

from .messageflow_wire import LISTED, MAX_PARTS

INVENTED: Mapping[str, str] = {
    "E-1-001": "both keys are needed: Authorization as it is, without Bearer, and Application-Key",
    "E-1-003": "the keys may not do this",
    "E-1-004": "too many requests",
    "E-2-001": "there is no such address",
    "E-2-002": "the address does not take this method",
    "E-3-001": "nothing was found",
    "E-4-001": "the body is no JSON object",
    "E-4-004": "a field is missing, or of another type",
    "E-4-005": "the text has more parts than are sent",
    "E-4-006": "a number is out of its range",
    "E-4-007": "this is no phone number",
    "E-4-008": "a filter cannot be read",
    "E-4-009": "this sender was not added",
    "E-4-010": "the person has opted out",
    "E-4-011": "a field that is not known",
    "E-5-001": "nothing was kept; send it again",
}
"""Error codes: the vendor's own are not published, only that they look so."""
MOST = 1000
"""Numbers of one request."""
LONGEST = 4320
"""Minutes of validity: three days."""
_FAR = 366 * 86_400
"""Seconds until which a text may be scheduled."""
_MONTH = 31 * 86_400.0
_FIELDS = frozenset({
    "sender", "message", "phoneNumbers", "validity", "scheduleTime", "type", "shortLink", "webhookUrl", "externalId",
})  # fmt: skip
PRICE = 9
"""Hundredths that one part costs in the sandbox."""


class Refusal(Exception):
    """An answer in the error envelope."""

    def __init__(self, status: int, code: str, message: str, parameter: str = "", value: object = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.parameter, self.value = status, code, message, parameter, value

    @property
    def item(self) -> Mapping[str, object]:
        """As it stands under ``errors``."""
        meta = {"parameter": self.parameter, "value": str(self.value)[:100], "source": ""}
        return {"title": "Error", "message": self.message, "code": self.code, "meta": meta}

    @property
    def body(self) -> bytes:
        """The whole answer."""
        return envelope(self.status, [], [self.item])


@struct
class Asked:
    """A send."""

    sender: str
    message: str
    numbers: tuple[str, ...]
    """As they were written."""
    validity: float
    """Seconds."""
    due: float = 0.0
    """When, seconds since 1970; 0 is now."""
    flash: bool = False
    short_link: bool = False
    webhook: str = ""
    external: str = ""


@struct
class Wanted:
    """What a list is of."""

    offset: int
    limit: int
    since: float
    until: float
    senders: tuple[str, ...] = ()
    number: str = ""
    external: str = ""
    status: int | None = None
    order: str = "createTime"
    """``externalId``, ``status`` or ``createTime``."""
    rising: bool = False


def envelope(status: int, data: Sequence[Any], errors: Sequence[Any], **meta: object) -> bytes:
    """The vendor's envelope: meta always, data or errors, or (207) both."""
    head = {
        "numberOfErrors": len(errors), "numberOfData": len(data), "status": status, "uniqId": secrets.token_hex(5),
        **meta,
    }  # fmt: skip
    body: dict[str, object] = {"meta": head}
    if data or not errors:
        body["data"] = data
    if errors:
        body["errors"] = errors
    return orjson.dumps(body)


def read_object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object, whatever content type it claims; raises `Refusal`."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(400, "E-4-001", "the body must be a JSON object")
    return found


def read_send(body: Mapping[str, Any], now: float) -> Asked:
    """A send as it was asked; raises `Refusal`."""
    for name in body:
        if name not in _FIELDS:
            raise Refusal(422, "E-4-011", f"{name} is not a field of a send", name)
    sender, message = _text(body, "sender"), _text(body, "message")
    numbers = body.get("phoneNumbers")
    if not isinstance(numbers, list) or not numbers or not all(isinstance(n, str) for n in numbers):
        raise Refusal(422, "E-4-004", "phoneNumbers must be a list of numbers", "phoneNumbers")
    if len(numbers) > MOST:
        raise Refusal(422, "E-4-006", f"at most {MOST} numbers are taken at once", "phoneNumbers", len(numbers))
    parts = segments.count(message).segments
    if parts > MAX_PARTS:
        raise Refusal(422, "E-4-005", f"message has {parts} parts, at most {MAX_PARTS} are allowed", "message")
    schedule = _number(body, "scheduleTime", 0, int(now) + _FAR)
    return Asked(
        sender, message, tuple(numbers),
        validity=(_number(body, "validity", 0, LONGEST) or LONGEST) * 60.0,
        due=float(schedule) if schedule > now else 0.0,
        flash=_number(body, "type", 0, 1) == 1,
        short_link=_flag(body, "shortLink"),
        webhook=_optional(body, "webhookUrl", 2000),
        external=_optional(body, "externalId", 100),
    )  # fmt: skip


def external_of(asked: Asked, otherwise: str, n: int) -> str:
    """The id of the n-th recipient's text, from 1: the vendor decorates the caller's."""
    return f"C-{asked.external or otherwise}-{n:04d}"


def is_of(external: str, called: str) -> bool:
    """Whether a decorated id is of what a client calls by its own, or by the decorated one."""
    plain = external.removeprefix("C-").rpartition("-")[0]
    return called in (external, plain, f"C-{plain}")


def read_wanted(query: Mapping[str, str], now: float) -> Wanted:
    """What a list is wanted of; raises `Refusal`."""
    senders = tuple(s.strip() for s in query.get("sender", "").split(",") if s.strip())
    if len(senders) > 10:
        raise Refusal(422, "E-4-008", "at most 10 senders are named at once", "sender")
    status, order = query.get("status", ""), query.get("orderBy", "createTime") or "createTime"
    if order not in ("externalId", "status", "createTime"):
        raise Refusal(422, "E-4-008", "orderBy is externalId, status or createTime", "orderBy", order)
    direction = query.get("orderDirection", "DESC").upper() or "DESC"
    if direction not in ("ASC", "DESC"):
        raise Refusal(422, "E-4-008", "orderDirection is ASC or DESC", "orderDirection", direction)
    if status and not (status.removeprefix("-").isdecimal() and len(status) < 10):
        raise Refusal(422, "E-4-008", "status is a number", "status", status)
    number = query.get("phoneNumber", "").replace(" ", "+", 1)  # a plus that nobody has encoded
    return Wanted(
        _counted(query, "offset", 0, 10**9), max(_counted(query, "limit", 100, LISTED), 1),
        _date(query, "dateFrom", now - _MONTH), _date(query, "dateTo", now + _FAR), senders=senders,
        number=number, external=query.get("externalId", ""),
        status=int(status) if status else None, order=order, rising=direction == "ASC",
    )  # fmt: skip


def ordered(items: Sequence[Mapping[str, Any]], wanted: Wanted) -> list[Mapping[str, Any]]:
    """Items as a list wants them: those of its status, in its order, a page of them."""
    found = [i for i in items if wanted.status is None or i["status"] == wanted.status]
    if not wanted.external:
        found.sort(key=lambda i: i[wanted.order], reverse=not wanted.rising)
    return found[wanted.offset : wanted.offset + wanted.limit]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refusal(422, "E-4-004", f"{name} is required", name, value or "")
    return value


def _optional(body: Mapping[str, Any], name: str, longest: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise Refusal(422, "E-4-004", f"{name} is a text of at most {longest} characters", name)
    return value


def _number(body: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = body.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(422, "E-4-004", f"{name} is a number", name, value)
    if not least <= value <= most:
        raise Refusal(422, "E-4-006", f"{name} must be between {least} and {most}", name, value)
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refusal(422, "E-4-004", f"{name} is true or false", name, value)
    return bool(value)


def _counted(query: Mapping[str, str], name: str, usual: int, most: int) -> int:
    value = query.get(name, "")
    if value and (not value.isascii() or not value.isdigit() or len(value) > 9):
        raise Refusal(422, "E-4-008", "limit and offset are numbers", name, value)
    return min(int(value or usual), most)


def _date(query: Mapping[str, str], name: str, usual: float) -> float:
    value = query.get(name, "")
    found = moment(value) if value else usual
    if found is None:
        raise Refusal(422, "E-4-008", f"{name} is written as 2026-11-29T10:00:00Z or 2026-11-29 10:00:00", name, value)
    return found
