"""Whether a text reached the person: one verdict on all that is known of it, and what to tell who asks (pure).

A verdict is never a guess: what a gateway said is believed, what nobody said is `LATE` or `UNKNOWN`, and what we keep
back is `HELD` with its reason.
"""

from __future__ import annotations

from smsbot.core.reasons import CAP, QUIET
from smsbot.core.status import Status

from .path import path_of
from .verdicts import History, Outcome, Owed, Pause, Stage, Told, Unanswered, Verdict
from .words import Words

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
    _, clock = history.words._, _Clock(history)
    what, at = _("the event") if waits.kind == "event" else _("the text"), clock.at(waits.at)
    path = (Stage(_("Came in"), "done", waits.at), Stage(_("Answer requested"), "ahead"))
    if waits.failed:
        return Verdict(
            Outcome.NEVER, _("the bot failed at %(what)s of %(at)s, and gave up", what=what, at=at),
            _("Your message of %(at)s reached us, but we could not answer it. We are looking into it.", at=at),
            path=(path[0], Stage(_("Answer requested"), "stopped")),
        )  # fmt: skip
    if history.pause is not None:
        return Verdict(
            Outcome.HELD,
            _("%(what)s of %(at)s waits: %(why)s", what=what, at=at, why=_paused(history.pause, history.words, clock)),
            _("Our answer waits, because we have paused sending for the moment. It comes as soon as we go on."),
            path=path,
        )  # fmt: skip
    if waits.again > history.now:
        again = clock.at(waits.again)
        return Verdict(
            Outcome.HELD,
            _("the bot failed at %(what)s of %(at)s, and tries again at %(again)s", what=what, at=at, again=again),
            _("Your message reached us, but we could not answer it yet. We try again at %(again)s.", again=again),
            path=path,
        )  # fmt: skip
    return Verdict(
        Outcome.ON_ITS_WAY, _("%(what)s of %(at)s is being answered", what=what, at=at),
        _("Your message reached us, and the answer is being written."), path=path,
    )  # fmt: skip


def _never(history: History) -> Verdict:
    _ = history.words._
    if history.quarantined:
        return Verdict(
            Outcome.NEVER,
            _("nothing was requested; a webhook that could not be read may be theirs, see the quarantine"),
            _("We have nothing for this number yet. Something came in that we could not read; we are looking at it."),
        )  # fmt: skip
    if history.opted_out is not None:
        since = _Clock(history).at(history.opted_out)
        return Verdict(
            Outcome.NEVER, _("nothing was requested, and the number has opted out since %(since)s", since=since),
            _("We have not sent you anything, and you have asked us not to. Text START to hear from us again."),
        )  # fmt: skip
    if history.wrote:
        return Verdict(
            Outcome.NEVER, _("they texted, and nothing was requested for them"),
            _("Your message reached us, but nothing was sent to you. Let me check what should have been."),
        )  # fmt: skip
    return Verdict(
        Outcome.NEVER,
        _("no text for this number, and none from it; check the number, then who should have asked for it"),
        _("No message for this number was ordered with us. Could you read the number to me once more?"),
    )  # fmt: skip


# -- a text was requested -----------------------------------------------------------------------------------


