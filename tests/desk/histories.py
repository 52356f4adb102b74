"""Histories of texts and people, each with the verdict on it and a part of why."""

from __future__ import annotations

from datetime import UTC
from typing import NamedTuple

from smsbot.core.status import Status
from smsbot.desk.verdicts import Attempt, History, Outcome, Owed, Pause, Told, Unanswered

NOW = 1_790_000_000.0
"""14:13:20 UTC."""
S = Status


class Case(NamedTuple):
    """A history, the verdict, and what the reason and the sentence say."""

    name: str
    history: History
    outcome: Outcome
    why: str
    say: str = ""


def text(status: Status, phase: str = "", *, age: float = 20.0, **more: object) -> Owed:
    """A text that was requested `age` seconds ago."""
    told: dict[str, object] = {"due": NOW - age, "expires": NOW - age + 3600, "detail": "", "account": "main", **more}
    return Owed(created=NOW - age, status=status, phase=phase, **told)  # type: ignore[arg-type]


def tried(outcome: str, *, age: float = 19.0, n: int = 1, detail: str = "") -> Attempt:
    return Attempt(n, NOW - age, None if not outcome else NOW - age + 0.3, outcome, detail)


def told(status: Status | None, raw: str, *, age: float = 10.0, **more: str) -> Told:
    return Told(NOW - age, status, raw, **more)


def of(owed: Owed | None = None, **more: object) -> History:
    return History(NOW, UTC, owed, **more)  # type: ignore[arg-type]


TAKEN = (tried("accepted"),)
OLD = (tried("accepted", age=7200),)
PAUSE = Pause("all", "", NOW - 500, "maintenance")
REFUSAL = Pause("account", "main", NOW - 500, "HTTP 401: key expired")

