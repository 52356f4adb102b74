"""The addresses of the user's own systems that are told what happens: made, changed, paused, told again."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Store

from .happened import TYPES, body_of

_EACH = 200
Change = tuple[str, Sequence[object]]


class Outside(Protocol):
    """The way to the user's own systems (`transport.outside`)."""

    def wrong_with(self, url: str) -> str:
        """Why an address may not be told at all; empty if it may."""
        ...

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[bool, str]:
        """Whether it was taken, and the answer in a few words."""
        ...


@struct
class Endpoint:
    """An address of the user's own systems."""

    id: str
    url: str
    types: tuple[str, ...]
    secret: str
    shape: str = ""
    """Empty, or the provider in whose shape it is told of its own texts, without a signature."""
    failing: float | None = None
    tries: int = 0
    due: float = 0.0
    paused: float | None = None
    why: str = ""
    owed: int = 0
    at: float = 0.0
    by: str = ""


class Endpoints:
    """All of them, kept in memory while nobody changes them."""

    def __init__(self, store: Store, outside: Outside, clock: Clock) -> None:
        self._store = store
        self.outside = outside
        self._clock = clock
        self._known: list[Endpoint] | None = None
        self._changes = 0

    async def known(self) -> list[Endpoint]:
        """All of them, but for how much each is owed."""
        if self._known is not None:
            return self._known
        changes, found = self._changes, await self.all()
        if changes == self._changes:
            self._known = found
        return found

    async def all(self) -> list[Endpoint]:
        """All of them, as they stand."""
        return [_endpoint(row) for row in await self._store.rows("endpoints")]

    async def one(self, identity: str) -> Endpoint | None:
        """One of them."""
        return next((e for e in await self.all() if e.id == identity), None)

    async def add(
        self, url: str, types: Sequence[str], by: str, *, identity: bytes = b"", shape: str = ""
    ) -> Endpoint:  # fmt: skip
        """Tell an address from now on; of the same `identity` it is the same endpoint. Raises `UsageError`."""
        self.check(url, types)
        mark = f"ep_{(identity or secrets.token_bytes(16)).hex()[:24]}"
        row = (mark, url, new_secret(), " ".join(types or TYPES), self._clock.now(), by, shape)
        await self.change_all([("endpoint", row)])
        found = await self.one(mark)
        assert found is not None
        return found

    async def change(self, endpoint: Endpoint, url: str, types: Sequence[str]) -> None:
        """Another address, or other types. Raises `UsageError`."""
        self.check(url, types)
        await self.change_all([("endpoint_changed", (url, " ".join(types or TYPES), endpoint.id))])

    async def renew(self, endpoint: Endpoint, *, identity: bytes = b"") -> str:
        """Another secret; what is told from now on is signed with it. Of the same `identity` it is the same."""
        secret = new_secret(digest("secret", identity, key=self._store.dedupe_key, size=32) if identity else b"")
        await self.change_all([("endpoint_secret", (secret, endpoint.id))])
        return secret

    async def remove(self, endpoint: Endpoint) -> None:
        """Tell it nothing more; what it was owed is forgotten."""
        gone = ("endpoint_gone", (endpoint.id,)), ("pushes_gone", (endpoint.id,)), ("happened_to_nobody", ())
        await self.change_all(gone)

    async def pause(self, endpoint: Endpoint, why: str) -> None:
        """Keep what it is owed."""
        await self.change_all([("endpoint_paused", (self._clock.now(), why, endpoint.id))])

    async def resume(self, endpoint: Endpoint) -> None:
        """Tell it what it is owed, in order."""
        await self.change_all([("endpoint_resumed", (endpoint.id,)), ("pushes_now", (self._clock.now(), endpoint.id))])

    async def replay(self, endpoint: Endpoint, since: float, until: float, *, failed: bool) -> int:
        """Send again what was told, or (`failed`) given up, in a time; how many."""
        rows = await self._store.rows(
            "pushes_between", endpoint=endpoint.id, since=since, until=until, failed=int(failed)
        )
        now = self._clock.now()
        for at in range(0, len(rows), _EACH):
            await self._store.write([("push_again", (now, row["seq"])) for row in rows[at : at + _EACH]])
        return len(rows)

    async def test(self, endpoint: Endpoint, *, identity: bytes = b"") -> str:
        """Tell it something that means nothing, once for the same `identity`; the id of the push."""
        now, mark = self._clock.now(), identity or secrets.token_bytes(16)
        body, told = body_of("webhook.test", now, {"words": "smsbot can be heard here"}), push_id(mark, endpoint.id)
        row = (told, endpoint.id, "webhook.test", "", "", body, now, now, None)
        await self._store.once(digest("test", mark), now, [("push", row)])
        return told

    def check(self, url: str, types: Sequence[str]) -> None:
        """Raise `UsageError` for an address that is not told, or a type that there is not."""
        if wrong := self.outside.wrong_with(url):
            raise UsageError(wrong)
        for kind in types:
            if kind not in TYPES:
                near = nearest(kind, TYPES)
                hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(TYPES)}"
                raise UsageError(f'there is no type "{kind[:40]}"{hint}')

    async def change_all(self, changes: Sequence[Change]) -> None:
        """Write what changes them; from here on they are read anew."""
        try:
            await self._store.write(changes)
        finally:
            await self.forget()

    async def forget(self) -> None:
        """Read them anew: another process may have changed some."""
        self._changes += 1
        self._known = None


def push_id(mark: bytes, endpoint: str) -> str:
    """The id of a push, by what has happened and where it is told."""
    return f"msg_{digest(mark, endpoint).hex()}"


def push(mark: bytes, endpoint: str, row: Row, body: str, now: float) -> Change:
    """A push of a row of ``happened``; nothing is written where that is gone, since its person was erased."""
    what = (row["type"], row["line"], row["number"], body, now, now, row["seq"])
    return ("push", (push_id(mark, endpoint), endpoint, *what))


def _endpoint(row: Row) -> Endpoint:
    return Endpoint(
        row["id"], row["url"], tuple(row["types"].split()), row["secret"], shape=row["shape"], failing=row["failing"],
        tries=row["tries"], due=row["due"], paused=row["paused"], why=row["why"], owed=row["owed"], at=row["at"],
        by=row["by"],
    )  # fmt: skip


def new_secret(key: bytes = b"") -> str:
    """The key of an endpoint's signatures, in the spelling of Standard Webhooks."""
    return f"whsec_{b64encode(key or secrets.token_bytes(32)).decode()}"


def signed(secret: str, identity: str, now: float, body: bytes) -> dict[str, str]:
    """The headers that prove a push."""
    from standardwebhooks.webhooks import Webhook  # needed once something is told

    at = datetime.fromtimestamp(int(now), UTC)
    return {
        "webhook-id": identity, "webhook-timestamp": str(int(now)),
        "webhook-signature": Webhook(secret).sign(identity, at, body.decode()),
    }  # fmt: skip
