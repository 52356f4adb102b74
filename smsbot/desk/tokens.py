"""Programs that use the API: a token of each, what it may, until when, and when it was last used."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence

from smsbot.core.clock import Clock, duration
from smsbot.core.errors import StoreError, UsageError
from smsbot.core.nearest import nearest
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Tables

from .words import N_

SCOPES: Mapping[str, str] = {
    "messages:write": N_("send texts, and cancel those that have not left"),
    "messages:status": N_("what became of a text, by its id or reference"),
    "messages:read": N_("all texts in and out, with their words and numbers"),
    "otp:write": N_("send one-time codes, and check what was typed"),
    "events:write": N_("tell bots what happened: begin flows and conversations"),
    "conversations:read": N_("where a conversation stands, and how others ended"),
    "conversations:write": N_("end conversations, take them over, reply in them"),
    "contacts:read": N_("what is known of a person, whole"),
    "contacts:write": N_("change the fields of a person"),
    "contacts:erase": N_("forget a person"),
    "opt-outs:read": N_("who gets nothing, and why"),
    "opt-outs:write": N_("opt people out, and in with a proof"),
    "lines:read": N_("lines, their rates and pauses"),
    "lines:write": N_("pause and resume lines"),
    "webhooks:read": N_("the addresses that are told, and what they were told"),
    "webhooks:write": N_("make, change and replay them"),
}
"""What a token may, in words."""
_NAME = re.compile(r"\w[\w.@+-]{0,39}")
_USED_EVERY = 60.0
"""Seconds between two notes that a token is used."""
Change = tuple[str, Sequence[object]]


@struct
class Token:
    """A program that asks."""

    name: str
    scopes: frozenset[str]
    expires: float | None = None
    used: float | None = None
    made: float = 0.0
    mark: bytes = b""
    """What it is known by: another one of its name is another."""

    def may(self, scope: str) -> bool:
        """Whether it may what a scope says."""
        return scope in self.scopes

    @property
    def by(self) -> str:
        """How its name stands with what it requested."""
        return f"token {self.name}"


def token_hash(token: str) -> bytes:
    """The hash that is kept of a token: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def made(name: str, scopes: Iterable[str], expires: str, now: float) -> tuple[str, Change]:
    """A new token, which is shown once, and what is written. `expires` is a duration, or empty. Raises `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} cannot be a token's name: it begins with a letter or a digit, and has at most 40 of these"
            " and of the signs . _ - + @"
        )
    life = duration(expires) if expires else 0.0
    if expires and not life:
        raise UsageError(N_("a token that expires at once is of no use; write for example 90d"))
    secret = f"smsbot_{secrets.token_urlsafe(32)}"
    row = (name, token_hash(secret), now, " ".join(checked_scopes(scopes)), now + life if life else None)
    return secret, ("token", row)


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes that there are, each once, in their order; all of them where none is named. Raises `UsageError`."""
    asked = [s for s in dict.fromkeys(scopes) if s]
    for scope in asked:
        if scope not in SCOPES:
            near = nearest(scope, SCOPES)
            hint = f'; did you mean "{near}"?' if near else f"; there are {', '.join(SCOPES)}"
            raise UsageError(f'there is no scope "{scope[:40]}"{hint}')
    return [s for s in SCOPES if not asked or s in asked]


class Tokens:
    """All tokens, kept in memory while nobody changes them."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._known: dict[bytes, Token] | None = None
        self._changes = 0
        self._noted: dict[str, float] = {}

    async def all(self) -> list[Token]:
        """All of them, the oldest first, also those that have expired."""
        rows = await self._tables.rows("tokens")
        return [_token(row) for row in rows]

    async def of(self, secret: str) -> Token | None:
        """Whose token this is; None for nobody's, and for one that has expired."""
        known = self._known if self._known is not None else await self._read()
        token, now = known.get(token_hash(secret)), self._clock.now()
        if token is None or (token.expires is not None and token.expires <= now):
            return None
        if now - self._noted.get(token.name, 0.0) >= _USED_EVERY:
            self._noted[token.name] = now
            await self._note(token.name, now)
        return token

    async def _read(self) -> dict[bytes, Token]:
        """What is kept; in memory only if nobody has changed it meanwhile."""
        changes = self._changes
        found = {row["hash"]: _token(row) for row in await self._tables.rows("tokens")}
        if changes == self._changes:
            self._known = found
        return found

    async def _note(self, name: str, now: float) -> None:
        try:
            await self._tables.write([("token_used", (now, name))])
        except StoreError:  # whoever asks is not kept from reading by a full disk
            self._noted.pop(name, None)

    async def change(self, changes: Sequence[Change]) -> None:
        """Make or revoke some; from now on these count."""
        try:
            await self._tables.write(changes)
        finally:
            await self.forget()

    async def forget(self) -> None:
        """Read them anew: another process may have changed some."""
        self._changes += 1
        self._known = None


def _token(row: Row) -> Token:
    return Token(
        row["name"], frozenset(row["scopes"].split()), row["expires"], row["used"], row["at"], mark=row["hash"]
    )
