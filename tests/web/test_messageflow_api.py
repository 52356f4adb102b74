"""Programs that were written for MessageFlow, in front of this server: one table of request → expected."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smsbot.desk.tokens import token_hash
from smsbot.web.messageflow import FIXED

from ..house import ANN, BOB, LINE, House
from ..live import TwilioHouse
from ..pipeline.test_pushes import Shop, told
from .api_house import TOKEN, allow, shop

DEV = {"Authorization": FIXED[0], "Application-Key": FIXED[1]}
OURS = {"Authorization": TOKEN, "Application-Key": "shop"}
GOOD: dict[str, Any] = {"sender": LINE, "message": "hi", "phoneNumbers": [ANN], "externalId": "x-1"}


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


@pytest.mark.parametrize(
    ("place", "keys"), [("/v2.1/sms", DEV), ("/v2.1/sms", OURS), ("/sandbox/v2.1/sms", DEV)], ids=str
)  # fmt: skip
async def test_a_text_of_an_outside_program_stands_with_all_others(h: House, place: str, keys: dict[str, str]) -> None:
    sent = await h.http.post(place, headers=keys, json=GOOD | {"phoneNumbers": [ANN, BOB]})
    body = sent.json()
    assert sent.status_code == 200
    assert body["meta"] | {"uniqId": "", "accountBalance": ""} == {
        "numberOfErrors": 0, "numberOfData": 2, "status": 200, "uniqId": "", "sentSms": 2, "notSentSms": 0,
        "accountBalance": "",
    }  # fmt: skip
    assert [(i["externalId"], i["phoneNumber"], i["status"], i["numberOfParts"]) for i in body["data"]] == [
        ("C-x-1-0001", ANN, 1, 1), ("C-x-1-0002", BOB, 1, 1),
    ]  # fmt: skip
    await h.advance("1s")
    assert await h.heard(ANN) == ["hi"]
    assert [r["text"] for r in await h.outgoing()] == ["hi", "hi"]
    for called in ("x-1", "C-x-1", "C-x-1-0001"):
        found = (await h.http.get(f"{place}?externalId={called}", headers=keys)).json()["data"]
        assert {i["status"] for i in found} == {21}
    listed = (await h.http.get(f"{place}/statuses?limit=1&offset=1", headers=keys)).json()
    assert listed["meta"]["numberOfData"] == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"validity": True}, 422, "E-4-004"),
        ({"validity": "10"}, 422, "E-4-004"),
        ({"validity": 4321}, 422, "E-4-006"),
        ({"validity": -1}, 422, "E-4-006"),
        ({"type": 2}, 422, "E-4-006"),
        ({"type": "flash"}, 422, "E-4-004"),
        ({"shortLink": 1}, 422, "E-4-004"),
        ({"scheduleTime": "soon"}, 422, "E-4-004"),
        ({"scheduleTime": 99999999999}, 422, "E-4-006"),
        ({"phoneNumbers": []}, 422, "E-4-004"),
        ({"phoneNumbers": [1]}, 422, "E-4-004"),
        ({"phoneNumbers": ["hello"]}, 422, "E-4-007"),
        ({"phoneNumbers": [ANN] * 1001}, 422, "E-4-006"),
        ({"message": ""}, 422, "E-4-004"),
        ({"message": "ż" * 604}, 422, "E-4-005"),
        ({"sender": ""}, 422, "E-4-004"),
        ({"externalId": 5}, 422, "E-4-004"),
        ({"webhookUrl": "ftp://x"}, 422, "E-4-004"),
        ({"color": "red"}, 422, "E-4-011"),
    ],
)
async def test_what_is_wrong_is_told_in_the_envelope(h: House, change: Any, status: int, code: str) -> None:
    answer = await h.http.post("/v2.1/sms", headers=DEV, json=GOOD | change)
    body = answer.json()
    assert (answer.status_code, body["errors"][0]["code"], body["meta"]["status"]) == (status, code, status)
    assert set(body["errors"][0]) >= {"title", "message", "code"}
    assert "data" not in body
    await h.advance("1s")
    assert await h.heard(ANN) == []


@pytest.mark.parametrize(
    ("method", "path", "keys", "status", "code"),
    [
        ("GET", "/v2.1/nothing", DEV, 404, "E-2-001"),
        ("GET", "/sandbox/v2.1/nothing", DEV, 404, "E-2-001"),
        ("DELETE", "/v2.1/sms", DEV, 405, "E-2-002"),
        ("POST", "/v2.1/sms/statuses", DEV, 405, "E-2-002"),
        ("GET", "/v2.1/sms", DEV, 404, "E-3-001"),
        ("GET", "/v2.1/sms", {}, 401, "E-1-001"),
        ("GET", "/v2.1/sms", {"Authorization": TOKEN}, 401, "E-1-001"),
        ("GET", "/v2.1/sms", {"Authorization": "x", "Application-Key": "y"}, 401, "E-1-001"),
        ("GET", "/v2.1/sms?status=many", DEV, 422, "E-4-008"),
        ("GET", "/v2.1/sms?orderBy=color", DEV, 422, "E-4-008"),
        ("GET", "/v2.1/sms?dateFrom=whenever", DEV, 422, "E-4-008"),
        ("GET", "/v2.1/sms?limit=many", DEV, 422, "E-4-008"),
        ("POST", "/v2.1/sms", DEV, 400, "E-4-001"),
    ],
)
async def test_every_answer_has_the_envelope(
    h: House, method: str, path: str, keys: dict[str, str], status: int, code: str
) -> None:
    answer = await h.http.request(method, path, headers=keys, content=b"[]" if method == "POST" else None)
    body = answer.json()
    assert (answer.status_code, body["errors"][0]["code"], body["meta"]["numberOfErrors"]) == (status, code, 1)


async def test_senders_filters_and_order(h: House) -> None:
    senders = (await h.http.request("OPTIONS", "/v2.1/sms/senders", headers=OURS)).json()
    assert senders["data"] == [{"sender": LINE}]
    for n, to in enumerate((ANN, BOB, ANN)):
        h.clock.move_to(h.clock.now() + 60)
        await h.http.post("/v2.1/sms", headers=OURS, json=GOOD | {"externalId": f"o-{n}", "phoneNumbers": [to]})
    await h.advance("1s")

    async def listed(query: str) -> list[str]:
        answer = await h.http.get(f"/v2.1/sms?{query}", headers=OURS)
        return [i["externalId"] for i in answer.json().get("data", [])]

    assert await listed("orderBy=createTime&orderDirection=ASC") == ["C-o-0-0001", "C-o-1-0001", "C-o-2-0001"]
    assert await listed("orderBy=externalId&orderDirection=DESC&limit=1") == ["C-o-2-0001"]
    assert await listed(f"phoneNumber={ANN.replace('+', '%2B')}&orderDirection=ASC") == ["C-o-0-0001", "C-o-2-0001"]
    assert await listed("status=9") == []
    assert len(await listed("status=21")) == 3
    assert await listed("sender=OTHER") == []
    from smsbot.core.clock import iso

    assert await listed(f"dateFrom={iso(h.clock.now() - 30)}") == ["C-o-2-0001"]


async def test_an_opted_out_person_is_an_error_of_a_partial_success(h: House) -> None:
    await h.text(BOB, "STOP")
    answer = await h.http.post("/v2.1/sms", headers=OURS, json=GOOD | {"phoneNumbers": [ANN, BOB]})
    body = answer.json()
    assert (answer.status_code, body["meta"]["status"], body["errors"][0]["code"]) == (207, 207, "E-4-010")
    assert [i["phoneNumber"] for i in body["data"]] == [ANN]


async def test_reports_go_to_the_address_of_the_send_in_the_vendors_shape(h: House) -> None:
    there = Shop(h)
    tell, took = there.tell, list[tuple[str, bytes]]()

    async def taking(url: str, headers: Any, body: bytes, patience: float) -> tuple[bool, str]:
        assert "webhook-signature" not in headers
        took.append((url, body))
        return True, "HTTP 200"

    there.tell = taking  # type: ignore[method-assign]
    del tell
    import json

    body = GOOD | {"webhookUrl": "https://shop.example.com/dlr", "phoneNumbers": [ANN, BOB]}
    await h.http.post("/v2.1/sms", headers=OURS, json=body)
    await told(h)
    assert {url for url, _ in took} == {"https://shop.example.com/dlr"}
    reports = [json.loads(b) for _, b in took]
    assert [r["status"] for r in reports if r["externalId"] == "C-x-1-0002"] == [1, 2, 21]


async def test_later_links_and_a_balance(h: House) -> None:
    at = int(h.clock.now()) + 3600
    body = GOOD | {"message": "See https://shop.example.com/a?b=1. Bye", "shortLink": True, "scheduleTime": at}
    first = (await h.http.post("/v2.1/sms", headers=DEV, json=body)).json()
    await h.advance("1s")
    assert await h.heard(ANN) == []
    await h.advance("1h")
    (text,) = await h.heard(ANN)
    link = text.split()[1].rstrip(".")
    assert "/s/" in link
    assert text.endswith(". Bye")
    answer = await h.http.get(link)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example.com/a?b=1")
    assert (await h.app.store.rows("link_of", code=link.rpartition("/")[2]))[0]["clicks"] == 1
    second = (await h.http.post("/v2.1/sms", headers=DEV, json=GOOD)).json()
    assert float(second["meta"]["accountBalance"]) < float(first["meta"]["accountBalance"]) < 1000
    assert first["data"][0]["smsPrice"] > 0


async def test_a_strange_sender_is_taken_in_the_sandbox_alone(h: House) -> None:
    sent = await h.http.post("/v2.1/sms", headers=DEV, json=GOOD | {"sender": "SHOP"})
    assert sent.json()["data"][0]["sender"] == "SHOP"
    await h.advance("1s")
    assert await h.heard(ANN) == ["hi"]


# -- on a server that is run ------------------------------------------------------------------------


@pytest.fixture
async def live(tmp_path: Any) -> Any:
    async with TwilioHouse(shop(), tmp_path) as found:
        row = ("shop", token_hash(TOKEN), found.clock.now(), "messages:write messages:status", None)
        await found.app.tokens.change([("token", row)])
        yield found


async def test_a_program_changes_one_host_and_its_keys(live: TwilioHouse) -> None:
    assert (await live.http.post("/v2.1/sms", headers=DEV, json=GOOD)).status_code == 401, "the sandbox's keys"
    sent = await live.http.post("/v2.1/sms", headers=OURS, json=GOOD)
    assert (sent.status_code, sent.json()["data"][0]["externalId"], sent.json()["meta"]["sentSms"]) == (
        200,
        "C-x-1-0001",
        1,
    )
    for _ in range(100):
        if live.twilio.sent:
            break
        await asyncio.sleep(0.01)
    assert [(f["To"], f["Body"]) for f in live.twilio.sent] == [(ANN, "hi")]
    found = (await live.http.get("/v2.1/sms?externalId=x-1", headers=OURS)).json()["data"]
    assert [i["phoneNumber"] for i in found] == [ANN]
    strange = await live.http.post("/v2.1/sms", headers=OURS, json=GOOD | {"sender": "SHOP"})
    assert (strange.status_code, strange.json()["errors"][0]["code"]) == (422, "E-4-009")
    senders = (await live.http.request("OPTIONS", "/v2.1/sms/senders", headers=OURS)).json()["data"]
    assert senders == [{"sender": LINE}]
    inside = await live.http.post("/v2.1/sms", headers=OURS, json=GOOD | {"webhookUrl": "http://127.0.0.1/x"})
    assert inside.json()["errors"][0]["meta"]["parameter"] == "webhookUrl"


async def test_a_link_that_is_short_counts_the_parts_that_it_leaves(h: House) -> None:
    many = " ".join(f"http://a.example/{n}" for n in range(60))
    answer = await h.http.post("/v2.1/sms", headers=DEV, json=GOOD | {"message": many, "shortLink": True})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "E-4-005")
    twice = "http://a.example/x http://a.example http://a.example/x"
    await h.http.post("/v2.1/sms", headers=DEV, json=GOOD | {"message": twice, "shortLink": True})
    await h.advance("1s")
    one, two, three = (await h.heard(ANN))[0].split()
    assert (one == three, one != two, one.count("/s/")) == (True, True, 1)
    assert (await h.http.get(two)).headers["location"] == "http://a.example"


@pytest.mark.parametrize("query", ["status=" + "9" * 5000, "limit=" + "9" * 5000, "offset=" + "9" * 20])
async def test_endless_numbers_are_refused(h: House, query: str) -> None:
    assert (await h.http.get(f"/v2.1/sms?{query}", headers=DEV)).json()["errors"][0]["code"] == "E-4-008"


async def test_lists_take_what_sends_take(h: House) -> None:
    await h.http.post("/v2.1/sms", headers=DEV, json=GOOD)
    for query in (
        "phoneNumber=600100200",
        "phoneNumber=48600100200",
        "sender=732000111",
        "dateTo=2200-01-01T00:00:00Z",
    ):
        assert (await h.http.get(f"/v2.1/sms?{query}", headers=DEV)).status_code == 200, query