CASES = [
    # nothing requested
    Case("nothing at all", of(), Outcome.NEVER, "check the number", "No message for this number"),
    Case("they wrote, nobody answered", of(wrote=True), Outcome.NEVER, "they texted", "reached us"),
    Case("opted out, and nothing requested", of(opted_out=NOW - 86400, wrote=True), Outcome.NEVER, "opted out since", "START"),
    Case("a webhook that nobody could read", of(quarantined=True), Outcome.NEVER, "quarantine", "could not read"),
    # something waits
    Case("an event waits behind a pause", of(unanswered=Unanswered(NOW - 60, "event"), pause=PAUSE),
         Outcome.HELD, "everything is paused since 14:05: maintenance", "paused"),
    Case("a text waits behind a pause of its line",
         of(unanswered=Unanswered(NOW - 60, "text"), pause=Pause("line", "7255", NOW - 90)), Outcome.HELD, "line 7255 is paused"),
    Case("a text is being answered", of(unanswered=Unanswered(NOW - 1, "text")), Outcome.ON_ITS_WAY, "being answered"),
    Case("the bot failed and tries again", of(unanswered=Unanswered(NOW - 60, "text", again=NOW + 90)),
         Outcome.HELD, "tries again at 14:14", "try again at 14:14"),
    Case("the bot gave up", of(unanswered=Unanswered(NOW - 60, "text", failed=True)), Outcome.NEVER, "gave up", "could not answer"),
    Case("the bot gave up while paused", of(unanswered=Unanswered(NOW - 60, "text", failed=True), pause=PAUSE),
         Outcome.NEVER, "gave up"),
    # waits to leave
    Case("about to leave", of(text(S.QUEUED, "queue")), Outcome.ON_ITS_WAY, "about to leave"),
    Case("planned", of(text(S.QUEUED, "queue", due=NOW + 1800)), Outcome.HELD, "planned for 14:43", "14:43"),
    Case("planned for another day", of(text(S.QUEUED, "queue", due=NOW + 86400)), Outcome.HELD, "22 Sep 14:13"),
    Case("paused", of(text(S.QUEUED, "held"), pause=PAUSE), Outcome.HELD, "maintenance", "as soon as we go on"),
    Case("a lane is paused", of(text(S.QUEUED, "held"), pause=Pause("lane", "bulk", NOW)), Outcome.HELD, "lane bulk is paused"),
    Case("the account is refused (401)", of(text(S.QUEUED, "held", attempts=(tried("later"),)), pause=REFUSAL),
         Outcome.HELD, "account main is held since 14:05: HTTP 401", "gateway does not take"),
    Case("the account is gone", of(text(S.QUEUED, "held", detail='there is no account "old" any more')), Outcome.HELD, "no account"),
    Case("behind another", of(text(S.QUEUED, "behind")), Outcome.ON_ITS_WAY, "text before it"),
    Case("behind another that is paused", of(text(S.QUEUED, "behind"), pause=PAUSE), Outcome.HELD, "paused"),
    Case("throttled", of(text(S.QUEUED, "queue", due=NOW + 5, detail="HTTP 429", attempts=(tried("later"),))),
         Outcome.ON_ITS_WAY, "next try is at 14:13", "busy"),
    Case("being handed over", of(text(S.SENDING, "attempt", attempts=(tried(""),))), Outcome.ON_ITS_WAY, "being handed to main"),
    # handed over, nothing final
    Case("taken just now", of(text(S.ACCEPTED, attempts=TAKEN), usual=6.0), Outcome.ON_ITS_WAY, "usually takes 6.0 s", "14:13"),
    Case("with the operator", of(text(S.SENT, attempts=TAKEN, reports=(told(S.SENT, "2"),)), usual=6.0),
         Outcome.ON_ITS_WAY, "with the operator"),
    Case("no report for ten times the usual", of(text(S.ACCEPTED, age=130, attempts=(tried("accepted", age=129),)), usual=12.0),
         Outcome.LATE, "it usually takes 12 s", "may still come"),
    Case("slow, but not yet late", of(text(S.ACCEPTED, age=110, attempts=(tried("accepted", age=109),)), usual=12.0),
         Outcome.ON_ITS_WAY, "taken by main"),
    Case("the operator is silent", of(text(S.SENT, age=7200, attempts=OLD, reports=(told(S.SENT, "2", age=7190),)), usual=6.0),
         Outcome.LATE, "with the operator 2 h ago"),
    Case("an account that never reported", of(text(S.ACCEPTED, age=7200, attempts=OLD)), Outcome.LATE, "not reported any delivery"),
    Case("a first text, minutes old", of(text(S.ACCEPTED, age=120, attempts=(tried("accepted", age=119),))),
         Outcome.ON_ITS_WAY, "2 min ago"),
    Case("report 22, which nobody documents", of(text(S.ACCEPTED, attempts=TAKEN, reports=(told(None, "22"),))),
         Outcome.UNKNOWN, "“22”", "cannot read"),
    Case("a strange report after the operator's",
         of(text(S.SENT, attempts=TAKEN, reports=(told(S.SENT, "2", age=12), told(None, "22", age=5)))), Outcome.UNKNOWN, "“22”"),
    Case("a strange report before a known one",
         of(text(S.SENT, attempts=TAKEN, reports=(told(None, "7", age=12), told(S.SENT, "2", age=5))), usual=6.0),
         Outcome.ON_ITS_WAY, "with the operator"),
    # unknown
    Case("no answer, being looked up", of(text(S.UNKNOWN, "check", attempts=(tried("unknown"),))), Outcome.UNKNOWN, "asking it"),
    Case("no answer, held for the desk", of(text(S.UNKNOWN, attempts=(tried("unknown"),))), Outcome.UNKNOWN, "nobody can say", "may or may not"),
    Case("a code without an answer", of(text(S.UNKNOWN, kind="code", attempts=(tried("unknown"),))),
         Outcome.UNKNOWN, "may have arrived", "new one"),
    Case("resent, and unknown once more", of(text(S.UNKNOWN, "check", attempts=(tried("unknown"), tried("unknown", n=2)))),
         Outcome.UNKNOWN, "main gave no usable answer"),
    # ended well
    Case("delivered", of(text(S.DELIVERED, attempts=TAKEN, reports=(told(S.DELIVERED, "21", operator="Plus"),))),
         Outcome.DELIVERED, "operator Plus confirmed it, 10 s after", "reached your phone at 14:13"),
    Case("resent once, then delivered",
         of(text(S.DELIVERED, attempts=(tried("unknown", age=40), tried("accepted", n=2)), reports=(told(S.DELIVERED, "21"),), age=41)),
         Outcome.DELIVERED, "confirmed it"),
    Case("delivered after it had expired",
         of(text(S.DELIVERED, attempts=TAKEN, reports=(told(S.EXPIRED, "23", age=15), told(S.DELIVERED, "21")))), Outcome.DELIVERED, "confirmed"),
    Case("delivered, then a strange word",
         of(text(S.DELIVERED, attempts=TAKEN, reports=(told(S.DELIVERED, "21", age=12), told(None, "22", age=5)))), Outcome.DELIVERED, "confirmed"),
    Case("delivered, and opted out since",
         of(text(S.DELIVERED, attempts=TAKEN, reports=(told(S.DELIVERED, "21"),)), opted_out=NOW - 2), Outcome.DELIVERED, "confirmed"),
    Case("found at the gateway as delivered, without a report", of(text(S.DELIVERED, attempts=(tried("unknown"),))),
         Outcome.DELIVERED, "the operator confirmed it", "reached your phone."),
    # ended badly
    Case("switched off", of(text(S.UNDELIVERED, attempts=TAKEN, reports=(
        told(S.UNDELIVERED, "22", operator="Plus", words="absent subscriber", code="27"),))),
         Outcome.NOT_DELIVERED, "operator Plus could not deliver it: absent subscriber (code 27)", "switched on"),
    Case("undelivered, with a code alone", of(text(S.UNDELIVERED, attempts=TAKEN, reports=(told(S.UNDELIVERED, "5", code="8"),))),
         Outcome.NOT_DELIVERED, "code 8"),
    Case("undelivered, no reason", of(text(S.UNDELIVERED, attempts=TAKEN, reports=(told(S.UNDELIVERED, "UNDELIV"),))),
         Outcome.NOT_DELIVERED, "report “UNDELIV”"),
    Case("one SMS of several", of(text(S.UNDELIVERED, attempts=TAKEN, detail="1 of 2", reports=(
        told(S.DELIVERED, "delivered"), told(S.UNDELIVERED, "failed", code="3")))), Outcome.NOT_DELIVERED, "1 of 2 (code 3)"),
    Case("a code that the operator dropped", of(text(S.UNDELIVERED, kind="code", attempts=TAKEN, reports=(told(S.UNDELIVERED, "5"),))),
         Outcome.NOT_DELIVERED, "could not deliver", "your code"),
    Case("refused at once", of(text(S.FAILED, detail="HTTP 400: sender not approved", attempts=(tried("refused"),))),
         Outcome.REFUSED, "main refused it: HTTP 400: sender not approved", "did not take it"),
    Case("refused by a report", of(text(S.FAILED, attempts=TAKEN, reports=(told(S.FAILED, "rejected", words="spam", code="30007"),))),
         Outcome.REFUSED, "spam (code 30007)"),
    Case("refused because they opted out there", of(text(S.FAILED, detail="21610: opted out", attempts=(tried("refused"),)), opted_out=NOW - 1),
         Outcome.REFUSED, "21610"),
    Case("expired by us", of(text(S.EXPIRED, age=7200, detail="not sent in time")), Outcome.EXPIRED, "not sent in time", "was not sent in time"),
    Case("expired by the network", of(text(S.EXPIRED, attempts=TAKEN, reports=(told(S.EXPIRED, "23"),))),
         Outcome.EXPIRED, "did not reach the phone in time: report “23”", "not reached in time"),
    Case("opted out before", of(text(S.BLOCKED, detail="the number has opted out"), opted_out=NOW - 86400),
         Outcome.BLOCKED, "opted out since 20 Sep 14:13", "START"),
    Case("opted out while it waited", of(text(S.BLOCKED, detail="the number opted out"), opted_out=NOW - 5), Outcome.BLOCKED, "opted out since 14:13"),
    Case("kept for the desk", of(text(S.BLOCKED, detail="waits for a person at the counter")), Outcome.BLOCKED, "counter", "on purpose"),
    Case("opted out, and in again since", of(text(S.BLOCKED, detail="the number has opted out")), Outcome.BLOCKED, "the number has opted out"),
]  # fmt: skip
"""More than forty."""
