"""Twilio's signature as Twilio's own library checks it, and lists of messages."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest

from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import WebhookRequest
from smsbot.gateways.twilio import Twilio, sign
from smsbot.testing.scripted import answers, scripted
from smsbot.transport import HttpxTransport

from ..conftest import leave_out

TOKEN = "12345"
URL = "https://bots.example.org/hooks/main/s3cret/inbound"
FIELDS = {"From": "+48600100200", "To": "+48732000111", "Body": "Cześć & = + %20 ☺", "MessageSid": "SM1", "Empty": ""}
BODY = urlencode(FIELDS)


class Fields(dict[str, list[str]]):
    """A form as web frameworks hand it to Twilio's library."""

    def __init__(self, body: str) -> None:
        super().__init__(parse_qs(body, keep_blank_values=True))

    def getlist(self, name: str) -> list[str]:
        return self[name]

    def pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self.items() for value in values]


def signed(body: str, url: str = URL, token: str = TOKEN) -> str:
    return sign(token.encode(), url, Fields(body).pairs()).decode()


JSON = '{"a": 1}'
JSON_URL = f"{URL}?bodySHA256={hashlib.sha256(JSON.encode()).hexdigest()}"


def requests() -> list[tuple[str, str, str, str]]:
    """Name, address, body and signature of forty requests: genuine ones, then what somebody changed."""
    good, port, long = signed(BODY), "https://bots.example.org:8443/hooks/main/x/inbound", BODY + "&Extra=1" * 20
    repeated = BODY + "&Media=b&Media=a&Media=b"
    made: list[tuple[str, str, str, str]] = [
        ("good", URL, BODY, good),
        ("another order", URL, "&".join(reversed(BODY.split("&"))), good),
        ("signed with the standard port", URL, BODY, signed(BODY, URL.replace(".org", ".org:443"))),
        ("called with the standard port", URL.replace(".org", ".org:443"), BODY, good),
        ("a port of its own", port, BODY, signed(BODY, port)),
        ("a port of its own, signed without", port, BODY, signed(BODY, port.replace(":8443", ""))),
        ("with a query", URL + "?a=b&c=d", BODY, signed(BODY, URL + "?a=b&c=d")),
        ("with an escaped query", URL + "?a=%20b", BODY, signed(BODY, URL + "?a=%20b")),
        ("fields repeated", URL, repeated, signed(repeated)),
        ("many fields", URL, long, signed(long)),
        ("no fields", URL, "", signed("")),
        ("http", URL.replace("https", "http"), BODY, signed(BODY, URL.replace("https", "http"))),
        (
            "http with port 80",
            URL.replace("https", "http"),
            BODY,
            signed(BODY, URL.replace("https://bots.example.org", "http://bots.example.org:80")),
        ),
        ("json", JSON_URL, JSON, sign(TOKEN.encode(), JSON_URL, []).decode()),
        ("plus and space", URL, "Body=a+b&From=%2B1", signed("Body=a+b&From=%2B1")),
        ("a field of nothing", URL, "=&a=1", signed("=&a=1")),
    ]
    made += [
        ("no signature", URL, BODY, ""),
        ("one bit", URL, BODY, ("A" if good[0] != "A" else "B") + good[1:]),
        ("another case", URL, BODY, good.swapcase()),
        ("cut", URL, BODY, good[:-1]),
        ("longer", URL, BODY, good + "="),
        ("spaces around", URL, BODY, f" {good} "),
        ("hex", URL, BODY, good.encode().hex()),
        ("another token", URL, BODY, signed(BODY, token="54321")),
        ("a changed value", URL, BODY.replace("48600", "48601"), good),
        ("a changed name", URL, BODY.replace("From", "Form"), good),
        ("a field more", URL, BODY + "&x=1", good),
        ("a field less", URL, BODY.partition("&")[2], good),
        ("values swapped", URL, urlencode(FIELDS | {"From": FIELDS["To"], "To": FIELDS["From"]}), good),
        ("another host", URL.replace("bots", "b0ts"), BODY, good),
        ("another path", URL.replace("inbound", "status"), BODY, good),
        ("another scheme", URL.replace("https", "http"), BODY, good),
        ("another port", URL.replace(".org", ".org:444"), BODY, signed(BODY, URL.replace(".org", ".org:445"))),
        ("a query more", URL + "?x=1", BODY, good),
        ("a slash more", URL + "/", BODY, good),
        ("path in capitals", URL.replace("hooks", "HOOKS"), BODY, good),
        ("json of another body", JSON_URL, JSON.replace("1", "2"), sign(TOKEN.encode(), JSON_URL, []).decode()),
        ("json with another hash", JSON_URL[:-1] + ("0" if JSON_URL[-1] != "0" else "1"), JSON, sign(TOKEN.encode(), JSON_URL, []).decode()),
        ("json without its hash", URL, JSON, sign(TOKEN.encode(), JSON_URL, []).decode()),
        ("text after the blank field", URL, BODY + "x", good),
    ]  # fmt: skip
    return made


