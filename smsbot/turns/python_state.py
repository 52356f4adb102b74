"""A conversation function as it is stored: what started it, what it has asked, where it waits (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from smsbot.core import codec
from smsbot.core.commit import digest
from smsbot.core.conversation import FrameKind, Rest, StoredFrame
from smsbot.core.message import Event, Key
from smsbot.core.otp import Wanted
from smsbot.core.question import Question
from smsbot.core.request import Ask, Terms
from smsbot.core.sites import path_of
from smsbot.flows.state import Counted, Person
from smsbot.routing.injection import Signature
from smsbot.understanding import asking
from smsbot.understanding.answers import Reading
from smsbot.understanding.asking import Asked

from .live import LiveCall, Place

_PLAIN = ("site", "name", "prompt", "retry", "reminds", "back", "unsure", "checked")
_QUESTION, _TERMS, _STANDING = (
    tuple(f.name for f in dataclasses.fields(kind)) for kind in (Question, Terms, asking.Open)
)


@dataclass(slots=True)
class OpenQuestion:
    """The open question of a conversation, as it is stored."""

    site: str
    name: str
    prompt: str
    question: Question
    terms: Terms
    retry: str = ""
    reminds: tuple[str, ...] = ()
    back: bool = False
    unsure: str = ""
    checked: bool = False
    """Whether its code looks at an answer before it is taken."""
    standing: asking.Open = field(default_factory=asking.Open)

    @classmethod
    def of(cls, ask: Ask, now: float) -> OpenQuestion:
        """The question that has just been asked."""
        made = cls(
            site=ask.site, name=ask.name, prompt=ask.prompt, question=ask.question, terms=ask.terms,
            retry=ask.retry, reminds=ask.reminds, back=ask.back, unsure=ask.unsure, checked=ask.check is not None,
        )  # fmt: skip
        asking.begin(made.standing, now)
        return made

    def read(self, text: str, person: Person) -> Reading:
        """Read a text as an answer to it."""
        return person.read(self.question, text, self.prompt)

    def asked_again(self, person: Person) -> str:
        """The question once more, with a hint how it is answered; of a code only the hint, as it is not sent again."""
        return person.asked_again(self.question, self.prompt)

    @property
    def reminder(self) -> str:
        """What the reminder says that is due; empty: the question again."""
        return self.reminds[min(self.standing.reminded, len(self.reminds)) - 1] if self.reminds else ""

    @property
    def left(self) -> int:
        """Tries that are left."""
        return max(self.terms.tries + 1 - self.standing.wrong, 0)

    @property
    def asked(self) -> Asked:
        """The question with its terms and standing, for texts and deadlines to act on."""
        return Asked(self.name, self.question, self.terms, self.standing)

    def dump(self) -> dict[str, Any]:
        """As plain data."""
        return {name: getattr(self, name) for name in _PLAIN} | {
            "question": {name: getattr(self.question, name) for name in _QUESTION}
            | {"choices": {key: list(words) for key, words in self.question.choices.items()}}
            | ({"code": asdict(self.question.code)} if self.question.code is not None else {}),
            "terms": {name: getattr(self.terms, name) for name in _TERMS},
            "standing": {name: getattr(self.standing, name) for name in _STANDING},
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> OpenQuestion:
        """From plain data."""
        question = dict(stored["question"])
        question["choices"] = {k: tuple(v) for k, v in question["choices"].items()}
        if question.get("code"):
            question["code"] = Wanted(**question["code"])
        rest = {name: stored[name] for name in _PLAIN if name in stored}
        terms = dict(stored["terms"])
        if "remind_after" in terms:  # as it was stored when there was one reminder at the most
            after = terms.pop("remind_after")
            terms["reminders"], rest["reminds"] = ([after], [stored["remind"]]) if after else ([], [])
        terms["reminders"], rest["reminds"] = tuple(terms["reminders"]), tuple(rest["reminds"])
        return cls(
            **rest, question=Question(**question), terms=Terms(**terms),
            standing=asking.Open(**stored["standing"]),
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class PythonState:
    """A conversation function of a run, and where it stands."""

    name: str
    """Where its function is found: module and qualified name."""
    run: bytes
    key: bytes
    """With the run, what its journal is kept by."""
    started: Event
    """The event that started it."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The holes of its start word, the arguments of a restart."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """What the holes took as it was typed."""
    contact: Mapping[str, str] = field(default_factory=dict)
    """The contact as it was when the conversation began."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The run's data when it began."""
    used: list[str] = field(default_factory=list)
    """Names in `values` that have answered a question already."""
    taken: int = 0
    """Requests that were answered when it was stored."""
    open: OpenQuestion | None = None
    until: float = 0.0
    """When its sleep ends; 0: it does not sleep."""
    gives_way: bool = False
    """Whether another start word ends the run while it sleeps."""
    site: str = ""
    """Where it waits."""
    answers: dict[str, Any] = field(default_factory=dict)
    """The answers of the person, by name, for people."""
    digresses: bool = False
    """Whether the question below is asked again when it ends."""
    repeats: bool = True
    """Whether it is asked again; what a state's handler has asked comes from the same question."""
    action: bool = False
    """Whether a flow called it."""
    handler: Signature | None = None
    """The handler that it begins with in this turn."""
    call: LiveCall | None = None
    """Its function under way."""

    @property
    def title(self) -> str:
        """The function's own name, for people."""
        return self.name.rpartition(".")[2]

    @property
    def journal_place(self) -> Place:
        """The place of its journal."""
        return self.run, self.key

    # -- where it stands ----------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """Nothing tells where a function that is only stored stands."""
        return ""

    @property
    def variables(self) -> Mapping[str, Any]:
        """The answers of the person, by name."""
        return self.answers

    @property
    def due_what(self) -> str:
        """The effect of its deadline, in words for people."""
        return asking.next_of(self.open.terms, self.open.standing) if self.open is not None else "goes on"

    @property
    def is_passing(self) -> bool:
        """Whether it is an action that was called in this very turn and has waited for nothing."""
        return self.action and not self.site

    @property
    def ends_run(self) -> bool:
        """A handler that has asked nothing has no run of its own."""
        return self.handler is None

    @property
    def place(self) -> str:
        """Where it stands, for people: ``order.size``."""
        return f"{self.title}.{self.open.name}" if self.open is not None else self.title

    @property
    def question(self) -> Question | None:
        """The open question."""
        return self.open.question if self.open is not None else None

    @property
    def code(self) -> str:
        """The one-time code that the open question waits for; empty where it waits for none."""
        wanted = self.open.question.code if self.open is not None else None
        return wanted.id if wanted is not None else ""

    @property
    def asks(self) -> bool:
        """Whether a question is open."""
        return self.open is not None

    @property
    def rest(self) -> Rest:
        """Whether it only lets time pass; not above the question that it digresses from."""
        if self.open is not None or not self.until or self.digresses:
            return Rest.NO
        return Rest.YIELDS if self.gives_way else Rest.FREE

    @property
    def prompt(self) -> str:
        """The text asked again after a digression; no code is sent once more by that."""
        return self.open.prompt if self.open is not None and self.open.question.code is None else ""

    @property
    def deadline(self) -> float | None:
        """The next moment at which something happens without the person."""
        if self.open is not None:
            return asking.deadline(self.open.terms, self.open.standing)
        return self.until or None

    @property
    def goes_back(self) -> bool:
        """Whether there is a question before the open one."""
        return self.open is not None and self.open.back

    @property
    def settles(self) -> bool:
        """Whether any text may be a fragment of the answer that is waited for."""
        return self.open is not None and self.open.terms.settle > 0 and self.open.question.free

    @property
    def switchable(self) -> bool:
        """Whether another start word may leave the open question."""
        return self.open is None or (self.open.terms.interrupt and not self.open.question.free)

    @property
    def counted(self) -> Counted:
        """Only flows count theirs; a conversation's journal is bounded."""
        return Counted()

    def read(self, text: str, person: Person) -> Reading:
        """Read a text as an answer to the open question."""
        return self.open.read(text, person) if self.open is not None else None

    def asked_again(self, now: float) -> None:
        """The open question is asked once more, after a digression: its time begins anew, but that of a code."""
        if self.open is not None and self.open.question.code is None:
            self.open.standing.asked = now

    # -- begun and stored -------------------------------------------------------------------------

    @classmethod
    def begin(
        cls, function: Callable[..., Any], run: bytes, event: Event, values: Mapping[str, Any], *, salt: bytes,
        contact: Mapping[str, str], data: Mapping[str, Any] | None = None, texts: Mapping[str, str] | None = None,
    ) -> Self:  # fmt: skip
        """One that begins; `salt` tells those apart that begin in one turn, and from the turn's actions."""
        return cls(
            name=path_of(function), run=run, key=digest(event.id, salt), started=event, values=values,
            contact=contact, data=data or {}, texts=texts or {},
        )  # fmt: skip

    def stored(self, deadline: float | None = None) -> StoredFrame:
        """The frame as it is stored; the uppermost with a deadline."""
        started, asked = self.started, self.open
        state = asked.name if asked is not None else "sleep" if self.until else "call"
        kept = {
            "run": self.run.hex(), "key": self.key.hex(), "taken": self.taken, "values": dict(self.values),
            "started": [started.id.hex(), started.kind, started.text, started.at, started.data],
            "contact": dict(self.contact), "data": dict(self.data), "used": self.used,
            "site": self.site, "until": self.until, "open": asked.dump() if asked is not None else None,
            "answers": self.answers, "aside": self.digresses, "action": self.action, "repeats": self.repeats,
        }  # fmt: skip
        if self.texts:
            kept["texts"] = dict(self.texts)
        if self.gives_way:
            kept["gives_way"] = True
        return StoredFrame(
            FrameKind.PYTHON, self.name, state, codec.dumps(kept), self.prompt, deadline, rest=self.rest
        )  # fmt: skip

    @classmethod
    def restore(cls, stored: StoredFrame, key: Key) -> Self:
        """The frame as it was stored."""
        kept = codec.loads(stored.data)
        identity, kind, text, at, data = kept["started"]
        return cls(
            name=stored.name, run=bytes.fromhex(kept["run"]), key=bytes.fromhex(kept["key"]),
            started=Event(bytes.fromhex(identity), key, kind, text, at, data=data),
            values=kept["values"], contact=kept["contact"], data=kept["data"], used=kept["used"],
            taken=kept["taken"], open=OpenQuestion.load(kept["open"]) if kept["open"] else None,
            until=kept["until"], site=kept["site"], answers=kept["answers"], digresses=kept["aside"],
            repeats=kept.get("repeats", True), texts=kept.get("texts", {}), action=kept["action"],
            gives_way=kept.get("gives_way", False),
        )  # fmt: skip


def _functions(frames: Iterable[StoredFrame]) -> list[StoredFrame]:
    return [f for f in frames if f.kind == FrameKind.PYTHON]


def restored(frames: Iterable[StoredFrame], key: Key) -> list[PythonState]:
    """The conversation functions among stored frames."""
    return [PythonState.restore(f, key) for f in _functions(frames)]


def runs_of(frames: Iterable[StoredFrame]) -> set[bytes]:
    """The runs whose journals stored conversations are replayed from."""
    return {bytes.fromhex(codec.loads(f.data)["run"]) for f in _functions(frames)}
