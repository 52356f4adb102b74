"""One suite for every gateway: a table of answer → outcome, through real sockets, with each transport."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from smsbot.core.errors import NoAnswer, NotSent, NotUnderstood, UsageError
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import Outbound, Outcome, WebhookRequest, retry_after
from smsbot.gateways.messageflow import MessageFlow
from smsbot.gateways.messageflow_wire import our_id
from smsbot.transport import AiohttpTransport, HttpxTransport, Transport

from ..conftest import leave_out
from ..provider import Script, answers, provider, says

REFERENCE = "0123456789abcdef012345-1"
TEXT = Outbound("+48732000111", "+48600100200", "Zażółć", REFERENCE, 3600.0, "https://x.test/hooks/main/s/status")
KEYS = ("AUTHORIZATION-CANARY", "APPLICATION-CANARY")


def transports() -> list[Any]:
    return [pytest.param("httpx"), pytest.param("aiohttp", marks=pytest.mark.needs("speed"))]


@pytest.fixture(params=transports())
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    made: Transport = HttpxTransport()
    if request.param == "aiohttp":
        try:
            import aiohttp
        except ImportError:
            leave_out("speed", "aiohttp")
        made = AiohttpTransport(aiohttp)
    yield made
    await made.close()


def item(**more: object) -> dict[str, object]:
    return {"sender": "x", "phoneNumber": "+48600100200", "externalId": REFERENCE, "status": 1, **more}


def envelope(status: int, data: object = None, errors: object = None) -> dict[str, object]:
    found: dict[str, object] = {"meta": {"numberOfErrors": 0, "numberOfData": 1, "status": status, "uniqId": "u"}}
    return found | ({"data": data} if data is not None else {}) | ({"errors": errors} if errors is not None else {})


ERROR = [{"title": "Bad", "message": "sender not approved", "code": "E-4-004"}]

TABLE: list[tuple[str, Script, Outcome, str, str]] = [
    ("success", answers(200, envelope(200, [item()])), Outcome.ACCEPTED, "", ""),
    ("decorated id", answers(200, envelope(200, [item(externalId=f"C-{REFERENCE}-0001")])), Outcome.ACCEPTED, "", ""),
    ("own id", answers(200, envelope(200, [item(externalId="mf-77")])), Outcome.ACCEPTED, "mf-77", ""),
    ("rejected in a 200", answers(200, envelope(200, [item(status=9)])), Outcome.REFUSED, "", "status 9"),
    ("207 with ours", answers(207, envelope(207, [item()], ERROR)), Outcome.ACCEPTED, "", ""),
    ("207 without ours", answers(207, envelope(207, [], ERROR)), Outcome.REFUSED, "", "sender not approved"),
    ("400", answers(400, envelope(400, errors=ERROR)), Outcome.REFUSED, "", "sender not approved"),
    ("401", answers(401, envelope(401, errors=[])), Outcome.REFUSED, "", "refused our keys"),
    ("422", answers(422, envelope(422, errors=ERROR)), Outcome.REFUSED, "", "sender not approved"),
    ("429", answers(429, b"slow down", "Retry-After: 7\r\n"), Outcome.THROTTLED, "", "429"),
    ("301", answers(301, b"", "Location: http://127.0.0.1:1/\r\n"), Outcome.REFUSED, "", "redirect"),
    ("408", answers(408, b""), Outcome.UNKNOWN, "", "408"),
    ("425", answers(425, b""), Outcome.THROTTLED, "", "425"),
    ("500 in a 200", answers(200, envelope(500, errors=ERROR)), Outcome.UNKNOWN, "", "sender not approved"),
    ("9 as text", answers(200, envelope(200, [item(status="9")])), Outcome.REFUSED, "", "status 9"),
    (
        "echo of a number",
        answers(400, envelope(400, errors=[{"message": "no +48 600 100 200"}])),
        Outcome.REFUSED,
        "",
        "no •••",
    ),
    ("500", answers(500, envelope(500, errors=ERROR)), Outcome.UNKNOWN, "", "sender not approved"),
    ("503 html", answers(503, b"<html>"), Outcome.UNKNOWN, "", "503"),
    ("202", answers(202, b"", "Retry-After: 3\r\n"), Outcome.UNKNOWN, "", "202"),
    ("malformed json", answers(200, b'{"meta": {'), Outcome.UNKNOWN, "", "does not name"),
    ("wrong shape", answers(200, [1, 2]), Outcome.UNKNOWN, "", "does not name"),
    ("wrong types", answers(200, {"meta": 3, "data": {"a": 1}, "errors": "no"}), Outcome.UNKNOWN, "", "does not name"),
    ("empty 200", answers(200, b""), Outcome.UNKNOWN, "", "does not name"),
    ("huge", answers(200, b" " * 300_000), Outcome.UNKNOWN, "", "longer than"),
    ("reset after the body", says(b"", then="reset"), Outcome.UNKNOWN, "", ""),
    ("closed after the body", says(b""), Outcome.UNKNOWN, "", ""),
    ("half an answer", says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), Outcome.UNKNOWN, "", ""),
    ("nonsense", says(b"\x00\x01\x02 hello\r\n\r\n"), Outcome.UNKNOWN, "", ""),
    ("hangs", says(b"HTTP/1.1 200 OK\r\n", then="hang"), Outcome.UNKNOWN, "", ""),
]


@pytest.mark.parametrize(("name", "script", "outcome", "reference", "detail"), TABLE, ids=[t[0] for t in TABLE])
async def test_answers(
    transport: Transport, name: str, script: Script, outcome: Outcome, reference: str, detail: str
) -> None:
    async with provider(script) as p:
        gateway = MessageFlow(*KEYS, transport, base_url=p.url + "/v2.1", timeout=0.5)
        result = await gateway.send(TEXT)
    assert (result.outcome, result.reference) == (outcome, reference)
    assert detail in result.detail
    assert "CANARY" not in repr(result) + repr(gateway)
    assert len(p.requests) == 1, "a send is never repeated by the transport"
    if name == "429":
        assert result.retry_after == 7


async def test_a_refused_connection_was_definitely_not_sent(transport: Transport) -> None:
    async with provider(says(b"")) as p:
        pass
    gateway = MessageFlow(*KEYS, transport, base_url=p.url, timeout=1)
    assert (await gateway.send(TEXT)).outcome is Outcome.UNREACHABLE


async def test_a_slow_drip_is_cut_at_the_deadline(transport: Transport) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with provider(drip) as p:
        began = time.perf_counter()
        with pytest.raises(NoAnswer):
            await transport.request("POST", p.url, headers={}, body=b"{}", timeout=0.4)
        assert time.perf_counter() - began < 2
    with pytest.raises(NotSent):
        await transport.request("GET", p.url, headers={}, timeout=0.4)


async def test_the_request_is_what_the_vendor_documents(transport: Transport) -> None:
    async with provider(answers(200, envelope(200, [item()]))) as p:
        await MessageFlow(*KEYS, transport, base_url=p.url + "/v2.1").send(TEXT)
    head, _, body = p.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    assert lines[0] == "POST /v2.1/sms HTTP/1.1"
    assert (headers["authorization"], headers["application-key"]) == KEYS
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "sender": "+48732000111",
        "message": "Zażółć",
        "phoneNumbers": ["+48600100200"],
        "validity": 60,
        "externalId": REFERENCE,
        "webhookUrl": "https://x.test/hooks/main/s/status",
    }


@pytest.mark.parametrize(
    ("script", "found", "status"),
    [
        (answers(200, envelope(200, [item(status=21)])), True, Status.DELIVERED),
        (answers(200, envelope(200, [item(status=77)])), True, Status.ACCEPTED),
        (answers(200, envelope(200, [item(externalId="other")])), None, None),
        (answers(200, envelope(200, [item(externalId=f"C-{REFERENCE}-0001")])), True, Status.ACCEPTED),
        (answers(200, envelope(200, [item(status={"a": 1})])), True, Status.ACCEPTED),
        (answers(200, envelope(200, [])), False, None),
        (answers(404, b"<html>not here"), None, None),
        (answers(404, envelope(404, errors=ERROR)), False, None),
        (answers(401, envelope(401, errors=ERROR)), None, None),
        (answers(500, b""), None, None),
        (answers(200, b"garbage"), None, None),
        (says(b"", then="reset"), None, None),
    ],
)
async def test_look_ups(transport: Transport, script: Script, found: bool | None, status: Status | None) -> None:
    async with provider(script) as p:
        result = await MessageFlow(*KEYS, transport, base_url=p.url, timeout=0.5).look_up(REFERENCE)
    assert (result.found, result.status) == (found, status)


def hook(kind: str, body: object, gateway: MessageFlow | None = None) -> Any:
    gateway = gateway or MessageFlow(*KEYS, HttpxTransport())
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway.hooks[kind](WebhookRequest("main", content))


@pytest.mark.parametrize(
    "body",
    [
        {"from": "600", "to": "7255", "message": "hi"},
        {"phoneNumber": "600", "recipient": "7255", "text": "hi", "extra": [1]},
        {"sender": 600, "number": 7255, "message": "hi"},
        [{"from": "600", "to": "7255", "message": "hi"}],
    ],
)
def test_inbound_shapes(body: object) -> None:
    (arrival,) = hook("inbound", body)
    assert isinstance(arrival, Arrival)
    assert (arrival.sender, arrival.recipient, arrival.text) == ("600", "7255", "hi")


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"[]", b"[1]", b"null", b'"x"', b"{}", {"from": "1", "to": "2"}, {"from": {}, "to": "2", "message": "x"},
     b"[" * 100_000, b'{"from":' * 10_000],
)  # fmt: skip
def test_bodies_that_are_not_understood(body: object) -> None:
    with pytest.raises(NotUnderstood):
        hook("inbound", body)
    with pytest.raises(NotUnderstood):
        hook("status", body)


def test_hostile_texts_are_accepted_and_made_whole() -> None:
    body = b'{"from":"600","to":"7255","message":"a\\u0000b\\ud83d c \xff"}'
    (arrival,) = hook("inbound", body)
    arrival.text.encode()
    assert "\x00" not in arrival.text
    assert arrival.text.startswith("ab")


@pytest.mark.parametrize(
    ("raw", "status"),
    [(1, Status.ACCEPTED), (2, Status.SENT), (9, Status.FAILED), (21, Status.DELIVERED), ("21", Status.DELIVERED),
     (5, None), ("DELIVRD", None), ("9" * 5000, None), ("²", None)],
)  # fmt: skip
def test_statuses(raw: object, status: Status | None) -> None:
    (receipt,) = hook("status", {"externalId": f"C-{REFERENCE}-0001", "status": raw})
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.raw, receipt.outgoing) == (status, str(raw), REFERENCE[:22])


@pytest.mark.parametrize(
    ("external", "ours"),
    [(REFERENCE, REFERENCE[:22]), (f"C-{REFERENCE}", REFERENCE[:22]), (f"C-{REFERENCE}-0001", REFERENCE[:22]),
     ("C-extid_3-0001", ""), ("", "")],
)  # fmt: skip
def test_our_id(external: str, ours: str) -> None:
    assert our_id(external) == ours


def test_a_field_map_is_believed_first() -> None:
    gateway = MessageFlow(*KEYS, HttpxTransport())
    gateway.remap("inbound", {"from": "who.msisdn", "text": "body", "to": "short"})
    (arrival,) = hook("inbound", {"who": {"msisdn": "600"}, "body": "hi", "short": "7255", "text": "no"}, gateway)
    assert (arrival.sender, arrival.text) == ("600", "hi")
    with pytest.raises(UsageError):
        gateway.remap("inbound", {"colour": "x"})
    with pytest.raises(UsageError):
        gateway.remap("nothing", {"from": "x"})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("-5", 0.0), ("1000000000", 3600.0), ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), ("soon", None), ("", None),
     ("Thu, 99 Jan", None)],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, 10.0) == seconds
