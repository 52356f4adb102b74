"""Webhooks that were not understood: what they hold, and a form that says what its fields mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from smsbot.core import phone
from smsbot.core.clock import moment
from smsbot.core.errors import NotUnderstood
from smsbot.core.phone import masked
from smsbot.desk.words import N_
from smsbot.gateways.base import FieldNames, WebhookRequest
from smsbot.gateways.fields import items, object_in
from smsbot.pipeline.quarantine import FOREIGN
from smsbot.stores.base import Row

_LONGEST = 200
_DEEPEST = 6
_MILLISECONDS = 13
"""Digits of a time in milliseconds."""
_USUAL = {"text": ("text", "message", "body", "content", "msg", "sms")}
"""The names that providers usually give a field, where it cannot be told by its value."""
MEANINGS = {
    "from": N_("the person's number"),
    "to": N_("our line"),
    "text": N_("what they wrote"),
    "id": N_("the provider's id"),
    "time": N_("when it was sent"),
    "status": N_("what became of the text"),
    "reference": N_("the id that we gave"),
}


def shown(row: Row, headers: Mapping[str, str], fields: FieldNames, is_line: Callable[[str], bool]) -> dict[str, Any]:
    """A webhook for the page: its fields with their values, numbers masked, and what they probably are."""
    request = WebhookRequest(row["account"], row["body"], headers)
    try:
        found = dict(_paths(items(request)[0]))
    except NotUnderstood:
        found = {}
    names = fields.get(row["kind"], {})
    return {
        "id": row["id"],
        "account": row["account"],
        "kind": row["kind"],
        "reason": masked(row["reason"]),
        "at": row["at"],
        "values": [
            (name, masked(name)[:_LONGEST], value if is_line(value) else _masked(value))
            for name, value in found.items()
        ],
        "raw": "" if found else masked(row["body"].decode("utf-8", "replace"))[: 5 * _LONGEST],
        "wanted": {
            ours: (MEANINGS.get(ours, ours), _guess(ours, theirs, found, is_line)) for ours, theirs in names.items()
        }
        if found and row["reason"] != FOREIGN
        else {},
        "foreign": row["reason"] == FOREIGN,
    }


def _masked(value: str) -> str:
    number = phone.normalise(value)
    return phone.mask(number) if phone.is_number(number) else masked(value)[:_LONGEST]


def _paths(item: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every plain value of an object, by its dotted path; nothing that lies deeper than anybody puts a field."""
    for name, value in item.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _paths(value, f"{path}.", depth + 1)
        elif isinstance(value, list) and depth < _DEEPEST:
            many = value and all(isinstance(v, Mapping) for v in value)  # each is one of what we look for
            inner = {"*": value[0]} if many else {str(n): v for n, v in enumerate(value[:9])}
            yield from _paths(inner, f"{path}.", depth + 1)
        elif (wrapped := object_in(value)) is not None and depth < _DEEPEST:
            yield from _paths(wrapped, f"{path}.", depth + 1)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield path, str(value)


def _is_person(value: str) -> bool:
    """Whether a value looks like somebody's number; milliseconds since 1970 look like one, too."""
    is_time = len(value) >= _MILLISECONDS and moment(value) is not None
    return not is_time and phone.is_number(phone.normalise(value))


def _guess(ours: str, theirs: tuple[str, ...], found: Mapping[str, str], is_line: Callable[[str], bool]) -> str:
    """The field that has one of the names we know, or ends with one; else the one whose value is a line or a number.

    What somebody wrote cannot be told from other words by its looks, and the longest of them may be a signature.
    """
    known = [n.lower() for n in (*theirs, *_USUAL.get(ours, ()))]
    named = [f for f in found if f.lower() in known] + [f for f in found if f.lower().rpartition(".")[2] in known]
    lines = [f for f, value in found.items() if is_line(value)]
    people = [f for f, value in found.items() if f not in lines and _is_person(value)]
    looks = {"to": lines, "from": people}.get(ours, [])
    return next(iter((*(f for f in named if not looks or f in looks), *looks)), "")
