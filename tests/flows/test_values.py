"""What values mean: moments, durations, literals, one writing; what may be missing, and what nobody answers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.core.errors import FlowError
from smsbot.flows.expressions import compile_expression
from smsbot.flows.functions import Kind, written
from smsbot.flows.loader import load
from smsbot.flows.template import compile_template
from smsbot.flows.wrong import Wrong

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 10, 24, 22, 0, tzinfo=WARSAW)
"""The night in which clocks are put back."""
NAMES = {
    "now": Kind.MOMENT, "today": Kind.DATE, "d": Kind.DATE, "t": Kind.TIME, "m": Kind.MOMENT, "n": Kind.NUMBER, "s": Kind.TEXT,
    "any": Kind.ANY, "list": Kind.LIST, "i": Kind.NUMBER,
}  # fmt: skip
VALUES: dict[str, Any] = {
    "now": NOW, "today": NOW.date(), "d": date(2026, 12, 1), "t": time(12), "m": datetime(2026, 12, 1, 9, tzinfo=WARSAW),
    "n": 3, "s": "x", "any": "2026-12-01", "list": ["a", "b", "c"], "i": 1,
}  # fmt: skip

# (expression, value)
MEANT: list[tuple[str, Any]] = [
    ("d + hours(9)", datetime(2026, 12, 1, 9, tzinfo=WARSAW)), ("d + hours(9) == m", True), ("m - hours(9) == d", True),
    ("d + days(1)", date(2026, 12, 2)), ("hours(9) + d", datetime(2026, 12, 1, 9, tzinfo=WARSAW)),
    ("now + hours(9)", datetime(2026, 10, 25, 6, tzinfo=WARSAW)), ("now + days(1)", datetime(2026, 10, 25, 22, tzinfo=WARSAW)),
    ("hours((now + days(1)) - now)", 25), ("days(d - today)", 38), ("days(today - d)", -38), ("hours(m - now) > 24", True),
    ("d == '2026-12-01'", True), ("d > '2026-12-01'", False), ("d >= '2026-12-01'", True), ("d in ['2026-12-24', '2026-12-01']", True),
    ("'2026-11-30' < d", True), ("t == '12:00'", True), ("t > '9:30'", True), ("m > '2026-12-01 8:59'", True), ("m > '2026-12-01'", False),
    ("m == '2026-12-01'", True), ("now > '21:00'", True), ("m == d", True), ("now < d", True), ("d > now", True), ("m > t", False),
    ("any == d", True), ("any < m", False), ("list[i]", "b"), ("list[i + 1]", "c"), ("list[n]", None), ("list[-1]", "c"),
    ("s == none", False), ("any != none", True), ("text(m)", "2026-12-01 09:00"), ("text(t)", "12:00"), ("text(d)", "2026-12-01"),
    ("text(list)", "a, b, c"), ("text(n > 2)", "yes"), ("join([d, n, t], '/')", "2026-12-01/3/12:00"), ("text(days(2))", "2d"),
    ("days(2) > hours(47)", True), ("minutes(hours(2))", 120),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), MEANT)
def test_an_expression_means_what_one_expects(source: str, expected: Any) -> None:
    assert compile_expression(source, NAMES)(VALUES) == expected


@pytest.mark.parametrize(
    "source", ["d > 'soon'", "d == '12:00'", "t < '2026-12-01'", "m == 'noon'", "d == '2026-13-01'", "t > '25:00'"]
)
def test_a_literal_that_is_no_date_is_told(source: str) -> None:
    with pytest.raises(Wrong) as wrong:
        compile_expression(source, NAMES)
    assert (wrong.value.code, "it is written" in wrong.value.remedy) == ("SB623", True)


def test_a_moment_without_a_zone_is_of_the_persons_clock() -> None:
    compare = compile_expression("any < now")
    assert compare({"any": datetime(2026, 10, 24, 21), "now": NOW}) is True
    with pytest.raises(FlowError):
        compile_expression("any < now")({"any": 5, "now": NOW})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""), (True, "yes"), (Decimal("3.50"), "3.50"), (0.1 + 0.2, "0.3"), (NOW, "2026-10-24 22:00"), (time(9, 5), "09:05"),
        (date(2026, 1, 2), "2026-01-02"), ([1, time(9)], "1, 09:00"), ({"a": NOW.date()}, "a 2026-10-24"),
        (timedelta(days=2, hours=3), "2d 3h"), (timedelta(minutes=-5), "-5m"), (timedelta(), "0m"), (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00"),
    ],
)  # fmt: skip
def test_each_value_has_one_writing(value: Any, expected: str) -> None:
    assert written(value) == expected
    assert compile_template("{v}").render({"v": value}) == expected
    assert compile_expression("text(v)")({"v": value}) == expected


HEAD = "flow: x\nstart: x\ndefaults: {timeout: 1h}\nsteps:\n"
CHILD = '  - {ask: people, say: "How many?", type: integer}\n  - {ask: child, when: people > 3, say: "Age?", type: integer}\n'

# (steps, the codes of what is wrong)
FLOWS: list[tuple[str, list[str]]] = [
    ('  - {ask: size, say: "Size?", choices: [S, M]}\n  - {when: size == \'s\', say: Small}\n', ["SB643"]),
    ('  - {ask: size, say: "Size?", choices: [S, M]}\n  - {when: "size in [\'S\', \'L\']", say: Small}\n', ["SB643"]),
    ('  - {ask: size, say: "Size?", choices: [S, M]}\n  - {when: "\'S\' != size", say: Medium}\n', []),
    ('  - {ask: size, say: "Size?", choices: [S, M]}\n  - {set: {size: "\'XL\'"}}\n  - {when: size == \'XL\', say: Big}\n', []),
    ('  - {ask: d, say: "When?", type: date}\n  - {say: "In {d - today}."}\n', ["SB625"]),
    ('  - {ask: d, say: "When?", type: date}\n  - {say: "In {days(d - today)} days."}\n', []),
    ('  - {set: {contact.language: 4}}\n', ["SB607"]), ('  - {set: {contact.language: "\'polish\'"}}\n', ["SB607"]),
    ('  - {set: {contact.language: "\'pl\' if line == \'1\' else \'en\'"}}\n', []),
    ('  - {set: {contact.firstname: "\'Ann\'"}, say: "Hi {contact.fistname}."}\n', ["SB621"]),
    ('  - {set: {contact.firstname: "\'Ann\'"}, say: "Hi {contact.firstname}, {contact.email_of_boss or \'nobody\'}."}\n', []),
    ('  - {set: {contact.firstname: "\'Ann\'"}, say: "Hi {contact.firstname}, {contact.email_of_boss}."}\n', ["SB621"]),
    ('  - {ask: name, say: "Name?"}\n  - {say: "Hi {{name}}."}\n', ["SB654"]), ('  - {ask: name, say: "Name?"}\n  - {say: "Hi @name."}\n', ["SB654"]),
    ('  - {ask: name, say: "Name?"}\n  - {say: "Hi ${name}."}\n', ["SB654"]), ('  - {ask: n, say: "N?", type: integer}\n  - {say: "${n}, ann@n.com"}\n', []),
    (f'  - {{say: "{"word " * 180}"}}\n', ["SB653"]), (f'  - {{say: "{"word " * 300}"}}\n', ["SB652"]),
    # what may be missing
    (CHILD + '  - {say: "{child}."}\n', ["SB627"]), (CHILD + '  - {when: people > 3, say: "{child}."}\n', []),
    (CHILD + '  - {when: people > 4, say: "{child}."}\n', []), (CHILD + '  - {when: people > 2, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {when: people == 4, say: "{child}."}\n', []), (CHILD + '  - {when: people >= 3, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {when: people > 3 and now > today, say: "{child}."}\n', []),
    (CHILD + '  - {when: people > 3 or now > today, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {say: "{child if people > 3 else \'none\'}."}\n', []), (CHILD + '  - {say: "{child or \'none\'}."}\n', []),
    (CHILD + '  - {when: child != none, say: "{child}."}\n', []), (CHILD + '  - {when: child > 1, say: "{child + 1}."}\n', []),
    (CHILD + '  - {when: child == none, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {when: people <= 3, set: {child: 0}}\n  - {say: "{child}."}\n', []),
    (CHILD + '  - {when: not people > 3, set: {child: 0}}\n  - {say: "{child}."}\n', []),
    (CHILD.replace("when: people > 3, ", "") + '  - {say: "{child}."}\n', []),
    ('  - {ask: a, say: "A?", choices: [x, y], then: {x: one, y: two}}\n  - {id: one, ask: b, say: "B?"}\n  - {id: two, say: "{b}."}\n', ["SB627"]),
    ('  - {ask: a, say: "A?", choices: [x, y], then: [{when: a == \'x\', go: one}, {go: two}]}\n  - {id: one, ask: b, say: "B?"}\n'
     '  - {id: two, when: a == \'x\', say: "{b}."}\n', ["SB627"]),
    ('  - {ask: a, say: "A?", timeout: {after: 1h, then: end}}\n  - {id: end, say: "Bye {a}."}\n', ["SB627"]),
    # what has no value is neither more nor less than anything, and is not the empty text
    (CHILD + '  - {when: child > 3, say: Big}\n  - {say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {say: "{\'big\' if child > 3 else child}."}\n', ["SB627"]),
    (CHILD + '  - {when: child > 3, set: {x: 1}}\n  - {when: child <= 3, set: {x: 2}}\n  - {say: "{x}."}\n', ["SB627"]),
    (CHILD + '  - {when: not child > 3, say: "{child}."}\n', ["SB627"]), (CHILD + '  - {when: "text(child) < \'5\'", say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {when: child == other, say: "{child}."}\n', ["SB621"]), (CHILD + '  - {when: child == people, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {when: "child in [4, none]", say: "{child}."}\n', ["SB627"]), (CHILD + '  - {when: "child in [4, 5]", say: "{child}."}\n', []),
    (CHILD + '  - {when: "text(child) < \'5\'", say: "{child}."}\n', ["SB627"]), (CHILD + '  - {when: "text(child) == \'5\'", say: "{child}."}\n', []),
    (CHILD + '  - {when: child + 1 == people, say: "{child}."}\n', []), (CHILD + '  - {when: child == none, say: Hm, end: done}\n  - {say: "{child}."}\n', []),
    (CHILD + '  - {when: "not child > 3", set: {x: 1}}\n  - {when: child > 3, set: {x: 2}}\n  - {say: "{x}."}\n', []),
    ('  - {ask: n, say: "N?", type: integer}\n  - {ask: who, when: n > 3, say: "Who?"}\n  - {when: "who != \'\'", say: "{who}."}\n', ["SB627"]),
    ('  - {ask: ok, say: "OK?", type: yes_no}\n  - {ask: gift, when: ok == yes, say: "Gift?", type: yes_no}\n'
     '  - {when: gift == no, say: "{gift}."}\n  - {when: gift, say: "{gift}."}\n', []),
    ('  - {do: find, save: x}\n  - {when: x.n > 3, set: {y: 1}}\n  - {when: x.n <= 3, set: {y: 2}}\n  - {say: "{y}."}\n', ["SB630", "SB627"]),
    # what was asked under a condition is known while its values are the same
    (CHILD + '  - {set: {people: 9}}\n  - {when: people > 3, say: "{child}."}\n', ["SB627"]),
    (CHILD + '  - {id: again, ask: people, say: "How many now?", type: integer}\n  - {when: people > 3, say: "{child}."}\n', ["SB627"]),
    ('  - {ask: a, when: "now > \'12:00\'", say: "A?"}\n  - {when: "now > \'12:00\'", say: "{a}."}\n', ["SB627"]),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "codes"), FLOWS)
def test_what_a_flow_says_is_proved(steps: str, codes: list[str]) -> None:
    flow, source = load("x.yaml", (HEAD + steps).encode())
    assert flow is not None
    found = check([flow], {"x.yaml": source}, Around(Bot()))
    assert [p.code for p in found] == codes, found
