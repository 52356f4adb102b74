"""Verbs of `chat` that cannot work as they are written: without their await, or with a name that nothing has."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from smsbot.core.nearest import nearest
from smsbot.core.problem import Problem
from smsbot.flows.steps import Flow
from smsbot.routing.bot import Bot

from .lint import Source, chat_name, parsed

_AWAITED = frozenset({"ask", "confirm", "form", "gather", "menu", "run", "sleep", "step"})
_PLAIN = frozenset({"end", "goto", "handoff", "say", "start"})
_USES = frozenset({"bool", "float", "int", "len", "print", "repr", "str"})
_AS_VALUE = (
    ast.Assert, ast.Attribute, ast.BinOp, ast.BoolOp, ast.Compare, ast.Expr, ast.For, ast.FormattedValue, ast.If,
    ast.IfExp, ast.Match, ast.Subscript, ast.UnaryOp, ast.While, ast.comprehension,
)  # fmt: skip
"""Where something is used that is not there without its await."""
_NAMES = {"goto": "@bot.state", "run": "flow", "start": "@bot.event"}
"""Verbs whose first argument names something, and what it is."""


def verbs(bot: Bot, flows: Mapping[str, Flow], events: Iterable[str], folder: Path | None = None) -> list[Problem]:
    """Everything of the kind in the handlers of a bot with these flows, and the events that they answer."""
    states = [route.trigger for route in bot.routes() if route.kind == "state"]
    begun = [route.trigger for route in bot.routes() if route.kind == "event"]
    there = {"goto": states, "run": [*flows], "start": [*begun, *events]}
    found: dict[tuple[str, int, int], Problem] = {}
    for signature in bot.signatures():
        function = inspect.unwrap(signature.function)
        chat, read = chat_name(function), parsed(function, folder or Path.cwd())
        if chat and read is not None:
            for problem in (*_of(function, *read, chat, there), *_runs(*read, chat, flows)):
                found.setdefault((problem.place.path, problem.place.line, problem.place.column), problem)
    return [found[place] for place in sorted(found)]


def _of(function: Any, source: Source, body: ast.AST, chat: str, there: Mapping[str, list[str]]) -> Iterator[Problem]:
    awaited = set(_passed_on(body))
    above = {below: node for node in ast.walk(body) for below in ast.iter_child_nodes(node)}
    waits = inspect.iscoroutinefunction(function)
    for node in ast.walk(body):
        if not isinstance(node, ast.Call) or not (verb := _verb(node, chat)):
            continue
        inner: ast.AST = node
        while isinstance(parent := above.get(inner), ast.IfExp) and inner is not parent.test:
            inner = parent  # what a conditional gives may be awaited as a whole
        if verb in _AWAITED and parent is not None and _forgotten(parent, awaited, body):
            write = f"await {chat}.{verb}(…)" if waits else f"async def {function.__name__}, and await {chat}.{verb}(…)"
            yield source.problem("SB681", node, f"{chat}.{verb}() is not awaited", f"write: {write}")
        if verb in _PLAIN and isinstance(parent, ast.Await):
            yield source.problem("SB683", node, f"{chat}.{verb}() waits for nothing", f"write: {chat}.{verb}(…)")
        for other in (_verb_of(a, chat) for a in node.args) if verb == "gather" else ():
            if other not in ("", "step"):
                what = f"{chat}.gather() takes steps, not {chat}.{other}()"
                yield source.problem("SB681", node, what, f"write: await {chat}.{other}(…)")
        if verb in _NAMES and node.args:
            named = node.args[0]
            if isinstance(named, ast.Constant) and isinstance(named.value, str) and named.value not in there[verb]:
                near = nearest(named.value, there[verb])
                remedy = f'did you mean "{near}"?' if near else f"there are: {', '.join(there[verb]) or 'none'}"
                message = f'there is no {_NAMES[verb]} "{named.value}"'
                yield source.problem("SB682", named, message, remedy, near or "")


def _runs(source: Source, body: ast.AST, chat: str, flows: Mapping[str, Flow]) -> Iterator[Problem]:
    """Flows that are run with other arguments than theirs."""
    for node in ast.walk(body):
        if not isinstance(node, ast.Call) or _verb(node, chat) != "run" or not node.args:
            continue
        named = node.args[0]
        flow = flows.get(named.value) if isinstance(named, ast.Constant) and isinstance(named.value, str) else None
        given = [keyword.arg for keyword in node.keywords]
        if flow is None or None in given:  # **values may be anything
            continue
        for name in given:
            if name is not None and name not in flow.args and name != "returns":
                near = nearest(name, flow.args)
                remedy = f'did you mean "{near}"?' if near else f"it takes: {', '.join(flow.args) or 'nothing'}"
                yield source.problem("SB633", node, f'the flow {flow.name} takes no "{name}"', remedy, near or "")
        if missing := [name for name in flow.args if name not in given]:
            yield source.problem("SB633", node, f"the flow {flow.name} needs {', '.join(missing)}", "give them by name")


def _forgotten(parent: ast.AST, awaited: set[str], body: ast.AST) -> bool:
    """Whether what a verb gives is used as if it were there already, or not at all."""
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return not _kept(parent, awaited)
    if isinstance(parent, ast.Return):
        return _own(parent, body)
    if isinstance(parent, ast.Call):
        return isinstance(parent.func, ast.Name) and parent.func.id in _USES
    return isinstance(parent, _AS_VALUE)


def _own(node: ast.AST, body: ast.AST) -> bool:
    """Whether a statement is the function's own, not one inside it, whose result somebody may await."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = [n for n in ast.walk(body) if n is not body and isinstance(n, functions)]
    return not any(node is each for inner in inside for each in ast.walk(inner))


def _passed_on(body: ast.AST) -> Iterator[str]:
    """Names that are awaited, or given to something that may await them."""
    for node in ast.walk(body):
        given = [node.value] if isinstance(node, ast.Await) else node.args if isinstance(node, ast.Call) else []
        for part in given:
            yield from (inner.id for inner in ast.walk(part) if isinstance(inner, ast.Name))


def _kept(node: ast.Assign | ast.AnnAssign | ast.NamedExpr, awaited: set[str]) -> bool:
    """Whether what a verb gives is kept in a variable that is awaited later."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return bool(targets) and all(isinstance(t, ast.Name) and t.id in awaited for t in targets)


def _verb_of(node: ast.AST, chat: str) -> str:
    return _verb(node, chat) if isinstance(node, ast.Call) else ""


def _verb(call: ast.Call, chat: str) -> str:
    """Which verb of the chat a call is; empty for any other."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == chat:
        return function.attr
    return ""
