"""The memory of a process that is alone at times, and at others beside processes that write as well."""

from __future__ import annotations

from smsbot.core.commit import Commit
from smsbot.stores.memory import Memory


class SharedMemory(Memory):
    """What is remembered while nobody else writes; what was read or begun before that is not taken into it."""

    def __init__(self) -> None:
        super().__init__()
        self.era = 0
        """Moves whenever all is let go of."""

    def begin(self, *, alone: bool) -> None:
        """Others have come, or left: let go of all, and remember from now on only if this process is alone."""
        self.clear()
        self.keeps = alone

    def clear(self) -> None:
        """Let go of all; what was begun before is of another era."""
        super().clear()
        self.era += 1

    def learn(self, step: Commit) -> None:
        """A turn was committed; one that began in another era knows less of the person than the database."""
        key = step.after.key
        held = self._conversations.get(key)
        super().learn(step)
        if held is None:
            self._contacts.pop(key.number, None)
        agree = held is not None and held.opted_out == step.after.opted_out
        if not agree or (held is not None and not step.contact and held.contact != step.after.contact):
            self.drop(key)
