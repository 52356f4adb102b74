"""Who works at the desk: users with a role, the link that lets each choose a password, and their sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence

from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Tables
from smsbot.threads import in_background

from .words import N_

ROLES: Mapping[str, str] = {
    "support": N_("finds texts, and looks after people"),
    "admin": N_("also pauses, maps webhooks, keeps consent, users and the audit"),
}
"""What each role may, in words; each may also what those before it may."""
SHORTEST = 12
"""Characters of a password, at least (NIST SP 800-63B)."""
LONGEST = 200
LINK_LIFE = 48 * 3600.0
"""Seconds in which the link to choose a password works, once."""
IDLE = 12 * 3600.0
"""Seconds after which a session that nobody uses ends."""
LIFE = 7 * 86_400.0
"""Seconds after which every session ends."""
TURN = 3600.0
"""Seconds after which a session gets another key."""
OVERLAP = 60.0
"""Seconds in which the key before still works: pages ask several things at once."""
_SEEN_EVERY = 60.0
"""Seconds between two notes that a session is used."""
_NAME = re.compile(r"\w[\w.@+-]{0,39}")
Change = tuple[str, Sequence[object]]


@struct
class User:
    """Somebody at the desk."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether this user may what `role` may."""
        order = list(ROLES)
        return self.role in order and order.index(self.role) >= order.index(role)


@struct
class Session:
    """A user who has signed in, and the new key of the session where it is time for one."""

    user: User
    key: str = ""


def invitation(name: str, role: str, now: float) -> tuple[str, Change]:
    """A new user: the key of the link that is shown once, and what is written. Raises `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} cannot be a user's name: it begins with a letter or a digit, and has at most 40 of these"
            " and of the signs . _ - + @"
        )
    key = secrets.token_urlsafe(32)
    return key, ("user", (name, checked_role(role), now, _hash(key), now + LINK_LIFE))


def new_link(name: str, now: float) -> tuple[str, Change]:
    """Another link for a user; the password stays until the link is followed."""
    key = secrets.token_urlsafe(32)
    return key, ("user_link", (_hash(key), now + LINK_LIFE, name))


def checked_role(role: str) -> str:
    """A role that there is; raises `UsageError`."""
    if role not in ROLES:
        near = nearest(role, ROLES)
        hint = f'; did you mean "{near}"?' if near else ""
        raise UsageError(f'there is no role "{role}", only {" and ".join(ROLES)}{hint}')
    return role


def removal(name: str) -> list[Change]:
    """The end of a user and of all that they opened; what they did stays in the audit."""
    return [("user_gone", (name,)), ("sessions_of_gone", (name,))]


class Users:
    """Reads and writes of users and sessions; hashing passwords takes a thread of its own."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self._nobody = ""
        """A hash that no password has: whoever asks for a user that there is not waits as long."""

    async def all(self) -> list[Row]:
        """All users by name, with when they were seen."""
        return await self._tables.rows("users")

    async def invited(self, key: str) -> User | None:
        """Whom a link is for; None if it was used, replaced, or is too old."""
        found = await self._tables.rows("invited", link=_hash(key), now=self._clock.now())
        return User(found[0]["name"], found[0]["role"]) if found else None

    async def choose(self, key: str, password: str) -> User | None:
        """Set the password of whoever follows a link, which ends it and every session; None if somebody was first.

        Raises `UsageError` for a password that is too short.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise UsageError(N_("a password has 12 to 200 characters; a few words are easy to keep"))
        user = await self.invited(key)
        if user is None:
            return None
        hashed = await _hashed(password)
        await self._tables.write([("user_password", (hashed, _hash(key)))])
        kept = await self._tables.rows("user", called=user.name)
        if not kept or kept[0]["password"] != hashed:
            return None
        await self._tables.write([("sessions_of_gone", (user.name,))])
        return user

    async def signing_in(self, name: str, password: str) -> User | None:
        """The user of this name and password."""
        found = await self._tables.rows("user", called=name[:40])
        known = found[0]["password"] if found else ""
        if not known and not self._nobody:
            self._nobody = await _hashed(secrets.token_urlsafe())
        right = await in_background(lambda: _matches(known or self._nobody, password[:LONGEST]), "smsbot-password")
        return User(found[0]["name"], found[0]["role"]) if right and known else None

    async def open(self, user: User) -> str:
        """Begin a session; its key. Those that are over are forgotten."""
        now, key = self._clock.now(), secrets.token_urlsafe(32)
        begun = ("session", (_hash(key), user.name, now, now, now, now + IDLE, secrets.token_bytes(16)))
        await self._tables.write([("sessions_over", (now,)), begun])
        return key

    async def of(self, key: str) -> Session | None:
        """Whose session a key is of; after an hour it gets another key, and the one before ends soon."""
        now = self._clock.now()
        found = await self._tables.rows("session", hash=_hash(key), now=now)
        if not found:
            return None
        row, end = found[0], min(now + IDLE, found[0]["began"] + LIFE)
        user = User(row["name"], row["role"])
        if now - row["turned"] >= TURN:
            return Session(user, await self._turned(key, row["turned"], now, end))
        if now - row["seen"] >= _SEEN_EVERY:
            await self._tables.write([("session_seen", (now, end, _hash(key)))])
        return Session(user)

    async def _turned(self, key: str, before: float, now: float, end: float) -> str:
        """Another key for a session; empty if a request of the same moment was first, or it was ended meanwhile."""
        fresh = secrets.token_urlsafe(32)
        made = ("session_turns", (_hash(fresh), now, end, _hash(key), before))
        await self._tables.write([made, ("session_turned", (now, now + OVERLAP, _hash(key)))])
        return fresh if await self._tables.rows("session", hash=_hash(fresh), now=now) else ""

    async def close(self, key: str) -> None:
        """End a session, with all its keys."""
        await self._tables.write([("session_over", (_hash(key),))])


def _hash(key: str) -> bytes:
    """What is kept of a key: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


async def _hashed(password: str) -> str:
    from argon2 import PasswordHasher  # needed at a sign-in alone, and slow to import

    return await in_background(lambda: PasswordHasher().hash(password), "smsbot-password")


def _matches(known: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
