"""The checks of a bot's flows before they run: links, ways out, words, actions, translations, prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smsbot.core import segments
from smsbot.core.errors import RouteError
from smsbot.core.problem import Problem, Severity
from smsbot.flows.graph import graph
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Ask, Flow, Step, Texts
from smsbot.flows.template import Template
from smsbot.routing.bot import Bot
from smsbot.routing.router import Route
from smsbot.understanding import consent
from smsbot.understanding.consent import Word
from smsbot.understanding.patterns import compile_pattern
from smsbot.understanding.words import tokens

_WIDTHS: Mapping[str, int] = {"yes_no": 3, "integer": 4, "number": 7, "date": 10, "time": 5, "phone": 15, "email": 30}
"""Characters that an answer takes in a text where nothing says how long it may be."""
_WIDTH = 12
_LONGEST = 160
_NOTE = "it is said to everybody"


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of the flows that are checked."""

    bot: Bot
    lines: Sequence[str] = ("",)
    countries: Sequence[str | None] = (None,)


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one text of a flow at its longest."""

    flow: str
    line: int
    language: str
    text: str
    encoding: str
    segments: int
    forced: tuple[str, ...] = field(default=())
    """The characters that force UCS-2."""


def check(flows: Sequence[Flow], sources: Mapping[str, Source], around: Around) -> list[Problem]:
    """Everything that is wrong with flows that could be read; the problems of reading them come first."""
    flow_set = {flow.name: flow for flow in flows}
    for flow in flows:
        source = sources[flow.path]
        _ways(flow, source)
        _calls(flow, source, flow_set, around.bot)
        _words(flow, source, around)
        _translations(flow, source)
        _prices(flow, source)
    _keywords(flows, sources, around)
    _call_rounds(flows, sources)
    found: list[Problem] = []
    for source in sources.values():
        found += sorted(source.problems, key=lambda p: (p.place.line, p.place.column, p.code))
    return found


# -- ways -----------------------------------------------------------------------------------------------


def _ways(flow: Flow, source: Source) -> None:
    drawn = graph(flow)
    reached = drawn.reached()
    for name, step in flow.steps.items():
        node = step.node or Node("text")
        if name not in reached:
            what = "nothing leads here" if name in flow.asides else "the steps before it always go elsewhere"
            source.report(
                "SB612", _head(node), f'nothing reaches the step "{name}"', note=what, severity=Severity.WARNING
            )
        if name in flow.asides and _falls(step):
            source.report(
                "SB614", _head(node), f'the aside "{name}" leads nowhere',
                remedy="add end: LABEL, then: STEP or goto: STEP",
            )  # fmt: skip
    for round_ in drawn.rounds():
        node = flow.steps[round_[0]].node or Node("text")
        way = " → ".join((*round_, round_[0]))
        source.report("SB616", _head(node), f"these steps go round without waiting: {way}")


def _falls(step: Step) -> bool:
    """Whether an aside goes on to a next step that it does not have."""
    if step.end is not None:
        return False
    then = step.then
    if then is None:
        return True
    if then.to or any(b.when is None for b in then.branches):
        return False
    answers = {"yes", "no"} if step.ask and step.ask.question.kind == "yes_no" else set()
    answers |= set(step.ask.question.choices) if step.ask else set()
    return not answers or not answers <= set(then.by_answer)


def _head(node: Node) -> Node:
    """The first key of a step: where an editor should jump to."""
    first = next(iter(node.pairs.values()), None)
    return first[0] if first is not None else node


def _value(step: Step, *path: str) -> Node:
    """The node below a step's keys, as far as it is there."""
    node = step.node or Node("text")
    for key in path:
        if key not in node.pairs:
            return node
        node = node.pairs[key][1]
    return node


# -- actions and called flows ---------------------------------------------------------------------------


def _calls(flow: Flow, source: Source, flow_set: Mapping[str, Flow], bot: Bot) -> None:
    for step in flow.steps.values():
        if step.do is not None:
            _action(step, source, bot)
        if step.call:
            _called(step, source, flow_set)


def _action(step: Step, source: Source, bot: Bot) -> None:
    assert step.do is not None
    node, name = _value(step, "do"), step.do.name
    if name not in bot.actions:
        remedy = "" if bot.actions else "this bot has no Python; give it a file with @bot.action functions"
        part = (node.text.find(name), len(name))
        more = {"remedy": remedy} if remedy else {}
        source.unknown("SB630", node, f'there is no @bot.action "{name}"', name, bot.actions, part=part, **more)
        return
    try:
        bot.action_signature(name).bind(*step.do.arguments, **step.do.keywords)
    except TypeError as error:
        wanted = ", ".join(bot.action_signature(name).parameters)
        source.report("SB631", node, f"{name}() cannot be called so: {error}", remedy=f"it takes {name}({wanted})")


