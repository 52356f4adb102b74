"""The holes of a keyword, and the handler that is given what they take: their kinds agree with its annotations."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal

from smsbot.core.errors import ChatError, RouteError
from smsbot.understanding.kinds import Kind, kind_of
from smsbot.understanding.patterns import BUILT_IN_KINDS, Hole, Pattern

from .injection import caller, names_around, wrong

ANSWERS = "__smsbot_answers__"
"""The mark of a function that is an ``@bot.answer``."""
_WRITTEN = {"int": "int", "bool": "yes_no", "Decimal": "number", "Money": "money"} | {
    name: name for name in ("date", "time", "datetime")
}


def resolved(patterns: Sequence[Pattern], handler: Callable[..., Any]) -> tuple[Pattern, ...]:
    """The patterns of a handler, with the kinds, Enums and Literals that its module names."""
    known = names_around(handler)

    def named(name: str) -> Kind[Any] | None:
        if name.partition("(")[0].strip() in BUILT_IN_KINDS:
            return None  # whatever else the module calls so
        first, *rest = name.split(".")
        found = known.get(first)
        for part in rest:
            found = getattr(found, part, None)
        if isinstance(found, Kind):
            return found
        one_of_few = typing.get_origin(found) is Literal or (isinstance(found, type) and issubclass(found, Enum))
        if isinstance(found, types.FunctionType) and not hasattr(found, ANSWERS):
            raise RouteError(f"{name}() is no kind of answer; write @bot.answer above it")
        return kind_of(found) if one_of_few or isinstance(found, types.FunctionType) else None

    try:
        return tuple(p.resolved(named) for p in patterns)
    except (RouteError, ChatError) as error:
        raise RouteError(f"{error.args[0]}\n  --> {caller()}") from None


def check_holes(patterns: Sequence[Pattern], handler: Callable[..., Any], annotations: Mapping[str, Any]) -> None:
    """Raise `RouteError` where a hole's value is not what the handler says it takes."""
    parameters = inspect.signature(handler).parameters
    for hole in {h.name: h for p in patterns for h in p.gaps}.values():
        if hole.name not in parameters or hole.name not in annotations:
            continue
        annotation = annotations[hole.name]
        for each in (h for p in patterns for h in p.gaps if h.name == hole.name):
            if not _agrees(annotation, each.wanted):
                raise wrong(handler, _disagreement(each, annotation))
        without = next((p for p in patterns if hole.name not in p.holes), None)
        given = without is None or parameters[hole.name].default is not inspect.Parameter.empty
        if without is not None and not given and not _agrees(annotation, type(None)):
            raise wrong(
                handler, f'"{without.source}" has no hole {{{hole.name}}}, and then {hole.name} is None: write '
                f"{hole.name}: {_name(annotation)} | None, or give it a default",
            )  # fmt: skip


def _agrees(annotation: Any, wanted: Any) -> bool:
    """Whether a value of the type `wanted` is what an annotation says; what cannot be told agrees."""
    if annotation is wanted or annotation is Any or wanted is None:
        return True
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(_agrees(each, wanted) for each in typing.get_args(annotation))
    if origin is Literal or typing.get_origin(wanted) is Literal:
        values = typing.get_args(wanted) if typing.get_origin(wanted) is Literal else ()
        if origin is Literal:
            return bool(values) and set(values) <= set(typing.get_args(annotation))
        return isinstance(annotation, type) and all(isinstance(v, annotation) for v in values)
    if not isinstance(annotation, type):
        return annotation is not None
    return isinstance(wanted, type) and issubclass(wanted, annotation)


def _disagreement(hole: Hole, annotation: Any) -> str:
    annotation = next((a for a in typing.get_args(annotation) if a is not type(None)), annotation)
    name, holds = _name(annotation), _name(hole.wanted)
    few = isinstance(annotation, type) and issubclass(annotation, Enum)
    kind = _WRITTEN.get(name, name if few else "")
    better = f"{{{hole.name}:{kind}}} in the pattern, or " if kind else ""
    said = f"the hole {{{hole.name}}} holds {holds}, but {hole.name} is annotated {name}"
    return f"{said}; write {better}{hole.name}: {holds}"


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
