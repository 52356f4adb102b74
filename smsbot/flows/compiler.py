"""The compiler of expressions: a syntax tree, checked node by node, becomes closures over the values of names."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from smsbot.core import syntax
from smsbot.core.nearest import nearest

from .functions import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    LARGEST,
    UNITS,
    Function,
    Kind,
    Run,
    all_of,
    any_of,
    entry_of,
    moment_of,
    moments,
    number_of,
    placed,
)  # fmt: skip
from .repairs import (
    FUNCTIONS_MEANT,
    HOLDERS,
    NAMES_MEANT,
    as_function,
    convert,
    date_meant,
    joined,
    plainer,
    repair,
    weekday_meant,
)  # fmt: skip
from .wrong import Names, Wrong

LONGEST = 500
"""Characters of an expression."""
_DEEPEST = 40
CONSTANTS: Mapping[str, Any] = {"yes": True, "no": False, "true": True, "false": False, "none": None}
"""Words for values, besides Python's own True, False and None."""


class Compiler:
    """Compiles one expression; `used` are the names that it needs."""

    def __init__(self, source: str, names: Names | None) -> None:
        self.source = source
        self.names = names
        self.used: set[str] = set()

    def parse(self) -> ast.Expression:
        """Its syntax tree; raises `Wrong`."""
        if len(self.source) > LONGEST:
            raise Wrong("SB624", f"an expression has at most {LONGEST} characters", 0, len(self.source))
        if not self.source.strip():
            raise Wrong("SB620", "an expression is missing", 0, max(1, len(self.source)), remedy=repair(self.source))
        flat = "".join(" " if c in "\n\r\t\f" else c for c in self.source)
        lead = len(flat) - len(flat.lstrip())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._parse(flat, lead)
        except SyntaxError as error:
            at = min(max((error.offset or 1) - 1 + lead, 0), max(len(self.source) - 1, 0))
            raise Wrong("SB620", plainer(self.source, error), at, 1, remedy=repair(self.source)) from None
        except (ValueError, RecursionError, MemoryError):
            raise Wrong("SB620", "this cannot be read as an expression", 0, len(self.source)) from None

    def _parse(self, flat: str, lead: int) -> ast.Expression:
        tree: ast.Expression = syntax.read(flat[lead:], "eval")
        for node in ast.walk(tree) if lead else ():
            if isinstance(node, ast.expr):
                node.col_offset += lead
                node.end_col_offset = (node.end_col_offset or 0) + lead
        return tree

    def wrong(self, node: ast.AST, code: str, message: str, near: str | None = None, remedy: str = "") -> Wrong:
        """What is wrong with a node of the tree, with its place in the text."""
        raw = self.source.encode("utf-8", "replace")  # ast counts UTF-8 bytes
        first = int(getattr(node, "col_offset", 0))
        last = int(getattr(node, "end_col_offset", None) or len(raw))
        start = len(raw[:first].decode("utf-8", "replace"))
        return Wrong(code, message, start, max(1, len(raw[first:last].decode("utf-8", "replace"))), near, remedy)

    def visit(self, node: ast.expr, depth: int) -> tuple[Kind, Run]:
        """The kind of a node, and what computes it."""
        if depth > _DEEPEST:
            raise self.wrong(node, "SB624", "this expression is nested too deeply")
        visit = _VISITS.get(type(node))
        if visit is None and isinstance(node, ast.Set | ast.Dict):
            inside = ast.unparse(node).strip("{}")
            raise self.wrong(node, "SB624", "expressions have no braces", remedy=f"write {inside[:40]} without them")
        if visit is None:
            raise self.wrong(node, "SB624", f"{_NAMES.get(type(node), 'this')} is not part of expressions")
        return visit(self, node, depth + 1)

    def constant(self, node: ast.Constant, depth: int) -> tuple[Kind, Run]:
        """A value that is written out."""
        value: Any = Decimal(str(node.value)) if isinstance(node.value, float) else node.value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            if not -LARGEST < value < LARGEST:
                raise self.wrong(node, "SB624", "this number is too large")
        elif value is not None and not isinstance(value, str | bool):
            raise self.wrong(node, "SB624", f"{type(value).__name__} is not part of expressions")
        return _kind_of(value), lambda values: value

    def name(self, node: ast.Name, depth: int) -> tuple[Kind, Run]:
        """A name, or a word for a value."""
        name = node.id
        known = self.names
        if known is None or name in known:
            self.used.add(name)
            return (Kind.ANY if known is None else known[name]), lambda values: values.get(name)
        if name in CONSTANTS:
            value = CONSTANTS[name]
            return _kind_of(value), lambda values: value
        raise self.unknown(node, known)

    def unknown(self, node: ast.Name, known: Names) -> Wrong:
        """A name that nothing has: what is written for it, else what is spelled like it."""
        name = node.id
        own = [n for n in known if n not in _EVERYWHERE]
        meant, near = NAMES_MEANT.get(name.lower(), ""), nearest(name, own)
        near = near or (None if meant else "none" if name.lower() in _NOTHING else nearest(name, known))
        if name[:1].isupper() and near is not None and near.lower() != name.lower() and name == self.source.strip():
            near = None  # a word, rather than a name that is spelled wrong: Monday is not meant to be today
        listed = ", ".join([*sorted(own), *_EVERYWHERE][:20])
        remedy = (
            f"or {meant}"
            if meant and near
            else meant or ("" if near else f"known: {listed}; a text stands in quotes: '{name}'")
        )
        wrong = self.wrong(node, "SB621", f'"{name}" is not known here', near, remedy)
        wrong.name = name if near is None and not meant else ""
        return wrong

    def attribute(self, node: ast.Attribute, depth: int) -> tuple[Kind, Run]:
        """A part of what is kept: ``contact.name``."""
        root = node.value
        while isinstance(root, ast.Attribute):
            root = root.value
        holder = root.id if isinstance(root, ast.Name) else ""
        if holder in HOLDERS and self.names is not None and holder not in self.names:
            what = f'"{holder}" is not known here'
            raise self.wrong(node, "SB621", what, remedy=f"names stand alone: {node.attr}")
        kind, inner = self.visit(node.value, depth)
        if kind is not Kind.ANY:
            remedy = as_function(node, FUNCTIONS) or _PARTS.get(kind, "")
            what = f"{kind} has no parts, so nothing can stand after the dot"
            raise self.wrong(node, "SB623", what, remedy=remedy)
        return Kind.ANY, entry_of(inner, node.attr)

    def subscript(self, node: ast.Subscript, depth: int) -> tuple[Kind, Run]:
        """An entry of a list, or of a map by its name."""
        kind, inner = self.visit(node.value, depth)
        if kind not in (Kind.ANY, Kind.LIST):
            raise self.wrong(node, "SB624", "brackets take the place in a list, such as slots[0], or a name in quotes")
        if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            return Kind.ANY, entry_of(inner, node.slice.value)
        which, place = self.visit(node.slice, depth)
        if which not in (Kind.ANY, Kind.NUMBER):
            raise self.wrong(node.slice, "SB624", "brackets take a number or a name in quotes")
        return Kind.ANY, placed(inner, place)

    def boolean(self, node: ast.BoolOp, depth: int) -> tuple[Kind, Run]:
        """``and``, ``or``."""
        parts = [self.visit(v, depth) for v in node.values]
        runs = [run for _, run in parts]
        kinds = {kind for kind, _ in parts}
        kind = kinds.pop() if len(kinds) == 1 else Kind.ANY
        if isinstance(node.op, ast.And):
            return kind, lambda values: all_of(runs, values)
        return kind, lambda values: any_of(runs, values)

    def unary(self, node: ast.UnaryOp, depth: int) -> tuple[Kind, Run]:
        """``not``, ``-``."""
        kind, run = self.visit(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return Kind.BOOL, lambda values: not run(values)
        if not isinstance(node.op, ast.USub):
            raise self.wrong(node, "SB624", "this sign is not part of expressions")
        self.fits(node.operand, kind, (Kind.NUMBER,), "-")
        return Kind.NUMBER, lambda values: -number_of(run(values))

    def arithmetic(self, node: ast.BinOp, depth: int) -> tuple[Kind, Run]:
        """Two values and a sign between them."""
        if type(node.op) not in ARITHMETIC:
            known = "of the signs between values, + - * / // % are known"
            raise self.wrong(node, "SB624", known, remedy=repair(self.source))
        sign, work = ARITHMETIC[type(node.op)]
        (a, left), (b, right) = self.visit(node.left, depth), self.visit(node.right, depth)
        kind = _RESULTS.get((sign, a, b))
        if kind is Kind.DATE:  # hours make a moment of a day
            kind = Kind.DATE if _unit_of(node.left) == "days" or _unit_of(node.right) == "days" else Kind.ANY
        if kind is None:
            if Kind.ANY not in (a, b):
                raise self.wrong(node, "SB623", f"{a} {sign} {b} makes no sense", remedy=convert(a, b))
            kind = Kind.ANY
        return kind, lambda values: work(*moments(left(values), right(values), values))

    def compare(self, node: ast.Compare, depth: int) -> tuple[Kind, Run]:
        """A comparison, or a chain of them."""
        if any(type(op) not in COMPARISONS for op in node.ops):
            raise self.wrong(node, "SB624", "write == or != instead of is", remedy=repair(self.source))
        operands = [self.visit(v, depth) for v in (node.left, *node.comparators)]
        works: list[Callable[[Any, Any], bool]] = []
        for place, op in enumerate(node.ops):
            sign, work = COMPARISONS[type(op)]
            a, b = operands[place][0], operands[place + 1][0]
            one, other = (node.left, *node.comparators)[place : place + 2]
            self.among(node, one, a, other)
            a, b = self.dated(one, a, other, b), self.dated(other, b, one, a)
            if not _comparable_kinds(sign, a, b):
                remedy = weekday_meant(one, other) or date_meant(one, a, other, b) or convert(a, b)
                raise self.wrong(node, "SB623", f"{a} is compared with {b}, which never fits", remedy=remedy)
            works.append(work)
        runs = [run for _, run in operands]
        if len(works) == 1:
            (left, right), work = runs, works[0]
            return Kind.BOOL, lambda values: work(left(values), right(values))

        def chain(values: Mapping[str, Any]) -> bool:
            found = [run(values) for run in runs]
            return all(work(found[i], found[i + 1]) for i, work in enumerate(works))

        return Kind.BOOL, chain

    def among(self, node: ast.Compare, one: ast.expr, kind: Kind, other: ast.expr) -> None:
        """Each entry of a list is compared with what may be in it."""
        for each in other.elts if isinstance(other, ast.List | ast.Tuple) and kind is not Kind.LIST else ():
            found = self.dated(each, self.visit(each, 1)[0], one, kind)
            if not _comparable_kinds("==", kind, found):
                remedy = weekday_meant(one, each) or date_meant(one, kind, each, found) or convert(kind, found)
                raise self.wrong(each, "SB623", f"{kind} is compared with {found}, which never fits", remedy=remedy)

    def dated(self, node: ast.expr, kind: Kind, other: ast.expr, beside: Kind) -> Kind:
        """The kind of a text that is compared with a date, a time or a moment: what is written in it."""
        if beside not in _WRITTEN or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return kind
        found = moment_of(node.value)
        if found is None or _written_kind(found) not in _AMONG[beside]:
            raise self.wrong(
                node, "SB623", f'{beside} is compared with "{node.value[:40]}", which is none',
                remedy=weekday_meant(other, node) or f"it is written {_WRITTEN[beside]}",
            )  # fmt: skip
        return _written_kind(found)

    def call(self, node: ast.Call, depth: int) -> tuple[Kind, Run]:
        """A function of the language."""
        if not isinstance(node.func, ast.Name):
            meant = as_function(node.func, FUNCTIONS) if isinstance(node.func, ast.Attribute) else ""
            raise self.wrong(node, "SB624", "only the functions of the language can be called", remedy=meant)
        name = node.func.id
        function = FUNCTIONS.get(name)
        if function is None:
            meant = joined(node) or FUNCTIONS_MEANT.get(name.lower(), "")
            near = nearest(name, FUNCTIONS) if not meant else None
            remedy = meant or ("" if near else f"known: {', '.join(FUNCTIONS)}; Python is called by do:")
            raise self.wrong(node.func, "SB622", f"there is no function {name}()", near, remedy)
        least = len(function.takes) if function.least < 0 else function.least
        count = len(node.args)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.wrong(node, "SB622", f"{name}() takes its arguments one by one, without names")
        if count < least or (count > len(function.takes) and not (function.many and count <= 20)):
            raise self.wrong(node, "SB622", f"{name}() takes {_count(function, least)}, not {count}")
        runs: list[Run] = []
        gives = function.gives
        for place, argument in enumerate(node.args):
            kind, run = self.visit(argument, depth)
            if name in UNITS and kind in _COUNTED:
                gives = _COUNTED[kind]
            else:
                self.fits(argument, kind, (function.takes[min(place, len(function.takes) - 1)],), f"{name}()")
                if name == "len" and kind not in _HAS_LENGTH:
                    raise self.wrong(
                        argument, "SB623", f"len() counts letters or entries, and this is {kind}",
                        remedy=f"compare it itself: {ast.unparse(argument)} < 10",
                    )  # fmt: skip
            runs.append(run)
        work = function.run
        return gives, lambda values: work(*[run(values) for run in runs])

    def choose(self, node: ast.IfExp, depth: int) -> tuple[Kind, Run]:
        """``a if condition else b``."""
        _, test = self.visit(node.test, depth)
        (a, one), (b, other) = self.visit(node.body, depth), self.visit(node.orelse, depth)
        return (a if a is b else Kind.ANY), lambda values: one(values) if test(values) else other(values)

    def several(self, node: ast.List | ast.Tuple, depth: int) -> tuple[Kind, Run]:
        """A list."""
        if any(isinstance(e, ast.Starred) for e in node.elts):
            raise self.wrong(node, "SB624", "a list names its entries one by one")
        runs = [self.visit(e, depth)[1] for e in node.elts]
        return Kind.LIST, lambda values: [run(values) for run in runs]

    def fits(self, node: ast.expr, kind: Kind, wanted: Sequence[Kind], who: str) -> None:
        """Note a value of another kind than is wanted; raises `Wrong`."""
        if kind is Kind.ANY or Kind.ANY in wanted or kind in wanted:
            return
        if kind is Kind.MOMENT and Kind.DATE in wanted:
            return
        raise self.wrong(node, "SB623", f"{who} needs {wanted[0]}, not {kind}", remedy=convert(kind, wanted[0]))


_VISITS: Mapping[type[ast.expr], Callable[[Compiler, Any, int], tuple[Kind, Run]]] = {
    ast.Constant: Compiler.constant, ast.Name: Compiler.name, ast.Attribute: Compiler.attribute,
    ast.Subscript: Compiler.subscript, ast.BoolOp: Compiler.boolean, ast.UnaryOp: Compiler.unary,
    ast.BinOp: Compiler.arithmetic, ast.Compare: Compiler.compare, ast.Call: Compiler.call,
    ast.IfExp: Compiler.choose, ast.List: Compiler.several, ast.Tuple: Compiler.several,
}  # fmt: skip
_NAMES: Mapping[type[ast.expr], str] = {
    ast.Lambda: "lambda", ast.ListComp: "a loop", ast.GeneratorExp: "a loop", ast.DictComp: "a loop",
    ast.SetComp: "a loop", ast.NamedExpr: "an assignment", ast.JoinedStr: "an f-string", ast.Await: "await",
    ast.Dict: "a dictionary", ast.Set: "a set", ast.Starred: "a star",
}  # fmt: skip
_N, _T, _D, _M, _S, _L = Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.SPAN, Kind.LIST
_RESULTS: Mapping[tuple[str, Kind, Kind], Kind] = {
    **{(sign, _N, _N): _N for sign in ("+", "-", "*", "/", "//", "%")},
    ("+", _T, _T): _T, ("+", _L, _L): _L,
    ("+", _D, _S): _D, ("+", _M, _S): _M, ("+", _S, _D): _D, ("+", _S, _M): _M, ("+", _S, _S): _S,
    ("-", _D, _S): _D, ("-", _M, _S): _M, ("-", _D, _D): _S, ("-", _M, _M): _S, ("-", _S, _S): _S,
}  # fmt: skip


def _kind_of(value: Any) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOL
    if isinstance(value, str):
        return Kind.TEXT
    return Kind.ANY if value is None else Kind.NUMBER


def _comparable_kinds(sign: str, a: Kind, b: Kind) -> bool:
    if Kind.ANY in (a, b):
        return True
    if sign.endswith("in"):
        return b is Kind.LIST or (a is b is Kind.TEXT)
    if {a, b} in ({Kind.DATE, Kind.MOMENT}, {Kind.TIME, Kind.MOMENT}):
        return True
    return a is b and (sign in ("==", "!=") or a not in (Kind.BOOL, Kind.LIST))


_WRITTEN: Mapping[Kind, str] = {
    Kind.DATE: "'2026-12-01'", Kind.TIME: "'9:00'", Kind.MOMENT: "'2026-12-01', '9:00' or '2026-12-01 9:00'",
}  # fmt: skip
_AMONG: Mapping[Kind, Sequence[Kind]] = {
    Kind.DATE: (Kind.DATE, Kind.MOMENT), Kind.TIME: (Kind.TIME, Kind.MOMENT),
    Kind.MOMENT: (Kind.DATE, Kind.TIME, Kind.MOMENT),
}  # fmt: skip


def _written_kind(value: date | time) -> Kind:
    if isinstance(value, time):
        return Kind.TIME
    return Kind.MOMENT if isinstance(value, datetime) else Kind.DATE


_HAS_LENGTH = (Kind.ANY, Kind.TEXT, Kind.LIST)
_EVERYWHERE = ("answer", "contact", "event", "line", "now", "today")
_NOTHING = ("null", "nil", "undefined", "nothing", "empty")
_PARTS: Mapping[Kind, str] = {
    Kind.MOMENT: "compare it with a time: now > '18:00'",
    Kind.DATE: "weekday(day) is 1 on Mondays; in texts: {day:%d %B %Y}",
    Kind.TIME: "compare it with a time: at > '18:00'",
}  # fmt: skip
_COUNTED: Mapping[Kind, Kind] = {Kind.NUMBER: Kind.SPAN, Kind.SPAN: Kind.NUMBER, Kind.ANY: Kind.ANY}
"""A number makes a duration, a duration is counted."""


def _unit_of(node: ast.expr) -> str:
    """The function that makes a duration: ``days`` of ``days(2)``."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _count(function: Function, least: int) -> str:
    most = len(function.takes)
    if function.many:
        return f"{least} arguments or more"
    return f"{most} argument{'s' * (most != 1)}" if least == most else f"{least} or {most} arguments"
