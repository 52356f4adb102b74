"""The checks of a bot's flows before they run: links, ways out, words, actions, translations, prices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smsbot.core.errors import RouteError
from smsbot.core.problem import Problem, Severity, causes_first
from smsbot.flows.graph import graph
from smsbot.flows.named import NamedText
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Flow, Step
from smsbot.routing.bot import Bot
from smsbot.routing.table import Route
from smsbot.understanding import consent
from smsbot.understanding.consent import Word
from smsbot.understanding.patterns import compile_pattern
from smsbot.understanding.words import tokens

from .calls import call_rounds, calls, ends, named_as_steps, value_of
from .offers import offers
from .ranges import hollow
from .slips import slips
from .texts import by_file, costs, costs_of, prices, translations
from .unset import unset
from .values import kept_of, values
from .written import said_by

_EVENT = re.compile(r"[a-z]+(?:\.[a-z]+)+")
"""The name of an event, such as visit.due."""
_COMMA = re.compile(r"\w\s*[,;]\s*\w")


@dataclass(frozen=True, slots=True)
class Around:
    """The surroundings of the flows that are checked."""

    bot: Bot
    lines: Sequence[str] = ("",)
    countries: Sequence[str | None] = (None,)


def check(
    flows: Sequence[Flow], sources: Mapping[str, Source], around: Around, named: Sequence[NamedText] = ()
) -> list[Problem]:  # fmt: skip
    """Everything that is wrong with flows and texts that could be read; the problems of reading them come first."""
    flow_set, kept = {flow.name: flow for flow in flows}, sorted(kept_of(flows))
    whole = not any(p.code == "SB601" for source in sources.values() for p in source.problems)
    alone = not around.bot.actions and not around.bot.conversations()
    for flow in flows:
        source = sources[flow.path]
        _ways(flow, source, flow_set)
        calls(flow, source, flow_set, around.bot, whole=whole)
        _words(flow, source, around)
        translations(flow.languages, said_by(flow), source)
        values(flow, source, kept, alone=alone)
        slips(flow, source, alone=alone)
        offers(flow, source)
        if not flow.unread:
            unset(flow, source)
            hollow(flow, source)
        prices(costs(flow), source)
    for path, own in by_file(named).items():
        languages = tuple(dict.fromkeys(lang for text in own for lang in text.says if lang))
        translations(languages, [(text.says,) for text in own], sources[path])
        prices([cost for text in own for cost in costs_of(text)], sources[path])
    named_as_steps(flow_set, sources)
    _keywords(flows, sources, around)
    _fallbacks(flows, sources, around)
    call_rounds(flows, sources)
    found: list[Problem] = []
    for source in sources.values():
        found += causes_first(source.problems)
    return found


# -- ways -----------------------------------------------------------------------------------------------


def _ways(flow: Flow, source: Source, flow_set: Mapping[str, Flow]) -> None:
    drawn = graph(flow)
    reached = drawn.reached()
    for name, step in flow.steps.items():
        node = step.node or Node("text")
        if name not in reached and not flow.unread:
            _unreached(flow, name, reached, source)
        if name in flow.asides and not flow.unread and _falls(step, flow_set):
            source.report(
                "SB614", _head(node), f'the aside "{name}" leads nowhere',
                remedy="add end: LABEL, then: STEP or goto: STEP",
            )  # fmt: skip
    for round_ in drawn.rounds():
        node = flow.steps[round_[0]].node or Node("text")
        way = " → ".join((*round_, round_[0]))
        source.report(
            "SB616", _head(node), f"these steps go round without waiting: {way}", remedy="ask something, or end it"
        )


def _unreached(flow: Flow, name: str, reached: set[str], source: Source) -> None:
    """A step to which no way leads: told where the way is lost, as far as that can be known."""
    before = next((s for s in flow.steps.values() if s.next == name), None)
    head = _head(flow.steps[name].node or Node("text"))
    if name in flow.asides:
        asked = [s for s in flow.steps.values() if s.id in reached and _leads_nowhere(s)]
        answers = (asked[0].ask.question.choices or ("no",)) if len(asked) == 1 and asked[0].ask is not None else ()
        where = (
            f"under {asked[0].id}: then: {{{next(reversed(tuple(answers)))}: {name}}}" if answers else f"goto: {name}"
        )
        source.report(
            "SB612", head, f'nothing reaches the step "{name}"', note="nothing leads here",
            remedy=f"lead to it, such as {where}, or take it out", severity=Severity.WARNING,
        )  # fmt: skip
        return
    if before is not None and before.id not in reached:
        return  # the way is lost above, and told there
    cause = before.node.pairs if before is not None and before.node is not None else {}
    if before is not None and before.end is not None and before.then is not None and "end" in cause:
        source.report(
            "SB612", cause["end"][0], f'every other answer ends here, so nothing reaches the step "{name}"',
            remedy="take end: out, and the next step follows", severity=Severity.WARNING,
        )  # fmt: skip
        return
    left = next((key for key in ("goto", "end", "then") if key in cause), "")
    source.report(
        "SB612", cause[left][0] if left else head, f'nothing reaches the step "{name}" below',
        note=f"the way leads elsewhere, always; it is on line {head.line + 1}",
        remedy="take this out, or move that step under asides: and lead to it by its id", severity=Severity.WARNING,
    )  # fmt: skip


def _leads_nowhere(step: Step) -> bool:
    """Whether a question has a few answers, and goes on alike with each."""
    return step.ask is not None and step.ask.question.kind in ("yes_no", "choice") and step.then is None


def _falls(step: Step, flow_set: Mapping[str, Flow]) -> bool:
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
    answers |= ends(flow_set[step.call]) if step.call in flow_set else set()
    return not answers or not answers <= set(then.by_answer)


def _head(node: Node) -> Node:
    """The first key of a step: where an editor should jump to."""
    first = next(iter(node.pairs.values()), None)
    return first[0] if first is not None else node


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
                    note="it never reaches the flow: the number is unsubscribed", remedy="give it another word",
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
        choices = value_of(step, "choices") if step.node is not None and "choices" in step.node.pairs else Node("text")
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
                pattern = compile_pattern(node.text).resolved()
            except RouteError:  # reading noted it
                continue
            if _COMMA.search(re.sub(r"\{[^}]*\}", "x", node.text)):
                words = [word.strip() for word in node.text.split(",") if word.strip()]
                listed = ", ".join(f'"{word}"' if "{" in word else word for word in words)
                sources[flow.path].report(
                    "SB646", node, f'people would have to text all of "{node.text[:40]}"',
                    remedy=f"write a list: [{listed[:60]}]", severity=Severity.WARNING,
                )  # fmt: skip
            if _EVENT.fullmatch(node.text):
                source = sources[flow.path]
                source.report(
                    "SB646", node, f'people would have to text "{node.text[:40]}"',
                    remedy=f"an event starts a flow by start: {{event: {node.text[:40]}}}", severity=Severity.WARNING,
                )  # fmt: skip
            if pattern.takes_all and any(step.ask is not None for f in flows for step in f.steps.values()):
                sources[flow.path].report(
                    "SB645", node, f'the start word "{node.text}" takes every text, also answers to questions',
                    remedy="start: {fallback: yes} begins the flow with what nothing else takes",
                )  # fmt: skip
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
                sources[flow.path].report(
                    "SB641", node, f'"{node.text}" starts {owner} already', remedy="take it out of one of the two"
                )


def _fallbacks(flows: Sequence[Flow], sources: Mapping[str, Source], around: Around) -> None:
    """A text that nothing takes has one answer."""
    found = around.bot.table(around.lines[0]).fallback
    owner = f"the handler {found.signature.name}" if found is not None and found.signature is not None else ""
    for flow in flows:
        root = flow.node or Node("text")
        start = root.pairs["start"][1] if flow.start.fallback else root
        for wanted, keys in ((flow.fallback, root), (flow.start.fallback, start)):
            if wanted and owner:
                sources[flow.path].report(
                    "SB641", keys.pairs["fallback"][0], f"{owner} answers what nothing takes already",
                    remedy="keep one of the two",
                )  # fmt: skip
            owner = owner or (f"the flow {flow.name}" if wanted else "")


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
