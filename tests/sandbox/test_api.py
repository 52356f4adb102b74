"""The sandbox as MessageFlow's clients see it, and what of it survives a restart."""

from __future__ import annotations

from typing import Any

import pytest

from smsbot import Bot

from ..house import ANN, BOB, LINE, URL, House

API = f"{URL}/sandbox/v2.1/sms"
GOOD = {"sender": LINE, "message": "hi", "phoneNumbers": [ANN], "externalId": "x-1"}


def bot() -> Bot:
    made = Bot()
    made.fallback(lambda text: f"got {text}")
    return made


def keys(h: House) -> dict[str, str]:
    authorization, application = h.app.accounts.credentials["sandbox"]
    return {"Authorization": authorization, "Application-Key": application}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"phoneNumbers": []}, 422, "E-4-004"),
        ({"phoneNumbers": "+48600100200"}, 422, "E-4-004"),
        ({"phoneNumbers": ["hello"]}, 422, "E-4-007"),
        ({"message": ""}, 422, "E-4-004"),
        ({"message": None}, 422, "E-4-004"),
        ({"message": "ż" * 604}, 422, "E-4-005"),
        ({"validity": 5000}, 422, "E-4-006"),
        ({"sender": 5}, 422, "E-4-004"),
    ],
)
async def test_bad_sends_get_the_documented_envelope(
    house: Any, change: dict[str, Any], status: int, code: str
) -> None:
    h: House = await house(bot())
    answer = await h.http.post(API, json=GOOD | change, headers=keys(h))
    body = answer.json()
    assert (answer.status_code, body["errors"][0]["code"]) == (status, code)
    assert (body["meta"]["status"], body["meta"]["numberOfErrors"]) == (status, 1)
    assert "data" not in body
    assert await h.heard(ANN) == []


async def test_keys_bodies_and_partial_success(house: Any) -> None:
    h: House = await house(bot())
    for headers in ({}, keys(h) | {"Authorization": "Bearer x"}, keys(h) | {"Application-Key": "ł"}):
        plain = {k: v.encode() if not v.isascii() else v for k, v in headers.items()}
        assert (await h.http.post(API, json=GOOD, headers=plain)).status_code == 401  # type: ignore[arg-type]
    assert (await h.http.post(API, content=b"[1]", headers=keys(h))).status_code == 400
    assert (await h.http.post(API, json=GOOD | {"message": "ż" * 603}, headers=keys(h))).status_code == 200
    both = await h.http.post(API, json=GOOD | {"phoneNumbers": [ANN, "nobody", BOB]}, headers=keys(h))
    body = both.json()
    assert (both.status_code, len(body["data"]), len(body["errors"])) == (207, 2, 1)
    assert (body["meta"]["sentSms"], body["meta"]["notSentSms"]) == (2, 1)


async def test_listings(house: Any) -> None:
    h: House = await house(bot())
    assert (await h.http.get(API, headers=keys(h))).status_code == 404
    for i in range(3):
        await h.http.post(API, json=GOOD | {"externalId": f"x-{i}"}, headers=keys(h))
    await h.advance("1s")
    found = (await h.http.get(f"{API}?externalId=x-1", headers=keys(h))).json()["data"]
    assert [(i["externalId"], i["status"], i["phoneNumber"]) for i in found] == [("C-x-1-0001", 21, ANN)]
    assert (await h.http.get(f"{API}?externalId=x-9", headers=keys(h))).status_code == 404
    page = (await h.http.get(f"{API}/statuses?limit=1&offset=1", headers=keys(h))).json()["data"]
    assert [i["externalId"] for i in page] == ["C-x-1-0001"]
    assert (await h.http.get(f"{API}?limit=many", headers=keys(h))).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/sandbox/phones/{ANN}/texts", {}),
        (f"/sandbox/phones/{ANN}/texts", {"text": 5}),
        (f"/sandbox/phones/{ANN}/texts", {"text": "x" * 1601}),
        (f"/sandbox/phones/{ANN}/texts", {"text": "x", "to": "+48999"}),
        ("/sandbox/phones/hello/texts", {"text": "x"}),
        (f"/sandbox/phones/{ANN}", {"mode": "broken"}),
        ("/sandbox/clock", {"advance": "soon"}),
        ("/sandbox/clock", {"advance": "99999999h"}),
        ("/sandbox/clock", {"advance": True}),
        ("/sandbox/clock", {"advance": "-5m"}),
    ],
)
async def test_what_phones_and_clock_cannot_do(house: Any, path: str, body: dict[str, Any]) -> None:
    h: House = await house(bot())
    answer = await h.http.post(path, json=body)
    assert (answer.status_code, "SB" in answer.json()["error"]) == (400, True)


async def test_threads_phones_and_what_is_owed_survive(house: Any) -> None:
    h: House = await house(bot())
    await h.mode(BOB, "slow")
    await h.text(BOB, "hello")
    await h.http.post(f"/sandbox/phones/{ANN}/texts", json={"text": "owed"})
    await h.restart()
    assert (await h.http.get(f"/sandbox/phones/{BOB}")).json()["mode"] == "slow"
    await h.advance("1m")
    assert await h.transcript(ANN) == ["> owed", "< got owed"]
    assert [e["status"] for e in await h.thread(BOB)] == ["received", "delivered"]
    assert [r["status"] for r in await h.outgoing()] == ["delivered", "delivered"]


async def test_the_clock_walks_from_due_time_to_due_time(house: Any) -> None:
    seen: list[float] = []
    made = Bot()

    @made.on("go")
    def go(chat: Any) -> None:
        chat.goto("wait", timeout="1h", then="late")

    @made.state("wait")
    def wait() -> None: ...

    @made.state("late")
    def late(chat: Any) -> None:
        seen.append(h.clock.now())
        if len(seen) < 5:
            chat.goto("wait", timeout="1h", then="late")

    h: House = await house(made)
    await h.text(ANN, "go")
    start = h.clock.now() - 1
    await h.advance("24h")
    assert [round((t - start) / 3600, 2) for t in seen] == [1, 2, 3, 4, 5]
