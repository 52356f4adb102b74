"""The routes that hold on one line, and the order in which they are asked for a text."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smsbot.core.conversation import Conversation
from smsbot.core.errors import ChatError, RouteError
from smsbot.core.nearest import nearest
from smsbot.core.status import Status
from smsbot.core.structs import struct
from smsbot.understanding.answers.patterns import compiled
from smsbot.understanding.keywords import Keywords
from smsbot.understanding.patterns import Pattern, Read, Taken, unread
from smsbot.understanding.said import without_filler, without_signature
from smsbot.understanding.words import Token

from .injection import Signature, where, wrong


@struct
class Route:
    """A handler and what leads to it."""

    kind: str
    """``on``, ``anywhere``, ``state``, ``fallback``, ``event``, ``delivery``, ``reaction``, ``optout``, ``optin`` or
    ``media``."""
    trigger: str
    signature: Signature | None
    """The handler; None where a flow takes it."""
    flow: str = ""
    """The flow that starts."""
    place: str = ""
    """Where it was declared, for errors; a handler knows by itself."""
    typos: int = 0
    language: str = ""
    """The language of the word that starts the flow; empty: any."""
    when: Signature | None = None
    """The predicate that leads to it."""

    @property
    def name(self) -> str:
        """How traces call it."""
        return f"{self.kind} {self.trigger}".strip()


@struct
class Match:
    """The route that takes a text, what its holes took, and why: one plain sentence."""

    route: Route
    values: Mapping[str, Any]
    why: str
    texts: Mapping[str, str] = field(default_factory=dict)
    """What its holes took as it was typed."""

    @property
    def answers(self) -> Mapping[str, Any]:
        """What answers the questions of a flow: numbers and texts as they are, all else as it was typed."""
        return {n: v if type(v) in (int, str) else self.texts.get(n, v) for n, v in self.values.items()}


def _by(route: Route, taken: Taken, why: str) -> Match:
    return Match(route, taken.values, why, taken.texts)


@dataclass(slots=True)
class Table:
    """The routes that hold on one line."""

    keywords: Keywords[Route] = field(default_factory=Keywords)
    shaped: list[Route] = field(default_factory=list)
    """The routes of a regular expression, then those of a predicate, each in the order of the code."""
    anywhere: Keywords[Route] = field(default_factory=Keywords)
    states: dict[str, Route] = field(default_factory=dict)
    events: dict[str, Route] = field(default_factory=dict)
    deliveries: dict[Status, Route] = field(default_factory=dict)
    fallback: Route | None = None
    reaction: Route | None = None
    optout: Route | None = None
    optin: Route | None = None
    media: Route | None = None

    def match(
        self,
        text: str,
        found: Sequence[Token],
        conversation: Conversation,
        *,
        exact: bool = False,
        read: Read = unread,
        given: Callable[[], Mapping[str, Any]] = dict,
    ) -> Match | None:
        """Who takes a text: `anywhere` first, then the open state, then keywords, then the fallback.

        With `exact`, no typo is forgiven. `read` reads the holes of a kind; a predicate may name what is `given`.
        """
        found = without_filler(found)
        digression = self.digression(text, found, read)
        if digression is not None:
            return digression
        frame = conversation.run.frame if conversation.run else None
        if frame is not None:
            return Match(self.state(frame.state), {}, f'the conversation waits at "{frame.state}"')
        keyword = self.keyword(text, found, exact=True, read=read) or self._shaped(text, found, given)
        keyword = keyword or (None if exact else self._nearly(text, found, read))
        if keyword is not None:
            return keyword
        if self.fallback is not None:
            return Match(self.fallback, {}, "nothing matches, so the fallback answers")
        return None

    def digression(self, text: str, found: Sequence[Token], read: Read = unread) -> Match | None:
        """The handler that answers a text at any time."""
        hit = self.anywhere.find(text, without_filler(found), read)
        return _by(*hit, f'"{hit[0].trigger}" answers anywhere') if hit is not None else None

    def keyword(
        self, text: str, found: Sequence[Token], *, exact: bool = False, read: Read = unread, named: bool = False
    ) -> Match | None:
        """The start word that a text is as a whole, spelled right or (unless `exact`) nearly so.

        With `named`, not by a pattern that takes whatever people write.
        """
        found = without_filler(found)
        hit = self.keywords.find(text, found, read, named=named)
        if hit is not None:
            return _by(*hit, f'the keyword "{hit[0].trigger}" matches the whole text')
        return None if exact else self._nearly(text, found, read)

    def _nearly(self, text: str, found: Sequence[Token], read: Read) -> Match | None:
        """The start word that a text is but for one letter."""
        almost = self.keywords.near(text, found, read)
        if almost is None:
            return None
        return _by(almost[0], almost[2], f'the text is the keyword "{almost[1]}" with a typo')

    def _shaped(self, text: str, found: Sequence[Token], given: Callable[[], Mapping[str, Any]]) -> Match | None:
        """The first regular expression or predicate that takes a text."""
        if not self.shaped:
            return None
        whole = without_signature(text).strip()
        bare = text[found[0].start : found[-1].end] if found else whole
        for route in self.shaped:
            if route.when is not None:
                if route.when.call({"text": text, **given()}, {}):
                    return Match(route, {}, f"{route.when.name}() takes the text")
                continue
            hit = compiled(route.trigger).fullmatch(bare) or compiled(route.trigger).fullmatch(whole)
            if hit is not None:
                groups = {name: said for name, said in hit.groupdict().items() if said is not None}
                return Match(route, groups, f"the text has the shape {route.trigger}", groups)
        return None

    def enter(self, route: Route, patterns: tuple[Pattern, ...] = ()) -> None:
        """Add a route; raises `RouteError` where another wants the same."""
        taken: Route | None = None
        match route.kind:
            case "on" if not patterns:
                at = len(self.shaped) if route.when else sum(r.when is None for r in self.shaped)
                taken = next((r for r in self.shaped if route.when is None and r.trigger == route.trigger), None)
                self.shaped.insert(at, route)
            case "on" | "anywhere":
                keywords = self.keywords if route.kind == "on" else self.anywhere
                taken = next((t for p in patterns if (t := keywords.add(p, route, route.typos)) is not None), None)
            case "state":
                taken = self.states.setdefault(route.trigger, route)
            case "event":
                taken = self.events.setdefault(route.trigger, route)
            case "delivery":
                taken = self.deliveries.setdefault(Status(route.trigger), route)
            case "reaction" | "optout" | "optin" | "media" as kind:
                taken = getattr(self, kind)
                if taken is None:
                    setattr(self, kind, route)
            case "fallback":
                taken = self.fallback
                self.fallback = self.fallback or route
            case unknown:
                raise AssertionError(f"there are no routes of the kind {unknown}")
        if taken is not None and taken is not route:
            what = f"two handlers want {route.name}: {_owner(taken)}"
            if route.signature is None:
                raise RouteError(f"{what}\n  --> {route.place}")
            raise wrong(route.signature.function, what)

    def state(self, name: str) -> Route:
        """The handler of a state; raises `RouteError` naming the nearest one."""
        try:
            return self.states[name]
        except KeyError:
            near = nearest(name, self.states)
            hint = f'; did you mean "{near}"?' if near else ""
            raise RouteError(f'no @bot.state("{name}") handler{hint}') from None

    def named(self, state: str | Callable[..., Any]) -> str:
        """The name of a state, by its name or its handler; raises `ChatError` where the handler is of none."""
        if isinstance(state, str):
            return state
        for name, route in self.states.items():
            if route.signature is not None and inspect.unwrap(route.signature.function) == inspect.unwrap(state):
                return name
        called = getattr(state, "__name__", repr(state))
        raise ChatError(f"goto() takes a state, or its handler; {called} has no @bot.state above it")


def _owner(route: Route) -> str:
    if route.signature is None:
        return f"the flow {route.flow} has it, at {route.place}"
    return f"{route.signature.name} has it, at {where(route.signature.function)}"
