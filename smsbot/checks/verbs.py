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
_KEPT = frozenset({"step"})
"""What may be kept in a variable first: steps, for `chat.gather`."""
_NAMES = {"goto": "@bot.state", "run": "flow", "start": "@bot.event"}
"""Verbs whose first argument names something, and what it is."""


def verbs(bot: Bot, flows: Iterable[str], events: Iterable[str], folder: Path | None = None) -> list[Problem]:
    """Everything of the kind in the handlers of a bot, whose flows and their events have these names."""
    table = bot.table("")
    there = {"goto": [*table.states], "run": [*flows], "start": [*table.events, *events]}
    found: dict[tuple[str, int, int], Problem] = {}
    for signature in bot.signatures():
        function = inspect.unwrap(signature.function)
        chat, read = chat_name(function), parsed(function, folder or Path.cwd())
        if chat and read is not None:
            for problem in _of(*read, chat, there):
                found.setdefault((problem.place.path, problem.place.line, problem.place.column), problem)
    return [found[place] for place in sorted(found)]


def _of(source: Source, body: ast.AST, chat: str, there: Mapping[str, list[str]]) -> Iterator[Problem]:
    for node in ast.walk(body):
        if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            verb = _verb(node.value, chat)
            if verb in _AWAITED and not (verb in _KEPT and not isinstance(node, ast.Expr)):
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


def _verb(call: ast.Call, chat: str) -> str:
    """Which verb of the chat a call is; empty for any other."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == chat:
        return function.attr
    return ""
