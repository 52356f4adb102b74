"""Codes that texts hold: which code a text is of, whether it may be sent at all (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smsbot.core.message import Outgoing
from smsbot.core.otp import DAY, Code, Wanted, nonce_of, range_of, refusal
from smsbot.core.phone import is_costly
from smsbot.core.reasons import CODES

from .facts import Facts

KEPT = 30 * DAY
"""Seconds for which it is kept that somebody was sent a code."""


def lasting(facts: Facts, text: Outgoing, wanted: Wanted) -> Outgoing:
    """The text of a code that may be typed already: it is not worth sending once that is over."""
    live = _live(facts.codes[text.key.number, wanted.purpose, wanted.line], wanted, text.created)
    return replace(text, expires=min(text.expires, live.expires)) if live is not None else text


def coded(facts: Facts, text: Outgoing, wanted: Wanted) -> str:
    """Give a text its code: one that may be typed already, or a new one; why it is not sent, if it may not be."""
    number, now = text.key.number, text.created
    if is_costly(number):
        return f"{CODES}: none is sent to premium numbers and satellite phones"
    own = facts.codes[number, wanted.purpose, wanted.line]
    asking = facts.asking[range_of(number)]
    live = _live(own, wanted, now)
    if why := refusal(live, own, asking, now):
        return why
    if live is None:
        live = Code(
            wanted.id or text.id, at=now, expires=now + wanted.valid, most=wanted.tries, wrong=0, sends=0,
            again=wanted.resends, used=None,
        )  # fmt: skip
        own.insert(0, live)
        facts.leave("codes_over", (now - KEPT,))
        row = (
            live.id, number, wanted.purpose, nonce_of(live.id), wanted.digits, live.at, live.expires, live.most,
            live.again, text.by, wanted.line,
        )  # fmt: skip
        facts.leave("code", row)
    own[own.index(live)] = replace(live, sends=live.sends + 1)
    facts.asking[range_of(number)] = replace(asking, sent=asking.sent + 1)
    facts.leave("code_text", (text.id, live.id))
    facts.leave("code_sent", (live.id,))
    return ""


def _live(own: Sequence[Code], wanted: Wanted, now: float) -> Code | None:
    """The code that may be typed already: that of the question, where it names one."""
    return next((code for code in own if code.is_open(now) and wanted.id in ("", code.id)), None)
