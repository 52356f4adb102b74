"""What happens is told to the shop's own address: signed, in order, until it is taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from smsbot.core.errors import UsageError
from smsbot.pipeline.endpoints import Endpoint
from smsbot.transport.outside import Outside, outside

from ..house import ANN, BOB, LINE, House
from ..web.api_house import allow, ask, shop

URL = "https://shop.example.com/sms"


class Shop:
    """The shop's address: what it took, and its moods, one for each request; then it is well."""

    def __init__(self, h: House) -> None:
        self.moods: list[str] = []
        self.down = False
        self.tried: list[str] = []
        self.took: list[tuple[str, dict[str, Any]]] = []
        self.secret = ""
        self._clock = h.clock
        h.app.endpoints.outside = self  # beyond the transport is not ours

    def wrong_with(self, url: str) -> str:
        return Outside().wrong_with(url)

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[bool, str]:
        self.tried.append(headers["webhook-id"])
        if self.down:
            return False, "NotSent: connection refused"
        mood = self.moods.pop(0) if self.moods else "200"
        if mood == "lost":  # it took it, and its answer was lost
            mood = "no answer"
            self.took.append((headers["webhook-id"], json.loads(body)))
        elif mood == "200":
            self.took.append((headers["webhook-id"], json.loads(body)))
        return mood == "200", f"HTTP {mood}"

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [body["data"] for _, body in self.took if body["type"] == kind]


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


async def told(h: House, time: str = "1s") -> None:
    await h.advance(time)
    while await h.app.pushes.once():
        pass


async def endpoint(h: House) -> Endpoint:
    return (await h.app.endpoints.all())[0]


async def test_everything_that_happens_is_told(h: House) -> None:
    there = Shop(h)
    made = await ask(h, "POST", "/webhooks", {"url": URL})
    assert made.status_code == 201
    await h.text(ANN, "name")
    await h.text(ANN, "Ann")
    await h.text(BOB, "STOP")
    await h.text(BOB, "START")
    await ask(h, "POST", "/messages", {"to": ANN, "text": "Hi", "reference": "r1"})
    await told(h)
    received = [(m["from"], m["text"], m["kind"]) for m in there.told("message.received")]
    assert [r for r in received if r[0] == ANN] == [(ANN, "name", "text"), (ANN, "Ann", "text")]
    assert [r for r in received if r[0] == BOB] == [(BOB, "STOP", "optout"), (BOB, "START", "optin")]
    assert [(c["number"], c["opted_out"]) for c in there.told("optout.changed")] == [(BOB, True), (BOB, False)]
    assert [(c["number"], c["end"], c["started_by"]) for c in there.told("conversation.ended")] == [
        (ANN, "named", "name")
    ]
    moved = [m["status"] for m in there.told("message.status") if m["reference"] == "r1"]
    assert moved == ["accepted", "sent", "delivered"]
    assert all(m["final"] is (m["status"] == "delivered") for m in there.told("message.status"))


async def test_a_code_is_never_told(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL})
    await ask(h, "POST", "/messages", {"to": ANN, "text": "Code 987654", "kind": "code"})
    await told(h)
    assert there.told("message.status")
    assert "987654" not in json.dumps(there.took)


async def test_the_signature_verifies_with_the_published_library(h: House) -> None:
    from smsbot.pipeline.endpoints import signed

    secret = (await ask(h, "POST", "/webhooks", {"url": URL})).json()["secret"]
    body = b'{"type":"webhook.test"}'
    import time

    headers = signed(secret, "msg_1", time.time(), body)
    assert Webhook(secret).verify(body, headers) == {"type": "webhook.test"}


async def test_two_days_down_lose_nothing_and_keep_the_order(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL, "types": ["message.received"]})
    there.down = True
    for n in range(6):
        await h.text(ANN, f"ann {n}")
        await h.text(BOB, f"bob {n}")
    for _ in range(48):
        await told(h, "1h")
    await h.restart()
    again = Shop(h)
    assert (await endpoint(h)).failing is not None
    assert again.took == []
    again.moods = ["500", "lost"]
    for _ in range(30):
        await told(h, "1h")
    ids = [identity for identity, _ in again.took]
    first = {identity: body["data"] for identity, body in reversed(again.took)}
    assert len(ids) == 13, "one was told twice, with the same id"
    assert len(first) == 12
    for who, number in (("ann", ANN), ("bob", BOB)):
        own = [d["text"] for d in {i: b["data"] for i, b in again.took}.values() if d["from"] == number]
        assert own == [f"{who} {n}" for n in range(6)]
    assert (await endpoint(h)).failing is None
    assert (await endpoint(h)).owed == 0


