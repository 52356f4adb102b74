"""What follows from a condition: what it needs in order to hold, what is weaker than it, what its opposite is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from decimal import Decimal

from smsbot.core import syntax

_ABSENT = ("none", "None")
_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_SIDES: Mapping[type[ast.cmpop], int] = {ast.Gt: 1, ast.GtE: 1, ast.Lt: -1, ast.LtE: -1}


def requires(node: ast.expr) -> frozenset[str]:
    """The names that have a value wherever a condition holds."""
    match node:
        case ast.Name():
            return frozenset({node.id})
        case ast.BoolOp(op=ast.And()):
            return frozenset().union(*map(requires, node.values))
        case ast.BoolOp():
            return frozenset.intersection(*map(requires, node.values))
        case ast.Compare(ops=[ast.NotEq()]):
            return _names(node) if any(_is_empty(o) for o in (node.left, *node.comparators)) else frozenset()
        case ast.Compare() if not any(isinstance(op, ast.NotEq | ast.NotIn) for op in node.ops):
            return frozenset() if any(_is_empty(o) for o in (node.left, *node.comparators)) else _names(node)
        case ast.Call(args=args):
            return frozenset().union(*map(requires, args)) if args else frozenset()
    return frozenset()


def opposite(condition: str) -> str:
    """The condition that holds where one does not, as it is written."""
    node = _tree(condition)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ast.unparse(node.operand)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPPOSITES:
        return ast.unparse(ast.Compare(node.left, [_OPPOSITES[type(node.ops[0])]()], node.comparators))
    return ast.unparse(ast.UnaryOp(ast.Not(), node))


def holds_with(weaker: str, condition: ast.expr) -> bool:
    """Whether a condition, as it is written, holds wherever another does."""
    parts = condition.values if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And) else []
    return any(_follows(weaker, part) for part in (condition, *parts))


def _follows(weaker: str, condition: ast.expr) -> bool:
    if ast.unparse(condition) == weaker:
        return True
    one, other = _bound(condition), _bound(_tree(weaker))
    if one is None or other is None or one[0] != other[0]:
        return False
    (_, op, value), (_, wanted, least) = one, other
    if op is ast.Eq:
        return _meets(value, wanted, least)
    same = _SIDES.get(op, 0) == _SIDES.get(wanted, 2)
    return same and (_meets(value, wanted, least) or (value == least and op in (wanted, ast.Gt, ast.Lt)))


def _meets(value: Decimal, op: type[ast.cmpop], bound: Decimal) -> bool:
    return {
        ast.Gt: value > bound, ast.GtE: value >= bound, ast.Lt: value < bound, ast.LtE: value <= bound,
        ast.Eq: value == bound, ast.NotEq: value != bound,
    }.get(op, False)  # fmt: skip


def _bound(node: ast.expr) -> tuple[str, type[ast.cmpop], Decimal] | None:
    """A comparison with a number: what is compared, how, with what."""
    match node:
        case ast.Compare(ops=[op], comparators=[ast.Constant(value=int() | float() as value)]):
            return ast.unparse(node.left), type(op), Decimal(str(value))
    return None


def _is_empty(node: ast.expr) -> bool:
    absent = isinstance(node, ast.Name) and node.id in _ABSENT
    return absent or (isinstance(node, ast.Constant) and node.value in (None, ""))


def _names(node: ast.Compare) -> frozenset[str]:
    operands = (node.left, *node.comparators)
    return frozenset(n.id for o in operands for n in ast.walk(o) if isinstance(n, ast.Name)) - set(_ABSENT)


def _tree(condition: str) -> ast.expr:
    tree: ast.expr = syntax.read(condition.strip(), "eval").body
    return tree
