"""The settings of docs/gateways/ load, and what each provider documents goes out and comes in as it means it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from smsbot import Bot
from smsbot.accounts import build_gateway
from smsbot.configuration import read
from smsbot.core.errors import NotUnderstood, SettingsError
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import Credentials, Outcome, WebhookRequest
from smsbot.gateways.http import Http
from smsbot.gateways.redaction import redact
from smsbot.testing.gateways import REFERENCE, TEXT
from smsbot.transport import Answer

from ..house import ANN, LINE, House
from ..processes import ROOT
from ..test_docs import blocks

FOLDER = ROOT / "docs" / "gateways"
PAGES = [
    "46elks",
    "kannel",
    "jasmin",
    "textbee",
    "didww",
    "ringcentral",
    "rapidpro",
    "vonage",
    "telnyx",
    "africastalking",
]
SECRETS = {"secret": "secret-CANARY", "hook_secret": "hook-CANARY"}
FORM = "application/x-www-form-urlencoded"
OURS = REFERENCE[:22]


class Wire:
    """Says one thing to every request, and keeps what left."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.left: list[tuple[str, str, dict[str, str], bytes]] = []

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        self.left.append((method, url, dict(headers), body))
        return self._answer

    async def close(self) -> None:
        pass


def gateway(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, wire: Wire | None = None) -> Http:
    """What a server makes of the page; of "plain", of settings that name nothing but where to send."""
    wire = wire or Wire(Answer(200, {}, b""))
    if page == "plain":
        options = {"url": "https://x.test/send", "body": {"to": "{to}", "text": "{text}"}}
        return Http(Credentials({}, options), wire)
    (block,) = blocks(FOLDER / f"{page}.md", "toml")
    (name,) = tomllib.loads(block)["accounts"]
    for variable in ("PORT", "PUBLIC_URL", "DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    for secret in needed(page):
        monkeypatch.setenv(f"SMSBOT_ACCOUNTS__{name.upper()}__{secret.upper()}", SECRETS[secret])
    (folder / "smsbot.toml").write_text(block)
    made = build_gateway(name, read(folder).accounts[name], wire)
    assert isinstance(made, Http)
    return made


def needed(page: str) -> list[str]:
    return ["secret", "hook_secret"] if page == "textbee" else ["secret"]


# -- what leaves ------------------------------------------------------------------------------------

TO, FROM, WORDS, BACK = TEXT.recipient, TEXT.sender, TEXT.text, TEXT.report_to
BASIC, BEARER = {"Authorization": "Basic *"}, {"Authorization": "Bearer *"}
LEAVES: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "46elks": ("POST", "https://api.46elks.com/a1/sms", BASIC,
               {"from": FROM, "to": TO, "message": WORDS, "whendelivered": BACK}),
    "kannel": ("GET", "http://127.0.0.1:13013/cgi-bin/sendsms", {},
               {"username": "smsbot", "password": "*", "from": FROM, "to": TO, "text": WORDS, "charset": "UTF-8",
                "coding": "2", "dlr-mask": "31",
                "dlr-url": f"{BACK}?id={REFERENCE}&status=%d&reply=%A&operator=%i"}),
    "jasmin": ("POST", "http://127.0.0.1:1401/send", {},
               {"username": "smsbot", "password": "*", "from": FROM, "to": TO, "content": WORDS, "dlr": "yes",
                "dlr-level": "3", "dlr-method": "POST", "dlr-url": BACK}),
    "textbee": ("POST", "https://api.textbee.dev/api/v1/gateway/devices/DEVICE_ID/send-sms", {"x-api-key": "*"},
                {"recipients": [TO], "message": WORDS}),
    "didww": ("POST", "https://sms-out.didww.com/outbound_messages", BASIC,
              {"data": {"type": "outbound_messages", "attributes":
                        {"destination": "48600100200", "source": "48732000111", "content": WORDS}}}),
    "ringcentral": ("POST", "https://platform.ringcentral.com/restapi/v1.0/account/~/extension/~/sms", BEARER,
                    {"from": {"phoneNumber": FROM}, "to": [{"phoneNumber": TO}], "text": WORDS}),
    "rapidpro": ("POST", "https://sms.example.org/send", {"Authorization": "Token *"},
                 {"id": REFERENCE, "text": WORDS, "to": TO, "to_no_plus": TO[1:], "from": FROM,
                  "from_no_plus": FROM[1:], "channel": "smsbot"}),
    "vonage": ("POST", "https://rest.nexmo.com/sms/json", {},
               {"api_key": "API_KEY", "api_secret": "*", "from": "48732000111", "to": "48600100200", "text": WORDS,
                "type": "unicode", "client-ref": REFERENCE, "callback": BACK}),
    "telnyx": ("POST", "https://api.telnyx.com/v2/messages", BEARER,
               {"from": FROM, "to": TO, "text": WORDS, "webhook_url": BACK}),
    "africastalking": ("POST", "https://api.africastalking.com/version1/messaging",
                       {"apiKey": "*", "Accept": "application/json"},
                       {"username": "USERNAME", "to": TO, "from": FROM, "message": WORDS}),
}  # fmt: skip
"""Of each page the request that sends `TEXT`, with ``*`` where its secret stands."""
TYPES = {"textbee": "application/json", "didww": "application/vnd.api+json", "ringcentral": "application/json",
         "telnyx": "application/json", "kannel": ""}  # fmt: skip
"""The content type of that request, where it is no form."""


