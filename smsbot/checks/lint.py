"""The lint of conversations in Python: outside of `chat.step`, no clock, no dice, no files and no networks.

A conversation is replayed from its journal, so whatever is not journaled must come out the same each time. Names are
looked up where the function really finds them, whatever they are imported as.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from smsbot.core.problem import Place, Problem
from smsbot.core.syntax import read
from smsbot.routing.bot import Bot

_CHAT = re.compile(r"\bChat\b")
CLOCK, DICE, FILE, NET, AWAIT = "clock", "dice", "file", "net", "await"
_WHY = {
    CLOCK: ("another time when the conversation is replayed", "use chat.now; to wait, await chat.sleep(…)"),
    DICE: ("something else when the conversation is replayed", "use chat.random, or await chat.step(function, …)"),
    FILE: ("happens again when the conversation is replayed", "await chat.step(function, …) does it once"),
    NET: ("happens again when the conversation is replayed", "await chat.step(function, …) does it once"),
    AWAIT: ("waits for something outside chat", "await chat.step(function, …) waits for it once, and keeps the result"),
}
_CALLS: Mapping[str, str] = {
    **dict.fromkeys((f"datetime.datetime.{n}" for n in ("now", "utcnow", "today")), CLOCK),
    "datetime.date.today": CLOCK,
    **dict.fromkeys((f"time.{n}" for n in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")), CLOCK),
    **dict.fromkeys((f"time.{n}" for n in ("localtime", "gmtime", "sleep", "strftime", "ctime")), CLOCK),
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getpid", "id"), DICE),
    **dict.fromkeys(("open", "io.open", "input", "sqlite3.connect"), FILE),
    **dict.fromkeys((f"os.{n}" for n in ("remove", "unlink", "rename", "mkdir", "makedirs", "listdir")), FILE),
    **dict.fromkeys((f"os.{n}" for n in ("system", "popen", "getenv")), FILE),
}
_MODULES: Mapping[str, str] = {
    "random": DICE, "secrets": DICE, "shutil": FILE, "tempfile": FILE, "subprocess": FILE, "socket": NET, "ssl": NET,
    "smtplib": NET, "ftplib": NET, "http.client": NET, "urllib.request": NET, "requests": NET, "httpx": NET,
    "aiohttp": NET, "aiosqlite": FILE, "asyncpg": NET, "psycopg": NET, "redis": NET, "boto3": NET,
}  # fmt: skip
_PATH_METHODS = frozenset(
    {"read_text", "write_text", "read_bytes", "write_bytes", "unlink", "mkdir", "rmdir", "touch", "iterdir", "glob"}
)


def lint(bot: Bot, folder: Path | None = None) -> list[Problem]:
    """Everything unsafe in the conversations of a bot, in the order of their files."""
    found: dict[tuple[str, int, int], Problem] = {}
    seen: set[Any] = set()
    for function in bot.conversations():
        for problem in _of_function(inspect.unwrap(function), seen, folder or Path.cwd()):
            found.setdefault((problem.place.path, problem.place.line, problem.place.column), problem)
    return sorted(found.values(), key=lambda p: (p.place.path, p.place.line, p.place.column))


def _of_function(function: Callable[..., Any], seen: set[Any], folder: Path) -> Iterator[Problem]:
    """A function, and those that it gives its chat to."""
    if function in seen:
        return
    seen.add(function)
    found = parsed(function, folder)
    if found is None:
        return
    source, body = found
    visitor = _Visitor(source, scope_of(function, body), chat_name(function))
    visitor.look(body)
    yield from visitor.problems
    for other in visitor.followed:
        yield from _of_function(inspect.unwrap(other), seen, folder)


def parsed(function: Callable[..., Any], folder: Path) -> tuple[Source, ast.FunctionDef | ast.AsyncFunctionDef] | None:
    """The source of a function and its syntax; None if it cannot be read."""
    try:
        lines, first = inspect.getsourcelines(function)
        body = read(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    return Source(function, lines, first, folder), body


def chat_name(function: Callable[..., Any]) -> str:
    """The name that the function gives its chat."""
    names = list(inspect.signature(function).parameters)
    annotated = [n for n, a in getattr(function, "__annotations__", {}).items() if _CHAT.search(str(a))]
    return annotated[0] if annotated else "chat" if "chat" in names else ""


def scope_of(function: Callable[..., Any], body: ast.AST) -> dict[str, Any]:
    """The names inside the function and what they mean, its own imports included."""
    closure = inspect.getclosurevars(function)
    scope = {**vars(builtins), **function.__globals__, **closure.nonlocals}
    for node in ast.walk(body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                scope[alias.asname or alias.name.partition(".")[0]] = _module(
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                scope[alias.asname or alias.name] = getattr(_module(node.module), alias.name, None)
    return scope


def _module(name: str) -> Any:
    """A module that the function imports; of others than the standard library only those already loaded."""
    if name in sys.modules:
        return sys.modules[name]
    if name.partition(".")[0] in sys.stdlib_module_names:
        return importlib.import_module(name)
    return _Missing(name)


class _Missing:
    """A module that is not loaded: known by its name alone."""

    def __init__(self, name: str) -> None:
        self.__name__ = name


class Source:
    """The lines of a function, to point at."""

    def __init__(self, function: Callable[..., Any], lines: list[str], first: int, folder: Path) -> None:
        path = Path(function.__code__.co_filename)
        try:
            self.path = str(path.resolve().relative_to(folder.resolve()))
        except ValueError:
            self.path = str(path)
        self.lines = lines
        self.first = first
        self.indent = len(lines[0]) - len(lines[0].lstrip())

    def problem(self, code: str, node: ast.expr, message: str, remedy: str, suggestion: str = "") -> Problem:
        """A problem with an expression, at its place."""
        line = self.lines[node.lineno - 1].rstrip("\n") if node.lineno <= len(self.lines) else ""
        length = (node.end_col_offset or 0) - node.col_offset if node.end_lineno == node.lineno else 1
        place = Place(self.path, self.first + node.lineno - 1, node.col_offset + self.indent + 1, max(1, length))
        return Problem(code, message, place, help=remedy, excerpt=line, suggestion=suggestion)

    def unsafe(self, node: ast.expr, what: str, kind: str) -> Problem:
        """The problem of something that must not happen inside a conversation."""
        why, remedy = _WHY[kind]
        verb = "gives " if kind in (CLOCK, DICE) else ""
        return self.problem("SB680", node, f"{what} inside a conversation {verb}{why}", remedy)


class _Visitor(ast.NodeVisitor):
    def __init__(self, source: Source, scope: Mapping[str, Any], chat: str) -> None:
        self.source = source
        self.scope = scope
        self.chat = chat
        self.problems: list[Problem] = []
        self.followed: list[Callable[..., Any]] = []
        self._inner: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}

    def look(self, body: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._inner = {
            n.name: n for n in ast.walk(body) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n is not body
        }
        for statement in body.body:
            self.visit(statement)

    # a function that is only handed to a step runs there; one that is called here is part of the conversation
    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        pass

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        pass

    def visit_Lambda(self, node: ast.Lambda) -> None:
        pass

    def visit_Call(self, node: ast.Call) -> None:
        kind = self._unsafe(node)
        if kind is not None:
            self.problems.append(self.source.unsafe(node, f"{ast.unparse(node.func)}()", kind))
        inner = self._inner.pop(node.func.id, None) if isinstance(node.func, ast.Name) else None
        if inner is not None:
            for statement in inner.body:
                self.visit(statement)
        elif self._gives_chat(node):
            target = self._value(node.func)
            if inspect.isfunction(target):
                self.followed.append(target)
        self.generic_visit(node)

    def visit_Await(self, node: ast.Await) -> None:
        if not self._ours(node.value) and not (isinstance(node.value, ast.Call) and self._unsafe(node.value)):
            self.problems.append(self.source.unsafe(node, f"await {ast.unparse(node.value)}", AWAIT))
        self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        for item in node.items:
            if self._is_deadline(item.context_expr):  # it may surround a step, whose end is journaled either way
                continue
            self.problems.append(self.source.unsafe(item.context_expr, "async with", AWAIT))
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.problems.append(self.source.unsafe(node.iter, "async for", AWAIT))
        self.generic_visit(node)

    def _is_deadline(self, node: ast.expr) -> bool:
        """Whether it is ``asyncio.timeout(…)`` or ``asyncio.timeout_at(…)``, whatever they are called here."""
        return isinstance(node, ast.Call) and self._value(node.func) in (asyncio.timeout, asyncio.timeout_at)

    def _ours(self, awaited: ast.expr) -> bool:
        """Whether what is awaited is chat's, or a function that is given the chat, or one of the function's own."""
        if isinstance(awaited, ast.Name):
            return True  # made before: where it was made it was looked at
        if not isinstance(awaited, ast.Call):
            return False
        function = awaited.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == self.chat
        ):
            return True
        return self._gives_chat(awaited) or (isinstance(function, ast.Name) and function.id in self._inner)

    def _gives_chat(self, call: ast.Call) -> bool:
        given = (*call.args, *(k.value for k in call.keywords))
        return bool(self.chat) and any(isinstance(a, ast.Name) and a.id == self.chat for a in given)

    def _unsafe(self, call: ast.Call) -> str | None:
        """The kind of unsafe thing that a call does here; None if it does none."""
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in _PATH_METHODS and self._is_path(function.value):
            return FILE
        target = self._value(function)
        if target is None:
            return None
        name = self._name(function, target)
        if name in _CALLS:
            return _CALLS[name]
        return next(
            (kind for module, kind in _MODULES.items() if name == module or name.startswith(f"{module}.")), None
        )

    def _is_path(self, node: ast.expr) -> bool:
        """Whether an expression is evidently a path: ``Path(…)``, or a path that the module knows."""
        value = self._value(node)
        if isinstance(value, Path):
            return True
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._is_path(node.left)
        made = self._value(node.func) if isinstance(node, ast.Call) else None
        return isinstance(made, type) and issubclass(made, Path)

    def _value(self, node: ast.expr) -> Any:
        """The object that a name, or a dotted one, stands for; None if that is not known."""
        if isinstance(node, ast.Name):
            return self.scope.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            if isinstance(base, _Missing):
                return _Missing(f"{base.__name__}.{node.attr}")
            return getattr(base, node.attr, None) if base is not None else None
        return None

    def _name(self, node: ast.expr, target: Any) -> str:
        """The full name of what is called, whatever it is called here."""
        owner = self._value(node.value) if isinstance(node, ast.Attribute) else None
        if isinstance(owner, type):
            return f"{owner.__module__}.{owner.__qualname__}.{node.attr}" if isinstance(node, ast.Attribute) else ""
        bound = getattr(target, "__self__", None)
        if bound is not None and type(bound).__module__ == "random":
            return "random"
        module = getattr(target, "__module__", "") or ""
        if isinstance(bound, type):
            return f"{bound.__module__}.{bound.__qualname__}.{target.__name__}"
        if inspect.ismodule(owner) and isinstance(node, ast.Attribute):
            return f"{owner.__name__}.{node.attr}"
        name = getattr(target, "__qualname__", None) or getattr(target, "__name__", "")
        known = {"builtins": "", "_io": "", "posix": "os.", "nt": "os."}
        prefix = known.get(module, f"{module}." if module else "")
        return f"{prefix}{name}"
