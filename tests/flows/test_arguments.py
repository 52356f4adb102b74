"""What programs give to flows: required, checked with every problem, read as declared, written in texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot
from smsbot.core.money import Money
from smsbot.flows.arguments import arguments_of, schema_of, wrong_with
from smsbot.flows.loader import load
from smsbot.flows.steps import Flow

from ..house import ANN, House

VISIT = """\
flow: visit
start: {event: visit.soon}
args: {at: datetime, doctor: text(40), room: "integer(1, 99)", new: yes_no, price: money}
steps:
  - {say: "{doctor}, room {room}, {at:%d.%m. %H:%M}. {price}. {'Welcome!' if new else ''}"}
  - {when: at > now + hours(24), say: "That is {days(at - now)} days from now."}
"""
GOOD = {"at": "2026-12-01T09:00+01:00", "doctor": "Dr Lis", "room": 7, "new": False, "price": "12.5 PLN"}


def flow_of(text: str) -> Flow:
    flow, source = load("x.yaml", text.encode())
    assert flow is not None
    assert source.problems == []
    return flow


def typed(kind: str) -> Flow:
    return flow_of(f'flow: x\nstart: {{api: x}}\nargs: {{v: "{kind}"}}\nsteps: [{{say: a}}]\n')


WARSAW = ZoneInfo("Europe/Warsaw")
READ: list[tuple[str, Any, Any]] = [
    ("text", "hi", "hi"), ("text", 5, "5"), ("text(3)", "hiya", None), ("text", None, None), ("text", ["a"], None),
    ("integer", 7, 7), ("integer", "7", 7), ("integer", 7.5, None), ("integer", True, None), ("integer(1, 9)", 10, None),
    ("number", "7.5", Decimal("7.5")), ("number", 0.1, Decimal("0.1")), ("number", "many", None), ("number", "NaN", None),
    ("yes_no", True, True), ("yes_no", "no", False), ("yes_no", "perhaps", None),
    ("date", "2026-12-01", date(2026, 12, 1)), ("date", "1.12.2026", None), ("date", 20261201, None),
    ("date", datetime(2026, 12, 1, tzinfo=UTC), None), ("date", date(2026, 12, 1), date(2026, 12, 1)),
    ("time", "9:00", time(9)), ("time", "25:00", None),
    ("datetime", "2026-12-01T08:00Z", datetime(2026, 12, 1, 9, tzinfo=WARSAW)),
    ("datetime", "2026-12-01 09:00", datetime(2026, 12, 1, 9, tzinfo=WARSAW)), ("datetime", "2027-02-03", None),
    ("phone", "600 100 200", "+48600100200"), ("phone", "abc", None), ("email", "a@b.pl", "a@b.pl"), ("email", "a b@c", None),
    ("money", 12, Money(Decimal("12.00"))), ("money", "9.99 eur", Money(Decimal("9.99"), "EUR")), ("money", "9 zlotys", None),
    ("pattern([A-Z]{2}[0-9])", "AB1", "AB1"), ("pattern([A-Z]{2}[0-9])", "1ab", None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "expected"), READ)
def test_a_value_is_read_as_its_type_or_refused(kind: str, given: Any, expected: Any) -> None:
    flow = typed(kind)
    wrong = wrong_with(flow, {"v": given}, "PL")
    assert (wrong == []) is (expected is not None), wrong
    if expected is not None:
        assert arguments_of(flow, {"v": given}, WARSAW, "PL") == {"v": expected}
    else:
        assert str(given) not in wrong[0][1], "what a program gives may be anybody's"


def test_all_that_is_wrong_is_told_at_once() -> None:
    flow = typed("integer")
    assert wrong_with(flow, {"w": 1}, None) == [("v", "is missing"), ("w", "the flow has no such argument")]
    assert wrong_with(flow_of(VISIT), {**GOOD, "more": 1}, None) == [], "an event may hold more"
    assert {name for name, _ in wrong_with(flow_of(VISIT), {"at": "soon"}, None)} == {
        "at",
        "doctor",
        "room",
        "new",
        "price",
    }
    assert schema_of(flow_of(VISIT))["properties"]["at"] == {"type": "string", "format": "date-time"}


async def test_they_are_written_as_texts(house: Any, tmp_path: Path) -> None:
    (tmp_path / "visit.yaml").write_text(VISIT)
    h: House = await house(Bot(flows=str(tmp_path / "visit.yaml")))
    await h.event("visit.soon", ANN, GOOD | {"at": "2031-12-01T09:00+00:00"})
    first, second = await h.heard(ANN)
    assert first == "Dr Lis, room 7, 01.12. 10:00. 12.50 PLN. "
    assert second.startswith("That is ")


async def test_a_hole_is_read_as_the_argument_of_its_name(house: Any, tmp_path: Path) -> None:
    book = (
        'flow: book\nstart: {words: ["book {day}", "book {day} {n:int}"], event: book}\nargs: {day: date, n: integer}\n'
        "steps: [{say: \"{day:%A} {n if n != none else 'alone'} {'' if day != none else 'no day'}\"}]\n"
    )
    (tmp_path / "book.yaml").write_text(book)
    h: House = await house(Bot(flows=str(tmp_path / "book.yaml")))
    for text in ("book 2031-12-01", "book 2031-12-02 4"):
        await h.text(ANN, text)
    await h.event("book", ANN, {"day": "2031-12-03", "n": 5})
    assert [said.strip() for said in await h.heard(ANN)] == ["Monday alone", "Tuesday 4", "Wednesday 5"]
