"""Verbs of `chat` that cannot work as they are written: without their await, or with a name that nothing has."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from smsbot.core.nearest import nearest
from smsbot.core.problem import Problem
from smsbot.routing.bot import Bot

from .lint import Source, chat_name, parsed

_AWAITED = frozenset({"ask", "confirm", "form", "gather", "menu", "run", "sleep", "step"})
_NAMES = {"goto": "@bot.state", "run": "flow", "start": "@bot.event"}
"""Verbs whose first argument names something, and what it is."""


def verbs(bot: Bot, flows: Iterable[str], events: Iterable[str], folder: Path | None = None) -> list[Problem]:
    """Everything of the kind in the handlers of a bot, whose flows and their events have these names."""
    states = [route.trigger for route in bot.routes() if route.kind == "state"]
    begun = [route.trigger for route in bot.routes() if route.kind == "event"]
    there = {"goto": states, "run": [*flows], "start": [*begun, *events]}
    found: dict[tuple[str, int, int], Problem] = {}
    for signature in bot.signatures():
        function = inspect.unwrap(signature.function)
        chat, read = chat_name(function), parsed(function, folder or Path.cwd())
        if chat and read is not None:
            for problem in _of(*read, chat, there):
                found.setdefault((problem.place.path, problem.place.line, problem.place.column), problem)
    return [found[place] for place in sorted(found)]


def _of(source: Source, body: ast.AST, chat: str, there: Mapping[str, list[str]]) -> Iterator[Problem]:
    awaited = set(_passed_on(body))
    for node in ast.walk(body):
        if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            verb = _verb(node.value, chat)
            if verb in _AWAITED and not _kept(node, awaited):
                yield source.problem(
                    "SB681", node.value, f"{chat}.{verb}() is not awaited", f"write: await {chat}.{verb}(…)"
                )
        if isinstance(node, ast.Call) and (verb := _verb(node, chat)) in _NAMES and node.args:
            named = node.args[0]
            if isinstance(named, ast.Constant) and isinstance(named.value, str) and named.value not in there[verb]:
                near = nearest(named.value, there[verb])
                remedy = f'did you mean "{near}"?' if near else f"there are: {', '.join(there[verb]) or 'none'}"
                message = f'there is no {_NAMES[verb]} "{named.value}"'
                yield source.problem("SB682", named, message, remedy, near or "")


def _passed_on(body: ast.AST) -> Iterator[str]:
    """Names that are awaited, or given to something that may await them."""
    for node in ast.walk(body):
        given = [node.value] if isinstance(node, ast.Await) else node.args if isinstance(node, ast.Call) else []
        for part in given:
            yield from (inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))


def _kept(node: ast.Expr | ast.Assign | ast.AnnAssign, awaited: set[str]) -> bool:
    """Whether what a verb gives is kept in a variable that is awaited later."""
    targets = [] if isinstance(node, ast.Expr) else node.targets if isinstance(node, ast.Assign) else [node.target]
    return bool(targets) and all(isinstance(t, ast.Name) and t.id in awaited for t in targets)


def _verb(call: ast.Call, chat: str) -> str:
    """Which verb of the chat a call is; empty for any other."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == chat:
        return function.attr
    return ""
