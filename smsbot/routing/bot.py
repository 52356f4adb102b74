"""A bot: its routes, what is provided to handlers, and what surrounds them."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, TypeVar, overload

from smsbot.core import codec
from smsbot.core.clock import Duration, duration
from smsbot.core.errors import RouteError, StepFailed, UsageError
from smsbot.core.nearest import nearest
from smsbot.core.question import KINDS
from smsbot.core.sites import remember
from smsbot.understanding.languages import UNDERSTOOD, is_understood

from .chat import Chat
from .declared import as_mapping
from .holes import ANSWERS
from .injection import Signature, caller, hints, inspect_handler, where, wrong
from .router import Handler, Router

F = TypeVar("F", bound=Callable[..., Any])
CallNext = Callable[[], Awaitable[str | None]]
"""What a middleware awaits: the rest of the turn. It gives the text that the handler returned, if any."""
_AROUND = ("call_next", "chat", "message", "text", "contact", "event", "report", "reaction")


class Bot(Router):
    """A router with a name, providers, middleware and error handlers.

    `flows` are YAML files, or folders of them, beside the file that makes the bot or in the current folder.
    `timeout` is how long a state or a question waits where it does not say (a run that nobody answers ends
    ``abandoned``), `tries` how often a conversation asks again after a wrong answer. With `join`, the texts of one
    turn leave as one, a line each. `apology` is said when a turn has failed for good, `stranded`
    once an hour to a person whose conversation the code no longer fits (by default a sentence of ours; with False,
    nothing). `language` (en, pl, fr, es) is
    what the bot speaks, and so how answers are read where nothing is known of the person; else its texts show it.
    `wrong_number` is what is said to somebody whom we wrote to first and who says that they are not meant; with False
    such texts mean nothing of their own. `media` is what is said to a picture without words that nothing takes.
    `threads` is how many handlers with ``blocking=True`` run at once; others of this bot wait for one of them.
    """

    def __init__(
        self,
        name: str = "",
        *,
        flows: str | PurePath | Sequence[str | PurePath] = (),
        timeout: Duration = "24h",
        tries: int = 3,
        join: bool = False,
        apology: str = "",
        stranded: str | bool = True,
        language: str = "",
        wrong_number: str | bool = True,
        media: str = "",
        threads: int = 40,
    ) -> None:
        super().__init__()
        self.name = name
        self.flows = tuple(map(str, (flows,) if isinstance(flows, str | PurePath) else flows))
        self.home = caller().rpartition(":")[0]
        self.timeout = duration(timeout)
        if type(tries) is not int or tries < 0:
            why = f"tries is how many wrong answers are asked again, 0 or more, not {tries!r}"
            raise RouteError(f"{why}\n  --> {caller()}")
        self.tries = tries
        self.apology = apology
        self.stranded = stranded
        self.threads = threads
        if language and not is_understood(language):
            near = nearest(language, UNDERSTOOD)
            hint = f'; did you mean "{near}"?' if near else f"; write one of {', '.join(UNDERSTOOD)}"
            raise RouteError(f"answers are not understood in the language {language!r}{hint}\n  --> {caller()}")
        self.language = language
        self.wrong_number = wrong_number
        self.media = media
        self.doubles: dict[str, Callable[..., Any]] = {}
        """The stand-ins for steps in tests, by the name of their function."""
        self.join = join
        self.answers: dict[str, Callable[[str], Any]] = {}
        self.ticks: list[tuple[str, Signature]] = []
        self.starter: Callable[..., Awaitable[str]] | None = None
        """How the server that runs this bot begins things (smsbot sets this)."""
        self.sender: Callable[..., Awaitable[str]] | None = None
        """How it sends texts that answer nothing (smsbot sets this)."""
        self.actions: dict[str, Callable[..., Any]] = {}
        self._action_hints: dict[str, Mapping[str, Any]] = {}
        self.middlewares: list[Signature] = []
        self._providers: dict[type, tuple[Callable[..., Any], Mapping[str, type]]] = {}
        self._errors: list[tuple[type[Exception], Signature]] = []

    def provide(self, function: F) -> F:
        """Give handlers what this function returns, wherever they name its type.

        It may be async, may itself ask for provided types, and may be a generator that yields once and cleans up at
        shutdown, as all do that hold connections, threads or files. It runs once, before the first message.
        """
        annotations = hints(function)
        kind = _returned(function, annotations.pop("return", None))
        if kind in self._providers:
            raise wrong(function, f"{kind.__name__} is provided already")
        self._providers[kind] = (function, annotations)
        return function

    @property
    def provided_types(self) -> frozenset[type]:
        """What handlers and actions may name by type."""
        return frozenset(self._providers)

    def kept_providers(self) -> list[str]:
        """The providers that close nothing, since they do not yield: ``NAME() at FILE:LINE``."""
        functions = [function for function, _ in self._providers.values()]
        return [
            f"{f.__name__}() at {where(f)}" for f in functions
            if not (inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f))
        ]  # fmt: skip

    def action_call(
        self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], provided: Mapping[type, Any]
    ) -> Callable[[], Any]:
        """The call of an action as a flow asks for it, with what is provided; or raises `RouteError`."""
        function = self.actions.get(name)
        if function is None:
            raise RouteError(f'there is no @bot.action "{name}"')
        hints = self._action_hints.get(name, {}).items()
        filled = {n: provided[kind] for n, kind in hints if isinstance(kind, type) and kind in provided}
        filled = {n: value for n, value in filled.items() if n not in keywords}
        whole = inspect.signature(function)
        try:
            asked = whole.replace(parameters=[p for n, p in whole.parameters.items() if n not in filled])
            bound = asked.bind(*arguments, **keywords)
        except (TypeError, ValueError) as error:
            raise RouteError(f"the action {name} cannot be called: {error}") from None
        call = inspect.BoundArguments(whole, OrderedDict({**bound.arguments, **filled}))
        return functools.wraps(function)(lambda: function(*call.args, **call.kwargs))

    def converses(self, name: str) -> bool:
        """Whether an action takes a `Chat`, so that it may itself ask."""
        return Chat in self._action_hints.get(name, {}).values()

    def conversations(self) -> list[Callable[..., Any]]:
        """The functions that ask: handlers, and actions of flows."""
        handlers = [s.function for s in self.signatures() if s.asks]
        return handlers + [f for name, f in self.actions.items() if self.converses(name)]

    def texts(self) -> list[str]:
        """The texts that stand in the code of its handlers, by which the language it speaks is known."""
        found: list[str] = []
        for signature in self.signatures():
            function = inspect.unwrap(signature.function)
            found += [t for t in _texts_in(function.__code__) if t != function.__doc__]
        return found

    def action_signature(self, name: str) -> inspect.Signature:
        """The signature of an action as a flow calls it: without the parameters that are provided by type."""
        kinds = self._action_hints.get(name, {})
        signature = inspect.signature(self.actions[name])
        given = {*self._providers, Chat}
        return signature.replace(parameters=[p for n, p in signature.parameters.items() if kinds.get(n) not in given])

    def borrow(self, other: Bot) -> None:
        """Know the actions of another bot, for checks."""
        self.actions, self._action_hints = dict(other.actions), dict(other._action_hints)
        self.answers = dict(other.answers)
        self._providers = dict(other._providers)

    def every(self, cron: str) -> Callable[[F], F]:
        """Run a function by the clock: ``@bot.every("0 9 * * *")``; once a tick, however many processes run.

        The clock is that of the bot's first line (`timezone` in the settings, else its country's). It may name `now`
        and `bot`, and what is provided by type; what it begins, it begins by `bot.start`.
        """
        from cronsim import CronSim, CronSimError

        if not isinstance(cron, str):
            raise RouteError(f'write @bot.every("0 9 * * *"): it takes a cron expression\n  --> {caller()}')
        try:
            CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise RouteError(f"{cron!r} is not a cron expression: {error}\n  --> {caller()}") from None

        def decorate(function: F) -> F:
            self.ticks.append((cron, inspect_handler(function, ("now", "bot"))))
            return function

        return decorate

    async def start(
        self,
        name: str,
        data: object = None,
        /,
        *,
        to: str,
        line: str = "",
        at: datetime | None = None,
        key: str = "",
        busy: str = "",
        valid: Duration = "",
    ) -> str:
        """Begin what answers the event `name` for somebody; returns what becomes of it.

        That is ``started``, ``queued``, ``scheduled``, ``skipped``, ``opted_out``, ``expired`` or ``duplicate``.

        `data` is a mapping, or what the handler of the event takes: a dataclass, a model. Raises `UsageError` for data
        that do not fit. `at` begins it later; the same `key` counts once a person (``duplicate``); `busy` says what if
        the person is in a conversation: ``queue``, ``replace`` or ``skip``; past `valid` it is not worth beginning any
        more. In a handler, `chat.start` does the same, together with the turn.
        """
        if self.starter is None:
            raise UsageError("bot.start() works while a server runs this bot; in a handler, use chat.start()")
        if at is not None and at.tzinfo is None:
            raise UsageError("start(at=...) needs a time with a zone, such as datetime.now(UTC)")
        moment, life = at.timestamp() if at else None, f"{duration(valid)}s" if valid else ""
        return await self.starter(
            name, to, dict(as_mapping(data)), line=line, at=moment, key=key, busy=busy, valid=life
        )

    async def send(
        self,
        number: str,
        text: str,
        /,
        *,
        line: str = "",
        at: datetime | None = None,
        lane: str = "notice",
        valid: Duration = 0.0,
        ref: str = "",
        key: str = "",
    ) -> str:
        """Send a text to somebody, answering nothing; returns what becomes of it: ``sending``, ``queued``, ….

        It leaves from `line`, by default the bot's first, now or `at` a time with a zone. `lane` is how urgent it is
        (``priority``, ``reply``, ``notice``, ``bulk``), `valid` how long it is worth sending, `ref` what you call it.
        The same `key` counts once a person. In a handler, `chat.say` is for the person who wrote.
        """
        if self.sender is None:
            raise UsageError("bot.send() works while a server runs this bot; in a handler, use chat.say()")
        if at is not None and at.tzinfo is None:
            raise UsageError("send(at=...) needs a time with a zone, such as datetime.now(UTC)")
        moment, life = at.timestamp() if at else None, duration(valid) if valid else 0.0
        return await self.sender(self, text, number, line=line, at=moment, lane=lane, valid=life, ref=ref, key=key)

    def action(self, function: F) -> F:
        """Name a function that flows may call with ``do:``."""
        name = function.__name__
        if name in self.actions:
            raise wrong(function, f'there is an action "{name}" already')
        remember(function)
        annotations = hints(function)
        annotations.pop("return", None)
        self.actions[name], self._action_hints[name] = function, annotations
        return function

    def answer(self, function: F) -> F:
        """Name a kind of answer of the bot's own: ``type: plate`` in flows.

        The function is given the text and returns the value, None for what is no answer, or `Unsure` with the
        reason. It must be pure: it may be asked about a text more than once.
        """
        name = function.__name__
        if name in KINDS or name in self.answers:
            raise wrong(function, f'there is a kind of answer "{name}" already')
        if inspect.iscoroutinefunction(function):
            raise wrong(function, "a kind of answer is decided at once, so its function is not async")
        self.answers[name] = function
        setattr(function, ANSWERS, True)
        return function

    def middleware(self, function: F) -> F:
        """Surround every turn that wakes code, once: ``async def m(chat, call_next): return await call_next()``.

        That is what starts, answers to questions, timers, events, reports, reactions. It stands outside of the
        conversation, so it may await what it likes, and is not replayed. `call_next` is a `CallNext`; beside it, it
        takes what handlers do: `chat`, `message`, `text`, `contact`, `event`, `report`, `reaction`, what is provided.
        `call_next()` gives the text that the handler returned. A text that the middleware returns is said in its place
        (an empty one: nothing); None changes nothing. Without `call_next()` the handler does not run, and a question
        stays open. What the handler raises passes through; it is `on_error` that answers for it.
        """
        if not inspect.iscoroutinefunction(function):
            raise wrong(function, "a middleware is async and awaits call_next()")
        signature = inspect_handler(function, _AROUND)
        if "call_next" not in signature.named:
            raise wrong(function, "a middleware takes call_next, and awaits call_next()")
        self.middlewares.append(signature)
        return function

    @overload
    def on_error(self, kind: type[Exception]) -> Callable[[F], F]: ...
    @overload
    def on_error(self, kind: F) -> F: ...
    def on_error(self, kind: Any) -> Any:
        """Answer when a handler raises: ``@bot.on_error`` or ``@bot.on_error(PaymentDown)``.

        What the failed handler said and set is gone; what this one says is sent, and the event counts as
        handled. Without an error handler the turn is tried again, and parked after five tries.
        """
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            return self.on_error(Exception)(kind)
        caught: type[Exception] = kind

        def decorate(handler: F) -> F:
            self._errors.append((caught, inspect_handler(handler, ("chat", "error", "contact"))))
            return handler

        return decorate

    def error_handler(self, error: Exception) -> Signature | None:
        """Who answers for an exception: the handler of its nearest class."""
        by_class = dict(reversed(self._errors))
        kind = codec.find(error.kind) if isinstance(error, StepFailed) and error.kind else None
        kinds = (*(kind.__mro__[:-3] if isinstance(kind, type) else ()), *type(error).__mro__)  # its own class first
        return next((by_class[k] for k in kinds if k in by_class), None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Mapping[type, Any]]:
        """The provided objects by type, alive from before the first message until after the last."""
        async with AsyncExitStack() as stack:
            provided: dict[type, Any] = {}
            for kind in self._providers:
                await self._build(kind, provided, stack, ())
            self._check_provided(provided)
            yield provided

    async def _build(self, kind: type, provided: dict[type, Any], stack: AsyncExitStack, path: tuple[type, ...]) -> Any:
        if kind in provided:
            return provided[kind]
        found = self._providers.get(kind)
        if found is None or kind in path:
            why = "is provided by nothing" if found is None else "needs itself"
            raise RouteError(f"{kind.__name__}, asked for by a provider, {why}")
        function, wanted = found
        arguments = {name: await self._build(hint, provided, stack, (*path, kind)) for name, hint in wanted.items()}
        provided[kind] = await _begin(function, arguments, stack)
        return provided[kind]

    def _check_provided(self, provided: Mapping[type, Any]) -> None:
        for signature in (*self.signatures(), *(s for _, s in self._errors), *self.middlewares):
            for name, kind in signature.typed:
                if kind not in provided:
                    raise wrong(signature.function, f'nothing provides {kind.__name__} for the argument "{name}"')


def _texts_in(code: types.CodeType) -> list[str]:
    """The texts of several words among the constants of code, and of what is defined in it."""
    found: list[str] = []
    for constant in code.co_consts:
        if isinstance(constant, str) and " " in constant.strip():
            found.append(constant)
        elif isinstance(constant, types.CodeType):
            found += _texts_in(constant)
    return found


def _returned(function: Callable[..., Any], hint: Any) -> type:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        hint = next(iter(typing.get_args(hint)), None)
    if not isinstance(hint, type) or hint is type(None):
        raise wrong(function, "@bot.provide needs a return annotation that is a class")
    return hint


async def _begin(function: Callable[..., Any], arguments: Mapping[str, Any], stack: AsyncExitStack) -> Any:
    if inspect.isasyncgenfunction(function):
        return await stack.enter_async_context(asynccontextmanager(function)(**arguments))
    made = function(**arguments)
    if inspect.isgenerator(made):
        stack.callback(next, made, None)
        return next(made)
    return await made if inspect.isawaitable(made) else made


__all__ = ["Bot", "Handler", "Router"]
