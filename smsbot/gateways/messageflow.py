"""MessageFlow, API v2.1: ``POST /sms``, look-up by ``GET /sms``, inbound and status webhooks."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from smsbot.core.errors import NoAnswer, NotSent, NotUnderstood, UsageError
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.transport import Answer, Transport

from .base import Hook, Lookup, Outbound, Outcome, SendResult, WebhookRequest, retry_after
from .messageflow_wire import BASE_URL, FIELDS, INVENTED, REQUIRED, STATUSES, our_id

_STATUSES = {**STATUSES, **INVENTED}
_DIGITS = re.compile(r"\+?\d[\d ]{2,}\d")
"""What may be a phone number or a code in a provider's words about a text."""
_NUMBER = re.compile(r"-?[0-9]{1,9}")


class MessageFlow:
    """One MessageFlow account. The keys are kept out of every representation and error."""

    can_look_up = True

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
        self._fields = {kind: dict(fields) for kind, fields in FIELDS.items()}
        self.hooks: Mapping[str, Hook] = {"inbound": self._inbound, "status": self._status}

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
        try:
            answer = await self._transport.request(
                "POST", self._url, headers=self._headers, body=orjson.dumps(body), timeout=self._timeout
            )
        except NotSent as error:
            return SendResult(Outcome.UNREACHABLE, detail=error.args[0])
        except NoAnswer as error:
            return SendResult(Outcome.UNKNOWN, detail=error.args[0])
        return read_send(answer)

    async def look_up(self, reference: str) -> Lookup:
        """``GET /sms?externalId=…``, in the plain and the decorated form; an empty list is 404."""
        answer = Lookup(False)
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
        envelope = _envelope(answer.body)
        if answer.status == 404 and isinstance(envelope.get("meta"), dict):
            return Lookup(False)
        data = envelope.get("data")
        if answer.status != 200 or not isinstance(data, list):
            return Lookup(None, detail=f"HTTP {answer.status}")
        for item in data:
            if isinstance(item, dict) and _plain(item.get("externalId")) == reference:
                return Lookup(True, _known(item.get("status")) or Status.ACCEPTED)
        return Lookup(None, detail="the list does not hold what was asked for") if data else Lookup(False)

    # -- webhooks -----------------------------------------------------------------------------------

    def remap(self, kind: str, fields: Mapping[str, str]) -> None:
        """Read a webhook by these names (a dot goes into an object) before the assumed ones."""
        if kind not in FIELDS:
            raise UsageError(f'MessageFlow has no webhook "{kind}"; it has {", ".join(FIELDS)}')
        for field, name in fields.items():
            if field not in FIELDS[kind]:
                raise UsageError(f'"{field}" is not a field of {kind}; fields: {", ".join(FIELDS[kind])}')
            self._fields[kind][field] = (name, *(n for n in FIELDS[kind][field] if n != name))

    def _inbound(self, request: WebhookRequest) -> Sequence[Arrival]:
        arrivals: list[Arrival] = []
        for item in _items(request.body):
            values = self._read("inbound", item)
            text = values["text"].replace("\x00", "")
            raw = _canonical(item)
            arrivals.append(
                Arrival(
                    request.account, values["from"], values["to"], text, values.get("id", ""),
                    values.get("time", ""), raw,
                )
            )  # fmt: skip
        return arrivals

    def _status(self, request: WebhookRequest) -> Sequence[Receipt]:
        receipts: list[Receipt] = []
        for item in _items(request.body):
            values = self._read("status", item)
            raw = values["status"]
            receipts.append(Receipt(request.account, values["id"], _known(raw), raw, outgoing=our_id(values["id"])))
        return receipts

    def _read(self, kind: str, item: Mapping[str, Any]) -> dict[str, str]:
        values: dict[str, str] = {}
        for field, names in self._fields[kind].items():
            for name in names:
                value = _dig(item, name)
                if value is not None:
                    values[field] = value
                    break
        missing = [f for f in REQUIRED[kind] if f not in values]
        if missing:
            there = _DIGITS.sub("•••", ", ".join(sorted(item))[:200])
            raise NotUnderstood(f"no field for {', '.join(missing)} (fields there: {there})")
        return values


def read_send(answer: Answer) -> SendResult:
    """What an answer to ``POST /sms`` with one recipient means."""
    status = answer.status
    envelope = _envelope(answer.body)
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
    if status == 202 or status < 200:
        return SendResult(Outcome.UNKNOWN, detail=f"HTTP {status}, which a send should not give")
    return SendResult(Outcome.REFUSED, code=code or f"HTTP {status}", detail=why or _meaning(status))


def _read_item(envelope: Mapping[str, Any], code: str, why: str) -> SendResult:
    data = envelope.get("data")
    item = next((i for i in data if isinstance(i, dict)), None) if isinstance(data, list) else None
    if item is not None:
        if _known(item.get("status")) is Status.FAILED:
            return SendResult(Outcome.REFUSED, code=code, detail=why or "rejected (status 9)")
        external = item.get("externalId")
        ours = isinstance(external, str) and our_id(external)
        return SendResult(Outcome.ACCEPTED, reference="" if ours or not isinstance(external, str) else external)
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
    return str(first.get("code", ""))[:40], _DIGITS.sub("•••", str(first.get("message") or first.get("title") or ""))[
        :200
    ]


def _known(raw: object) -> Status | None:
    """What a status means, as number or digits; None where it means nothing to us."""
    return _STATUSES.get(int(str(raw))) if _NUMBER.fullmatch(str(raw)) else None


def _plain(external: object) -> str:
    """An `externalId` without MessageFlow's decoration."""
    return str(external).removeprefix("C-").removesuffix("-0001")


def _canonical(item: Mapping[str, Any]) -> bytes:
    """The same bytes for the same object."""
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # deeper or larger than orjson writes
        return json.dumps(item, sort_keys=True).encode()


def _envelope(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _items(body: bytes) -> list[dict[str, Any]]:
    """The objects of a webhook: one, or an array of them."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = _lenient(body)
    items = found if isinstance(found, list) else [found]
    if not items or not all(isinstance(i, dict) for i in items):
        raise NotUnderstood("the body is neither a JSON object nor an array of objects")
    return items


def _lenient(body: bytes) -> Any:
    """JSON that is not quite right: lone surrogates and broken UTF-8 become replacement characters."""
    try:
        return _whole(json.loads(body.decode("utf-8-sig", "replace")))
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("the body is not JSON") from error


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(v) for v in value]
    if isinstance(value, dict):
        return {_whole(k): _whole(v) for k, v in value.items()}
    return value


def _dig(item: Mapping[str, Any], name: str) -> str | None:
    """The value of a name, or of a dotted path, as text; None if it is not there or no plain value."""
    value: Any = item.get(name)
    if value is None and "." in name:
        value = item
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
