"""What expressions and texts say that they cannot mean: answers that nobody gives, fields that nobody keeps."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from smsbot.core.nearest import nearest
from smsbot.core.problem import Severity
from smsbot.flows.functions import Kind
from smsbot.flows.guesses import TONGUES
from smsbot.flows.repairs import HOLDERS
from smsbot.flows.shapes import LANGUAGE, SPECIAL
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Flow
from smsbot.flows.template import Template

from .written import Written, answers_of, expressions_of, filled_in, texts_of

_FIELDS = ("language", "name", "number", "zone")
"""Fields of people that smsbot itself knows."""
_ELSEWHERE = re.compile(
    r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}|(?<![\w@])@([A-Za-z_][\w.]*\w)|\$\{([A-Za-z_][\w.]*)\}|%([A-Za-z_]\w*)%"
    r"|\$([A-Za-z_]\w*)|<([A-Za-z_]\w*)>|\[([A-Za-z_]\w*)\]"
)
"""The ways in which other tools fill something in."""
_LITERAL_TEXT = re.compile(r"'([^'\"]*)'|\"([^'\"]*)\"|(\d+)")
_LITERAL = (Kind.TEXT, Kind.DATE, Kind.TIME, Kind.MOMENT)


def values(flow: Flow, source: Source, contact: Sequence[str], *, alone: bool = False) -> None:
    """Note what is wrong with the values of a flow; `contact` are the fields that the bot keeps of people.

    `alone`: no Python keeps others.
    """
    options = _options(flow)
    for written in expressions_of(flow):
        _answers(written, options, source)
        _fields(written, contact, source)
        _shapes(written, source)
    if not flow.start.event:
        _events(flow, source)
    for template in texts_of(flow):
        _shown(template, flow, source)
        for written in filled_in(template):
            _answers(written, options, source)
            _fields(written, contact, source)
            if alone:
                _kept_nowhere(written, contact, source)
            if (number := written.expression.source.strip()).isdigit():
                source.report(
                    "SB654", written.node, f"people read {number} here", part=written.part(written.tree),
                    remedy="write the name of a value: {name}", severity=Severity.WARNING,
                )  # fmt: skip
            if written.expression.kind is Kind.SPAN:
                counted = f"{{days({written.expression.source.strip()})}} counts its days"
                source.report(
                    "SB625", written.node, "a duration has no writing of its own", part=written.part(written.tree),
                    remedy=f"{counted}; hours() and minutes() do the same",
                )  # fmt: skip
    for step in flow.steps.values():
        _kept(step.node or Node("text"), source)


def kept_of(flows: Sequence[Flow]) -> set[str]:
    """The fields of people that flows keep."""
    return {
        name.removeprefix("contact.")
        for flow in flows for step in flow.steps.values() for name in step.sets if name.startswith("contact.")
    }  # fmt: skip


def _options(flow: Flow) -> Mapping[str, Sequence[str]]:
    """The names that hold the answer to a question with choices and nothing else, with all its choices."""
    return {
        name: [choice for ask in asks for choice in ask.question.choices]
        for name, asks in answers_of(flow).items()
        if all(ask.question.kind == "choice" for ask in asks)
    }


def _answers(written: Written, options: Mapping[str, Sequence[str]], source: Source) -> None:
    """A question with choices is never answered by what is none of them."""
    for name, said in _compared(written.tree):
        choices = options.get(name)
        if choices and said.value not in choices:
            same = next((c for c in choices if c.casefold() == str(said.value).casefold()), None)
            source.report(
                "SB643", written.node, f'{name} is never "{str(said.value)[:40]}"', part=written.part(said),
                near=same or nearest(str(said.value), choices), remedy=f"its answers are {', '.join(choices)}",
            )  # fmt: skip


def _compared(tree: ast.expr) -> Iterator[tuple[str, ast.Constant]]:
    """Names, and the texts that they are compared with."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        operands = (node.left, *node.comparators)
        pairs = list(pairwise(operands))
        for one, other in (*pairs, *((b, a) for a, b in pairs)):
            for each in other.elts if isinstance(other, ast.List | ast.Tuple) else (other,):
                if isinstance(one, ast.Name) and isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield one.id, each


