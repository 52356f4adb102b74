"""The coverage of stories: steps and questions with their answers, reminders and silences; start words, languages."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smsbot.core.question import Question
from smsbot.core.sites import name_at
from smsbot.core.syntax import read
from smsbot.flows.steps import Flow
from smsbot.routing.bot import Bot
from smsbot.turns.turn import Turn
from smsbot.understanding.answers import REMINDED, SILENCE, WRONG

_ASKING = frozenset({"ask", "confirm", "menu"})


@dataclass(slots=True)
class Place:
    """A step or a question: where it stands, what can happen there, and what did."""

    name: str
    at: str
    """``file:line``."""
    outcomes: set[str] = field(default_factory=set)
    entered: bool = False
    taken: set[str] = field(default_factory=set)

    @property
    def missing(self) -> list[str]:
        """The outcomes that no story has here."""
        return sorted(self.outcomes - self.taken) if self.entered else ["never reached"]


class Coverage:
    """Collects over many stories."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.first: dict[str, str] = {}
        """The language that a flow speaks where nothing is known of the person."""

    def know(self, bot: Bot, flows: Iterable[Flow]) -> None:
        """All steps of a bot's flows, and all questions of its conversations."""
        for flow in flows:
            for step in flow.steps.values():
                place = self.places.setdefault(
                    f"{flow.name}.{step.id}", Place(f"{flow.name}.{step.id}", f"{flow.path}:{step.line}")
                )
                if step.ask is not None:
                    place.outcomes |= ways_of(step.ask.question)
                    place.outcomes |= {SILENCE} if step.ask.timeout_after else set()
                    place.outcomes |= {REMINDED} if step.ask.reminders else set()
            self._know_ways(flow)
        for function in bot.conversations():
            for name, at in questions_of(inspect.unwrap(function)):
                self.places.setdefault(name, Place(name, at, {SILENCE, WRONG}))

    def _know_ways(self, flow: Flow) -> None:
        """The ways into a flow, what it answers anywhere, and its languages."""
        start = flow.start
        events = [name for name in (start.event, start.api) if name]
        ways = {
            **{_start_of(flow.name, pattern.source): {pattern.source} for _, pattern in start.words},
            **{_start_of(flow.name, name): {name} for name in events},
            **{_anywhere(pattern.source): {pattern.source} for pattern, _ in flow.anywhere},
            **({f"{flow.name} in": set(flow.languages)} if len(flow.languages) > 1 else {}),
        }
        for name, outcomes in ways.items():
            known = self.places.setdefault(name, Place(name, flow.path))
            known.outcomes |= outcomes if name.endswith(" in") else set()
        self.first[f"{flow.name} in"] = flow.languages[0] if flow.languages else ""

    def _enter(self, name: str) -> None:
        if name in self.places:
            self.places[name].entered = True

    def saw(self, turn: Turn) -> None:
        """Note the places that one committed turn entered, and their outcomes."""
        effects, decision = turn.effects, turn.decision
        spoken = turn.chat.contact.get("language")
        if decision.anywhere:
            self._enter(_anywhere(decision.anywhere))
        if decision.resume is not None and decision.resume.fresh:
            flow = effects.visits[0].partition(".")[0] if effects.visits else ""
            self._enter(_start_of(flow, decision.resume.started_by))
        for name in effects.visits:
            self._enter(name)
            place = self.places.get(f"{name.partition('.')[0]} in")
            if place is not None:
                place.entered = True
                place.taken.add(spoken if spoken in place.outcomes else self.first.get(place.name, ""))
        for name, outcome, question in effects.outcomes:
            place = self.places.get(name)
            if place is not None:
                place.entered = True
                place.taken.add(outcome)
                if question is not None:
                    place.outcomes = (place.outcomes - {WRONG}) | ways_of(question)

    @property
    def share(self) -> float:
        """Of all places, and all that can happen there, what was seen; 1 where there is nothing."""
        all_ = sum(1 + len(p.outcomes) for p in self.places.values())
        seen = sum(p.entered + len(p.taken & p.outcomes) for p in self.places.values())
        return seen / all_ if all_ else 1.0

    def lines(self) -> list[str]:
        """The report: what is missing, place by place, then the sum."""
        missing = [p for p in self.places.values() if p.missing]
        width = max((len(p.name) for p in missing), default=0)
        told = [f"{p.name:<{width}}  {', '.join(p.missing)}  ({p.at})" for p in missing]
        what = "steps, questions, start words and languages, with their answers, reminders and silences"
        return [*told, f"{self.share:.0%} of {len(self.places)} {what}"]

    def plain(self) -> Mapping[str, Any]:
        """The report for JSON."""
        places = [{"name": p.name, "at": p.at, "missing": p.missing} for p in self.places.values() if p.missing]
        return {"share": round(self.share, 4), "places": len(self.places), "missing": places}


def _start_of(flow: str, word: str) -> str:
    return f"{flow} by {word}"


def _anywhere(word: str) -> str:
    return f"anywhere: {word}"


def ways_of(question: Question) -> set[str]:
    """The answers that a question can get, as far as they can be counted; and a wrong answer."""
    if question.kind == "yes_no":
        return {"yes", "no", WRONG}
    return {*question.choices, WRONG} if question.choices else set() if question.free else {WRONG}


def questions_of(function: Callable[..., Any]) -> Iterable[tuple[str, str]]:
    """The questions in a conversation's code: ``order.size``, and where each stands."""
    try:
        lines, first = inspect.getsourcelines(function)
        tree = read(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return
    code = function.__code__
    title = function.__qualname__.rpartition(".")[2]
    counts: dict[str, int] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ASKING):
            continue
        line = first + node.lineno - 1
        constants = (k.value.value for k in node.keywords if k.arg == "key" and isinstance(k.value, ast.Constant))
        name = next((k for k in constants if isinstance(k, str)), "") or name_at(code, line, function.__globals__)
        if not name:
            counts[node.func.attr] = counts.get(node.func.attr, 0) + 1
            name = f"#{counts[node.func.attr]}"
        yield f"{title}.{name}", f"{_from_here(code.co_filename)}:{line}"


def _from_here(path: str) -> str:
    """A path as people name it: from the current folder, if it is below."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
