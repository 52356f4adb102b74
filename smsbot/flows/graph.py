"""A flow as a graph: which step leads where, and by what. What `smsbot check` proves and `smsbot graph` draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .steps import ABANDONED, Flow, Step


@dataclass(frozen=True, slots=True)
class Edge:
    """One way on from a step."""

    source: str
    target: str
    """A step's id; empty where the flow ends."""
    kind: str
    """``next``, ``answer``, ``when``, ``skip``, ``retry``, ``timeout`` or ``end``."""
    label: str = ""
    """The answer, the condition, or the end label."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The steps of a flow and all ways between them."""

    flow: Flow
    edges: Sequence[Edge]

    def ways(self) -> Mapping[str, list[Edge]]:
        """The edges by the step that they leave."""
        found: dict[str, list[Edge]] = {name: [] for name in self.flow.steps}
        for edge in self.edges:
            found[edge.source].append(edge)
        return found

    def reached(self) -> set[str]:
        """The steps that can be reached from the first."""
        ways = self.ways()
        found: set[str] = set()
        waiting = [self.flow.first]
        while waiting:
            name = waiting.pop()
            if name in found or name not in ways:
                continue
            found.add(name)
            waiting += [e.target for e in ways[name] if e.target]
        return found

    def rounds(self) -> Iterator[tuple[str, ...]]:
        """Steps that lead round to themselves without ever waiting or deciding."""
        only: dict[str, str] = {}
        for name, edges in self.ways().items():
            step = self.flow.steps[name]
            if len(edges) == 1 and edges[0].target and not step.waits and not step.call and step.do is None:
                only[name] = edges[0].target
        seen: set[str] = set()
        for start in only:
            path: list[str] = []
            name = start
            while name in only and name not in seen and name not in path:
                path.append(name)
                name = only[name]
            if name in path:
                yield tuple(path[path.index(name) :])
            seen.update(path)


def graph(flow: Flow) -> Graph:
    """The graph of a flow."""
    return Graph(flow, [edge for step in flow.steps.values() for edge in _edges(step)])


def _edges(step: Step) -> Iterator[Edge]:
    if step.when is not None:
        yield _to(step, step.next, "skip", "not " + step.when.source)
    if step.ask is not None:
        yield _give_up(step, step.ask.retry_then, "retry")
        yield _give_up(step, step.ask.timeout_then, "timeout")
    then = step.then
    if then is not None:
        for answer, target in then.by_answer.items():
            yield Edge(step.id, target, "answer", answer)
        for branch in then.branches:
            yield Edge(step.id, branch.go, "when", branch.when.source if branch.when is not None else "else")
        if then.to:
            yield Edge(step.id, then.to, "next")
            return
        if any(b.when is None for b in then.branches) or all_answers(step):
            return
    yield _to(step, "" if step.end is not None else step.next, "next", step.end or "")


def all_answers(step: Step) -> bool:
    """Whether a `then` map names every answer."""
    if step.ask is None or step.then is None:
        return False
    question = step.ask.question
    every = {"yes", "no"} if question.kind == "yes_no" else set(question.choices)
    return bool(every) and every <= set(step.then.by_answer)


def _to(step: Step, target: str, kind: str, label: str = "") -> Edge:
    return Edge(step.id, target, kind, label) if target else Edge(step.id, "", "end", step.end or "done")


def _give_up(step: Step, target: str, kind: str) -> Edge:
    return Edge(step.id, target, kind, "" if target else ABANDONED)
