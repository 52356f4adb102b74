"""Texts by the API: sent once, to many, later; found, judged, taken back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ..house import ANN, BOB, LINE, House, lane_of
from .api_house import allow, ask, problem, shop


@pytest.fixture
async def h(house: Any) -> House:
    found: House = await house(shop())
    await allow(found)
    return found


async def test_a_text_is_sent_and_judged(h: House) -> None:
    sent = await ask(h, "POST", "/messages", {"to": "600 100 200", "text": "On its way", "reference": "order-1"})
    assert sent.status_code == 202
    told = sent.json()["messages"][0]
    assert (told["to"], told["status"], told["reference"], told["kind"], told["parts"]) == (
        ANN, "sending", "order-1", "notice", 1,
    )  # fmt: skip
    await h.advance("1s")
    assert await h.heard(ANN) == ["On its way"]
    judged = (await ask(h, "GET", f"/messages/{told['id']}")).json()
    assert (judged["verdict"], judged["arrived"], judged["text"]) == ("delivered", True, "On its way")
    by_reference = (await ask(h, "POST", "/find", {"reference": "order-1"})).json()
    assert by_reference["id"] == told["id"]


async def test_one_key_is_one_text_and_one_answer(h: House) -> None:
    body = {"to": ANN, "text": "Once"}
    first, second = await asyncio.gather(*(ask(h, "POST", "/messages", body, key="k", settle=False) for _ in range(2)))
    third = await ask(h, "POST", "/messages", body, key="k")
    assert first.json() == second.json() == third.json()
    assert third.headers["idempotency-replayed"] == "true"
    assert problem(await ask(h, "POST", "/messages", body | {"text": "Other"}, key="k"))["code"] == "SB707"
    await h.restart()
    assert (await ask(h, "POST", "/messages", {"text": "Once", "to": ANN}, key="k")).json() == first.json()
    assert await h.heard(ANN) == ["Once"]


async def test_a_key_whose_answer_was_lost_is_still_one_text(h: House) -> None:
    body = {"to": [ANN, BOB], "text": "Once"}
    first = (await ask(h, "POST", "/messages", body, key="k")).json()
    await h.app.store.write([("answered", (None, b"", bytes.fromhex(first["id"])))])  # killed before it was kept
    h.clock.move_to(h.clock.now() + 5)
    assert (await ask(h, "POST", "/messages", body, key="k")).json()["id"] == first["id"]
    assert await h.heard(ANN) == ["Once"]


async def test_what_was_refused_uses_no_key_up(h: House) -> None:
    assert problem(await ask(h, "POST", "/messages", {"to": "me", "text": "x"}, key="k"))["code"] == "SB704"
    assert (await ask(h, "POST", "/messages", {"to": ANN, "text": "x"}, key="k")).status_code == 202


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"to": "call me", "text": "x"}, ["to"]),
        ({"to": [ANN, "x", BOB, "y"], "text": "x"}, ["to.1", "to.3"]),
        ({"to": ANN, "text": "x" * 1600}, ["text"]),
        ({"to": ANN, "text": "  "}, ["text"]),
        ({"to": ANN, "text": ""}, ["text"]),
        ({"to": ANN}, []),
        ({"to": ANN, "text": "x", "template": "y"}, []),
        ({"to": ANN, "text": "x", "line": "999"}, ["line"]),
        ({"to": ANN, "text": "x", "kind": "spam"}, ["kind"]),
        ({"to": ANN, "text": "x", "valid": "soon"}, ["valid"]),
        ({"to": ANN, "text": "x", "send_at": "tomorrow"}, ["send_at"]),
        ({"to": ANN, "text": "x", "send_at": "2027-01-01T09:00", "zone": "Europe/Warschau"}, ["zone"]),
        ({"to": [], "text": "x"}, ["to"]),
        ({"to": [ANN] * 1001, "text": "x"}, ["to"]),
        ({"to": ANN, "text": "x", "color": "red"}, ["color"]),
        ([], ["body"]),
    ],
)
async def test_everything_that_is_wrong_is_told_and_nothing_leaves(h: House, body: Any, places: list[str]) -> None:
    told = problem(await ask(h, "POST", "/messages", body))
    assert (told["code"], [e["field"] for e in told["errors"]][: len(places)]) == ("SB704", places)
    assert await h.heard(ANN) == []


async def test_outcomes_are_honest(h: House) -> None:
    await h.text(BOB, "STOP")
    await ask(h, "POST", f"/lines/{LINE}/pause", {"why": "a test"})
    sent = await ask(h, "POST", "/messages", {"to": [ANN, BOB], "text": "Sale"})
    assert [(m["to"], m["status"]) for m in sent.json()["messages"]] == [(ANN, "paused"), (BOB, "opted_out")]
    await ask(h, "POST", f"/lines/{LINE}/resume")
    await h.advance("1s")
    assert await h.heard(ANN) == ["Sale"]


async def test_a_thousand_are_accepted_in_one_commit(h: House) -> None:
    writer: Any = lane_of(h.app.store)
    commits = 0
    before = writer._together

    def counted(*args: Any) -> Any:
        nonlocal commits
        commits += any(type(u).__name__ == "Enqueue" for u in args[-1])
        return before(*args)

    writer._together = counted
    numbers = [f"+4860012{n:04d}" for n in range(1000)]
    sent = await ask(h, "POST", "/messages", {"to": numbers, "text": "x", "send_at": "2027-04-01T00:00Z"})
    assert [m["to"] for m in sent.json()["messages"]] == numbers
    assert commits == 1


async def test_tomorrow_at_nine_of_their_own_time(h: House) -> None:
    await h.know(ANN, {"timezone": "America/New_York"})
    sent = await ask(h, "POST", "/messages", {"to": [ANN, BOB], "text": "Hi", "send_at": "2026-12-24T09:00"})
    told = sent.json()["messages"]
    assert [m["send_at"] for m in told] == ["2026-12-24T14:00:00Z", "2026-12-24T08:00:00Z"]
    assert {m["status"] for m in told} == {"scheduled"}
    listed = (await ask(h, "GET", f"/messages?request={sent.json()['id']}")).json()["messages"]
    assert [m["number"] for m in listed] == [ANN, BOB]
    gone = await ask(h, "POST", f"/messages/{told[0]['id']}/cancel")
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert (await ask(h, "POST", f"/messages/{told[0]['id']}/cancel")).status_code == 200, "it is cancelled"
    await h.advance("365d")
    assert (await h.heard(ANN), await h.heard(BOB)) == ([], ["Hi"])
    assert problem(await ask(h, "POST", f"/messages/{told[1]['id']}/cancel"))["code"] == "SB707"


NOON = 1_780_048_800.0
"""At 12:00 in Warsaw, when bulk may leave."""


async def test_bulk_of_a_night_is_held_until_the_morning(h: House) -> None:
    sent = (await ask(h, "POST", "/messages", {"to": [ANN, BOB], "text": "Sale", "kind": "bulk"})).json()
    assert {m["status"] for m in sent["messages"]} == {"held"}
    assert "quiet hours until 29 May 08:00" in sent["messages"][0]["why"]
    progress = (await ask(h, "GET", f"/requests/{sent['id']}")).json()
    assert progress["counts"] == {"held": 2}


async def test_more_than_twenty_people_are_bulk_and_who_says_a_lane_gets_it(h: House) -> None:
    await h.begin_at(NOON)
    for body, lane in (
        ({"to": [f"+4860012{n:04d}" for n in range(21)]}, "bulk"),
        ({"to": [ANN, BOB]}, "notice"),
        ({"to": [f"+4860012{n:04d}" for n in range(21)], "lane": "notice"}, "notice"),
        ({"to": ANN, "lane": "priority"}, "priority"),
        ({"to": ANN, "kind": "code"}, "priority"),
        ({"to": ANN, "kind": "reply"}, "reply"),
    ):
        told = (await ask(h, "POST", "/messages", {"text": "x", **body})).json()["messages"][0]
        assert (await h.app.store.rows("outgoing", id=told["id"]))[0]["lane"] == lane
    assert problem(await ask(h, "POST", "/messages", {"to": ANN, "text": "x", "lane": "fast"}))["code"] == "SB704"


@pytest.mark.slow
async def test_many_leave_at_a_rate_and_are_stopped_half_way(h: House) -> None:
    await h.begin_at(NOON)
    numbers = [f"+4860012{n:04d}" for n in range(500)]
    body = {"to": numbers, "text": "Sale", "kind": "bulk", "rate": 10, "reference": "sale"}
    request = (await ask(h, "POST", "/messages", body)).json()["id"]
    await h.advance("20s")
    progress = (await ask(h, "GET", f"/requests/{request}")).json()
    assert progress["total"] == 500
    assert 195 <= sum(progress["counts"].values()) - progress["counts"]["scheduled"] <= 210
    code = (await ask(h, "POST", "/messages", {"to": ANN, "text": "Code 123456", "kind": "code"})).json()
    await h.advance("1s")
    assert await h.heard(ANN) == ["Code 123456"], "it overtakes them"
    judged = (await ask(h, "GET", f"/messages/{code['messages'][0]['id']}")).json()
    assert "123456" not in str(judged)
    stopped = (await ask(h, "POST", f"/requests/{request}/cancel")).json()["cancelled"]
    assert 280 <= stopped <= 300
    await h.advance("60s")
    after = (await ask(h, "GET", f"/requests/{request}")).json()["counts"]
    assert after["delivered"] + after["cancelled"] == 500


async def test_texts_are_listed_page_by_page(h: House) -> None:
    for n in range(7):
        await h.text(ANN, f"text {n}")
    seen, cursor = [], 0
    while True:
        page = (await ask(h, "GET", f"/messages?direction=in&limit=3&cursor={cursor}")).json()
        seen += [m["text"] for m in page["messages"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == [f"text {n}" for n in reversed(range(7))]
    by_number = (await ask(h, "GET", "/messages?direction=in&number=600100200&limit=2")).json()
    assert ([m["text"] for m in by_number["messages"]], bool(by_number["next"])) == (["text 6", "text 5"], True)
    assert problem(await ask(h, "GET", "/messages?since=whenever"))["code"] == "SB704"


async def test_a_token_that_only_asks_does_not_read(h: House) -> None:
    await allow(h, "messages:status", name="desk", token="smsbot_other")
    sent = (await ask(h, "POST", "/messages", {"to": ANN, "text": "Secret"})).json()["messages"][0]["id"]
    judged = (await ask(h, "GET", f"/messages/{sent}", token="smsbot_other")).json()
    assert (judged["text"], judged["to"]) == (None, "+48•••200")
    assert problem(await ask(h, "GET", "/messages", token="smsbot_other"))["code"] == "SB702"
