"""Values as JSON text that comes back as it went in: what state, journal and timers are stored as.

Plain JSON values stay plain. Decimal, dates, durations, sets, enums, dataclasses and pydantic models are tagged
``{"$": kind, "v": ...}``; a dictionary of the user's that has a ``$`` key is tagged too, so nothing can be mistaken.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from math import isfinite
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from .errors import UsageError

VERSION = 1
"""Stored beside every value, so that a later smsbot can still read it."""

_PLAIN = (str, int, float, bool, Decimal)
_AS_IT_IS = frozenset({str, bool, type(None)})
_DATES: dict[type, str] = {datetime: "datetime", date: "date", time: "time"}


def dumps(value: object) -> str:
    """The value as JSON text; raises `UsageError` naming the type that cannot be kept."""
    try:
        return orjson.dumps(pack(value)).decode()
    except (TypeError, RecursionError) as error:
        raise UsageError(f"a value cannot be stored: {error}") from None


def loads(text: str | bytes) -> Any:
    """The value again."""
    found = orjson.loads(text)
    tagged = '"$"' in text if isinstance(text, str) else b'"$"' in text  # no quote within a text stands bare
    return unpack(found) if tagged else found


def fresh(value: Any) -> Any:
    """A copy that shares nothing that can change, as it would come back from storage; what cannot be kept, as it is."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {name: fresh(each) for name, each in value.items()}
    try:
        return unpack(pack(value))
    except (TypeError, RecursionError, UsageError):
        return value


def pack(value: object) -> object:
    """The value with everything that JSON does not know tagged."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is float and isfinite(value):  # type: ignore[arg-type]
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else {"$": "int", "v": str(value)}  # type: ignore[operator]
    if kind is list or kind is tuple:  # a named tuple would come back without names
        items = [v if type(v) in _AS_IT_IS else pack(v) for v in value]  # type: ignore[attr-defined]
        return items if kind is list else {"$": "tuple", "v": items}
    if kind is dict or isinstance(value, Mapping):
        return _pack_mapping(value)  # type: ignore[arg-type]
    return _pack_tagged(value)


def _pack_mapping(value: Mapping[Any, object]) -> object:
    packed = {
        k if type(k) is str else _key(k): v if type(v) in _AS_IT_IS else pack(v) for k, v in value.items()
    }  # fmt: skip
    return {"$": "dict", "v": packed} if "$" in packed else packed


def _key(key: object) -> str:
    """A key as text."""
    if not isinstance(key, str):
        raise UsageError(f"a stored dictionary has text keys, not {type(key).__name__}")
    return str(key)


def _pack_tagged(value: object) -> object:
    if isinstance(value, Decimal):
        return {"$": "decimal", "v": str(value)}
    if isinstance(value, set | frozenset):
        return {"$": "frozenset" if isinstance(value, frozenset) else "set", "v": [pack(v) for v in value]}
    if isinstance(value, timedelta):
        return {"$": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if isinstance(value, Flag):
        return {"$": "flag", "t": _lasting(type(value)), "v": value.value}
    if isinstance(value, Enum):
        return {"$": "enum", "t": _lasting(type(value)), "v": value.name}
    if type(value) in _DATES:
        told: dict[str, object] = {"$": _DATES[type(value)], "v": value.isoformat()}  # type: ignore[attr-defined]
        zone = getattr(value, "tzinfo", None)
        told |= {"z": zone.key} if isinstance(zone, ZoneInfo) and zone.key else {}
        return told | ({"f": 1} if getattr(value, "fold", 0) else {})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: pack(getattr(value, f.name)) for f in dataclasses.fields(value) if hasattr(value, f.name)}
        return {"$": "dataclass", "t": _lasting(type(value)), "v": fields}
    if _is_model(type(value)):
        return _pack_model(value)
    raise UsageError(
        f"{type(value).__name__} cannot be stored; use text, numbers, True/False, None, lists, dictionaries, sets, "
        "Decimal, dates, durations, enums, dataclasses or pydantic models"
    )


def _pack_model(model: Any) -> dict[str, object]:
    parts = {"v": vars(model), "e": model.__pydantic_extra__ or {}, "p": model.__pydantic_private__ or {}}
    packed = {part: {n: pack(v) for n, v in held.items()} for part, held in parts.items() if held or part == "v"}
    return {"$": "model", "t": _lasting(type(model)), "s": sorted(model.model_fields_set), **packed}


def _is_model(kind: type) -> bool:
    """Whether it is a class of pydantic, which is not loaded for that."""
    return hasattr(kind, "__pydantic_validator__") and hasattr(kind, "model_construct")


class _Kept(set[Any]):
    """A set that goes through its members as they were kept: in another process, a plain one would not."""

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__(members)
        self._order = list(members)

    def __iter__(self) -> Iterator[Any]:
        known = [m for m in self._order if m in self]
        return iter([*known, *(m for m in set.__iter__(self) if m not in known)])

    def __repr__(self) -> str:
        return repr(set(self))


class _KeptFrozen(frozenset[Any]):
    """The same of one that cannot change."""

    _order: Sequence[Any]

    def __new__(cls, members: Sequence[Any]) -> Self:
        made = super().__new__(cls, members)
        made._order = list(members)
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self._order)

    def __repr__(self) -> str:
        return repr(frozenset(set(self)))


def _dataclass(told: Mapping[str, Any]) -> Any:
    """As it was: its constructor does not run again. A field that is new since has its default."""
    kind = _find(told["t"])
    made = object.__new__(kind)
    kept = {n: unpack(v) for n, v in told["v"].items()}
    for field in dataclasses.fields(kind):
        if field.name in kept:
            value = kept[field.name]
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            raise UsageError(f"a stored {kind.__name__} has no {field.name}; give the field a default")
        object.__setattr__(made, field.name, value)
    return made


def _model(told: Mapping[str, Any]) -> Any:
    """The same of a model of pydantic."""
    kind = _find(told["t"])
    made = kind.__new__(kind)
    kept = {n: unpack(v) for n, v in told["v"].items()}
    for name, field in kind.model_fields.items():
        if name not in kept:
            if field.is_required():
                raise UsageError(f"a stored {kind.__name__} has no {name}; give the field a default")
            kept[name] = field.get_default(call_default_factory=True, validated_data=kept)
    extra, own = ({n: unpack(v) for n, v in told.get(part, {}).items()} for part in ("e", "p"))
    object.__setattr__(made, "__dict__", kept)
    object.__setattr__(made, "__pydantic_fields_set__", set(told.get("s", kept)))
    object.__setattr__(made, "__pydantic_extra__", extra if kind.model_config.get("extra") == "allow" else None)
    object.__setattr__(made, "__pydantic_private__", own if kind.__private_attributes__ else None)
    return made


def unpack(value: Any) -> Any:
    """The value that `pack` was given."""
    if isinstance(value, list):
        return [unpack(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {k: unpack(v) for k, v in value.items()}
    return _UNPACK[value["$"]](value)


def path(kind: type) -> str:
    """The name by which a class is found again."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _lasting(kind: type) -> str:
    """The name of a class; one that is made anew by each call of a function would not be found again."""
    if "<locals>" in kind.__qualname__:
        raise UsageError(f"{kind.__name__} is a class inside a function, so it cannot be stored; define it in a module")
    return path(kind)


