"""Whether a text reached the person: one verdict on all that is known of it, and what to tell who asks (pure).

A verdict is never a guess: what a gateway said is believed, what nobody said is `LATE` or `UNKNOWN`, and what we keep
back is `HELD` with its reason.
"""

from __future__ import annotations

from datetime import datetime

from smsbot.core.reasons import CAP, QUIET
from smsbot.core.status import Status

from .path import named, path_of
from .verdicts import History, Outcome, Owed, Pause, Stage, Told, Unanswered, Verdict, seconds

PATIENCE = 10.0
"""How many times the usual a report may take until it is late."""
_LEAST = 60.0
"""Seconds after which a report is late at the earliest."""
_UNTOLD = 300.0
"""The same where nobody knows what is usual."""
_PENDING = (Status.QUEUED, Status.SENDING)
_TAKEN = (Status.ACCEPTED, Status.SENT)


def judge(history: History) -> Verdict:
    """The verdict on what was requested last, or on what keeps anything from being requested."""
    if history.unanswered is not None:
        return _unanswered(history, history.unanswered)
    if history.text is None:
        return _never(history)
    return _Case(history, history.text).verdict()


# -- nothing was requested ----------------------------------------------------------------------------------


def _unanswered(history: History, waits: Unanswered) -> Verdict:
    """Something came after the last text of ours, and is not answered yet."""
    clock = _Clock(history)
    what, again = "event" if waits.kind == "event" else "text", clock.at(waits.again)
    path = (Stage("Came in", "done", waits.at), Stage("Answer requested", "ahead"))
    if waits.failed:
        return Verdict(
            Outcome.NEVER, f"the bot failed at the {what} of {clock.at(waits.at)}, and gave up",
            f"Your message of {clock.at(waits.at)} reached us, but we could not answer it. We are looking into it.",
            path=(path[0], Stage("Answer requested", "stopped")),
        )  # fmt: skip
    if history.pause is not None:
        return Verdict(
            Outcome.HELD, f"the {what} of {clock.at(waits.at)} waits: {_paused(history.pause, clock)}",
            "Our answer waits, because we have paused sending for the moment. It comes as soon as we go on.",
            path=path,
        )  # fmt: skip
    if waits.again > history.now:
        return Verdict(
            Outcome.HELD, f"the bot failed at the {what} of {clock.at(waits.at)}, and tries again at {again}",
            f"Your message reached us, but we could not answer it yet. We try again at {again}.",
            path=path,
        )  # fmt: skip
    return Verdict(
        Outcome.ON_ITS_WAY, f"the {what} of {clock.at(waits.at)} is being answered",
        "Your message reached us, and the answer is being written.", path=path,
    )  # fmt: skip


def _never(history: History) -> Verdict:
    clock = _Clock(history)
    if history.quarantined:
        return Verdict(
            Outcome.NEVER, "nothing was requested; a webhook that could not be read may be theirs, see the quarantine",
            "We have nothing for this number yet. Something came in that we could not read; we are looking at it.",
        )  # fmt: skip
    if history.opted_out is not None:
        return Verdict(
            Outcome.NEVER, f"nothing was requested, and the number has opted out since {clock.at(history.opted_out)}",
            "We have not sent you anything, and you have asked us not to. Text START to hear from us again.",
        )  # fmt: skip
    if history.wrote:
        return Verdict(
            Outcome.NEVER, "they texted, and nothing was requested for them",
            "Your message reached us, but nothing was sent to you. Let me check what should have been.",
        )  # fmt: skip
    return Verdict(
        Outcome.NEVER, "no text for this number, and none from it; check the number, then who should have asked for it",
        "No message for this number was ordered with us. Could you read the number to me once more?",
    )  # fmt: skip


# -- a text was requested -----------------------------------------------------------------------------------


