"""What a handler says, remembers and moves on to: plain verbs that take effect together when the turn commits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from smsbot.core import codec, segments
from smsbot.core.clock import Duration, duration
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError, UsageError
from smsbot.core.handover import Handoff
from smsbot.core.hours import hours as read_hours
from smsbot.core.lanes import CHOSEN
from smsbot.core.message import Event, Message, Reply
from smsbot.core.nearest import nearest
from smsbot.core.otp import Wanted, with_any
from smsbot.core.when import when
from smsbot.core.zones import zone_of

from .contact import Contact
from .declared import as_mapping
from .effects import Goto, Start
from .session import Defaults, Session

_DEFAULTS = Defaults()


class Speaking:
    """A chat as far as it waits for nothing."""

    __slots__ = ("_session", "contact", "data", "line", "number", "state")

    def __init__(
        self, event: Event, conversation: Conversation, *, defaults: Defaults = _DEFAULTS, seed: bytes = b""
    ) -> None:
        frame = conversation.run.frame if conversation.run else None
        self.line = event.key.line
        """Our number, the one that was texted."""
        self.number = event.key.number
        """Theirs."""
        self.state = frame.state if frame else None
        """The state that the conversation stood at when this turn began."""
        self.data: dict[str, Any] = codec.loads(frame.data) if frame and frame.is_state else {}
        """This run's data; kept while the run is open."""
        self.contact = Contact(event.key.number, conversation.contact)
        """The person, across lines and runs."""
        self._session = Session(
            event, self.contact, defaults=defaults, opted_out=conversation.opted_out, seed=seed
        )  # fmt: skip

    @property
    def random(self) -> Random:
        """Randomness that is the same whenever this conversation is replayed."""
        return self._session.random

    def text(self, name: str, /, **values: Any) -> str:
        """A named text that lies with the bot's flows, in the person's language, with values in its holes.

        Raises `ChatError` for a text that there is not, and for holes without a value.
        """
        try:
            return self._session.defaults.text(name, self.contact.language, values)
        except UsageError as error:
            raise ChatError(str(error.args[0])) from None

    @property
    def message(self) -> Message:
        """The text that woke the conversation (empty where it was a timer or an event)."""
        return Message.of(self._session.event)

    @property
    def event(self) -> str:
        """The name of the event that woke the conversation; empty where it was a text or a timer."""
        event = self._session.event
        return event.text if event.kind == "event" else ""

    @property
    def now(self) -> datetime:
        """When this turn's event happened, by the person's clock; the same if the turn runs again.

        The zone is ``contact["timezone"]`` where it names one (IANA, ``"America/New_York"``), else that of the line.
        """
        return datetime.fromtimestamp(self._session.event.at, zone_of(self.contact, self._session.defaults.zone))

    def say(
        self,
        text: str,
        *,
        valid: Duration = 0.0,
        at: datetime | str | None = None,
        flash: bool = False,
        media: str = "",
        ref: str = "",
        secret: bool = False,
        lane: str = "",
        code: Wanted | None = None,
    ) -> None:
        """Send a text when the turn commits.

        `valid` is how long it is worth sending, counted from what it answers (or from `at`); past that it
        is listed as expired instead (C9). By default that is as long as others of its lane: a reply an hour, a notice
        twelve, a code five minutes. `lane` is how urgent it is: ``priority``, ``reply``, ``notice`` or ``bulk``; by
        default a text with a code overtakes all others, an answer is a reply, and what a timer or an event sets off is
        a notice. `at` sends it later: a datetime with a zone, or a time of their day (``9:00 tomorrow``). `flash`
        shows it at once and keeps it not (class 0, 3GPP TS 23.038 §4), where the gateway can. `media` is the address of
        a picture that goes with it, where the gateway can; else that is an error here, not on the way. `ref` is what
        you call the text, such as ``order-7``: the desk finds it by that. `secret` is for a text that holds a code: the
        desk sees whether it arrived, and nobody but the person what it says. `code` is what `verify` says one with.
        Raises `ChatError` for an empty text or one of more than 9 SMS parts.
        """
        clean = sayable(text, code)
        if media:
            self._check_media(media)
        if lane and lane not in CHOSEN:
            near = nearest(lane, CHOSEN)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(CHOSEN)}"
            raise ChatError(f'say(lane="{lane[:40]}"): {hint}')
        if not self._session.silent:
            due = self._moment(at, "say(at=...)") if at else None
            life = duration(valid) if valid else 0.0
            if code is not None:
                life, secret, code = code.valid, True, replace(code, line=self._session.event.key.line)
            self._session.effects.say(
                Reply(clean, life, due, flash, media, ref=ref, secret=secret, lane=lane, code=code)
            )  # fmt: skip

    def _check_media(self, media: str) -> None:
        if not media.startswith("https://"):
            raise ChatError('say(media=…) takes the address of a picture: "https://…"')
        if not self._session.defaults.sends_media:
            name = self._session.defaults.gateway
            why = f'the gateway "{name}" cannot send pictures' if name else "this gateway cannot send pictures"
            raise ChatError(f"{why}, so say(media=…) is for lines of one that can (twilio); send a link in the text")

    def since(self, change: str) -> bool:
        """Whether this conversation came to a change of its code with that change in it; the same in each replay.

        ``if chat.since("asks-zip"): zip = await chat.ask("Zip?")``: who stood behind that place when it was deployed is
        not asked, everybody else is. The guard may go once nobody is left who came there before.
        """
        if not str(change).strip():
            raise ChatError('since() takes the name of a change, such as chat.since("asks-zip")')
        return self._session.since(change)

    def goto(
        self,
        state: str | Callable[..., Any],
        *,
        timeout: Duration | None = None,
        then: str | Callable[..., Any] = "",
    ) -> None:
        """Wait for the next text at `state`, whose `@bot.state` handler gets it: its name, or the handler.

        After `timeout` of silence (default: the bot's) the handler of the state `then` runs with an empty
        text; without `then` the run ends ``abandoned``.
        """
        wait = None if timeout is None else duration(timeout)
        named = self._session.defaults.state
        target, after = named(state), named(then) if then else ""
        if not self._session.silent:
            self._session.effects.goto, self._session.effects.end = Goto(target, wait, after), None

    def end(self, label: str = "done") -> None:
        """End the run with a label for the funnel; its data is gone."""
        if type(label) is not str or not label.isprintable():
            raise ChatError('end() takes a label, such as "ordered"')
        if not self._session.silent:
            self._session.effects.end, self._session.effects.goto = label, None

    def handoff(self, desk: str, *, say: str = "", hours: str = "", closed: str = "", alert: bool = True) -> None:
        """Tell a desk that this person waits for somebody there, and say `say` to them; listed at ``/inbox``.

        Outside `hours` (``"Mon-Fri 9:00-17:00, Sat 10-14"``, by the line's clock) `closed` is said instead. `alert`:
        the desk is told at once, where the settings say how. Raises `ChatError` for hours that cannot be read.
        """
        if bool(closed) and not hours:
            raise ChatError("handoff(closed=...) needs hours, outside which it is said")
        try:
            open_ = not hours or read_hours(hours).at(self.now.astimezone(zone_of({}, self._session.defaults.zone)))
        except UsageError as wrong:
            raise ChatError(wrong.args[0]) from None
        if not self._session.silent:
            self._session.effects.handoffs.append(Handoff(desk, alert))
        if words := say if open_ else closed:
            self.say(words)

    def start(
        self,
        name: str,
        data: object = None,
        /,
        *,
        to: str = "",
        at: datetime | None = None,
        key: str = "",
        busy: str = "",
        valid: Duration = 0.0,
    ) -> str:
        """Begin what answers the event `name` for somebody (by default this person), committed with this turn.

        Returns ``opted_out`` where this person has opted out, so that nothing begins; else ``scheduled``: what becomes
        of it is decided in their own turn.

        ``chat.start("page", {"what": "fire"}, to="+48…")``. `data` is a mapping, or what the handler of the event
        takes: a dataclass, a model; what does not fit is an error here. `at` begins it later; the same `key` counts
        once a person; `busy` says what if they are in a conversation (``queue``, ``replace``, ``skip``); past `valid`
        it is not worth beginning any more.
        """
        if at is not None and at.tzinfo is None:
            raise ChatError("start(at=...) needs a time with a zone, such as datetime.now(UTC)")
        told = as_mapping(data)
        if why := self._session.defaults.unfit(name, told):
            raise ChatError(f"chat.start: {why}")
        if self._session.opted_out and to in ("", self.number):
            return "opted_out"
        if not self._session.silent:
            moment = at.timestamp() if at else None
            self._session.effects.starts.append(
                Start(name, to or self.number, moment, key=key, busy=busy, valid=duration(valid), data=told)
            )
        return "scheduled"

    def _moment(self, at: str | datetime, what: str) -> float:
        """A moment, as seconds since 1970: a datetime with a zone, or a time of the person's day."""
        if isinstance(at, datetime):
            if at.tzinfo is None:
                raise ChatError(f"{what} needs a time with a zone, such as datetime.now(UTC)")
            return at.timestamp()
        zone = zone_of(self.contact, self._session.defaults.zone)
        awake = functools.partial(self._session.defaults.awake, self.number)
        return when(at).moment(self._session.event.at, zone, lambda moment, seconds: awake(moment, seconds, zone))


def sayable(text: Any, code: Wanted | None = None) -> str:
    """The text as it can be sent; raises `ChatError` for an empty one, and for one of more than 9 SMS parts."""
    if not isinstance(text, str):
        raise ChatError(f"say() takes a text, not {type(text).__name__}")
    if not text.strip():
        raise ChatError("say() was given an empty text")
    clean = text.encode("utf-8", "replace").decode() if not text.isascii() else text
    parts = 1 if len(clean) <= 70 else segments.count(with_any(clean, code)).segments
    if parts > segments.MAX_PARTS:
        raise ChatError(f"a text of {parts} SMS parts is refused; {segments.MAX_PARTS} is the most")
    return clean
