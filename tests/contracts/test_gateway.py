"""One suite for every gateway, through real sockets, with each transport: what each states is held against its code."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import Credentials, Gateway, Outcome, WebhookRequest
from smsbot.gateways.http import Http
from smsbot.gateways.messageflow import MessageFlow
from smsbot.gateways.twilio import Twilio, sign
from smsbot.testing.gateways import REFERENCE, TEXT, Case, Expected, Found, GatewaySpec, GatewaySuite
from smsbot.testing.scripted import answers
from smsbot.transport import AiohttpTransport, HttpxTransport, Transport
from smsbot.transport.kept import KeptTransport

from ..conftest import sampled

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


class Suite(GatewaySuite):
    """With each transport."""

    __test__ = False

    @pytest_asyncio.fixture(params=sampled([HttpxTransport, AiohttpTransport, KeptTransport], HttpxTransport))
    async def transport(self, request: pytest.FixtureRequest) -> AsyncIterator[Transport]:  # type: ignore[override]
        made: Transport = request.param()
        yield made
        await made.close()


# -- MessageFlow ------------------------------------------------------------------------------------


def item(**more: object) -> dict[str, object]:
    return {"sender": "x", "phoneNumber": "+48600100200", "externalId": REFERENCE, "status": 1, **more}


def envelope(status: int, data: object = None, errors: object = None) -> dict[str, object]:
    found: dict[str, object] = {"meta": {"numberOfErrors": 0, "numberOfData": 1, "status": status, "uniqId": "u"}}
    return found | ({"data": data} if data is not None else {}) | ({"errors": errors} if errors is not None else {})


ERROR = [{"title": "Bad", "message": "sender not approved", "code": "E-4-004"}]
ECHO = [{"message": "no +48 600 100 200"}]
REPORT = {"externalId": f"C-{REFERENCE}-0001", "status": 21}


def json_hook(body: bytes, **headers: str) -> WebhookRequest:
    return WebhookRequest("main", body, {"content-type": "application/json", **headers})


class TestMessageFlow(Suite):
    __test__ = True
    spec = GatewaySpec(
        make=lambda url, transport: MessageFlow(
            "AUTHORIZATION-CANARY", "APPLICATION-CANARY", transport, base_url=url + "/v2.1", timeout=2.0
        ),
        request=Expected(
            "POST",
            "/v2.1/sms",
            {
                "sender": "+48732000111",
                "message": TEXT.text,
                "phoneNumbers": ["+48600100200"],
                "validity": 60,
                "externalId": REFERENCE,
                "webhookUrl": TEXT.report_to,
            },
            {"Authorization": "AUTHORIZATION-CANARY", "Application-Key": "APPLICATION-CANARY"},
        ),
        answers=[
            Case("success", answers(200, envelope(200, [item()])), Outcome.ACCEPTED),
            Case("decorated", answers(200, envelope(200, [item(externalId=f"C-{REFERENCE}-0001")])), Outcome.ACCEPTED),
            Case("own id", answers(200, envelope(200, [item(externalId="mf-77")])), Outcome.ACCEPTED, "mf-77"),
            Case("rejected in a 200", answers(200, envelope(200, [item(status=9)])), Outcome.REFUSED, "", "status 9"),
            Case("9 as text", answers(200, envelope(200, [item(status="9")])), Outcome.REFUSED, "", "status 9"),
            Case("207 with ours", answers(207, envelope(207, [item()], ERROR)), Outcome.ACCEPTED),
            Case("207 without", answers(207, envelope(207, [], ERROR)), Outcome.REFUSED, "", "sender not approved"),
            Case("400", answers(400, envelope(400, errors=ERROR)), Outcome.REFUSED, "", "sender not approved"),
            Case("401", answers(401, envelope(401, errors=[])), Outcome.REFUSED, "", "refused our keys"),
            Case("422", answers(422, envelope(422, errors=ERROR)), Outcome.REFUSED, "", "sender not approved"),
            Case("echo of a number", answers(400, envelope(400, errors=ECHO)), Outcome.REFUSED, "", "no •••"),
            Case("429", answers(429, b"slow", "Retry-After: 7\r\n"), Outcome.THROTTLED, "", "429", 7.0),
            Case(
                "429 for ever", answers(429, b"slow", "Retry-After: 1000000000\r\n"), Outcome.THROTTLED, "", "", 3600.0
            ),
            Case("429 before now", answers(429, b"slow", "Retry-After: -5\r\n"), Outcome.THROTTLED, "", "", 0.0),
            Case("425", answers(425, b""), Outcome.THROTTLED, "", "425"),
            Case("500 in a 200", answers(200, envelope(500, errors=ERROR)), Outcome.UNKNOWN, "", "sender not approved"),
            Case("202", answers(202, b"", "Retry-After: 3\r\n"), Outcome.UNKNOWN, "", "202"),
            Case("malformed json", answers(200, b'{"meta": {'), Outcome.UNKNOWN, "", "does not name"),
            Case("wrong shape", answers(200, [1, 2]), Outcome.UNKNOWN, "", "does not name"),
            Case("wrong types", answers(200, {"meta": 3, "data": {"a": 1}, "errors": "no"}), Outcome.UNKNOWN),
            Case("empty 200", answers(200, b""), Outcome.UNKNOWN, "", "does not name"),
        ],
        lookups=[
            Found("delivered", answers(200, envelope(200, [item(status=21)])), True, Status.DELIVERED),
            Found("a status nobody knows", answers(200, envelope(200, [item(status=77)])), True, Status.ACCEPTED),
            Found("a status of no kind", answers(200, envelope(200, [item(status={"a": 1})])), True, Status.ACCEPTED),
            Found("another's", answers(200, envelope(200, [item(externalId="other")])), None),
            Found(
                "decorated",
                answers(200, envelope(200, [item(externalId=f"C-{REFERENCE}-0001")])),
                True,
                Status.ACCEPTED,
            ),
            Found("an empty list", answers(200, envelope(200, [])), False),
            Found("404 of the service", answers(404, envelope(404, errors=ERROR)), False),
            Found("404 of somebody else", answers(404, b"<html>not here"), None),
            Found("401", answers(401, envelope(401, errors=ERROR)), None),
            Found("garbage", answers(200, b"garbage"), None),
        ],
        inbound=[
            (json_hook(b'{"from":"600","to":"7255","message":"hi"}'), Arrival("main", "600", "7255", "hi")),
            (
                json_hook(b'[{"phoneNumber":"600","recipient":"7255","text":"hi","id":"1","time":"t"}]'),
                Arrival("main", "600", "7255", "hi", "1", "t"),
            ),
        ],
        reports=[
            (
                json_hook(b'{"externalId":"C-%s-0001","status":21}' % REFERENCE.encode()),
                Receipt("main", f"C-{REFERENCE}-0001", Status.DELIVERED, "21", outgoing=REFERENCE[:22]),
            ),
        ],
        strange=[json_hook(b'{"from":"1","to":"2"}'), json_hook(b'{"from":{},"to":"2","message":"x"}')],
    )


# -- Twilio -----------------------------------------------------------------------------------------

SID = "ACdeadbeefCANARY"
TOKEN = "auth-token-CANARY"
HOOK = "https://bots.example.org/hooks/main/s3cret/inbound"
ARRIVED = {"MessageSid": "SM1", "From": "+48600100200", "To": "+48732000111", "Body": "hi & bye ☺", "NumMedia": "0"}


def twilio_hook(fields: dict[str, str], url: str = HOOK, token: str = TOKEN, **headers: str) -> WebhookRequest:
    signature = sign(token.encode(), url, fields.items()).decode()
    return WebhookRequest("main", urlencode(fields).encode(), {**FORM, "x-twilio-signature": signature, **headers}, url)


def message(**more: object) -> dict[str, object]:
    made = "Wed, 25 Nov 2126 10:00:00 +0000"
    return {
        "sid": "SM7",
        "status": "queued",
        "body": TEXT.text,
        "date_created": made,
        "direction": "outbound-api",
        **more,
    }


GENUINE = twilio_hook(ARRIVED)
STATUS_URL = HOOK.replace("inbound", f"status?smsbot={REFERENCE}")


def make_twilio(url: str, transport: Transport) -> Gateway:
    return Twilio(SID, (TOKEN, "older-token"), transport, base_url=url, timeout=2.0)


class TestTwilio(Suite):
    __test__ = True
    spec = GatewaySpec(
        make=make_twilio,
        request=Expected(
            "POST",
            f"/2010-04-01/Accounts/{SID}/Messages.json",
            {
                "To": "+48600100200",
                "From": "+48732000111",
                "Body": TEXT.text,
                "ValidityPeriod": "3600",
                "StatusCallback": f"{TEXT.report_to}?smsbot={REFERENCE}",
            },
            {"Authorization": "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()},
        ),
        answers=[
            Case("created", answers(201, {"sid": "SM7", "status": "queued"}), Outcome.ACCEPTED, "SM7"),
            Case(
                "failed at once",
                answers(201, {"sid": "SM7", "status": "failed", "error_code": 30007}),
                Outcome.REFUSED,
                "SM7",
            ),
            Case(
                "opted out",
                answers(400, {"code": 21610, "message": "unsubscribed"}),
                Outcome.REFUSED,
                "",
                "unsubscribed",
            ),
            Case(
                "not a number",
                answers(400, {"code": 21211, "message": "'To' 48600100200 is not"}),
                Outcome.REFUSED,
                "",
                "•••",
            ),
            Case("keys", answers(401, {"code": 20003, "message": "Authenticate"}), Outcome.REFUSED, "", "Authenticate"),
            Case("too fast", answers(429, {"code": 20429}, "Retry-After: 2\r\n"), Outcome.THROTTLED, "", "", 2.0),
            Case("201 without a sid", answers(201, {}), Outcome.UNKNOWN),
            Case("201 of garbage", answers(201, b"garbage"), Outcome.UNKNOWN),
        ],
        lookups=[
            Found("there", answers(200, {"messages": [message(status="delivered")]}), True, Status.DELIVERED),
            Found("another text", answers(200, {"messages": [message(body="else")]}), False),
            Found(
                "from long before",
                answers(200, {"messages": [message(date_created="Wed, 25 Nov 2020 10:00:00 +0000")]}),
                False,
            ),
            Found("none", answers(200, {"messages": []}), False),
            Found("401", answers(401, {"code": 20003}), None),
            Found("no list", answers(200, {"code": 1}), None),
        ],
        inbound=[
            (GENUINE, Arrival("main", "+48600100200", "+48732000111", "hi & bye ☺", "SM1")),
            (
                twilio_hook(ARRIVED, token="older-token"),
                Arrival("main", "+48600100200", "+48732000111", "hi & bye ☺", "SM1"),
            ),
            (twilio_hook(ARRIVED | {"Body": ""}), Arrival("main", "+48600100200", "+48732000111", "", "SM1")),
        ],
        reports=[
            (
                twilio_hook({"MessageSid": "SM7", "MessageStatus": "delivered"}, STATUS_URL),
                Receipt("main", "SM7", Status.DELIVERED, "delivered", outgoing=REFERENCE[:22]),
            ),
            (
                twilio_hook({"SmsSid": "SM7", "SmsStatus": "undelivered", "ErrorCode": "30003"}),
                Receipt("main", "SM7", Status.UNDELIVERED, "undelivered", detail="error 30003"),
            ),
            (
                twilio_hook({"MessageSid": "SM7", "MessageStatus": "brand-new"}),
                Receipt("main", "SM7", None, "brand-new"),
            ),
        ],
        forged=[
            WebhookRequest("main", GENUINE.body, FORM, GENUINE.url),
            twilio_hook(ARRIVED, token="not-the-token"),
            WebhookRequest("main", GENUINE.body + b"&x=1", GENUINE.headers, GENUINE.url),
            WebhookRequest("main", GENUINE.body, GENUINE.headers, GENUINE.url.replace("bots", "b0ts")),
            WebhookRequest("main", b"\xff\xfe", GENUINE.headers, GENUINE.url),
        ],
        strange=[twilio_hook({"MessageSid": "SM1"})],
    )


# -- any other --------------------------------------------------------------------------------------

SIGNED = b'{"msisdn":"600","short":"7255","msg":{"body":"hi"},"uid":9}'
TOLD = b'{"id":"77","status":"DELIVRD"}'
DELIVERED = Receipt("main", "77", Status.DELIVERED, "DELIVRD")
# as openssl makes them: openssl dgst -sha256 -hmac hook-CANARY [-binary | base64]
HEX = "5a776c2c674b13c529b7f5a21ed54cc3417c3d4b215099a7c83d2199a4969f5b"
BASE64 = "e+aLmKVL4nd9+mjTEjhzebrT5zDMoKEr9gPXGK/kHCM="


def make_http(url: str, transport: Transport, **more: Any) -> Http:
    options = {
        "url": url + "/send/{from}",
        "body": {"dest": {"msisdn": "{to}"}, "text": "{text}", "ref": "{reference}", "dlr": ["{report_to}"], "ttl": 5},
        "headers": {"Authorization": "Bearer {secret}"},
        "id": "results.0.uid",
        "statuses": {"DELIVRD": "delivered", "UNDELIV": "undelivered"},
        "look_up": url + "/find?ref={reference}",
        "look_up_status": "state",
        "hook_header": "X-Token",
        "timeout": 2.0,
        **more,
    }
    gateway = Http(Credentials({"secret": "secret-CANARY", "hook_secret": "hook-CANARY"}, options), transport)
    gateway.remap("inbound", {"from": "msisdn", "to": "short", "text": "msg.body", "id": "uid"})
    return gateway


class TestHttp(Suite):
    __test__ = True
    spec = GatewaySpec(
        make=make_http,
        request=Expected(
            "POST",
            "/send/%2B48732000111",
            {
                "dest": {"msisdn": "+48600100200"},
                "text": TEXT.text,
                "ref": REFERENCE,
                "dlr": [TEXT.report_to],
                "ttl": 5,
            },
            {"Authorization": "Bearer secret-CANARY"},
        ),
        answers=[
            Case("taken", answers(202, {"results": [{"uid": 77}]}), Outcome.ACCEPTED, "77"),
            Case("taken without an id", answers(200, {"results": []}), Outcome.ACCEPTED, ""),
            Case(
                "refused",
                answers(422, {"errors": [{"message": "bad number 600100200"}]}),
                Outcome.REFUSED,
                "",
                "bad •••"[:3],
            ),
            Case("another 2xx", answers(207, {}), Outcome.UNKNOWN),
        ],
        lookups=[
            Found("delivered", answers(200, {"state": "DELIVRD"}), True, Status.DELIVERED),
            Found("somewhere", answers(200, {"results": [{"uid": 7}], "state": "ENROUTE"}), True, Status.ACCEPTED),
            Found("who knows", answers(200, {"state": "ENROUTE"}), None),
            Found("an envelope", answers(200, {"state": "ok", "messages": []}), False),
            Found("an envelope with another text", answers(200, [{"ref": "0" * 22 + "-1", "state": "DELIVRD"}]), None),
            Found(
                "ours among others",
                answers(200, [{"ref": "0" * 22 + "-1", "state": "DELIVRD"}, {"ref": REFERENCE, "state": "UNDELIV"}]),
                True,
                Status.UNDELIVERED,
            ),
            Found("404", answers(404, b""), False),
            Found("an empty list", answers(200, b"[]"), False),
            Found("an empty list inside", answers(200, {"items": [], "total": 0}), False),
            Found("403", answers(403, b""), None),
        ],
        inbound=[(json_hook(SIGNED, **{"x-token": "hook-CANARY"}), Arrival("main", "600", "7255", "hi", "9"))],
        reports=[
            (
                json_hook(
                    b'{"id":"77","status":"DELIVRD","ref":"%s"}' % REFERENCE.encode(), **{"x-token": "hook-CANARY"}
                ),
                Receipt("main", "77", Status.DELIVERED, "DELIVRD", outgoing=REFERENCE[:22]),
            ),
            (
                WebhookRequest("main", b"id=77&status=UNDELIV", {**FORM, "x-token": "hook-CANARY"}),
                Receipt("main", "77", Status.UNDELIVERED, "UNDELIV"),
            ),
        ],
        forged=[
            json_hook(SIGNED),
            json_hook(SIGNED, **{"x-token": "hook-canary"}),
            json_hook(SIGNED, **{"x-token": ""}),
        ],
    )


class TestHttpForm(Suite):
    """A provider that reads a form, signs its webhooks, and cannot be asked."""

    __test__ = True
    spec = GatewaySpec(
        make=lambda url, transport: make_http(
            url,
            transport,
            format="form",
            body={"to": "{to}", "m": "{text}"},
            look_up="",
            look_up_status="",
            hook_proof="sha256",
        ),
        request=Expected("POST", "/send/%2B48732000111", {"to": "+48600100200", "m": TEXT.text}),
        answers=[Case("taken", answers(201, b"OK"), Outcome.ACCEPTED)],
        inbound=[
            (
                json_hook(SIGNED, **{"x-token": f"sha256={HEX}"}),
                Arrival("main", "600", "7255", "hi", "9"),
            )
        ],
        reports=[(json_hook(TOLD, **{"x-token": BASE64}), DELIVERED)],
        forged=[
            json_hook(SIGNED),
            json_hook(TOLD, **{"x-token": HEX}),
            json_hook(SIGNED, **{"x-token": "hook-CANARY"}),
        ],
    )
