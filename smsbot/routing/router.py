"""Decorators that say which handler takes which text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from smsbot.core.errors import RouteError, UsageError
from smsbot.core.nearest import nearest
from smsbot.core.sites import give_name
from smsbot.core.status import Status
from smsbot.understanding.answers.patterns import compiled
from smsbot.understanding.patterns import Pattern, compile_pattern

from .holes import check_holes, resolved
from .injection import BUILT_IN, Signature, caller, hints, inspect_handler, wrong
from .table import Route, Table

Handler = TypeVar("Handler", bound=Callable[..., Any])
_NAME = re.compile(r"[\w-]{1,60}")
_TEXT = ("chat", "message", "text", "contact")


class Router:
    """A set of handlers; a `Bot` is one, and includes others."""

    def __init__(self) -> None:
        self._routes: list[tuple[Route, tuple[Pattern, ...]]] = []
        self._included: list[tuple[Router, str | None]] = []
        self._own = Table()

    def on(
        self,
        *keywords: str,
        typos: int = 0,
        blocking: bool = False,
        pattern: str = "",
        when: Callable[..., bool] | None = None,
        name: str = "",
    ) -> Callable[[Handler], Handler]:
        """Take texts that are one of `keywords` as a whole, when no run is open.

        A keyword may have holes. ``track {code}`` takes the characters up to the next space, as they were typed;
        ``{qty:int}`` digits, ``{name:word}`` letters, ``{day:date}``, ``{when:time}``, ``{price:money}``,
        ``{to:phone}``, ``{n:number}``, … what is understood as one, ``{size:Size}`` what is named so in the module: an
        Enum, a Literal, a kind such as ``integer(1, 9)``, an ``@bot.answer``; ``note ...`` takes the rest.
        With ``typos=1`` a word of five letters or more may have one letter wrong, also beside a hole.

        `pattern` is a regular expression (RE2), whatever its case, for the whole text; its named groups are arguments
        of the handler. `when` is a function that says whether it takes the text; it may name `text`, `message` and
        `contact`, and decides at once. Both are asked after the keywords. `blocking` sends a sync handler to a thread.
        `name` is what its conversations are found by after a deploy, whatever the function is called and wherever it
        stands; by default the function's own.
        """
        if typos not in (0, 1):
            raise RouteError(f"typos is 0 or 1, not {typos!r}\n  --> {caller()}")
        if not pattern and when is None:
            return self._called(name, self._keywords("on", keywords, blocking, typos))
        if keywords or (pattern and when is not None):
            raise RouteError(f"@bot.on takes keywords, or pattern=, or when=: one of them\n  --> {caller()}")
        made = self._by_pattern(pattern, blocking) if pattern else self._by_predicate(when, blocking)
        return self._called(name, made)

    def anywhere(self, *keywords: str, blocking: bool = False, name: str = "") -> Callable[[Handler], Handler]:
        """Take texts that are one of `keywords` at any time; the open question is asked again. `name` as in `on`."""
        return self._called(name, self._keywords("anywhere", keywords, blocking))

    def state(self, name: str, *, blocking: bool = False) -> Callable[[Handler], Handler]:
        """Take the next text of a conversation that waits at state `name`."""
        return self._one("state", name, _TEXT, blocking)

    def fallback(self, handler: Handler) -> Handler:
        """Take what nothing else takes, when no run is open."""
        return self._one("fallback", "", _TEXT, False)(handler)

    def on_reaction(self, handler: Handler) -> Handler:
        """Take reactions (tapbacks) to a text of ours; the argument `reaction` is a `Reaction`."""
        return self._one("reaction", "", ("chat", "reaction", "contact"), False)(handler)

    def on_optout(self, handler: Handler) -> Handler:
        """Be told that a person has opted out (STOP, or a plain request): nothing that is said leaves any more."""
        return self._one("optout", "", ("chat", "message", "text", "contact"), False)(handler)

    def on_optin(self, handler: Handler) -> Handler:
        """Be told that a person who had opted out wants texts again (START)."""
        return self._one("optin", "", ("chat", "message", "text", "contact"), False)(handler)

    def on_media(self, handler: Handler) -> Handler:
        """Take pictures without words, where no open question takes them; they are in ``message.media``."""
        return self._one("media", "", _TEXT, False)(handler)

    def event(self, event: str, /, *, blocking: bool = False, name: str = "") -> Callable[[Handler], Handler]:
        """Take an event from outside; the handler's `event` argument is its data. `name` as in `on`."""
        return self._called(name, self._one("event", event, ("chat", "event", "contact"), blocking))

    def on_delivery(self, *statuses: str) -> Callable[[Handler], Handler]:
        """Take delivery reports; without `statuses`, all final ones. The argument `report` is a `Delivery`."""
        known = {s.value: s for s in Status}
        for status in statuses:
            if not isinstance(status, str):
                raise RouteError(f"write @bot.on_delivery(), with parentheses\n  --> {caller()}")
            if status not in known:
                near = nearest(status, known)
                hint = f'; did you mean "{near}"?' if near else f"; statuses: {', '.join(known)}"
                raise RouteError(f'"{status}" is not a status{hint}\n  --> {caller()}')
        chosen = [known[s] for s in statuses] or [s for s in Status if s.final]

        def decorate(handler: Handler) -> Handler:
            for status in chosen:
                self._one("delivery", status.value, ("chat", "report", "contact"), False)(handler)
            return handler

        return decorate

    def include(self, router: Router, *, line: str | None = None) -> None:
        """Add another router's handlers, on all lines or only on `line`."""
        if not isinstance(router, Router):
            raise RouteError(f"include() takes a Router, not {type(router).__name__}\n  --> {caller()}")
        if router is self:
            raise RouteError("a router cannot include itself")
        self._included.append((router, line))

    def table(self, line: str) -> Table:
        """The routes that hold on `line`; raises `RouteError` where two want the same."""
        table = Table()
        for route, patterns in self._all(line):
            table.enter(route, patterns)
        return table

    def routes(self) -> Iterable[Route]:
        """All routes, those of included routers too, whatever line they hold on."""
        yield from (route for route, _ in self._routes)
        for router, _ in self._included:
            yield from router.routes()

    def signatures(self) -> Iterable[Signature]:
        """The signatures of all handlers, those of included routers too."""
        yield from (route.signature for route, _ in self._routes if route.signature is not None)
        for router, _ in self._included:
            yield from router.signatures()

    def _all(self, line: str) -> Iterable[tuple[Route, tuple[Pattern, ...]]]:
        yield from self._routes
        for router, only in self._included:
            if only is None or only == line:
                yield from router._all(line)

    def _keywords(
        self, kind: str, keywords: Sequence[str], blocking: bool, typos: int = 0
    ) -> Callable[[Handler], Handler]:
        if not keywords or not all(isinstance(k, str) for k in keywords):
            raise RouteError(
                f'@bot.{kind}(...) takes at least one keyword, such as @bot.{kind}("pizza")\n  --> {caller()}'
            )
        try:
            patterns = tuple(compile_pattern(k) for k in keywords)
        except RouteError as error:
            raise RouteError(f"{error.args[0]}\n  --> {caller()}") from None
        holes = _offered(hole for p in patterns for hole in p.holes)

        def decorate(handler: Handler) -> Handler:
            signature = inspect_handler(handler, {*_TEXT, *holes}, blocking=blocking)
            known = resolved(patterns, handler)
            check_holes(known, handler, hints(handler))
            for found in known:
                self._add(Route(kind, found.source, signature, typos=typos), (found,))
            return handler

        return decorate

    def _by_pattern(self, pattern: str, blocking: bool) -> Callable[[Handler], Handler]:
        try:
            groups = _offered(compiled(pattern).groupindex)
        except UsageError as error:
            raise RouteError(f"{error.args[0]}\n  --> {caller()}") from None

        def decorate(handler: Handler) -> Handler:
            signature = inspect_handler(handler, {*_TEXT, *groups} - {"rest"}, blocking=blocking)
            self._add(Route("on", pattern, signature), ())
            return handler

        return decorate

    def _by_predicate(self, when: Callable[..., bool] | None, blocking: bool) -> Callable[[Handler], Handler]:
        if not inspect.isfunction(when) and not inspect.ismethod(when):
            raise RouteError(f"when= takes a function that says yes or no, not {when!r}\n  --> {caller()}")
        if inspect.iscoroutinefunction(when):
            raise wrong(when, "a predicate decides at once, so it is not async")
        predicate = inspect_handler(when, ("text", "message", "contact"))
        if predicate.typed:
            raise wrong(when, "a predicate may name text, message and contact, and nothing that is provided")

        def decorate(handler: Handler) -> Handler:
            self._add(
                Route("on", predicate.name, inspect_handler(handler, _TEXT, blocking=blocking), when=predicate), ()
            )
            return handler

        return decorate

    @staticmethod
    def _called(name: str, decorate: Callable[[Handler], Handler]) -> Callable[[Handler], Handler]:
        """The decorator, which gives the handler's conversations a name of their own."""
        if name and not _NAME.fullmatch(str(name)):
            what = f"name= is a word of letters, digits, - and _, such as order, not {name!r}"
            raise RouteError(f"{what}\n  --> {caller()}")

        def named(handler: Handler) -> Handler:
            if name and callable(handler):
                give_name(handler, name)
            return decorate(handler)

        return named if name else decorate

    def _one(self, kind: str, name: str, offered: Iterable[str], blocking: bool) -> Callable[[Handler], Handler]:
        if not isinstance(name, str):
            raise RouteError(f'@bot.{kind} takes a name: @bot.{kind}("name")\n  --> {caller()}')

        def decorate(handler: Handler) -> Handler:
            self._add(Route(kind, name, inspect_handler(handler, offered, blocking=blocking)), ())
            return handler

        return decorate

    def _add(self, route: Route, patterns: tuple[Pattern, ...]) -> None:
        """Register a route; what two of one router want is found now, at import."""
        self._own.enter(route, patterns)
        self._routes.append((route, patterns))


def _offered(holes: Iterable[str]) -> frozenset[str]:
    """The names of holes; raises `RouteError` where one means something else to a handler."""
    found = frozenset(holes)
    if reserved := found & BUILT_IN - {"rest"}:
        raise RouteError(f"a hole cannot be called {min(reserved)}, which handlers know already\n  --> {caller()}")
    return found
