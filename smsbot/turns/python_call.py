"""The function of a conversation under way: called with what it began with, given what happened, live or replayed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator
from dataclasses import replace
from itertools import takewhile
from typing import Any

from smsbot.conversations import journal
from smsbot.conversations.journal import Journal, Record
from smsbot.conversations.replay import Finished, Foreign, Raised, Replay
from smsbot.core import codec
from smsbot.core.conversation import Conversation
from smsbot.core.message import Message
from smsbot.core.request import Request
from smsbot.core.sites import name_of, names_in
from smsbot.core.start import start_of
from smsbot.routing.chat import Chat, session_of
from smsbot.routing.injection import Signature

from .blocking import watched
from .context import Context
from .live import LiveCall
from .once import Alone, NotNow
from .python_state import PythonState

Wanted = Request | Finished
"""The request that a function waits for, or its end."""


async def take_up(state: PythonState, record: Record | None, context: Context) -> Wanted:
    """Let the function go on with what happened; None begins it."""
    if record is None:
        return await forward(await begin_again(state, context, began=True), None, context)
    wanted = await stand(state, record.site, context)
    call = state.call
    assert call is not None
    if call.replay.journal.place > state.taken:  # this event's record is there already: the turn runs again
        return wanted
    call.replay.event = context.event.id
    attend(call, context)
    if (contact := context.contact()) != call.chat.contact.as_stored():  # others have written meanwhile
        record = replace(record, contact=contact)
    return await go_on(call, record, context)


async def stand(state: PythonState, site: str, context: Context) -> Wanted:
    """What the function waits for at a site, live or replayed up to there. Raises `Changed` where it is elsewhere."""
    call = state.call = state.call or context.live.take(state.journal_place, context.before.version)
    if call is not None:
        assert call.replay.request is not None
        call.replay.stood = True
        return call.replay.request
    call = await begin_again(state, context, began=False)
    wanted = await forward(call, None, context)
    if call.replay.journal.place > state.taken:
        return wanted
    renamed = _renaming(state, context)
    if isinstance(wanted, Finished) or wanted.site != (renamed(site) if renamed is not None else site):
        raise journal.changed(site, wanted.site if isinstance(wanted, Request) else "its end")
    call.chat.contact.keep()
    call.replay.stood = True
    return wanted


async def begin_again(state: PythonState, context: Context, *, began: bool) -> LiveCall:
    """A fresh call of the function, with all that has happened before it."""
    records = await _past(state, context, began)
    if (renamed := _renaming(state, context)) is not None:
        records = [replace(r, site=renamed(r.site)) for r in records]
    chat = context.chat if began and state.handler is not None else _own_chat(state, context)
    session = session_of(chat)
    session.reseed(state.key)
    session.replay(state.started, context.effects)
    replay = Replay(
        lambda: _called(state, chat, context), session, Journal(records), context.event.id, -1 if began else state.taken
    )
    call = state.call = LiveCall(state.name, state.journal_place, replay, chat)
    session.driver = Alone(context.once, call)
    if began:
        attend(call, context)
    return call


async def _past(state: PythonState, context: Context, began: bool) -> list[Record]:
    """The records of a conversation that count."""
    records = await _journal(state, context, began)
    if state.run != context.run:  # a late answer: a run of its own, with what the former knew
        records = records[: state.taken]
        for n, record in enumerate(records, 1):
            context.effects.keep(record.entry(context.run, state.key, n))
        state.run = context.run
        records += (await _journal(state, context, not context.event.seq))[state.taken :]
    kept = 0 if began else state.taken
    ours = list(takewhile(lambda r: r.event == context.event.id, records[kept:]))
    if len(records) > kept + len(ours):  # what a turn that failed for good has left behind
        records = [*records[:kept], *ours]
        context.effects.stale.append((*state.journal_place, len(records)))
    return records


async def _journal(state: PythonState, context: Context, began: bool) -> list[Record]:
    """All that has happened in a conversation."""
    found = context.journals.get(state.journal_place)
    if found is not None or (began and not (context.event.seq and context.once.cut)):
        return list(found or ())  # what begins with an event that nobody has seen before has no past
    if context.once.cut is None:
        raise NotNow
    return await context.load(*state.journal_place)


def _own_chat(state: PythonState, context: Context) -> Chat:
    """The chat of a conversation that did not begin with this turn: the world as it was then."""
    first = Conversation(context.event.key, contact=state.contact)
    chat = Chat(state.started, first, defaults=context.line.defaults)
    chat.data = codec.fresh(state.data)
    return chat


def attend(call: LiveCall, context: Context) -> None:
    """From now on it speaks in this turn."""
    session = session_of(call.chat)
    session.driver = Alone(context.once, call)
    session.attend(context.effects)
    if context.line.bot.middlewares:
        call.replay.refresh()


def _called(state: PythonState, chat: Chat, context: Context) -> Coroutine[Any, Any, Any]:
    """The call of the conversation's function, with its arguments."""
    provided = context.provided  # a conversation lives longer than the turn that began it, so it holds no more
    values = codec.fresh(state.values)  # what the function does to lists shall not be there when it is replayed
    if state.action:
        return _awaited(
            context.line.bot.action_call(state.title, values["args"], values["kwargs"], {**provided, Chat: chat})
        )
    signature = signature_of(state, context)
    event = start_of(state.started).data if state.started.kind == "event" else {}
    message = Message.of(state.started)
    values = {
        "chat": chat, "message": message, "text": message.text, "contact": chat.contact, "event": event, **values,
    }  # fmt: skip
    made: Coroutine[Any, Any, Any] = signature.call(values, provided)
    return made


