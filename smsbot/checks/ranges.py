"""Conditions that hold for every value, or for none, as far as they compare one thing with what is written out.

A comparison changes its answer only at what it compares with: to try these values, and one beside each, is to try all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor
from typing import Any

from smsbot.core.problem import Severity
from smsbot.flows.functions import COMPARISONS, moment_of
from smsbot.flows.source import Source
from smsbot.flows.steps import Flow, Step

from .conditions import holds_with, tree_of
from .written import answers_of, conditions_of

Bounds = tuple[Any, Any, bool]
"""The least and the greatest value, None where there is none; whether it is whole."""
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def hollow(flow: Flow, source: Source) -> None:
    """Note the conditions that always or never hold, and the branches that are never taken."""
    bounds, checks = _bounds_of(flow), _checks(flow)
    for step in flow.steps.values():
        told = set()
        for written in conditions_of(step):
            found = verdict(written.tree, bounds)
            own = step.ask is not None and written.expression is step.ask.check
            for check in checks if found is None and not own else ():
                found = False if verdict(ast.BoolOp(ast.And(), [check, written.tree]), bounds) is False else found
            if found is not None:
                told.add(id(written.node))
                source.report(
                    "SB617", written.node, f"this {'always' if found else 'never'} holds", severity=Severity.WARNING,
                    remedy=_joined(written.tree, found) or _range(written.tree, bounds) or "compare with other values",
                )  # fmt: skip
        _branches(step, source, bounds, told)


def _checks(flow: Flow) -> list[ast.expr]:
    """What answers have met that are asked for once, and set by nothing else."""
    alone = [(name, asks[0].check) for name, asks in answers_of(flow).items() if len(asks) == 1]
    trees = (tree_of(check.source) for name, check in alone if check is not None and check.names == {name})
    return [tree for tree in trees if verdict(tree, {}) is None]


def _branches(step: Step, source: Source, bounds: Mapping[str, Bounds], told: set[int]) -> None:
    """Branches behind one that takes all that they would."""
    items = step.node.pairs["then"][1].items if step.node is not None and "then" in step.node.pairs else ()
    before: list[ast.expr] = []
    for branch, item in zip(step.then.branches if step.then is not None else (), items, strict=False):
        here = tree_of(branch.when.source) if branch.when is not None else ast.Constant(True)
        both = ast.BoolOp(ast.And(), [here, *(ast.UnaryOp(ast.Not(), b) for b in before)])
        place = item.pairs["when"][1] if "when" in item.pairs else item
        wider = any(holds_with(ast.unparse(b), here) for b in before)
        if before and id(place) not in told and (wider or verdict(both, bounds) is False):
            source.report(
                "SB617", place, "this branch is never taken: one above takes all that it would",
                remedy="the narrower condition stands first, and the branch without when: last",
                severity=Severity.WARNING,
            )  # fmt: skip
        before.append(here)


def _bounds_of(flow: Flow) -> Mapping[str, Bounds]:
    """The names that hold a number that a question asked for, within its bounds, and nothing else."""
    alone = {name: asks[0].question for name, asks in answers_of(flow).items() if len(asks) == 1}
    return {name: (q.low, q.high, q.kind == "integer") for name, q in alone.items() if q.kind in ("integer", "number")}


def verdict(condition: ast.expr, bounds: Mapping[str, Bounds]) -> bool | None:
    """Whether a condition holds whatever its values are; None: it depends on them."""
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        condition = ast.BoolOp(ast.And(), [*_flat(condition)])
    for subject, constants in _subjects(condition).items():
        points = list(_points(constants, bounds.get(subject)))
        held = {_holds(condition, subject, point) for point in points}
        if len(held) == 1 and None not in held:
            return held.pop()
    if isinstance(condition, ast.Constant):
        return bool(condition.value)
    return None


def _flat(node: ast.BoolOp) -> Iterator[ast.expr]:
    for each in node.values:
        if isinstance(each, ast.BoolOp) and isinstance(each.op, ast.And):
            yield from _flat(each)
        else:
            yield each


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.expr, ast.cmpop, ast.expr]]:
    yield from zip((node.left, *node.comparators), node.ops, node.comparators, strict=False)


def _subjects(condition: ast.expr) -> dict[str, list[Any]]:
    """What is compared with written values, and these."""
    found: dict[str, list[Any]] = {}
    for node in ast.walk(condition):
        for one, _, other in _pairs(node) if isinstance(node, ast.Compare) else ():
            for side, beside in ((one, other), (other, one)):
                values = _values(beside)
                if values and not isinstance(side, ast.Constant | ast.List | ast.Tuple):
                    found.setdefault(ast.unparse(side), []).extend(values)
    return {name: values for name, values in found.items() if len({type(v) for v in values}) == 1}


def _values(node: ast.expr) -> list[Any]:
    """The values that are written out: one, or those of a list; none where it is no value."""
    if isinstance(node, ast.List | ast.Tuple):
        found = [_values(each) for each in node.elts]
        return [each[0] for each in found] if all(len(each) == 1 for each in found) else []
    sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
    value = node.operand if isinstance(node, ast.UnaryOp) else node
    match value:
        case ast.Constant(bool() | None):
            return []
        case ast.Constant(int() | float() as number):
            return [Decimal(str(number)) * sign]
        case ast.Constant(str() as text):
            return [moment_of(text) or text]
    return []


def _points(constants: Sequence[Any], bounds: Bounds | None) -> Iterator[Any]:
    if not isinstance(constants[0], Decimal):
        for constant in constants:
            yield from _around(constant)
        return
    low, high, whole = bounds or (None, None, False)
    ends = [Decimal(end) for end in (low, high) if end is not None]
    for point in (_whole if whole else _between)(sorted({*constants, *ends})):
        if (low is None or point >= low) and (high is None or point <= high):
            yield point


def _whole(values: Sequence[Decimal]) -> Iterator[Decimal]:
    """Whole numbers: each value where it is one, and those beside it."""
    for value in values:
        yield from (Decimal(ceil(value) - 1), Decimal(floor(value)), Decimal(floor(value) + 1))


def _between(values: Sequence[Decimal]) -> Iterator[Decimal]:
    """The values, and one on each side of each: neighbours may be as near as anybody writes them."""
    yield from (values[0] - 1, *values, values[-1] + 1)
    yield from ((one + other) / 2 for one, other in pairwise(values))


def _around(value: Any) -> Iterable[Any]:
    match value:
        case datetime():
            return (value - _SECOND, value, value + _SECOND)
        case date():
            return (value - _DAY, value, value + _DAY)
        case time():
            at = datetime.combine(date(2000, 1, 2), value)
            return [p.time() for p in (at - _SECOND, at, at + _SECOND) if p.date() == at.date()]
    return ("", value, f"{value}-")  # no text, this one, and another


def _holds(node: ast.expr, subject: str, point: Any) -> bool | None:
    """Whether a condition holds where its subject has a value; None: other things decide that."""
    match node:
        case ast.BoolOp(op=op, values=values):
            stops = isinstance(op, ast.Or)
            found = [_holds(each, subject, point) for each in values]
            return stops if stops in found else None if None in found else not stops
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            held = _holds(inner, subject, point)
            return None if held is None else not held
        case ast.Compare():
            found = [_compared(*pair, subject, point) for pair in _pairs(node)]
            return False if False in found else None if None in found else True
        case ast.Constant(value=bool() as fixed):
            return fixed
    return None


def _compared(one: ast.expr, op: ast.cmpop, other: ast.expr, subject: str, point: Any) -> bool | None:
    work = COMPARISONS[type(op)][1]
    try:
        if ast.unparse(one) == subject and (values := _values(other)):
            return work(point, values if isinstance(other, ast.List | ast.Tuple) else values[0])
        if ast.unparse(other) == subject and (values := _values(one)):
            return work(values[0], point)
    except TypeError:
        return None
    return None


def _joined(tree: ast.expr, held: bool) -> str:
    """The other word between two conditions, where that is what makes it always or never hold."""
    if not isinstance(tree, ast.BoolOp):
        return ""
    if not held:
        return "write or instead of and"
    return "write and instead of or" if isinstance(tree.op, ast.Or) else ""


def _range(tree: ast.expr, bounds: Mapping[str, Bounds]) -> str:
    """What the question that is compared takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in bounds:
            low, high, _ = bounds[node.id]
            if low is not None and high is not None:
                return f"{node.id} is from {low} to {high}"
    return ""
