"""One-time codes, sent and checked: bound to a number and a purpose, single use, with limits on guesses and pumping.

A decision about a person is made while nobody else decides about them, and is durable before it is told.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.message import Outgoing
from smsbot.core.otp import FEWEST, MOST, PLACE, code_of, hidden, matches, typed
from smsbot.core.phone import is_costly
from smsbot.core.structs import struct
from smsbot.stores.base import Row, Store
from smsbot.turns.lines import Line

from .sends import Sends, Terms, Wish, outcome, wrong_with

VALID = 300.0
"""Seconds for which a code may be typed."""
TRIES, RESENDS = 3, 2
PAUSE = 20.0
"""Seconds between two texts with one code."""
_PER_HOUR, _PER_DAY = 5, 10
"""Codes of one number and purpose."""
_RANGE, _PER_RANGE = 600.0, 20
"""Seconds, and texts with codes in them to one range of numbers: a range that asks faster is pumped."""
_PREFIX = 4
"""Digits at the end of a number that do not count for its range."""
_DAY = 86_400.0
_KEPT = 30 * _DAY
_LENGTH = 32


@struct
class Asked:
    """What a program wants: a text with ``{code}`` in it."""

    number: str
    text: str
    purpose: str = ""
    digits: int = 6
    valid: float = VALID
    tries: int = TRIES
    resends: int = RESENDS
    domain: str = ""
    """Of the site that may fill it in by itself: the last line is ``@domain #code``."""


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
        self._one = asyncio.Lock()
        """Codes are sent one at a time, so that a range of numbers gets no more than it may."""
        self._open: defaultdict[str, dict[str, tuple[int, float]]] = defaultdict(dict)
        """How many digits each code of a number has, and until when it may be typed."""

    async def begin(self, secret_file: Path) -> None:
        """Read the secret that codes follow from, or make it; without it, those that are open are void."""
        self._secret = _kept_in(secret_file, self._secret)
        now = self._clock.now()
        for row in await self._store.rows("codes_open", since=now - _DAY, now=now):
            self._hide(row)

    # -- sending ------------------------------------------------------------------------------------

    async def send(self, line: Line, asked: Asked, by: str, *, identity: bytes, at: float = 0.0) -> Sent:
        """Send a code, or the one that may still be typed once more. Raises `UsageError`.

        Of the same `identity`, asked at the same moment, it is the same text.
        """
        text = _worded(asked)
        if why := wrong_with(asked.number, text.replace(PLACE, "0" * asked.digits)):
            raise UsageError(why)
        if is_costly(asked.number):
            raise UsageError("no code is sent to premium numbers and satellite phones")
        async with self._lock(asked.number), self._one:
            now = self._clock.now()

            def made(life: float) -> list[Outgoing]:
                return self._sends.compose(
                    line, [Wish(asked.number, text)], Terms("code", life, by=by), identity=identity, asked=at or now
                )  # fmt: skip

            before = await self._store.rows("code_of_text", id=made(asked.valid)[0].id)
            if before:  # its answer was lost
                return await self._owed(before[0], made(asked.valid))
            known = await self._store.rows("codes_of", number=asked.number, since=now - _DAY)
            own = [r for r in known if r["purpose"] == asked.purpose]
            row = next((r for r in own if _is_open(r, now)), None)
            if why := await self._too_many(asked, own, row, now):
                return Sent("too_many", why=why)
            if row is None:
                row = await self._made(asked, by, now)
            texts = made(max(row["expires"] - now, 1.0))
            await self._store.write([("code_text", (texts[0].id, row["id"])), ("code_sent", (row["id"],))])
            return await self._owed({**row, "sends": row["sends"] + 1}, texts)

    async def _too_many(self, asked: Asked, own: list[Row], row: Row | None, now: float) -> str:
        """Why no code is sent now; empty if one may be."""
        prefix = asked.number[:-_PREFIX]
        sent = (await self._store.rows("codes_by_prefix", prefix=prefix, since=now - _RANGE))[0]["n"]
        if sent >= _PER_RANGE:
            return "too many codes went to this range of numbers within ten minutes"
        if row is not None:
            if row["sends"] > row["again"]:
                return "this code was sent as often as it may be"
            last = row["at"] + PAUSE * row["sends"]
            return f"wait {last - now:.0f} seconds until it is sent again" if last > now else ""
        if len([r for r in own if r["at"] > now - 3600.0]) >= _PER_HOUR:
            return "this number got too many codes within the hour"
        return "this number got too many codes today" if len(own) >= _PER_DAY else ""

    async def _made(self, asked: Asked, by: str, now: float) -> Row:
        identity = secrets.token_hex(12)
        row = (
            identity, asked.number, asked.purpose, secrets.token_bytes(16), asked.digits, now, now + asked.valid,
            asked.tries, asked.resends, by,
        )  # fmt: skip
        await self._store.write([("codes_over", (now - _KEPT,)), ("code", row)])
        return (await self._store.rows("code_by_id", id=identity))[0]

    async def _owed(self, row: Row, texts: list[Outgoing]) -> Sent:
        """Owe the text. The person's digits are hidden from now on, as long as the code may be typed."""
        self._hide(row)
        kept = (await self._sends.keep(texts))[0]
        status, why = outcome(kept)
        return Sent(status, row["id"], texts[0].id, row["expires"], max(row["again"] - row["sends"] + 1, 0), why)

    async def words(self, identity: str, text: str) -> str:
        """A text as it leaves: with its code."""
        rows = await self._store.rows("code_of_text", id=identity)
        return text.replace(PLACE, self._code(rows[0])) if rows else text

    # -- checking -----------------------------------------------------------------------------------

    async def check(self, number: str, purpose: str, given: str) -> Checked:
        """Whether somebody typed the code that was sent last to a number for a purpose; a right one is used up."""
        async with self._lock(number):
            now = self._clock.now()
            rows = await self._store.rows("codes_of", number=number, since=now - _DAY)
            row = next((r for r in rows if r["purpose"] == purpose), None)
            right = matches(self._code(row) if row else "0" * MOST, typed(given))  # it takes as long without a code
            if row is None or row["used"] is not None or row["expires"] <= now:
                return Checked("expired")
            if row["wrong"] >= row["most"]:
                return Checked("too_many")
            if right:
                await self._store.write([("code_used", (now, row["id"]))])
                self._show(row)
                return Checked("valid")
            await self._store.write([("code_wrong", (row["id"],))])
            left = row["most"] - row["wrong"] - 1
            return Checked("wrong" if left else "too_many", left)

    def hide(self, number: str, words: str) -> str:
        """What somebody texts, without what may be a code that they were sent."""
        own = self._open.get(number)
        if not own:
            return words
        now = self._clock.now()
        live = frozenset(digits for digits, until in own.values() if until > now)
        if not live:
            del self._open[number]
        return hidden(words, live)

    def _hide(self, row: Row) -> None:
        self._open[row["number"]][row["id"]] = row["digits"], row["expires"]

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


def _is_open(row: Row, now: float) -> bool:
    return row["used"] is None and row["expires"] > now and row["wrong"] < row["most"]


def _worded(asked: Asked) -> str:
    """The text with a place for the code; raises `UsageError`."""
    if "{code}" not in asked.text:
        raise UsageError("the text has no {code} in it")
    if PLACE in asked.text:
        raise UsageError("the text holds signs that stand for a code")
    if not FEWEST <= asked.digits <= MOST:
        raise UsageError(f"a code has {FEWEST} to {MOST} digits")
    line = f"\n@{asked.domain} #{PLACE}" if asked.domain else ""
    return asked.text.replace("{code}", PLACE) + line


def _kept_in(file: Path, fresh: bytes) -> bytes:
    """The secret of a file, which is made with mode 0600 where it is not there, or no secret of ours."""
    try:
        found = file.read_bytes()
    except FileNotFoundError:
        found = b""
    if len(found) == _LENGTH:
        return found
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(0o600)
    file.write_bytes(fresh)
    return fresh
