"""Bugs for the harness to find: if it finds one of these not, its zeros mean nothing."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smsbot.core.message import Arrival, Event, Key, Receipt
from smsbot.failpoints import reached
from smsbot.pipeline.inbox import Inbox
from smsbot.pipeline.lookups import Lookups
from smsbot.pipeline.receipts import Receipts
from smsbot.pipeline.takeovers import Takeovers
from smsbot.stores import queries
from smsbot.stores.base import Check, Checked, LookupOutcome
from smsbot.stores.deciding import inbound
from smsbot.stores.deciding.facts import Facts
from smsbot.stores.deciding.text import Text
from smsbot.stores.queries import Query
from smsbot.web.webhooks import Webhooks

_TASKS: set[asyncio.Task[Any]] = set()


def answer_before_the_commit() -> None:
    """200 leaves while the text is only in memory."""
    take = Webhooks.__call__

    async def hasty(self: Webhooks, scope: Any, receive: Any, send: Any) -> None:
        body = await receive()

        async def again() -> Any:
            return body

        async def nobody(message: Any) -> None:
            pass

        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(0.02)
        task = asyncio.create_task(take(self, scope, again, nobody))
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)

    Webhooks.__call__ = hasty  # type: ignore[method-assign]


def attempt_after_the_send() -> None:
    """No attempt is on record before connecting: after a crash what was being sent looks as if nothing had begun."""
    load = queries.load
    forgetful = {
        "crashed_attempts": "UPDATE attempts SET outcome = 'never begun', ended = ? WHERE outcome IS NULL",
        "crashed_texts": "UPDATE outgoing SET phase = 'queue', due = ?1 WHERE phase = 'attempt'",
    }

    def changed(dialect: str, name: str) -> Mapping[str, Query]:
        found = dict(load(dialect, name))
        return found | {n: replace(found[n], sql=sql) for n, sql in forgetful.items() if n in found}

    queries.load = changed  # type: ignore[assignment]


def dedupe_in_memory() -> None:
    """What was seen is known until the process ends."""
    seen: set[bytes] = set()

    def is_new(facts: Facts, event: Event) -> bool:
        return (event.seen or event.id) not in seen

    def see(facts: Facts, event: Event) -> None:
        seen.add(event.seen or event.id)
        facts.leave("seen_weak", (event.seen or event.id, event.at))

    inbound.is_new, inbound.see = is_new, see


def the_next_text_does_not_wait() -> None:
    """What follows an unknown text leaves before anybody knows whether that one has to be sent again."""
    load = queries.load
    hasty = {"orphaned_texts": "UPDATE outgoing SET phase = 'queue', due = ?1 WHERE phase = 'behind'"}

    def changed(dialect: str, name: str) -> Mapping[str, Query]:
        found = dict(load(dialect, name))
        return found | {n: replace(found[n], sql=sql) for n, sql in hasty.items() if n in found}

    def overtakes(self: Facts, text: Text) -> bool:
        return False

    queries.load = changed  # type: ignore[assignment]
    Facts.overtakes = overtakes  # type: ignore[method-assign]


def resend_blindly() -> None:
    """What got no answer is sent again without asking whether it arrived."""

    async def hasty(self: Lookups, check: Check) -> Checked:
        return Checked(check, LookupOutcome.RESEND, self._clock.now())

    Lookups._find = hasty  # type: ignore[method-assign]


def lose_reports() -> None:
    """Delivery reports are acknowledged and forgotten."""

    async def forget(self: Receipts, receipts: Sequence[Receipt]) -> None:
        reached("report.taken")

    Receipts.take = forget  # type: ignore[method-assign]


def any_start_undoes_a_stop() -> None:
    """A START counts when it arrives, also one that was sent before the STOP that it follows."""

    async def never(self: Inbox, number: str, arrival: Arrival) -> bool:
        return False

    Inbox._older_than_stop = never  # type: ignore[method-assign]


def forget_takeovers() -> None:
    """The desk is told that it has a conversation, and the bot goes on answering."""

    async def told(self: Takeovers, key: Key, owner: str) -> str:
        return owner

    Takeovers.take = told  # type: ignore[method-assign]


def addresses_hang() -> None:
    """No name is looked up for seconds: no bug of ours, but what a resolver does on a bad day."""
    look_up = socket.getaddrinfo

    def slow(host: Any, *more: Any, **others: Any) -> Any:
        if host in ("localhost", b"localhost"):
            time.sleep(3.0)
        return look_up(host, *more, **others)

    socket.getaddrinfo = slow


def elsewhere() -> None:
    """It runs on another machine: process ids of this one mean nothing to it, and its own nothing here."""
    from smsbot.stores.postgres import processes

    processes._here = lambda: "another machine"


def freezes_in_a_transaction() -> None:
    """On another machine, it freezes in the middle of a transaction, with all that this one has locked."""
    from smsbot.stores.postgres import lane

    elsewhere()
    left = itertools.count(40, -1)

    def stopped(name: str) -> None:
        reached(name)
        if name == "writer.statement" and not next(left):
            os.kill(os.getpid(), signal.SIGSTOP)

    lane.reached = stopped  # type: ignore[attr-defined]


OUTSIDE: Mapping[str, Callable[[], None]] = {
    "addresses hang": addresses_hang,
    "elsewhere": elsewhere,
    "freezes in a transaction": freezes_in_a_transaction,
}
"""What goes wrong around a server."""
PLANTS: Mapping[str, Callable[[], None]] = {
    "200 before the commit": answer_before_the_commit,
    "attempt after the send": attempt_after_the_send,
    "dedupe in memory": dedupe_in_memory,
    "the next text does not wait": the_next_text_does_not_wait,
    "resend blindly": resend_blindly,
    "reports forgotten": lose_reports,
    "any start undoes a stop": any_start_undoes_a_stop,
    "takeovers forgotten": forget_takeovers,
}
