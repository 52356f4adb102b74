"""`smsbot doctor --gateway`: what a manual shows becomes an account that does the same."""

from __future__ import annotations

import io
import json
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsbot.accounts import build_gateway
from smsbot.cli.doctor_gateway import prove
from smsbot.cli.main import main
from smsbot.configuration import read as read_settings
from smsbot.core.errors import UsageError
from smsbot.core.message import Arrival, Receipt
from smsbot.gateways.base import Gateway, Outcome, WebhookRequest
from smsbot.gateways.example import read, texts
from smsbot.gateways.example_account import account, written
from smsbot.gateways.fields import dig
from smsbot.settings import AccountSettings
from smsbot.testing.gateways import TEXT
from smsbot.transport import Answer

from ..processes import smsbot

SECRETS = {"secret": "first-secret-1", "secret2": "second-secret-2"}
BASIC = {"Authorization": "Basic first-secret-1"}


@dataclass
class Recorder:
    """A transport that keeps what it is given."""

    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        self.seen.append((method, url, headers, body))
        return Answer(200, {}, b'{"id": "1"}')

    async def close(self) -> None:
        return None


@dataclass(frozen=True)
class Sends:
    """A request of a manual, and what the account made of it must send."""

    text: str
    url: str
    to: str
    from_: str
    words: str
    method: str = "POST"
    more: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


