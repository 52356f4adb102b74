"""The session of a chat: whom it speaks to, where its effects land, what was promised and not awaited."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from random import Random
from typing import Any, Protocol

from smsbot.core.errors import ChatError
from smsbot.core.message import Event
from smsbot.core.request import Do, Driver, Request, Wait
from smsbot.core.sites import name_at, name_of

from .contact import Contact
from .effects import Cut, Effects


class Moment(Protocol):
    """When something happened in a conversation."""

    @property
    def contact(self) -> Mapping[str, str] | None:
        """The contact as it was stored by then, where others had changed it."""
        ...

    @property
    def event(self) -> bytes:
        """The id of the event."""
        ...

    @property
    def at(self) -> float:
        """Seconds since 1970 UTC."""
        ...

    @property
    def text(self) -> str:
        """The text that was an answer; else empty."""
        ...


def _no_text(name: str, language: str | None, values: Mapping[str, Any]) -> str:
    raise ChatError(f'there is no text "{name}" here')


def _state(state: str | Callable[..., Any]) -> str:
    if isinstance(state, str):
        return state
    raise ChatError("goto() takes the name of a state")


def _fits(name: str, data: Mapping[str, Any]) -> str:
    return ""


def _always(number: str, moment: float, seconds: float, zone: tzinfo) -> float:
    return moment + seconds


@dataclass(frozen=True, slots=True)
class Defaults:
    """The defaults of a bot's questions, and the traits of its line."""

    timeout: float = 86_400.0
    tries: int = 3
    zone: str = "UTC"
    """The time zone of the line (IANA)."""
    gateway: str = ""
    """The provider that the line's texts leave through."""
    sends_media: bool = False
    """Whether it takes pictures."""
    awake: Callable[[str, float, float, tzinfo], float] = _always
    """When so many seconds have passed that are no quiet hours: of a number, from a moment on, in its zone."""
    text: Callable[[str, str | None, Mapping[str, Any]], str] = _no_text
    """A named text of the bot, in a language, with values in its holes."""
    state: Callable[[str | Callable[..., Any]], str] = _state
    """The name of a state, by its name or its handler; raises `ChatError`."""
    unfit: Callable[[str, Mapping[str, Any]], str] = _fits
    """Why nothing here begins by an event with such data; empty where something does."""


_NOTHING = Effects()
"""The effects between two turns: nobody looks at them."""


class Session:
    """One chat, from its first turn to the last; it speaks to one event after the other."""

    __slots__ = (
        "_contact", "_promised", "_random", "_real", "_seed", "_sites", "defaults", "driver", "effects", "event",
        "opted_out", "silent",
    )  # fmt: skip

    def __init__(self, event: Event, contact: Contact, *, defaults: Defaults, opted_out: bool, seed: bytes) -> None:
        self.event = event
        """The event that it speaks to."""
        self.defaults = defaults
        self.opted_out = opted_out
        self.effects = self._real = Effects()
        """Where what is asked for lands."""
        self.driver: Driver | None = None
        """Who answers what is awaited."""
        self.silent = False
        """Whether nobody hears it: its turn is over, or was given up."""
        self._contact = contact
        self._promised: tuple[Wait[Any], ...] = ()
        self._sites: dict[str, int] | None = None
        self._seed = seed
        self._random: Random | None = None

    # -- from turn to turn --------------------------------------------------------------------------

    def replay(self, event: Event, effects: Effects) -> None:
        """Say again what was said long ago, to nobody, until it comes to this turn."""
        self.event = event
        self.attend(Effects())
        self._real = effects

    def moved_on(self, record: Moment, last: bool) -> None:
        """Count all that was asked for before as committed; after the `last` it is this turn's."""
        self.effects = self._real if last else Effects()
        self._contact.keep()
        self.woken(record)

    def stepped(self) -> None:
        """A step of this turn has happened already, in a try that failed later."""
        self.effects.done.append(Cut())

    def woken(self, record: Moment) -> None:
        """From now on it speaks to what a record tells of, if that was another event."""
        if record.contact is not None:
            self._contact.learn(record.contact)
        if record.event != self.event.id:
            kind = "text" if record.text else "timer"
            self.event = replace(self.event, id=record.event, at=record.at, text=record.text, kind=kind)

    def attend(self, effects: Effects) -> None:
        """Let all that is said from now on land here."""
        self.effects, self._real, self.silent = effects, effects, False

    def rest(self) -> None:
        """Hold nothing of a turn that is over."""
        self.effects = self._real = _NOTHING
        self.fall_silent()

    def fall_silent(self) -> None:
        """Nothing that is said counts any more, and nothing is done."""
        self.driver, self.silent = None, True

    # -- randomness ---------------------------------------------------------------------------------

    def reseed(self, seed: bytes) -> None:
        """Let randomness begin anew."""
        self._seed, self._random = seed, None

    @property
    def random(self) -> Random:
        """Randomness that is the same whenever the conversation is replayed."""
        if self._random is None:
            self._random = Random(self._seed)  # noqa: S311 - dice for bots, not secrets
        return self._random

    # -- what is awaited ----------------------------------------------------------------------------

    def promise(self, wanted: Request | Wait[Any], said: str) -> Wait[Any]:
        """Note a wait that has to be awaited; those before must have been, but for steps that `gather` may take."""
        made = wanted if isinstance(wanted, Wait) else Wait(wanted, said, self)
        waiting = [w for w in self._promised if not w.awaited]
        if waiting and not all(isinstance(w.request, Do) for w in (*waiting, made)):
            self.check_promises()
        self._promised = (*waiting, made)
        return made

    def site(self, what: str, key: str, function: str = "") -> tuple[str, str]:
        """Where the code stands: its function, what it does, and its name."""
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("smsbot.routing."):
            frame = frame.f_back
        code = frame.f_code
        name = key or name_at(code, frame.f_lineno, frame.f_globals)
        where = function or name_of(code, frame.f_globals)
        if not name:
            self._sites = self._sites or {}
            count = self._sites[where + what] = self._sites.get(where + what, 0) + 1
            name = f"#{count}"
        return _place(where, what, name), name

    def since(self, change: str) -> bool:
        """Whether the conversation came to a change of its code with that change in it."""
        site, _ = self.site("since", change)
        return self.driver is None or self.driver.since(site)

    def check_promises(self) -> None:
        """Raise `ChatError` for what was never awaited."""
        for wait in self._promised:
            if not wait.awaited:
                raise wait.forgotten()
        self._promised = ()


@functools.lru_cache(maxsize=4096)
def _place(where: str, what: str, name: str) -> str:
    """The site that a request is found again by; one string for all conversations that stand there."""
    return f"{where}: {what} {name}"
