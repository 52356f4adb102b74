"""Every expression and every text of a flow, with the place where it is written."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smsbot.flows.expressions import Expression
from smsbot.flows.source import Node
from smsbot.flows.steps import Ask, Flow, Step, Texts
from smsbot.flows.template import Template

from .conditions import tree_of


@dataclass(frozen=True, slots=True)
class Written:
    """An expression, and the node that it is written in: itself, or the text or the call around it."""

    expression: Expression
    node: Node
    start: int
    """Where it begins in the text of the node."""

    @property
    def tree(self) -> ast.expr:
        """Its syntax tree."""
        return tree_of(self.expression.source)

    def part(self, of: ast.expr) -> tuple[int, int]:
        """Where a part of the tree stands in the text of the node, and its length."""
        source = self.expression.source
        lead, raw = len(source) - len(source.lstrip()), source.strip().encode("utf-8", "replace")
        begin = len(raw[: of.col_offset].decode("utf-8", "replace"))
        length = len(raw[of.col_offset : of.end_col_offset].decode("utf-8", "replace"))
        return self.start + lead + begin, max(1, length)


def expressions_of(flow: Flow) -> Iterator[Written]:
    """All expressions outside of texts."""
    root = flow.node or Node("text")
    yield from _each(flow.variables, _below(root, "vars"))
    for step in flow.steps.values():
        yield from conditions_of(step)
        node = step.node or Node("text")
        yield from _each(step.sets, _below(node, "set"))
        yield from _each(step.arguments, _below(node, "args"))
        if step.do is not None and "do" in node.pairs:
            call = _below(node, "do")
            for argument in (*step.do.arguments, *step.do.keywords.values()):
                yield Written(argument, call, 0)


def answers_of(flow: Flow) -> Mapping[str, Sequence[Ask]]:
    """The names that hold answers and nothing else, with the questions that ask for each."""
    found: dict[str, list[Ask]] = {}
    others = {*flow.variables, *flow.args}  # what a hole finds is read as an answer to the question of its name
    for step in flow.steps.values():
        others |= {*step.sets, step.save}
        if step.ask is not None:
            found.setdefault(step.ask.name, []).append(step.ask)
    return {name: asks for name, asks in found.items() if name not in others}


def conditions_of(step: Step) -> Iterator[Written]:
    """What a step asks whether it is so: `when`, `check`, the branches of `then`."""
    node = step.node or Node("text")
    if step.when is not None and "when" in node.pairs:
        yield Written(step.when, _below(node, "when"), 0)
    if step.ask is not None and step.ask.check is not None and "check" in node.pairs:
        yield Written(step.ask.check, _below(node, "check"), 0)
    items = _below(node, "then").items
    branches = step.then.branches if step.then is not None else ()
    for branch, item in zip(branches, items, strict=False):
        if branch.when is not None and "when" in item.pairs:
            yield Written(branch.when, _below(item, "when"), 0)


def texts_of(flow: Flow) -> Iterator[Template]:
    """All texts, each once."""
    seen: set[int] = set()
    for texts in said_by(flow):
        for template in (t for text in texts for t in text.values()):
            if template.node is not None and id(template.node) not in seen:
                seen.add(id(template.node))
                yield template


def said_by(flow: Flow) -> Iterator[Texts]:
    """Everything that a flow says."""
    for _, texts in flow.anywhere:
        yield texts
    yield flow.fallback
    for step in flow.steps.values():
        yield step.says
        yield from asked_by(step)


def asked_by(step: Step) -> Iterator[Texts]:
    """What a question says after it was asked."""
    if step.ask is not None:
        yield step.ask.retry_say
        yield step.ask.unsure_say
        yield from step.ask.remind_says


def filled_in(template: Template) -> Iterator[Written]:
    """The expressions of a text."""
    node, at = template.node or Node("text"), 0
    for part in template.parts:
        if isinstance(part, str):
            continue
        expression, _ = part
        at = max(node.text.find("{" + expression.source, at), at)
        yield Written(expression, node, at + 1)


def _each(found: Mapping[str, Expression], node: Node) -> Iterator[Written]:
    for name, expression in found.items():
        if name in node.pairs:
            yield Written(expression, node.pairs[name][1], 0)


def _below(node: Node, key: str) -> Node:
    return node.pairs[key][1] if key in node.pairs else Node("text")
