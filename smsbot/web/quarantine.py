"""Webhooks that were not understood: what they hold, and a form that says what its fields mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smsbot.core.errors import NotUnderstood
from smsbot.gateways.base import FieldNames, WebhookRequest
from smsbot.gateways.fields import items, masked
from smsbot.stores.base import Row

_LONGEST = 200
MEANINGS = {
    "from": "the person's number",
    "to": "our line",
    "text": "what they wrote",
    "id": "the provider's id",
    "time": "when it was sent",
    "status": "what became of the text",
    "reference": "the id that we gave",
}


def shown(row: Row, headers: Mapping[str, str], fields: FieldNames) -> dict[str, Any]:
    """A webhook for the page: its fields with their values, numbers masked, and what they might be."""
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
        "values": {name: masked(value)[:_LONGEST] for name, value in found.items()},
        "raw": "" if found else masked(row["body"].decode("utf-8", "replace"))[: 5 * _LONGEST],
        "wanted": {ours: _guess(theirs, found) for ours, theirs in names.items()} if found else {},
    }


def _paths(item: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value of an object, by its dotted path."""
    for name, value in item.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{path}.")
        elif isinstance(value, list):
            yield from _paths({str(n): v for n, v in enumerate(value[:9])}, f"{path}.")
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield path, str(value)


def _guess(theirs: tuple[str, ...], found: Mapping[str, str]) -> str:
    """The field that has one of the names we know, or ends with one."""
    known = [n.lower() for n in theirs]
    exact = next((f for f in found if f.lower() in known), "")
    return exact or next((f for f in found if f.lower().rpartition(".")[2] in known), "")
