"""Delivery reports as providers write them: what they may say beside their status; nothing says whom they are of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from smsbot.core.message import Receipt
from smsbot.core.phone import masked
from smsbot.core.status import Status

from .fields import canonical
from .redaction import redact

_DEAREST = 1e6
"""The highest price that is taken for one."""
_JSON = {"content-type": "application/json"}
REPORT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "code": ("error_code", "errorCode", "err-code", "err", "code", "ErrorCode"),
    "detail": ("error", "error_message", "errorMessage", "error-text", "description", "reason", "statusDescription"),
    "operator": ("operator", "network", "network-code", "network_code", "carrier", "mccmnc", "operator_id"),
    "part": ("part", "partNumber", "part_number", "concat-part"),
    "price": ("price", "cost", "message-price", "price.amount", "price.pricePerMessage"),
    "currency": ("currency", "price_unit", "PriceUnit", "price.currency"),
}
"""The fields that a report may have beside its status."""


def report(
    account: str,
    reference: str,
    status: Status | None,
    raw: str,
    outgoing: str,
    values: Mapping[str, str],
    item: Mapping[str, Any],
) -> Receipt:
    """A delivery report with what it says beside its status; nothing in it names a person."""
    return Receipt(
        account,
        reference,
        status,
        raw,
        outgoing=outgoing,
        detail=masked(values.get("detail", ""))[:200],
        code=values.get("code", "")[:40],
        operator=values.get("operator", "")[:40],
        part=values.get("part", "")[:10],
        price=_price(values.get("price", "")),
        currency=values.get("currency", "")[:10],
        body=json.dumps(redact(canonical(item), _JSON)["body"], ensure_ascii=False)[:2000] if item else "",
    )


def _price(written: str) -> float | None:
    """A price as it is told: never negative (some write what is taken from the balance); None if it is none."""
    try:
        price = abs(float(written))
    except ValueError:
        return None
    return price if price < _DEAREST else None
