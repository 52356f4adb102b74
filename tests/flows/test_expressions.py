"""The language of flows: what it computes, and all that it refuses."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from smsbot.core.errors import FlowError
from smsbot.flows.expressions import compile_call, compile_expression
from smsbot.flows.functions import Kind
from smsbot.flows.template import compile_template
from smsbot.flows.wrong import Wrong

NAMES = {
    "qty": Kind.NUMBER, "size": Kind.TEXT, "ok": Kind.BOOL, "day": Kind.DATE, "data": Kind.ANY, "nothing": Kind.ANY,
}  # fmt: skip
VALUES: dict[str, Any] = {
    "qty": 3, "size": "L", "ok": True, "day": date(2026, 5, 4), "data": {"ref": "A7", "rows": [1, 2]}, "nothing": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("qty * 2 + 1", 7),
        ("qty / 2", Decimal("1.5")),
        ("qty * 1.10", Decimal("3.3")),
        ("0.1 + 0.2 == 0.3", True),
        ("7 // 2 + 7 % 2", 4),
        ("1 <= qty <= 9", True),
        ("not ok or size == 'L'", True),
        ("size in ['S', 'L']", True),
        ("'l' in size", True),
        ("qty not in [1, 2]", True),
        ("ok == yes", True),
        ("'many' if qty > 2 else 'few'", "many"),
        ("data.ref", "A7"),
        ("data.missing", None),
        ("data.rows[1]", 2),
        ("data.rows[9]", None),
        ("data['ref']", "A7"),
        ("nothing.deep.er", None),
        ("nothing > 1", False),
        ("len(data.rows) + len(size)", 3),
        ("max(qty, 5, 4)", 5),
        ("round(2.345, 2)", Decimal("2.35")),
        ("round(2.5)", 3),
        ("upper(trim('  a '))", "A"),
        ("join(data.rows, ' & ')", "1 & 2"),
        ("text(qty) + size", "3L"),
        ("integer('42') + 1", 43),
        ("day + days(2)", date(2026, 5, 6)),
        ("day - day", timedelta(0)),
        ("weekday(day)", 1),
        ("-qty", -3),
        (" \n qty", 3),
    ],
)
def test_values(source: str, value: object) -> None:
    assert compile_expression(source, NAMES)(VALUES) == value


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "SB620"), ("qty +", "SB620"), ("(qty", "SB620"), ("qty = 3", "SB620"), ("if qty", "SB620"), ("'x", "SB620"),
        ("qtty", "SB621"), ("__builtins__", "SB621"), ("_", "SB621"),
        ("open('x')", "SB622"), ("eval('1')", "SB622"), ("len()", "SB622"), ("len(size, size)", "SB622"), ("max(qty)", "SB622"),
        ("len(*data)", "SB622"), ("round(qty, places=1)", "SB622"),
        ("size > 3", "SB623"), ("size + qty", "SB623"), ("size * 3", "SB623"), ("ok + ok", "SB623"), ("qty.real", "SB623"),
        ("size.upper", "SB623"), ("day < 3", "SB623"), ("-size", "SB623"), ("upper(qty)", "SB623"), ("weekday(qty)", "SB623"),
        ("ok > no", "SB623"), ("qty == '3'", "SB623"), ("3 in qty", "SB623"),
        ("2 ** 99", "SB624"), ("1 << 99", "SB624"), ("qty & 1", "SB624"), ("~qty", "SB624"), ("lambda: 1", "SB624"),
        ("[x for x in data]", "SB624"), ("{x for x in data}", "SB624"), ("(x for x in data)", "SB624"), ("{'a': 1}", "SB624"),
        ("f'{qty}'", "SB624"), ("(n := 3)", "SB624"), ("data[size]", "SB624"), ("data[0:2]", "SB624"), ("qty is 3", "SB624"),
        ("data.f()", "SB624"), ("b'x'", "SB624"), ("...", "SB624"), ("1j", "SB624"), ("[*data]", "SB624"), ("1" * 30, "SB624"),
        ("1e999", "SB624"), ("not " * 60 + "ok", "SB624"), ("qty+" * 200 + "qty", "SB624"), ("await data", "SB624"),
        ("yield", "SB620"), ("import os", "SB620"), ("(" * 250 + ")" * 250, "SB620"),
    ],
)  # fmt: skip
def test_refused(source: str, code: str) -> None:
    with pytest.raises(Wrong) as wrong:
        compile_expression(source, NAMES)
    assert wrong.value.code == code
    assert 0 <= wrong.value.start <= max(len(source), 1)


@pytest.mark.parametrize(
    "source",
    [
        "qty / 0", "qty % 0", "qty // 0", "integer('x')", "integer(data)", "nothing + 1", "data + 1", "len(nothing)",
        "round(qty, 99)", "days(999999)", "day - days(100000) - days(100000) - days(100000) - days(100000) - days(100000) - days(100000) - days(100000) - days(100000)", "max(size, data)", "-data",
        "999999999999999 * 999999999999999", "join(size)", "weekday(data)",
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_one_kind_of_error(source: str) -> None:
    loose = dict.fromkeys(NAMES, Kind.ANY)
    with pytest.raises((FlowError, Wrong)):
        compile_expression(source, loose)(VALUES)


def test_texts_cannot_be_blown_up() -> None:
    value: Any = "x" * 3000
    with pytest.raises(FlowError, match="too long"):
        compile_expression("a + a", {"a": Kind.TEXT})({"a": value})


def test_calls_of_actions() -> None:
    call = compile_call("quote(size, n=qty + 1)", NAMES)
    assert (call.name, call.arguments[0](VALUES), call.keywords["n"](VALUES)) == ("quote", "L", 4)
    assert compile_call("ping").name == "ping"
    for source in ("1 + 1", "a.b()", "f(*data)", "f(**data)", "f(g(1))"):
        with pytest.raises(Wrong):
            compile_call(source, NAMES)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{qty} x {size}", "3 x L"),
        ("{{qty}} }}", "{qty} }"),
        ("${qty * 1.5:.2f}", "$4.50"),
        ("{1234.5:,.2f}", "1,234.50"),
        ("{day}", "2026-05-04"),
        ("{day:%a %d %b}", "Mon 04 May"),
        ("{ok} {not ok} {nothing}", "yes no "),
        ("{data.rows}", "1, 2"),
        ("{'a:b' + '}'}", "a:b}"),
        ("no braces", "no braces"),
    ],
)
def test_templates(source: str, text: str) -> None:
    assert compile_template(source, NAMES).render(VALUES) == text


@pytest.mark.parametrize(
    ("source", "code", "start"),
    [
        ("a {qty", "SB626", 2), ("a } b", "SB626", 2), ("{a {b}}", "SB626", 0), ("x {sixe}", "SB621", 3),
        ("{}", "SB620", 1), ("{qty:%d %d}", "SB625", 5), ("{day:.2f}", "SB625", 5), ("{size:>9999999}", "SB625", 6),
        ("{qty!r}", "SB620", 4),
    ],
)  # fmt: skip
def test_wrong_templates(source: str, code: str, start: int) -> None:
    with pytest.raises(Wrong) as wrong:
        compile_template(source, NAMES)
    assert (wrong.value.code, wrong.value.start) == (code, start)
