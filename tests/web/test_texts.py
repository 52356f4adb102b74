"""All texts by way, status, kind, line and day: as a plain reading of the whole table would have it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsbot.desk import listing
from smsbot.desk.listing import Listings, Wanted

from ..house import ANN, BOB, House, echo
from ..tables import sql

STATUSES = ("delivered", "failed", "blocked", "accepted")
KINDS = ("reply", "code", "bulk")


class Table:
    """The statements that a listing needs, on texts that are given; places may be missing."""

    def __init__(self, texts: list[dict[str, Any]]) -> None:
        self.texts = texts
        self.most = 0

    async def rows(self, name: str, **p: Any) -> list[dict[str, Any]]:
        if name == "newest_out_place":
            return [{"seq": max((t["seq"] for t in self.texts), default=None)}]
        if name == "out_place_at":
            return sorted((t for t in self.texts if t["seq"] <= p["seq"]), key=lambda t: -int(t["seq"]))[:1]
        assert name == "texts_out"
        self.most = max(self.most, p["below"] - p["after"])
        found = [
            t for t in self.texts
            if p["after"] <= t["seq"] < p["below"] and p["status"] in ("", t["status"]) and p["kind"] in ("", t["kind"])
            and p["line"] in ("", t["line"])
        ]  # fmt: skip
        return sorted(found, key=lambda t: -int(t["seq"]))[: p["limit"]]


@st.composite
def texts(draw: st.DrawFn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    at, seq = 0.0, 0
    for _ in range(draw(st.integers(0, 60))):
        seq += draw(st.integers(1, 3))
        at += draw(st.integers(0, 2))
        row = {"seq": seq, "at": at, "line": draw(st.sampled_from("ab"))}
        found.append({**row, "status": draw(st.sampled_from(STATUSES)), "kind": draw(st.sampled_from(KINDS))})
    return found


@given(
    texts(), st.sampled_from(("", *STATUSES)), st.sampled_from(("", *KINDS)), st.sampled_from(("", "a")),
    st.integers(0, 50), st.one_of(st.none(), st.integers(0, 70)), st.integers(1, 7),
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_page_after_page_finds_each_once_in_order(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], status: str, kind: str, line: str, since: int,
    until: int | None, limit: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(listing, "WINDOW", 10)
    table, most = Table(rows), float("inf") if until is None else float(until)
    wanted = Wanted("out", status, kind, line, float(since), most)
    found: list[Any] = []
    below, pages = 0, 0
    while True:
        page = await Listings(table).page(wanted, below, limit)
        found += page.rows
        pages += 1
        assert len(page.rows) <= limit
        if not page.below:
            break
        assert below == 0 or page.below < below
        below = page.below
        assert pages < 300
    expected = [
        t["seq"] for t in reversed(rows)
        if status in ("", t["status"]) and kind in ("", t["kind"]) and line in ("", t["line"]) and since <= t["at"] < most
    ]  # fmt: skip
    assert [t["seq"] for t in found] == expected
    assert table.most <= 10


# -- the page ---------------------------------------------------------------------------------------


@pytest.fixture
async def h(house: Any) -> House:
    made: House = await house(echo())
    await made.mode(BOB, "full")
    await made.text(ANN, "one")
    await made.text(BOB, "two")
    await made.advance("1m")
    await made.advance("48h")
    await made.text(ANN, "three")
    return made


async def found(h: House, query: str) -> list[str]:
    answer = await h.http.get(f"/texts?{query}")
    assert answer.status_code == 200
    return re.findall(r'<span class="text">([^<]*)</span>', answer.text)


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", ["heard three", "heard two", "heard one"]),
        ("status=undelivered", ["heard two"]),
        ("status=delivered", ["heard three", "heard one"]),
        ("status=blocked", []),
        ("kind=reply", ["heard three", "heard two", "heard one"]),
        ("kind=bulk", []),
        ("way=in", ["three", "two", "one"]),
        ("way=in&kind=optout", []),
        ("line=%2B48732000111", ["heard three", "heard two", "heard one"]),
        ("status=nonsense&kind=%00&line=7", ["heard three", "heard two", "heard one"]),
    ],
)
async def test_what_is_asked_for(h: House, query: str, texts: list[str]) -> None:
    assert await found(h, query) == texts


async def test_days_are_those_of_the_desk(h: House) -> None:
    page = (await h.http.get("/texts")).text
    days = sorted(set(re.findall(r'datetime="(\d{4}-\d\d-\d\d)T', page)))
    assert len(days) == 2
    assert await found(h, f"since={days[1]}") == ["heard three"]
    assert await found(h, f"until={days[0]}") == ["heard two", "heard one"]
    assert await found(h, f"since={days[0]}&until={days[1]}") == ["heard three", "heard two", "heard one"]


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-40", "since=0000-00-00", "until=9999-12-31"])
async def test_a_day_that_is_none(h: House, query: str) -> None:
    answer = await h.http.get(f"/texts?{query}")
    assert (answer.status_code, "A day is written as" in answer.text) == (422, True)


async def test_numbers_and_codes_are_hidden(h: House) -> None:
    sql(h.app.settings.place, "UPDATE outgoing SET kind = 'code', text = 'Your code is 471148'")
    page = (await h.http.get("/texts")).text
    assert "471148" not in page
    assert ANN[3:] not in page
