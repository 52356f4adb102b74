"""What questions offer, beside what they take: numbers and words that mean no answer, or another one."""

from __future__ import annotations

import re
from collections.abc import Collection

from smsbot.core.problem import Severity
from smsbot.flows.source import Node, Source, walk
from smsbot.flows.steps import Flow, Step
from smsbot.understanding.words import normalise

from .written import asked_by

_NUMBERED = re.compile(r"(?:(?<=\s)|^)(\d{1,2})\s?(?:[).=:]|-\s)(?=\s?\D)")
"""What a numbered offer looks like: ``1) Small``."""
_RANGE = re.compile(r"(?<![\d.:])(\d{1,4})(?: ?\([^)]*\))?(?: ?[-–] ?| to | do | bis | à | a )(\d{1,4})(?![\d.:])")
_INSTEAD = 'write choices: {"yes": [1, yes], "no": [2, no]} instead of type:'
_CAPITALS = re.compile(r"\b([A-Z]{1,12}(?:, [A-Z]{1,12})*),? (?:or|lub|albo|ou|o|oder) ([A-Z]{1,12})\b")
"""Answers that are offered in capitals: ``YES, NO or MOVE``."""


def offers(flow: Flow, source: Source) -> None:
    """Note what the questions of a flow offer and do not take; each is a warning."""
    for step in flow.steps.values():
        _choices_lead(step, flow, source)
        _offers(step, flow, source)
        _ranges(step, source)
        _labels(step, source)


def _choices_lead(step: Step, flow: Flow, source: Source) -> None:
    """The name of a step where words of a choice belong."""
    node = step.node or Node("text")
    if step.ask is None or "choices" not in node.pairs:
        return
    shown = " ".join(normalise(t.source) for texts in step.says for t in texts.values())
    for name, (_, value) in node.pairs["choices"][1].pairs.items():
        word = value.text if value.kind == "text" else ""
        if word in flow.steps and word != name and normalise(word) not in shown:
            source.report(
                "SB643", value, f'"{word}" is a word that means {name} here, and leads nowhere',
                remedy=f"answers lead by then: {{{name}: {word}}}", severity=Severity.WARNING,
            )  # fmt: skip


def _offers(step: Step, flow: Flow, source: Source) -> None:
    """Answers that a question offers and does not take."""
    if step.ask is None or step.ask.question.kind not in ("choice", "yes_no"):
        return
    words = _taken(step)
    node = step.node or Node("text")
    if any(p.code == "SB642" and node.line < p.place.line <= node.end_line + 1 for p in source.problems):
        return  # a word that was copied is missing elsewhere
    numbers = {word for word in words if word.isdigit()}
    others = {normalise(p.source) for p, _ in flow.anywhere} | {"back", "again", "help", "stop", "start"}
    for texts in (step.says, *asked_by(step)):
        for template in (t for text in texts for t in text.values()):
            numbered = len(numbers) > 1 or step.ask.question.kind == "yes_no"
            offered = [(m[1], m.start(1)) for m in _NUMBERED.finditer(template.source)] if numbered else []
            offered = offered if len(offered) > 1 else []
            missing = [(said, at) for said, at in offered if said not in numbers]
            for hit in _CAPITALS.finditer(template.source):
                said = [*re.findall(r"[A-Z]+", hit[1]), hit[2]]
                taken = [word for word in said if normalise(word) in words]
                if taken:
                    missing += [(w, hit.start()) for w in said if w not in taken and normalise(w) not in others]
            for word, at in missing:
                add = f"add it to the words of a choice: choices: {{NAME: [{word}]}}"
                assert template.node is not None
                source.report(
                    "SB643", template.node, f'"{word}" is offered here, and no answer takes it', part=(at, len(word)),
                    remedy=add if step.ask.question.kind == "choice" else _INSTEAD, severity=Severity.WARNING,
                )  # fmt: skip


def _taken(step: Step) -> Collection[str]:
    """The words that answer a question, as they are written."""
    node = step.node or Node("text")
    if "choices" in node.pairs:
        return {normalise(below.text) for below in walk(node.pairs["choices"][1]) if below.kind == "text"}
    if step.ask is not None and step.ask.question.kind == "choice":  # of a type of its own
        return {word for words in step.ask.question.choices.values() for word in words}
    return {"yes", "no", "y", "n", "tak", "nie", "oui", "non", "si", "t", "ok", "ja", "nein"}


def _ranges(step: Step, source: Source) -> None:
    """Numbers that a text asks for, and that are not those that the question takes."""
    ask = step.ask
    if ask is None or ask.question.kind != "integer" or ask.question.low is None or ask.question.high is None:
        return
    takes = (ask.question.low, ask.question.high)
    for template in (t for text in step.says for t in text.values()):
        said = [(int(m[1]), int(m[2]), m) for m in _RANGE.finditer(template.source)]
        near = len(said) == 1 and said[0][:2] != takes and (said[0][0] == takes[0] or said[0][1] == takes[1])
        if near and template.node is not None:
            hit = said[0][2]
            source.report(
                "SB643", template.node, f"{hit[1]} to {hit[2]} is asked for, {takes[0]} to {takes[1]} is taken",
                part=(hit.start(), len(hit[0])), remedy=f"write type: integer({hit[1]}, {hit[2]}), or say so",
                severity=Severity.WARNING,
            )  # fmt: skip


def _labels(step: Step, source: Source) -> None:
    """Numbers that a text gives to other answers than the choices do."""
    if step.ask is None or step.ask.question.kind != "choice":
        return
    named = {c: {*f"{normalise(c)} {' '.join(of)}".split()} for c, of in step.ask.question.choices.items()}
    for template in (t for texts in step.says for t in texts.values()):
        hits = [*_NUMBERED.finditer(template.source)]
        for hit, following in zip(hits, [*hits[1:], None], strict=False):
            label = {*normalise(template.source[hit.end() : following.start() if following else None]).split()}
            own = next((c for c, words in named.items() if hit[1] in words), None)
            others = [c for c, words in named.items() if c != own and any(len(w) > 2 for w in label & words)]
            if own is not None and len(others) == 1 and not label & named[own] and template.node is not None:
                source.report(
                    "SB643", template.node, f"{hit[1]} is offered for {others[0]} here, and means {own}",
                    remedy=f"write {hit[1]} under choices: {{{others[0]}: [{hit[1]}]}}",
                    part=(hit.start(1), len(hit[1])), severity=Severity.WARNING,
                )  # fmt: skip
