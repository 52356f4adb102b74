"""The arithmetic of expressions: operators that refuse what does not fit, and a fixed table of pure functions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from smsbot.core.message import Media
from smsbot.core.money import Money

LARGEST = 10**18
"""Numbers stay below it."""
_SIXTH = Decimal("0.000001")
_LONGEST_TEXT = 4000
_DAY = timedelta(days=1)


class Kind(StrEnum):
    """The kind of a value, as far as it is known before a flow runs."""

    ANY = "anything"
    TEXT = "a text"
    NUMBER = "a number"
    BOOL = "yes or no"
    DATE = "a date"
    TIME = "a time"
    MOMENT = "a moment"
    SPAN = "a duration"
    LIST = "a list"


# -- values -------------------------------------------------------------------------------------------


def number_of(value: Any) -> int | Decimal:
    """A number of any kind, floats as they are written; raises `TypeError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        what = "there is none yet" if value is None else f"not {type(value).__name__}"
        raise TypeError(f"a number is needed, {what}")
    return Decimal(str(value)) if isinstance(value, float) else value


def _bounded(value: Any) -> Any:
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and not -LARGEST < value < LARGEST:
        raise ValueError("the number is too large")
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise ValueError("the text is too long")
    if isinstance(value, list) and len(value) > _LONGEST_TEXT:
        raise ValueError("the list is too long")
    return value


def _add(a: Any, b: Any) -> Any:
    if isinstance(a, str) and isinstance(b, str):
        return _bounded(a + b)
    if isinstance(a, list) and isinstance(b, list):
        return _bounded(a + b)
    if isinstance(b, date):
        a, b = b, a
    if isinstance(a, datetime) and isinstance(b, timedelta):
        return later(a, b)
    if isinstance(a, timedelta | date):
        return a + b
    return _bounded(number_of(a) + number_of(b))


def _sub(a: Any, b: Any) -> Any:
    if isinstance(a, datetime) and isinstance(b, timedelta):
        return later(a, -b)
    if isinstance(a, date) and isinstance(b, date):
        a, b = _alike(a, b)
        return a.astimezone(UTC) - b.astimezone(UTC) if isinstance(a, datetime) and a.tzinfo is not None else a - b
    if isinstance(a, timedelta | date):
        return a - b
    return _bounded(number_of(a) - number_of(b))


def _mul(a: Any, b: Any) -> Any:
    return _bounded(number_of(a) * number_of(b))


def _div(a: Any, b: Any) -> Any:
    return _bounded(Decimal(number_of(a)) / Decimal(number_of(b)))


def _floor(a: Any, b: Any) -> Any:
    return number_of(a) // number_of(b)


def _mod(a: Any, b: Any) -> Any:
    return number_of(a) % number_of(b)


def later(moment: datetime, span: timedelta) -> datetime:
    """A moment so much later: whole days keep the time of the day, hours pass also where clocks are changed."""
    if moment.tzinfo is None or not span % _DAY:
        return moment + span
    return (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)


def moment_of(written: str) -> date | time | None:
    """What a text is: a day (``2026-12-01``), a time (``9:00``), a moment (``2026-12-01 9:00``), or None of them."""
    day, _, at = written.strip().rpartition(" ")
    try:
        if not day and ":" not in at:
            return date.fromisoformat(at)
        clock = time.fromisoformat(at.zfill(5))
        return datetime.combine(date.fromisoformat(day), clock) if day else clock
    except ValueError:
        return None


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values as they compare: a text with a date as the date that it is, a moment with a date by its day."""
    if isinstance(a, str) and isinstance(b, date | time):
        a = moment_of(a)
    elif isinstance(b, str) and isinstance(a, date | time):
        b = moment_of(b)
    if isinstance(a, datetime) and isinstance(b, datetime):
        a = a.replace(tzinfo=b.tzinfo) if a.tzinfo is None else a
        b = b.replace(tzinfo=a.tzinfo) if b.tzinfo is None else b
    elif isinstance(a, datetime):
        a = a.date() if isinstance(b, date) else a.time() if isinstance(b, time) else a
    elif isinstance(b, datetime):
        b = b.date() if isinstance(a, date) else b.time() if isinstance(a, time) else b
    return _comparable(a), _comparable(b)


def _comparable(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    """A comparison in which what has no value yet is neither more nor less than anything."""

    def ordered(a: Any, b: Any) -> bool:
        a, b = _alike(a, b)
        return a is not None and b is not None and bool(compare(a, b))

    return ordered


def _equal(a: Any, b: Any) -> bool:
    one, other = _alike(a, b)
    return bool(one == other) and (one is not None or a is b is None)


def _contains(a: Any, b: Any) -> bool:
    """``a in b``; texts are looked for whatever their case."""
    if isinstance(b, str):
        return isinstance(a, str) and a.casefold() in b.casefold()
    if isinstance(b, list | tuple):
        return any(_equal(a, each) for each in b)
    return isinstance(b, Mapping) and a in b


Run = Callable[[Mapping[str, Any]], Any]
"""A compiled expression: from the values of its names to its own."""

ARITHMETIC: Mapping[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", _add), ast.Sub: ("-", _sub), ast.Mult: ("*", _mul), ast.Div: ("/", _div),
    ast.FloorDiv: ("//", _floor), ast.Mod: ("%", _mod),
}  # fmt: skip
COMPARISONS: Mapping[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", _equal), ast.NotEq: ("!=", lambda a, b: not _equal(a, b)),
    ast.Lt: ("<", _ordered(operator.lt)), ast.LtE: ("<=", _ordered(operator.le)),
    ast.Gt: (">", _ordered(operator.gt)), ast.GtE: (">=", _ordered(operator.ge)),
    ast.In: ("in", _contains), ast.NotIn: ("not in", lambda a, b: not _contains(a, b)),
}  # fmt: skip
# -- functions ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: how many arguments of which kinds, and what it gives."""

    run: Callable[..., Any]
    takes: tuple[Kind, ...]
    gives: Kind
    least: int = -1
    """Arguments that must be given; -1: all."""
    many: bool = False
    """Whether the last kind may repeat."""


def number_text(value: int | float | Decimal) -> str:
    """A number as people write it: at most six places, none that say nothing."""
    if isinstance(value, int):
        return str(value)
    exact = Decimal(str(value))
    short = exact if exact == exact.quantize(_SIXTH) else exact.quantize(_SIXTH, ROUND_HALF_UP)
    shown = format(short, "f")
    return shown.rstrip("0").rstrip(".") if short is not exact and "." in shown else shown


def written(value: Any) -> str:
    """The one writing of a value: in texts, in ``text()``, and joined to others."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal():
            return number_text(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case time():
            return value.strftime("%H:%M")
        case timedelta():
            return _span_text(value)
        case list() | tuple():
            return ", ".join(map(written, value))
        case Mapping():
            return ", ".join(f"{name} {written(v)}" for name, v in value.items())
    return str(value)


def _span_text(span: timedelta) -> str:
    """A duration as it is written in flows: ``2d 3h``."""
    minutes = abs(span) // timedelta(minutes=1)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    shown = " ".join(f"{count}{unit}" for count, unit in parts if count) or "0m"
    return f"-{shown}" if span < timedelta() and minutes else shown


def _text(value: Any) -> str:
    return str(_bounded(written(value)))


def _integer(value: Any) -> int:
    number = Decimal(value.strip()) if isinstance(value, str) else number_of(value)
    return int(_bounded(number))


def _round(value: Any, places: Any = 0) -> Any:
    digits = int(number_of(places))
    if not 0 <= digits <= 9:
        raise ValueError("round() keeps 0 to 9 places")
    rounded = Decimal(number_of(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return rounded if digits else int(rounded)


def _span(unit: str) -> Callable[[Any], timedelta | int]:
    one = timedelta(**{unit: 1})

    def span(count: Any) -> timedelta | int:
        """So many of a unit; of a duration, how many whole ones it holds."""
        if isinstance(count, timedelta):
            return count // one if count >= timedelta() else -(-count // one)
        number = number_of(count)
        if not -100_000 <= number <= 100_000:
            raise ValueError(f"{unit}() takes at most 100,000")
        return timedelta(**{unit: float(number)})

    return span


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise TypeError("len() counts the characters of a text or the entries of a list")
    return len(value)


def _weekday(value: Any) -> int:
    if not isinstance(value, date):
        raise TypeError("weekday() takes a date")
    return value.isoweekday()


def _extreme(best: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        return best(*(v if isinstance(v, date | time) else number_of(v) for v in values))

    return extreme


def _join(values: Any, between: Any = ", ") -> str:
    if not isinstance(values, list | tuple) or not isinstance(between, str):
        raise TypeError("join() takes a list, and the text between its entries")
    return str(_bounded(between.join(map(written, values))))


def _textual(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: str(_bounded(change(_text(value))))


FUNCTIONS: Mapping[str, Function] = {
    "len": Function(_length, (Kind.ANY,), Kind.NUMBER),
    "min": Function(_extreme(min), (Kind.ANY, Kind.ANY), Kind.ANY, 2, many=True),
    "max": Function(_extreme(max), (Kind.ANY, Kind.ANY), Kind.ANY, 2, many=True),
    "abs": Function(lambda v: abs(number_of(v)), (Kind.NUMBER,), Kind.NUMBER),
    "round": Function(_round, (Kind.NUMBER, Kind.NUMBER), Kind.NUMBER, 1),
    "integer": Function(_integer, (Kind.ANY,), Kind.NUMBER),
    "text": Function(_text, (Kind.ANY,), Kind.TEXT),
    "upper": Function(_textual(str.upper), (Kind.TEXT,), Kind.TEXT),
    "lower": Function(_textual(str.lower), (Kind.TEXT,), Kind.TEXT),
    "title": Function(_textual(str.title), (Kind.TEXT,), Kind.TEXT),
    "trim": Function(_textual(str.strip), (Kind.TEXT,), Kind.TEXT),
    "join": Function(_join, (Kind.LIST, Kind.TEXT), Kind.TEXT, 1),
    "days": Function(_span("days"), (Kind.NUMBER,), Kind.SPAN),
    "hours": Function(_span("hours"), (Kind.NUMBER,), Kind.SPAN),
    "minutes": Function(_span("minutes"), (Kind.NUMBER,), Kind.SPAN),
    "weekday": Function(_weekday, (Kind.DATE,), Kind.NUMBER),
}
"""All functions of the language. weekday(): 1 is Monday."""
UNITS = ("days", "hours", "minutes")
"""Functions that make a duration of a number, and a number of a duration."""

# -- parts of expressions -----------------------------------------------------------------------------


def moments(a: Any, b: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """A day to which hours are added is its midnight, by the person's clock."""
    return _midnight(a, b, values), _midnight(b, a, values)


def _midnight(value: Any, beside: Any, values: Mapping[str, Any]) -> Any:
    if not isinstance(value, date) or isinstance(value, datetime) or not isinstance(beside, timedelta):
        return value
    now = values.get("now")
    zone = now.tzinfo if isinstance(now, datetime) else None
    return datetime.combine(value, time.min, zone) if beside % timedelta(days=1) else value


def entry_of(inner: Run, key: str | int) -> Run:
    """An entry of a map or a list; nothing where there is none."""

    def entry(values: Mapping[str, Any]) -> Any:
        found = inner(values)
        if isinstance(found, Mapping):
            return found.get(key)
        if isinstance(found, Money | Media):
            return asdict(found).get(str(key))
        if isinstance(found, list | tuple) and isinstance(key, int):
            return found[key] if -len(found) <= key < len(found) else None
        return None

    return entry


def placed(inner: Run, place: Run) -> Run:
    """The entry of a list at a place that is computed."""

    def entry(values: Mapping[str, Any]) -> Any:
        at = place(values)
        return entry_of(inner, at if isinstance(at, str) else int(number_of(at)))(values)

    return entry


def all_of(runs: Sequence[Run], values: Mapping[str, Any]) -> Any:
    """``a and b``: the first that does not hold, else the last."""
    found: Any = True
    for run in runs:
        found = run(values)
        if not found:
            return found
    return found


def any_of(runs: Sequence[Run], values: Mapping[str, Any]) -> Any:
    """``a or b``: the first that holds, else the last."""
    found: Any = False
    for run in runs:
        found = run(values)
        if found:
            return found
    return found
