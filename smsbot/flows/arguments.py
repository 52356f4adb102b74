"""The arguments that a flow takes from programs: JSON as it arrives, checked and read as the types that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from smsbot.core import phone
from smsbot.core.errors import UsageError
from smsbot.core.money import Money
from smsbot.core.nearest import nearest
from smsbot.core.question import Question
from smsbot.understanding.answers.patterns import compiled

from .steps import Flow

_LONGEST = 1600
"""Characters of a text that says nothing of its length."""
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": "integer"}, "number": {"type": ["number", "string"]}, "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"}, "time": {"type": "string", "examples": ["9:00"]},
    "datetime": {"type": "string", "format": "date-time"}, "phone": {"type": "string", "examples": ["+48600100200"]},
    "email": {"type": "string", "format": "email"}, "money": {"type": ["number", "string"]},
}  # fmt: skip


def schema_of(flow: Flow) -> Mapping[str, Any]:
    """The JSON schema of a flow's arguments."""
    return {
        "type": "object", "required": list(flow.args), "additionalProperties": bool(flow.start.event),
        "properties": {name: _schema(flow.arg_types.get(name)) for name in flow.args},
    }  # fmt: skip


def _schema(question: Question | None) -> Mapping[str, Any]:
    if question is None:
        return {}
    if question.kind == "choice":
        return {"enum": list(question.choices)}
    bounds = {"minimum": question.low, "maximum": question.high}
    if question.kind in ("text", "pattern", "custom"):
        return {"type": "string"} | ({"maxLength": question.high} if question.high else {})
    return {**_SCHEMAS.get(question.kind, {}), **{k: v for k, v in bounds.items() if v is not None}}


def wrong_with(flow: Flow, data: Mapping[str, Any], country: str | None) -> list[tuple[str, str]]:
    """Everything that is wrong with what a program gives: place and reason. An event may hold more than is taken."""
    found = [(name, "is missing") for name in flow.args if name not in data]
    for name in flow.args:
        try:
            _read(flow, name, data, UTC, country)
        except UsageError as error:
            found.append((name, str(error.args[0])))
    if not flow.start.event:
        found += [(str(name)[:60], _no_argument(str(name), flow)) for name in data if name not in flow.args]
    return found


def arguments_of(flow: Flow, data: Mapping[str, Any], zone: tzinfo, country: str | None) -> dict[str, Any]:
    """The values of a flow's arguments; raises `UsageError` for the first that does not fit its type."""
    return {name: _read(flow, name, data, zone, country) for name in flow.args}


def _no_argument(name: str, flow: Flow) -> str:
    near = nearest(name, flow.args)
    return "the flow has no such argument" + (f'; did you mean "{near}"?' if near else "")


def _read(flow: Flow, name: str, data: Mapping[str, Any], zone: tzinfo, country: str | None) -> Any:
    question, value = flow.arg_types.get(name), data.get(name)
    if question is None or name not in data:
        return value
    reader = _READERS.get(question.kind)
    read = reader(question, value, zone, country) if reader is not None else value
    if read is None:
        raise UsageError(f"is {_WANTED.get(question.kind, f'of the type {question.kind}')}, not {_shown(value)}")
    return read


def _shown(value: Any) -> str:
    """A wrong value by its kind: what it holds may be anybody's."""
    names = {"str": "such a text", "int": "such a number", "float": "such a number", "bool": "true or false"}
    return "null" if value is None else names.get(type(value).__name__, f"a {type(value).__name__}")


_WANTED: Mapping[str, str] = {
    "text": "a text", "integer": "a whole number", "number": "a number", "yes_no": "true or false",
    "date": "a date, such as 2026-12-01", "time": "a time, such as 09:00",
    "datetime": "a moment, such as 2026-12-01T09:00+01:00", "phone": "a phone number, such as +48600100200",
    "email": "an e-mail address", "money": 'an amount, such as 12.50 or "12.50 USD"', "choice": "one of the choices",
    "pattern": "a text of its pattern",
}  # fmt: skip


def _text(question: Question, value: Any, zone: tzinfo, country: str | None) -> str | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    fits = isinstance(value, str) and (question.low or 0) <= len(value) <= (question.high or _LONGEST)
    return value if fits else None


def _number(question: Question, value: Any, zone: tzinfo, country: str | None) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    low, high = question.low, question.high
    fits = found.is_finite() and (low is None or found >= low) and (high is None or found <= high)
    return found if fits else None


def _integer(question: Question, value: Any, zone: tzinfo, country: str | None) -> int | None:
    found = _number(question, value, zone, country)
    return int(found) if found is not None and found == found.to_integral_value() else None


def _yes_no(question: Question, value: Any, zone: tzinfo, country: str | None) -> bool | None:
    return value if isinstance(value, bool) else {"yes": True, "no": False}.get(str(value).lower())


def _date(question: Question, value: Any, zone: tzinfo, country: str | None) -> date | None:
    found: date | None = value if isinstance(value, date) else _iso(date.fromisoformat, value)
    return None if isinstance(found, datetime) else found


def _time(question: Question, value: Any, zone: tzinfo, country: str | None) -> time | None:
    return value if isinstance(value, time) else _iso(lambda text: time.fromisoformat(text.zfill(5)), value)


def _datetime(question: Question, value: Any, zone: tzinfo, country: str | None) -> datetime | None:
    """A moment, by the person's clock; one without a zone is meant by it."""
    found = value if isinstance(value, datetime) else _iso(datetime.fromisoformat, value, at_least=":")
    if found is None:
        return None
    return found.replace(tzinfo=zone) if found.tzinfo is None else found.astimezone(zone)


def _iso(read: Callable[[str], Any], value: Any, at_least: str = "") -> Any:
    try:
        return read(value.strip()) if isinstance(value, str) and at_least in value else None
    except ValueError:
        return None


def _phone(question: Question, value: Any, zone: tzinfo, country: str | None) -> str | None:
    number = phone.normalise(value, country) if isinstance(value, str) else ""
    return number if phone.is_number(number) else None


def _email(question: Question, value: Any, zone: tzinfo, country: str | None) -> str | None:
    fits = isinstance(value, str) and value.count("@") == 1 and all(value.split("@")) and not set(value) & set(" <>,;")
    return value if fits else None


def _money(question: Question, value: Any, zone: tzinfo, country: str | None) -> Money | None:
    if isinstance(value, Money):
        return value
    amount, _, currency = value.strip().partition(" ") if isinstance(value, str) else (value, "", "")
    found = _number(Question("number"), amount, zone, country)
    if found is None or (currency and not (len(currency) == 3 and currency.isalpha())):
        return None
    return Money(found.quantize(Decimal("0.01")), currency.upper() or None)


def _choice(question: Question, value: Any, zone: tzinfo, country: str | None) -> str | None:
    return value if isinstance(value, str) and value in question.choices else None


def _pattern(question: Question, value: Any, zone: tzinfo, country: str | None) -> str | None:
    return value if isinstance(value, str) and compiled(question.pattern).fullmatch(value) is not None else None


_READERS: Mapping[str, Callable[[Question, Any, tzinfo, str | None], Any]] = {
    "text": _text, "number": _number, "integer": _integer, "yes_no": _yes_no, "date": _date, "time": _time,
    "datetime": _datetime, "phone": _phone, "email": _email, "money": _money, "choice": _choice, "pattern": _pattern,
}  # fmt: skip