def _renaming(state: PythonState, context: Context) -> Callable[[str], str] | None:
    """From the sites that were kept to those of the code now, where functions have got names since; else None."""
    if state.action:
        return None
    own: Any = inspect.unwrap(signature_of(state, context).function)
    now, named = name_of(own.__code__, own.__globals__), names_in(own.__globals__)
    if not named and _is_called(state.name, now):
        return None

    def renamed(site: str) -> str:
        function, _, rest = site.partition(": ")
        mine = now if _is_called(state.name, function) else function
        return f"{named.get(function, mine)}: {rest}"

    return renamed


def _is_called(path: str, name: str) -> bool:
    """Whether a stored function has a name: its given one, or its own behind that of a module."""
    return path == name or path.endswith(f".{name}")


def signature_of(state: PythonState, context: Context) -> Signature:
    """The handler of a conversation; raises `Changed` if it is gone."""
    return state.handler or context.line.function(state.name)


async def go_on(call: LiveCall, record: Record, context: Context) -> Wanted:
    """Give the function what it waited for."""
    request = call.replay.request
    assert request is not None
    kept = call.replay.journal.ran_again(request)
    if kept is None:
        context.once.keep(call, record)
    session_of(call.chat).woken(kept or record)
    return await forward(call, Replay.given(request, kept or record), context)


async def forward(call: LiveCall, given: Any, context: Context) -> Wanted:
    """Let it run; what it awaits outside goes to the event loop."""
    wanted = _go(call, given)
    while isinstance(wanted, Foreign):
        if context.once.cut is None:
            raise NotNow
        try:
            answer: Any = await _Passed(wanted.awaited)
        except BaseException as error:
            answer = Raised(error)
        wanted = _go(call, answer)
    return wanted


def _go(call: LiveCall, given: Any) -> Wanted | Foreign:
    with watched(call.name, call.replay.place):
        return call.replay.go(given)


class _Passed:
    """An await in a conversation's code, passed on to the event loop."""

    def __init__(self, awaited: Any) -> None:
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._awaited)


async def _awaited(call: Callable[[], Any]) -> Any:
    result = call()
    return await result if inspect.isawaitable(result) else result
