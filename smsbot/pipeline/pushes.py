"""What happens here is told to the user's own systems: each thing once an endpoint, in order of each conversation.

The store writes what has happened with whatever it belongs to (triggers of ``0016_programs.sql``). From there it
becomes a push for each endpoint that wants it, and a push is tried until it is taken: after five seconds, then later
and later, up to an hour, for three days. An endpoint that takes nothing for three days is paused, and the desk is told;
what it is owed waits. Signed as Standard Webhooks (github.com/standard-webhooks, 1.0.0); the same push has the same
id, however often it is tried.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import StoreError
from smsbot.failpoints import reached
from smsbot.log import Log
from smsbot.stores.base import Row, Store

from .endpoints import Change, Endpoint, Endpoints, push, signed
from .happened import body_of, facts_of

log = Log("smsbot.pushes")
PATIENCE = 15.0
"""Seconds that an endpoint has for its answer."""
PAUSE = 0.25
_QUIET = 2.0
"""Seconds between two looks while nobody is to be told."""
_FIRST, _LONGEST = 5.0, 3600.0
"""Seconds until a push is tried again: at first, and at most."""
GIVE_UP = 3 * 86_400.0
"""Seconds for which a push, and an endpoint, is tried."""
KEPT = 7 * 86_400.0
"""Seconds for which a push that was taken can be sent again."""
_OUTAGE = 60.0
_TRIED = 5
_OF_ITSELF = ("HTTP 400", "HTTP 413", "HTTP 422")
"""Answers that say that one push is wrong; all others say that the endpoint is."""
_AT_ONCE = 32
_CLEANED_EVERY = 3600.0
_EACH = 200
Shape = Callable[[Mapping[str, Any], str, float], Mapping[str, Any]]
"""A report in a provider's own shape: its facts, what the program calls the text, and when."""


