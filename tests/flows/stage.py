"""Runs a stack of flows as the pipeline does, without a server; every action returns a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smsbot.core.conversation import Conversation
from smsbot.core.message import Event, Key
from smsbot.flows.state import Person
from smsbot.routing.bot import Bot
from smsbot.routing.chat import Chat, session_of
from smsbot.routing.effects import Effects
from smsbot.turns.context import Context
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.frames import Resume
from smsbot.turns.lines import Line
from smsbot.turns.live import LiveFrames
from smsbot.turns.once import Once
from smsbot.turns.runner import Runner

KEY = Key("7255", "+1")


class _Seven(Bot):
    def converses(self, name: str) -> bool:
        return False

    def action_call(
        self, name: str, arguments: Sequence[Any], keywords: Mapping[str, Any], provided: Mapping[type, Any]
    ) -> Callable[[], Any]:
        return lambda: 7


class _NoStore:
    async def cut(self) -> None:
        """Nothing is committed here."""


_BOT = _Seven("stage")


def perform(versions: FlowVersions, resume: Resume, person: Person, now: float) -> tuple[Effects, str]:
    """What the stack did, and why."""
    event = Event(b"e" * 16, KEY, "text", "", person.now)
    before = Conversation(KEY)
    store = _NoStore()
    chat = Chat(event, before)
    line = Line("7255", _BOT, "main", versions=versions)
    context = Context(
        line=line, event=event, run=b"r" * 16, before=before, effects=session_of(chat).effects, person=person, now=now, chat=chat,
        once=Once(event=event, run=b"r" * 16, effects=session_of(chat).effects, cut=store.cut), live=LiveFrames(), provided={}, journals={},
    )  # fmt: skip
    running = Runner(context, resume).run()
    try:
        running.send(None)
    except StopIteration:
        return session_of(chat).effects, context.why
    raise AssertionError("nothing really waits here")
