"""Writes of a person who takes a conversation over from its bot, and of giving it back (pure)."""

from __future__ import annotations

from smsbot.core.handover import IDLE, PATIENCE, STOPPED, Taken
from smsbot.core.message import Key
from smsbot.core.status import Status

from .facts import Facts, Wants

TAKEN = "a person has taken over"
_WAITS = ("queue", "behind", "held")


class TakeOver:
    """Somebody looks after a conversation from now on: what its bot owes stays here, and its timers wait."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.apart = taken.key.number
        self.names = (self.apart,)

    def want(self, wants: Wants) -> None:
        """Whether somebody has it already, and what waits to leave."""
        wants.conversations.add(self.taken.key)
        wants.threads.add(self.taken.key)
        wants.numbers.add(self.taken.key.number)

    def decide(self, facts: Facts) -> str:
        """Lock it; who has it now, which may be somebody else who was first."""
        key, owner, now = self.taken.key, self.taken.owner, self.taken.since
        if key in facts.taken:
            return facts.taken[key]
        facts.taken[key] = owner
        facts.leave("take_over", (*key, owner, now))
        facts.leave("handoffs_taken", (now, owner, *key))
        facts.leave("stop_timers", (STOPPED, *key))
        facts.leave("timer", (*key, IDLE, now + PATIENCE, ""))
        for text in facts.threads.get(key, ()):
            if text.phase in _WAITS and text.lane not in ("consent", "desk"):
                facts.change(text).close(Status.BLOCKED, TAKEN)
        return owner


def give_back(facts: Facts, key: Key, now: float) -> None:
    """The bot has the conversation again: its timers go on, those that are past at once."""
    facts.leave("give_back", key)
    facts.leave("timers_again", (STOPPED, now, *key))
    facts.leave("unhold_contact", (key.number,))
