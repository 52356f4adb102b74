"""Texts with ``{expressions}`` in them; ``{{`` is a brace that is meant to be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

from smsbot.core.errors import FlowError

from .expressions import Expression, compile_expression
from .functions import Kind, written
from .source import Node
from .wrong import Names, Wrong

_NUMBER_FORMAT = re.compile(r",?(?:\.[0-9])?[f%]|,?d|,")
_DATE_FORMAT = re.compile(r"(?:%[aAbBdHIjmMpyYuV-]|%-[dmHIM]|[^%{}])+")
_NAME = re.compile(r"([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)?")
_HOURS, _DAYS = re.compile(r"%-?[HIMp]"), re.compile(r"%-?[aAbBdjmyYuV]")
_FORMATS = {
    Kind.DATE: "a date takes %d %b %Y; the hour is known of a datetime alone", Kind.TIME: "a time takes %H:%M",
    Kind.MOMENT: "it takes %d %b %Y %H:%M", Kind.NUMBER: "a number takes .2f", Kind.TEXT: "a text takes no format",
}  # fmt: skip
_NUMERIC = (Kind.NUMBER, Kind.ANY)
_DATED = (Kind.DATE, Kind.TIME, Kind.MOMENT, Kind.ANY)


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text: its literal pieces and its expressions."""

    source: str
    parts: tuple[str | tuple[Expression, str], ...]
    """Text, or an expression and the format that follows its colon."""
    node: Node | None = field(default=None, compare=False, repr=False)
    """Where it stands."""

    def render(self, values: Mapping[str, Any]) -> str:
        """The text, with the values in it."""
        return "".join([p if isinstance(p, str) else _show(p[0](values), p[1]) for p in self.parts])

    @property
    def names(self) -> frozenset[str]:
        """The names that it needs."""
        return frozenset(n for p in self.parts if not isinstance(p, str) for n in p[0].names)


def compile_template(source: str, names: Names | None = None) -> Template:
    """Compile a text; raises `Wrong` with the place in it."""
    parts: list[str | tuple[Expression, str]] = []
    literal = ""
    i = 0
    while i < len(source):
        char = source[i]
        if char in "{}" and source[i : i + 2] == char * 2:
            literal += char
            i += 2
        elif char == "}":
            raise Wrong("SB626", "a closing brace without its partner", i, 1, remedy="write }} for a brace to be seen")
        elif char == "{":
            end = _closing(source, i, names or {})
            if literal:
                parts.append(literal)
            parts.append(_compile_part(source, i + 1, end, names))
            literal, i = "", end + 1
        else:
            literal += char
            i += 1
    if literal:
        parts.append(literal)
    return Template(source, tuple(parts))


def _closing(source: str, start: int, names: Names) -> int:
    """Where the brace that opens at `start` closes; quotes hide braces."""
    quote = ""
    for i in range(start + 1, len(source)):
        char = source[i]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "}":
            return i
        elif char == "{":
            break
    name = _NAME.match(source, start + 1)
    known = name is not None and name[1] in names
    remedy = f"close it: {{{name[0]}}}" if name is not None and known else "write {{ for a brace to be seen"
    raise Wrong("SB626", "an opening brace without its partner", start, 1, remedy=remedy)


def _compile_part(source: str, start: int, end: int, names: Names | None) -> tuple[Expression, str]:
    inside = source[start:end]
    colon = _colon(inside)
    body, spec = (inside, "") if colon < 0 else (inside[:colon], inside[colon + 1 :])
    try:
        expression = compile_expression(body, names)
    except Wrong as wrong:
        wrong.start += start
        raise
    if spec and not _fits(expression.kind, spec):
        what = _FORMATS.get(expression.kind, "numbers take .2f, dates and times take %d %b %H:%M")
        raise Wrong(
            "SB625", f'the format "{spec}" does not fit {expression.kind}', start + colon + 1, len(spec), remedy=what
        )
    return expression, spec


def _colon(inside: str) -> int:
    """Where the format begins: the first colon outside quotes and brackets; -1 if there is none."""
    quote, depth = "", 0
    for i, char in enumerate(inside):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == ":" and not depth:
            return i
    return -1


def _fits(kind: Kind, spec: str) -> bool:
    numeric = kind in _NUMERIC and _NUMBER_FORMAT.fullmatch(spec) is not None
    dated = kind in _DATED and "%" in spec and _DATE_FORMAT.fullmatch(spec) is not None
    absent = {Kind.DATE: _HOURS, Kind.TIME: _DAYS}.get(kind)  # a day has no hour, a time no day
    return numeric or (dated and (absent is None or absent.search(spec) is None))


def _show(value: Any, spec: str) -> str:
    if value is None or isinstance(value, bool) or not spec:
        return written(value)
    try:
        return _formatted(value, spec)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise FlowError(f"the format {spec!r} does not fit {type(value).__name__}") from error


def _formatted(value: Any, spec: str) -> str:
    if isinstance(value, date | time):
        return value.strftime(spec)
    if not isinstance(value, int | float | Decimal) or not _NUMBER_FORMAT.fullmatch(spec):
        raise TypeError
    return format(int(value) if spec[-1] == "d" else value, spec)
