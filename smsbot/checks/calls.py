"""The checks of what flows call: actions of Python, and other flows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import BoundArguments

from smsbot.core.problem import Problem, Severity
from smsbot.flows.expressions import Expression
from smsbot.flows.functions import Kind
from smsbot.flows.graph import graph
from smsbot.flows.shapes import SPECIAL
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Flow, Step
from smsbot.routing.bot import Bot


def calls(flow: Flow, source: Source, flow_set: Mapping[str, Flow], bot: Bot, *, whole: bool) -> None:
    """Note what is wrong with what a flow calls, and gives to it.

    `whole`: every file could be read, so that a flow which is not among them is none.
    """
    for step in flow.steps.values():
        if step.do is not None:
            _action(step, source, bot)
        elif (named := re.match(r"\w+", value_of(step, "do").text)) is not None and named[0] not in bot.actions:
            _no_action(named[0], value_of(step, "do"), source, bot)  # its arguments could not be read
        if step.call and (whole or step.call in flow_set):
            _called(step, source, flow_set)


def _action(step: Step, source: Source, bot: Bot) -> None:
    assert step.do is not None
    node, name = value_of(step, "do"), step.do.name
    if name not in bot.actions:
        _no_action(name, node, source, bot)
        return
    try:
        bound = bot.action_signature(name).bind(*step.do.arguments, **step.do.keywords)
        _given(bound, node, source)
    except TypeError as error:
        wanted = ", ".join(bot.action_signature(name).parameters)
        source.report("SB631", node, f"{name}() cannot be called so: {error}", remedy=f"it takes {name}({wanted})")


def _no_action(name: str, node: Node, source: Source, bot: Bot) -> None:
    """Note an action that no Python has."""
    remedy = "" if bot.actions else "this bot has no Python; give it a file with @bot.action functions"
    part = (node.text.find(name), len(name))
    more = {"remedy": remedy} if remedy else {}
    source.unknown("SB630", node, f'there is no @bot.action "{name}"', name, bot.actions, part=part, **more)


_KINDS: Mapping[str, Kind] = {
    "str": Kind.TEXT, "int": Kind.NUMBER, "float": Kind.NUMBER, "Decimal": Kind.NUMBER, "bool": Kind.BOOL,
    "date": Kind.DATE, "time": Kind.TIME, "datetime": Kind.MOMENT,
}  # fmt: skip


def _given(bound: BoundArguments, node: Node, source: Source) -> None:
    """What an action is given is of the kind that it takes, as far as both are known."""
    for name, value in bound.arguments.items():
        wanted = bound.signature.parameters[name].annotation
        kind = _KINDS.get(wanted if isinstance(wanted, str) else getattr(wanted, "__name__", ""))
        if kind is None or not isinstance(value, Expression) or value.kind in (kind, Kind.ANY):
            continue
        source.report(
            "SB631", node, f"{name} is {kind}, and is given {value.kind}", severity=Severity.WARNING,
            remedy=f"it takes {', '.join(bound.signature.parameters)}, in this order",
        )  # fmt: skip


def ends(flow: Flow) -> set[str]:
    """The labels under which a flow ends."""
    return {e.label for e in graph(flow).edges if not e.target}


def _called(step: Step, source: Source, flow_set: Mapping[str, Flow]) -> None:
    node = value_of(step, "call")
    called = flow_set.get(step.call)
    if called is None:
        source.unknown("SB632", node, f'there is no flow "{step.call}"', step.call, flow_set)
        return
    given = value_of(step, "args").pairs if step.node is not None and "args" in step.node.pairs else {}
    missing = [name for name in called.args if name not in given]
    for name, (key, _) in given.items():
        if name not in called.args:
            meant = {"near": missing[0]} if len(missing) == 1 else {}
            source.unknown("SB633", key, f'the flow {called.name} takes no "{name}"', name, called.args, **meant)
            missing = missing if len(missing) > 1 else []
    if missing:
        given_so = ", ".join(f"{name}: …" for name in missing)
        source.report(
            "SB633", node, f"the flow {called.name} needs {', '.join(missing)}", remedy=f"write args: {{{given_so}}}"
        )
    given_back = called.node is not None and "returns" in called.node.pairs
    if not given_back and step.save and step.node is not None:
        source.report(
            "SB633", step.node.pairs["save"][0], f"the flow {called.name} gives nothing back, so nothing is kept",
            remedy=f"write returns: NAME at the top of {called.name}",
        )  # fmt: skip
    unknown = next((_named(p) for p in source.problems if p.code == "SB621" and p.severity is Severity.ERROR), "")
    if called.returns is not None and not step.save and unknown and step.node is not None:
        source.report(
            "SB633", step.node.pairs["call"][0], f"what the flow {called.name} gives back is not kept",
            remedy=f"write save: {unknown} below it",
        )  # fmt: skip
    for place, problem in enumerate(source.problems):
        name = _named(problem) if problem.code == "SB621" else ""
        if name in called.kinds and name not in SPECIAL and step.save and not problem.suggestion:
            told = f'"{name}" belongs to the flow {called.name}; what that gives back is {step.save} here'
            source.problems[place] = replace(problem, help=told)
    if step.then is not None and step.node is not None:
        known = ends(called)
        then = step.node.pairs["then"][1] if "then" in step.node.pairs else Node("text")
        for name, (key, _) in then.pairs.items():
            if name not in known:
                source.unknown("SB643", key, f'the flow {called.name} never ends "{name}"', name, known)


def _named(problem: Problem) -> str:
    """The name that a problem tells of, in quotes; empty where it tells of none."""
    return (*problem.message.split('"'), "")[1]


def named_as_steps(flow_set: Mapping[str, Flow], sources: Mapping[str, Source]) -> None:
    """A flow where a step belongs: it is called by one."""
    for source in sources.values():
        for place, problem in enumerate(source.problems):
            name = _named(problem) if problem.code == "SB610" else ""
            if name in flow_set and not problem.suggestion:
                source.problems[place] = replace(problem, help=f"a step calls a flow: - {{id: {name}, call: {name}}}")


def call_rounds(flows: Sequence[Flow], sources: Mapping[str, Source]) -> None:
    """Flows that call themselves, by whatever way."""
    called = {f.name: {s.call for s in f.steps.values() if s.call} for f in flows}

    def reaches(name: str, wanted: str, seen: set[str]) -> bool:
        if name in seen:
            return False
        seen.add(name)
        return wanted in called.get(name, ()) or any(reaches(n, wanted, seen) for n in called.get(name, ()))

    for flow in flows:
        for step in flow.steps.values():
            if step.call and (step.call == flow.name or reaches(step.call, flow.name, set())):
                node = value_of(step, "call")
                what = "itself" if step.call == flow.name else f"{step.call}, which comes back to it"
                sources[flow.path].report(
                    "SB616", node, f"the flow {flow.name} calls {what}", remedy="use goto:, or end it"
                )


def value_of(step: Step, *path: str) -> Node:
    """The node below a step's keys, as far as it is there."""
    node = step.node or Node("text")
    for key in path:
        if key not in node.pairs:
            return node
        node = node.pairs[key][1]
    return node
