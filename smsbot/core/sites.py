"""Where a request stands in the code, and the shape of a function: what may change while people are in it (C8)."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import lru_cache
from types import CodeType


@lru_cache(maxsize=4096)
def name_at(code: CodeType, line: int) -> str:
    """The variable that an awaited request on a line is assigned to; empty if there is none, or more than one.

    `line` counts as the interpreter does.
    """
    tree = _tree(code)
    if tree is None:
        return ""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and isinstance(node.value, ast.Await):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and node.lineno <= line <= (node.end_lineno or node.lineno):
                found.add(target.id)
    return found.pop() if len(found) == 1 else ""


@lru_cache(maxsize=512)
def _tree(code: CodeType) -> ast.AST | None:
    """The function's syntax tree, with the lines of its file."""
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return ast.increment_lineno(tree, first - 1)
