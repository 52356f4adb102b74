"""Ready-made settings, each held against exchanges in the shapes of its provider's manual; and a table of what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from smsbot.accounts import build_gateway
from smsbot.core.errors import NotUnderstood
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import Outbound, Outcome, WebhookRequest
from smsbot.settings import AccountSettings
from smsbot.transport import Answer

DOCS = Path(__file__).parents[2] / "docs" / "gateways"
ANN, LINE, OURS = "+48600100200", "+48732000111", "0123456789abcdef012345-1"
KEYS = {"secret": "key-of-the-test", "secret2": "more-of-the-test", "hook_secret": "hook-of-the-test"}
TEXT = Outbound(LINE, ANN, "Zażółć & co", OURS, 3600.0, "https://bots.test/hooks/x/y/status")
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}


class Wire:
    """A provider that gives one answer, and keeps what it was asked."""

    def __init__(self, status: int = 200, body: str = "{}") -> None:
        self.answer = Answer(status, {}, body.encode())
        self.asked: tuple[str, str, Mapping[str, str], bytes] = ("", "", {}, b"")

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        self.asked = (method, url, headers, body)
        return self.answer

    async def close(self) -> None:
        pass


def settings_of(name: str) -> dict[str, Any]:
    blocks = re.findall(r"```toml\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.S)
    found: dict[str, Any] = tomllib.loads(blocks[0])["accounts"][name]
    return found


def ready(name: str, wire: Wire) -> Any:
    written = json.dumps(told := settings_of(name))
    used = {k: v for k, v in KEYS.items() if f"{{{k}}}" in written or (k == "hook_secret" and "hook_header" in told)}
    return build_gateway(name, AccountSettings.model_validate({**told, **used}), wire)


def plain(**options: Any) -> Any:
    base = {"gateway": "http", "url": "https://x.test/send", "body": {"to": "{to}", "text": "{text}"}}
    return lambda wire: build_gateway("x", AccountSettings.model_validate({**base, **options}), wire)


A, R, L, U = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.THROTTLED, Outcome.UNKNOWN
# name, HTTP status, body of the answer → outcome, ids, whether the account is refused
ANSWERS: list[tuple[Any, int, str, Outcome, tuple[str, ...], bool]] = [
    ("46elks", 200, '{"status":"created","id":"s70df","parts":1,"cost":3500}', A, ("s70df",), False),
    ("46elks", 401, "Authentication failed", R, (), True),
    ("46elks", 403, '"Not enough credits"', R, (), True),
    ("46elks", 400, "Missing key to", R, (), False),
    ("kannel", 202, "0: Accepted for delivery", A, (), False),
    ("kannel", 202, "3: Queued for later delivery", A, (), False),
    ("kannel", 200, "4: Authorization failed for sendsms", R, (), False),
    ("kannel", 403, "Authorization failed for sendsms", R, (), True),
    ("kannel", 503, "Temporal failure, try again later.", L, (), False),
    ("jasmin", 200, 'Success "07033084-5cfd"', A, ("07033084-5cfd",), False),
    ("jasmin", 403, 'Error "Authentication failure for username:foo"', R, (), True),
    ("jasmin", 200, 'Error "No route found"', R, (), False),
    ("jasmin", 412, 'Error "No route found"', R, (), False),
    ("textbee", 201, '{"data":{"success":true,"message":"queued","smsBatchId":"66b1"}}', A, ("66b1",), False),
    ("textbee", 200, '{"data":{"success":false,"message":"device is disabled"}}', R, (), False),
    ("didww", 201, '{"data":{"id":"fe1d","type":"outbound_messages","attributes":{"status":"Success"}}}', A, ("fe1d",), False),
    ("didww", 400, '{"errors":[{"title":"Invalid source number"}]}', R, (), False),
    ("ringcentral", 200, '{"id":11853,"type":"SMS","messageStatus":"Queued"}', A, ("11853",), False),
    ("ringcentral", 400, '{"errorCode":"MSG-304","message":"Phone number does not belong to you"}', R, (), False),
    ("ringcentral", 429, '{"errorCode":"CMN-301","message":"Request rate exceeded"}', L, (), False),
    ("rapidpro", 200, "OK", A, (), False),
    ("rapidpro", 200, '{"error":"unknown channel"}', R, (), False),
    ("vonage", 200, '{"message-count":"1","messages":[{"status":"0","message-id":"0A1"}]}', A, ("0A1",), False),
    ("vonage", 200, '{"messages":[{"status":"0","message-id":"1"},{"status":"0","message-id":"2"}]}', A, ("1", "2"), False),
    ("vonage", 200, '{"messages":[{"status":"6","error-text":"unroutable"}]}', R, (), False),
    ("vonage", 200, '{"messages":[{"status":"1","error-text":"Throughput exceeded"}]}', L, (), False),
    ("vonage", 200, '{"messages":[{"status":"4","error-text":"Bad Credentials"}]}', R, (), True),
    ("vonage", 200, '{"messages":[{"status":"9","error-text":"Quota exceeded"}]}', R, (), True),
    ("telnyx", 200, '{"data":{"id":"4031","record_type":"message","to":[{"status":"queued"}]}}', A, ("4031",), False),
    ("telnyx", 422, '{"errors":[{"code":"40310","title":"Invalid to address"}]}', R, (), False),
    ("africastalking", 201, '{"SMSMessageData":{"Recipients":[{"statusCode":101,"status":"Success","messageId":"ATX1"}]}}', A, ("ATX1",), False),
    ("africastalking", 201, '{"SMSMessageData":{"Recipients":[{"statusCode":403,"status":"InvalidPhoneNumber"}]}}', R, (), False),
    ("africastalking", 201, '{"SMSMessageData":{"Recipients":[{"status":"InsufficientBalance"}]}}', R, (), True),
    # any other gateway: the usual shapes of a 200 that means no
    (plain(), 200, '{"success":false,"message":"bad number"}', R, (), False),
    (plain(), 200, '{"ok":false}', R, (), False),
    (plain(), 200, '{"status":"error","reason":"blocked"}', R, (), False),
    (plain(), 200, '{"status":"FAILED"}', R, (), False),
    (plain(), 200, '{"error":{"code":7,"message":"no route"}}', R, (), False),
    (plain(), 200, '{"errors":["bad"]}', R, (), False),
    (plain(), 200, '{"error_code":12}', R, (), False),
    (plain(), 200, '{"result":{"status":"rejected"}}', R, (), False),
    (plain(), 200, '{"data":[{"state":"invalid"}]}', R, (), False),
    (plain(), 200, "ERROR 105", R, (), False),
    (plain(), 200, "Failed: no such user", R, (), False),
    (plain(), 200, '{"status":"error","message":"rate limit, try again"}', L, (), False),
    (plain(), 200, "<!DOCTYPE html><html>sign in</html>", U, (), False),
    (plain(), 200, '{"id":"7","error":null,"errors":[],"error_code":"0","success":true}', A, ("7",), False),
    (plain(), 200, '{"id":"7","status":"queued","warnings":["long"]}', A, ("7",), False),
    (plain(), 200, "", A, (), False),
    (plain(refused={"code": "!100"}), 200, '{"code":100,"id":"x"}', A, ("x",), False),
    (plain(refused={"code": "!100"}), 200, '{"code":207}', R, (), False),
    (plain(account_refused={"code": [11, 12]}), 200, '{"code":12}', R, (), True),
    (plain(), 402, "{}", R, (), True),
    (plain(), 500, '{"error":"oops"}', U, (), False),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "body", "outcome", "ids", "account"), ANSWERS)
async def test_what_an_answer_means(
    name: Any, status: int, body: str, outcome: Outcome, ids: tuple[str, ...], account: bool
) -> None:
    wire = Wire(status, body)
    gateway = ready(name, wire) if isinstance(name, str) else name(wire)
    found = await gateway.send(TEXT)
    assert (found.outcome, found.about == "account") == (outcome, account), found
    assert tuple(filter(None, (found.reference, *found.parts))) == ids


NAMES = sorted(p.stem for p in DOCS.glob("*.md"))


@pytest.mark.parametrize("name", NAMES)
async def test_the_request_that_leaves(name: str) -> None:
    wire = Wire(200, "{}")
    await ready(name, wire).send(TEXT)
    method, url, headers, body = wire.asked
    told = url.partition("?")[2].encode() if method == "GET" else body
    fields = str(json.loads(told)) if told.startswith(b"{") else str(parse_qsl(told.decode()))
    for value in (ANN, TEXT.text):
        assert value in fields, "filled in whole, whatever its letters"
    assert name == "textbee" or LINE in fields, "the number of the phone is the sender there"
    shown = f"{fields} {headers}"
    assert KEYS["secret"] in shown
    assert "{" not in shown.replace(str(json.loads(told)) if told.startswith(b"{") else "", "").replace(
        str(headers), ""
    )


def signed(body: bytes) -> dict[str, str]:
    return {**JSON, "x-signature": hmac.digest(KEYS["hook_secret"].encode(), body, hashlib.sha256).hex()}


BARE = ANN.lstrip("+")
INBOUND: list[tuple[str, Any]] = [
    ("46elks", {"direction": "incoming", "id": "s1", "from": ANN, "to": LINE, "message": "Hi", "created": "2026-11-28T10:00:00"}),
    ("kannel", {"from": BARE, "to": LINE, "text": "Hi", "id": "k1", "time": "2026-11-28 10:00:00"}),
    ("jasmin", {"id": "j1", "from": BARE, "to": LINE, "origin-connector": "c", "content": "Hi", "coding": "0"}),
    ("textbee", b'{"smsId":"t1","sender":"+48600100200","message":"Hi","receivedAt":"2026-11-28T10:00:00Z"}'),
    ("didww", b'{"data":{"type":"inbound_messages","id":"d1","attributes":{"source":"48600100200","destination":"48732000111","content":"Hi"}}}'),
    ("ringcentral", b'{"event":"x","body":{"id":"r1","to":[{"phoneNumber":"+48732000111"}],"from":{"phoneNumber":"+48600100200"},"subject":"Hi"}}'),
    ("rapidpro", {"from": ANN, "text": "Hi", "date": "2026-11-28T10:00:00Z"}),
    ("vonage", b'{"msisdn":"48600100200","to":"48732000111","messageId":"v1","text":"Hi","message-timestamp":"2026-11-28 10:00:00"}'),
    ("telnyx", b'{"data":{"event_type":"message.received","payload":{"id":"x1","from":{"phone_number":"+48600100200"},"to":[{"phone_number":"+48732000111"}],"text":"Hi"}}}'),
    ("africastalking", {"date": "2026-11-28 10:00:00", "from": ANN, "id": "a1", "linkId": "", "text": "Hi", "to": LINE}),
]  # fmt: skip


def webhook(told: Any) -> WebhookRequest:
    if isinstance(told, bytes):
        return WebhookRequest("x", told, signed(told))
    return WebhookRequest("x", urlencode(told).encode(), FORM)


@pytest.mark.parametrize(("name", "told"), INBOUND)
def test_a_text_that_comes_in(name: str, told: Any) -> None:
    gateway, request = ready(name, Wire()), webhook(told)
    assert gateway.genuine(request)
    (arrival,) = gateway.hooks["inbound"](request)
    assert isinstance(arrival, Arrival)
    assert arrival.sender.lstrip("+") == BARE
    assert arrival.text == "Hi"
    assert arrival.recipient.lstrip("+") in (LINE.lstrip("+"), "")
    assert arrival.gateway_id or name == "rapidpro"


D, F, S, V = Status.DELIVERED, Status.FAILED, Status.SENT, Status.UNDELIVERED
REPORTS: list[tuple[str, Any, Status | None, str]] = [
    ("46elks", {"id": "s1", "status": "delivered", "delivered": "2026-11-28T10:00:00"}, D, ""),
    ("46elks", {"id": "s1", "status": "FAILED"}, F, ""),
    ("kannel", {"id": OURS, "status": "1", "error_code": ""}, D, ""),
    ("kannel", {"id": OURS, "status": "16", "error_code": "66"}, F, "66"),
    ("jasmin", {"id": "j1", "level": "3", "message_status": "DELIVRD", "err": "000"}, D, "000"),
    ("jasmin", {"id": "j1", "level": "3", "message_status": "UNDELIV", "err": "027"}, V, "027"),
    ("jasmin", {"id": "j1", "level": "1", "message_status": "ESME_ROK"}, Status.ACCEPTED, ""),
    ("textbee", b'{"smsBatchId":"t1","status":"delivered"}', D, ""),
    ("didww", b'{"data":{"id":"d1","attributes":{"status":"Success","code":null}}}', D, ""),
    ("ringcentral", b'{"body":{"id":"r1","messageStatus":"DeliveryFailed","smsDeliveryErrorCode":"SMS-CAR-431"}}', V, "SMS-CAR-431"),
    ("rapidpro", {"id": OURS, "status": "delivered"}, D, ""),
    ("vonage", b'{"msisdn":"48600100200","messageId":"v1","status":"delivered","err-code":"0","network-code":"26002"}', D, "0"),
    ("vonage", b'{"messageId":"v1","status":"rejected","err-code":"6","client-ref":"x"}', F, "6"),
    ("telnyx", b'{"data":{"payload":{"id":"x1","to":[{"status":"delivery_failed","carrier":"T"}],"errors":[{"code":"40008"}]}}}', V, "40008"),
    ("africastalking", {"id": "a1", "status": "Success", "phoneNumber": ANN, "networkCode": "63902"}, D, ""),
    ("africastalking", {"id": "a1", "status": "Failed", "failureReason": "UserInBlacklist"}, F, "UserInBlacklist"),
    ("africastalking", {"id": "a1", "status": "SomethingNew"}, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "told", "status", "code"), REPORTS)
def test_a_report(name: str, told: Any, status: Status | None, code: str) -> None:
    (receipt,) = ready(name, Wire()).hooks["status"](webhook(told))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.code) == (status, code)
    assert BARE not in receipt.body


POISON: list[tuple[str, bytes]] = [
    ("application/json; charset=utf-7", b'{"from": "+AGE-"}'),
    ("application/json; charset=punycode", b'{"from": "' + b"a" * 60_000 + b'-"}'),
    ("application/x-www-form-urlencoded; charset=punycode", b"from=" + b"a" * 60_000),
    ("application/json; charset=idna", b"{}"),
    ("application/json; charset=rot13", b"{}"),
    ("application/json; charset=unicode_escape", b'{"from": "\\\\u0041"}'),
    ("application/json; charset=utf-32", b"{}"),
    ("application/json", b'{"id": NaN, "from": "+48600100200", "to": "7255", "text": "x"}'),
    ("application/json", b'{"id": Infinity, "from": "+48600100200", "text": "x"}'),
    ("application/json", b"[" * 60_000),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--y\r\nnothing"),
]


@pytest.mark.parametrize(("kind", "body"), POISON)
def test_poison_is_not_understood_at_once(kind: str, body: bytes) -> None:
    gateway, began = plain()(Wire()), time.perf_counter()
    with pytest.raises(NotUnderstood):
        gateway.hooks["inbound"](WebhookRequest("x", body, {"content-type": kind}))
    assert time.perf_counter() - began < 0.2


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff and more", "a\\ud800b"])
def test_half_letters_are_replaced_not_refused(text: str) -> None:
    body = f'{{"id": "1", "from": "{ANN}", "to": "{LINE}", "text": "{text}"}}'.encode()
    (arrival,) = plain()(Wire()).hooks["inbound"](WebhookRequest("x", body, JSON))
    arrival.text.encode()


def test_multipart_and_a_login_that_is_no_secret() -> None:
    parts = [("from", ANN), ("to", LINE), ("text", "Zażółć")]
    body = "".join(f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in parts) + "--b--\r\n"
    request = WebhookRequest("x", body.encode(), {"content-type": "multipart/form-data; boundary=b"})
    (arrival,) = plain()(Wire()).hooks["inbound"](request)
    assert (arrival.sender, arrival.recipient, arrival.text) == (ANN, LINE, "Zażółć")
    assert base64.b64decode(base64.b64encode(b"user:password")) == b"user:password"
