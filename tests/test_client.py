"""The client of the API, against a real server in process, and against one that fails on the way."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from smsbot.client import ApiError, AsyncClient, Client, verify
from smsbot.pipeline.endpoints import new_secret, signed

from .house import ANN, BOB, LINE, URL, House
from .web.api_house import TOKEN, allow, shop


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


async def test_a_shop_does_what_it_needs(h: House) -> None:
    async with AsyncClient(URL, TOKEN, transport=httpx.ASGITransport(h.app)) as sms:
        sent = await sms.send([ANN, BOB], "On its way", reference="order-1", key="k")
        assert sent == await sms.send([ANN, BOB], "On its way", reference="order-1", key="k")
        await h.advance("1s")
        assert await h.heard(ANN) == ["On its way"]
        judged = await sms.message(sent.messages[0].id)
        assert (judged.verdict, judged.arrived) == ("delivered", True)
        assert (await sms.find(reference="order-1")).arrived
        assert (await sms.progress(sent.id)).counts == {"delivered": 2}
        later = await sms.send(ANN, "Later", send_at="2027-04-01T09:00")
        assert (await sms.cancel(later.messages[0].id)).status == "cancelled"
        assert await sms.stop(later.id) == 0
        assert await sms.emit("shipped", ANN, {"order": "1"}) == "started"
        await h.text(BOB, "name")
        assert (await sms.conversation(LINE, BOB))["open"]
        await sms.end(LINE, BOB)
        await h.settle()
        standing = await sms.conversation(LINE, BOB)
        assert (standing["open"], standing["owner"], standing["runs"][0]["end"]) == (False, "", "ended_by_desk")
        assert (await sms.know(ANN, {"vip": True}, timezone="Europe/Warsaw"))["fields"] == {"vip": True}
        assert (await sms.contact(ANN))["timezone"] == "Europe/Warsaw"
        assert await sms.opt_out([BOB], "a form") == 1
        assert await sms.opt_in(BOB, "a letter")
        assert (await sms.add_webhook("https://shop.example.com/x"))["secret"].startswith("whsec_")
        assert [m["text"] for m in await sms.messages(direction="in", number=BOB)] == ["name"]
        with pytest.raises(ApiError) as caught:
            await sms.send("nobody", "x")
    assert (caught.value.status, caught.value.told, caught.value.errors[0]["field"]) == (422, "SB704", "to")


@pytest.mark.parametrize("first", [503, 429, 500, "lost", "refused"])
def test_what_failed_on_the_way_is_tried_again_with_one_key(monkeypatch: pytest.MonkeyPatch, first: Any) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            if first == "lost":
                raise httpx.ReadTimeout("lost")
            if first == "refused":
                raise httpx.ConnectError("refused")
            return httpx.Response(first, headers={"retry-after": "1"}, json={})
        return httpx.Response(202, json={"id": "r", "messages": []})

    with Client("https://sms.example.com/", "t", transport=httpx.MockTransport(answer)) as sms:
        assert sms.send(ANN, "x").id == "r"
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_what_keeps_failing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    tried = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal tried
        tried += 1
        return httpx.Response(502, text="<html>bad gateway</html>")

    sms = Client("https://x.example.com", "t", tries=3, transport=httpx.MockTransport(answer))
    with sms, pytest.raises(ApiError, match="502"):
        sms.message("a/b")
    assert tried == 3


def test_a_refusal_is_not_tried_again() -> None:
    problem = {"code": "SB702", "detail": "the token shop has not the scope messages:write", "errors": []}
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(str(request.url))
        return httpx.Response(403, json=problem)

    sms = Client("https://x.example.com", "t", transport=httpx.MockTransport(answer))
    with sms, pytest.raises(ApiError, match="SB702"):
        sms.contact("+48 600/1")
    assert paths == ["https://x.example.com/api/v1/contacts/%2B48%20600%2F1"]


def test_a_webhook_is_verified() -> None:
    import time

    secret, body = new_secret(), json.dumps({"type": "message.received", "data": {}}).encode()
    headers = {k.title(): v for k, v in signed(secret, "msg_1", time.time(), body).items()}
    assert verify(secret, headers, body)["type"] == "message.received"
    with pytest.raises(Exception, match="signature"):
        verify(new_secret(), headers, body)