async def test_what_one_address_does_not_take_holds_no_other_up(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL, "types": ["message.received"]})
    await h.text(ANN, "poison")

    real = there.tell

    async def picky(url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[bool, str]:
        return (False, "HTTP 422") if b"poison" in body else await real(url, headers, body, patience)

    there.tell = picky  # type: ignore[method-assign]
    await told(h)
    await h.text(ANN, "behind it")
    await h.text(BOB, "hello")
    for _ in range(5):
        await told(h, "20s")
    assert [m["text"] for m in there.told("message.received")] == ["hello"]
    for _ in range(80):
        await told(h, "1h")
    assert [m["text"] for m in there.told("message.received")] == ["hello", "behind it"], "after three days"
    found = await ask(h, "GET", f"/webhooks/{(await endpoint(h)).id}/pushes")
    assert "given up" in [p["state"] for p in found.json()["pushes"]]
    there.tell = real  # type: ignore[method-assign]
    since = {"since": "2026-01-01T00:00:00Z", "failed": True}
    assert (await ask(h, "POST", f"/webhooks/{(await endpoint(h)).id}/replay", since)).json() == {"replayed": 1}
    await told(h)
    assert there.told("message.received")[-1]["text"] == "poison"


async def test_an_address_that_takes_nothing_for_three_days_is_paused_and_goes_on_when_resumed(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL, "types": ["message.received"]})
    there.down = True
    await h.text(ANN, "hello")
    for _ in range(80):
        await told(h, "1h")
    paused = await endpoint(h)
    assert paused.paused is not None
    assert "three days" in paused.why
    tries = len(there.tried)
    await told(h, "1d")
    assert len(there.tried) == tries
    there.down = False
    await ask(h, "POST", f"/webhooks/{paused.id}/resume")
    await told(h, "1h")
    assert [m["text"] for m in there.told("message.received")] == ["hello"]


async def test_one_that_is_gone_is_not_asked_again(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL, "types": ["message.received"]})
    there.moods = ["410"]
    await h.text(ANN, "hello")
    await told(h)
    assert "gone" in (await endpoint(h)).why


async def test_who_is_erased_is_told_of_no_more(h: House) -> None:
    there = Shop(h)
    await ask(h, "POST", "/webhooks", {"url": URL, "types": ["message.received"]})
    there.down = True
    await h.text(ANN, "my secret")
    await told(h)
    assert (await ask(h, "DELETE", f"/contacts/{ANN}")).status_code == 200
    there.down = False
    await told(h, "1h")
    assert there.took == []


async def test_nothing_is_kept_while_nobody_is_to_be_told(h: House) -> None:
    await h.text(ANN, "hello")
    assert await h.app.store.rows("happened", limit=10) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost/x", "own network"),
        ("http://127.0.0.1:8765/x", "own network"),
        ("http://127.1/", "own network"),
        ("http://2130706433/", "own network"),
        ("http://0x7f.0.0.1/", "own network"),
        ("http://[::1]/", "own network"),
        ("http://[::ffff:10.0.0.1]/", "own network"),
        ("http://[2002:7f00:1::]/", "own network"),
        ("http://10.0.0.5/", "own network"),
        ("http://169.254.169.254/latest/meta-data", "own network"),
        ("http://[fe80::1]/", "own network"),
        ("http://0.0.0.0/", "own network"),
        ("http://224.0.0.1/", "own network"),
        ("ftp://shop.example.com/", "begins with https"),
        ("https://user:pass@shop.example.com/", "no password"),
        ("https:///x", "begins with https"),
        ("https://shop.example.com:99999/", "not an address"),
        ("https://shop example.com/", "without spaces"),
        ("javascript:alert(1)", "begins with https"),
    ],
)
async def test_the_servers_own_network_is_not_told(h: House, url: str, said: str) -> None:
    there = Shop(h)
    with pytest.raises(UsageError, match=said):
        await h.app.endpoints.add(url, [], "a test")
    assert not there.tried


@pytest.mark.parametrize(
    ("address", "right"),
    [("93.184.216.34", True), ("2606:2800:220:1::1", True), ("192.168.1.1", False), ("100.64.0.1", False),
     ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:93.184.216.34", True), ("198.18.0.1", False)],
)  # fmt: skip
def test_which_addresses_are_of_the_open_internet(address: str, right: bool) -> None:
    assert outside(address) is right


async def test_a_name_that_leads_inside_is_refused_by_the_connection() -> None:
    from smsbot.transport.outside import Teller

    teller = Teller(Outside())
    try:
        assert not (await teller.tell("http://localtest.invalid:9/", {}, b"{}", 3.0))[0]
        resolver = teller._inner._resolver()  # type: ignore[attr-defined]
        with pytest.raises(OSError, match="own network"):
            await resolver.resolve("localhost", 80)
    finally:
        await teller.close()


async def test_a_line_is_one_of_ours(h: House) -> None:
    assert LINE in (await ask(h, "GET", "/lines")).text


async def test_redirects_lead_nowhere_and_the_slow_are_left() -> None:
    from smsbot.transport.outside import Teller

    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):  # also when the test ends while this one sleeps
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            asked.append(head.split()[1])
            if "/slow" in asked[-1]:
                await asyncio.sleep(5)
            elif "/there" in asked[-1]:
                writer.write(
                    b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nendless")
            await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    teller = Teller(Outside(["127.0.0.1"]))
    try:
        assert await teller.tell(f"{url}/there", {}, b"{}", 5.0) == (False, "HTTP 302")
        assert (await teller.tell(f"{url}/slow", {}, b"{}", 3.0))[0] is False
        assert await teller.tell(f"{url}/long", {}, b"{}", 5.0) == (True, "HTTP 200"), "what it says does not matter"
    finally:
        await teller.close()
        server.close()
        await server.wait_closed()
    assert asked == ["/there", "/slow", "/long"]