REQUESTS = {
    "46elks": Sends(
        "curl https://api.elks.example/a1/sms \\\n  -u u1234567890abcdef:PASSW0RDX \\\n  -d from=Shop -d to=+46700000042 \\\n"
        "  --data-urlencode 'message=Your parcel is here' -d whendelivered=https://me.example/dlr",
        "https://api.elks.example/a1/sms", "to", "from", "message",
        more={"whendelivered": TEXT.report_to}, headers=BASIC, hidden=("PASSW0RDX", "46700000042", "u1234567890abcdef:"),
    ),
    "kannel": Sends(
        "curl 'http://smsbox.example:13013/cgi-bin/sendsms?username=tester&password=foobar99&from=%2B46700000001&"
        "to=%2B46700000042&text=Hello+world&dlr-mask=31&dlr-url=http%3A%2F%2Fme.example%2Fdlr%3Fid%3D1'",
        "https://smsbox.example:13013/cgi-bin/sendsms", "to", "from", "text", "GET",
        more={"username": "tester", "password": "first-secret-1", "dlr-mask": "31", "dlr-url": TEXT.report_to},
        hidden=("foobar99", "46700000042", "46700000001"),
    ),
    "kannel as an address": Sends(
        "https://smsbox.example/cgi-bin/sendsms?user=tester&pass=foobar99&to=0046700000042&text=Hello+world",
        "https://smsbox.example/cgi-bin/sendsms", "to", "", "text", "GET", hidden=("foobar99", "46700000042"),
    ),
    "jasmin http": Sends(
        'curl -G http://127.0.0.1:1401/send --data-urlencode "username=foo" -d password=s3cr3t-pw -d to=351910000001 '
        '-d "content=Hello%20World!"',
        "http://127.0.0.1:1401/send", "to", "", "content", "GET",
        more={"username": "foo", "password": "first-secret-1"}, hidden=("s3cr3t-pw", "351910000001"),
    ),
    "jasmin rest": Sends(
        "curl -sS -XPOST http://127.0.0.1:8080/secure/send -H 'Authorization: Basic Zm9vOmJhcmJhcg==' \\\n"
        """-H "Content-Type: application/json" -d '{"to": 351910000001, "from": "Shop", "content": "Hello", "dlr": "yes"}'""",
        "http://127.0.0.1:8080/secure/send", "to", "from", "content", more={"dlr": "yes"}, headers=BASIC,
        hidden=("Zm9vOmJhcmJhcg", "barbar", "351910000001"),
    ),
    "textbee": Sends(
        "curl -X POST \"https://api.bee.example/api/v1/gateway/devices/{DEVICE_ID}/send-sms\" -H 'x-api-key: bee_key_77' \\\n"
        "-H 'Content-Type: application/json' -d '{\n \"recipients\": [\"+1 (415) 555-2671\", \"+14155552672\"],\n \"message\": \"Hi!\" }'",
        "https://api.bee.example/api/v1/gateway/devices/DEVICE_ID/send-sms", "recipients.0", "", "message",
        headers={"x-api-key": "first-secret-1"}, hidden=("bee_key_77", "555-2671", "14155552672"),
    ),
    "didww": Sends(
        "curl --request POST --url https://sms-out.did.example/outbound_messages --user 'login88:p4ssw0rd' "
        "--header 'Content-Type: application/vnd.api+json' --data-raw '{\"data\": {\"type\": \"outbound_messages\", "
        "\"attributes\": {\"destination\": \"37041654321\", \"source\": \"37041123456\", \"content\": \"Hello World!\"}}}'",
        "https://sms-out.did.example/outbound_messages", "data.attributes.destination", "data.attributes.source",
        "data.attributes.content", more={"data.type": "outbound_messages"},
        headers={**BASIC, "Content-Type": "application/vnd.api+json"}, hidden=("p4ssw0rd", "37041654321", "37041123456"),
    ),
    "ringcentral": Sends(
        "POST /restapi/v1.0/account/~/extension/~/sms HTTP/1.1\nHost: platform.ring.example\nContent-Type: application/json\n"
        "Authorization: Bearer U0pDMTFQMDFQQVMwMHxBQUFGVH\nContent-Length: 200\n\n"
        '{"to": [{"phoneNumber": "+18887776655"}], "from": {"phoneNumber": "+18885287464"}, "text": "This is a test"}',
        "https://platform.ring.example/restapi/v1.0/account/~/extension/~/sms", "to.0.phoneNumber", "from.phoneNumber",
        "text", headers={"Authorization": "Bearer first-secret-1"},
        hidden=("U0pDMTFQMDFQQVMwMHxBQUFGVH", "18887776655", "18885287464"),
    ),
    "vonage": Sends(
        "curl -X \"POST\" \"https://rest.nex.example/sms/json\" -d \"from=AcmeInc\" -d \"text=A text sent\" \\\n"
        "  -d \"to=447700900001\" -d \"api_key=abcd1234\" -d \"api_secret=AbCdSecret99\"",
        "https://rest.nex.example/sms/json", "to", "from", "text",
        more={"api_key": "first-secret-1", "api_secret": "second-secret-2"},
        hidden=("abcd1234", "AbCdSecret99", "447700900001"),
    ),
    "telnyx": Sends(
        "$ curl -X POST --header \"Authorization: Bearer KEY0123_abcdef\" --json '{\"from\": \"+18445550001\", \"to\": \"+18445550002\","
        " \"text\": \"Hello, World!\", \"messaging_profile_id\": \"abc-uuid\", \"webhook_url\": \"https://me.example/x\", \"media_urls\": null}' https://api.tel.example/v2/messages | jq .",
        "https://api.tel.example/v2/messages", "to", "from", "text",
        more={"messaging_profile_id": "abc-uuid", "webhook_url": TEXT.report_to},
        headers={"Authorization": "Bearer first-secret-1"}, hidden=("KEY0123_abcdef", "18445550001", "18445550002"),
    ),
    "sinch": Sends(
        "curl -X POST https://eu.sms.sin.example/xms/v1/{service_plan_id}/batches -H 'Authorization: Bearer {API_TOKEN}' "
        "-H 'Content-Type: application/json' -d '{\"from\": \"12065550001\", \"to\": [\"12065550002\"], \"body\": \"Hi\", "
        "\"delivery_report\": \"full\", \"send_at\": \"2030-01-01T00:00:00Z\", \"client_reference\": \"x\"}'",
        "https://eu.sms.sin.example/xms/v1/service_plan_id/batches", "to.0", "from", "body",
        more={"delivery_report": "full", "client_reference": TEXT.reference},
        headers={"Authorization": "Bearer first-secret-1"}, hidden=("12065550001", "12065550002", "2030"),
    ),
    "plivo": Sends(
        "curl -i --user AUTHID1234567:AUTHTOKEN99 -H 'Content-Type: application/json' "
        "-d '{\"src\": \"+14150000001\", \"dst\": \"+14150000002\", \"text\": \"Hello\", \"url\": \"https://me.example/s\"}' "
        "https://api.pli.example/v1/Account/AUTHID1234567/Message/",
        "https://api.pli.example/v1/Account/second-secret-2/Message/", "dst", "src", "text",
        more={"url": TEXT.report_to}, headers=BASIC, hidden=("AUTHTOKEN99", "AUTHID1234567", "14150000001", "14150000002"),
    ),
    "twilio": Sends(
        "curl 'https://api.twi.example/2010-04-01/Accounts/ACxx0123456789/Messages.json' -X POST \\\n"
        "--data-urlencode 'To=+15550100001' \\\n--data-urlencode 'From=+15550100002' \\\n--data-urlencode 'Body=a & b' \\\n"
        "-u ACxx0123456789:tok_tok_tok",
        "https://api.twi.example/2010-04-01/Accounts/second-secret-2/Messages.json", "To", "From", "Body",
        headers=BASIC, hidden=("tok_tok_tok", "ACxx0123456789", "15550100001", "15550100002"),
    ),
    "messagebird": Sends(
        "curl -X POST https://rest.bird.example/messages -H 'Authorization: AccessKey test_gshuPaZoeEG6ovbc8M' "
        "-d recipients=31612345678 -d originator=YourName -d 'body=Hi! This is your first message'",
        "https://rest.bird.example/messages", "recipients", "originator", "body",
        headers={"Authorization": "AccessKey first-secret-1"}, hidden=("test_gshuPaZoeEG6ovbc8M", "31612345678"),
    ),
    "africastalking": Sends(
        "POST /version1/messaging HTTP/1.1\nHost: api.at.example\nContent-Type: application/x-www-form-urlencoded\n"
        "Accept: application/json\napiKey: atsk_0011223344\n\nusername=sandbox&to=%2B254711000001&message=Hello%20World!&from=12345",
        "https://api.at.example/version1/messaging", "to", "from", "message",
        more={"username": "sandbox"}, headers={"apiKey": "first-secret-1", "Accept": "application/json"},
        hidden=("atsk_0011223344", "254711000001"),
    ),
    "smsapi": Sends(
        "curl -H \"Authorization: Bearer token_api_oauth1\" -d \"from=Test&to=48500000001&message=Hello+there&format=json&idx=a1\" https://api.smsa.example/sms.do",
        "https://api.smsa.example/sms.do", "to", "from", "message",
        more={"format": "json", "idx": TEXT.reference}, headers={"Authorization": "Bearer first-secret-1"},
        hidden=("token_api_oauth1", "48500000001"),
    ),
    "infobip": Sends(
        "curl -L -X POST 'https://{baseUrl}.api.info.example/sms/2/text/advanced' -H 'Authorization: App {secret_key_1}' "
        "-H 'Content-Type: application/json' -H 'Accept: application/json' -d '{\"messages\": [{\"destinations\": [{\"to\": \"41793026727\"}], "
        "\"from\": \"InfoSMS\", \"text\": \"This is a sample\", \"notifyUrl\": \"https://me.example/d\", \"callbackData\": \"x\"}]}'",
        "https://baseUrl.api.info.example/sms/2/text/advanced", "messages.0.destinations.0.to", "messages.0.from",
        "messages.0.text", more={"messages.0.notifyUrl": TEXT.report_to, "messages.0.callbackData": TEXT.reference},
        headers={"Authorization": "App first-secret-1"}, hidden=("secret_key_1", "41793026727"),
    ),
    "key in the query of a post": Sends(
        "curl -X POST 'https://api.q.example/send?api_key=qqkey1234&v=2' -H 'content-type: application/json' "
        "-d '{\"phone\": \"+48500000001\", \"sender\": \"Shop\", \"sms_text\": \"hello you\"}'",
        "https://api.q.example/send?api_key=first-secret-1&v=2", "phone", "sender", "sms_text",
        hidden=("qqkey1234", "48500000001"),
    ),
    "multipart": Sends(
        "curl https://api.m.example/send -F token=mytoken123 -F 'mobile=+48500000001' -F \"message=hi there\" -F sender=Shop",
        "https://api.m.example/send", "mobile", "sender", "message", more={"token": "first-secret-1"},
        hidden=("mytoken123", "48500000001"),
    ),
    "oneapi": Sends(
        "curl -X POST https://api.one.example/smsmessaging/v1/outbound/tel%3A%2B48500000001/requests -H 'Authorization: Bearer one_tok_123' "
        "-H 'Content-Type: application/json' --data '{\"outboundSMSMessageRequest\": {\"address\": [\"tel:+48500000002\"], "
        "\"outboundSMSTextMessage\": {\"message\": \"Hello World\"}, \"clientCorrelator\": \"x\"}}'",
        "https://api.one.example/smsmessaging/v1/outbound/tel%3A%2B48732000111/requests",
        "outboundSMSMessageRequest.address.0", "", "outboundSMSMessageRequest.outboundSMSTextMessage.message",
        hidden=("one_tok_123", "48500000001", "48500000002"),
    ),
    "placeholders for keys": Sends(
        "curl https://x.example/s -H “Authorization: Bearer token” -d “username=user&password=password&to=+48500000001&text=text”",
        "https://x.example/s", "to", "", "text", more={"username": "user", "password": "second-secret-2"},
        headers={"Authorization": "Bearer first-secret-1"}, hidden=("48500000001",),
    ),
    "put with quotes": Sends(
        "PUT https://api.p.example/v1/sms HTTP/1.1\nX-Auth-Token: p-token-998\nContent-Type: application/json\n\n"
        '{"sender": "Q\\"u\\\\o", "recipient": "+48500000001", "content": "ż ó", "a b": {"ł": [1, 2.5, true]}}',
        "https://api.p.example/v1/sms", "recipient", "sender", "content", "PUT",
        headers={"X-Auth-Token": "first-secret-1"}, hidden=("p-token-998", "48500000001"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Brings:
    """A webhook of a manual, and what the account made of it must read."""

    text: str
    body: str
    read: tuple[str, str, str]
    """Who, our line, the text; of a report its id, status and nothing."""
    form: bool = False
    kind: str = "inbound"
    id: str = ""
    """The gateway's id of a text; not looked at if it is empty."""


def json_hook(body: str, *read: str, kind: str = "inbound", named: str = "") -> Brings:
    return Brings(body, body, (*read, "", "", "")[:3], kind=kind, id=named)  # type: ignore[arg-type]


def form_hook(body: str, *read: str, kind: str = "inbound", before: str = "") -> Brings:
    return Brings(before + body, body, (*read, "", "", "")[:3], True, kind)  # type: ignore[arg-type]


A, B = "+48500000001", "+48500000002"
WEBHOOKS = {
    "46elks": form_hook("direction=incoming&id=s17a6dafb12d6b1cabc053d57dac2b9d8&from=%2B48500000001&to=%2B48500000002&created=2018-07-13T13:57:23.741000&message=Hello+there", A, B, "Hello there"),
    "kannel": Brings("GET /kannel/inbound?from=%2B48500000001&to=7255&text=Hello+there&ts=1 HTTP/1.1\nHost: me.example\n", "from=%2B48500000001&to=7255&text=Hello+there", (A, "7255", "Hello there"), True),
    "jasmin": form_hook("from=48500000001&to=48500000002&origin-connector=smpp1&id=0f8b-1&content=Hello&coding=0", "48500000001", "48500000002", "Hello"),
    "textbee": json_hook('{"smsId": "s1", "sender": "+48500000001", "message": "Hello", "receivedAt": "2030-01-01T00:00:00Z", "deviceId": "d1", "webhookEvent": "MESSAGE_RECEIVED"}', A, "", "Hello"),
    "didww": json_hook('{"data": {"type": "inbound_messages", "id": "m1", "attributes": {"source": "+48500000001", "destination": "+48500000002", "content": "Hello"}}}', A, B, "Hello"),
    "ringcentral": json_hook('{"uuid": "u", "event": "/restapi/v1.0/instant?type=SMS", "body": {"id": "b1", "to": [{"phoneNumber": "+48500000002", "target": true}], "from": {"phoneNumber": "+48500000001"}, "type": "SMS", "direction": "Inbound", "subject": "Hello there"}}', A, B, "Hello there"),
    "vonage": form_hook("msisdn=48500000001&to=48500000002&messageId=0A00000012345678&text=Hello&type=text&keyword=HELLO&api-key=abcd1234&message-timestamp=2030-01-01+10%3A00%3A00", "48500000001", "48500000002", "Hello"),
    "telnyx": json_hook('{"data": {"event_type": "message.received", "id": "e1", "payload": {"direction": "inbound", "from": {"phone_number": "+48500000001", "carrier": "x"}, "id": "m1", "text": "Hello", "to": [{"phone_number": "+48500000002", "status": "webhook_delivered"}], "type": "SMS"}}}', A, B, "Hello"),
    "sinch": json_hook('{"body": "Hello", "from": "48500000001", "id": "01XXX", "received_at": "2030-01-01T00:00:00Z", "to": "48500000002", "type": "mo_text"}', "48500000001", "48500000002", "Hello"),
    "plivo": form_hook("From=48500000001&To=48500000002&Text=Hello&Type=sms&MessageUUID=x-1", "48500000001", "48500000002", "Hello", before="POST /sms/ HTTP/1.1\nHost: yourserver.example\nX-Plivo-Signature-V2: abc=\nContent-Type: application/x-www-form-urlencoded\n\n"),
    "twilio": form_hook("ToCountry=US&SmsMessageSid=SM1&NumMedia=0&SmsSid=SM1&SmsStatus=received&Body=Hello&FromCountry=US&To=%2B48500000002&MessageSid=SM1&AccountSid=AC1&From=%2B48500000001", A, B, "Hello"),
    "messagebird": json_hook('{"id": "x", "recipient": "48500000002", "originator": "48500000001", "body": "Hello", "createdDatetime": "2030-01-01T00:00:00+00:00"}', "48500000001", "48500000002", "Hello"),
    "africastalking": form_hook("linkId=l1&text=Hello&to=12345&id=i1&date=2030-01-01&from=%2B48500000001", A, "12345", "Hello"),
    "infobip": json_hook('{"results": [{"messageId": "m1", "from": "48500000001", "to": "48500000002", "text": "QUIZ Hello", "cleanText": "Hello", "keyword": "QUIZ", "receivedAt": "2030-01-01T00:00:00", "smsCount": 1}], "messageCount": 1}', "48500000001", "48500000002", "QUIZ Hello"),
    "with a token of its own": Brings('POST /sms HTTP/1.1\nHost: app.example\nAuthorization: Bearer abcd1234\n\n{"event": "sms:received", "payload": {"message": "Hello", "phoneNumber": "+48500000001", "simNumber": 1}, "id": "E"}', '{"event": "sms:received", "payload": {"message": "Hello", "phoneNumber": "+48500000001", "simNumber": 1}, "id": "E"}', (A, "", "Hello")),
    "an array": json_hook('[{"sms": {"number": "+48500000001", "inbox": "7255", "content": "Hello there"}}]', A, "7255", "Hello there"),
    "report of twilio": form_hook("SmsSid=SM1&SmsStatus=delivered&MessageStatus=delivered&To=%2B48500000001&MessageSid=SM1&From=%2B48500000002", "SM1", "delivered", kind="status"),
    "report of infobip": json_hook('{"results": [{"messageId": "m1", "to": "48500000001", "status": {"groupId": 3, "groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET"}, "error": {"id": 0, "name": "NO_ERROR"}}]}', "m1", "DELIVERED", kind="status"),
    "a text with a picture and a thread": json_hook('{"uuid": "u", "event": "/message-store/instant?type=SMS", "timestamp": "2030-01-01T00:00:00.000Z", "body": {"attachments": [{"id": "a1", "contentType": "text/plain"}], "conversation": {"id": "c1"}, "from": {"phoneNumber": "+48500000001"}, "to": [{"phoneNumber": "+48500000002", "name": "A"}], "id": "b1", "direction": "Inbound", "subject": "Hello", "messageStatus": "Received"}}', A, B, "Hello", named="b1"),
    "a text of a person with an id": json_hook('{"contact": {"id": "p1", "phone": "+48500000001"}, "channel": {"id": "c1"}, "message": {"id": "m1", "text": "Hello"}, "to": "7255"}', A, "7255", "Hello", named="m1"),
    "report with ids of all it names": json_hook('{"results": [{"price": {"id": 9}, "status": {"id": 5, "groupId": 3, "groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET"}, "error": {"id": 0}, "bulkId": "b1", "messageId": "m1", "to": "48500000001"}]}', "m1", "DELIVERED", kind="status"),
    "report whose status has an id": json_hook('{"status": {"id": 1, "name": "delivered"}, "id": "m1"}', "m1", "delivered", kind="status"),
    "report whose status has an id and a longer name": json_hook('{"messageStatus": {"id": 5, "name": "delivered"}, "id": "m1"}', "m1", "delivered", kind="status"),
    "a picture with a subject": json_hook('{"text": "", "subject": "Hello", "from": "+48500000001", "to": "7255", "id": "m1"}', A, "7255", "", named="m1"),
    "report in a report": json_hook('{"account": {"id": "a1"}, "deliveryReport": {"operator": {"id": "26001"}, "id": "m1", "status": "delivered"}}', "m1", "delivered", kind="status"),
    "report of 46elks": form_hook("id=s1&status=delivered&delivered=2030-01-01T00%3A00%3A00", "s1", "delivered", kind="status"),
    "report of telnyx": json_hook('{"data": {"event_type": "message.finalized", "id": "e1", "payload": {"id": "m1", "text": "Hello", "direction": "outbound", "from": {"phone_number": "+48500000002"}, "to": [{"phone_number": "+48500000001", "status": "delivered"}]}}}', "m1", "delivered", kind="status"),
    "report of vonage": json_hook('{"msisdn": "48500000001", "to": "48500000002", "messageId": "m1", "status": "delivered", "scts": "2001011400", "err-code": "0", "client-ref": "x"}', "m1", "delivered", kind="status"),
    "report of jasmin": form_hook("id=m1&message_status=UNDELIV&level=2&id_smsc=5&subdate=1&donedate=2&text=", "m1", "UNDELIV", kind="status"),
}  # fmt: skip


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(text: str | bytes, *more: str) -> tuple[int, str, str]:
        content = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        monkeypatch.setattr(sys, "argv", ["smsbot", "doctor", "--gateway", "-", *more])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


def gateway_of(toml: str, transport: Recorder) -> Gateway:
    table = tomllib.loads(toml)["accounts"]["other"]
    used = {k: v for k, v in SECRETS.items() if f"{{{k}}}" in toml}
    return build_gateway("other", AccountSettings.model_validate({**table, **used}), transport)


def sent(request: tuple[str, str, Mapping[str, str], bytes]) -> dict[str, Any]:
    """The fields of a request, wherever they are."""
    _, url, headers, body = request
    if "json" in headers.get("Content-Type", ""):
        found: dict[str, Any] = json.loads(body)
        return found
    return dict(parse_qsl(body.decode() if body else urlsplit(url).query, keep_blank_values=True))


@pytest.mark.parametrize("case", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_is_sent_as_the_example_does(case: Sends, doctor: Any) -> None:
    code, out, err = doctor(case.text)
    assert code == 0, err
    recorder = Recorder()
    assert (await gateway_of(out, recorder).send(TEXT)).outcome is Outcome.ACCEPTED
    method, url, headers, body = recorder.seen[0]
    whole = url if body else url.partition("?")[0]
    assert (method, whole) == (case.method, case.url)
    fields = sent(recorder.seen[0])
    assert (dig(fields, case.to) or "").removeprefix("tel:") == TEXT.recipient
    assert dig(fields, case.words) == TEXT.text
    if case.from_:
        assert dig(fields, case.from_) == TEXT.sender
    assert {k: dig(fields, k) for k in case.more} == case.more
    assert {k: headers.get(k) for k in case.headers} == case.headers
    for hidden in case.hidden:
        assert hidden not in out
        assert hidden not in err


@pytest.mark.parametrize("case", WEBHOOKS.values(), ids=WEBHOOKS)
def test_a_webhook_is_read_as_the_example_says(case: Brings, doctor: Any) -> None:
    code, out, err = doctor(case.text)
    assert code == 0, err
    gateway = gateway_of(out, Recorder())
    kind = "application/x-www-form-urlencoded" if case.form else "application/json"
    (found,) = gateway.hooks[case.kind](WebhookRequest("other", case.body.encode(), {"content-type": kind}))
    if case.kind == "inbound":
        assert isinstance(found, Arrival)
        assert (found.sender, found.recipient, found.text) == case.read
        assert not case.id or found.gateway_id == case.id
    else:
        assert isinstance(found, Receipt)
        assert (found.reference, found.raw) == case.read[:2]
    for hidden in ("48500000001", "48500000002", "abcd1234"):
        assert hidden not in out + err


def test_one_account_holds_several_examples(tmp_path: Path) -> None:
    (tmp_path / "send").write_text(f"{REQUESTS['twilio'].text}\n---\n{WEBHOOKS['twilio'].text}\n")
    (tmp_path / "report").write_text(WEBHOOKS["report of twilio"].text)
    done = smsbot("doctor", "--gateway", "send", "--gateway", "report", "--account", "us", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "smsbot.toml").write_text(done.stdout)
    found = read_settings(tmp_path).accounts["us"]
    assert found.options["body"] == {"To": "{to}", "From": "{from}", "Body": "{text}"}
    assert found.fields["inbound"]["from"] == "From"
    assert found.fields["status"]["status"] == "MessageStatus"
    assert "SMSBOT_ACCOUNTS__US__SECRET:" in done.stderr


def test_json_is_one_document(doctor: Any) -> None:
    code, out, err = doctor(REQUESTS["vonage"].text, "--json")
    found = json.loads(out)
    assert (code, err, found["v"], found["account"]) == (0, "", 1, "other")
    assert tomllib.loads(found["toml"])["accounts"]["other"] == found["settings"]
    assert list(found["environment"]) == ["SMSBOT_ACCOUNTS__OTHER__SECRET", "SMSBOT_ACCOUNTS__OTHER__SECRET2"]
    assert {"example": "request", "field": "to", "said": "is {to}, by its name", "sure": True} in found["notes"]


@pytest.mark.parametrize("name", ["messageId", "msg_id", "requestId", "transaction-id", "clientMsgId"])
async def test_an_id_of_the_example_is_not_that_of_every_text(name: str, doctor: Any) -> None:
    example = {"to": "+48500000001", "from": "Shop", "text": "Your parcel is here", name: "0f8b-4711"}
    _, out, _ = doctor(f"curl https://api.example.com/sms -H 'X-Api-Key: abcd1234' -d '{json.dumps(example)}' "
                       "-H 'Content-Type: application/json'")  # fmt: skip
    recorder = Recorder()
    await gateway_of(out, recorder).send(TEXT)
    assert sent(recorder.seen[0])[name] == TEXT.reference
    both = example | {"reference": "order 4711"}
    _, out, err = doctor(f"curl https://api.example.com/sms -H 'X-Api-Key: abcd1234' -d '{json.dumps(both)}' "
                         "-H 'Content-Type: application/json'")  # fmt: skip
    assert "4711" not in out, "one of them is ours, the other is left out"
    assert "would be that of every text" in err


def test_an_id_of_something_else_is_not_sure(doctor: Any) -> None:
    _, out, err = doctor('{"from": "+48500000001", "to": "7255", "text": "Hello", "channel": {"id": "c1"}}')
    assert "? inbound id: is channel.id, though it may be that of what it lies in" in err
    assert "unsure" in out


def test_what_is_unsure_is_said(doctor: Any) -> None:
    _, out, err = doctor('{"a": "+48500000001", "b": "+48500000002", "c": "Hello there"}')
    assert "# unsure: from = " in out
    assert "? inbound from: one of a, b; say which" in err
    _, out, err = doctor("curl https://x.example/s -d 'to=+48500000001&text=hi&owner=48500000009&send_at=tomorrow'")
    assert "# unsure: owner: left out; looks like a phone number" in out
    assert "send_at: left out" in err
    _, out, err = doctor(
        "curl https://x.example/s -d 'to=+48500000001&text=hi&cc=48500000008,48500000009' -H 'X-Desk: +48500000007'"
    )
    assert "X-Desk: left out" in out
    assert "4850000000" not in out + err
    keys = "&".join(f"token{n}=tok-{n}-abcdef" for n in range(3))
    _, out, err = doctor(f"curl https://x.example/s -d 'to=+48500000001&text=hi&{keys}'")
    assert "token2: left out; a third key" in out
    assert "abcdef" not in out + err
    _, out, err = doctor("id=m1&status=17")
    assert '# unsure: statuses = {"17" = ' in out


BAD = {
    "nothing": ("", "it is empty"),
    "only lines": ("---\n---\n", "it is empty"),
    "prose": ("Please send me a text.", "neither a curl line"),
    "an answer": ("HTTP/1.1 200 OK\n\n{}", "an answer, not a request"),
    "xml": ("<sms><to>1</to></sms>", "XML"),
    "broken json": ('{"from": "+48500000001", "text": }', "JSON breaks in line 1"),
    "a list of numbers": ("[1, 2]", "no object"),
    "an open quote": ("curl https://x.example -d 'to=1", "a quote"),
    "no address": ("curl -d to=1", "no address"),
    "a body in a file": ("curl https://x.example -d @/etc/passwd", "is in a file"),
    "a form of files": ("curl https://x.example -F to=@/etc/passwd", "is a file"),
    "an option without value": ("curl https://x.example -H", "ends behind -H"),
    "no text": ("curl https://x.example -d to=+48500000001", "looks like text"),
    "no fields": ("curl https://x.example", "it has no fields"),
    "delete": ("curl -X DELETE https://x.example -d 'to=+48500000001&text=hi'", "POST, PUT or GET"),
    "no host": ("POST /send\nAuthorization: Bearer 12345678\n\nto=+48500000001&text=hi", "says no host"),
    "an address that is none": ("curl 'https://[x/' -d 'to=+48500000001&text=hi'", "address cannot be read"),
    "too large": ("{" + " " * 262_144 + "}", "more than 256 KB"),
    "bytes": (b"\xff\xfe\x00", "no UTF-8"),
    "controls": (b"to=\x00", "control characters"),
    "deep": ("[" * 100_000, "JSON"),
    "nested": ('{"a":' * 40 + "1" + "}" * 40, "nested more than"),
    "twice the same": ('{"from": "1234", "text": "a"}\n---\n{"from": "1234", "text": "b"}', "the same thing"),
    "one second": ("curl https://x.example -d 'to=+48500000001&text=hi'\n---\n?", "neither a curl line"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_an_example(case: tuple[str | bytes, str], doctor: Any) -> None:
    code, out, err = doctor(case[0])
    assert (code, out) == (2, "")
    assert case[1] in err
    assert "Traceback" not in err
    assert "48500000001" not in err.replace("+48600100200", "")


def test_files_and_names_that_are_none(doctor: Any, tmp_path: Path) -> None:
    for file in (str(tmp_path), str(tmp_path / "nothing")):
        code, _, err = doctor("", "--gateway", file)
        assert (code, "cannot be read" in err) == (2, True)
    code, _, err = doctor("{}", "--account", "A B")
    assert (code, "small letters" in err) == (2, True)


PIECES_OF_ALL = (
    "curl  -d -X POST GET -H -u -F -G --json 'a=b' to= from= text= message= &  { } [ ] \" ' : , \\ \n --- http:// https:// "
    "x.example /a ? % %zz ż {to} {x} $A <b> +48500000001 Authorization: Bearer Basic Zm9v key= HTTP/1.1 Content-Type: "
    "application/json multipart/form-data;boundary=x --x \\ud800 1e999 null true 99999999999999999999 status id"
)
PIECES = st.sampled_from(PIECES_OF_ALL.split(" "))
MADE = st.one_of(
    st.text(max_size=200),
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(PIECES, max_size=30).map(lambda p: "curl https://x.example " + " ".join(p)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["to", "from", "text", "id", "a.b", "", "status", '"', "\x7f", "key"]), inner, max_size=5)
        ),
        max_leaves=15,
    ).map(json.dumps),
    st.tuples(st.sampled_from([*(c.text for c in REQUESTS.values()), *(w.text for w in WEBHOOKS.values())]), st.integers(0, 400), st.text(max_size=9)).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]),
)  # fmt: skip


@settings(max_examples=200, derandomize=True, deadline=None)
@given(MADE)
def test_whatever_it_is_only_usage_errors_come_out(text: str) -> None:
    with suppress(UsageError):
        found = account([read(t) for t in texts(text.encode("utf-8", "replace"))])
        prove("other", written("other", found), found)
