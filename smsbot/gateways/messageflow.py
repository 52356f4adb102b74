"""MessageFlow, API v2.1: ``POST /sms``, look-up by ``GET /sms``, inbound and status webhooks."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from smsbot.core.clock import iso
from smsbot.core.errors import NoAnswer, NotSent, NotUnderstood
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
    refused,
    retry_after,
)
from .fields import FieldMap, loads
from .messageflow_wire import BASE_URL, FIELDS, INVENTED, LISTED, REQUIRED, STATUSES, our_id
from .reports import report

CLAIMS = Claims(
    Proof.ADDRESS, retries=0.0, dedupe=Dedupe.CONTENT, can_look_up=True, finds_by_id=True, lists_reports=True
)
_STATUSES = {**STATUSES, **INVENTED}
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_MOST_PAGES = 20


class MessageFlow:
    """One MessageFlow account. The keys are kept out of every representation and error."""

    claims = CLAIMS
    thanks = (b"application/json", b'{"ok":true}')

    def __init__(
        self,
        authorization: str,
        application_key: str,
        transport: Transport,
        *,
        base_url: str = BASE_URL,
        timeout: float = 20.0,
    ) -> None:
        self._headers = {
            "Authorization": authorization,
            "Application-Key": application_key,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._transport = transport
        self._url = base_url.rstrip("/") + "/sms"
        self._timeout = timeout
        self._fields = FieldMap("MessageFlow", FIELDS, REQUIRED)
        self.remap = self._fields.remap
        self.hooks: Mapping[str, Hook] = {"inbound": self._fields.arrivals, "status": self._status}

    def __repr__(self) -> str:
        return f"MessageFlow({self._url})"

    # -- sending ------------------------------------------------------------------------------------

    async def send(self, text: Outbound) -> SendResult:
        """One ``POST /sms`` with one recipient."""
        body: dict[str, Any] = {
            "sender": text.sender,
            "message": text.text,
            "phoneNumbers": [text.recipient],
            "validity": min(max(int(text.validity // 60), 1), 4320),
            "externalId": text.reference,
        }
        if text.report_to:
            body["webhookUrl"] = text.report_to
        if text.flash:
            body["type"] = 1
        request = self._transport.request(
            "POST", self._url, headers=self._headers, body=orjson.dumps(body), timeout=self._timeout
        )
        return await handed_over(request, read_send)

    async def look_up(self, search: Search) -> Lookup:
        """``GET /sms?externalId=…``, in the plain and the decorated form; an empty list is 404."""
        answer, reference = Lookup(False), search.text.reference
        for external in (reference, f"C-{reference}-0001"):
            answer = await self._look_up(reference, external)
            if answer.found is not False:
                break
        return answer

    async def _look_up(self, reference: str, external: str) -> Lookup:
        url = f"{self._url}?{urlencode({'externalId': external})}"
        try:
            answer = await self._transport.request("GET", url, headers=self._headers, timeout=self._timeout)
        except (NotSent, NoAnswer) as error:
            return Lookup(None, detail=error.args[0])
        envelope = loads(answer.body)
        if answer.status == 404 and isinstance(envelope.get("meta"), dict):
            return Lookup(False)
        data = envelope.get("data")
        if answer.status != 200 or not isinstance(data, list):
            return Lookup(None, detail=f"HTTP {answer.status}")
        for item in data:
            if isinstance(item, dict) and _plain(item.get("externalId")) == reference:
                return Lookup(True, _known(item.get("status")) or Status.ACCEPTED)
        return Lookup(None, detail="the list does not hold what was asked for") if data else Lookup(False)

    async def catch_up(self, account: str, lines: Sequence[str], since: float) -> Sequence[Arrival | Receipt]:
        """The reports of ``GET /sms/statuses``; texts to our lines cannot be listed."""
        found: list[Receipt] = []
        for page in range(_MOST_PAGES):
            query = urlencode({"dateFrom": iso(since), "limit": LISTED, "offset": page * LISTED})
            answer = await self._transport.request(
                "GET", f"{self._url}/statuses?{query}", headers=self._headers, timeout=self._timeout
            )
            data = loads(answer.body).get("data")
            if answer.status == 404:  # an empty list
                break
            if answer.status != 200 or not isinstance(data, list):
                raise NoAnswer(f"the list of statuses answered HTTP {answer.status}")
            for item in filter(lambda i: isinstance(i, dict), data):
                with suppress(NotUnderstood):  # a text that somebody sent from the panel has no id of ours
                    found += [self._receipt(account, self._fields.read("status", item), {})]
            if len(data) < LISTED:
                break
        return found

    # -- webhooks -----------------------------------------------------------------------------------

    def genuine(self, request: WebhookRequest) -> bool:
        """Nothing beside the secret address is known to prove it."""
        return True

    def _status(self, request: WebhookRequest) -> Sequence[Receipt | Unread]:
        return self._fields.each("status", request, partial(self._receipt, request.account))

    def _receipt(self, account: str, values: Mapping[str, str], item: Mapping[str, Any]) -> Receipt:
        raw, reference = values["status"], values["id"]
        return report(account, reference, _known(raw), raw, our_id(reference), values=values, item=item)


def _make(credentials: Credentials, transport: Transport) -> MessageFlow:
    keys = credentials.secrets
    url = credentials.options.get("base_url") or BASE_URL
    return MessageFlow(keys["authorization"], keys["application_key"], transport, base_url=url)


PROVIDER = Provider(
    "messageflow",
    CLAIMS,
    _make,
    secrets=("authorization", "application_key"),
    options={"base_url": "another address of the API, as that of MessageFlow Priority"},
    fields=FIELDS,
)


def read_send(answer: Answer) -> SendResult:
    """Read the answer to ``POST /sms`` with one recipient."""
    status = answer.status
    envelope = loads(answer.body)
    code, why = _first_error(envelope)
    if status in (425, 429):
        wait = retry_after(answer.headers, time.time())
        return SendResult(Outcome.THROTTLED, code=code, detail=why or f"HTTP {status}", retry_after=wait)
    meta = envelope.get("meta")
    inner = meta.get("status") if isinstance(meta, dict) else None
    if status >= 500 or status == 408 or (isinstance(inner, int) and inner >= 500):
        return SendResult(Outcome.UNKNOWN, code=code, detail=why or f"HTTP {status}")
    if status in (200, 207):
        return _read_item(envelope, code, why)
    if status < 300:
        return SendResult(Outcome.UNKNOWN, detail=f"HTTP {status}, which a send should not give")
    return refused(status, code, why or _meaning(status))


def _read_item(envelope: Mapping[str, Any], code: str, why: str) -> SendResult:
    data = envelope.get("data")
    item = next((i for i in data if isinstance(i, dict)), None) if isinstance(data, list) else None
    if item is not None:
        if _known(item.get("status")) is Status.FAILED:
            return SendResult(Outcome.REFUSED, code=code, detail=why or "rejected (status 9)")
        external = item.get("externalId")
        ours = isinstance(external, str) and our_id(external)
        reference = "" if ours or not isinstance(external, str) else external
        return SendResult(Outcome.ACCEPTED, reference=reference, balance=_balance(envelope))
    errors = envelope.get("errors")
    if isinstance(errors, list) and errors:
        return SendResult(Outcome.REFUSED, code=code, detail=why)
    return SendResult(Outcome.UNKNOWN, detail="the answer says 200 but does not name our text")


def _meaning(status: int) -> str:
    if status in (401, 403):
        return "the provider refused our keys"
    if 300 <= status < 400:
        return f"HTTP {status}: a redirect, which is not followed; check base_url"
    return f"HTTP {status}"


def _first_error(envelope: Mapping[str, Any]) -> tuple[str, str]:
    errors = envelope.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    why = masked(str(first.get("message") or first.get("title") or ""))
    return str(first.get("code", ""))[:40], why[:200]


def _known(raw: object) -> Status | None:
    """Our status for one of theirs, as number or digits; None where it means nothing to us."""
    return _STATUSES.get(int(str(raw))) if _NUMBER.fullmatch(str(raw)) else None


def _plain(external: object) -> str:
    """An `externalId` without MessageFlow's decoration."""
    return str(external).removeprefix("C-").removesuffix("-0001")


def _balance(envelope: Mapping[str, Any]) -> float | None:
    """The balance of the account, which the answer to a send tells as text; its unit is not documented."""
    meta = envelope.get("meta")
    told = meta.get("accountBalance") if isinstance(meta, dict) else None
    with suppress(TypeError, ValueError):
        found = float(told) if isinstance(told, str | int | float) and not isinstance(told, bool) else math.nan
        return found if math.isfinite(found) else None
    return None
