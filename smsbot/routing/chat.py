"""The chat that a handler holds: verbs that say, remember and move on. Nothing leaves until the turn commits."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Concatenate, Never, ParamSpec, TypeVar, overload

from typing_extensions import TypeForm, Unpack

from smsbot.core import codec, segments
from smsbot.core.clock import Duration, duration
from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError, UsageError
from smsbot.core.handover import Handoff
from smsbot.core.hours import hours as read_hours
from smsbot.core.lanes import CHOSEN
from smsbot.core.message import Event, Message, Reply
from smsbot.core.nearest import nearest
from smsbot.core.otp import FEWEST, MOST, RESENDS, TRIES, VALID, Wanted, with_any, worded
from smsbot.core.question import Question
from smsbot.core.request import Ask, Call, Do, Gather, Request, Sleep, Wait, WentBack
from smsbot.core.when import when
from smsbot.core.zones import zone_of
from smsbot.understanding.answers import Unsure
from smsbot.understanding.kinds import Kind, is_form, kind_of, listed, numbered, yes_no

from .contact import Contact
from .declared import as_mapping
from .effects import Delivery, Goto, Reaction, Start
from .session import Defaults, Session
from .terms import AskTerms, read_terms

__all__ = ["Chat", "Contact", "Delivery", "Reaction", "retrying"]
P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Restart:
    """The value that `chat.restart` returns: the conversation begins again, with these arguments."""

    arguments: Mapping[str, Any]


_DEFAULTS = Defaults()


class Chat:
    """The conversation as a handler sees it.

    `say`, `goto`, `end`, `data` and `contact` are plain and take effect together when the turn commits;
    if the handler raises, nothing of them happened. `step` is awaited.
    """

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

    # -- what is awaited ----------------------------------------------------------------------------

    @overload
    def ask(self, prompt: str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[str]: ...
    @overload
    def ask(self, prompt: str, kind: Kind[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(
        self, prompt: str, kind: Mapping[T, str | Sequence[str]], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]: ...
    @overload
    def ask(self, prompt: str, kind: Sequence[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(self, prompt: str, kind: TypeForm[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(
        self, prompt: str, kind: Callable[[str], T | Unsure | None], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]: ...
    def ask(self, prompt: str, kind: Any = str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[Any]:
        """Ask, and wait for the answer, also through restarts: ``size = await chat.ask("Size?", choice(…))``.

        `kind` is a type (``str``, ``int``, ``bool``, ``Decimal``, ``date``, ``time``, ``datetime``, ``Money``), a
        Literal, an Enum, a list or a mapping of options, a dataclass (its fields are asked one by one), a kind such as
        ``integer(1, 9)``, or an ``@bot.answer``. `key` names the question where no variable does. `tries` wrong answers
        are asked again; one more raises `TooManyTries`, and silence for `timeout` raises `NoReply`.
        """
        if is_form(kind):
            return self._form_of(prompt, kind, terms)
        return self._session.promise(self._ask(prompt, kind_of(kind), key, terms, back=False), "chat.ask")

    def confirm(self, prompt: str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[bool]:
        """Ask for yes or no: ``if await chat.confirm("OK? YES or NO"):``."""
        made: Wait[bool] = self._session.promise(self._ask(prompt, yes_no(), key, terms, back=False), "chat.confirm")
        return made

    def verify(
        self,
        purpose: str = "",
        text: str = "Your code is {code}",
        /,
        *,
        digits: int = 6,
        valid: Duration = VALID,
        tries: int = TRIES,
        resends: int = RESENDS,
        retry: str = "",
        domain: str = "",
        key: str = "",
    ) -> Wait[bool]:
        """Send a one-time code, and wait until it is typed: ``await chat.verify("sign-in")``; True once it was.

        The code stands nowhere: not in the database, a log, a page. `tries` wrong ones raise `TooManyTries`, and
        `NoReply` is raised when it is `valid` no longer. Who writes AGAIN gets the same code once more, at most
        `resends` times. `retry` is said after a wrong one, with ``{left}`` where the tries stand that are left.
        `domain` is that of a site that may fill it in by itself. Raises `ChatError` for a text without ``{code}``.
        """
        if "{code}" not in text:
            raise ChatError("verify() takes a text with {code} in it")
        if not FEWEST <= digits <= MOST:
            raise ChatError(f"a code has {FEWEST} to {MOST} digits, not {digits}")
        if tries < 1 or resends < 0:
            raise ChatError("verify() takes one try at the least, and no resend or more")
        wanted = Wanted(purpose, digits, duration(valid), tries, resends)
        kind = Kind(Question("code", code=wanted), bool)
        terms: AskTerms = {"tries": tries - 1, "timeout": wanted.valid}
        if retry:
            terms["retry"] = retry
        request = self._ask(worded(text, domain), kind, key or f"code {purpose}".strip(), terms, back=False)
        made: Wait[bool] = self._session.promise(request, "chat.verify")
        return made

    def menu(
        self, prompt: str, options: Mapping[T, str] | Sequence[T], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]:
        """Ask for one of the options listed below the prompt, numbered unless they are numbers; returns its key."""
        kind = listed(options)
        texts = options if isinstance(options, Mapping) else {option: str(option) for option in options}
        mark = "{}) {}" if numbered(kind.question.choices) else "{1}"
        shown = "\n".join([prompt, *(mark.format(n, text) for n, text in enumerate(texts.values(), 1))])
        made: Wait[T] = self._session.promise(self._ask(shown, kind, key, terms, back=False), "chat.menu")
        return made

    def form(
        self, questions: Mapping[str, str | tuple[str, Any]], /, **terms: Unpack[AskTerms]
    ) -> Wait[dict[str, Any]]:
        """Ask several questions; BACK goes to the one before. ``{"name": "Name?", "qty": ("How many?", int)}``."""
        listed = [(n, q if isinstance(q, tuple) else (q, str)) for n, q in questions.items()]
        return self._series(listed, terms, lambda answers: answers)

    def _form_of(self, prompt: str, kind: type[Any], terms: AskTerms) -> Wait[Any]:
        """The fields of a dataclass, asked one by one; ``field(metadata={"ask": "How many?"})`` words a question."""
        hints = typing.get_type_hints(kind)
        listed: list[tuple[str, tuple[str, Any]]] = []
        for field in dataclasses.fields(kind):
            words = field.metadata.get("ask", f"{field.name.replace('_', ' ').capitalize()}?")
            if field.init:
                listed.append((field.name, (words, field.metadata.get("kind", hints[field.name]))))
        if prompt:
            self.say(prompt)
        return self._series(listed, terms, lambda answers: kind(**answers))

    def _series(
        self, listed: Sequence[tuple[str, tuple[str, Any]]], terms: AskTerms, made: Callable[[dict[str, Any]], Any]
    ) -> Wait[Any]:
        async def work() -> Any:
            answers: dict[str, Any] = {}
            place = 0
            while place < len(listed):
                name, (prompt, kind) = listed[place]
                request = self._ask(prompt, kind_of(kind), name, terms, back=place > 0, function="form")
                try:
                    answers[name] = await Wait[Any](request, "chat.form")
                except WentBack:
                    place -= 1
                else:
                    place += 1
            return made(answers)

        return self._session.promise(Several(work, "chat.form"), "chat.form")

    def _ask(self, prompt: str, kind: Kind[Any], key: str, terms: AskTerms, *, back: bool, function: str = "") -> Ask:
        if not prompt.strip():
            raise ChatError("a question needs a text")
        made, reminds = read_terms(terms, self._session.defaults)
        site, name = self._session.site(f"ask {kind.question.kind}", key, function)
        question = replace(kind.question, tail=True) if terms.get("tail") else kind.question
        retry, unsure = terms.get("retry", ""), terms.get("unsure", "")
        return Ask(
            site,
            prompt=prompt,
            question=question,
            convert=kind.convert,
            terms=made,
            retry=retry,
            reminds=reminds,
            back=back,
            name=name,
            unsure=unsure,
            check=terms.get("check"),
        )

    def sleep(
        self, time: Duration = "", /, *, until: str | datetime = "", interrupt: bool = False, key: str = ""
    ) -> Wait[None]:
        """Let time pass, also through restarts: ``"2h"``, ``"2h waking"`` (quiet hours do not count).

        Or until a time of the person's day: ``until="9:00"``, ``"9:00 tomorrow"``, ``"Mon 9:00"``, or a datetime with a
        zone. Meanwhile the person may begin something else, and events come; this goes on at its time all the same.
        With ``interrupt=True`` another start word ends it. Raises `UsageError` for what is neither.
        """
        if (time == "") is (until == ""):
            raise ChatError('sleep() takes a time, such as "10m", or until="9:00"')
        if not isinstance(interrupt, bool):
            raise ChatError(f"sleep(interrupt=…) is True or False, not {type(interrupt).__name__}")
        site, _ = self._session.site("sleep", key)
        waking = isinstance(time, str) and "waking" in time.lower()
        if until or waking:
            request = Sleep(site, 0.0, self._moment(until or str(time), "sleep(until=…)"), interrupt)
        else:
            request = Sleep(site, duration(time), interrupt=interrupt)
        made: Wait[None] = self._session.promise(request, "chat.sleep")
        return made

    def _moment(self, at: str | datetime, what: str) -> float:
        """A moment, as seconds since 1970: a datetime with a zone, or a time of the person's day."""
        if isinstance(at, datetime):
            if at.tzinfo is None:
                raise ChatError(f"{what} needs a time with a zone, such as datetime.now(UTC)")
            return at.timestamp()
        zone = zone_of(self.contact, self._session.defaults.zone)
        awake = functools.partial(self._session.defaults.awake, self.number)
        return when(at).moment(self._session.event.at, zone, lambda moment, seconds: awake(moment, seconds, zone))

    @overload
    def step(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Wait[T]: ...
    @overload
    def step(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Wait[T]: ...
    def step(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Wait[Any]:
        """Run something that touches the outside once, and keep its result: ``await chat.step(function, …)``.

        What was said before it is sent before it begins. If the turn runs again, after a crash or an error,
        the kept result is returned and `function` is not called. `retrying(function, tries=3)` tries it again; a
        parameter called `idempotency_key` is filled with a key that is the same whenever this step runs.
        """
        if not callable(function):
            if inspect.iscoroutine(function):
                function.close()
            raise ChatError("chat.step() takes a function, not its result: write chat.step(f, x), not chat.step(f(x))")
        name = getattr(function, "__name__", "function")
        site, _ = self._session.site("step", name)
        tries, wait = getattr(function, "__smsbot_retry__", (1, 1.0))
        return self._session.promise(
            Do(
                site,
                name,
                function=function,
                args=args,
                kwargs=kwargs,
                tries=tries,
                wait=wait,
            ),
            f"chat.step({name})",
        )

    @overload
    def gather(self, a: Wait[A], b: Wait[B], /) -> Wait[tuple[A, B]]: ...
    @overload
    def gather(self, a: Wait[A], b: Wait[B], c: Wait[C], /) -> Wait[tuple[A, B, C]]: ...
    @overload
    def gather(self, *steps: Wait[Any]) -> Wait[tuple[Any, ...]]: ...
    def gather(self, *steps: Wait[Any]) -> Wait[Any]:
        """Run several steps at once: ``price, slot = await chat.gather(chat.step(f), chat.step(g))``."""
        done: list[Do] = []
        for step in steps:
            if not isinstance(step.request, Do):
                raise ChatError("chat.gather() takes steps that are not yet awaited: chat.gather(chat.step(f), …)")
            step.awaited = True
            done.append(step.request)
        site, _ = self._session.site("gather", "+".join(d.name for d in done))
        return self._session.promise(Gather(site, tuple(done)), "chat.gather")

    @overload
    def run(self, flow: str, /, *, returns: type[T], **values: Any) -> Wait[T]: ...
    @overload
    def run(self, flow: str, /, **values: Any) -> Wait[Any]: ...
    @overload
    def run(
        self, flow: Callable[Concatenate[Chat, P], Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Wait[T]: ...
    def run(self, flow: Any, /, *args: Any, **values: Any) -> Wait[Any]:
        """Run a flow in YAML, or another conversation function, to its end; returns what it returns.

        A flow that ends without an answer (``abandoned``) raises `NoReply`.
        """
        if isinstance(flow, str):
            site, _ = self._session.site("run", flow)
            returns = values.pop("returns", None)

            async def call() -> Any:
                value = await Wait[Any](Call(site, flow, values), "chat.run")
                if returns is not None and not isinstance(value, returns):
                    raise ChatError(f'the flow "{flow}" returned {type(value).__name__}, not {returns.__name__}')
                return value

            return self._session.promise(Several(call, f'chat.run("{flow}")'), "chat.run")
        if not callable(flow):
            raise ChatError("chat.run() takes the name of a flow, or a conversation function")

        async def called() -> Any:
            value = await flow(self, *args, **values)
            if isinstance(value, Restart):
                raise ChatError("chat.restart() begins anew what a text has begun; below chat.run(), write a loop")
            return value

        return self._session.promise(Several(called, "chat.run"), "chat.run")

    def restart(self, **arguments: Any) -> Never:
        """Begin this conversation again, with a fresh journal: ``return chat.restart(count=count + 1)``.

        For type checkers it returns nothing, so that it fits whatever the function returns.
        """
        return Restart(arguments)  # type: ignore[misc]

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


def session_of(chat: Chat) -> Session:
    """The session of a chat: smsbot's side of it, behind what its handler sees."""
    return chat._session


def beside(chat: Chat) -> Chat:
    """A chat that speaks in the same turn as another, to the same person, and is in no conversation."""
    made, session = copy.copy(chat), chat._session
    made._session = Session(
        session.event, chat.contact, defaults=session.defaults, opted_out=session.opted_out, seed=session.event.id
    )  # fmt: skip
    made._session.attend(session.effects)
    return made


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


class Several(Wait[Any]):
    """Something that waits more than once."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], Awaitable[Any]], said: str) -> None:
        super().__init__(Request(""), said)
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        self.awaited = True
        return self._work().__await__()


def retrying(function: Callable[P, T], *, tries: int = 3, wait: Duration = "1s") -> Callable[P, T]:
    """The function, tried up to `tries` times as a step: ``await chat.step(retrying(book, tries=3), slot)``."""

    @functools.wraps(function)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    again.__smsbot_retry__ = (tries, duration(wait))  # type: ignore[attr-defined]
    return again
