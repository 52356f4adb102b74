"""One turn of a conversation: find the handler, let it speak, fold what it asked for into one step.

Everything but the call of the handler is pure: `Turn` is given the event, the conversation and the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smsbot.core import codec
from smsbot.core.conversation import Conversation, Frame, Run
from smsbot.core.errors import ChatError
from smsbot.core.message import Event, Message, Outgoing, Reply
from smsbot.core.status import Status
from smsbot.core.turn import Entry, Step, Timer, run_id
from smsbot.core.words import tokens
from smsbot.policy import consent
from smsbot.routing.chat import Chat, Delivery, Segmenter
from smsbot.routing.injection import Signature
from smsbot.routing.router import Match, Route

from .lines import Line
from .outbox import owed

TIMEOUT = "timeout"
_APOLOGY = 1000
"""Where the texts of an error handler are counted from, so that none is taken for one said before."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an event leads to: a handler to call, or words that need none."""

    why: str
    match: Match | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    says: str = ""
    ends: str = ""


class Turn:
    """An event and the conversation that it wakes."""

    def __init__(
        self,
        line: Line,
        conversation: Conversation,
        event: Event,
        *,
        segmenter: Segmenter | None = None,
        apology: bool = False,
    ) -> None:
        self.line = line
        self.before = conversation
        self.event = event
        self._first = _APOLOGY if apology else 0
        self.chat = Chat(event, conversation, segmenter=segmenter, first_step=self._first)
        self.decision = self._decide()
        self._version = conversation.version
        self._said = 0
        self._journaled = 0

    @property
    def route(self) -> Route | None:
        """The route that takes the event; None where no handler is needed."""
        return self.decision.match.route if self.decision.match else None

    @property
    def run_id(self) -> bytes:
        """The run that this turn belongs to: the open one, else the one it would start."""
        return self.before.run.id if self.before.run else run_id(self.event)

    def values(self, **more: Any) -> Mapping[str, Any]:
        """What the handler's arguments are filled from."""
        match = self.decision.match
        return {
            "chat": self.chat,
            "message": Message.of(self.event),
            "text": self.event.text,
            "contact": self.chat.contact,
            **(match.values if match else {}),
            **self.decision.values,
            **more,
        }

    # -- what the event leads to --------------------------------------------------------------------

    def _decide(self) -> Decision:
        event, table = self.event, self.line.bot.table(self.line.number)
        match event.kind:
            case "text":
                return self._decide_text()
            case "timer":
                return self._decide_timer()
            case "event":
                route = table.events.get(event.text)
                data = codec.loads(event.data) if event.data else {}
                why = f'the event "{event.text}" arrived'
                return Decision(why, _to(route, why), {"event": data})
            case "delivery":
                data = codec.loads(event.data)
                status = Status(data["status"])
                why = f"a text to this number is {status}"
                report = Delivery(status, data["text"], data["outgoing"])
                return Decision(why, _to(table.deliveries.get(status), why), {"report": report})
            case "optout":
                return Decision("the person opted out", ends="stopped")
            case _:
                return Decision("the person opted in again")

    def _decide_text(self) -> Decision:
        text, table = self.event.text, self.line.bot.table(self.line.number)
        found = tokens(text)
        if consent.recognise(found, self.line.country) is consent.Word.HELP:
            answer = table.anywhere.find(text, found) or table.anywhere.find("help", tokens("help"))
            if answer is None:
                return Decision("HELP is always answered", says=self.line.help)
            return Decision("HELP is always answered", Match(answer[0], answer[1], "HELP is always answered"))
        match = table.match(text, found, self.before)
        return Decision(match.why, match) if match else Decision("nothing matches and there is no fallback")

    def _decide_timer(self) -> Decision:
        run = self.before.run
        frame = run.frame if run else None
        if run is None or frame is None or frame.deadline is None or self.event.data != _timer_data(run, frame):
            return Decision("the answer came first, so this timeout does nothing")
        why = f'no answer at "{frame.state}" in time'
        if not frame.then:
            return Decision(why, ends="abandoned")
        return Decision(why, Match(self.line.bot.table(self.line.number).state(frame.then), {}, why))

    # -- what the handler asked for -----------------------------------------------------------------

    def returned(self, signature: Signature, result: object) -> None:
        """A returned text is a reply; anything else but None is a mistake worth naming."""
        self.chat.check_promises()
        if isinstance(result, str):
            self.chat.say(result)
        elif result is not None:
            raise ChatError(f"{signature.name} returned {type(result).__name__}; return a text or nothing")

    def segment(self, now: float) -> Step | None:
        """What was said and journaled since the last segment; None if that is nothing."""
        outgoing, journal = self._new(now)
        if not outgoing and not journal:
            return None
        self._version += 1
        return Step(
            self.event,
            replace(self.before, version=self._version),
            consumed=False,
            note=self.decision.why,
            outgoing=outgoing,
            journal=journal,
        )

    def _new(self, now: float) -> tuple[tuple[Outgoing, ...], tuple[Entry, ...]]:
        effects = self.chat.effects
        said, journal = effects.said[self._said :], effects.journal[self._journaled :]
        outgoing = tuple(
            owed(reply, n, self.event, self.line, now) for n, reply in enumerate(said, self._first + self._said)
        )
        entries = tuple(Entry(self.run_id, self.event.id, seq, kind, value) for seq, kind, value in journal)
        self._said, self._journaled = len(effects.said), len(effects.journal)
        return outgoing, entries

    def step(self, now: float, note: str = "") -> Step:
        """The end of the turn."""
        effects, decision = self.chat.effects, self.decision
        if decision.says:
            effects.said.append(Reply(decision.says))
        if decision.ends:
            effects.end = decision.ends
        run, runs, visits = self._next_run(now)
        if self._digressed(run):
            frame = run.frame if run else None
            if frame is not None and frame.prompt:
                effects.said.append(Reply(frame.prompt))
        outgoing, journal = self._new(now)
        timers, cancelled = self._timers(run)
        contact = self.chat.contact.changes()
        after = replace(
            self.before,
            version=self._version + 1,
            run=run,
            contact=self.chat.contact.stored() if contact else self.before.contact,
        )
        return Step(
            self.event, after, True, note or decision.why, outgoing, timers, cancelled, journal, runs, visits,
            contact,
        )  # fmt: skip

    def _digressed(self, run: Run | None) -> bool:
        """Whether something else was answered while a question stays open."""
        effects = self.chat.effects
        if run is None or effects.state is not None or effects.end is not None:
            return False
        return bool(self.decision.says) or (self.route is not None and self.route.kind == "anywhere")

    def _next_run(self, now: float) -> tuple[Run | None, tuple[Run, ...], tuple[str, ...]]:
        """The open run after this turn, the run rows to write, and the places visited."""
        effects, before = self.chat.effects, self.before.run
        data = codec.dumps(self.chat.data)
        if self.event.kind == "timer" and self.route is not None and effects.state is None and effects.end is None:
            effects.end = "abandoned"  # nobody waits for an answer any more
        if effects.state is not None:
            for state in filter(None, (effects.state, effects.then)):
                self.line.bot.table(self.line.number).state(state)  # raises for one without a handler
            frame = self._frame(effects.state, data, now)
            if before is not None:
                return replace(before, frames=(frame,)), (), (effects.state,)
            run = self._start(now, frames=(frame,))
            return run, (run,), (run.started_by, effects.state)
        if before is not None:
            if effects.end is not None:
                return None, (replace(before, ended=now, end=effects.end),), ()
            if before.frame is None or data == before.frame.data:
                return before, (), ()
            return (
                replace(before, frames=(*before.frames[:-1], replace(before.frame, data=data))),
                (),
                (),
            )
        if self.route is None or self.route.kind not in ("on", "event"):
            return None, (), ()
        run = self._start(now, ended=now, end=effects.end or "done")
        return None, (run,), (run.started_by,)

    def _start(self, now: float, frames: tuple[Frame, ...] = (), ended: float | None = None, end: str = "") -> Run:
        by = self.route.trigger if self.route else self.event.kind
        return Run(self.run_id, self.line.bot.name, by, now, frames, ended, end)

    def _frame(self, state: str, data: str, now: float) -> Frame:
        effects = self.chat.effects
        wait = self.line.bot.timeout if effects.timeout is None else effects.timeout
        prompt = effects.said[-1].text if effects.said else ""
        name = self.route.signature.name if self.route else ""
        return Frame("handler", name, state, data, prompt, now + wait, effects.then)

    def _timers(self, run: Run | None) -> tuple[tuple[Timer, ...], tuple[str, ...]]:
        """The timeout to set, and the one that no longer matters."""
        old = self.before.run.frame if self.before.run else None
        new = run.frame if run else None
        if run is not None and new is not None and new.deadline is not None:
            if old is not None and old.deadline == new.deadline and old.state == new.state:
                return (), ()
            return (Timer(self.event.key, TIMEOUT, new.deadline, _timer_data(run, new)),), ()
        return (), ((TIMEOUT,) if old is not None and old.deadline is not None else ())


def _to(route: Route | None, why: str) -> Match | None:
    return Match(route, {}, why) if route is not None else None


def _timer_data(run: Run, frame: Frame) -> str:
    """What ties a timeout to the question that set it."""
    return f"{run.id.hex()} {frame.deadline!r}"
