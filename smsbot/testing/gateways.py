"""The conformance suite of gateways: state what yours does, and each statement is held against its code.

::

    class TestMine(GatewaySuite):
        spec = GatewaySpec(
            make=lambda url, transport: Mine(url, "key", transport),
            request=Expected("POST", "/send", {"to": "+48600100200", ...}),
            answers=[Case("taken", answers(200, {"id": "7"}), Outcome.ACCEPTED, "7"), ...],
            ...
        )

Every test talks to a provider on a real socket. What every provider can do to a sender (resets, half
answers, a byte a second, silence, redirects, nonsense) is tried on each gateway without being stated.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

from smsbot.core.errors import NotUnderstood
from smsbot.core.message import Arrival, Receipt
from smsbot.core.status import Status
from smsbot.gateways.base import Gateway, Outbound, Outcome, Proof, Search, WebhookRequest
from smsbot.transport import Transport, transport_of_server

from .scripted import Script, answers, drips, says, scripted

REFERENCE = "0123456789abcdef012345-1"
TEXT = Outbound("+48732000111", "+48600100200", "Zażółć & 1=1", REFERENCE, 3600.0, "https://x.test/hooks/main/s/status")
"""The text that every gateway is given to send."""
KEY_CANARY = "CANARY"
"""Put it into the secrets: no result, error or representation may hold it."""


@dataclass(frozen=True)
class Expected:
    """The one request that sends `TEXT`."""

    method: str
    path: str
    body: Mapping[str, Any]
    """The fields of the JSON object, or of the form."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """An answer of the provider to a send, and its meaning."""

    name: str
    script: Script
    outcome: Outcome
    reference: str = ""
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True)
class Found:
    """An answer to a look-up, and its meaning."""

    name: str
    script: Script
    found: bool | None
    status: Status | None = None


@dataclass(frozen=True)
class GatewaySpec:
    """The behaviour of a gateway, as its maker states it."""

    make: Callable[[str, Transport], Gateway]
    """A gateway that talks to this address; give it a time limit of half a second."""
    request: Expected
    answers: Sequence[Case]
    lookups: Sequence[Found] = ()
    inbound: Sequence[tuple[WebhookRequest, Arrival]] = ()
    """Genuine webhooks and the texts in them (`raw` is not compared)."""
    reports: Sequence[tuple[WebhookRequest, Receipt]] = ()
    forged: Sequence[WebhookRequest] = ()
    """Webhooks that must be refused."""
    strange: Sequence[WebhookRequest] = ()
    """Genuine ones that cannot be understood: they belong into quarantine."""


FAULTS: Mapping[str, tuple[Script, Outcome]] = {
    "reset after the body": (says(b"", then="reset"), Outcome.UNKNOWN),
    "closed after the body": (says(b""), Outcome.UNKNOWN),
    "half an answer": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), Outcome.UNKNOWN),
    "half a head": (says(b"HTTP/1.1 20"), Outcome.UNKNOWN),
    "nonsense": (says(b"\x00\x01\x02 hello\r\n\r\n"), Outcome.UNKNOWN),
    "silence": (says(b"HTTP/1.1 200 OK\r\n", then="hang"), Outcome.UNKNOWN),
    "a byte from time to time": (drips(), Outcome.UNKNOWN),
    "too much": (answers(200, b" " * 300_000), Outcome.UNKNOWN),
    "500": (answers(500, b""), Outcome.UNKNOWN),
    "503 in HTML": (answers(503, b"<html>"), Outcome.UNKNOWN),
    "408": (answers(408, b""), Outcome.UNKNOWN),
    "301": (answers(301, b"", "Location: http://127.0.0.1:1/\r\n"), Outcome.REFUSED),
    "302 to no address": (answers(302, b"", "Location: mailto:ops@example.org\r\n"), Outcome.REFUSED),
    "400": (answers(400, b"{}"), Outcome.REFUSED),
    "401": (answers(401, b"no"), Outcome.REFUSED),
    "204": (answers(204, b""), Outcome.UNKNOWN),
    "429": (answers(429, b"slow down", "Retry-After: 7\r\n"), Outcome.THROTTLED),
    "deep JSON": (answers(500, b"[" * 100_000), Outcome.UNKNOWN),
}
"""The faults that any provider, or the network, may do to any sender."""


class GatewaySuite:
    """Subclass it as ``TestSomething`` with a `spec`."""

    spec: ClassVar[GatewaySpec]

    @pytest_asyncio.fixture
    async def transport(self) -> Any:
        """The transport that sends the requests."""
        made = transport_of_server()
        yield made
        await made.close()

    @pytest.mark.asyncio
    async def test_the_request(self, transport: Transport) -> None:
        """The request is the one that the provider documents."""
        want = self.spec.request
        async with scripted(answers(500, b"")) as provider:
            await self.spec.make(provider.url, transport).send(TEXT)
        head, _, body = provider.requests[0].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        method, target, _ = lines[0].split(" ")
        assert (method, urlsplit(target).path) == (want.method, want.path)
        is_json = "json" in headers.get("content-type", "")
        query = body.decode() or urlsplit(target).query
        sent = json.loads(body) if is_json else dict(parse_qsl(query, keep_blank_values=True))
        assert sent == want.body
        assert {k: headers.get(k.lower()) for k in want.headers} == dict(want.headers)

    @pytest.mark.asyncio
    async def test_answers(self, transport: Transport) -> None:
        """Each answer means what was stated."""
        for case in self.spec.answers:
            async with scripted(case.script) as provider:
                gateway = self.spec.make(provider.url, transport)
                result = await gateway.send(TEXT)
            told = (case.name, result)
            assert (result.outcome, result.reference) == (case.outcome, case.reference), told
            assert case.detail in result.detail, told
            if case.retry_after is not None:
                assert result.retry_after == case.retry_after, told
            assert KEY_CANARY not in repr(result) + repr(gateway), case.name
            assert len(provider.requests) == 1, f"{case.name}: a send is never repeated by the transport"

    @pytest.mark.parametrize("name", FAULTS)
    @pytest.mark.asyncio
    async def test_faults(self, transport: Transport, name: str) -> None:
        """Faults of networks are told apart into sent, not sent, and unknown; within the time limit; once."""
        script, outcome = FAULTS[name]
        began = time.monotonic()
        async with scripted(script) as provider:
            result = await self.spec.make(provider.url, transport).send(TEXT)
        assert result.outcome is outcome, result
        assert len(provider.requests) == 1
        assert time.monotonic() - began < 5
        assert KEY_CANARY not in repr(result)

    @pytest.mark.asyncio
    async def test_nobody_there(self, transport: Transport) -> None:
        """A refused connection was definitely not sent."""
        async with scripted(says(b"")) as provider:
            pass
        result = await self.spec.make(provider.url, transport).send(TEXT)
        assert result.outcome is Outcome.UNREACHABLE

    @pytest.mark.asyncio
    async def test_look_ups(self, transport: Transport) -> None:
        """A gateway that claims to look texts up finds them, misses them, and says when it cannot tell."""
        claims = self.spec.make("http://127.0.0.1:1", transport).claims
        assert bool(self.spec.lookups) == claims.can_look_up, "state what look-ups find, or claim none"
        for case in self.spec.lookups:
            async with scripted(case.script) as provider:
                result = await self.spec.make(provider.url, transport).look_up(Search(TEXT, time.time()))
            assert (result.found, result.status) == (case.found, case.status), (case.name, result)
        for name in (
            ("reset after the body", "half an answer", "500", "too much", "silence") if self.spec.lookups else ()
        ):
            async with scripted(FAULTS[name][0]) as provider:
                result = await self.spec.make(provider.url, transport).look_up(Search(TEXT, time.time()))
            assert result.found is None, f"{name}: nobody knows, so it must not say {result.found}"

    def test_inbound(self, transport: Transport) -> None:
        """Genuine webhooks are believed, and read as stated."""
        gateway = self.spec.make("http://127.0.0.1:1", transport)
        assert self.spec.inbound, "state at least one webhook with a text"
        for request, arrival in self.spec.inbound:
            assert gateway.genuine(request), request
            (read,) = gateway.hooks["inbound"](request)
            assert isinstance(read, Arrival)
            assert dataclasses.replace(read, raw=b"", signed=b"") == dataclasses.replace(arrival, raw=b"", signed=b"")
            read.text.encode()
        if gateway.claims.dedupe == "the provider's id":
            assert all(arrival.gateway_id for _, arrival in self.spec.inbound), "claimed to have ids"

    def test_reports(self, transport: Transport) -> None:
        """Reports are read as stated."""
        gateway = self.spec.make("http://127.0.0.1:1", transport)
        assert self.spec.reports, "state at least one delivery report"
        for request, receipt in self.spec.reports:
            assert gateway.genuine(request), request
            (read,) = gateway.hooks["status"](request)
            assert isinstance(read, Receipt)
            beside = {name: getattr(receipt, name) for name in _BESIDE if not getattr(receipt, name)}
            assert dataclasses.replace(read, **beside) == receipt

    def test_forged_webhooks(self, transport: Transport) -> None:
        """A webhook that does not show what is claimed is refused."""
        gateway = self.spec.make("http://127.0.0.1:1", transport)
        assert self.spec.forged or gateway.claims.proof is Proof.ADDRESS, "state forged webhooks"
        for request in self.spec.forged:
            assert not gateway.genuine(request), request

    def test_strange_webhooks(self, transport: Transport) -> None:
        """A webhook that is not understood says so, and nothing else is ever raised."""
        gateway = self.spec.make("http://127.0.0.1:1", transport)
        bodies = (b"", b"hello", b"[]", b"null", b'"x"', b"{}", b"[" * 100_000, b"\xff\xfe", b"=&=&=")
        strange = [WebhookRequest("main", body, {"content-type": kind}) for body in bodies for kind in _KINDS]
        for request in (*self.spec.strange, *strange):
            for hook in gateway.hooks.values():
                with pytest.raises(NotUnderstood):
                    hook(request)


_BESIDE = ("code", "operator", "body", "part")
"""Fields that a report may have beside its status; where a statement leaves one out, it may be anything."""
_KINDS = ("application/json", "application/x-www-form-urlencoded")

__all__ = ["KEY_CANARY", "REFERENCE", "TEXT", "Case", "Expected", "Found", "GatewaySpec", "GatewaySuite"]
