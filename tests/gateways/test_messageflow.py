"""MessageFlow beyond the conformance suite: shapes of webhooks, statuses, ids, field maps, lists."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from smsbot.core.errors import NoAnswer, NotUnderstood, UsageError
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import WebhookRequest, retry_after
from smsbot.gateways.messageflow import MessageFlow, read_send
from smsbot.gateways.messageflow_wire import LISTED, our_id
from smsbot.testing.gateways import REFERENCE
from smsbot.testing.scripted import answers, scripted
from smsbot.transport import Answer, HttpxTransport

KEYS = ("AUTHORIZATION-CANARY", "APPLICATION-CANARY")


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


async def test_statuses_that_no_webhook_brought_are_listed() -> None:
    page: list[dict[str, Any]] = [{"externalId": f"{REFERENCE[:-3]}{n:02d}-1", "status": 21} for n in range(2)]
    pages = iter(([page[0]] * LISTED, page))

    async def script(reader: Any, writer: Any, request: bytes) -> None:
        await answers(200, {"meta": {"status": 200}, "data": next(pages)})(reader, writer, request)

    transport = HttpxTransport()
    async with scripted(script) as p:
        found = await MessageFlow(*KEYS, transport, base_url=p.url).catch_up("main", ["7255"], 1_780_000_000.0)
    await transport.close()
    assert len(found) == LISTED + 2
    assert found[-1] == Receipt(
        "main", page[1]["externalId"], Status.DELIVERED, "21", outgoing=our_id(str(page[1]["externalId"]))
    )
    queries = [parse_qs(r.split(b" ")[1].decode().partition("?")[2]) for r in p.requests]
    assert [q["offset"] for q in queries] == [["0"], [str(LISTED)]]
    assert queries[0]["dateFrom"] == ["2026-05-28T20:26:40Z"]


async def test_a_list_that_is_empty_or_broken() -> None:
    transport = HttpxTransport()
    async with scripted(answers(404, {"meta": {"status": 404}})) as p:
        assert await MessageFlow(*KEYS, transport, base_url=p.url).catch_up("main", [], 0.0) == []
    async with scripted(answers(500, b"")) as p:
        with pytest.raises(NoAnswer):
            await MessageFlow(*KEYS, transport, base_url=p.url).catch_up("main", [], 0.0)
    await transport.close()


@pytest.mark.parametrize(
    ("told", "wanted"), [('"12.50"', 12.5), ("3", 3.0), ('"0.00"', 0.0), ('"-1"', -1.0), ('""', None), ('"much"', None), ("null", None), ("true", None), ('"nan"', None), ("[1]", None)]
)  # fmt: skip
def test_the_balance_that_an_answer_tells(told: str, wanted: float | None) -> None:
    meta = f'"meta": {{"status": 200, "accountBalance": {told}}}'
    body = f'{{{meta}, "data": [{{"externalId": "a-1", "status": 1}}]}}'
    assert read_send(Answer(200, {}, body.encode())).balance == wanted
