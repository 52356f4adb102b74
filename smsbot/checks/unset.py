"""Variables of questions that may have been skipped: on every way to a text, what it fills in must have been told.

A step knows what all ways to it have set. Where a condition holds more is known: what a step with the same condition,
or a weaker one, has set, and what the condition itself needs in order to hold.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from smsbot.flows.functions import Kind
from smsbot.flows.graph import all_answers
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Flow, Step, Texts

from .conditions import implied_by, lasts, names_in, opposite, requires, tree_of
from .written import Written, asked_by, filled_in


class Known(NamedTuple):
    """What has been set: always, and where a condition held."""

    names: frozenset[str] = frozenset()
    under: frozenset[tuple[str, str]] = frozenset()
    """(condition, name)."""

    def and_(self, names: Iterable[str], condition: str = "") -> Known:
        """With more names; under a condition, where one is given. What is set under its opposite, too, is set."""
        if not condition:
            return Known(self.names | set(names), self.under)
        if not lasts(tree_of(condition)):
            return self
        found = self.under | {(condition, name) for name in names}
        other = opposite(condition, self.names)
        return Known(self.names | {n for c, n in found if c == condition and (other, n) in found}, found)

    def set(self, names: Collection[str]) -> Known:
        """With names set anew; what followed from their former values is forgotten."""
        under = {(c, n) for c, n in self.under if names_in(c).isdisjoint(names)}
        return Known(self.names | {*names}, frozenset(under))

    def where_not(self, condition: str) -> Known:
        """Where a condition, as it is written, does not hold."""
        return self.where(tree_of(opposite(condition, self.names)))

    def where(self, condition: ast.expr) -> Known:
        """Where a condition holds."""
        needed = requires(condition)
        implied = implied_by(condition)
        return self.and_((*needed, *(name for of, name in self.under if implied(of))))

    def meets(self, other: Known) -> Known:
        """What is known on both of two ways."""
        one = {(c, n) for c, n in self.under if n in other.names or (c, n) in other.under}
        two = {(c, n) for c, n in other.under if n in self.names}
        return Known(self.names & other.names, frozenset(one | two))


def unset(flow: Flow, source: Source) -> None:
    """Note the texts that fill in what may never have been asked or set."""
    watched = {*flow.args} | {step.ask.name for step in flow.steps.values() if step.ask is not None}
    watched |= {n for step in flow.steps.values() for n in (*step.sets, step.save) if not n.startswith("contact.")}
    for name, before in _known(flow).items():
        step = flow.steps[name]
        _counted(step, before.where(tree_of(step.when.source)) if step.when is not None else before, watched, source)
        said = _inside(step, before)
        answered = said.set((step.ask.name,)) if step.ask is not None else said
        for texts, here in ((step.says, said), *((t, answered) for t in asked_by(step))):
            _look(texts, here, watched, flow, source)


def _not_given(flow: Flow) -> set[str]:
    """The arguments that a start word leaves without a value."""
    start = flow.start
    if not start.words or start.event or start.api:
        return set()
    return {*flow.args} - set[str].intersection(*({hole.name for hole in pattern.gaps} for _, pattern in start.words))


def _counted(step: Step, known: Known, watched: set[str], source: Source) -> None:
    """What is added to has a first value."""
    for name, expression in step.sets.items():
        node = step.node.pairs["set"][1].pairs[name][1] if step.node is not None else Node("text")
        written = Written(expression, node, 0)
        if not any(isinstance(n, ast.BinOp) for n in ast.walk(written.tree)):
            continue
        for missing in sorted(_missing(written.tree, known) & watched):
            source.report(
                "SB627", node, f'"{missing}" may have no value here', part=written.part(written.tree),
                remedy=f"give it a first value: vars: {{{missing}: 0}}",
            )  # fmt: skip


def _look(texts: Texts, known: Known, watched: set[str], flow: Flow, source: Source) -> None:
    lacking, root = _not_given(flow), flow.node or Node("text")
    for template in (t for text in texts for t in text.values()):
        for written in filled_in(template):
            for missing in sorted(_missing(written.tree, known) & watched):
                if missing in lacking and "start" in root.pairs:
                    source.report(
                        "SB627", root.pairs["start"][0], f"a start word gives no {missing}, and it is told below",
                        remedy=f"write it as a hole: WORD {{{missing}}}, or take start: out where the flow is called",
                    )  # fmt: skip
                    continue
                instead = f"{{{_instead(missing, flow)}}}"
                source.report(
                    "SB627", written.node, f'"{missing}" may have no value here', part=written.part(written.tree),
                    note="a way leads here on which it was not asked or set",
                    remedy=f"say what stands for it: {instead}, or give the step when: {missing} != none",
                )  # fmt: skip


def _instead(name: str, flow: Flow) -> str:
    """How a text says what stands for a value; of a number, 0 is one."""
    counts = flow.kinds.get(name) in (Kind.NUMBER, Kind.BOOL, Kind.ANY)
    return f"{name} if {name} != none else '…'" if counts else f"{name} or '…'"


def _inside(step: Step, before: Known) -> Known:
    """What is known within a step, once its condition holds and its values are set."""
    if step.when is not None:
        before = before.where(tree_of(step.when.source))
    return before.set((*step.sets, *((step.save,) if step.save else ())))


def _known(flow: Flow) -> Mapping[str, Known]:
    """What is known before each step that can be reached."""
    start = flow.start
    ways = [{hole.name for hole in pattern.gaps} for _, pattern in start.words]
    ways += [{*flow.args}] if start.event or start.api else []
    ways += [set()] if start.fallback else []
    told = set.intersection(*ways) if ways else {*flow.args}
    found = {flow.first: Known(frozenset({*flow.variables, *told}))}
    waiting = [flow.first]
    while waiting:
        name = waiting.pop()
        for target, known in _ways(flow.steps[name], found[name]):
            if target not in flow.steps:
                continue
            met = found[target].meets(known) if target in found else known
            if target not in found or met != found[target]:
                found[target] = met
                waiting.append(target)
    return found


def _ways(step: Step, before: Known) -> Iterator[tuple[str, Known]]:
    """The steps that one leads to, each with what is known on the way."""
    inside, condition = _inside(step, before), _written(step)
    after = inside.set((step.ask.name,)) if step.ask is not None else inside
    if step.ask is not None:
        for target in (step.ask.retry_then, step.ask.timeout_then):
            yield target, inside
    if condition:
        fresh = after.names - before.names
        after = after.and_(fresh, condition)
        yield step.next, before.where_not(condition).and_(fresh, condition)
    then = step.then
    if then is not None:
        yield from ((target, after) for target in then.by_answer.values())
        for branch in then.branches:
            if branch.when is None:
                yield branch.go, after
                return
            yield branch.go, after.where(tree_of(branch.when.source))
            after = after.where_not(branch.when.source)
        yield then.to, after
        if then.to or all_answers(step):
            return
    if step.end is None:
        yield step.next, after


def _written(step: Step) -> str:
    return ast.unparse(tree_of(step.when.source)) if step.when is not None else ""


def _missing(node: ast.expr, known: Known) -> frozenset[str]:
    """The names without a value that an expression needs to say something; ``x or '…'`` needs none."""
    match node:
        case ast.BoolOp(op=ast.Or()):
            return _missing(node.values[-1], known)
        case ast.BoolOp():
            return _missing(node.values[-1], known.where(ast.BoolOp(ast.And(), node.values[:-1])))
        case ast.IfExp():
            other = known.where_not(ast.unparse(node.test))
            return _missing(node.body, known.where(node.test)) | _missing(node.orelse, other)
        case ast.Name():
            return frozenset({node.id}) - known.names
        case ast.Compare():
            return frozenset()
        case ast.Call():
            return frozenset().union(*(_missing(a, known) for a in node.args))
    return frozenset().union(*(_missing(n, known) for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)))