def ours(url: str, body: str, signature: str, settings: str = "") -> bool:
    gateway = Twilio("AC1", (TOKEN,), HttpxTransport())
    headers = {"x-twilio-signature": signature, "x-twilio-webhooks-signature-settings": settings}
    return gateway.genuine(WebhookRequest("main", body.encode(), headers, url))


GENUINE = 16


def test_the_table_tells_genuine_from_forged() -> None:
    table = requests()
    assert len(table) == 40
    assert [name for name, url, body, signature in table if ours(url, body, signature)] == [
        n for n, *_ in table[:GENUINE]
    ]


@pytest.mark.needs("twilio")
def test_twilios_own_library_says_the_same() -> None:
    try:
        from twilio.request_validator import RequestValidator  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        leave_out("twilio", "the package twilio")
    validator = RequestValidator(TOKEN)
    for name, url, body, signature in requests():
        params: Any = body if "bodySHA256" in url else Fields(body)
        assert ours(url, body, signature) == validator.validate(url, params, signature), name
        newer = sign(TOKEN.encode(), url, Fields(body).pairs(), "sha256").decode()
        if "bodySHA256" not in url:
            assert validator.validate(url, params, newer, "HMAC_SHA256"), name
            assert ours(url, body, newer, "key=k,algorithm=HMAC_SHA256"), name
            assert not ours(url, body, newer), name
            assert not ours(url, body, newer, "algorithm=HMAC_MD5"), name


def message(**more: object) -> dict[str, object]:
    made = "Wed, 25 Nov 2026 10:00:00 +0000"
    return {"sid": "SM1", "status": "received", "direction": "inbound", "from": "+48600100200", "to": "+48732000111",
            "body": "hi", "date_created": made, **more}  # fmt: skip


async def test_what_no_webhook_brought_is_listed() -> None:
    """Texts to us and reports of ours, over pages, none older than asked for."""
    first = {"messages": [message(), message(sid="SM8", body="first"), message(sid="SM0", date_created="Tue, 24 Nov 2026 10:00:00 +0000")],
             "next_page_uri": "/2010-04-01/Accounts/AC1/Messages.json?Page=1"}  # fmt: skip
    earlier = message(sid="SM2", body="bye", date_created="Wed, 25 Nov 2026 09:59:00 +0000")
    second = {"messages": [earlier, message(sid="SM9", **{"from": ""})], "next_page_uri": None}
    sent = {"messages": [message(sid="SM3", direction="outbound-reply", status="undelivered", error_code=30003)]}
    pages = iter((first, second, sent))

    async def script(reader: Any, writer: Any, request: bytes) -> None:
        await answers(200, next(pages))(reader, writer, request)

    transport = HttpxTransport()
    async with scripted(script) as provider:
        gateway = Twilio("AC1", (TOKEN,), transport, base_url=provider.url)
        found = await gateway.catch_up("main", ["+48732000111"], 1_795_590_000.0)
    await transport.close()
    assert found == [
        Arrival("main", "+48600100200", "+48732000111", "bye", "SM2", late=1_795_600_740.0),
        Receipt("main", "SM3", Status.UNDELIVERED, "undelivered", detail="error 30003"),
        Arrival("main", "+48600100200", "+48732000111", "first", "SM8", late=1_795_600_800.0),
        Arrival("main", "+48600100200", "+48732000111", "hi", "SM1", late=1_795_600_800.0),
    ]
    assert [b"To=%2B48732000111" in r for r in provider.requests] == [True, False, False]
    assert b"Page=1" in provider.requests[1]
