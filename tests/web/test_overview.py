"""The overview: what waits and since when, pauses by a button, what became of texts by line and operator."""

from __future__ import annotations

import re
from typing import Any

import pytest

from smsbot.core.message import Receipt
from smsbot.core.status import Status
from smsbot.desk.overview import Overviews

from ..house import ANN, BOB, LINE, House, echo


def told(page: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_what_waits_and_since_when(house: Any) -> None:
    h: House = await house(echo())
    assert "Nothing waits" in (await h.http.get("/overview")).text
    await h.http.post("/pauses", data={"what": "everything", "why": "the price list is wrong"})
    await h.text(ANN, "hello")
    await h.advance("5m")
    await h.text(BOB, "hello")
    page = (await h.http.get("/overview")).text
    assert "2 wait for a pause to end oldest 5 min" in told(page)
    assert ANN not in page
    assert 'href="/of/e1"' in page, "the oldest is shown by a click"
    await h.http.post("/pauses/end", data={"scope": "all"})
    await h.advance("1m")
    await h.http.post("/pauses", data={"what": "reply", "why": "the price list is wrong"})
    await h.advance("1m")
    await h.text(ANN, "hello")
    page = (await h.http.get("/overview")).text
    assert "1 waits for a pause to end" in told(page)
    assert f'href="/messages/{(await h.outgoing())[-1]["id"]}"' in page


@pytest.mark.parametrize("what", ["everything", LINE, "reply", "account sandbox"])
async def test_a_pause_by_a_button_says_why_and_who(house: Any, what: str) -> None:
    h: House = await house(echo())
    ola = {"authorization": "Basic b2xhOng="}
    answer = await h.http.post("/pauses", data={"what": what, "why": "a test"}, headers=ola)
    assert answer.status_code == 303
    await h.text(ANN, "hello")
    assert await h.heard(ANN) == []
    page = (await h.http.get("/overview")).text
    assert "a test (ola)" in page
    found = re.search(r'name="scope" value="(\w+)"><input type="hidden" name="name" value="([^"]*)"', page)
    assert found
    await h.http.post("/pauses/end", data={"scope": found[1], "name": found[2].replace("&#43;", "+")})
    await h.advance("2s")
    assert await h.heard(ANN) == ["heard hello"]
    assert "a test" not in (await h.http.get("/overview")).text


@pytest.mark.parametrize(
    "form",
    [{}, {"what": "everything"}, {"what": "everything", "why": "  "}, {"what": "7999", "why": "x"}, {"why": "x"}],
)
async def test_a_pause_that_says_too_little_is_none(house: Any, form: dict[str, str]) -> None:
    h: House = await house(echo())
    answer = await h.http.post("/pauses", data=form)
    assert answer.status_code == 422
    assert "Not paused" in answer.text
    assert await h.app.store.rows("pauses") == []


@pytest.mark.parametrize("scope", ["contact", "pace", "", "queue"])
async def test_only_pauses_are_ended_here(house: Any, scope: str) -> None:
    h: House = await house(echo())
    await h.app.store.write([("hold", (ANN, 1.0, "the desk looks after them"))])
    await h.http.post("/pauses/end", data={"scope": scope, "name": ANN})
    assert len(await h.app.store.rows("held", number=ANN)) == 1


async def test_what_never_left_is_not_paid_for(house: Any) -> None:
    h: House = await house(echo())
    h.provider.next = ["400"]
    await h.text(ANN, "hello")
    assert "SMS paid for 0" in told((await h.http.get("/overview")).text)


async def test_what_became_of_texts(house: Any) -> None:
    h: House = await house(echo())
    await h.mode(BOB, "full")
    for _ in range(3):
        await h.text(ANN, "hello")
        await h.advance("1h")
    await h.text(BOB, "hello")
    await h.advance("1m")
    page = told((await h.http.get("/overview")).text)
    assert "Texts out 4" in page
    assert "Delivered of those decided 75.0 %" in page
    assert "Texts in 4" in page
    assert "Replies 4 75.0 % 1 0" in page
    assert "Texts by time: 3 delivered, 1 not, 0 open" in page
    await h.advance("2d")
    assert "No texts in this time" in told((await h.http.get("/overview")).text)
    assert "Texts out 4" in told((await h.http.get("/overview?since=7d")).text)


async def test_by_operator_and_only_the_last_where_there_are_too_many(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    h: House = await house(echo())
    for _ in range(6):
        await h.text(ANN, "hello")
    texts = await h.outgoing()
    for n, text in enumerate(texts):
        status = "delivered" if n % 3 else "undelivered"
        told = Receipt(
            "sandbox", text["id"], Status(status), "x", outgoing=text["id"], operator="Play" if n < 4 else "Orange"
        )
        await h.app.inbox._receipts.take([told])
    now = h.clock.now()
    seen = await Overviews(h.app.store, h.clock.now).of(3600)
    assert {s.name: s.texts for s in seen.by["operator"]} == {"Play": 4, "Orange": 2}
    assert (seen.all.texts, seen.cut) == (6, False)
    monkeypatch.setattr("smsbot.desk.overview.MOST", 4)
    seen = await Overviews(h.app.store, h.clock.now).of(3600)
    assert (seen.all.texts, seen.cut) == (4, True)
    assert sum(bar.texts for bar in seen.bars) == 4
    assert seen.since > now - 3600