def _called(step: Step, source: Source, flow_set: Mapping[str, Flow]) -> None:
    node = _value(step, "call")
    called = flow_set.get(step.call)
    if called is None:
        source.unknown("SB632", node, f'there is no flow "{step.call}"', step.call, flow_set)
        return
    given = _value(step, "args").pairs if step.node is not None and "args" in step.node.pairs else {}
    for name, (key, _) in given.items():
        if name not in called.args:
            source.unknown("SB633", key, f'the flow {called.name} takes no "{name}"', name, called.args)
    missing = [name for name in called.args if name not in given]
    if missing:
        source.report(
            "SB633", node, f"the flow {called.name} needs {', '.join(missing)}", remedy="give them under args:"
        )
    if step.then is not None and step.node is not None:
        ends = {e.label for e in graph(called).edges if not e.target}
        then = step.node.pairs["then"][1] if "then" in step.node.pairs else Node("text")
        for name, (key, _) in then.pairs.items():
            if name not in ends:
                source.unknown("SB643", key, f'the flow {called.name} never ends "{name}"', name, ends)


def _call_rounds(flows: Sequence[Flow], sources: Mapping[str, Source]) -> None:
    """Flows that call themselves, by whatever way."""
    calls = {f.name: {s.call for s in f.steps.values() if s.call} for f in flows}

    def reaches(name: str, wanted: str, seen: set[str]) -> bool:
        if name in seen:
            return False
        seen.add(name)
        return wanted in calls.get(name, ()) or any(reaches(n, wanted, seen) for n in calls.get(name, ()))

    for flow in flows:
        for step in flow.steps.values():
            if step.call and (step.call == flow.name or reaches(step.call, flow.name, set())):
                node = _value(step, "call")
                what = "itself" if step.call == flow.name else f"{step.call}, which comes back to it"
                sources[flow.path].report(
                    "SB616", node, f"the flow {flow.name} calls {what}", remedy="use goto:, or end it"
                )


# -- words ----------------------------------------------------------------------------------------------


def _words(flow: Flow, source: Source, around: Around) -> None:
    for node, what in _spoken(flow):
        found = tokens(node.text)
        for country in around.countries:
            word = consent.recognise(found, country)
            where = f" ({country})" if consent.recognise(found, None) is None and country else ""
            if word is Word.STOP:
                source.report(
                    "SB640", node, f'{what} "{node.text}" opts people out{where}',
                    note="it never reaches the flow: the number is unsubscribed",
                )  # fmt: skip
            elif word is Word.HELP and what == "the start word":
                source.report(
                    "SB640", node, f'{what} "{node.text}" never reaches the flow: HELP is always answered',
                    remedy="anywhere: {help: …} says what the answer is",
                )  # fmt: skip
            elif word is Word.HELP and what == "the answer":
                source.report(
                    "SB640", node, f'{what} "{node.text}" never answers the question: HELP is always answered',
                    remedy="give it another word", severity=Severity.WARNING,
                )  # fmt: skip
            if word is Word.STOP or word is Word.HELP:
                break


def _spoken(flow: Flow) -> Iterator[tuple[Node, str]]:
    """The words that people text to the flow."""
    root = flow.node or Node("text")
    start = root.pairs["start"][1] if "start" in root.pairs else Node("text")
    words = start.pairs["words"][1] if "words" in start.pairs else start if start.kind != "map" else Node("text")
    for node in _texts_below(words):
        yield node, "the start word"
    if "anywhere" in root.pairs:
        for key, _ in root.pairs["anywhere"][1].pairs.values():
            yield key, "the word"
    for step in flow.steps.values():
        choices = _value(step, "choices") if step.node is not None and "choices" in step.node.pairs else Node("text")
        for key, value in choices.pairs.values():
            yield key, "the answer"
            for node in _texts_below(value):
                yield node, "the answer"
        for node in choices.items:
            yield node, "the answer"


def _texts_below(node: Node) -> Iterator[Node]:
    if node.kind == "text":
        if node.text:
            yield node
        return
    for below in (*node.items, *(v for _, v in node.pairs.values())):
        yield from _texts_below(below)


def _keywords(flows: Sequence[Flow], sources: Mapping[str, Source], around: Around) -> None:
    """Start words that lead to two places."""
    table = around.bot.table(around.lines[0])
    for flow in flows:
        for node, what in _spoken(flow):
            if what != "the start word":
                continue
            try:
                pattern = compile_pattern(node.text)
            except RouteError:  # reading noted it
                continue
            if pattern.holes:
                _holes(flow, sources[flow.path], node, pattern.holes)
            digression = next((t for f in flows for p, t in f.anywhere if p.shape == pattern.shape), None)
            if digression is not None:
                sources[flow.path].report(
                    "SB641", node, f'"{node.text}" is answered by anywhere:, so it starts nothing',
                    remedy="take it out of one of the two",
                )  # fmt: skip
            taken = table.keywords.add(pattern, Route("on", pattern.source, None, flow.name, flow.path))
            if taken is not None:
                owner = f"the handler {taken.signature.name}" if taken.signature else f"the flow {taken.flow}"
                sources[flow.path].report("SB641", node, f'"{node.text}" starts {owner} already')


