"""One turn of a conversation: find the handler, let it speak, fold what it asked for into one step.

Everything but the call of the handler is pure: `Turn` is given the event, the conversation and the time.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from smsbot.core import codec, segments
from smsbot.core.commit import Commit, Entry, Timer, run_id
from smsbot.core.conversation import Conversation, StoredFrame
from smsbot.core.errors import ChatError, FlowError
from smsbot.core.lanes import NOTICE, REPLY
from smsbot.core.message import Event, Key, Message, Outgoing, Reply
from smsbot.core.start import start_of
from smsbot.core.zones import zone_of
from smsbot.flows.state import Begin, Person
from smsbot.routing.chat import Chat, session_of
from smsbot.routing.effects import Cut, Done, Kept, Said
from smsbot.routing.injection import Signature
from smsbot.routing.table import Route

from .commit import ENDS_ALL, Ending, asked_again, fold, standing_after
from .context import Context, Load, Records
from .decide import Decider
from .decision import Decision
from .frames import Resume, Stack, pin
from .lines import Line
from .live import LiveFrames, Place
from .once import Once, Pause, Remembered, content_of
from .outgoing import joined, outgoing_for
from .python_frame import PythonFrame
from .python_state import PythonState, restored
from .resting import met_by
from .runner import Runner

_LANES = {"event": NOTICE, "timer": NOTICE}
"""The lanes of what an event of a kind says, where it is no reply."""
_LATER = 600.0
"""Seconds until a timer comes again that a middleware kept away."""
_APOLOGY = 1000
"""Where the texts of an error handler are counted from, so that none is taken for one said before."""


class Turn:
    """An event and the conversation that it wakes."""

    def __init__(
        self,
        line: Line,
        conversation: Conversation,
        event: Event,
        *,
        cut: Callable[[], Awaitable[None]] | None = None,
        apology: bool = False,
        repeat: bool = False,
        greeted: bool = False,
        secret: bytes = b"",
    ) -> None:
        self._wrote_first = conversation.wrote_first or (
            event.kind == "text" and not conversation.version and not greeted
        )
        self._secret = secret
        self.line = line
        self.stood = conversation
        """The conversation as it is stored."""
        self.before = conversation = met_by(event, conversation, line)
        """The same as the event meets it."""
        self.event = event
        self._first = _APOLOGY if apology else int(event.kind in ("optout", "optin"))  # the inbox has confirmed it
        self._cut = cut
        """Commits a piece of the turn; None where nothing may be awaited."""
        self.chat = Chat(event, conversation, defaults=line.defaults, seed=event.id)
        self.effects = session_of(self.chat).effects
        """The effects of this turn."""
        self.remembered: Remembered = {}
        """The steps that happened in a former try of this turn."""
        self._function: PythonFrame | None = None
        self._apologist: Signature | None = None
        self.alive: Stack | None = None
        """The stack that may be kept alive once the turn is committed."""
        self._person: Person | None = None
        self.decision = self._decided(apology, repeat)
        self._version = conversation.version
        self._stays = True
        """Whether the run that was open is open still."""

    def _decided(self, apology: bool, repeat: bool) -> Decision:
        """Decide on the event; in an apology the flow does not run, it stays at its question."""
        ends = "failed" if self.event.kind == "timer" else ""
        try:
            strange = not self._wrote_first
            decision = Decider(self.line, self.before, self.event, self.person, repeat=repeat, strange=strange).decide()
        except FlowError as error:
            if not apology:
                raise
            return Decision(str(error), ends=ends)
        return Decision(decision.why, ends=ends) if apology and decision.resume is not None else decision

    def person(self) -> Person:
        """The person and the moment, as flows are told; made when they ask."""
        if self._person is None:
            event = self.event
            contact = {**self.chat.contact, "number": event.key.number}
            line = self.line
            self._person = Person(
                event.at, contact, event.key.line, line.country, readers=line.bot.answers,
                declared=line.bot.language or None, usual=line.language, zone=line.timezone,
                awake=partial(line.awake, event.key.number, zone=zone_of(contact, line.timezone)),
            )  # fmt: skip
        return self._person

    @property
    def route(self) -> Route | None:
        """The route that takes the event; None where no handler is needed."""
        return self.decision.match.route if self.decision.match else None

    @property
    def signature(self) -> Signature | None:
        """The handler to call; None where there is none."""
        if self._apologist is not None:
            return self._apologist
        return self.route.signature if self.route is not None else None

    @property
    def run_id(self) -> bytes:
        """The run that this turn belongs to: the open one, else the one it would start."""
        fresh = self.decision.switches or (self.decision.resume is not None and self.decision.resume.fresh)
        return self.before.run.id if self.before.run and not fresh else run_id(self.event)

    def values(self) -> Mapping[str, Any]:
        """The values that the handler's arguments are filled from."""
        match, message = self.decision.match, Message.of(self.event)
        return {
            "chat": self.chat,
            "message": message,
            "text": message.text,
            "contact": self.chat.contact,
            **(match.values if match else {}),
            **self.decision.values,
        }

    def pin(self) -> None:
        """Stay on the flows that this turn began with before it was cut short (C8)."""
        resume, content = self.decision.resume, content_of(self.remembered)
        if resume is not None and content is not None:
            self.decision = replace(self.decision, resume=pin(resume, self.line.versions, content))

    # -- flows and conversations ----------------------------------------------------------------------

    def function(self) -> PythonFrame:
        """The conversation that begins with the handler; it is one only if it waits for something."""
        handler = self.signature
        assert handler is not None
        if self._function is None:
            kind = self.route.kind if self.route is not None else ""
            held = kind in ("state", "anywhere", "fallback", "media") and self.before.run is not None
            run = self.before.run.id if held and self.before.run else run_id(self.event)
            match = self.decision.match
            given = {k: v for k, v in self.decision.values.items() if k != "event"}
            holes = {**(match.values if match else {}), **given}
            frame = PythonFrame.begin(
                handler.function, run, self.event, holes, contact=self.before.contact,
                data=codec.fresh(self.chat.data), salt=b"apology" if self._first else b"begun",
                texts=match.texts if match else {},
            )  # fmt: skip
            frame.handler = handler
            frame.repeats = kind != "state"
            frame.digresses = held and (frame.repeats or self.event.kind == "text")
            self._function = frame
        return self._function

    def functions(self) -> list[PythonFrame]:
        """The conversations that this turn takes up, whose journals it needs."""
        if self.decision.resume is not None:
            return self.decision.resume.stack.functions
        return [self.function()] if self.signature is not None and self.signature.is_async else []

    def runner(
        self,
        *,
        now: float,
        provided: Mapping[type, Any],
        journals: Mapping[Place, Records],
        live: LiveFrames,
        load: Load,
        pause: Pause,
    ) -> Runner:
        """The stack that the event wakes, or the conversation that it begins, ready to run."""
        resume = self.decision.resume or Resume(Stack(self.line.versions.current, [self.function()]), Begin(), True)
        effects = self.effects
        run = self.run_id if self.decision.resume else self.function().run
        context = Context(
            line=self.line, event=self.event, run=run,
            before=self.before, effects=effects, person=self.person(), now=now, chat=self.chat,
            once=Once(
                event=self.event, run=self.run_id, effects=effects, actions=self._first, remembered=self.remembered,
                cut=self._cut, pause=pause, doubles=self.line.bot.doubles,
            ),
            live=live, provided=provided, journals=journals, load=load,
        )  # fmt: skip
        return Runner(context, resume)

    def ran(self, runner: Runner) -> None:
        """Take over the outcome of the run."""
        self.decision = replace(self.decision, why=runner.context.why or self.decision.why)
        if not runner.waited:
            self.discard()
        if self.decision.resume is not None or not runner.waited or self._function is None:
            return
        frame, run = self._function, self.before.run  # the handler waits, so it is a conversation
        fresh = run is None or frame.run != run.id
        effects = self.effects
        if frame.digresses and run is not None and effects.frames is not None:
            frames, again = run.frames, _same_digression(run.frames, frame, self.event.key)
            if again is not None:  # the same digression once more takes the place of the first
                frames = frames[:-1]
                effects.dropped.append(again.journal_place)
            below = tuple(f if f.is_state else replace(f, deadline=None) for f in frames)
            effects.frames = (*below, *effects.frames)
        started_by = self.route.trigger if self.route else ""
        self.decision = replace(self.decision, resume=replace(runner.resume, fresh=fresh, started_by=started_by))

    def left(self) -> list[Place]:
        """The journals of conversations that this turn has left without waking them."""
        run, resume = self.before.run, self.decision.resume
        others = self.stood.resting if self.decision.ends in ENDS_ALL else ()
        own = () if run is None or self._stays or (resume is not None and not resume.fresh) else (run,)
        return [f.journal_place for left in (*own, *others) for f in restored(left.frames, self.event.key)]

    # -- what the handler asked for -----------------------------------------------------------------

    @property
    def version(self) -> int:
        """The conversation's version once this turn is committed."""
        return self._version + 1

    def discard(self) -> None:
        """Let go of conversations that ran in a turn that is not committed."""
        if self.alive is not None:
            self.alive.close()
            self.alive = None

    def answers_for(self, handler: Signature, error: BaseException) -> None:
        """The bot's error handler takes the turn."""
        self.decision = replace(self.decision, values={**self.decision.values, "error": error})
        self._apologist = handler

    @property
    def is_surrounded(self) -> bool:
        """Whether middleware is around its code: everywhere but around what answers for errors."""
        return bool(self.line.bot.middlewares) and self._first != _APOLOGY

    def kept_away(self, answer: str | None) -> None:
        """A middleware has not let the event come to its code: the conversation stays where it is."""
        event, why = self.event, "a middleware answers in place of the handler"
        parks = Timer(event.key, event.text, event.at + _LATER, event.data) if event.kind == "timer" else None
        outcome = "skipped" if event.kind == "event" else self.decision.outcome
        self.decision, self._function = Decision(why, parks=parks, outcome=outcome), None
        if answer:
            self.chat.say(answer)

    def returned(self, signature: Signature, result: object) -> None:
        """A returned text is a reply; anything else but None is a mistake worth naming."""
        session_of(self.chat).check_promises()
        if isinstance(result, str):
            self.chat.say(result)
            self.effects.answered()
        elif inspect.iscoroutine(result):
            result.close()
            raise ChatError(f"{signature.name} returned a coroutine; write it, or what surrounds it, as async def")
        elif result is not None:
            raise ChatError(f"{signature.name} returned {type(result).__name__}; return a text or nothing")

    def piece(self, now: float) -> Commit | None:
        """A commit of the texts and the records since the last piece; None if there are none."""
        outgoing, journal = self._new(now)
        if not outgoing and not journal:
            return None
        self._version += 1
        return Commit(
            event=self.event,
            after=replace(self.stood, version=self._version),
            consumed=False,
            note=self.decision.why,
            outgoing=outgoing,
            journal=journal,
            stale=self._stale(),
        )

    def _new(self, now: float) -> tuple[tuple[Outgoing, ...], tuple[Entry, ...]]:
        """The texts and the records since the last piece."""
        effects = self.effects
        fresh = effects.fresh()
        if not fresh:
            return (), ()
        lane, (by, ref) = self.decision.lane or _LANES.get(self.event.kind, REPLY), self._requester()
        said = _joined(fresh) if effects.join or self.line.bot.join else [d for d in fresh if isinstance(d, Said)]
        outgoing = [
            outgoing_for(s.reply, self._first + s.n, self.event, self.line, now, lane=lane, by=by, ref=ref)
            for s in said
        ]
        return tuple(outgoing), tuple(d.entry for d in fresh if isinstance(d, Kept))

    def _requester(self) -> tuple[str, str]:
        """Who asks for the texts of this turn (the bot with what began it, or a program), and what that calls them."""
        resume, run = self.decision.resume, self.before.run
        if self.event.kind == "event":
            start = start_of(self.event)
            return f"{start.by or self.line.bot.name}: event {self.event.text}", start.ref
        if resume is not None and resume.fresh:
            began = resume.started_by
        elif run is not None:
            began = run.started_by
        else:
            began = self.route.trigger if self.route is not None else self.event.kind
        return f"{self.line.bot.name}: {began}", ""

    def end(self, now: float, note: str = "") -> Commit:
        """The end of the turn."""
        function = self._function if self.decision.resume is not None else None
        ending = Ending(
            line=self.line, event=self.event, stood=self.stood, before=self.before, decision=self.decision,
            effects=self.effects, data=self.chat.data, contact=self.chat.contact.changes(),
            handler=self.signature.name if self.signature is not None else "",
            run_id=function.run if function is not None else self.run_id,
            wrote_first=self._wrote_first, secret=self._secret, now=now,
        )  # fmt: skip
        after = standing_after(ending)
        texts = (*self.decision.says, *asked_again(ending, after.run), *after.says)
        for text in texts:
            self.effects.say(Reply(segments.fit(text)))
        outgoing, journal = self._new(now)
        own = self.before.run
        self._stays = own is not None and own.id in {run.id for run in (after.run, *after.resting) if run is not None}
        return fold(
            ending, after, version=self.version, note=note, outgoing=outgoing, journal=journal, stale=self._stale()
        )

    def _stale(self) -> tuple[tuple[bytes, bytes, int], ...]:
        """Once in a turn, and before anything new is journaled."""
        found = tuple(self.effects.stale)
        self.effects.stale.clear()
        return found


def _joined(done: Sequence[Done]) -> list[Said]:
    """Texts that leave as one, up to where a former try of this turn was cut."""
    found: list[Said] = []
    for is_cut, group in groupby(done, lambda d: isinstance(d, Cut)):
        said = [d for d in group if isinstance(d, Said)] if not is_cut else []
        found += [Said(reply, n) for n, reply in enumerate(joined([s.reply for s in said]), said[0].n if said else 0)]
    return found


def _same_digression(frames: Sequence[StoredFrame], frame: PythonFrame, key: Key) -> PythonState | None:
    """The digression on top that the same handler has begun."""
    found = restored(frames[-1:], key)
    return found[0] if found and found[0].name == frame.name and found[0].digresses else None
