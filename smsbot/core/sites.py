"""Where a request stands in the code: the name of the variable that it is assigned to (C8), and its function."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from .syntax import read

_KEPT = "__smsbot_names__"
"""Where a module keeps the names, so that they live as long as its code does."""


def remember(function: Callable[..., Any]) -> None:
    """Read the source of a function, and of async ones that its module has from others, while it is what runs.

    A deploy may replace the files before the process ends.
    """
    own: Any = inspect.unwrap(function)
    for each in (own, *own.__globals__.values()):
        if each is own or (inspect.isfunction(each) and inspect.iscoroutinefunction(each)):
            _names(each.__code__, each.__globals__)


def name_at(code: CodeType, line: int, namespace: dict[str, Any]) -> str:
    """The variable that an awaited request on a line is assigned to; empty if there is none, or more than one.

    `line` counts as the interpreter does; `namespace` is the module's.
    """
    return _names(code, namespace).get(line, "")


def _names(code: CodeType, namespace: dict[str, Any]) -> Mapping[int, str]:
    kept: dict[str, Mapping[int, str]] = namespace.setdefault(_KEPT, {})
    found = kept.get(code.co_filename)
    if found is None:
        found = kept[code.co_filename] = _read(code.co_filename, namespace)
    return found


def _read(path: str, namespace: dict[str, Any]) -> Mapping[int, str]:
    """By line, the names that what is awaited there is assigned to."""
    linecache.checkcache(path)
    try:
        tree = read("".join(linecache.getlines(path, namespace)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and isinstance(node.value, ast.Await):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    found[line] = target.id if found.get(line, target.id) == target.id else ""
    return found


_NAME = "__smsbot_name__"
"""Where a function keeps the name that it was given."""
_NAMED = "__smsbot_named__"
"""Where a module keeps the names that its functions were given, by their qualified names."""


def give_name(function: Callable[..., Any], name: str) -> None:
    """Find a function by a name of its own from now on, wherever it stands and whatever it is called."""
    own: Any = inspect.unwrap(function)
    own = getattr(own, "__func__", own)
    setattr(own, _NAME, name)
    known: dict[str, str] = own.__globals__.setdefault(_NAMED, {})
    place = own.__code__.co_qualname
    known[place] = name if known.get(place, name) == name else ""  # of several that a function makes, none
    path_of.cache_clear()


def name_of(code: CodeType, namespace: Mapping[str, Any]) -> str:
    """The name that a function was given, else its own; `namespace` is its module's."""
    given: str = namespace.get(_NAMED, {}).get(code.co_qualname, "")
    return given or code.co_qualname.rpartition("<locals>.")[2]


@lru_cache(maxsize=512)
def path_of(function: Callable[..., Any]) -> str:
    """Where a function is found again: the name that it was given, else module and qualified name."""
    own: Any = inspect.unwrap(function)
    given: str = getattr(own, _NAME, "")
    return given or place_of(function)


def names_in(namespace: Mapping[str, Any]) -> Mapping[str, str]:
    """The names that functions of a module were given, by those they have in its code."""
    found: Mapping[str, str] = namespace.get(_NAMED, {})
    return {place.rpartition("<locals>.")[2]: name for place, name in found.items() if name}


def place_of(function: Callable[..., Any]) -> str:
    """Module and qualified name of a function."""
    return f"{function.__module__}.{getattr(function, '__qualname__', repr(function))}"