@pytest.mark.parametrize("page", PAGES)
async def test_the_request_that_leaves(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(Answer(200, {}, b""))
    await gateway(page, tmp_path, monkeypatch, wire).send(TEXT)
    ((method, url, headers, body),) = wire.left
    kind, parts = headers.pop("Content-Type", ""), urlsplit(url)
    told = json.loads(body) if "json" in kind else dict(parse_qsl((body.decode() or parts.query), strict_parsing=True))
    hidden = json.loads(json.dumps([headers, told]).replace(SECRETS["secret"], "*"))
    assert (method, parts._replace(query="").geturl(), *hidden) == LEAVES[page]
    assert kind == TYPES.get(page, FORM)
    assert SECRETS["hook_secret"] not in repr(wire.left)


def test_every_page_is_listed_and_tried() -> None:
    listed = (ROOT / "docs" / "gateways.md").read_text(encoding="utf-8")
    assert sorted(PAGES) == sorted(p.stem for p in FOLDER.glob("*.md"))
    assert [p for p in PAGES if f"(gateways/{p}.md)" not in listed] == []
    assert set(LEAVES) == set(PAGES)
    for kind in ("send", "inbound", "status"):
        assert {e.page for e in EXCHANGES if e.kind == kind} >= set(PAGES), kind


@pytest.mark.parametrize("page", PAGES)
def test_each_secret_is_missed_and_named_on_its_page(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway(page, tmp_path, monkeypatch)
    (block,) = blocks(FOLDER / f"{page}.md", "toml")
    (name,) = tomllib.loads(block)["accounts"]
    for secret in needed(page):
        variable = f"SMSBOT_ACCOUNTS__{name.upper()}__{secret.upper()}"
        assert f"`{variable}`" in (FOLDER / f"{page}.md").read_text(encoding="utf-8")
        with monkeypatch.context() as without:
            without.delenv(variable)
            with pytest.raises(SettingsError, match=f"{name}.{secret}: .* the secret is missing"):
                build_gateway(name, read(tmp_path).accounts[name], Wire(Answer(200, {}, b"")))


# -- what comes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exchange:
    """What a provider says, and what it means: fields of the result, or None where it is not understood."""

    page: str
    kind: str
    name: str
    body: bytes
    means: Mapping[str, Any] | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.page}-{self.kind}-{self.name}".replace(" ", "_")


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()


def said(page: str, name: str, status: int, body: Any, outcome: Outcome, reference: str = "", **more: Any) -> Exchange:
    """An answer to a send."""
    wait = more.pop("wait", None)
    means = {"outcome": outcome, "reference": reference, "about": "", "parts": (), "retry_after": wait, **more}
    return Exchange(page, "send", name, _bytes(body), means, status, {"retry-after": str(int(wait))} if wait else {})


def came(page: str, name: str, body: Any, kind: str = "application/json", **means: Any) -> Exchange:
    """A text that comes in; without a meaning, one that is not understood."""
    return Exchange(page, "inbound", name, _bytes(body), means or None, headers={"content-type": kind})


def told(page: str, name: str, body: Any, kind: str = "application/json", **means: Any) -> Exchange:
    """A delivery report; without a meaning, one that is not understood."""
    return Exchange(page, "status", name, _bytes(body), means or None, headers={"content-type": kind})


def multipart(**fields: str) -> tuple[bytes, str]:
    lines = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    return ("".join(lines) + "--b--\r\n").encode(), "multipart/form-data; boundary=b"


def vonage(*statuses: str) -> dict[str, Any]:
    items = [
        {"to": "48600100200", "message-id": f"V{n}", "status": s}
        if s == "0"
        else {"status": s, "error-text": "reason of Vonage"}
        for n, s in enumerate(statuses)
    ]
    return {"message-count": str(len(items)), "messages": items}


def telnyx(event: str, **payload: Any) -> dict[str, Any]:
    return {
        "data": {"event_type": event, "id": "event-1", "payload": {"id": "T1", "errors": [], **payload}},
        "meta": {},
    }


def didww(kind: str, status: str, code: Any = None) -> dict[str, Any]:
    return {"data": {"type": kind, "id": "D1", "attributes": {"status": status, "code_id": code, "fragments_sent": 1}}}


def africa(*recipients: Mapping[str, Any], message: str = "Sent to 1/1") -> dict[str, Any]:
    return {"SMSMessageData": {"Message": message, "Recipients": list(recipients)}}


OK, NO, LATER, WHAT = Outcome.ACCEPTED, Outcome.REFUSED, Outcome.THROTTLED, Outcome.UNKNOWN
DONE, LOST, GONE = Status.DELIVERED, Status.FAILED, Status.UNDELIVERED
WHO = {"sender": "+48600100200", "recipient": "+48732000111"}
BARE = {"sender": "48600100200", "recipient": "48732000111"}
PERSON = {"phoneNumber": "+48600100200"}
US = {"phoneNumber": "+48732000111"}
GROUP = [{"phone_number": "+48732000111", "status": "webhook_delivered"}]

ANSWERS = [
    said("46elks", "taken", 200, {"status": "created", "id": "s1", "to": TO, "parts": 1}, OK, "s1"),
    said("46elks", "a 200 that means no", 200, {"status": "failed", "id": "s1"}, NO),
    said("46elks", "a number that is none", 400, "Invalid to number", NO),
    said("46elks", "no keys", 401, "API access requires Basic HTTP authentication", NO, about="account"),
    said("46elks", "no credit", 403, "Not enough credits", NO, about="account"),
    said("46elks", "its own fault", 500, "Internal Server Error", WHAT),
    said("kannel", "taken", 202, "0: Accepted for delivery", OK),
    said("kannel", "taken with an id", 202, "0: Accepted for delivery: 2f1c-77", OK, "2f1c-77"),
    said("kannel", "taken for later", 202, "3: Queued for later delivery", OK),
    said("kannel", "a 202 that means no", 202, "4: Not routable", NO),
    said("kannel", "full", 503, "Temporal failure, try again later.", LATER),
    said("kannel", "no password", 403, "Authorization failed for sendsms", NO, about="account"),
    said("kannel", "no password with 202", 202, "Authorization failed for sendsms", NO, about="account"),
    said("kannel", "no receiver", 400, "Missing receiver number, rejected", NO),
    said("jasmin", "taken", 200, 'Success "07033084-5cfd-4812-90a4-e4d24ffb6e3d"', OK, "07033084-5cfd-4812-90a4-e4d24ffb6e3d"),
    said("jasmin", "a 200 that means no", 200, 'Error "No route found"', NO),
    said("jasmin", "no route", 412, 'Error "No route found"', NO),
    said("jasmin", "no password", 403, 'Error "Authentication failure for username:smsbot"', NO, about="account"),
    said("jasmin", "too fast", 403, 'Error "User throughput exceeded"', LATER),
    said("jasmin", "its own fault", 500, 'Error "Cannot send submit_sm, check SMPPClientManagerPB log file for details"', WHAT),
    said("textbee", "taken", 201, {"data": {"success": True, "smsBatchId": "B1", "recipientCount": 1}}, OK, "B1"),
    said("textbee", "a 200 that means no", 200, {"data": {"success": False, "message": "device is off"}}, NO),
    said("textbee", "no key", 401, {"error": "Unauthorized"}, NO, about="account"),
    said("textbee", "too many", 429, {"message": "limit reached"}, LATER, wait=30.0),
    said("didww", "taken", 201, {"data": {"id": "D1", "type": "outbound_messages", "attributes": {"content": "x"}}}, OK, "D1"),
    said("didww", "a plus", 400, {"errors": [{"title": "Bad Request", "detail": "Invalid request", "code": "400"}]}, NO, detail="Invalid request"),
    said("didww", "no keys", 401, {"errors": [{"title": "Unauthorized", "code": "401"}]}, NO, about="account"),
    said("didww", "too fast", 429, {"errors": [{"title": "Too Many Requests"}]}, LATER),
    said("didww", "errors with 200", 200, {"errors": [{"title": "Bad Request", "detail": "Invalid request"}]}, NO),
    said("ringcentral", "taken", 200, {"id": 402406984008, "messageStatus": "Queued", "direction": "Outbound"}, OK, "402406984008"),
    said("ringcentral", "a 200 that means no", 200, {"id": 4, "messageStatus": "SendingFailed"}, NO),
    said("ringcentral", "an old token", 401, {"errors": [{"errorCode": "TokenInvalid", "message": "Token not found"}]}, NO, about="account"),
    said("ringcentral", "too fast", 429, {"errors": [{"errorCode": "CMN-301"}]}, LATER, wait=60.0),
    said("ringcentral", "its own fault", 503, "", WHAT),
    said("rapidpro", "taken", 200, "Accepted, thank you", OK),
    said("rapidpro", "taken in JSON", 200, {"id": "77", "status": "queued"}, OK, "77"),
    said("rapidpro", "a 200 that means no", 200, "Sorry: no such number", NO),
    said("rapidpro", "no token", 401, "", NO, about="account"),
    said("vonage", "taken in two parts", 200, vonage("0", "0"), OK, "V0", parts=("V1",)),
    said("vonage", "too fast", 200, vonage("1"), LATER),
    said("vonage", "wrong secret", 200, vonage("4"), NO, about="account"),
    said("vonage", "no money", 200, vonage("9"), NO, about="account"),
    said("vonage", "barred", 200, vonage("7"), NO, detail="reason of Vonage"),
    said("vonage", "the second part only", 200, vonage("0", "5"), OK, "V0"),
    said("telnyx", "taken", 200, {"data": {"id": "T1", "to": [{"status": "queued"}], "errors": []}}, OK, "T1"),
    said("telnyx", "a 200 that means no", 200, {"data": {"id": "T1", "to": [{"status": "sending_failed"}]}}, NO),
    said("telnyx", "no number", 422, {"errors": [{"code": "10002", "title": "Invalid phone number", "detail": "it is invalid"}]}, NO, detail="it is invalid"),
    said("telnyx", "no key", 401, {"errors": [{"code": "10009", "title": "Authentication failed"}]}, NO, about="account"),
    said("africastalking", "taken", 201, africa({"statusCode": 101, "status": "Success", "messageId": "ATXid_1"}), OK, "ATXid_1"),
    said("africastalking", "taken and queued", 201, africa({"statusCode": 102, "status": "Queued", "messageId": "ATXid_1"}), OK, "ATXid_1"),
    said("africastalking", "a number that is none", 201, africa({"statusCode": 403, "status": "InvalidPhoneNumber", "messageId": "None"}), NO),
    said("africastalking", "no money", 201, africa({"statusCode": 405, "status": "InsufficientBalance"}), NO, about="account"),
    said("africastalking", "nobody", 201, africa(message="InvalidSenderId"), NO),
    said("africastalking", "no key", 401, "The supplied authentication is invalid", NO, about="account"),
]  # fmt: skip

REFUSALS: dict[str, Any] = {
    "success is false": {"success": False, "message": "no"},
    "ok is false": {"ok": False},
    "an error object": {"error": {"code": 7, "message": "no"}},
    "an error text": {"error": "invalid number"},
    "a list of errors": {"errors": [{"title": "no"}]},
    "an error code": {"error_code": 101},
    "a status of error": {"status": "ERROR", "message": "no"},
    "a state in odd case": {"state": "ReJeCtEd"},
    "a result of NOK": {"result": "NOK"},
    "a type of error": {"type": "error"},
    "one message that failed": {"messages": [{"status": "failed", "id": "7"}]},
    "data that failed": {"data": {"success": False}},
    "data that is a list": {"data": [{"status": "rejected"}]},
    "a list alone": [{"status": "error", "id": "7"}],
    "a fault": {"fault": "no such route"},
    "ERROR and words": "ERROR: no such user",
    "a word alone": "rejected",
    "KO": "KO",
}
PLAIN = [
    *(said("plain", name, 200, body, NO) for name, body in REFUSALS.items()),
    said("plain", "too many with 200", 200, {"error": "Too many requests, try again"}, LATER),
    said("plain", "a web page", 200, "<!DOCTYPE html><title>Log in</title>", WHAT),
    said("plain", "no error", 200, {"id": "7", "error": "0", "errors": [], "success": True, "status": "OK"}, OK, "7"),
    said("plain", "one part of two", 200, {"messages": [{"status": "failed"}, {"status": "sent"}]}, OK),
    said("plain", "a number as id", 200, {"id": 7.0}, OK, "7"),
    said("plain", "NaN as id", 200, '{"id": NaN}', OK),
    said("plain", "half of a pair as id", 200, '{"id": "\\ud800"}', OK),
    said("plain", "an infinite number", 200, '{"id": 1e999}', OK),
    said("plain", "a long number as id", 200, '{"id": 123456789012345678901234}', OK, "123456789012345678901234"),
    said("plain", "a reason within", 400, {"response": {"messages": [{"error": "no route"}]}}, NO, detail="no route"),
    said("plain", "the text within is no reason", 400, {"data": {"message": WORDS}}, NO, detail=""),
    said("plain", "another 2xx", 207, {}, WHAT),
]

TEXTS = [
    came("46elks", "a form", "direction=incoming&id=sf1&from=%2B48600100200&to=%2B48732000111&created=2026-07-13T13%3A57%3A23.741000&message=Hi%20%26%20bye", FORM, **WHO, text="Hi & bye", gateway_id="sf1", sent_at="2026-07-13T13:57:23.741000"),
    came("kannel", "a query", "from=%2B48600100200&to=7255&text=za%C5%BC%C3%B3%C5%82%C4%87+x&id=k1&time=2026-07-13+13:57:23", FORM, sender="+48600100200", recipient="7255", text="zażółć x", gateway_id="k1", sent_at="2026-07-13 13:57:23"),
    came("kannel", "nothing written", "from=%2B48600100200&to=7255&text=&id=k1", FORM, text="", gateway_id="k1"),
    came("jasmin", "a form", "id=j1&from=48600100200&to=48732000111&origin-connector=main&coding=0&content=Hi", FORM, **BARE, text="Hi", gateway_id="j1"),
    came("textbee", "no recipient", {"event": "MESSAGE_RECEIVED", "timestamp": "x", "data": {"_id": "b1", "sender": TO, "message": "Hi", "receivedAt": "2026-01-15T10:30:00Z"}}, sender=TO, recipient="", text="Hi", gateway_id="b1", sent_at="2026-01-15T10:30:00Z"),
    came("didww", "as the page has it", {"id": "u1", "from": "48600100200", "to": "48732000111", "text": "Hi", "time": "2026-01-15 10:30:00 UTC"}, **BARE, text="Hi", gateway_id="u1", sent_at="2026-01-15 10:30:00 UTC"),
    came("ringcentral", "an event", {"uuid": "e", "event": "/restapi/v1.0/…", "body": {"id": "9", "from": PERSON, "to": [US], "subject": "Hi", "creationTime": "2026-03-10T18:07:52.534Z"}}, **WHO, text="Hi", gateway_id="9", sent_at="2026-03-10T18:07:52.534Z"),
    came("ringcentral", "the try has no body", b""),
    came("rapidpro", "from and date", "from=%2B48600100200&text=Join&date=2026-06-23T12:30:00.500Z", FORM, sender=TO, recipient="", text="Join", sent_at="2026-06-23T12:30:00.500Z"),
    came("rapidpro", "sender and time", "sender=%2B48600100200&text=Join&time=2026-06-23T12:30:00Z", FORM, sender=TO, text="Join", sent_at="2026-06-23T12:30:00Z"),
    came("rapidpro", "in many parts", *multipart(sender=TO, text="Zażółć"), sender=TO, text="Zażółć"),
    came("rapidpro", "no sender", "text=Join", FORM),
    came("vonage", "a part", {"msisdn": "48600100200", "to": "48732000111", "messageId": "V9", "text": "Hi", "type": "text", "message-timestamp": "2026-01-01 12:00:00", "concat": "true", "concat-ref": "r1", "concat-total": "2", "concat-part": "1"}, **BARE, text="Hi", gateway_id="V9", sent_at="2026-01-01 12:00:00", part=("r1", 1, 2)),
    came("vonage", "a form", "msisdn=48600100200&to=48732000111&messageId=V9&text=Hi", FORM, **BARE, text="Hi", gateway_id="V9", part=("", 0, 0)),
    came("telnyx", "an event", telnyx("message.received", **{"from": {"phone_number": TO}, "to": GROUP, "text": "Hi", "received_at": "2026-01-01T12:00:00Z", "media": [{"url": "https://x.test/1.png", "content_type": "image/png"}]}), **WHO, text="Hi", gateway_id="T1", sent_at="2026-01-01T12:00:00Z"),
    came("africastalking", "a form", "from=%2B48600100200&to=40404&text=YES&date=2026-03-06+10%3A30%3A45&id=a1&linkId=l1&networkCode=63902", FORM, sender=TO, recipient="40404", text="YES", gateway_id="a1", sent_at="2026-03-06 10:30:45"),
    came("plain", "Latin-2", "from=1&text=za%BF%F3%B3%E6", f"{FORM}; charset=ISO-8859-2", text="zażółć"),
    came("plain", "a pair in half", '{"from": "1", "text": "a\\ud83d"}', text="a?"),
    came("plain", "a long number as id", '{"from": "1", "text": "x", "id": 123456789012345678901}', gateway_id="123456789012345678901"),
    came("plain", "a long number in the text", '{"from": "1", "text": "pay, 12345678901234567890 NaN"}', text="pay, 12345678901234567890 NaN"),
    came("plain", "UTF-16", '{"from": "1", "text": "ż"}'.encode("utf-16"), "application/json; charset=utf-16", text="ż"),
]  # fmt: skip

REPORTS = [
    told("46elks", "delivered", "id=s1&status=delivered&delivered=2026-07-13T13%3A57%3A23", FORM, reference="s1", status=DONE, outgoing=""),
    told("46elks", "failed", "id=s1&status=failed", FORM, reference="s1", status=LOST),
    told("46elks", "an unknown word", "id=s1&status=eaten", FORM, reference="s1", status=None, raw="eaten"),
    told("kannel", "delivered", f"id={REFERENCE}&status=1&reply=id%3A7+stat%3ADELIVRD+err%3A000&operator=smsc1", FORM, outgoing=OURS, status=DONE, raw="1", operator="smsc1"),
    told("kannel", "failed", f"id={REFERENCE}&status=16&reply=NACK%2F11%2FInvalid+Destination&operator=smsc1", FORM, outgoing=OURS, status=LOST, detail="NACK/11/Invalid Destination"),
    told("kannel", "undelivered", f"id={REFERENCE}&status=2&reply=&operator=", FORM, outgoing=OURS, status=GONE, detail="", operator=""),
    told("kannel", "on its way", f"id={REFERENCE}&status=8", FORM, outgoing=OURS, status=Status.SENT),
    told("kannel", "an unknown number", f"id={REFERENCE}&status=66", FORM, outgoing=OURS, status=None, raw="66"),
    told("jasmin", "level 1", "id=j1&level=1&message_status=ESME_ROK&connector=c1", FORM, reference="j1", status=Status.SENT, operator="c1"),
    told("jasmin", "delivered", "id=j1&level=2&message_status=DELIVRD&id_smsc=9&sub=001&dlvrd=001&err=000&connector=c1", FORM, reference="j1", status=DONE, code="000", operator="c1"),
    told("jasmin", "failed", "id=j1&level=2&message_status=UNDELIV&err=011&connector=c1", FORM, reference="j1", status=GONE, code="011"),
    told("jasmin", "an unknown word", "id=j1&level=1&message_status=ESME_RSYSERR", FORM, reference="j1", status=None, raw="ESME_RSYSERR"),
    told("textbee", "delivered", {"event": "MESSAGE_DELIVERED", "data": {"_id": "m1", "smsBatchId": "B1"}}, reference="B1", status=DONE),
    told("textbee", "failed", {"event": "MESSAGE_FAILED", "data": {"smsBatchId": "B1", "errorCode": "4", "errorMessage": "no service"}}, reference="B1", status=LOST, code="4", detail="no service"),
    told("textbee", "an unknown word", {"event": "MESSAGE_EATEN", "data": {"smsBatchId": "B1"}}, status=None, raw="MESSAGE_EATEN"),
    told("didww", "processed", didww("outbound_message_callbacks", "Success"), reference="D1", status=Status.SENT),
    told("didww", "not routed", didww("outbound_message_callbacks", "Routing error", 101), reference="D1", status=LOST, code="101"),
    told("didww", "delivered", didww("dlr_events", "DELIVERED"), reference="D1", status=DONE),
    told("didww", "expired", didww("dlr_events", "EXPIRED"), reference="D1", status=Status.EXPIRED),
    told("didww", "an unknown word", didww("dlr_events", "EATEN"), reference="D1", status=None, raw="EATEN"),
    told("ringcentral", "delivered", {"event": "…", "body": {"id": "9", "messageStatus": "Delivered", "batchId": "b"}}, reference="9", status=DONE),
    told("ringcentral", "failed", {"event": "…", "body": {"id": "9", "messageStatus": "SendingFailed", "errorCode": "SMS-RC-413"}}, reference="9", status=LOST, code="SMS-RC-413"),
    told("ringcentral", "an unknown word", {"body": {"id": "9", "messageStatus": "Eaten"}}, status=None, raw="Eaten"),
    told("ringcentral", "a change of the list", {"body": {"changes": [{"type": "SMS", "newCount": 1}]}}),
    told("rapidpro", "delivered", f"status=delivered&id={REFERENCE}", FORM, outgoing=OURS, status=DONE),
    told("rapidpro", "failed", f"status=failed&id={REFERENCE}", FORM, outgoing=OURS, status=LOST),
    told("rapidpro", "an unknown word", f"status=wired&id={REFERENCE}", FORM, outgoing=OURS, status=None, raw="wired"),
    told("vonage", "delivered", {"msisdn": "48600100200", "messageId": "V0", "status": "delivered", "err-code": "0", "network-code": "26001", "client-ref": REFERENCE}, reference="V0", outgoing=OURS, status=DONE, code="0", operator="26001"),
    told("vonage", "failed", "msisdn=48600100200&messageId=V0&status=failed&err-code=6&network-code=26001", FORM, reference="V0", status=LOST, code="6", operator="26001"),
    told("vonage", "a word in odd case", {"messageId": "V0", "status": " Expired"}, reference="V0", status=Status.EXPIRED),
    told("vonage", "an unknown word", {"messageId": "V0", "status": "unknown"}, reference="V0", status=None, raw="unknown"),
    told("telnyx", "delivered", telnyx("message.finalized", to=[{"status": "delivered", "carrier": "Play"}]), reference="T1", status=DONE, operator="Play"),
    told("telnyx", "failed", telnyx("message.finalized", to=[{"status": "delivery_failed", "carrier": ""}], errors=[{"code": "40008", "title": "Undeliverable"}]), reference="T1", status=GONE, code="40008", detail="Undeliverable"),
    told("telnyx", "an unknown word", telnyx("message.finalized", to=[{"status": "eaten"}]), reference="T1", status=None, raw="eaten"),
    told("africastalking", "delivered", "id=ATXid_1&status=Success&phoneNumber=%2B48600100200&networkCode=63902&retryCount=0", FORM, reference="ATXid_1", status=DONE, operator="63902"),
    told("africastalking", "failed", "id=ATXid_1&status=Rejected&networkCode=63902&failureReason=UserInBlackList", FORM, reference="ATXid_1", status=LOST, code="UserInBlackList"),
    told("africastalking", "an unknown word", "id=ATXid_1&status=Eaten", FORM, reference="ATXid_1", status=None, raw="Eaten"),
    told("plain", "in many parts", *multipart(id="7", status="dElIvRd"), reference="7", status=DONE, raw="dElIvRd"),
]  # fmt: skip
EXCHANGES = [*ANSWERS, *PLAIN, *TEXTS, *REPORTS]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: e.id)
async def test_what_providers_say_means(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(Answer(exchange.status, exchange.headers, exchange.body))
    made = gateway(exchange.page, tmp_path, monkeypatch, wire)
    found: Any
    if exchange.kind == "send":
        found = await made.send(TEXT)
        assert "CANARY" not in repr(found)
    else:
        request = signed(made, WebhookRequest("main", exchange.body, exchange.headers))
        assert made.genuine(request)
        if exchange.means is None:
            with pytest.raises(NotUnderstood):
                made.hooks[exchange.kind](request)
            return
        (found,) = made.hooks[exchange.kind](request)
        assert isinstance(found, Arrival if exchange.kind == "inbound" else Receipt)
    assert exchange.means is not None
    assert {name: getattr(found, name) for name in exchange.means} == exchange.means


def signed(made: Http, request: WebhookRequest) -> WebhookRequest:
    """The webhook with the proof of textbee, which others do not look at."""
    proof = hmac.digest(SECRETS["hook_secret"].encode(), request.body, hashlib.sha256).hex()
    return replace(request, headers={**request.headers, "x-signature": proof})


def test_there_are_enough_of_each() -> None:
    wrong = [e for e in EXCHANGES if e.kind == "send" and e.status < 300 and e.means and e.means["outcome"] is NO]
    assert len(EXCHANGES) == len({e.id for e in EXCHANGES}) >= 40
    assert len({e.body for e in wrong}) >= 12


SAYS_NO = [
    '{"status":false,"reason":"insufficient balance"}', '{"success":"false","message":"no credit"}', "ERROR:101",
    '{"success":0,"message":"no credit"}', '{"Status":"Failed","Message":"no balance"}', '{"Success":false}',
    '{"messages":[{"messageId":"m1","status":{"groupId":5,"groupName":"REJECTED","name":"REJECTED_NETWORK"}}]}',
    '{"ErrorCode":"13","ErrorMessage":"Invalid destination","JobId":null}', '{"code":401,"message":"Unauthorized"}',
    '{"statusCode":400,"message":"Bad number"}', '{"status":"ERROR: no credit"}', '{"id":"1","status":"undelivered"}',
    '{"data":{"id":"x","to":[{"phone_number":"+1","status":"sending_failed"}],"errors":[]}}', "Unauthorized",
    '<?xml version="1.0"?><response><status>error</status><message>bad key</message></response>',
    '\ufeff{"status":"error"}', '{"messages":[]}', '{"sent":0,"failed":1}', '{"result":{"status":"invalid number"}}',
    "<response><error>Invalid login</error></response>", '{"Response":{"Status":"NOK"}}', '{"httpCode":503}',
]  # fmt: skip
SAYS_YES = [
    '{"ErrorCode":"000","ErrorMessage":"Success","JobId":"1"}', '{"errorCode":"00","id":"1"}', "0: Accepted for delivery",
    '{"error":"No errors","id":"1"}', '{"error_message":"Success.","id":"1"}', '{"id":"1","status":"accepted","sent":false}',
    '{"error":{"code":"0","message":"No error"},"id":"1"}', '{"message":"message(s) queued","message_uuid":["u"]}',
    '{"messages":[{"status":"0","message-id":"1"}]}', '{"id":"5","message":{"text":"x","error":false}}', "",
    '{"code":200,"data":{"id":"1"}}', '{"batch":"b","messages":[],"status":"queued"}', '{"id":"1","code":450}',
    '{"errorCode":"0000","id":"1"}', '{"error":"NO_ERROR"}', '{"error":"0: OK"}', '{"errors":[{}],"id":"1"}', '{"id":"1","errors":[],"failed":0}', "<response><status>success</status></response>",
    '{"messages":[{"id":"1","status":{"groupName":"PENDING","name":"PENDING_ACCEPTED"}}]}', "OK: 12345",
]  # fmt: skip


@pytest.mark.parametrize("body", [*SAYS_NO, *SAYS_YES])
async def test_a_200_is_believed_only_where_it_says_yes(body: str) -> None:
    options = {"url": "https://x.test/s", "body": {"to": "{to}", "text": "{text}"}}
    made = Http(Credentials({}, options), Wire(Answer(200, {}, body.encode())))
    found = await made.send(TEXT)
    assert (found.outcome is Outcome.ACCEPTED) is (body in SAYS_YES), found.detail


def test_a_redacted_report_names_nobody() -> None:
    told = {
        "number": "+48 600 100 200", "recipientNum": "+1 (555) 123-4567", "event": "Ann Kowalska", "messageType": "Ann K",
        "statusText": "your code is 12345", "codeword": "sesame", "+48600100200": "delivered", "status": "DELIVRD",
        "errorCode": 30003, "network_code": "26002",
    }  # fmt: skip
    kept = json.dumps(redact(json.dumps(told).encode(), {"content-type": "application/json"})["body"])
    for canary in ("600 100", "600100", "555", "Ann", "12345", "sesame"):
        assert canary not in kept, kept
    for shown in ("DELIVRD", "30003", "26002"):
        assert shown in kept


def test_a_picture_that_came_with_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = next(e for e in TEXTS if e.page == "telnyx")
    (text,) = gateway("telnyx", tmp_path, monkeypatch).hooks["inbound"](WebhookRequest("main", exchange.body))
    assert isinstance(text, Arrival)
    assert [(m.url, m.type) for m in text.media] == [("https://x.test/1.png", "image/png")]


def test_a_forged_report_of_textbee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = gateway("textbee", tmp_path, monkeypatch)
    request = signed(made, WebhookRequest("main", b'{"event": "MESSAGE_DELIVERED"}'))
    assert made.genuine(request)
    assert not made.genuine(replace(request, body=request.body + b" "))
    assert not made.genuine(replace(request, headers={}))


# -- rules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "body", "refused"),
    [
        ({"code": ["!100", "!101"]}, {"code": 101}, False),
        ({"code": ["!100", "!101"]}, {"code": 403}, True),
        ({"code": ["!100", "7"]}, {"code": 7}, True),
        ({"code": ["!100", "7"]}, {"code": 100}, False),
        ({"code": "!0"}, {"id": "1"}, False),
        ({"ok": "false"}, {"ok": False}, True),
        ({"*": ["!ok", "!queued"]}, "QUEUED 7", False),
        ({"*": ["!ok", "!queued"]}, "no such user", True),
        ({"*": ["!ok", "!queued"]}, "", False),
        ({"*": ["!ok", "!queued"]}, {"id": "1"}, False),
    ],
)
async def test_words_that_mean_everything_else(rule: dict[str, Any], body: Any, refused: bool) -> None:
    options = {"url": "https://x.test", "body": {"to": "{to_bare}", "text": "{text}"}, "refused": rule}
    result = await Http(Credentials({}, options), Wire(Answer(200, {}, _bytes(body)))).send(TEXT)
    assert result.outcome is (NO if refused else OK)