class _Case:
    """One text, judged."""

    def __init__(self, history: History, text: Owed) -> None:
        self.history, self.text = history, text
        self.clock = _Clock(history)
        self.noun = "code" if text.kind == "code" else "message"
        self.refused = next((a for a in reversed(text.attempts) if a.outcome == "refused"), None)

    def verdict(self) -> Verdict:
        """By where the text stands."""
        status = self.text.status
        match status:
            case Status.DELIVERED:
                return self._delivered()
            case Status.UNDELIVERED:
                return self._undelivered()
            case Status.FAILED:
                return self._failed()
            case Status.EXPIRED:
                return self._expired()
            case Status.BLOCKED:
                return self._blocked()
        strange = self._strange()
        if strange is not None:
            return self._undocumented(strange)
        if self.text.phase in ("held", "behind", "queue") and status in _PENDING:
            return self._waiting()
        if status in _TAKEN:
            return self._taken()
        return self._sending() if status in _PENDING else self._unknown()

    # -- decided ------------------------------------------------------------------------------------

    def _delivered(self) -> Verdict:
        told = self._report(Status.DELIVERED)
        at = told.at if told is not None else None
        took = f", {seconds(at - self.text.created)} after it was requested" if at is not None else ""
        return self._end(
            Outcome.DELIVERED, f"the operator{named(told)} confirmed it{took}",
            f"Your {self.noun} was sent at {self._sent()} and reached your phone{self._when(at)}. "
            "If you do not see it, look among blocked senders, or in the other SIM.", at,
        )  # fmt: skip

    def _undelivered(self) -> Verdict:
        told = self._report(Status.UNDELIVERED)
        reason = self._reason(told)
        why = f"the operator{named(told)} could not deliver it" + (f": {reason}" if reason else ", and gave no reason")
        return self._end(
            Outcome.NOT_DELIVERED, why,
            f"We sent your {self.noun} at {self._sent()}, but your operator could not deliver it. "
            f"Is the phone switched on, and in reach? {self._offer()}", told.at if told is not None else None,
        )  # fmt: skip

    def _failed(self) -> Verdict:
        told = self._report(Status.FAILED)
        reason = self._reason(told) or self.text.detail or (self.refused.detail if self.refused is not None else "")
        at = told.at if told is not None else self.refused.ended if self.refused is not None else None
        return self._end(
            Outcome.REFUSED, f"{self.text.account} refused it" + (f": {reason}" if reason else ""),
            f"We tried to send your {self.noun} at {self._sent()}, but the network did not take it. "
            "We are looking into it; the same would fail again for now.", at,
        )  # fmt: skip

    def _expired(self) -> Verdict:
        told = self._report(Status.EXPIRED)
        if told is None:
            return self._end(
                Outcome.EXPIRED, f"we did not send it in time: {self.text.detail or 'its time ran out'}",
                f"Your {self.noun} was not sent in time, so it did not leave. {self._offer()}", self.text.expires,
            )  # fmt: skip
        why, reason = f"the operator{named(told)} did not reach the phone in time", self._reason(told)
        return self._end(
            Outcome.EXPIRED, f"{why}: {reason}" if reason else why,
            f"We sent your {self.noun} at {self._sent()}, but your phone was not reached in time. "
            f"Is it switched on? {self._offer()}", told.at,
        )  # fmt: skip

    def _blocked(self) -> Verdict:
        if self.history.opted_out is not None:
            since = self.clock.at(self.history.opted_out)
            return self._end(
                Outcome.BLOCKED, f"the number has opted out since {since}, so nothing was sent",
                f"You asked us at {since} not to text you, so we did not. Text START, and we may again.",
            )  # fmt: skip
        return self._end(
            Outcome.BLOCKED, self.text.detail or "we did not send it",
            f"We did not send the {self.noun}, on purpose: {self.text.detail or 'a rule of ours kept it'}.",
        )  # fmt: skip

    # -- not decided --------------------------------------------------------------------------------

    def _waiting(self) -> Verdict:
        text, now = self.text, self.history.now
        if self.history.pause is not None:
            account = self.history.pause.scope == "account"
            told = "our gateway does not take texts from us for the moment" if account else "we have paused sending"
            return self._end(
                Outcome.HELD, _paused(self.history.pause, self.clock),
                f"Your {self.noun} waits, because {told}. It leaves as soon as we go on.",
            )  # fmt: skip
        if text.phase == "held":
            return self._end(
                Outcome.HELD, text.detail or "it is kept from leaving",
                f"Your {self.noun} is being kept back for the moment. We are looking into it.",
            )  # fmt: skip
        if text.phase == "behind":
            return self._end(
                Outcome.ON_ITS_WAY, "it waits for the text before it, so that both arrive in order",
                f"Your {self.noun} follows right after the one before it.",
            )  # fmt: skip
        if text.due > now and text.detail.startswith((QUIET, CAP)):
            return self._end(
                Outcome.HELD, text.detail,
                f"Your {self.noun} waits until {self.clock.at(text.due)}, as we do not text at this hour."
                if text.detail.startswith(QUIET) else f"Your {self.noun} waits until {self.clock.at(text.due)}.",
            )  # fmt: skip
        if text.due > now and not text.attempts:
            return self._end(
                Outcome.HELD, f"it is planned for {self.clock.at(text.due)}",
                f"Your {self.noun} is planned for {self.clock.at(text.due)}.",
            )  # fmt: skip
        if text.due > now:
            return self._end(
                Outcome.ON_ITS_WAY, f"it could not be handed over yet ({text.detail or 'the gateway was busy'}); "
                f"the next try is at {self.clock.at(text.due)}",
                f"Your {self.noun} has not left yet, because the network is busy. "
                f"We try again at {self.clock.at(text.due)}.",
            )  # fmt: skip
        return self._end(Outcome.ON_ITS_WAY, "it is about to leave", f"Your {self.noun} is about to leave.")

    def _sending(self) -> Verdict:
        return self._end(
            Outcome.ON_ITS_WAY,
            f"it is being handed to {self.text.account}",
            f"Your {self.noun} is being sent right now.",
        )

    def _taken(self) -> Verdict:
        since = self.text.handed_over or self.text.created
        waited, usual = self.history.now - since, self.history.usual
        operator = self.text.status is Status.SENT
        place = "with the operator" if operator else f"taken by {self.text.account}"
        late = max(PATIENCE * usual, _LEAST) if usual is not None else _UNTOLD
        if waited <= late:
            usually = f"; a report usually takes {seconds(usual)}" if usual is not None else ""
            return self._end(
                Outcome.ON_ITS_WAY, f"{place} {seconds(waited)} ago{usually}",
                f"We sent your {self.noun} at {self._sent()}; it should arrive any moment.",
            )  # fmt: skip
        if usual is None:
            why = f"{place} {seconds(waited)} ago; this account has not reported any delivery yet"
        else:
            why = f"{place} {seconds(waited)} ago, and no report came; it usually takes {seconds(usual)}"
        return self._end(
            Outcome.LATE, why,
            f"We sent your {self.noun} at {self._sent()}, and the network took it, but it has not confirmed that it "
            f"arrived. It may still come. {self._offer()}",
        )  # fmt: skip

    def _unknown(self) -> Verdict:
        looked = "we are asking it" if self.text.phase == "check" else "nobody can say"
        return self._end(
            Outcome.UNKNOWN, f"{self.text.account} gave no usable answer, and {looked}; it may have arrived",
            f"We tried to send your {self.noun} at {self._sent()}, but got no answer, so it may or may not reach you. "
            + (self._offer() if self.noun == "code" else "Has it arrived meanwhile?"),
        )  # fmt: skip

    def _undocumented(self, told: Told) -> Verdict:
        return self._end(
            Outcome.UNKNOWN,
            f"{self.text.account} reported “{told.raw}” at {self.clock.at(told.at)}, which it does not document",
            f"We sent your {self.noun} at {self._sent()}, but what the network says of it we cannot read. "
            f"Has it arrived? {self._offer()}",
        )  # fmt: skip

    # -- words --------------------------------------------------------------------------------------

    def _strange(self) -> Told | None:
        """The last report, if nobody documents it, and nothing final is known."""
        last = max(self.text.reports, key=lambda r: r.at, default=None)
        return last if last is not None and last.status is None else None

    def _report(self, status: Status) -> Told | None:
        return next((r for r in self.text.reports if r.status is status), None)

    def _reason(self, told: Told | None) -> str:
        """What the operator says of a failure: its words, and its code."""
        if told is None:
            return self.text.detail
        words = told.words or self.text.detail
        code = f"code {told.code}" if told.code else f"report “{told.raw}”" if not words else ""
        return f"{words} ({code})" if words and code else words or code

    def _offer(self) -> str:
        return "I can send you a new one now." if self.noun == "code" else "I can send it again now."

    def _sent(self) -> str:
        return self.clock.at(
            self.text.handed_over or (self.text.attempts[-1].started if self.text.attempts else self.text.created)
        )

    def _when(self, at: float | None) -> str:
        return f" at {self.clock.at(at)}" if at is not None else ""

    def _end(self, outcome: Outcome, why: str, say: str, at: float | None = None) -> Verdict:
        return Verdict(outcome, why, say, at, path_of(self.text, outcome, at), of_text=True)


# -- times and pauses --------------------------------------------------------------------------------------------------


class _Clock:
    """Times as people are told them."""

    def __init__(self, history: History) -> None:
        self._now, self._zone = history.now, history.zone

    def at(self, moment: float) -> str:
        """The time of day; with the day where that is not today."""
        then, now = (datetime.fromtimestamp(t, self._zone) for t in (moment, self._now))
        return then.strftime("%H:%M" if then.date() == now.date() else "%d %b, %H:%M")


def _paused(pause: Pause, clock: _Clock) -> str:
    what = {"all": "everything is paused", "account": f"account {pause.name} is held"}
    said = what.get(pause.scope, f"{pause.scope} {pause.name} is paused")
    return f"{said} since {clock.at(pause.since)}" + (f": {pause.why}" if pause.why else "")
