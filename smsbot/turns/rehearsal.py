"""Open conversations told again against the code as it is now, before anybody texts them: who would strand, and why.

Nothing is said, written or run outside: the code goes through its journal to where it stands, as the next text would
have it.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import FunctionType
from typing import Any

from smsbot.core.conversation import Conversation, Run, StoredFrame
from smsbot.core.errors import SmsbotError, StepFailed
from smsbot.core.message import Event
from smsbot.core.structs import struct
from smsbot.flows.state import Person
from smsbot.routing.bot import Bot
from smsbot.routing.chat import Chat
from smsbot.routing.effects import Effects
from smsbot.routing.injection import where

from . import failure
from .context import Context, Records
from .flow_frame import FlowFrame
from .frames import restore
from .lines import Line
from .live import LiveFrames, Place
from .once import NotNow, Once
from .python_call import signature_of, stand
from .python_frame import PythonFrame

Journals = Callable[[bytes, bytes], Awaitable[Records]]


@struct
class Stranded:
    """A conversation that the code no longer fits."""

    place: str
    """Where it stands: its function or flow, and the question."""
    why: str
    at: str
    """``file:line`` of what it runs on, where that is still there."""


class Unknowable(BaseException):
    """The code needs what is provided: only its turn can tell. No ``except Exception`` of the code hides it."""


UNKNOWN = Stranded("", "", "")
"""Of a conversation, that only its turn can tell."""


async def rehearse(line: Line, conversation: Conversation, journals: Journals) -> Stranded | None:
    """Tell one conversation again; None if it goes on, `UNKNOWN` where that cannot be told here."""
    run = conversation.run
    if run is None or not run.frames:
        return None
    at, place = "", _place(run.frames[-1])
    try:
        _stands(line, run)
        if not run.is_held:
            return None
        stack = restore(line.versions, run.frames, run.content, conversation.key)
        found = [f.journal_place for f in stack.functions]
        context = _context(line, conversation, run, {place: await journals(*place) for place in found})
        try:
            for frame in stack.frames:
                at, place = _code_of(frame, context), frame.place
                await _tell(frame, context)
        finally:
            stack.close()
    except (Unknowable, NotNow):
        return UNKNOWN
    except Exception as error:
        return Stranded(place, _why(error), at)
    return None


def _why(error: Exception) -> str:
    """What is wrong, without the words of foreign exceptions: they may quote a text."""
    if isinstance(error, SmsbotError) and error.args and not isinstance(error, StepFailed):
        return str(error.args[0]).partition("\n")[0]
    return f"its code raised {type(error).__name__}{failure.place(error, None)}"


def _stands(line: Line, run: Run) -> None:
    """The state that a handler waits at is still there, and the one that its silence leads to."""
    for frame in run.frames:
        if frame.is_state:
            line.table.state(frame.state)
            if frame.then:
                line.table.state(frame.then)


async def _tell(frame: object, context: Context) -> None:
    """The frame comes to where it stands; raises what its turn would raise."""
    if isinstance(frame, FlowFrame):
        for step in frame.flow.steps.values():
            if step.do is not None and step.do.name not in context.line.bot.actions:
                raise SmsbotError(f"the flow calls {step.do.name}(), which is no @bot.action any more")
    elif isinstance(frame, PythonFrame):
        await stand(frame, frame.open.site if frame.open is not None else frame.site, context)


def _place(frame: StoredFrame) -> str:
    return f"{frame.name or 'handler'}: {frame.state}"


def _code_of(frame: object, context: Context) -> str:
    if isinstance(frame, FlowFrame):
        return frame.flow.path
    if isinstance(frame, PythonFrame) and not frame.action:
        return where(signature_of(frame, context).function)
    return ""


def _context(line: Line, conversation: Conversation, run: Run, journals: Mapping[Place, Records]) -> Context:
    """A turn in which nothing happens."""
    event = Event(bytes(16), conversation.key, "text", "", run.started)
    effects, bot = Effects(), line.bot
    return Context(
        line=line, event=event, run=run.id, before=conversation, effects=effects, now=run.started,
        person=Person(run.started, conversation.contact, line.number, line.country, readers=bot.answers),
        chat=Chat(event, conversation, defaults=line.defaults, seed=event.id),
        once=Once(event=event, run=run.id, effects=effects), live=LiveFrames(0),  # which takes no step
        provided=stand_ins(bot), journals=journals,
    )  # fmt: skip


def stand_ins(bot: Bot) -> Mapping[type, Any]:
    """Something in the place of what is provided: its methods have their names, and nobody may call them."""
    return {kind: _stand_in(kind) for kind in bot.provided_types}


def _stand_in(kind: type) -> Any:
    class StandIn:
        """Of one class."""

        def __getattr__(self, name: str) -> Any:
            method = inspect.getattr_static(kind, name, None)
            if not isinstance(method, FunctionType | staticmethod | classmethod):
                raise Unknowable

            def called(*args: Any, **kwargs: Any) -> None:
                raise Unknowable

            called.__name__ = name
            return called

    StandIn.__name__ = StandIn.__qualname__ = kind.__name__
    return StandIn()
