"""The decision on an event: a handler to call, flows to wake, or words that need neither (pure).

The order for texts is that of docs/path.md: HELP, the open question's own words, what is
answered anywhere, the open question by its type, another start word, and then another try.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from typing import Any

from smsbot.core import codec
from smsbot.core.commit import Timer
from smsbot.core.conversation import Conversation, StoredFrame
from smsbot.core.errors import FlowError, UsageError
from smsbot.core.handover import IDLE, PATIENCE, STOPPED, WAYS, Handoff
from smsbot.core.lanes import CONSENT
from smsbot.core.message import Event, Message
from smsbot.core.question import Question
from smsbot.core.start import parked, start_of, timer_of
from smsbot.core.status import Status
from smsbot.flows.arguments import arguments_of
from smsbot.flows.engine import render
from smsbot.flows.state import Again, Back, Due, Person, Said
from smsbot.flows.steps import Flow
from smsbot.routing.chat import Delivery, Reaction
from smsbot.routing.table import Match, Route
from smsbot.understanding import consent, identity, languages
from smsbot.understanding.answers import Answer, Reading
from smsbot.understanding.said import command, said, without_filler
from smsbot.understanding.words import Token, tokens

from .decision import Decision
from .frames import Resume, Stack, anywhere, begin, late_of, restore
from .lines import Line

_PICTURES_EVERY = 60.0
"""Seconds between two answers to pictures that nothing takes: a phone may send ten at once."""
_GUESS_EVERY = 3600.0
"""Seconds between two "did you mean" for one person."""
WRONG_NUMBER = "wrong number"
"""The desk that is told of people who are not who we think."""
_HELD = "held: this person says that we have the wrong number"


class Decider:
    """An event, and the conversation that it wakes."""

    def __init__(
        self,
        line: Line,
        conversation: Conversation,
        event: Event,
        person: Callable[[], Person],
        *,
        repeat: bool = False,
        strange: bool = True,
    ) -> None:
        self._line = line
        self._repeat = repeat
        self._strange = strange
        """Whether we wrote to the person before they wrote to us, so that we may have the wrong number."""
        self._conversation = conversation
        self._event = event
        self._person = person

    def decide(self) -> Decision:
        """Decide on the event."""
        event, table = self._event, self._line.table
        if self._conversation.owner and event.kind not in ("optout", "optin"):
            return self._with_person()
        match event.kind:
            case "text":
                return self._text(event.text)
            case "media":
                return self._picture()
            case "timer":
                return self._timer()
            case "event":
                return self._outside(table.events.get(event.text))
            case "delivery":
                data = codec.loads(event.data)
                status = Status(data["status"])
                why = f"a text to this number is {status}"
                report = Delivery(status, data["text"], data["outgoing"], data.get("ref", ""))
                return Decision(why, _to(table.deliveries.get(status), why), {"report": report})
            case "reaction":
                told = codec.loads(event.data)
                why = "the person took a reaction back" if told["removed"] else f"the person reacted: {told['sign']}"
                reaction = Reaction(told["sign"], told["quoted"], told["removed"])
                return Decision(why, _to(table.reaction, why), {"reaction": reaction})
            case "release":
                ends = event.text == "end"
                why = "the desk ends the conversation" if ends else "the bot has the conversation already"
                return self._given_back("end", why, has=False) if ends else Decision(why)
            case "optout":
                why = "the person opted out"
                return Decision(why, _to(table.optout, why), ends="stopped")
            case _:
                why = "the person opted in again"
                return Decision(why, _to(table.optin, why))

    # -- what a person at the desk looks after ------------------------------------------------------

    def _with_person(self) -> Decision:
        """The bot is silent; what would wake it waits, and the desk may give the conversation back."""
        event, owner = self._event, self._conversation.owner
        why = f"{owner} looks after this person, so the bot is silent"
        idle = Timer(event.key, IDLE, event.at + PATIENCE)
        match event.kind:
            case "release":
                return self._given_back(event.text, f"{owner} gives the conversation back: {event.text}")
            case "timer" if event.text == IDLE:
                return self._given_back(WAYS[0], f"{owner} took over, and nobody has said anything for hours")
            case "timer":
                return Decision(why, parks=Timer(event.key, event.text, event.at + STOPPED, event.data))
            case "event":
                return Decision(why, parks=timer_of(event, event.at + STOPPED, event.id), outcome="queued")
            case "text" if consent.recognise(said(event.text).words, self._line.country) is consent.Word.HELP:
                return replace(self._help(event.text), parks=idle)
            case "text" | "media":
                return Decision(why, parks=idle)
            case _:
                return Decision(why)

    def _given_back(self, how: str, why: str, *, has: bool = True) -> Decision:
        """The bot goes on at its open question, or the run ends; what begins anew comes as an event of its own."""
        ends = {"end": "ended_by_desk", "restart": "restarted"}.get(how, "") if self._conversation.run else ""
        says = (self._event.data,) if ends and self._event.kind == "release" and self._event.data else ()
        return Decision(why, says=says, ends=ends, gives_back=has)

    # -- texts --------------------------------------------------------------------------------------

    def _picture(self) -> Decision:
        """A picture without words: the open question's, or a handler's, or answered as the bot says."""
        answer = self._pictured(self._stack())
        if answer is not None:
            return answer
        route, event = self._line.table.media, self._event
        if route is not None:
            return Decision("a picture without words", _to(route, "a picture without words"))
        if event.at - self._conversation.fallback_at < _PICTURES_EVERY:
            return Decision("another picture without words that nothing takes")
        says = self._line.bot.media or languages.says("media", self._language())
        return Decision("a picture without words, which nothing takes", says=(says,), guesses=True)

    def _pictured(self, stack: Stack | None) -> Decision | None:
        """A picture that answers the open question."""
        pictures = self._event.media
        if stack is None or not pictures or stack.top.question is None or stack.top.question.kind != "media":
            return None
        read = Answer(pictures[0])
        return Decision(f"the picture answers {stack.top.place}", resume=Resume(stack, Said(self._event.text, read)))

    def _coded(self, stack: Stack | None) -> Decision | None:
        """A text that holds the code which the open question waits for, or a wrong one: it counts with the turn."""
        typed = self._event.typed
        if stack is None or typed is None or not typed[0] or typed[0] != stack.top.code:
            return None
        read = Answer(True) if typed[1] else None
        why = f"the code at {stack.top.place} is {'right' if typed[1] else 'wrong'}"
        return Decision(why, resume=Resume(stack, Said(self._event.text, read)), typed=typed)

    def _text(self, text: str) -> Decision:
        found = said(text).words
        word = consent.recognise(found, self._line.country)
        if word is consent.Word.HELP:
            return self._help(text)
        if self._repeat:
            return Decision("the last answer once more, sent before our next text was there: ignored")
        exact = word is not None  # no typo leads from a consent word
        stack = self._stack()
        if (pictured := self._pictured(stack) or self._coded(stack)) is not None:
            return pictured
        if stack is not None:
            return self._in_flow(stack, text, found)
        frame, table = self._frame, self._line.table
        digression = self._anywhere(text, found, ()) if self._line.versions.current.flows else None
        if digression is not None:
            return digression
        match = table.match(text, found, self._conversation, exact=exact, read=self._reads, given=self._given)
        if (match is None or match.route.kind in ("fallback", "state")) and self._is_wrong_number(text):
            return self._wrong_number()
        if frame is None and (match is None or match.route.kind == "fallback"):
            late = late_of(self._conversation, self._line.versions, text, self._person())
            if late is not None:
                return Decision("the text answers a question that had timed out", resume=late)
            guess = self._guess(found) if not exact else None
            if guess is not None:
                return guess
        return self._matched(match)

    def _reads(self, question: Question, text: str) -> Reading:
        """Read what a hole takes; the person is made only where one is of a kind."""
        return self._person().reads(question, text)

    def _given(self) -> Mapping[str, Any]:
        """What a predicate may name."""
        return {"message": Message.of(self._event), "contact": dict(self._person().contact)}

    def _matched(self, match: Match | None) -> Decision:
        if match is None:
            return Decision("nothing matches and there is no fallback")
        route = match.route
        if route.flow and route.kind == "fallback":
            flow = self._line.versions.current.flow(route.flow)
            if flow.fallback:
                return Decision(match.why, match, says=render(flow, flow.fallback, self._person()))
        if route.flow:
            resume = begin(
                self._line.versions, route.flow, _answers(match, self._line, self._reads), route.trigger, route.language
            )
            return Decision(match.why, match, resume=resume)
        return Decision(match.why, match)

    def _guess(self, found: Sequence[Token]) -> Decision | None:
        """ "Did you mean PIZZA?", where a text is spelled nearly like a start word."""
        if self._event.at - self._conversation.fallback_at < _GUESS_EVERY:
            return None
        meant = self._line.table.keywords.meant(without_filler(found))
        if meant is None or consent.recognise(tokens(meant[1]), self._line.country) is not None:
            return None
        word = meant[0].trigger
        says = languages.says("did_you_mean", self._language()).format(word=word.upper())
        return Decision(f'it is spelled nearly like "{word}", so the person is asked', says=(says,), guesses=True)

    def _language(self) -> str | None:
        """The language of texts of ours that no bot says: the person's, else that in which the bot speaks."""
        prompt = self._frame.prompt if self._frame is not None else ""
        return self._person().language or languages.language_of(prompt) or languages.language_of(self._line.help)

    def _is_wrong_number(self, text: str) -> bool:
        """Whether somebody whom we wrote to first, outside of what they have begun, says that they are not meant."""
        if not self._strange or self._line.wrong_number == "":
            return False
        return identity.is_wrong_number(text)

    def _wrong_number(self) -> Decision:
        """The run ends, nothing proactive goes there any more, the desk is told."""
        words = self._line.wrong_number
        return Decision(
            "the person says that we write to the wrong number: the run ends, and the desk is told",
            says=(languages.says("wrong_number", self._language()) if words is None else words,), ends="wrong_number",
            handoff=Handoff(WRONG_NUMBER), hold=_HELD,
        )  # fmt: skip

    def _help(self, text: str) -> Decision:
        why = "HELP is always answered"
        stack = None
        with suppress(FlowError):  # not even a flow that cannot be read keeps HELP from its answer
            stack = self._stack()
        table = self._line.table
        for word in (text, "help"):
            digression = anywhere(self._flows(stack), word, self._person())
            if digression is not None:
                return Decision(why, says=digression[1], lane=CONSENT, anywhere=digression[0])
            answer = table.digression(word, tokens(word), self._reads)
            if answer is not None:
                return Decision(why, replace(answer, why=why), lane=CONSENT)
        return Decision(why, says=(self._line.help,), lane=CONSENT)

    def _anywhere(self, text: str, found: Sequence[Token], flows: Sequence[Flow]) -> Decision | None:
        """The decision on a text that flows answer at any time: the open ones, and after the handlers the others."""
        own = anywhere(flows, text, self._person())
        if own is None and self._line.table.digression(text, found, self._reads) is None:
            own = anywhere(self._flows(None), text, self._person())
        if own is None:
            return None
        return Decision(f'"{own[0]}" answers anywhere', says=own[1], anywhere=own[0])

    def _in_flow(self, stack: Stack, text: str, found: Sequence[Token]) -> Decision:
        """A text while a flow is open."""
        table, place = self._line.table, stack.top.place
        read = stack.top.read(text, self._person()) if stack.top.asks else None
        literal = isinstance(read, Answer) and read.literal and not read.rest
        if not literal:
            digression = self._command(stack, found) or self._anywhere(text, found, stack.flows)
            if digression is not None:
                return digression
            matched = table.digression(text, found, self._reads)
            if matched is not None:
                return Decision(matched.why, matched)
        free = isinstance(read, Answer) and not read.literal
        keyword = None
        if stack.top.switchable:
            keyword = table.keyword(text, found, exact=True, read=self._reads, named=stack.top.asks)
        if not literal and keyword is None and self._is_wrong_number(text):
            return self._wrong_number()
        if stack.top.asks and (literal or free or stack.top.settles):
            return Decision(f"the text answers {place}", resume=Resume(stack, Said(text, read)))
        if keyword is not None:
            return self._switch(keyword)
        if stack.top.asks:
            return Decision(f"the text does not answer {place}", resume=Resume(stack, Said(text, read)))
        if table.fallback is not None:
            return Decision("nothing is asked, so the fallback answers", Match(table.fallback, {}, "nothing is asked"))
        return Decision(f"nothing is asked at {place}")

    def _command(self, stack: Stack, found: Sequence[Token]) -> Decision | None:
        """BACK and AGAIN, while a question is open."""
        if not stack.top.asks:
            return None
        word = command(found)
        if word == "again":
            return Decision("the person wants to hear the question again", resume=Resume(stack, Again()))
        if word == "back" and stack.top.goes_back:
            return Decision("the person goes back to the question before", resume=Resume(stack, Back()))
        return None

    def _switch(self, match: Match) -> Decision:
        """Another start word during a question: what is open ends `switched`."""
        if match.route.flow:
            return self._matched(match)
        return Decision(match.why, match, switches=True)

    # -- what is not a text -------------------------------------------------------------------------

    def _timer(self) -> Decision:
        run, frame = self._conversation.run, self._frame
        if run is None or frame is None or not run.mark or self._event.data != run.mark:
            return Decision("the answer came first, so this timeout does nothing")
        stack = self._stack()
        if stack is not None:
            return Decision(f"{stack.top.place} is due", resume=Resume(stack, Due()))
        why = f'no answer at "{frame.state}" in time'
        if not frame.then:
            return Decision(why, ends="abandoned")
        return Decision(why, Match(self._line.table.state(frame.then), {}, why))

    def _outside(self, route: Route | None) -> Decision:
        event, start = self._event, start_of(self._event)
        data, why = start.data, f'the event "{self._event.text}" arrived'
        flow = self._line.versions.current.flow(route.flow) if route is not None and route.flow else None
        begins = route is not None and self._line.begins(route)
        if 0 < start.expires <= event.at:
            return Decision(f'"{event.text}" was not worth beginning any more', outcome="expired")
        if begins and self._conversation.opted_out:
            why = f'"{event.text}" begins nothing, because the person has opted out'
            return Decision(why, outcome="opted_out")
        if begins and self._conversation.run is not None:
            match start.busy or (flow.start.busy if flow is not None else "") or "queue":
                case "queue":
                    why = f'"{event.text}" waits until this conversation has ended'
                    return Decision(why, parks=parked(event), outcome="queued")
                case "skip":
                    why = f'"{event.text}" is left out, because the person is in a conversation'
                    return Decision(why, outcome="skipped")
        if flow is not None:
            person = self._person()
            try:
                values = arguments_of(flow, data, person.moment.tzinfo or UTC, person.country)
            except UsageError as error:  # it was taken in when the flow took something else
                return Decision(f'"{event.text}" does not fit the flow any more: {error.args[0]}', outcome="skipped")
            if flow.start.event == event.text:
                values["event"] = data
            return Decision(why, resume=begin(self._line.versions, flow.name, values, event.text))
        return Decision(why, _to(route, why), {"event": data}, switches=begins and self._conversation.run is not None)

    # -- where the conversation stands --------------------------------------------------------------

    @property
    def _frame(self) -> StoredFrame | None:
        return self._conversation.run.frame if self._conversation.run else None

    def _stack(self) -> Stack | None:
        """The open flows; None if a handler, or nothing, is open."""
        run = self._conversation.run
        if run is None or not run.is_held:
            return None
        return restore(self._line.versions, run.frames, run.content, self._conversation.key)

    def _flows(self, stack: Stack | None) -> Sequence[Flow]:
        """The open flows, the uppermost first; then all others."""
        opened = stack.flows if stack is not None else []
        return [*opened, *self._line.versions.current.flows.values()]


def _answers(match: Match, line: Line, reads: Callable[[Question, str], Reading]) -> Mapping[str, Any]:
    """What the holes of a start word answer; what is an argument of the flow is read as its type."""
    types = line.versions.current.flow(match.route.flow).arg_types
    if not types.keys() & match.answers.keys():
        return match.answers
    found = dict(match.answers)
    for name in types.keys() & found.keys():
        read = reads(types[name], match.texts.get(name) or str(found[name]))
        found[name] = read.value if isinstance(read, Answer) else None
    return found


def _to(route: Route | None, why: str) -> Match | None:
    return Match(route, {}, why) if route is not None else None
