"""Conversations and people as a process knows them: a turn need not ask the database for what it has just written.

It is right as long as this process alone writes. Beside others a conversation is remembered for as long as one text
comes in, which reads it first; and who looks after which conversation is read anew with every beat.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from smsbot.core.commit import Commit
from smsbot.core.conversation import Conversation
from smsbot.core.handover import Taken
from smsbot.core.message import Key

_MOST = 50_000
"""Conversations, and contacts, that are remembered."""
_FEW = 1_000
_MOMENT = 0.2
"""Conversations that are remembered beside others, and for how many seconds."""


class Memory:
    """What was read or written last of each conversation and person."""

    def __init__(self) -> None:
        self.keeps = True
        """Whether this process alone writes."""
        self._brief: OrderedDict[Key, tuple[float, Conversation]] = OrderedDict()
        """Conversations as they were read a moment ago, beside others, and when."""
        self._conversations: OrderedDict[Key, Conversation] = OrderedDict()
        self._lines: set[str] = set()
        self._contacts: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        """Contacts as this process last wrote them: a turn that began before must not bring an old one back."""
        self.suppressed: dict[str, bool] = {}
        """Numbers whose consent this process has changed, and whether they have opted out."""
        self.taken: dict[Key, Taken] = {}
        """Conversations that people at the desk look after."""

    def of(self, key: Key) -> Conversation | None:
        """The conversation, if it is remembered."""
        if not self.keeps:
            at, brief = self._brief.get(key, (0.0, None))
            return brief if time.monotonic() - at < _MOMENT else None
        found = self._conversations.get(key)
        if found is not None:
            self._conversations.move_to_end(key)
        return found

    def keep(self, conversation: Conversation) -> Conversation:
        """Remember a conversation, with what is known better of its person; returns that."""
        key = conversation.key
        if not self.keeps:
            self._brief[key] = time.monotonic(), conversation
            if len(self._brief) > _FEW:
                self._brief.popitem(last=False)
            return conversation
        taken = self.taken.get(key)
        if taken is not None and not conversation.owner:  # a turn that began before it was taken over
            conversation = replace(conversation, owner=taken.owner)
        opted_out = self.suppressed.get(key.number, conversation.opted_out)
        contact = self._contacts.get(key.number, conversation.contact)
        if opted_out != conversation.opted_out or contact is not conversation.contact:
            conversation = replace(conversation, opted_out=opted_out, contact=contact)
        self._conversations[key] = conversation
        self._lines.add(key.line)
        if len(self._conversations) > _MOST:
            self._conversations.popitem(last=False)
        return conversation

    def learn(self, step: Commit) -> None:
        """A turn was committed."""
        key = step.after.key
        if step.gives_back:
            self.taken.pop(key, None)
        if step.contact:  # a contact is shared by lines
            self.know(key.number, self._contacts.get(key.number, step.after.contact), step.contact)
        self.keep(step.after)

    def know(self, number: str, known: Mapping[str, str], changes: Mapping[str, str | None]) -> None:
        """Keep a contact as it is now; conversations that are remembered hold it as it was."""
        if self.keeps:
            self._contacts[number] = {k: v for k, v in {**known, **changes}.items() if v is not None}
        if len(self._contacts) > _MOST:
            self._contacts.popitem(last=False)
        self.leave(number)

    def consented(self, number: str, opted_out: bool) -> None:
        """A number has opted out, or in again."""
        if self.keeps:
            self.suppressed[number] = opted_out
        self.leave(number)

    def drop(self, key: Key) -> None:
        """Let go of a conversation."""
        self._conversations.pop(key, None)
        self._brief.pop(key, None)

    def leave(self, number: str) -> None:
        """Let go of a person's conversations on all lines."""
        for key in [key for key in self._brief if key.number == number]:
            self.drop(key)
        for line in self._lines:
            self.drop(Key(line, number))

    def erase(self, keys: Iterable[Key], number: str) -> None:
        """Let go of a person who is erased."""
        self._contacts.pop(number, None)
        for key in keys:
            self.taken.pop(key, None)
            self.drop(key)

    def clear(self) -> None:
        """Let go of all conversations and contacts."""
        self._brief.clear()
        self._conversations.clear()
        self._contacts.clear()
        self.suppressed.clear()
