"""The effects of a turn: all that it asked for; and the events of the world that handlers are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from smsbot.core.commit import Entry
from smsbot.core.conversation import Run, StoredFrame
from smsbot.core.handover import Handoff
from smsbot.core.message import Reply
from smsbot.core.question import Question
from smsbot.core.status import Status
from smsbot.core.structs import struct


@struct
class Delivery:
    """A delivery report about a text, for `on_delivery` handlers."""

    status: Status
    text: str
    id: str
    ref: str = ""
    """What whoever requested the text calls it: ``chat.say(…, ref="order-7")``."""


@struct
class Reaction:
    """A person's reaction to a text of ours instead of an answer, for `on_reaction` handlers."""

    sign: str
    """The emoji, or the verb as the phone wrote it: ``Liked``."""
    text: str
    """The text of ours, as far as the phone quoted it."""
    removed: bool
    """Whether an earlier reaction was taken back."""


@struct
class Start:
    """An event that a turn sets off for somebody."""

    name: str
    to: str
    at: float | None
    """When, seconds since 1970 UTC; None is now."""
    key: str
    busy: str
    valid: float
    data: Mapping[str, Any]


class Said(NamedTuple):
    """A text for the person, and how many were said before it in this turn."""

    reply: Reply
    n: int


class Kept(NamedTuple):
    """Something that happened outside, or that was answered; it happens no second time."""

    entry: Entry


class Cut(NamedTuple):
    """A former try of this turn was committed up to here."""


class Goto(NamedTuple):
    """The state that the next text goes to."""

    state: str
    timeout: float | None = None
    """Seconds of silence; None: the bot's."""
    then: str = ""
    """The state whose handler runs after them."""


Done = Said | Kept | Cut


@dataclass(slots=True, kw_only=True)
class Effects:
    """The effects that handlers and frames asked for; the turn makes them true.

    What was said and what happened is one list in its order, which is committed piece by piece. The
    rest counts at the end of the turn.
    """

    done: list[Done] = field(default_factory=list)
    committed: int = 0
    """How much of it is committed, or about to be."""
    dropped: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Journals that nobody needs any more, by run and key."""
    stale: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    """Journals, by run and key, of which only so many records count: the others are of a turn that failed for good."""
    stored: dict[str, str | None] = field(default_factory=dict)
    """Fields of the contact that conversations changed, as they are stored."""
    goto: Goto | None = None
    end: str | None = None
    frames: tuple[StoredFrame, ...] | None = None
    """Where flows and conversations stand now."""
    beside: list[Run] = field(default_factory=list)
    """Digressions that let time pass: each goes on as a run of its own, beside what is open."""
    visits: list[str] = field(default_factory=list)
    outcomes: list[tuple[str, str, Question | None]] = field(default_factory=list)
    """The outcomes of questions, each with its place, for coverage."""
    handoffs: list[Handoff] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    took: bool = False
    """Whether the text was taken as an answer."""
    join: bool = False
    """Whether the texts of this turn leave as one."""
    late: tuple[tuple[StoredFrame, ...], str, float] | None = None
    """A question that has timed out: its frames, their content, until when it may be answered."""
    _texts: int = 0
    _answer: int | None = None
    """Where in the list the text stands that the handler returned."""

    @property
    def said(self) -> list[Reply]:
        """All that was said."""
        return [d.reply for d in self.done if isinstance(d, Said)]

    @property
    def entries(self) -> list[Entry]:
        """All that happened."""
        return [d.entry for d in self.done if isinstance(d, Kept)]

    @property
    def over(self) -> bool:
        """Whether the run has ended, or gone to a state, so that nothing more is waited for."""
        return self.end is not None or self.goto is not None

    def say(self, reply: Reply) -> None:
        """A text for the person."""
        self.done.append(Said(reply, self._texts))
        self._texts += 1

    def answered(self) -> None:
        """What was said last is what the handler returned."""
        self._answer = len(self.done) - 1

    @property
    def answer(self) -> str | None:
        """The text that the handler returned."""
        said = self.done[self._answer] if self._answer is not None else None
        return said.reply.text if isinstance(said, Said) else None

    def reword(self, text: str) -> None:
        """Say another text in place of it, or, empty, nothing."""
        said = self.done[self._answer] if self._answer is not None else None
        if isinstance(said, Said) and self._answer is not None and text:
            self.done[self._answer] = said._replace(reply=replace(said.reply, text=text))
        elif isinstance(said, Said) and self._answer is not None:
            del self.done[self._answer]
        elif text:
            self.say(Reply(text))

    def keep(self, entry: Entry) -> None:
        """Something happened."""
        self.done.append(Kept(entry))

    def fresh(self) -> list[Done]:
        """The effects since this was asked last."""
        found = self.done[self.committed :]
        self.committed = len(self.done)
        return found

    def take_back(self, kind: str) -> list[Entry]:
        """Keep the last entries no longer, as long as they are of a kind and not committed."""
        found: list[Entry] = []
        for n in range(len(self.done) - 1, self.committed - 1, -1):
            last = self.done[n]
            if not isinstance(last, Kept):
                continue
            if last.entry.kind != kind:
                break
            found.append(last.entry)
            del self.done[n]
        return found