class _Case:
    """One text, judged."""

    def __init__(self, history: History, text: Owed) -> None:
        self.history, self.text = history, text
        self.words, self.clock = history.words, _Clock(history)
        self.code = text.kind == "code"
        self.noun = self._("code") if self.code else self._("message")
        self.refused = next((a for a in reversed(text.attempts) if a.outcome == "refused"), None)

    def _(self, message: str, **values: object) -> str:
        """A sentence in the language of who reads it."""
        return self.words._(message, **values)

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
        look = self._("If you do not see it, look among blocked senders, or in the other SIM.")
        if told is None:
            why = self._("%(operator)s confirmed it", operator=self._operator(told))
            say = self._("Your %(noun)s was sent at %(sent)s and reached your phone.", **self._text())
            return self._end(Outcome.DELIVERED, why, f"{say} {look}")
        why = self._(
            "%(operator)s confirmed it, %(span)s after it was requested",
            operator=self._operator(told), span=self.words.span(told.at - self.text.created),
        )  # fmt: skip
        say = self._(
            "Your %(noun)s was sent at %(sent)s and reached your phone at %(at)s.",
            **self._text(), at=self.clock.at(told.at),
        )  # fmt: skip
        return self._end(Outcome.DELIVERED, why, f"{say} {look}", told.at)

    def _undelivered(self) -> Verdict:
        told = self._report(Status.UNDELIVERED)
        operator, reason = self._operator(told), self._reason(told)
        return self._end(
            Outcome.NOT_DELIVERED,
            self._("%(operator)s could not deliver it: %(reason)s", operator=operator, reason=reason) if reason
            else self._("%(operator)s could not deliver it, and gave no reason", operator=operator),
            self._("We sent your %(noun)s at %(sent)s, but your operator could not deliver it. "
                   "Is the phone switched on, and in reach? %(offer)s", **self._text(), offer=self._offer()),
            told.at if told is not None else None,
        )  # fmt: skip

    def _failed(self) -> Verdict:
        told = self._report(Status.FAILED)
        reason = self._reason(told) or (self.refused.detail if self.refused is not None else "")
        at = told.at if told is not None else self.refused.ended if self.refused is not None else None
        return self._end(
            Outcome.REFUSED, _because(self._("%(account)s refused it", account=self.text.account), reason),
            self._("We tried to send your %(noun)s at %(sent)s, but the network did not take it. "
                   "We are looking into it; the same would fail again for now.", **self._text()), at,
        )  # fmt: skip

    def _expired(self) -> Verdict:
        told = self._report(Status.EXPIRED)
        if told is None:
            reason = self.words.raw(self.text.detail) or self._("its time ran out")
            return self._end(
                Outcome.EXPIRED, self._("we did not send it in time: %(reason)s", reason=reason),
                self._("Your %(noun)s was not sent in time, so it did not leave. %(offer)s",
                       noun=self.noun, offer=self._offer()), self.text.expires,
            )  # fmt: skip
        why = self._("%(operator)s did not reach the phone in time", operator=self._operator(told))
        return self._end(
            Outcome.EXPIRED, _because(why, self._reason(told)),
            self._("We sent your %(noun)s at %(sent)s, but your phone was not reached in time. "
                   "Is it switched on? %(offer)s", **self._text(), offer=self._offer()), told.at,
        )  # fmt: skip

    def _blocked(self) -> Verdict:
        if self.history.opted_out is not None:
            since = self.clock.at(self.history.opted_out)
            return self._end(
                Outcome.BLOCKED, self._("the number has opted out since %(since)s, so nothing was sent", since=since),
                self._("You asked us at %(since)s not to text you, so we did not. Text START, and we may again.",
                       since=since),
            )  # fmt: skip
        detail = self.words.raw(self.text.detail)
        return self._end(
            Outcome.BLOCKED, detail or self._("we did not send it"),
            self._("We did not send the %(noun)s, on purpose: %(reason)s.",
                   noun=self.noun, reason=detail or self._("a rule of ours kept it")),
        )  # fmt: skip

    # -- not decided --------------------------------------------------------------------------------

    def _waiting(self) -> Verdict:
        text, now, noun = self.text, self.history.now, self.noun
        if self.history.pause is not None:
            return self._end(
                Outcome.HELD, _paused(self.history.pause, self.words, self.clock),
                self._("Your %(noun)s waits, because our gateway does not take texts from us for the moment. "
                       "It leaves as soon as we go on.", noun=noun) if self.history.pause.scope == "account"
                else self._("Your %(noun)s waits, because we have paused sending. It leaves as soon as we go on.",
                            noun=noun),
            )  # fmt: skip
        if text.phase == "held":
            return self._end(
                Outcome.HELD, self.words.raw(text.detail) or self._("it is kept from leaving"),
                self._("Your %(noun)s is being kept back for the moment. We are looking into it.", noun=noun),
            )  # fmt: skip
        if text.phase == "behind":
            return self._end(
                Outcome.ON_ITS_WAY, self._("it waits for the text before it, so that both arrive in order"),
                self._("Your %(noun)s follows right after the one before it.", noun=noun),
            )  # fmt: skip
        if text.due > now:
            return self._due(self.clock.at(text.due))
        return self._end(
            Outcome.ON_ITS_WAY, self._("it is about to leave"), self._("Your %(noun)s is about to leave.", noun=noun)
        )

    def _due(self, due: str) -> Verdict:
        """A text that leaves later."""
        text, noun = self.text, self.noun
        if text.detail.startswith((QUIET, CAP)):
            return self._end(
                Outcome.HELD, self.words.raw(text.detail),
                self._("Your %(noun)s waits until %(due)s, as we do not text at this hour.", noun=noun, due=due)
                if text.detail.startswith(QUIET) else self._("Your %(noun)s waits until %(due)s.", noun=noun, due=due),
            )  # fmt: skip
        if not text.attempts:
            return self._end(
                Outcome.HELD, self._("it is planned for %(due)s", due=due),
                self._("Your %(noun)s is planned for %(due)s.", noun=noun, due=due),
            )  # fmt: skip
        return self._end(
            Outcome.ON_ITS_WAY,
            self._("it could not be handed over yet (%(reason)s); the next try is at %(due)s",
                   reason=self.words.raw(text.detail) or self._("the gateway was busy"), due=due),
            self._("Your %(noun)s has not left yet, because the network is busy. We try again at %(due)s.",
                   noun=noun, due=due),
        )  # fmt: skip

    def _sending(self) -> Verdict:
        return self._end(
            Outcome.ON_ITS_WAY,
            self._("it is being handed to %(account)s", account=self.text.account),
            self._("Your %(noun)s is being sent right now.", noun=self.noun),
        )

    def _taken(self) -> Verdict:
        since = self.text.handed_over or self.text.created
        waited, usual = self.history.now - since, self.history.usual
        place = (
            self._("with the operator") if self.text.status is Status.SENT
            else self._("taken by %(account)s", account=self.text.account)
        )  # fmt: skip
        there = {"place": place, "span": self.words.span(waited)}
        usually = self.words.span(usual) if usual is not None else ""
        late = max(PATIENCE * usual, _LEAST) if usual is not None else _UNTOLD
        if waited <= late:
            return self._end(
                Outcome.ON_ITS_WAY,
                self._("%(place)s %(span)s ago; a report usually takes %(usually)s", **there, usually=usually)
                if usually else self._("%(place)s %(span)s ago", **there),
                self._("We sent your %(noun)s at %(sent)s; it should arrive any moment.", **self._text()),
            )  # fmt: skip
        return self._end(
            Outcome.LATE,
            self._("%(place)s %(span)s ago, and no report came; it usually takes %(usually)s", **there, usually=usually)
            if usually else self._("%(place)s %(span)s ago; this account has not reported any delivery yet", **there),
            self._("We sent your %(noun)s at %(sent)s, and the network took it, but it has not confirmed that it "
                   "arrived. It may still come. %(offer)s", **self._text(), offer=self._offer()),
        )  # fmt: skip

    def _unknown(self) -> Verdict:
        account = self.text.account
        return self._end(
            Outcome.UNKNOWN,
            self._("%(account)s gave no usable answer, and we are asking it; it may have arrived", account=account)
            if self.text.phase == "check" else
            self._("%(account)s gave no usable answer, and nobody can say; it may have arrived", account=account),
            self._("We tried to send your %(noun)s at %(sent)s, but got no answer, so it may or may not reach you. "
                   "%(offer)s", **self._text(),
                   offer=self._offer() if self.code else self._("Has it arrived meanwhile?")),
        )  # fmt: skip

    def _undocumented(self, told: Told) -> Verdict:
        return self._end(
            Outcome.UNKNOWN,
            self._("%(account)s reported “%(raw)s” at %(at)s, which it does not document",
                   account=self.text.account, raw=told.raw, at=self.clock.at(told.at)),
            self._("We sent your %(noun)s at %(sent)s, but what the network says of it we cannot read. "
                   "Has it arrived? %(offer)s", **self._text(), offer=self._offer()),
        )  # fmt: skip

    # -- words --------------------------------------------------------------------------------------

    def _strange(self) -> Told | None:
        """The last report, if nobody documents it, and nothing final is known."""
        last = max(self.text.reports, key=lambda r: r.at, default=None)
        return last if last is not None and last.status is None else None

    def _report(self, status: Status) -> Told | None:
        return next((r for r in self.text.reports if r.status is status), None)

    def _operator(self, told: Told | None) -> str:
        if told is not None and told.operator:
            return self._("the operator %(name)s", name=told.operator)
        return self._("the operator")

    def _reason(self, told: Told | None) -> str:
        """What the operator says of a failure: its words, and its code."""
        if told is None:
            return self.words.raw(self.text.detail)
        words = told.words or self.words.raw(self.text.detail)
        if told.code:
            code = self._("code %(code)s", code=told.code)
            return f"{words} ({code})" if words else code
        return words or self._("report “%(raw)s”", raw=told.raw)

    def _offer(self) -> str:
        return self._("I can send you a new one now.") if self.code else self._("I can send it again now.")

    def _text(self) -> dict[str, str]:
        """What the caller calls it, and when we sent it."""
        started = self.text.attempts[-1].started if self.text.attempts else self.text.created
        return {"noun": self.noun, "sent": self.clock.at(self.text.handed_over or started)}

    def _end(self, outcome: Outcome, why: str, say: str, at: float | None = None) -> Verdict:
        return Verdict(outcome, why, say, at, path_of(self.text, outcome, at, self.words), of_text=True)


# -- times and pauses --------------------------------------------------------------------------------------------------


class _Clock:
    """Times as people are told them."""

    def __init__(self, history: History) -> None:
        self._now, self._zone, self._words = history.now, history.zone, history.words

    def at(self, moment: float) -> str:
        """The time of day; with the day where that is not today."""
        return self._words.clock(moment, self._now, self._zone, "%H:%M")


def _because(why: str, reason: str) -> str:
    return f"{why}: {reason}" if reason else why


def _paused(pause: Pause, words: Words, clock: _Clock) -> str:
    name, since = pause.name, clock.at(pause.since)
    match pause.scope:
        case "all":
            said = words._("everything is paused since %(since)s", since=since)
        case "account":
            said = words._("account %(name)s is held since %(since)s", name=name, since=since)
        case "line":
            said = words._("line %(name)s is paused since %(since)s", name=name, since=since)
        case _:
            said = words._("lane %(name)s is paused since %(since)s", name=name, since=since)
    return _because(said, pause.why)
