"""The way of a text: requested, handed over, with the operator, on the phone (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from smsbot.core.status import Status

from .verdicts import Outcome, Owed, Stage
from .words import Words


def path_of(text: Owed, outcome: Outcome, at: float | None, words: Words) -> tuple[Stage, ...]:
    """Requested → handed over → operator → phone, as far as it came; `at` is when it ended."""
    _ = words._
    requested = Stage(_("Requested"), "done", text.created)
    handed = Stage(_("Handed to %(account)s", account=text.account), _handed_state(text), text.handed_over)
    told = [r for r in text.reports if r.status is not None and r.status.rank >= Status.SENT.rank]
    sent = next((r for r in told if r.status is Status.SENT), None)
    operator = Stage(
        _("With operator %(name)s", name=told[-1].operator) if told and told[-1].operator else _("With the operator"),
        "done" if told and outcome is not Outcome.REFUSED else "ahead",
        sent.at if sent is not None else None,
    )
    last = {
        Outcome.DELIVERED: Stage(_("On the phone"), "done", at),
        Outcome.NOT_DELIVERED: Stage(_("Not delivered"), "stopped", at),
        Outcome.EXPIRED: Stage(_("Expired"), "stopped", at),
        Outcome.REFUSED: Stage(_("Refused"), "stopped", at),
        Outcome.BLOCKED: Stage(_("Blocked by us"), "stopped"),
    }.get(outcome, Stage(_("On the phone"), "ahead"))
    return _timed(_shortened((requested, handed, operator, last), outcome))


def _handed_state(text: Owed) -> str:
    told = any(r.status is not None and r.status.rank >= Status.ACCEPTED.rank for r in text.reports)
    if text.handed_over is not None or told:
        return "done"
    if text.status is Status.UNKNOWN or any(a.outcome == "unknown" for a in text.attempts):
        return "unsure"
    return "now" if text.phase == "attempt" else "ahead"


def _shortened(path: tuple[Stage, ...], outcome: Outcome) -> tuple[Stage, ...]:
    """Without places that a text which has ended never came to."""
    if outcome.arrived is None or outcome is Outcome.DELIVERED:
        return path
    return tuple(s for s in path[:-1] if s.state in ("done", "unsure")) + path[-1:]


def _timed(path: Sequence[Stage]) -> tuple[Stage, ...]:
    """With the seconds that each stage took."""
    found: list[Stage] = []
    before: float | None = None
    for stage in path:
        took = stage.at - before if stage.at is not None and before is not None else None
        found.append(Stage(stage.name, stage.state, stage.at, took))
        before = stage.at if stage.at is not None else before
    return tuple(found)
