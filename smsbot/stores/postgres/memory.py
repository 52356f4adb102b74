"""The memory of a process that is alone at times, and at others beside processes that write as well."""

from __future__ import annotations

from smsbot.core.commit import Commit
from smsbot.core.conversation import Conversation
from smsbot.stores.memory import Memory


class SharedMemory(Memory):
    """What is remembered while nobody else writes; what was read or begun before that is not taken into it."""

    def __init__(self) -> None:
        super().__init__()
        self.era = 0
        """Moves whenever what is being read is not to be remembered."""

    def begin(self, *, alone: bool) -> None:
        """Others have come, or left: let go of all, and remember from now on only if this process is alone."""
        self.clear()
        self.keeps = alone

    def clear(self) -> None:
        """Let go of all; what was begun before is of another era."""
        super().clear()
        self.era += 1

    def learn(self, step: Commit) -> None:
        """A turn was committed; one that did not go on from what is remembered knows less than the database does."""
        key = step.after.key
        held, known = self._conversations.get(key), key.number in self._contacts
        super().learn(step)
        if held is not None and _follows(step, held):
            return
        if not known:  # what was kept of the contact is what that turn had begun with
            self._contacts.pop(key.number, None)
        if self.keeps:  # nor is anything remembered that is being read just now
            self.era += 1
        self.leave(key.number)


def _follows(step: Commit, held: Conversation) -> bool:
    """Whether a turn began with the person as they are remembered."""
    contact = {**held.contact, **step.contact}
    contact = {name: value for name, value in contact.items() if value is not None}
    return held.opted_out == step.after.opted_out and contact == step.after.contact