def find(name: str) -> Any:
    """The object that a stored name stands for; None if it is gone."""
    module, _, inner = name.partition(":")
    try:
        found: Any = sys.modules.get(module) or importlib.import_module(module)
    except Exception:  # whatever a module does when it is imported, or that it is gone
        return None
    for part in inner.split("."):
        found = getattr(found, part, None)
    return found


def _find(name: str) -> Any:
    """The class of a stored value."""
    found = find(name)
    if not (
        isinstance(found, type) and (dataclasses.is_dataclass(found) or issubclass(found, Enum) or _is_model(found))
    ):
        raise UsageError(f"a stored value is a {name}, which no longer exists; keep the class under its name")
    return found


def _zoned(value: Any, told: Mapping[str, Any]) -> Any:
    """A time in the zone that it had, where that is still known."""
    if told.get("f"):
        value = value.replace(fold=1)
    if "z" not in told:
        return value
    try:
        zone = ZoneInfo(told["z"])
    except (ZoneInfoNotFoundError, ValueError):
        return value
    return value.replace(tzinfo=zone)


_UNPACK: dict[str, Any] = {
    "int": lambda v: int(v["v"]),
    "dict": lambda v: {k: unpack(x) for k, x in v["v"].items()},
    "tuple": lambda v: tuple(unpack(x) for x in v["v"]),
    "decimal": lambda v: Decimal(v["v"]),
    "set": lambda v: _Kept([unpack(x) for x in v["v"]]),
    "frozenset": lambda v: _KeptFrozen([unpack(x) for x in v["v"]]),
    "model": _model,
    "timedelta": lambda v: timedelta(*v["v"]),
    "datetime": lambda v: _zoned(datetime.fromisoformat(v["v"]), v),
    "date": lambda v: date.fromisoformat(v["v"]),
    "time": lambda v: _zoned(time.fromisoformat(v["v"]), v),
    "flag": lambda v: _find(v["t"])(v["v"]),
    "enum": lambda v: _find(v["t"])[v["v"]],
    "dataclass": _dataclass,
}
