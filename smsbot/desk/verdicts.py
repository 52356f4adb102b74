"""Did it reach them? All that is known of that, and a verdict on it, as records."""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from typing import Any

from smsbot.core.clock import iso
from smsbot.core.status import Status
from smsbot.core.structs import struct

from .words import ENGLISH, N_, Words


class Outcome(StrEnum):
    """The ten verdicts, in the words that users read."""

    DELIVERED = N_("Delivered")
    NOT_DELIVERED = N_("Not delivered")
    EXPIRED = N_("Expired")
    ON_ITS_WAY = N_("On its way")
    LATE = N_("Late, no report")
    UNKNOWN = N_("We do not know")
    REFUSED = N_("Refused by the gateway")
    BLOCKED = N_("Blocked by us")
    HELD = N_("Held")
    NEVER = N_("Never requested")

    @property
    def slug(self) -> str:
        """Its name for programs, such as ``not_delivered``."""
        return self.name.lower()

    @property
    def arrived(self) -> bool | None:
        """Whether the person has the text; None while that is not decided, or nobody can know."""
        if self is Outcome.DELIVERED:
            return True
        return None if self in (Outcome.ON_ITS_WAY, Outcome.LATE, Outcome.UNKNOWN, Outcome.HELD) else False


@struct
class Attempt:
    """One try to hand a text over."""

    n: int
    started: float
    ended: float | None
    outcome: str
    """``accepted``, ``refused``, ``unknown``, ``later``, ``not sent``; empty while it runs."""
    detail: str = ""


@struct
class Told:
    """One delivery report."""

    at: float
    status: Status | None
    """None where nobody documents what it says."""
    raw: str
    words: str = ""
    code: str = ""
    operator: str = ""


@struct
class Owed:
    """A text that was requested, and where it stands."""

    created: float
    due: float
    expires: float
    status: Status
    phase: str
    """``queue``, ``behind``, ``held``, ``attempt``, ``check``; empty where nothing is to be done."""
    detail: str
    account: str
    kind: str = "reply"
    """``code``, ``reply``, ``notice``, ``bulk``, or ``consent``."""
    attempts: tuple[Attempt, ...] = ()
    reports: tuple[Told, ...] = ()

    @property
    def handed_over(self) -> float | None:
        """When the gateway took it; None if it has not."""
        return next((a.ended for a in self.attempts if a.outcome == "accepted"), None)


@struct
class Pause:
    """What keeps texts or events of the person from going on."""

    scope: str
    """``all``, ``line``, ``lane`` or ``account``."""
    name: str
    since: float
    why: str = ""


@struct
class Unanswered:
    """Something of the person, or about them, that the bot has not answered: a text, or an event of a program."""

    at: float
    kind: str
    failed: bool = False
    """Whether the bot gave up on it."""
    again: float = 0.0
    """When the bot tries again what it failed at."""


@struct
class History:
    """Everything that is known of one question: did it reach them?"""

    now: float
    zone: tzinfo
    """The zone in which people are told times."""
    text: Owed | None = None
    pause: Pause | None = None
    opted_out: float | None = None
    """Since when the number has opted out."""
    unanswered: Unanswered | None = None
    """The newest thing that waits, if it came after the text."""
    usual: float | None = None
    """Seconds that a report of this account usually takes; None where there were none."""
    wrote: bool = False
    """Whether the person has ever texted us."""
    quarantined: bool = False
    """Whether a webhook that nobody could read may be about them."""
    words: Words = ENGLISH
    """The language of who reads the verdict."""


@struct
class Stage:
    """A place on the way of a text: passed, reached now, or where it ended."""

    name: str
    state: str
    """``done``, ``now``, ``ahead``, ``stopped``, or ``unsure``."""
    at: float | None = None
    took: float | None = None
    """Seconds since the stage before."""


@struct
class Verdict:
    """What became of a text."""

    outcome: Outcome
    why: str
    """One line for the desk, without a full stop."""
    say: str
    """The sentence for who asks."""
    at: float | None = None
    """When it was decided, as far as it is."""
    path: tuple[Stage, ...] = ()
    of_text: bool = False
    """Whether it is on a text of ours; else it is on what keeps one from being requested."""


def plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON, for the command line and the API."""
    path = [
        {"name": s.name, "state": s.state, "at": iso(s.at) if s.at is not None else None, "took": s.took}
        for s in verdict.path
    ]
    told = {"verdict": verdict.outcome.slug, "title": str(verdict.outcome), "arrived": verdict.outcome.arrived}
    at = iso(verdict.at) if verdict.at is not None else None
    return {**told, "why": verdict.why, "say": verdict.say, "at": at, "path": path}
