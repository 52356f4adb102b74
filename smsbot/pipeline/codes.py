"""One-time codes, sent and checked: bound to a number and a purpose, single use, with limits on guesses and pumping.

A decision about a person is made while nobody else decides about them, and is durable before it is told.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.core.otp import (
    DAY,
    FEWEST,
    MOST,
    PLACE,
    Wanted,
    code_of,
    hidden,
    matches,
    typed,
    typed_code,
    with_any,
    without,
    worded,
)
from smsbot.core.phone import is_costly
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line

from .sends import Sends, Terms, Wish, outcome, wrong_with

_LENGTH = 32


@struct
class Sent:
    """What became of it: ``queued`` …, ``too_many``, ``opted_out`` …, and why."""

    status: str
    id: str = ""
    message: str = ""
    expires: float = 0.0
    resends: int = 0
    """How often it may be sent again."""
    why: str = ""


@struct
class Checked:
    """What was typed is ``valid``, ``wrong``, ``expired`` (or never sent, or used), or tried ``too_many`` times."""

    result: str
    left: int = 0
    """Tries that are left."""


class Codes:
    """Sends and checks them."""

    def __init__(self, store: Store, sends: Sends, clock: Clock) -> None:
        self._store = store
        self._sends = sends
        self._clock = clock
        self._secret = secrets.token_bytes(_LENGTH)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open: defaultdict[str, dict[str, tuple[int, float, str]]] = defaultdict(dict)
        """How many digits each code of a number has, until when it may be typed, and on which line."""

    async def begin(self, secret_file: Path, words: str = "") -> None:
        """Read the secret that codes follow from, or make it; without it, those that are open are void.

        `words` are the secret that several machines know; then there is no file.
        """
        self._secret = hashlib.sha256(words.encode()).digest() if words else _kept_in(secret_file, self._secret)
        now = self._clock.now()
        for row in await self._store.rows("codes_open", since=now - DAY, now=now):
            self._hide(row)

    # -- sending ------------------------------------------------------------------------------------

    async def send(
        self, line: Line, wish: Wish, wanted: Wanted, by: str, *, identity: bytes, at: float = 0.0
    ) -> Sent:  # fmt: skip
        """Send a text with ``{code}`` in it, or its code that may still be typed once more. Raises `UsageError`.

        Of the same `identity`, asked at the same moment, it is the same text.
        """
        text = _worded(wish.text, wanted)
        if why := wrong_with(wish.number, with_any(text, wanted)):
            raise UsageError(why)
        if is_costly(wish.number):
            raise UsageError("no code is sent to premium numbers and satellite phones")
        made = self._sends.compose(
            line, [Wish(wish.number, text)], Terms("code", wanted.valid, by=by),
            identity=identity, asked=at or self._clock.now(), code=wanted,
        )  # fmt: skip
        kept = (await self._sends.keep(made))[0]
        status, why = outcome(kept)
        rows = await self._store.rows("code_of_text", id=kept["id"])
        if not rows:
            return Sent(status, message=kept["id"], why=why)
        row = rows[0]
        return Sent(status, row["id"], kept["id"], row["expires"], max(row["again"] - row["sends"] + 1, 0), why)

    async def words(self, identity: str, text: str) -> str:
        """A text as it leaves, with its code; from now on the person's digits are hidden until it is void."""
        rows = await self._store.rows("code_of_text", id=identity)
        if not rows:
            return text
        self._hide(rows[0])
        return text.replace(PLACE, self._code(rows[0]))

    # -- checking -----------------------------------------------------------------------------------

    async def check(self, number: str, purpose: str, given: str) -> Checked:
        """Whether somebody typed the code that was sent last to a number for a purpose; a right one is used up."""
        async with self._lock(number):
            return await self._checked(number, purpose, given)

    async def _checked(self, number: str, purpose: str, given: str) -> Checked:
        now = self._clock.now()
        rows = await self._store.rows("codes_of", number=number, since=now - DAY)
        row = next((r for r in rows if r["purpose"] == purpose), None)
        right = matches(self._code(row) if row else "0" * MOST, typed(given))  # it takes as long without a code
        if row is None or row["used"] is not None or row["expires"] <= now:
            return Checked("expired")
        if row["wrong"] >= row["most"]:
            return Checked("too_many")
        written = ("code_used", (now, row["id"])) if right else ("code_wrong", (row["id"],))
        mark = digest("code tried", row["id"], repr(row["wrong"]))
        if not await self._store.once(mark, now, [written]):  # at this moment another process checks one as well
            return await self._checked(number, purpose, given)
        if right:
            self._show(row)
            return Checked("valid")
        left = row["most"] - row["wrong"] - 1
        return Checked("wrong" if left else "too_many", left)

    async def watches(self, number: str) -> bool:
        """Whether a code of somebody may be typed now."""
        if not self._store.alone:  # another process may have sent one
            for row in await self._store.rows("codes_open_of", number=number, now=self._clock.now()):
                self._hide(row)
        own = self._open.get(number)
        if not own:
            return False
        now = self._clock.now()
        self._open[number] = live = {code: held for code, held in own.items() if held[1] > now}
        if not live:
            del self._open[number]
        return bool(live)

    async def heard(self, key: Key, words: str, awaited: Sequence[str]) -> tuple[str, tuple[str, bool] | None]:
        """What somebody texts without their codes; and the code that it holds, or misses, of those that are `awaited`.

        The first of these is that of the open question: only to that a wrong one is an answer. Where a question waits
        for a code, or a program does, whatever looks like it is hidden; else the code alone.
        """
        told, shown = None, words
        for identity, (digits, _, line) in list(self._open.get(key.number, {}).items()):
            rows = await self._store.rows("code_by_id", id=identity)
            if not rows:
                continue
            code = self._code(rows[0])
            if identity in awaited and (given := typed_code(words, digits)):
                right = matches(code, given) and _may_be_typed(rows[0], self._clock.now())
                told = (identity, right) if right or (told is None and identity == awaited[0]) else told
            aloud = bool(line) and identity not in awaited
            shown = without(shown, code) if aloud else hidden(shown, frozenset((digits,)))
        return shown, told

    def _hide(self, row: Row) -> None:
        self._open[row["number"]][row["id"]] = row["digits"], row["expires"], row["line"]

    def _show(self, row: Row) -> None:
        own = self._open[row["number"]]
        own.pop(row["id"], None)
        if not own:
            del self._open[row["number"]]

    def forget(self, number: str) -> None:
        """Somebody was erased."""
        self._open.pop(number, None)

    def _code(self, row: Mapping[str, object]) -> str:
        nonce, digits = row["nonce"], row["digits"]
        assert isinstance(nonce, bytes)
        assert isinstance(digits, int)
        return code_of(self._secret, nonce, str(row["number"]), str(row["purpose"]), digits)

    def _lock(self, number: str) -> asyncio.Lock:
        return self._locks.setdefault(number, asyncio.Lock())


def _may_be_typed(row: Row, now: float) -> bool:
    return row["used"] is None and row["expires"] > now and row["wrong"] < row["most"]


def _worded(text: str, wanted: Wanted) -> str:
    """The text with a place for the code; raises `UsageError`."""
    if "{code}" not in text:
        raise UsageError("the text has no {code} in it")
    if PLACE in text:
        raise UsageError("the text holds signs that stand for a code")
    if not FEWEST <= wanted.digits <= MOST:
        raise UsageError(f"a code has {FEWEST} to {MOST} digits")
    return worded(text, wanted.domain)


def _kept_in(file: Path, fresh: bytes) -> bytes:
    """The secret of a file, which is made with mode 0600 where it is not there, or no secret of ours."""
    try:
        found = file.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) == _LENGTH:
        return found
    file.parent.mkdir(mode=0o700, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    made.touch(0o600)
    made.write_bytes(fresh)
    if found:  # no secret of ours
        file.unlink()
    with suppress(FileExistsError):  # of processes that begin together, one makes it
        os.link(made, file)
    made.unlink()
    return file.read_bytes()
