"""What the data of an event must be, where a handler says so by the annotation of its ``event`` argument.

A `TypedDict`, a dataclass or a pydantic model; a handler gets what it names. Without one, any JSON object is taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NotRequired

from typing_extensions import TypedDict, get_type_hints, is_typeddict

from smsbot.core.errors import UsageError

ANY: Mapping[str, Any] = {"type": "object"}


def is_declared(kind: Any) -> bool:
    """Whether an annotation says what the data must be."""
    return is_typeddict(kind) or makes_objects(kind)


def makes_objects(kind: Any) -> bool:
    """Whether the handler wants an object, not the plain data."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "__pydantic_validator__"))


@lru_cache(maxsize=1024)
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter  # only bots that declare their events need it

    return TypeAdapter(_readable(kind) if is_typeddict(kind) else kind)


def _readable(kind: Any) -> Any:
    """A `TypedDict` as pydantic reads it: before Python 3.12 it takes only those of typing_extensions."""
    fields = get_type_hints(kind, include_extras=True)
    return TypedDict(  # type: ignore[operator]
        kind.__name__, {n: t if n in kind.__required_keys__ else NotRequired[t] for n, t in fields.items()}
    )


def schema_of(kind: Any) -> Mapping[str, Any]:
    """The JSON schema of the data."""
    found: Mapping[str, Any] = _adapter(kind).json_schema() if is_declared(kind) else ANY
    return found


def wrong_with(kind: Any, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that is wrong with data: place and reason."""
    if not is_declared(kind):
        return []
    from pydantic import ValidationError

    try:
        _adapter(kind).validate_python(dict(data))
    except ValidationError as error:
        return [(".".join(map(str, e["loc"])), str(e["msg"]).removeprefix("Value error, ")) for e in error.errors()]
    return []


def read(kind: Any, data: Any) -> Any:
    """The data as the handler wants them. Raises `UsageError` that says everything that is wrong with them."""
    if not is_declared(kind):
        return data
    if wrong := wrong_with(kind, data):
        told = "; ".join(f"{place} {why}".strip() for place, why in wrong)
        raise UsageError(f"the data of the event do not fit {kind.__name__}: {told}")
    return _adapter(kind).validate_python(data)


def as_mapping(data: object) -> Mapping[str, Any]:
    """The data of an event as they are stored: a mapping, or the fields of a dataclass or a model."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return data
    if makes_objects(type(data)):
        names = getattr(type(data), "__pydantic_fields__", None) or {f.name for f in dataclasses.fields(data)}  # type: ignore[arg-type]
        return {name: getattr(data, name) for name in names}
    raise UsageError(f"the data of an event are a mapping, a dataclass or a model, not {type(data).__name__}")
