"""How much is answered: machines at the other end, too many texts a minute, HELP where nothing else is answered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from smsbot.core import phone
from smsbot.core.message import Event, Key
from smsbot.log import Log
from smsbot.policy.pace import REST, Pace
from smsbot.policy.rates import Rate
from smsbot.stores.base import Acceptance, Store
from smsbot.turns.lines import Line
from smsbot.understanding.consent import Word

from .endings import Endings

log = Log("smsbot.limits")
MACHINE = "machine"
"""The desk that is told of machines at the other end."""
FLOOD = "flood"
"""And of numbers that text more than is answered."""
_PACES = 50_000
"""Numbers whose pace is remembered."""
_HELP_EVERY = 60.0
"""Seconds between two answers to HELP where nothing else is answered."""


class Limits:
    """The limits of how much is answered, and a memory of how much each number texts."""

    def __init__(self, store: Store, endings: Endings) -> None:
        self._store = store
        self._endings = endings
        self._paces: OrderedDict[Key, Pace] = OrderedDict()
        self._rates: OrderedDict[Key, Rate] = OrderedDict()
        self._paced: Mapping[str, float] | None = None
        """The conversations that are held, and since when; None: to be read."""
        self._helped: OrderedDict[Key, float] = OrderedDict()
        self._counted: OrderedDict[bytes, None] = OrderedDict()
        """Texts that count already: a provider that was told 503 delivers one of them again and again."""

    def counts(self, event: Event) -> bool:
        """Whether a text is counted now, as it is the first time that it comes."""
        if event.seen in self._counted:
            return False
        self._counted[event.seen] = None
        if len(self._counted) > _PACES:
            self._counted.popitem(last=False)
        return True

    async def held(self, event: Event, line: Line, word: Word | None, *, counts: bool) -> bool:
        """Whether a machine texts, so that nothing answers; HELP is, once a minute."""
        name, pace = " ".join(event.key), self._paces.setdefault(event.key, Pace())
        _bound(self._paces, event.key)
        before = pace.last
        machine = counts and pace.machine(event.text, event.at, line.pace)
        since = (await self._holds()).get(name)
        if since is not None and event.at - max(before, since) >= REST:
            await self._store.write([("unhold_pace", (name,))])
            self._paced = None
            return False
        if since is None and not machine:
            return False
        if word is Word.HELP and self.may_help(event):
            await self._endings.done(event, "HELP is always answered", [self._endings.say(event, line, line.help)])
        elif since is not None:
            await self._endings.done(event, "held: a machine seems to text here, so nothing answers")
        else:
            await self._hold(event, name)
        return True

    async def too_many(self, event: Event, line: Line, word: Word | None, *, counts: bool) -> bool:
        """Whether a number, or all of a line, texts more than is answered; HELP is, once a minute."""
        for most, whose in ((line.per_minute, event.key), (line.line_per_minute, Key(line.number, ""))):
            if counts and most and self._rate(whose).over(event.at, most):
                break
        else:
            return False
        if word is Word.HELP and self.may_help(event):
            await self._endings.done(event, "HELP is always answered", [self._endings.say(event, line, line.help)])
            return True
        note = f"more than {most} texts a minute from {'this number' if whose.number else 'this line'}: not answered"
        changes = [("handoff", (*event.key, FLOOD, event.at, 1))] if self._rate(whose).tells(event.at) else []
        if changes:
            log.warning("too many texts a minute; no more are answered", line=line.number, most=most)
        await self._store.accept([Acceptance(event, done=True, note=note, changes=tuple(changes))])
        return True

    def _rate(self, whose: Key) -> Rate:
        rate = self._rates.setdefault(whose, Rate())
        _bound(self._rates, whose)
        return rate

    async def _hold(self, event: Event, name: str) -> None:
        """From now on nothing answers there, until the desk has looked."""
        line, number = event.key
        why = "a machine seems to text here: many texts faster than a person writes, or the same again and again"
        log.warning("a conversation is held: a machine seems to text", number=phone.mask(number), line=line)
        changes = (("hold_pace", (name, event.at, why)), ("handoff", (line, number, MACHINE, event.at, 1)))
        self._paced = None
        await self._store.accept([Acceptance(event, done=True, note=f"held: {why}", changes=changes)])

    async def _holds(self) -> Mapping[str, float]:
        """The conversations that are held, and since when; the desk may release them at any time."""
        if self._paced is None or self._paced:
            self._paced = {row["name"]: row["at"] for row in await self._store.rows("paced")}
        return self._paced

    async def forget(self) -> None:
        """Read anew which conversations are held: another process may have held some."""
        self._paced = None

    def may_help(self, event: Event) -> bool:
        """Whether HELP is answered to somebody to whom nothing else is: once a minute."""
        last = self._helped.get(event.key)
        if last is not None and event.at - last < _HELP_EVERY:
            return False
        self._helped[event.key] = event.at
        _bound(self._helped, event.key)
        return True


def _bound(remembered: OrderedDict[Key, Any], latest: Key) -> None:
    """Forget whoever was silent longest, where there are too many."""
    remembered.move_to_end(latest)
    if len(remembered) > _PACES:
        remembered.popitem(last=False)
