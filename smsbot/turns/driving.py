"""Drives a conversation in Python: what happened is given to its function, live or replayed, until it waits or ends."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from itertools import takewhile
from typing import Any

from smsbot.conversations import journal as told
from smsbot.conversations.journal import Journal, Record
from smsbot.conversations.replay import Finished, Foreign, Raised, Replay
from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError, NoReply, TooManyTries
from smsbot.core.message import Message
from smsbot.core.request import Ask, Call, Do, Gather, Request, Sleep
from smsbot.core.start import start_of
from smsbot.flows.state import Again, Back, Begin, CallFlow, Done, Due, Input, Result, Said, Waiting
from smsbot.flows.steps import ABANDONED
from smsbot.routing.chat import Chat, Restart
from smsbot.routing.injection import Signature
from smsbot.turns.context import Context, NotNow
from smsbot.understanding import asking
from smsbot.understanding.answers import SILENCE, WRONG, Answer, Unsure
from smsbot.understanding.answers import told as shown
from smsbot.understanding.asking import Move

from .blocking import watched
from .frames import Stack
from .once import Alone, Steps
from .python_frame import OpenQuestion, PythonFrame, runs_of

_MOST_RESTARTS = 100
_TICK = 0.001
"""The shortest sleep, in seconds: each wakes at a moment of its own."""


class Driving:
    """The conversations of one turn."""

    def __init__(self, context: Context, stack: Stack, function: Signature | None) -> None:
        self._context = context
        self._stack = stack
        self._function = function
        """The handler of a conversation that begins with this turn."""
        self._first = stack.levels[-1] if function is not None else None
        self._steps = Steps(context)
        self._rounds = 0
        """Restarts of conversations in this turn."""

    async def rest(self) -> None:
        """After a failure, let everything come to its end that goes on beside the conversations."""
        self._steps.failed(self._stack.levels)
        await self._steps.rest()

    async def on(self, level: PythonFrame, given: Input) -> Waiting | CallFlow | Done:
        """What a conversation does with what happened."""
        match given:
            case Begin():
                return await self._drive(level, None)
            case Said() if level.open is not None:
                return await self._hear(level, level.open, given)
            case Due() if level.open is not None:
                return await self._due(level, level.open)
            case Due():
                return await self._drive(level, self._context.record(told.SLEPT, level.site, None))
            case Again() if level.open is not None:
                self._context.why = "the person wants to hear the question again"
                self._context.chat.say(level.open.prompt)
                return Waiting(level.deadline)
            case Back() if level.open is not None:
                self._context.why = "the person goes back to the question before"
                return await self._drive(level, self._context.record(told.BACK, level.open.site, None))
            case Result():
                kind = told.LOST if given.lost else told.FLOW
                value = given.label if given.lost else given.value
                return await self._drive(level, self._context.record(kind, level.site, value))
        self._context.why = "nothing is asked"
        return Waiting(level.deadline)

    async def _hear(self, level: PythonFrame, question: OpenQuestion, said: Said) -> Waiting | CallFlow | Done:
        move, read = asking.hear(question.terms, question.standing, said.text, said.read, self._context.now)
        return await self._move(level, question, Said(said.text, read), move)

    async def _move(
        self, level: PythonFrame, question: OpenQuestion, said: Said, move: Move
    ) -> Waiting | CallFlow | Done:
        """What a text does to the open question."""
        read, name = said.read, question.name
        match move:
            case Move.TAKE:
                assert isinstance(read, Answer)
                seen = shown(question.question, read.value)
                self._context.why = f'the text answers "{name}"' + (f": {seen}" if seen else "")
                self._context.effects.took = True
                self._way(level, question, seen)
                level.answers[name] = read.value
                return await self._drive(level, self._context.record(told.ANSWER, question.site, read.value, said.text))
            case Move.SETTLE:
                self._context.why = f'"{name}" waits whether more of the answer comes'
                return Waiting(level.deadline)
            case Move.CLARIFY:
                assert isinstance(read, Unsure)
                self._context.why = f'unsure whether the text answers "{name}", because {read.why}: asked once more'
            case Move.RETRY:
                self._context.why = f'the text does not answer "{name}"'
                self._way(level, question, WRONG)
            case _:
                self._way(level, question, WRONG)
                self._context.why = f'"{name}" was answered wrongly {question.standing.wrong} times'
                return await self._drive(level, self._context.record(told.TRIES, question.site, None))
        unsure = question.unsure if move is Move.CLARIFY else ""
        self._context.chat.say(unsure or question.retry or question.asked_again(self._context.person))
        question.standing.asked = self._context.now
        return Waiting(level.deadline)

    def _way(self, level: PythonFrame, question: OpenQuestion, way: str) -> None:
        self._context.effects.ways.append((f"{level.title}.{question.name}", way, question.question))

    async def _due(self, level: PythonFrame, question: OpenQuestion) -> Waiting | CallFlow | Done:
        """A deadline of the open question."""
        standing, terms = question.standing, question.terms
        match asking.due(terms, standing, self._context.event.at, self._context.now):
            case Move.SETTLE:
                text = "\n".join(standing.parts)
                read = question.read(text, self._context.person)
                move, read = asking.judge(terms, standing, read)
                return await self._move(level, question, Said(text, read), move)
            case Move.REMIND:
                self._context.why = f'"{question.name}" is not answered yet'
                self._context.chat.say(question.remind or question.prompt)
                return Waiting(level.deadline)
        self._context.why = f'no answer to "{question.name}" in time'
        self._way(level, question, SILENCE)
        if terms.late:
            until = self._context.event.at + terms.late
            self._context.effects.late = (self._stack.freeze(None), self._stack.content, until)
        return await self._drive(level, self._context.record(told.SILENCE, question.site, None))

    async def _drive(self, level: PythonFrame, record: Record | None) -> Waiting | CallFlow | Done:
        """Let the function go on, with what it waited for."""
        try:
            return await self._driven(level, record)
        except (NoReply, TooManyTries) as error:
            self._context.why = self._context.why or str(error.args[0])
            return Done(ABANDONED, None, lost=True)

    async def _driven(self, level: PythonFrame, record: Record | None) -> Waiting | CallFlow | Done:
        wanted = await self._taken_up(level, record)
        while True:
            match wanted:
                case Finished(Restart(arguments)):
                    await self._restart(level, arguments)
                    wanted = await self._forward(level, None)
                case Finished(value):
                    return self._finished(level, value)
                case Ask() if wanted.name not in self._used(level) and level.values.get(wanted.name) is not None:
                    wanted = await self._hole(level, wanted, str(level.values[wanted.name]))
                case Ask() | Sleep() | Call() if why := self._waits_in_vain(level):
                    raise ChatError(why)
                case Ask():
                    return self._asked(level, wanted)
                case Sleep():
                    level.open, level.until, level.site = (
                        None,
                        self._context.now + max(wanted.seconds, _TICK),
                        wanted.site,
                    )
                    self._stand(level)
                    return Waiting(level.until)
                case Call():
                    level.open, level.until, level.site = None, 0.0, wanted.site
                    self._stand(level)
                    return CallFlow(wanted.flow, wanted.values)
                case Do() | Gather():
                    wanted = await self._forward(level, await self._steps.given(level, wanted))
                case _:
                    raise AssertionError(f"a conversation wants {wanted!r}")

    async def _taken_up(self, level: PythonFrame, record: Record | None) -> Request | Finished:
        """The function where it waits, live or replayed, gone on with what happened."""
        talk = level.talk
        if talk is None:
            kept = self._context.live.take(level, self._context.version)
            talk = kept.talk if kept is not None else None
            level.talk, level.chat = talk, kept.chat if kept is not None else None
        if talk is not None and level.chat is not None and record is not None:
            talk.event = self._context.event.id
            self._attend(level)
            return await self._go_on(level, record)
        began = record is None
        talk = await self._again(level, began)
        wanted = await self._forward(level, None)
        assert level.chat is not None
        if began:
            return wanted
        assert record is not None
        if talk.journal.place > level.taken:  # this event's record is there already: the turn runs again
            return wanted
        if isinstance(wanted, Finished) or wanted.site != record.site:
            raise told.changed(record.site, wanted.site if isinstance(wanted, Request) else "its end")
        level.chat.contact.keep()
        self._attend(level)
        return await self._go_on(level, record)

    async def _journal(self, level: PythonFrame, began: bool) -> list[Record]:
        """All that has happened in a conversation."""
        context = self._context
        found = context.journals.get((level.run, level.key))
        if found is not None or (began and not (context.event.seq and context.cut)):
            return list(found or ())  # what begins with an event that nobody has seen before has no past
        if context.cut is None:
            raise NotNow
        return await context.load(level.run, level.key)

    async def _again(self, level: PythonFrame, began: bool) -> Replay:
        """A fresh call of the function, with all that has happened before it."""
        context = self._context
        records = await self._journal(level, began)
        if level.run != context.run:  # a late answer: a run of its own, with what the former knew
            records = records[: level.taken]
            context.effects.records += [r.entry(context.run, level.key, n) for n, r in enumerate(records, 1)]
            level.run = context.run
            records += (await self._journal(level, not context.event.seq))[level.taken :]
        kept = 0 if began else level.taken
        ours = list(takewhile(lambda r: r.event == context.event.id, records[kept:]))
        if len(records) > kept + len(ours):  # what a turn that failed for good has left behind
            records = [*records[:kept], *ours]
            context.effects.stale.append((level.run, level.key, len(records)))
        chat = level.chat = (
            context.chat if began and not level.action and level is self._first else self._own_chat(level)
        )
        chat.reseed(level.key)
        chat.replay(level.started, context.effects)
        level.talk = Replay(
            lambda: self._called(level, chat), chat, Journal(records), context.event.id, -1 if began else level.taken
        )
        chat.driver = Alone(self._steps, level)
        if began:
            self._attend(level)
        return level.talk

    def _own_chat(self, level: PythonFrame) -> Chat:
        """What a conversation holds that did not begin with this turn: the world as it was then."""
        line = self._context.line
        first = Conversation(self._context.event.key, contact=level.contact)
        chat = Chat(level.started, first, defaults=line.defaults)
        chat.data = codec.fresh(level.data)
        return chat

    def _attend(self, level: PythonFrame) -> None:
        assert level.chat is not None
        level.chat.driver = Alone(self._steps, level)
        level.chat.attend(self._context.effects)

    def _called(self, level: PythonFrame, chat: Chat) -> Coroutine[Any, Any, Any]:
        """The call of the conversation's function, with its arguments and what surrounds it."""
        context, bot = self._context, self._context.line.bot
        values = codec.fresh(level.values)  # what the function does to lists shall not be there when it is replayed
        if level.action:
            given = {**context.provided, Chat: chat}
            return _awaited(bot.action_call(level.title, values["args"], values["kwargs"], given))
        signature = self._signature(level)
        values = {
            "chat": chat, "message": Message.of(level.started), "text": level.started.text, "contact": chat.contact,
            "event": start_of(level.started).data if level.started.kind == "event" else {}, **values,
        }  # fmt: skip
        provided = context.provided  # a conversation lives longer than the turn that began it, so it holds no more
        if signature.is_async and not bot.middlewares:
            made: Coroutine[Any, Any, Any] = signature.call(values, provided)
            return made

        async def handler() -> Any:
            if signature.blocking:
                return await self._context.line.threads.run(signature.call, values, provided)
            result = signature.call(values, provided)
            return await result if inspect.isawaitable(result) else result

        call: Callable[[], Coroutine[Any, Any, Any]] = handler
        for middleware in reversed(bot.middlewares):
            call = _wrap(middleware, chat, call)
        return call()

    def _signature(self, level: PythonFrame) -> Signature:
        return self._function or self._context.line.function(level.name)

    async def _go_on(self, level: PythonFrame, record: Record) -> Request | Finished:
        """Give the function what it waited for."""
        talk = level.talk
        assert talk is not None
        assert talk.request is not None
        request = talk.request
        kept = talk.journal.ran_again(request)
        if kept is None:
            self._context.keep(level, record)
        assert level.chat is not None
        level.chat.woken(record)
        return await self._forward(level, Replay.given(request, kept or record))

    async def _forward(self, level: PythonFrame, given: Any) -> Request | Finished:
        """Let it run; what it awaits outside goes to the event loop."""
        talk = level.talk
        assert talk is not None
        wanted = self._go(level, talk, given)
        while isinstance(wanted, Foreign):
            if self._context.cut is None:
                raise NotNow
            try:
                answer: Any = await _Passed(wanted.awaited)
            except BaseException as error:
                answer = Raised(error)
            wanted = self._go(level, talk, answer)
        return wanted

    def _go(self, level: PythonFrame, talk: Replay, given: Any) -> Request | Finished | Foreign:
        with watched(level.name, talk.place):
            return talk.go(given)

    def _waits_in_vain(self, level: PythonFrame) -> str:
        """Why nothing can be waited for; empty if it can."""
        effects, event = self._context.effects, self._context.event
        if event.kind in ("delivery", "reaction") or isinstance(level.values.get("error"), BaseException):
            return f"{level.title}() cannot wait: what answers reports, reactions and errors only says"
        if effects.end is not None or effects.state is not None:
            return f"{level.title}() has ended or gone to a state in this turn, so it waits for nothing more"
        return ""

    def _asked(self, level: PythonFrame, ask: Ask) -> Waiting:
        if self._steps.running:
            raise ChatError(f"{level.title}() asks while a step in one of its tasks goes on; await that task first")
        if ask.question.kind == "custom" and ask.question.pattern not in self._context.line.bot.answers:
            raise ChatError(f"there is no @bot.answer {ask.question.pattern}() that could read an answer")
        level.open, level.until, level.site = OpenQuestion.of(ask, self._context.now), 0.0, ask.site
        assert level.chat is not None
        level.chat.say(ask.prompt)
        self._stand(level)
        return Waiting(level.deadline)

    def _stand(self, level: PythonFrame) -> None:
        """It waits: what it said and changed is kept with this turn."""
        assert level.talk is not None
        level.taken = len(level.talk.journal.records)
        if level.open is not None:
            self._context.effects.visits.append(f"{level.title}.{level.open.name}")
        self._changes(level)

    def _changes(self, level: PythonFrame) -> None:
        chat = level.chat
        if chat is not None:
            chat.check_promises()
            self._context.effects.stored |= chat.contact.changes()
            chat.contact.keep()

    def _used(self, level: PythonFrame) -> list[str]:
        """Holes of the start word that have answered; also those of a try of this turn that failed."""
        if level.talk is not None and level.values:
            asked = {r.site.rpartition(" ")[2] for r in level.talk.journal.records if r.asked}
            level.used += [name for name in level.values if name in asked and name not in level.used]
        return level.used

    async def _hole(self, level: PythonFrame, ask: Ask, text: str) -> Request | Finished:
        """A hole of the start word answers the question of its name."""
        level.used.append(ask.name)
        question = OpenQuestion.of(ask, self._context.now)
        read = question.read(text, self._context.person)
        if not isinstance(read, Answer):
            return ask
        level.answers[ask.name] = read.value
        record = self._context.record(told.ANSWER, ask.site, read.value, text)
        self._context.keep(level, record)
        return await self._forward(level, Replay.given(ask, record))

    async def _restart(self, level: PythonFrame, arguments: Mapping[str, Any]) -> None:
        """Begin the function again, with a fresh journal."""
        assert level.chat is not None
        self._changes(level)
        self._drop(level)
        level.key = digest(level.key, "again", str(level.taken), self._context.event.id)
        if not level.action:
            self._signature(level).check_arguments(arguments)
        level.values = codec.fresh({"args": [], "kwargs": arguments} if level.action else arguments)
        level.used = list(level.values)  # no holes of a start word, so they answer nothing
        level.started, level.contact = self._context.event, self._context.contact()
        level.answers, level.chat.data = {}, codec.fresh(level.data)
        self._rounds += 1
        if self._rounds > _MOST_RESTARTS:
            raise ChatError(f"{level.title}() was restarted {_MOST_RESTARTS} times without waiting for anything")
        await self._again(level, began=True)

    def _drop(self, level: PythonFrame) -> None:
        """Its journal is needed no more, unless an answer that comes late goes back to what was said before."""
        late, now = self._context.before.late, self._context.event.at
        held = runs_of(late.frames) if late is not None and late.until > now else ()
        if self._context.effects.late is None and level.run not in held:
            self._context.effects.dropped.append((level.run, level.key))

    def _finished(self, level: PythonFrame, value: Any) -> Done:
        self._changes(level)
        self._drop(level)
        effects = self._context.effects
        if level.action:
            if effects.end is not None or effects.state is not None:
                raise ChatError(f"the action {level.title}() cannot end a run or go to a state; its flow decides that")
            return Done("", value)
        if isinstance(value, str):
            assert level.chat is not None
            level.chat.say(value)
        elif value is not None:
            raise ChatError(f"{level.title} returned {type(value).__name__}; return a text or nothing")
        if effects.state is not None and level.chat is not None:
            self._context.chat.data = level.chat.data
        return Done(effects.end or "done", None)


class _Passed:
    """What the event loop is given in the name of a conversation's code."""

    def __init__(self, awaited: Any) -> None:
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._awaited)


async def _awaited(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if inspect.isawaitable(result) else result


def _wrap(
    middleware: Callable[..., Awaitable[Any]], chat: Chat, inner: Callable[[], Coroutine[Any, Any, Any]]
) -> Callable[[], Coroutine[Any, Any, Any]]:
    async def call() -> Any:
        return await middleware(chat, inner)

    return call