# -- poison -----------------------------------------------------------------------------------------

CHARSETS = ["utf-7", "punycode", "idna", "unicode_escape", "rot13", "base64", "undefined", "..", "aliases", "x" * 5000]
FIELDS = '"from": "1", "status": "sent", "text": "%s", "id": "7"'
POISON: dict[str, tuple[bytes, str]] = {
    **{f"JSON in {c[:9]}": (b"{%s}" % FIELDS.encode(), f"application/json; charset={c}") for c in CHARSETS},
    **{f"a form in {c[:9]}": (b"from=1&text=xn--a&id=7&status=1", f"{FORM}; charset={c}") for c in CHARSETS},
    "a long label in punycode": (b"from=1&text=" + b"a-" * 30_000, f"{FORM}; charset=punycode"),
    "half of a pair": (b"{%s}" % (FIELDS % "\\ud800").encode(), "application/json"),
    "half of a pair beside a long number": (b'{%s, "x": %s}' % ((FIELDS % "\\udfff").encode(), b"9" * 30), "application/json"),
    "half of a pair as a name": (b'{"\\udfff": 1, %s}' % FIELDS.encode(), "application/json"),
    "half of a pair in a form": (b"from=1&text=%ED%A0%80&id=7&status=sent", FORM),
    "broken UTF-8": (b'{"from": "1", "text": "\xff", "id": "\xc0", "status": "\xed\xa0\x80"}', "application/json"),
    "NaN": (b'{"from": "1", "text": "x", "status": "sent", "id": NaN}', "application/json"),
    "infinity": (b'{"from": "1", "text": "x", "status": "sent", "id": 1e999}', "application/json"),
    "minus infinity": (b'{"from": "1", "text": "x", "status": "sent", "id": -Infinity}', "application/json"),
    "a long number": (b'{"from": "1", "text": "x", "status": "sent", "id": %s}' % (b"9" * 9000), "application/json"),
    **{f"{n} lists": (b'{%s, "x": %s%s}' % (FIELDS.encode(), b"[" * n, b"]" * n), "application/json") for n in (90, 900, 1020, 30_000)},
    **{f"{n} objects": (b'{%s, "x": %s1%s}' % (FIELDS.encode(), b'{"a":' * n, b"}" * n), "application/json") for n in (90, 900, 1000)},
    "no part": (b"--b", "multipart/form-data"),
    "a part without a name": (b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    "a part in no base64": (b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n=X\r\n--b--\r\n', "multipart/form-data; boundary=b"),
    "too many fields": (b"a=1&" * 300, FORM),
    "nothing": (b"", "application/json"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["inbound", "status"])
@pytest.mark.parametrize("name", POISON)
def test_poison_is_read_at_once_or_not_understood(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, (body, content_type) = gateway("plain", tmp_path, monkeypatch), POISON[name]

    def once() -> float:
        begun = time.perf_counter()
        try:
            found = made.hooks[kind](WebhookRequest("main", body, {"content-type": content_type}))
        except NotUnderstood:
            found = []
        spent = time.perf_counter() - begun
        for value in (v for each in found for v in astuple(each)):
            str(value).encode()  # nothing in it that no store can keep
        return spent

    assert min(once() for _ in range(5)) < 0.005
    redact(body, {"content-type": content_type})


# -- what bodies are called, and what they are ------------------------------------------------------

JSON_TEXT = b'{"id": "7", "from": "+48600100200", "to": "7255", "text": "a=1&b [x]"}'
FORM_TEXT = b"id=7&from=%2B48600100200&to=7255&text=a%3D1%26b+%5Bx%5D"
CALLED = {
    "JSON called a form": (JSON_TEXT, FORM),
    "JSON called a form, after spaces": (b" \r\n" + JSON_TEXT, FORM + "; charset=utf-8"),
    "JSON called a form, a pair cut in half": (JSON_TEXT[:-1] + b', "x": "\\ud83d"}', FORM),
    "JSON called a form, in Windows letters": (JSON_TEXT[:-1] + b', "x": "caf\xe9"}', FORM),
    "JSON called a form, with a mark before it": (b"\xef\xbb\xbf" + JSON_TEXT, FORM),
    "JSON called a form, with fields of others in it": (
        JSON_TEXT[:-1] + b', "x": "\\ud83d&id=8&from=%2B48600100300&to=7255&text=STOP&z="}',
        FORM,
    ),
    "a list called a form": (b"[%s]" % JSON_TEXT, FORM),
    "JSON called text": (JSON_TEXT, "text/plain"),
    "JSON called nothing": (JSON_TEXT, ""),
    "a form called nothing": (FORM_TEXT, ""),
    "a form called text": (FORM_TEXT, "text/plain; charset=utf-8"),
    "a form called bytes": (FORM_TEXT, "application/octet-stream"),
    "a form with brackets, called nothing": (b"x[0]=1&" + FORM_TEXT, ""),
    "a form that begins like JSON": (b"%7Bx=1&" + FORM_TEXT, FORM),
    "a form whose first name is a brace": (b"{=1&" + FORM_TEXT, FORM),
}


@pytest.mark.parametrize("name", CALLED)
def test_a_body_is_read_as_what_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body, called = CALLED[name]
    headers = {"content-type": called} if called else {}
    (found,) = gateway("plain", tmp_path, monkeypatch).hooks["inbound"](WebhookRequest("main", body, headers))
    assert isinstance(found, Arrival)
    assert (found.sender, found.text, found.gateway_id) == ("+48600100200", "a=1&b [x]", "7")


@pytest.mark.parametrize("called", [FORM, "", "application/json"])
def test_what_is_kept_of_a_body_names_nobody_whatever_it_is_called(called: str) -> None:
    body = b'{"from": "+48600100200", "text": "I am Anna & my husband Jan Nowak = ill \\ud83d"}'
    kept = str(redact(body, {"content-type": called}))
    assert not re.search("Anna|Jan|Nowak|600100200", kept), kept


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"caf%E9", "café"),
        (b"caf\xe9", "café"),
        (b"caf%C3%A9", "café"),
        ("café".encode(), "café"),
        (b"%80+5", "€ 5"),
        (b"za%C5%BC%C3%B3%C5", "zażó\N{REPLACEMENT CHARACTER}"),  # cut within a letter: the others tell
        (b"a%ED%A0%80", "aí\xa0€"),
    ],
)
def test_letters_of_no_charset_are_windows(
    written: bytes, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = gateway("plain", tmp_path, monkeypatch)
    body = b"id=7&from=%2B48600100200&text=" + written
    (found,) = made.hooks["inbound"](WebhookRequest("main", body, {"content-type": FORM}))
    assert isinstance(found, Arrival)
    assert found.text == text
    if b"%" not in written:
        body = b'{"id": "7", "from": "+48600100200", "text": "%s"}' % written
        (found,) = made.hooks["inbound"](WebhookRequest("main", body, {"content-type": "application/json"}))
        assert isinstance(found, Arrival)
        assert found.text == text


# -- through the server -----------------------------------------------------------------------------


def bot() -> Bot:
    made = Bot()
    made.fallback(lambda text: f"got {text}")
    return made


async def serving(house: Any, page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A server whose webhooks are read by the settings of a page."""
    made = gateway(page, folder, monkeypatch)
    h: House = await house(bot())
    h.app.gateways["sandbox"] = made
    return h


@pytest.mark.parametrize(
    ("page", "query", "form", "text"),
    [
        ("kannel", {"from": ANN, "to": LINE, "text": "zażółć & x", "id": "k1"}, None, "zażółć & x"),
        ("vonage", {"msisdn": "48600100200", "to": "48732000111", "text": "Hi", "messageId": "V1"}, None, "Hi"),
        ("rapidpro", {"sender": ANN, "text": "Join", "date": "2026-06-23T12:30:00Z"}, None, "Join"),
        ("46elks", {}, {"from": ANN, "to": LINE, "message": "Hej", "id": "s1"}, "Hej"),
        ("jasmin", {"to": LINE}, {"from": "48600100200", "content": "Hi", "id": "j1"}, "Hi"),
    ],
)
async def test_a_text_by_query_and_form(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, query: dict[str, str], form: Any, text: str
) -> None:
    """It is taken once however often it comes, and the provider is told nothing that it would send to the person."""
    h = await serving(house, page, tmp_path, monkeypatch)
    for _ in range(2):
        answer = await h.http.request("POST" if form else "GET", h.hook("inbound"), params=query, data=form)
        said = b"ACK/Jasmin" if page == "jasmin" else b""
        assert (answer.status_code, answer.content) == (200, said)
        assert answer.headers["content-type"] == "text/plain"
    await h.settle()
    assert [(e["number"], e["line"], e["text"]) for e in await h.events()] == [(ANN, LINE, text)]


@pytest.mark.parametrize(
    ("page", "query", "form", "status"),
    [
        ("kannel", {"id": "*", "status": "1", "reply": "ok"}, None, "delivered"),
        ("rapidpro", {"status": "failed"}, {"id": "*"}, "failed"),
        ("vonage", {"messageId": "V1", "client-ref": "*", "status": "expired"}, None, "expired"),
        ("jasmin", {}, {"id": "j1", "message_status": "DELIVRD"}, ""),
    ],
)
async def test_a_report_by_query_and_form(
    house: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    query: dict[str, str],
    form: Any,
    status: str,
) -> None:
    """Where the page gives our id along, a report finds its text."""
    h: House = await house(bot())
    await h.mode(ANN, "off")
    await h.text(ANN, "x")
    (owed,) = await h.outgoing()
    h.app.gateways["sandbox"] = gateway(page, tmp_path, monkeypatch)
    reference = f"{owed['id'].hex() if isinstance(owed['id'], bytes) else owed['id']}-1"
    fill = {k: v.replace("*", reference) for k, v in query.items()}
    data = {k: v.replace("*", reference) for k, v in form.items()} if form else None
    answer = await h.http.request("POST" if form else "GET", h.hook("status"), params=fill, data=data)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain")
    await h.settle()
    (after,) = await h.outgoing()
    assert after["status"] == (status or owed["status"])


async def test_the_try_of_ringcentral_is_answered_with_its_token(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = await serving(house, "ringcentral", tmp_path, monkeypatch)
    answer = await h.http.post(h.hook("inbound"), headers={"Validation-Token": "t-1"})
    assert (answer.status_code, answer.headers["validation-token"], answer.content) == (200, "t-1", b"")
    assert len(await h.app.store.rows("quarantined", account="", limit=9)) == 1
    body = {"body": {"id": "9", "from": {"phoneNumber": ANN}, "to": [{"phoneNumber": LINE}], "subject": "Hi"}}
    answer = await h.http.post(h.hook("inbound"), json=body)
    assert "validation-token" not in answer.headers
    await h.settle()
    assert [e["text"] for e in await h.events()] == ["Hi"]


async def test_what_a_webhook_is_answered_can_be_set(house: Any) -> None:
    options = {"url": "https://x.test", "body": {"to": "{to}", "text": "{text}"}, "hook_answer": "<Response/>",
               "hook_answer_type": "text/xml"}  # fmt: skip
    h: House = await house(bot())
    h.app.gateways["sandbox"] = Http(Credentials({}, options), Wire(Answer(200, {}, b"")))
    for query in ({"from": ANN, "to": LINE, "text": "x"}, {"nothing": "1"}):
        answer = await h.http.get(h.hook("inbound"), params=query)
        assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, "text/xml", "<Response/>")


async def test_a_query_beside_a_body_that_is_no_form_is_left_alone(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = await serving(house, "vonage", tmp_path, monkeypatch)
    body = {"msisdn": "48600100200", "to": "48732000111", "text": "Hi", "messageId": "V1"}
    assert (await h.http.post(h.hook("inbound"), params={"text": "forged"}, json=body)).status_code == 200
    await h.settle()
    assert [e["text"] for e in await h.events()] == ["Hi"]


async def test_a_body_that_is_too_deep_is_kept_and_not_asked_for_again(
    house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = await serving(house, "vonage", tmp_path, monkeypatch)
    for kind in ("inbound", "status"):
        body = b'{"msisdn": "1", "text": "x", "messageId": "V1", "status": "sent", "x": %s%s}' % (
            b"[" * 900,
            b"]" * 900,
        )
        headers = {"content-type": "application/json"}
        assert (await h.http.post(h.hook(kind), content=body, headers=headers)).status_code == 200
    assert len(await h.app.store.rows("quarantined", account="", limit=9)) == 2
