"""The small language of flows: Python's syntax, total, typed, and closed.

An expression is parsed by `ast`, checked node by node against what is allowed here, and compiled to closures.
It sees the names it is given and a fixed table of pure functions; it has no attributes of objects, no loops,
no assignments and no I/O, and what it can build is bounded.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import DivisionByZero, DivisionUndefined, InvalidOperation
from typing import Any

from smsbot.core.errors import FlowError

from .compiler import Compiler
from .functions import Kind, Run
from .wrong import Names, Wrong


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: call it with the values of its names."""

    source: str
    kind: Kind
    run: Run
    names: frozenset[str]

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Its value; raises `FlowError` where the values do not fit."""
        try:
            return self.run(values)
        except (TypeError, ValueError, ArithmeticError, InvalidOperation) as error:
            raise FlowError(f"the expression {self.source!r} cannot be computed: {_plain(error)}") from None


@dataclass(frozen=True, slots=True)
class Call:
    """``name(…)`` as `do` and `call` write it: a name and the expressions of its arguments."""

    source: str
    name: str
    arguments: tuple[Expression, ...]
    keywords: Mapping[str, Expression]


def _plain(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError | DivisionByZero | DivisionUndefined):
        return "it divides by zero"
    return str(error) if error.args and isinstance(error.args[0], str) else "the values do not fit"


def compile_expression(source: str, names: Names | None = None) -> Expression:
    """Compile an expression over `names` (None: any name will do); raises `Wrong`."""
    compiler = Compiler(source, names)
    tree = compiler.parse()
    kind, run = compiler.visit(tree.body, 0)
    return Expression(source, kind, run, frozenset(compiler.used))


def compile_call(source: str, names: Names | None = None) -> Call:
    """Compile ``name`` or ``name(argument, other=argument)``; raises `Wrong`."""
    compiler = Compiler(source, names)
    body = compiler.parse().body
    if isinstance(body, ast.Name):
        return Call(source, body.id, (), {})
    if not isinstance(body, ast.Call) or not isinstance(body.func, ast.Name):
        raise Wrong("SB620", "an action is called by its name, such as quote(size, qty)", 0, len(source))

    def argument(node: ast.expr) -> Expression:
        kind, run = compiler.visit(node, 1)
        return Expression(source, kind, run, frozenset(compiler.used))

    for node in (*body.args, *(k for k in body.keywords)):
        if isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None):
            raise Wrong("SB624", "arguments are written out one by one", 0, len(source))
    return Call(
        source, body.func.id, tuple(argument(a) for a in body.args),
        {str(k.arg): argument(k.value) for k in body.keywords},
    )  # fmt: skip