class Pushes:
    """Tells each endpoint what it is owed; a slow one holds up nobody else."""

    def __init__(self, store: Store, endpoints: Endpoints, clock: Clock, shapes: Mapping[str, Shape]) -> None:
        self._store = store
        self._endpoints = endpoints
        self._clock = clock
        self._shapes = shapes
        self._at: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Endpoints that are being told something."""
        self._taking = asyncio.Lock()
        self._cleaned = 0.0

    async def run(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Tell until cancelled."""
        tasks: set[asyncio.Task[bool]] = set()
        try:
            while True:
                try:
                    await self._take_up()
                    for endpoint in await self._reachable():
                        if not self._at[endpoint.id].locked():
                            task = asyncio.create_task(self._serve(endpoint))
                            tasks.add(task)
                            task.add_done_callback(tasks.discard)
                except StoreError as error:
                    log.debug("pushes wait for the database", why=str(error))
                await sleep(PAUSE if await self._endpoints.known() else _QUIET)
        finally:
            for task in tasks:
                task.cancel()

    async def once(self) -> bool:
        """Take up what has happened, and tell each endpoint what is due; whether there was anything."""
        taken = await self._take_up()
        told = await asyncio.gather(*(self._serve(e) for e in await self._reachable()))
        return taken or any(told)

    async def _reachable(self) -> list[Endpoint]:
        now = self._clock.now()
        return [e for e in await self._endpoints.known() if e.paused is None and e.due <= now]

    # -- what has happened --------------------------------------------------------------------------

    async def _take_up(self) -> bool:
        """What has happened becomes a push for each endpoint that wants it, in one commit."""
        async with self._taking:
            known = await self._endpoints.known()
            rows = await self._store.rows("happened", limit=_EACH) if known else []
            if not rows:
                return False
            now = self._clock.now()
            changes = [change for row in rows for change in await self._pushes_of(row, known, now)]
            changes += [("taken_up", (row["seq"],)) for row in rows]  # of another process some may come to lie between
            if now - self._cleaned > _CLEANED_EVERY:
                self._cleaned = now
                changes.append(("pushes_over", (now - KEPT,)))
            reached("pushes.taking")
            await self._store.write(changes)
            reached("pushes.taken")
            return True

    async def _pushes_of(self, row: Row, known: Sequence[Endpoint], now: float) -> list[Change]:
        told = await facts_of(self._store, row, now)
        if told is None:  # somebody was erased meanwhile
            return []
        at, facts = told
        mark, body = digest("happened", str(row["seq"]), key=self._store.dedupe_key), body_of(row["type"], at, facts)
        bodies = {e.id: body for e in known if row["type"] in e.types and not e.shape}
        bodies |= await self._own(row, known, facts, at)
        return [push(mark, identity, row, each, now) for identity, each in bodies.items()]

    async def _own(
        self, row: Row, known: Sequence[Endpoint], facts: Mapping[str, Any], at: float
    ) -> Mapping[str, str]:  # fmt: skip
        """What is told to the address that a text named for its own reports, in its shape."""
        if row["type"] != "message.status":
            return {}
        shapes = {e.id: self._shapes[e.shape] for e in known if e.shape}
        return {
            own["endpoint"]: orjson.dumps(shapes[own["endpoint"]](facts, own["external"], at)).decode()
            for own in await self._store.rows("outside_of", id=row["what"])
            if own["endpoint"] in shapes
        }

    # -- telling ------------------------------------------------------------------------------------

    async def _serve(self, endpoint: Endpoint) -> bool:
        """Tell an endpoint what is due, many things at once while it takes them; whether there was anything."""
        async with self._at[endpoint.id]:
            most = 1 if endpoint.failing is not None else _AT_ONCE
            rows = await self._store.rows("pushes_due", endpoint=endpoint.id, now=self._clock.now(), limit=most)
            await asyncio.gather(*(self._tell(endpoint, row) for row in rows))
            return bool(rows)

    async def _tell(self, endpoint: Endpoint, row: Row) -> None:
        reached("push.begun")
        taken, answer = await self._post(endpoint, row)
        reached("push.answered")
        if taken:
            await self._took(endpoint, row, answer)
        else:
            await self._refused(endpoint, row, answer)

    async def _took(self, endpoint: Endpoint, row: Row, answer: str) -> None:
        now, changes = self._clock.now(), list[Change]()
        changes.append(("push_took", (answer, now, row["seq"])))
        if endpoint.failing is None:
            await self._store.write(changes)
            return
        changes.append(("endpoint_took", (endpoint.id,)))
        if now - endpoint.failing > _OUTAGE:  # what waits need not wait as long as the address was away
            changes.append(("pushes_now", (now, endpoint.id)))
        await self._endpoints.change_all(changes)

    async def _refused(self, endpoint: Endpoint, row: Row, answer: str) -> None:
        """It is tried again later; where others were taken meanwhile, it is given up after three days.

        What is behind it goes on then.
        """
        now = self._clock.now()
        alone = answer in _OF_ITSELF or endpoint.failing is None or endpoint.failing > row["at"] + _OUTAGE
        given_up = alone and now - row["at"] > GIVE_UP and row["tries"] > _TRIED
        wait = min(_FIRST * 4.0 ** min(row["tries"], 8), _LONGEST)
        later = now if given_up else now + wait
        changes: list[Change] = [("push_given_up" if given_up else "push_later", (answer, later, row["seq"]))]
        tell = log.warning if endpoint.failing is None and not row["tries"] else log.debug
        tell("a system of yours did not take what it was told; it is tried again", endpoint=endpoint.id, why=answer)
        if answer not in _OF_ITSELF:
            again = min(_FIRST * 2.0 ** min(endpoint.tries, 12), _LONGEST)
            changes.append(("endpoint_failed", (now, endpoint.tries + 1, now + again, endpoint.id, endpoint.url)))
            if why := _hopeless(endpoint, answer, now):
                changes.append(("endpoint_hopeless", (now, why, endpoint.id, endpoint.url)))
        await self._endpoints.change_all(changes)

    async def _post(self, endpoint: Endpoint, row: Row) -> tuple[bool, str]:
        """Whether it was taken, and the answer."""
        body = row["body"].encode()
        headers = {"content-type": "application/json", "user-agent": "smsbot"}
        if not endpoint.shape:
            headers |= signed(endpoint.secret, row["id"], self._clock.now(), body)
        return await self._endpoints.outside.tell(endpoint.url, headers, body, PATIENCE)


def _hopeless(endpoint: Endpoint, answer: str, now: float) -> str:
    """Why an endpoint is not asked again; empty if it is."""
    if answer == "HTTP 410":
        return "it says that it is gone (HTTP 410)"
    failing = endpoint.failing is not None and now - endpoint.failing > GIVE_UP
    return f"it has taken nothing for three days ({answer})" if failing else ""
