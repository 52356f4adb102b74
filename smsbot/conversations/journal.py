"""The journal of a conversation: one record for each request that was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from smsbot.core import codec
from smsbot.core.commit import Entry
from smsbot.core.errors import Changed, NoReply, StepFailed, TooManyTries
from smsbot.core.request import Do, Gather, Request, WentBack
from smsbot.core.structs import struct

from .exceptions import again

ANSWER, SILENCE, TRIES, BACK, STEP, RAISED, UNKEPT, SLEPT, FLOW, LOST, SINCE = (
    "answer", "silence", "tries", "back", "step", "raised", "failed", "slept", "flow", "lost", "since",
)  # fmt: skip


@struct
class Record:
    """One request that was answered, and when."""

    kind: str
    site: str
    value: Any
    """The value that the code is given, as plain data; of an exception, how to raise it again."""
    event: bytes
    """The event of the turn in which it happened."""
    at: float
    text: str = ""
    """The text that was an answer."""
    contact: Mapping[str, str] | None = None
    """The contact as it was stored by then, where others had changed it since the record before."""

    def entry(self, run: bytes, frame: bytes, seq: int) -> Entry:
        """The row that keeps it."""
        told = {"site": self.site, "is": self.value, "ev": self.event.hex(), "at": self.at}
        told |= {"text": self.text} if self.text else {}
        told |= {"contact": dict(self.contact)} if self.contact is not None else {}
        return Entry(run, frame, seq, self.kind, codec.dumps(told))

    @classmethod
    def of(cls, entry: Entry) -> Record:
        """The record of a row."""
        told = codec.loads(entry.value)
        return cls(
            entry.kind, told["site"], told["is"], bytes.fromhex(told["ev"]), told["at"], told.get("text", ""),
            contact=told.get("contact"),
        )  # fmt: skip

    @property
    def asked(self) -> bool:
        """Whether the conversation waited for it, and may have been replayed since; steps happen in their turn."""
        return self.kind not in (STEP, RAISED, UNKEPT, SINCE)

    def result(self) -> Any:
        """The value that the code is given; raises what it was told by an exception."""
        match self.kind:
            case "silence":
                raise NoReply("nobody answered in time")
            case "tries":
                raise TooManyTries("the answers were wrong too often")
            case "back":
                raise WentBack
            case "raised":
                raise again(self.value)
            case "failed":
                raise StepFailed(str(self.value))
            case "lost":
                raise NoReply(f'the flow ended "{self.value}"')
        return self.value


class Journal:
    """The records of a conversation, in the order of its requests."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records = list(records)
        self.place = 0
        """Requests that were answered from it so far."""

    @property
    def replayed(self) -> bool:
        """Whether all that has happened was told again."""
        return self.place >= len(self.records)

    def next(self, request: Request) -> Record | None:
        """The record that answers a request; None where the code has come further than anything that happened.

        Raises `Changed` where the code asks for something else than it once did.
        """
        if isinstance(request, Gather) and (parts := self.parts(request)):
            whole = whole_of(request, parts)
            if whole is not None:
                for site in parts:
                    self.claim(site)
            return whole
        while not self.replayed and self.records[self.place].kind == SINCE:  # of a change that is told apart no more
            self.place += 1
        if self.replayed:
            return None
        record = self.records[self.place]
        if record.site != request.site:
            raise changed(record.site, request.site)
        self.place += 1
        return record

    def marked(self, site: str) -> bool:
        """Whether the conversation came here when the code had this change; its mark is told."""
        for n in range(self.place, len(self.records)):  # steps of tasks may stand before it
            if self.records[n].kind == SINCE and self.records[n].site == site:
                self.records.insert(self.place, self.records.pop(n))
                self.place += 1
                return True
        return False

    def parts(self, gather: Gather) -> dict[str, Record]:
        """The records of steps that run at once, by their sites, as far as those have ended.

        What ends all of them, a step that raised or a timeout around them, is kept last.
        """
        found: dict[str, Record] = {}
        sites = {gather.site, *gather.sites}
        for record in self.records[self.place :]:
            if record.site in found:
                break  # the same place of the code, reached once more
            if record.site in sites:
                found[record.site] = record
                if record.kind != STEP or record.site == gather.site:
                    break
        return found

    def ran_again(self, request: Request) -> Record | None:
        """The record of a flow that a turn, tried again, has run again: its texts and actions keep their numbers."""
        if self.replayed or self.records[self.place].kind not in (FLOW, LOST):
            return None
        return self.next(request)

    def claim(self, site: str) -> Record | None:
        """The record of a step from a task of the code's own, in whatever order those ended."""
        ahead = self.records[self.place :]
        found = next((n for n, r in enumerate(ahead, self.place) if r.site == site), None)
        if found is None:
            return None
        record = self.records.pop(found)
        self.records.insert(self.place, record)
        self.place += 1
        return record

    def add(self, record: Record) -> int:
        """Keep what has just happened; returns the number of its row, from 1.

        Records of steps in tasks that were not asked for again yet stay behind it.
        """
        self.records.insert(self.place, record)
        self.place += 1
        return len(self.records)

    def take_back(self) -> None:
        """Keep what was added last no longer."""
        self.place -= 1
        del self.records[self.place]


def whole_of(wanted: Do | Gather, kept: Mapping[str, Record]) -> Record | None:
    """The record of a step, or of steps that run at once, of what is kept by site; None where one has not ended."""
    if isinstance(wanted, Do) or wanted.site in kept:
        return kept.get(wanted.site)
    found = [kept[site] for site in wanted.sites if site in kept]
    broken = next((r for r in found if r.kind != STEP), None)
    if broken is not None or not found or len(found) < len(wanted.steps):
        return broken
    return replace(found[-1], site=wanted.site, value=tuple(r.value for r in found))


def changed(was: str, now: str) -> Changed:
    """The error of code that no longer fits."""
    return Changed(f'the conversation was at "{was}", but its code is now at "{now}" there; nothing is lost')


def unfit(site: str) -> Changed:
    """The error of an answer that the code does not know any more; it quotes nobody."""
    return Changed(f'"{site}" was answered with what its code no longer takes; nothing is lost')
