"""What follows from a condition: what it needs in order to hold, what is weaker than it, what its opposite is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import lru_cache

from smsbot.core import syntax
from smsbot.flows.compiler import CONSTANTS

_CLOCK = ("now", "today")
_TEXTUAL = ("text", "upper", "lower", "title", "trim")
"""Functions that make an empty text of what has no value; all others cannot be computed then."""
_OPPOSITES: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
Bound = tuple[str, type[ast.cmpop], Decimal]
"""A comparison with a number: what is compared, how, with what."""
_EXACT = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
_SIDES: Mapping[type[ast.cmpop], int] = {ast.Gt: 1, ast.GtE: 1, ast.Lt: -1, ast.LtE: -1}


def requires(node: ast.expr) -> frozenset[str]:
    """The names that have a value wherever a condition holds."""
    match node:
        case ast.BoolOp(op=ast.And()):
            return frozenset().union(*map(requires, node.values))
        case ast.BoolOp():
            return frozenset.intersection(*map(requires, node.values))
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = zip((left, *others), ops, others, strict=False)
            return frozenset().union(*(_compared(*each) for each in sides))
    return _needed(node, filled=True)


def _compared(one: ast.expr, op: ast.cmpop, other: ast.expr) -> frozenset[str]:
    """The names that have a value where a comparison holds: nothing equals nothing, and is neither more nor less."""
    match op:
        case ast.Gt() | ast.GtE() | ast.Lt() | ast.LtE():
            return _needed(one) | _needed(other)
        case ast.Eq() if _is_there(one) or _is_there(other):
            return _needed(one, filled=_is_filled(other)) | _needed(other, filled=_is_filled(one))
        case ast.NotEq() if _is_none(one) or _is_none(other):
            return _needed(one) | _needed(other)
        case ast.In():
            among = other.elts if isinstance(other, ast.List | ast.Tuple) else [other]
            return _needed(other) | (_needed(one) if all(map(_is_there, among)) else frozenset())
    return frozenset()


def _needed(node: ast.expr, *, filled: bool = False) -> frozenset[str]:
    """The names without which an expression has no value or cannot be computed; `filled`: or is an empty text."""
    match node:
        case ast.Name(id=name):
            return frozenset({name}) - {*CONSTANTS, *_CLOCK}
        case ast.BinOp(left=left, right=right):
            return _needed(left) | _needed(right)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _needed(operand)
        case ast.Attribute(value=of) | ast.Subscript(value=of):
            return _needed(of)
        case ast.Call(func=ast.Name(id=name), args=args) if filled or name not in _TEXTUAL:
            return frozenset().union(*(_needed(a, filled=filled) for a in args))
    return frozenset()


def _is_there(node: ast.expr) -> bool:
    """Whether an expression has a value wherever it can be computed."""
    if isinstance(node, ast.Name | ast.Constant):
        return not _is_none(node) and (isinstance(node, ast.Constant) or node.id in (*CONSTANTS, *_CLOCK))
    return isinstance(node, ast.BinOp | ast.Call | ast.List)


def _is_filled(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _is_none(node: ast.expr) -> bool:
    return ast.unparse(node) in ("none", "None")


def opposite(condition: str, known: Collection[str]) -> str:
    """The condition that holds where one does not, as it is written; the names that are `known` have a value.

    What has no value is neither more nor less than anything: where ``x > 3`` does not hold, ``x <= 3`` does only if x
    has a value.
    """
    node = tree_of(condition)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ast.unparse(node.operand)
    if (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and (type(node.ops[0]) in _EXACT or _has_value(node, known))
    ):
        return ast.unparse(ast.Compare(node.left, [_OPPOSITES[type(node.ops[0])]()], node.comparators))
    return ast.unparse(ast.UnaryOp(ast.Not(), node))


def names_of(node: ast.AST) -> frozenset[str]:
    """All names in a condition but those of functions and of what always has a value."""
    called = {n.func for n in ast.walk(node) if isinstance(n, ast.Call)}
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n not in called}
    return frozenset(found - {*CONSTANTS, *_CLOCK})


def _has_value(node: ast.expr, known: Collection[str]) -> bool:
    """Whether all parts of a comparison have a value; an entry of what is known may have none."""
    return names_of(node) <= {*known} and not any(isinstance(n, ast.Attribute | ast.Subscript) for n in ast.walk(node))


def lasts(node: ast.AST) -> bool:
    """Whether a condition holds until one of its values is set anew: time is not in it."""
    return not any(isinstance(n, ast.Name) and n.id in _CLOCK for n in ast.walk(node))


def holds_with(weaker: str, condition: ast.expr) -> bool:
    """Whether a condition, as it is written, holds wherever another does."""
    return implied_by(condition)(weaker)


def implied_by(condition: ast.expr) -> Callable[[str], bool]:
    """Tells of conditions, as they are written, whether they hold wherever this one does."""
    more = condition.values if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And) else []
    parts = (condition, *more)
    told, bounds = {ast.unparse(part) for part in parts}, [b for part in parts if (b := _bound(part)) is not None]
    return lambda weaker: weaker in told or any(_follows(_bound_of(weaker), bound) for bound in bounds)


def _follows(weaker: Bound | None, bound: Bound) -> bool:
    if weaker is None or weaker[0] != bound[0]:
        return False
    (_, op, value), (_, wanted, least) = bound, weaker
    if op is ast.Eq:
        return _meets(value, wanted, least)
    same = _SIDES.get(op, 0) == _SIDES.get(wanted, 2)
    return same and (_meets(value, wanted, least) or (value == least and op in (wanted, ast.Gt, ast.Lt)))


def _meets(value: Decimal, op: type[ast.cmpop], bound: Decimal) -> bool:
    return {
        ast.Gt: value > bound, ast.GtE: value >= bound, ast.Lt: value < bound, ast.LtE: value <= bound,
        ast.Eq: value == bound, ast.NotEq: value != bound,
    }.get(op, False)  # fmt: skip


@lru_cache(maxsize=4096)
def _bound_of(condition: str) -> Bound | None:
    return _bound(tree_of(condition))


def _bound(node: ast.expr) -> Bound | None:
    """A comparison with a number: what is compared, how, with what."""
    match node:
        case ast.Compare(ops=[op], comparators=[ast.Constant(value=int() | float() as value)]):
            return ast.unparse(node.left), type(op), Decimal(str(value))
    return None


@lru_cache(maxsize=4096)
def names_in(condition: str) -> frozenset[str]:
    """The names of a condition, as it is written."""
    return names_of(tree_of(condition))


@lru_cache(maxsize=4096)
def tree_of(source: str) -> ast.expr:
    """The syntax tree of an expression, which nobody changes; columns count from its first sign that is no space."""
    tree: ast.expr = syntax.read(source.strip(), "eval").body
    return tree
