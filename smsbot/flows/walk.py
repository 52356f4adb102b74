"""One resumption of a flow: from step to step until something is waited for. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smsbot.core.conversation import BETWEEN
from smsbot.core.errors import FlowError
from smsbot.core.handover import Handoff
from smsbot.core.when import When
from smsbot.core.zones import zone_of
from smsbot.understanding import asking
from smsbot.understanding.answers import Answer, Reading
from smsbot.understanding.asking import Asked, Heard, Move
from smsbot.understanding.languages import says

from .saying import Saying
from .state import (
    Again,
    Back,
    Begin,
    CallAction,
    CallFlow,
    Done,
    Due,
    Input,
    Progress,
    Result,
    Said,
    Waiting,
)
from .steps import ABANDONED, Ask, HandTo, Step, Texts

MOST_STEPS = 100
"""Steps that a flow takes without waiting; beyond it, it goes round."""
_MOST_BACK = 20
"""Questions that a person may go back by."""
MOST_QUESTIONS = 200
"""Questions that one run asks within a day; beyond it, the run ends ``too_many_questions``, and the desk is told."""
TOO_MANY = "too_many_questions"


class Walk(Saying):
    """One resumption: goes from step to step until something is waited for."""

    # -- what wakes it ------------------------------------------------------------------------------

    def run(self, given: Input) -> Progress:
        """What is said, asked for and waited for, once something has happened."""
        match given:
            case Begin():
                self.begin(given)
            case Said():
                self.hear(given.text, given.read)
            case Again():
                self.again()
            case Back():
                self.back()
            case Due():
                self.due()
            case Result():
                step = self.step(self.state.step)
                self.put(step.save, given.value)
                if self.state.phase == "call":
                    self.after_call(step, given)
                else:
                    self.speak(step)
        return self.progress

    def begin(self, given: Begin) -> None:
        """Enter the first step, with what the flow was begun with."""
        if given.language and given.language != self.values["contact"].get("language"):
            self.put("contact.language", given.language)
        for name in self.flow.kinds:
            if name not in self.values:
                self.values[name] = None
        for name, value in given.values.items():
            self.put(name, value)
            if value is not None and name in self.flow.kinds:
                self.state.given.append(name)
        for name, first in self.flow.variables.items():
            if self.state.variables.get(name) is None:
                self.put(name, first(self.values))
        self.go(self.flow.first)

    def step(self, name: str) -> Step:
        """A step by its name; raises `FlowError` where there is none."""
        found = self.flow.steps.get(name)
        if found is None:
            raise FlowError(f'the flow {self.flow.name} has no step "{name}" any more')
        return found

    def put(self, name: str, value: Any) -> None:
        """Set a variable, or a field of the contact."""
        if name.startswith("contact."):
            field_of = name.removeprefix("contact.")
            self.progress.contact[field_of] = self.values["contact"][field_of] = value
        elif name:
            self.state.variables[name] = self.values[name] = value

    # -- from step to step --------------------------------------------------------------------------

    def go(self, name: str) -> None:
        """Take steps until something is waited for."""
        for _ in range(MOST_STEPS):
            if not name:
                self.finish("done")
                return
            step = self.step(name)
            self.state.step, self.state.phase = name, ""
            if step.when is not None and not step.when(self.values):
                name = step.next
                continue
            self.progress.visits.append(name)
            following = self.enter(step)
            if following is None:
                return
            name = following
        raise FlowError(f"the flow took {MOST_STEPS} steps without waiting; ask something in the round, or end it")

    def enter(self, step: Step) -> str | None:
        """The first half of a step; the id of the next, or None if something is waited for."""
        for name, value in step.sets.items():
            self.put(name, value(self.values))
        if step.do is not None:
            self.state.phase = "do"
            arguments = tuple(a(self.values) for a in step.do.arguments)
            self.progress.outcome = CallAction(
                step.do, arguments, {k: v(self.values) for k, v in step.do.keywords.items()}
            )
            return None
        if step.call:
            self.say(step.say)
            self.state.phase = "call"
            self.progress.outcome = CallFlow(step.call, {k: v(self.values) for k, v in step.arguments.items()})
            return None
        return self.middle(step)

    def speak(self, step: Step) -> None:
        """Go on behind an action."""
        following = self.middle(step)
        if following is not None:
            self.go(following)

    def middle(self, step: Step) -> str | None:
        """Say, ask or wait; then leave."""
        if step.ask is not None:
            return self.ask(step, step.ask)
        if step.at is not None:
            due = self.moment(step.at)
            self.progress.later += [(text, due) for text in self.render(step.say)]
        else:
            self.say(step.say)
        if step.handoff is not None:
            self.hand_over(step.handoff)
        if step.rests:
            self.state.phase, self.state.asked = "wait", self.now
            self.state.until = self.moment(step.until) if step.until is not None else 0.0
            self.rest()
            return None
        return self.leave(step)

    def moment(self, when: When) -> float:
        """A time of the person's day."""
        return when.moment(self.now, zone_of(self.values["contact"], self.person.zone), self.person.awake)

    def hand_over(self, to: HandTo) -> None:
        """Tell a desk, and say what it has for this hour of the line's zone."""
        self.progress.handoffs.append(Handoff(to.desk, to.alert))
        there = to.hours is None or to.hours.at(self.person.moment_of_line)
        self.say(to.say if there else to.closed)

    def leave(self, step: Step, answer: Any = None) -> str | None:
        """Where a step leads; None if the flow has ended."""
        self.state.phase = ""
        if step.then is not None:
            key = ("yes" if answer else "no") if isinstance(answer, bool) else answer
            if isinstance(key, str) and key in step.then.by_answer:
                return step.then.by_answer[key]
            for branch in step.then.branches:
                if branch.when is None or branch.when(self.values):
                    return branch.go
            if step.then.to:
                return step.then.to
        if step.end is not None:
            self.finish(step.end)
            return None
        if not step.next:
            self.finish("done")
            return None
        return step.next

    def after_call(self, step: Step, given: Result) -> None:
        """Go on by what came back."""
        following = self.leave(step, given.label)
        if following is not None:
            self.go(following)

    def finish(self, label: str, lost: bool = False) -> None:
        """End the flow, with what it returns if it is not lost."""
        returns, value = self.flow.returns, None
        if returns is not None and not lost and all(self.values.get(n) is not None for n in returns.names):
            value = returns(self.values)  # nothing, where the flow ended before it knew
        self.progress.outcome = Done(label, value, lost)

    # -- questions ----------------------------------------------------------------------------------

    def ask(self, step: Step, ask: Ask) -> str | None:
        """Ask; the id of the next step where the answer is known from a hole of the start word."""
        state = self.state
        if ask.name in state.given:
            state.given.remove(ask.name)
            known = str(state.variables[ask.name])
            answer = self.understand(ask, known)
            if isinstance(answer, Answer):
                return self.take(step, ask, known, answer)
        if state.count(self.now) > MOST_QUESTIONS:
            self.progress.why = f"the run has asked {MOST_QUESTIONS} questions within a day, so it ends"
            self.progress.said.append(
                says("too_many", self.person.language or self.person.declared or self.person.usual)
            )
            self.progress.handoffs.append(Handoff(f"{self.flow.name}: too many questions"))
            self.finish(TOO_MANY, lost=True)
            return None
        state.phase, state.code = "ask", ""
        asking.begin(state, self.now)
        state.trail = [*state.trail[-_MOST_BACK:], step.id]
        state.prompt = BETWEEN.join(self.say(step.say))
        self.wait()
        return None

    def wait(self) -> None:
        """Wait at the question, from now on; the time of a code goes on."""
        if not self.state.code:
            self.state.asked = self.now
        self.rest()

    def rest(self) -> None:
        """Wait, until the next moment at which something happens without the person."""
        self.progress.outcome = Waiting(self.flow.deadline(self.state))

    def hear(self, text: str, read: Reading) -> None:
        """The person said something; `read` where the caller has understood it already."""
        step = self.step(self.state.step)
        ask = step.ask
        if ask is None or self.state.phase != "ask":
            self.rest()
            self.progress.why = "nothing is asked"
            return
        if read is None and not ask.settle:
            read = self.understand(ask, text)
        self.heard(step, ask, text, self.asked(ask).hear(text, read, self.now))

    def asked(self, ask: Ask) -> Asked:
        """The question as it stands."""
        return Asked(ask.name, ask.question, ask, self.state)

    def heard(self, step: Step, ask: Ask, text: str, heard: Heard) -> None:
        """Apply a text, or a deadline, as it was heard, to the open question."""
        self.progress.why, self.progress.way = heard.why, heard.outcome
        match heard.move:
            case Move.TAKE:
                assert isinstance(heard.read, Answer)
                self.progress.took = True
                following = self.take(step, ask, text, heard.read)
                if following is not None:
                    self.go(following)
            case Move.SETTLE:
                self.rest()
            case Move.CLARIFY:
                self.ask_again(step, ask, ask.unsure_say)
            case Move.RETRY:
                self.ask_again(step, ask)
            case Move.GIVE_UP:
                self.give_up(ask.retry_then)
            case Move.REMIND:
                self.say(ask.remind_says[min(self.state.reminded, len(ask.remind_says)) - 1] or step.say)
                self.rest()
            case Move.TIMEOUT:
                if ask.late:
                    state = self.state
                    asked = replace(state, variables=dict(state.variables), given=list(state.given))
                    self.progress.late = (asked, self.person.now + ask.late)
                self.give_up(ask.timeout_then)

    def understand(self, ask: Ask, text: str) -> Reading:
        """Read the text as an answer to the question; an answer meets the check."""
        read = self.person.read(ask.question, text, self.state.prompt, self.flow.spoken)
        if not isinstance(read, Answer) or ask.check is None:
            return read
        before = self.values.get(ask.name)
        self.values[ask.name] = read.value
        try:
            return read if ask.check(self.values) else None
        except FlowError:  # an answer that the check cannot be computed for does not meet it
            return None
        finally:
            self.values[ask.name] = before

    def take(self, step: Step, ask: Ask, text: str, answer: Answer) -> str | None:
        """Keep an answer and leave the question."""
        self.put(ask.name, answer.value)
        self.state.answer = {"text": text, "rest": answer.rest}
        if "answer" not in self.state.variables:
            self.values["answer"] = self.state.answer
        return self.leave(step, answer.value)

    def ask_again(self, step: Step, ask: Ask, words: Texts = ()) -> None:
        """Say what is said after a wrong or doubtful answer, else the question with a hint, and wait on."""
        if words or ask.retry_say:
            self.say(words or ask.retry_say)
        else:
            asked = BETWEEN.join(self.render(step.say))
            left = self.code_values(ask)["left"]
            helped = self.person.asked_again(ask.question, asked, self.flow.spoken)
            helped = helped.replace("{left}", str(left)) if ask.question.code is not None else helped
            self.progress.said += helped.split(BETWEEN) if helped else []
        self.wait()

    def again(self) -> None:
        """The person wants to hear the question again."""
        self.progress.why = "the person wants to hear the question again"
        self.say(self.step(self.state.step).say)
        self.rest()

    def back(self) -> None:
        """The person wants to answer the question before this one again."""
        state = self.state
        state.trail.pop()
        self.progress.why = f'the person goes back to "{state.trail[-1]}"'
        self.go(state.trail.pop())

    def give_up(self, then: str) -> None:
        """Leave a question that nobody answers as asked."""
        self.state.phase = ""
        if then:
            self.go(then)
        else:
            self.finish(ABANDONED, lost=True)

    def due(self) -> None:
        """A deadline has come: the earliest of those that have."""
        state, step = self.state, self.step(self.state.step)
        if state.phase == "wait":
            self.progress.why = "the wait is over"
            following = self.leave(step)
            if following is not None:
                self.go(following)
            return
        ask = step.ask
        if ask is None:
            raise FlowError(f'the step "{step.id}" of {self.flow.name} waits for nothing')
        found = self.asked(ask).due(self.person.now, self.now)
        if found.move is not Move.SETTLE:
            self.heard(step, ask, "", found)
            return
        text = "\n".join(state.parts)
        self.heard(step, ask, text, self.asked(ask).judge(self.understand(ask, text)))
