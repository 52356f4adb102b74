"""What a flow says to a person: its texts, in their language, with their values. Pure."""

from __future__ import annotations

from typing import Any

from smsbot.core.otp import PLACE, with_autofill

from .state import Person, Progress, State
from .steps import Ask, Flow, Localised, Texts


class Saying:
    """One resumption of a flow, as far as its texts go."""

    def __init__(self, flow: Flow, state: State, person: Person, now: float) -> None:
        self.flow = flow
        self.state = state
        self.person = person
        self.now = now
        self.progress = Progress(state)
        moment = person.moment
        self.values: dict[str, Any] = {
            "now": moment, "today": moment.date(), "contact": dict(person.contact), "event": None,
            "line": person.line, "answer": state.answer, **state.variables,
        }  # fmt: skip

    def say(self, texts: Texts) -> list[str]:
        """Say what is not blank; returns it."""
        said = self.render(texts)
        self.progress.said += said
        return said

    def render(self, texts: Texts) -> list[str]:
        """The texts for this person, without those that are blank."""
        return [text for text in (self.localise(t) for t in texts) if text.strip()]

    def code_values(self, ask: Ask) -> dict[str, Any]:
        """What the texts of a question for a code have besides."""
        return {"code": PLACE, "left": max(ask.tries + 1 - self.state.wrong, 0)}

    def localise(self, text: Localised) -> str:
        """A text in the language of the person, with its values."""
        template = self.flow.in_language(text, self.values["contact"].get("language"))
        step = self.flow.steps.get(self.state.step)
        if step is not None and step.ask is not None and step.ask.question.code is not None:
            said = template.render({**self.values, **self.code_values(step.ask)})
            return with_autofill(said, step.ask.question.code.domain)
        return template.render(self.values)