def _fields(written: Written, contact: Sequence[str], source: Source) -> None:
    """A field of people that nobody keeps, and that is spelled nearly like one that somebody does."""
    for node in ast.walk(written.tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or node.value.id != "contact":
            continue
        near = nearest(node.attr, (*contact, *_FIELDS)) if node.attr not in (*contact, *_FIELDS) else None
        if near:
            source.report(
                "SB621", written.node, f'nothing keeps "contact.{node.attr}"', part=written.part(node),
                near=f"contact.{near}", severity=Severity.WARNING,
            )  # fmt: skip


def _kept_nowhere(written: Written, contact: Sequence[str], source: Source) -> None:
    """A field of people that a text shows as it is, and that nothing keeps: most will read a gap."""
    match written.tree:
        case ast.Attribute(value=ast.Name(id="contact"), attr=name) if name not in (*contact, *_FIELDS):
            source.report(
                "SB621", written.node, f'no flow keeps "contact.{name}", so it may be empty',
                remedy=f"say what stands for it: {{contact.{name} or '…'}}", part=written.part(written.tree),
                severity=Severity.WARNING,
            )  # fmt: skip


def _shapes(written: Written, source: Source) -> None:
    """Expressions that always hold, never hold, or are a list where a comma was meant for a point."""
    tree = written.tree
    if isinstance(tree, ast.Tuple) and not written.expression.source.strip().startswith("("):
        source.report(
            "SB624", written.node, "a comma makes a list of this", remedy="decimals are written with a point: 1.5",
            part=written.part(tree),
        )  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and isinstance(node.values[0], ast.Compare):
            more = [each for each in node.values[1:] if isinstance(each, ast.Constant) and each.value]
            if more:
                remedy = f"write {_with_each(node.values[0], more)}"
                source.report("SB623", written.node, "this always holds", part=written.part(more[0]), remedy=remedy)


_AMONG: Mapping[type[ast.cmpop], str] = {ast.Eq: "in", ast.NotEq: "not in"}


def _with_each(first: ast.Compare, more: Sequence[ast.Constant]) -> str:
    """A comparison that is meant for several values: ``qty == 1 or 2`` is ``qty in [1, 2]``."""
    left, op, values = ast.unparse(first.left), first.ops[0], [first.comparators[0], *more]
    if len(first.ops) > 1:
        return f"{ast.unparse(first)} or a comparison with {ast.unparse(more[0])}"
    if type(op) in _AMONG:
        return f"{left} {_AMONG[type(op)]} [{', '.join(map(ast.unparse, values))}]"
    return " or ".join(ast.unparse(ast.Compare(first.left, [op], [value])) for value in values)


def _events(flow: Flow, source: Source) -> None:
    """What an event brings, in a flow that none starts."""
    texts = (written for template in texts_of(flow) for written in filled_in(template))
    for written in (*expressions_of(flow), *texts):
        if "event" in written.expression.names and "event" not in flow.kinds.keys() - SPECIAL.keys():
            source.report(
                "SB621", written.node, "no event starts this flow, so event is empty", part=written.part(written.tree),
                remedy="write start: {event: NAME}, or give the flow args:", severity=Severity.WARNING,
            )  # fmt: skip


def _kept(node: Node, source: Source) -> None:
    """The language that is kept of a person is one."""
    for name, (_, value) in node.pairs["set"][1].pairs.items() if "set" in node.pairs else ():
        written = _LITERAL_TEXT.fullmatch(value.text.strip())
        text = next(filter(None, written.groups()), "") if written is not None else ""
        if name == "contact.language" and written is not None and not LANGUAGE.fullmatch(text):
            source.report(
                "SB607", value, f'a language is two letters, such as en, not "{text[:40]}"',
                remedy=f"write contact.language: \"'{TONGUES.get(text.lower(), 'en')}'\"",
            )  # fmt: skip


def _stray(template: Template, source: Source) -> None:
    """A quote that was meant for YAML, and is read by people."""
    node = template.node
    text = template.source.rstrip("\n")
    if node is None or node.quoted or len(text) < 2:
        return
    if (prefixed := re.match(r"[fFrRuUbB](?=[\"'])", text)) is not None:
        source.report(
            "SB654", node, f"people read {text[:2]} as it stands", part=(0, 2), severity=Severity.WARNING,
            remedy=f"write the text without the {prefixed[0]}: say: \"Hello {{name}}\"",
        )  # fmt: skip
        return
    lone = text[-1] in "\"'" and text.count(text[-1]) == 1
    curled = text[0] in "“„”‘" and text[-1] in "”“’"
    if lone or curled:
        at = len(text) - 1 if lone else 0
        source.report(
            "SB654", node, f"people read {text[at]} as it stands", part=(at, 1), severity=Severity.WARNING,
            remedy='a text stands in straight quotes, or in none: say: "Size?"',
        )  # fmt: skip


def _shown(template: Template, flow: Flow, source: Source) -> None:
    """What is written as other tools fill something in would be seen by people as it stands."""
    assert template.node is not None
    _stray(template, source)
    known = {**flow.kinds, **SPECIAL}
    for hit in _ELSEWHERE.finditer(template.source):
        name = next(filter(None, hit.groups()))
        holder, _, rest = name.partition(".")
        if holder in HOLDERS and rest.partition(".")[0] in known:  # @results.day of other tools
            name = rest
        first = name.partition(".")[0]
        dollar = hit.group(3) is not None
        handle = any(hit.group(n) for n in (2, 5, 6, 7)) and "." not in name and first in SPECIAL
        if first not in known or handle or (dollar and known[first] not in _LITERAL and "name" not in name):
            continue
        source.report(
            "SB654", template.node, f'people read "{hit.group()}" as it stands', part=(hit.start(), len(hit.group())),
            remedy=f"write {{{name}}}", severity=Severity.WARNING,
        )  # fmt: skip
