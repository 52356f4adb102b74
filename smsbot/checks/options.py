"""Options of questions in Python that nobody can choose: words that opt people out, and words of two options.

What a flow offers is checked with the flow (SB640, SB642); here it is what handlers give to `choice` and
``chat.menu``, as far as it stands in the code.
"""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from smsbot.core.errors import ChatError
from smsbot.core.problem import Problem, Severity
from smsbot.routing.bot import Bot
from smsbot.understanding import consent
from smsbot.understanding.consent import Word
from smsbot.understanding.kinds import Kind, choice
from smsbot.understanding.words import tokens

from .lint import Source, chat_name, parsed, scope_of

_UNKNOWN = object()
"""The mark of a value that the code does not say before it runs."""


def options(bot: Bot, countries: Iterable[str | None], folder: Path) -> list[Problem]:
    """Everything that is wrong with the options that the conversations of a bot offer."""
    countries = tuple(dict.fromkeys(countries)) or (None,)
    found: dict[tuple[str, int, int], Problem] = {}
    for function in bot.conversations():
        for problem in _of_function(inspect.unwrap(function), countries, folder):
            found.setdefault((problem.place.path, problem.place.line, problem.place.column), problem)
    return sorted(found.values(), key=lambda p: (p.place.path, p.place.line, p.place.column))


def _of_function(function: Callable[..., Any], countries: tuple[str | None, ...], folder: Path) -> Iterator[Problem]:
    read = parsed(function, folder)
    if read is None:
        return
    source, body = read
    scope, chat = scope_of(function, body), chat_name(function)
    for node in ast.walk(body):
        if not isinstance(node, ast.Call):
            continue
        for offered in _offered(node, scope, chat):
            try:
                kind = _kind(offered, scope)
            except ChatError as error:
                yield source.problem("SB642", offered, str(error.args[0]), "give each option words of its own")
                continue
            if kind is not None:
                yield from _consent(source, offered, kind, countries)


def _offered(call: ast.Call, scope: Mapping[str, Any], chat: str) -> Iterator[ast.expr]:
    """The parts of a call that say what may be answered."""
    target = call.func
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == chat:
        if target.attr in ("ask", "menu") and len(call.args) > 1:
            yield call.args[1]
    elif isinstance(target, ast.Name) and scope.get(target.id) is choice and call.args:
        yield call


def _kind(node: ast.expr, scope: Mapping[str, Any]) -> Kind[Any] | None:
    """The kind that an expression makes, where it can be told; raises `ChatError` as it would when it runs."""
    if isinstance(node, ast.Call):
        made = scope.get(node.func.id) if isinstance(node.func, ast.Name) else None
        given = [_value(a, scope) for a in node.args]
        named = {k.arg: _value(k.value, scope) for k in node.keywords if k.arg}
        if made is not choice or any(v is _UNKNOWN for v in (*given, *named.values())) or not given:
            return None
        kind: Kind[Any] = made(*given, **named)
        return kind
    value = _value(node, scope)
    if isinstance(value, Kind):
        return value
    if isinstance(value, list | dict):
        return choice(value) if value else None
    if typing.get_origin(value) is Literal or (isinstance(value, type) and issubclass(value, Enum)):
        return choice(value)
    return None


def _value(node: ast.expr, scope: Mapping[str, Any]) -> Any:
    """The value of an expression without running anything; `_UNKNOWN` where that cannot be told."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return scope.get(name, _UNKNOWN)
        case ast.List(items) | ast.Tuple(items):
            found = [_value(item, scope) for item in items]
            if any(v is _UNKNOWN for v in found):
                return _UNKNOWN
            return found if isinstance(node, ast.List) else tuple(found)
        case ast.Dict(keys, values):
            names = [_UNKNOWN if key is None else _value(key, scope) for key in keys]
            found = [_value(value, scope) for value in values]
            return _UNKNOWN if _UNKNOWN in (*names, *found) else dict(zip(names, found, strict=True))
        case ast.Subscript(base, inner) if _value(base, scope) is Literal:
            given = _value(inner, scope)
            return _UNKNOWN if given is _UNKNOWN else Literal[given]
    return _UNKNOWN


def _consent(source: Source, node: ast.expr, kind: Kind[Any], countries: tuple[str | None, ...]) -> Iterator[Problem]:
    """Options that mean STOP never reach the question; those that mean HELP are answered otherwise."""
    for key, words in kind.question.choices.items():
        for word, country in ((w, c) for w in words for c in countries):
            match consent.recognise(tokens(word), country):
                case Word.STOP:
                    there = f" in {country}" if country else ""
                    message = f'the option {key!r} is answered by "{word}", which opts people out{there}'
                    yield source.problem("SB640", node, message, "give it other words")
                    return
                case Word.HELP:
                    message = f'the option {key!r} is answered by "{word}", which is answered as HELP'
                    found = source.problem("SB640", node, message, "give it other words")
                    yield replace(found, severity=Severity.WARNING)
                    return
