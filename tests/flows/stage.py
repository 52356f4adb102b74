"""Runs a stack of flows as the pipeline does, without a server; every action returns a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smsbot.core.conversation import Conversation
from smsbot.core.message import Event, Key
from smsbot.flows.state import Person
from smsbot.pipeline.flowing import Shelf, Wake
from smsbot.pipeline.lines import Line
from smsbot.pipeline.play import Play
from smsbot.pipeline.scene import Scene
from smsbot.pipeline.talks import Talks
from smsbot.routing.bot import Bot
from smsbot.routing.chat import Chat
from smsbot.routing.effects import Effects

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


def perform(shelf: Shelf, wake: Wake, person: Person, now: float) -> tuple[Effects, str]:
    """What the stack did, and why."""
    event = Event(b"e" * 16, KEY, "text", "", person.now)
    before = Conversation(KEY)
    store = _NoStore()
    chat = Chat(event, before, segmenter=store)
    line = Line("7255", _BOT, "main", shelf=shelf)
    scene = Scene(
        line, event, b"r" * 16, before, chat.effects, person, now, {}, chat, store.cut, {}, Talks(), 0
    )  # fmt: skip
    play = Play(scene, wake)
    running = play.run()
    try:
        running.send(None)
    except StopIteration:
        return chat.effects, play.scene.why
    raise AssertionError("nothing really waits here")