def _holes(flow: Flow, source: Source, node: Node, holes: Sequence[str]) -> None:
    """Holes of a start word that answer no question, and that the flow speaks of nowhere else."""
    answers = {step.ask.name for step in flow.steps.values() if step.ask is not None}
    known = {*answers, *flow.args, *flow.variables}
    rest = json.dumps({k: v for k, v in flow.content.items() if k != "start"}) if flow.content else ""
    for hole in sorted({*holes} - known - {"rest"}):
        if not re.search(rf"\b{hole}\b", rest):
            source.unknown(
                "SB644", node, f'nothing takes what the hole "{hole}" finds', hole, known,
                note="a hole answers the question of its name", severity=Severity.WARNING,
            )  # fmt: skip


# -- texts ----------------------------------------------------------------------------------------------


def spoken(flow: Flow) -> Iterator[Texts]:
    """Everything that a flow says."""
    for _, texts in flow.anywhere:
        yield texts
    for step in flow.steps.values():
        yield step.says
        if step.ask is not None:
            yield step.ask.retry_say
            yield step.ask.remind_say


def _translations(flow: Flow, source: Source) -> None:
    if len(flow.languages) < 2:
        return
    for texts in dict.fromkeys(map(_identity, spoken(flow))):
        for text in texts.texts:
            spoken_in = {*text, flow.languages[0]} if "" in text else set(text)
            missing = [language for language in flow.languages if language not in spoken_in]
            first = next(iter(text.values()))
            if not missing or first.node is None or ("" in text and not _speaks(first)):
                continue
            source.report(
                "SB650", first.node, f"this text is missing in {', '.join(missing)}",
                note=_NOTE if "" in text else f"{flow.languages[0]} is said instead", severity=Severity.WARNING,
            )  # fmt: skip


@dataclass(frozen=True)
class _Same:
    """Texts told apart by where they stand: defaults are shared by many questions."""

    key: tuple[int, ...]
    texts: Texts = field(compare=False)


def _identity(texts: Texts) -> _Same:
    return _Same(tuple(id(t.node) for text in texts for t in text.values()), texts)


def _speaks(template: Template) -> bool:
    return any(isinstance(p, str) and any(c.isalpha() for c in p) for p in template.parts)


def costs(flow: Flow) -> Iterator[tuple[Cost, Template]]:
    """The price of each text of a flow at its longest, with its template."""
    for texts in dict.fromkeys(map(_identity, spoken(flow))):
        for text in texts.texts:
            for language, template in text.items():
                longest = _longest(flow, template)
                counted = segments.count(longest)
                line = template.node.line + 1 if template.node is not None else 0
                yield (
                    Cost(
                        flow.name,
                        line,
                        language=language,
                        text=template.source,
                        encoding=counted.encoding,
                        segments=counted.segments,
                        forced=counted.forced,
                    ),
                    template,
                )


def _longest(flow: Flow, template: Template) -> str:
    """The text with every answer as long as it may be."""
    asks = {step.ask.name: step.ask for step in flow.steps.values() if step.ask is not None}
    return "".join(
        p if isinstance(p, str) else "x" * max((_width(asks.get(n)) for n in p[0].names), default=_WIDTH)
        for p in template.parts
    )


def _width(ask: Ask | None) -> int:
    if ask is None:
        return _WIDTH
    question = ask.question
    if question.kind == "choice":
        return max((len(key) for key in question.choices), default=_WIDTH)
    if question.kind == "text":
        return question.high or _LONGEST
    return len(str(question.high)) if question.high is not None else _WIDTHS.get(question.kind, _WIDTH)


def _prices(flow: Flow, source: Source) -> None:
    for cost, template in costs(flow):
        node = template.node
        if node is None:
            continue
        if cost.segments > segments.MAX_PARTS:
            source.report("SB652", node, f"this text has {cost.segments} SMS parts; {segments.MAX_PARTS} is the most")
        if not cost.forced:
            continue
        longest = _longest(flow, template)
        plain = segments.count("".join("e" if c in cost.forced else c for c in longest)).segments
        if cost.segments <= plain:
            continue
        letters = ", ".join(f'"{c}"' for c in cost.forced[:6])
        at = next((i for i, c in enumerate(node.text) if c in cost.forced), 0)
        source.report(
            "SB651", node, f"{letters} make this text dearer: {cost.segments} SMS instead of {plain}",
            note=f"{letters} {'is' if len(cost.forced) == 1 else 'are'} not in the GSM alphabet",
            part=(at, 1), severity=Severity.WARNING,
        )  # fmt: skip
