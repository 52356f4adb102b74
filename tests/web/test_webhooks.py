"""What a webhook is answered, and what it leaves behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import StoreError

from ..house import ANN, LINE, URL, House, lane_of


def bot() -> Bot:
    made = Bot()
    made.fallback(lambda text: f"got {text}")
    return made


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/hooks/sandbox/wrong/inbound", 404),
        ("POST", "/hooks/nobody/{secret}/inbound", 404),
        ("POST", "/hooks/sandbox/{secret}/nothing", 404),
        ("POST", "/hooks/sandbox/{secret}/inbound/more", 404),
        ("POST", "/hooks/", 404),
        ("POST", "/hooks/sandbox/ł%00/inbound", 404),
        ("GET", "/hooks/sandbox/{secret}/inbound", 405),
        ("GET", "/hooks/sandbox/wrong/inbound", 404),
    ],
)
async def test_strangers_write_nothing(house: Any, method: str, path: str, status: int) -> None:
    h: House = await house(bot())
    secret = h.hook("inbound").split("/")[-2]
    body = {"from": ANN, "to": LINE, "message": "x"}
    answer = await h.http.request(method, path.format(secret=secret), json=body)
    assert answer.status_code == status
    assert await h.events() == []
    assert await h.app.store.rows("quarantined", account="", limit=9) == []


async def test_a_body_that_is_too_large(house: Any) -> None:
    h: House = await house(bot())
    too_long = await h.http.post(h.hook("inbound"), content=b"x" * 70_000)
    assert too_long.status_code == 413
    assert "connection" not in too_long.headers, "closed with unread bytes, a connection may take its answer along"
    read = 0

    async def chunks(many: int) -> Any:
        nonlocal read
        for _ in range(many):
            read += 1000
            yield b"x" * 1000

    assert (await h.http.post(h.hook("inbound"), content=chunks(70))).status_code == 413
    assert read == 70_000, "read to its end"
    assert (await h.http.post(h.hook("inbound"), content=chunks(3000))).status_code == 413
    assert (await h.http.post(h.hook("inbound"), content=b"x" * 2_000_000)).status_code == 413


async def test_shuffled_fields_are_quarantined_mapped_and_answered(house: Any) -> None:
    h: House = await house(bot())
    for i in range(3):
        body = {"id": f"z{i}", "msisdn": ANN, "short": LINE, "body": f"hello {i}"}
        answer = await h.http.post(h.hook("inbound"), json=body)
        assert (answer.status_code, answer.json()) == (200, {"ok": True, "quarantined": True})
    assert "webhooks in quarantine" in (await h.http.get("/")).text
    assert await h.app.commands.map_fields("sandbox", "inbound", {"from": "msisdn", "text": "body"}) == {
        "replayed": 0,
        "left": 3,
    }
    assert await h.app.commands.map_fields("sandbox", "inbound", {"to": "short", "from": "msisdn", "text": "body"}) == {
        "replayed": 3,
        "left": 0,
    }
    await h.advance("1s")
    assert await h.heard(ANN) == ["got hello 0", "got hello 1", "got hello 2"]
    await h.restart()
    await h.http.post(h.hook("inbound"), json={"id": "z9", "msisdn": ANN, "short": LINE, "body": "again"})
    await h.http.post(h.hook("inbound"), json={"id": "z2", "msisdn": ANN, "short": LINE, "body": "hello 2"})
    await h.advance("1s")
    assert (await h.heard(ANN))[3:] == ["got again"]


async def test_a_text_to_a_number_that_is_no_line_waits_in_quarantine(house: Any) -> None:
    h: House = await house(bot())
    answer = await h.inbound(id="1", **{"from": ANN}, to="+48999999999", message="x")
    assert answer.json() == {"ok": True, "quarantined": True}
    assert len(await h.app.store.rows("quarantined", account="", limit=9)) == 1


async def test_a_sender_that_cannot_be_answered_and_an_empty_text(house: Any) -> None:
    h: House = await house(bot())
    await h.inbound(id="1", **{"from": "Clinic"}, to=LINE, message="spam")
    await h.inbound(id="2", **{"from": ANN}, to=LINE, message=" \u200b ")
    await h.advance("1s")
    assert await h.outgoing() == []
    assert [e["detail"] for e in await h.events()] == ["a sender that cannot be answered", "an empty text is no answer"]


async def test_two_secrets_live_after_a_rotation(house: Any) -> None:
    h: House = await house(bot())
    first = h.hook("inbound")
    await h.app.commands.rotate("sandbox")
    second = h.hook("inbound")
    await h.app.commands.rotate("sandbox")
    body = {"from": ANN, "to": LINE, "message": "x"}
    codes = [
        (await h.http.post(url, json={**body, "id": url})).status_code for url in (first, second, h.hook("inbound"))
    ]
    assert codes == [404, 200, 200]
    assert first.startswith(URL)


async def test_our_own_fault_is_503_and_the_text_comes_again(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    h: House = await house(bot())
    body: dict[str, object] = {"id": "1", "from": ANN, "to": LINE, "message": "x"}
    real = lane_of(h.app.store).submit

    async def full(units: object) -> list[Any]:
        raise StoreError("disk full")

    monkeypatch.setattr(lane_of(h.app.store), "submit", full)
    answer = await h.http.post(h.hook("inbound"), json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.setattr(lane_of(h.app.store), "submit", real)
    assert (await h.http.post(h.hook("inbound"), json=body)).status_code == 200
    await h.advance("1s")
    assert await h.heard(ANN) == ["got x"]


async def test_a_crowd_is_told_to_come_again_before_its_body_is_read(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    h: House = await house(bot())
    monkeypatch.setattr(type(h.app.store), "busy", property(lambda _: True))
    assert (await h.inbound(id="1", **{"from": ANN}, to=LINE, message="x")).status_code == 503
    assert (await h.http.get("/readyz")).status_code == 503
    assert (await h.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize("kind", ["with an id", "with a time", "as a form"])
async def test_each_text_ten_times_at_once_and_again_after_eight_days_has_one_effect(house: Any, kind: str) -> None:
    counting = Bot()

    @counting.fallback
    def count(chat: Chat, text: str) -> str:
        chat.contact["n"] = chat.contact.get("n", 0) + 1
        return f"{chat.contact['n']}: {text}"

    h: House = await house(counting)
    fields = {"from": ANN, "to": LINE, "message": "hello"}
    fields |= {"time": "2026-11-25T10:00:00Z"} if kind == "with a time" else {"id": "7"}

    async def deliver() -> int:
        if kind == "as a form":
            return (await h.http.post(h.hook("inbound"), data=fields)).status_code
        return (await h.http.post(h.hook("inbound"), json=fields)).status_code

    assert await asyncio.gather(*(deliver() for _ in range(10))) == [200] * 10
    await h.settle()
    await h.restart()
    await h.advance("8d")
    assert await asyncio.gather(*(deliver() for _ in range(10))) == [200] * 10
    await h.settle()
    assert await h.heard(ANN) == ["1: hello"]
    assert len(await h.events()) == 1


async def test_each_report_ten_times_at_once_and_again_after_eight_days_has_one_effect(house: Any) -> None:
    failed: list[str] = []
    made = bot()

    @made.on_delivery("undelivered")
    def undelivered(chat: Chat, report: Any) -> None:
        failed.append(report.text)

    h: House = await house(made)
    await h.mode(ANN, "off")
    await h.text(ANN, "hi")
    text = (await h.outgoing())[0]
    body = {"externalId": f"{text['id']}-1", "status": -22}

    async def deliver() -> int:
        return (await h.http.post(h.hook("status"), json=body)).status_code

    assert await asyncio.gather(*(deliver() for _ in range(10))) == [200] * 10
    await h.settle()
    await h.advance("8d")
    assert await asyncio.gather(*(deliver() for _ in range(10))) == [200] * 10
    await h.settle()
    assert failed == [text["text"]]
    raws = [r["raw"] for r in await h.app.store.rows("receipts", id=text["id"])]
    assert raws.count("-22") == 1


async def test_texts_without_id_and_time_are_kept_when_the_clock_goes_back(house: Any) -> None:
    h: House = await house(bot())
    now = h.clock.now()
    for moment in (now, now - 3600, now - 3500, now - 3400):
        h.clock.set_to(moment)
        assert (await h.inbound(**{"from": ANN, "to": LINE, "message": "1"})).status_code == 200
        assert (await h.inbound(strange="1")).json()["quarantined"]
    h.clock.set_to(now)
    await h.settle()
    assert len(await h.events()) == 4
    assert len(await h.app.store.rows("quarantined", account="", limit=10)) == 4


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        (
            "application/json; charset=ISO-8859-2",
            '{"from":"600100200","to":"%s","text":"żółw"}'.encode("iso-8859-2"),
            "żółw",
        ),
        (f"{FORM}; charset=iso-8859-2", b"from=600100200&to=%s&text=%BF%F3%B3w", "żółw"),
        (FORM.title(), b"from=600100200&to=%s&text=hi", "hi"),
        ("application/json", b'{"from":48600100200.0,"to":"%s","text":"hi","id":"","externalId":"7"}', "hi"),
        ("application/json; charset=klingon", b'{"from":"600100200","to":"%s","text":"hi"}', ""),
    ],
)
async def test_bodies_as_they_are_written(house: Any, kind: str, body: bytes, text: str) -> None:
    h: House = await house(bot())
    to = LINE.replace("+", "%2B") if "form" in kind.lower() else LINE
    answer = await h.http.post(
        h.hook("inbound"), content=body.replace(b"%s", to.encode()), headers={"content-type": kind}
    )
    assert answer.status_code == 200
    await h.settle()
    assert await h.heard(ANN) == ([f"got {text}"] if text else [])
    assert bool(answer.json().get("quarantined")) is not bool(text)
