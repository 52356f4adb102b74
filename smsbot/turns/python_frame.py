"""A conversation function as one frame of a run: how a text is read there, and how it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from smsbot.conversations import journal
from smsbot.conversations.journal import Record
from smsbot.conversations.replay import Finished, Replay
from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.errors import ChatError, NoReply, TooManyTries
from smsbot.core.request import Ask, Call, Do, Gather, Sleep
from smsbot.flows.flow_set import FlowSet
from smsbot.flows.state import (
    Again,
    Back,
    Begin,
    CallAction,
    CallFlow,
    Counted,
    Done,
    Due,
    Input,
    Result,
    Said,
    Waiting,
)
from smsbot.flows.steps import ABANDONED
from smsbot.routing.chat import Restart, session_of
from smsbot.understanding.answers import Answer
from smsbot.understanding.asking import Heard, Move

from .context import Context
from .live import LiveCall
from .python_call import Wanted, begin_again, forward, signature_of, stand, take_up
from .python_state import OpenQuestion, PythonState, runs_of

_MOST_RESTARTS = 100
_TICK = 0.001
"""The shortest sleep, in seconds: each wakes at a moment of its own."""
Outcome = Waiting | CallFlow | CallAction | Done


@dataclass(slots=True, kw_only=True)
class PythonFrame(PythonState):
    """A conversation function of a run."""

    flow = None

    def on(self, flow_set: FlowSet) -> PythonFrame:
        """The same frame on other content: a function stands on none."""
        return self

    # -- going on -----------------------------------------------------------------------------------

    async def resume(self, given: Input, context: Context) -> Outcome:
        """Go on with what happened, until something is waited for or called."""
        match given:
            case Begin():
                return await self._drive(None, context)
            case Said() if self.open is not None:
                read = given.read
                return await self._heard(
                    self.open, given.text, self.open.asked.hear(given.text, read, context.now), context
                )
            case Due() if self.open is not None:
                return await self._due(self.open, context)
            case Due():
                return await self._drive(context.once.record(journal.SLEPT, self.site, None), context)
            case Again() if self.open is not None:
                context.why = "the person wants to hear the question again"
                context.chat.say(self.open.prompt, code=self.open.question.code)
                return Waiting(self.deadline)
            case Back() if self.open is not None:
                context.why = "the person goes back to the question before"
                return await self._drive(context.once.record(journal.BACK, self.open.site, None), context)
            case Result():
                kind, value = (journal.LOST, given.label) if given.lost else (journal.FLOW, given.value)
                return await self._drive(context.once.record(kind, self.site, value), context)
        context.why = "nothing is asked"
        return Waiting(self.deadline)

    def returned(self, done: Done, counted: Counted, context: Context) -> Input | None:
        """The input that it goes on with when the frame that it called has ended."""
        return Result(done.value, done.label, done.lost)

    async def _due(self, asked: OpenQuestion, context: Context) -> Outcome:
        """A deadline of the open question."""
        heard = asked.asked.due(context.event.at, context.now)
        if heard.move is not Move.SETTLE:
            return await self._heard(asked, "", heard, context)
        text = "\n".join(asked.standing.parts)
        return await self._heard(asked, text, asked.asked.judge(asked.read(text, context.person)), context)

    async def _refused(self, asked: OpenQuestion, value: Any, context: Context) -> str | None:
        """What the person is told where the code does not take an answer that was understood; None where it does."""
        wanted = await stand(self, asked.site, context)
        again = self.call is not None and self.call.replay.journal.place > self.taken  # it was taken in a former try
        return wanted.refusal(value) if isinstance(wanted, Ask) and not again else None

    async def _heard(self, asked: OpenQuestion, text: str, heard: Heard, context: Context, words: str = "") -> Outcome:
        """Apply a text, or a deadline, as it was heard, to the open question; `words` say what is wrong with it."""
        context.why = heard.why
        if heard.outcome or heard.move is Move.TAKE:
            context.effects.outcomes.append((self.place, heard.outcome, asked.question))
        match heard.move:
            case Move.TAKE:
                assert isinstance(heard.read, Answer)
                why = await self._refused(asked, heard.read.value, context) if asked.checked else None
                if why is not None:
                    return await self._heard(asked, text, asked.asked.refuse(None), context, why)
                context.effects.took = True
                self.answers[asked.name] = heard.read.value
                record = context.once.record(journal.ANSWER, asked.site, heard.read.value, text)
                return await self._drive(record, context)
            case Move.CLARIFY:
                return self._ask_again(asked, asked.unsure or asked.retry, context)
            case Move.RETRY:
                return self._ask_again(asked, words or asked.retry, context)
            case Move.GIVE_UP:
                return await self._drive(context.once.record(journal.TRIES, asked.site, None), context)
            case Move.REMIND:
                words = asked.reminder
                context.chat.say(words or asked.prompt, code=None if words else asked.question.code)
            case Move.TIMEOUT:
                if asked.terms.late:
                    context.stay_open(self.stored(), context.event.at + asked.terms.late)
                return await self._drive(context.once.record(journal.SILENCE, asked.site, None), context)
        return Waiting(self.deadline)

    def _ask_again(self, asked: OpenQuestion, words: str, context: Context) -> Outcome:
        said = words or asked.asked_again(context.person)
        context.chat.say(said.replace("{left}", str(asked.left)) if asked.question.code is not None else said)
        if asked.question.code is None:  # whose time goes on
            asked.standing.asked = context.now
        return Waiting(self.deadline)

    # -- its function -------------------------------------------------------------------------------

    async def _drive(self, record: Record | None, context: Context) -> Outcome:
        """Let the function go on, with what it waited for."""
        try:
            wanted = await take_up(self, record, context)
            while (outcome := self._outcome(wanted, context)) is None:
                wanted = await self._answered(wanted, context)
            return outcome
        except (NoReply, TooManyTries) as error:
            context.why = context.why or str(error.args[0])
            return Done(ABANDONED, None, lost=True)

    def _outcome(self, wanted: Wanted, context: Context) -> Outcome | None:
        """The outcome of a request, or of the function's end; None where it goes on at once."""
        match wanted:
            case Finished(Restart()):
                return None
            case Finished(value):
                return self._finished(value, context)
            case Ask() if wanted.name not in self._used() and self.values.get(wanted.name) is not None:
                return None  # a hole of the start word answers it
            case Ask() | Sleep() | Call() if why := self._waits_in_vain(context):
                raise ChatError(why)
            case Ask():
                return self._ask(wanted, context)
            case Sleep():
                until = wanted.until or context.now + wanted.seconds
                self._stand(wanted.site, context, until=max(until, context.now + _TICK), gives_way=wanted.interrupt)
                return Waiting(self.until)
            case Call():
                self._stand(wanted.site, context)
                return CallFlow(wanted.flow, wanted.values)
            case Do() | Gather():
                return None
        raise AssertionError(f"a conversation wants {wanted!r}")

    async def _answered(self, wanted: Wanted, context: Context) -> Wanted:
        """Give the function at once what it wants."""
        if isinstance(wanted, Finished):
            return await forward(await self._restart(wanted.value.arguments, context), None, context)
        call = self.call
        assert call is not None
        if isinstance(wanted, Ask):
            return await self._hole(call, wanted, context)
        assert isinstance(wanted, Do | Gather)
        return await forward(call, await context.once.given(call, wanted), context)

    def _waits_in_vain(self, context: Context) -> str:
        """Why nothing can be waited for; empty if it can."""
        effects, event = context.effects, context.event
        if event.kind in ("delivery", "reaction") or isinstance(self.values.get("error"), BaseException):
            return f"{self.title}() cannot wait: what answers reports, reactions and errors only says"
        if effects.over:
            return f"{self.title}() has ended or gone to a state in this turn, so it waits for nothing more"
        return ""

    def _ask(self, ask: Ask, context: Context) -> Outcome:
        if context.once.running:
            raise ChatError(f"{self.title}() asks while a step in one of its tasks goes on; await that task first")
        if ask.question.kind == "custom" and ask.question.pattern not in context.line.bot.answers:
            raise ChatError(f"there is no @bot.answer {ask.question.pattern}() that could read an answer")
        assert self.call is not None
        if ask.question.code is not None:
            own = digest("code", self.run, ask.site, context.event.id, str(len(self.call.replay.journal.records)))
            code = replace(ask.question.code, id=own.hex())
            ask = replace(ask, question=replace(ask.question, code=code))
        self.call.chat.say(ask.prompt, code=ask.question.code)
        self._stand(ask.site, context, asked=OpenQuestion.of(ask, context.now))
        return Waiting(self.deadline)

    def _stand(
        self,
        site: str,
        context: Context,
        asked: OpenQuestion | None = None,
        until: float = 0.0,
        gives_way: bool = False,
    ) -> None:
        """It waits: what it said and changed is kept with this turn."""
        assert self.call is not None
        self.open, self.until, self.gives_way, self.site = asked, until, gives_way, site
        self.taken = len(self.call.replay.journal.records)
        if asked is not None:
            context.effects.visits.append(self.place)
        self._changes(context)

    def _changes(self, context: Context) -> None:
        if self.call is not None:
            chat = self.call.chat
            session_of(chat).check_promises()
            context.effects.stored |= chat.contact.changes()
            chat.contact.keep()

    def _used(self) -> list[str]:
        """Holes of the start word that have answered; also those of a try of this turn that failed."""
        if self.call is not None and self.values:
            asked = {r.site.rpartition(" ")[2] for r in self.call.replay.journal.records if r.asked}
            self.used += [name for name in self.values if name in asked and name not in self.used]
        return self.used

    async def _hole(self, call: LiveCall, ask: Ask, context: Context) -> Wanted:
        """A hole of the start word answers the question of its name."""
        self.used.append(ask.name)
        text = self.texts.get(ask.name) or str(self.values[ask.name])
        read = OpenQuestion.of(ask, context.now).read(text, context.person)
        if not isinstance(read, Answer) or ask.refusal(read.value) is not None:
            return ask
        self.answers[ask.name] = read.value
        record = context.once.record(journal.ANSWER, ask.site, read.value, text)
        context.once.keep(call, record)
        return await forward(call, Replay.given(ask, record), context)

    async def _restart(self, arguments: Mapping[str, Any], context: Context) -> LiveCall:
        """Begin the function again, with a fresh journal."""
        assert self.call is not None
        self._changes(context)
        self._drop(context)
        self.key = digest(self.key, "again", str(self.taken), context.event.id)
        if not self.action:
            signature_of(self, context).check_arguments(arguments)
        self.values = codec.fresh({"args": [], "kwargs": arguments} if self.action else arguments)
        self.used = list(self.values)  # no holes of a start word, so they answer nothing
        self.started, self.contact = context.event, context.contact()
        self.answers, self.call.chat.data = {}, codec.fresh(self.data)
        context.restarts += 1
        if context.restarts > _MOST_RESTARTS:
            raise ChatError(f"{self.title}() was restarted {_MOST_RESTARTS} times without waiting for anything")
        return await begin_again(self, context, began=True)

    def _drop(self, context: Context) -> None:
        """Its journal is needed no more, unless an answer that comes late goes back to what was said before."""
        late, now = context.before.late, context.event.at
        held = runs_of(late.frames) if late is not None and late.until > now else ()
        if context.effects.late is None and self.run not in held:
            context.effects.dropped.append(self.journal_place)

    def _finished(self, value: Any, context: Context) -> Done:
        assert self.call is not None
        self._changes(context)
        self._drop(context)
        effects, chat = context.effects, self.call.chat
        if self.action:
            if effects.over:
                raise ChatError(f"the action {self.title}() cannot end a run or go to a state; its flow decides that")
            return Done("", value)
        if isinstance(value, str):
            chat.say(value)
            effects.answered()
        elif value is not None:
            raise ChatError(f"{self.title} returned {type(value).__name__}; return a text or nothing")
        if effects.goto is not None:
            context.chat.data = chat.data
        return Done(effects.end or "done", None)
