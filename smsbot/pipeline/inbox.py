"""From a webhook's texts to durable events: who, which line, seen before, consent; only then 200."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from smsbot.core import codec, phone
from smsbot.core.clock import Clock, is_precise
from smsbot.core.commit import Timer, digest
from smsbot.core.errors import NotUnderstood
from smsbot.core.message import Arrival, Event, Key, Receipt, Unread
from smsbot.gateways.base import PLAYED, Gateway, WebhookRequest
from smsbot.log import Log
from smsbot.stores.base import Acceptance, Consent, Store
from smsbot.turns.frames import awaited_codes
from smsbot.turns.lines import Line, Lines
from smsbot.understanding import consent, noise
from smsbot.understanding.consent import Word

from .codes import Codes
from .dispatcher import Dispatcher
from .endings import Endings
from .limits import Limits
from .long_texts import LongTexts, joined_text
from .quarantine import FOREIGN, Quarantine
from .receipts import Receipts

log = Log("smsbot.inbox")
WEAK = 60.0
"""Seconds for which a text without id and time counts as the same one (people answer "1" twice)."""
_READ = 3.0
"""Seconds that a text of ours is read before it is answered, at the least."""
_RECENT = 100_000
_LISTED = 100
_JSON = {"content-type": "application/json"}
_NO_LINE = "no recipient, and its account has not exactly one line"


@dataclass(slots=True)
class _Queue:
    """Texts of one conversation that wait until the one before them is sorted."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Inbox:
    """Takes in texts, reports and events. Every call is durable on return."""

    def __init__(self, store: Store, lines: Lines, dispatcher: Dispatcher, receipts: Receipts, clock: Clock) -> None:
        self._store = store
        self._lines = lines
        self._dispatcher = dispatcher
        self._receipts = receipts
        self._clock = clock
        self._recent: OrderedDict[bytes, None] = OrderedDict()
        self._queues: dict[Key, _Queue] = {}
        self._long = LongTexts(store, clock, lambda: dispatcher.sender.kick())
        self._quarantine = Quarantine(store, lines, clock)
        self._endings = Endings(store, dispatcher.sender, clock)
        self.limits = Limits(store, self._endings)
        self.codes: Codes | None = None
        """Knows which codes may be typed now."""

    @property
    def crowded(self) -> bool:
        """Whether a webhook should be told to come again."""
        return self._dispatcher.crowded

    async def webhook(self, gateway: Gateway, kind: str, request: WebhookRequest) -> bool:
        """Take a genuine webhook; False if it was not understood and lies in quarantine."""
        try:
            items = gateway.hooks[kind](request)
        except NotUnderstood as error:
            await self._quarantine.keep(request, kind, error.args[0])
            return False
        except Exception as error:  # a fault of the gateway must not make the provider deliver for ever
            log.error("a gateway could not read a webhook", account=request.account, exc_info=error)
            await self._quarantine.keep(request, kind, f"reading it failed: {type(error).__name__}")
            return False
        return await self._take_all(request, kind, items)

    async def _take_all(self, request: WebhookRequest, kind: str, items: Iterable[Arrival | Receipt | Unread]) -> bool:
        receipts: list[Receipt] = []
        strange: dict[str, list[bytes]] = {}
        items = list(items)
        for item in items:
            if isinstance(item, Receipt):
                receipts.append(item)
            elif isinstance(item, Unread):
                strange.setdefault(item.why, []).append(item.raw)
            elif not await self._take(item):
                strange.setdefault(FOREIGN if item.recipient else _NO_LINE, []).append(item.raw)
        if receipts:
            await self._receipts.take(receipts)
        for why, bodies in strange.items():  # only these: the others are answered already
            rest = request
            if len(bodies) < len(items):
                rest = replace(request, body=b"[" + b",".join(bodies) + b"]", headers=_JSON)
            await self._quarantine.keep(rest, kind, why)
        return not strange

    async def take_listed(self, account: str, items: Iterable[Arrival | Receipt]) -> None:
        """Take what a provider lists; what a webhook brought before is known by its id."""
        listed = list(items)
        for n in range(0, len(listed), _LISTED):  # a long list must not hold the writer up
            await self._take_all(WebhookRequest(account, b""), "inbound", listed[n : n + _LISTED])

    async def replay(self, gateways: Mapping[str, Gateway], account: str = "") -> tuple[int, int]:
        """Read quarantined webhooks again; how many were understood, and how many are left."""
        return await self._quarantine.reread(gateways, account, self._take_all)

    # -- one text -----------------------------------------------------------------------------------

    async def _take(self, arrival: Arrival) -> bool:
        """Take one text; False if it is for none of our lines."""
        line = self._lines.find(arrival.recipient) if arrival.recipient else self._only_line(arrival.account)
        if line is None:
            return False
        key = Key(line.number, phone.normalise(arrival.sender, line.country))
        async with self._in_order(key):
            if not self._store.alone:
                await self._store.load(key)  # what is remembered from here on is of now
            event = await self._event(arrival, key)
            if self.codes is not None and await self.codes.watches(key.number):
                arrival, event = await self._veiled(self.codes, arrival, event, line)
            known = event.seen in self._recent and (not event.origin or event.origin in self._recent)
            if known and not event.window:
                return True
            onward = await self._sort(event, line, arrival)
        log.traffic("text in", number=phone.mask(key.number), line=line.number)
        if onward is not None:  # begun without a pause, so that nothing overtakes it here
            await onward
        for mark in (event.seen, event.origin) if event.origin else (event.seen,):
            self._recent[mark] = None
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return True

    def _only_line(self, account: str) -> Line | None:
        """The line that a text without a recipient went to: the account has no other."""
        own = [x for x in self._lines.values() if x.account == account.removesuffix(PLAYED)]
        return own[0] if len(own) == 1 else None

    @asynccontextmanager
    async def _in_order(self, key: Key) -> AsyncIterator[None]:
        """One text of a conversation at a time, as they came: what is read for one must not let another pass."""
        queue = self._queues.setdefault(key, _Queue())
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                self._queues.pop(key, None)

    async def _event(self, arrival: Arrival, key: Key) -> Event:
        now, secret = self._clock.now(), self._store.dedupe_key
        account, window, origin = arrival.account, 0.0, b""
        if arrival.signed:  # its id may have been cut out of what was signed, so that the same comes as another
            origin = digest("signed", account, arrival.signed, key=secret)
        elif is_precise(arrival.sent_at):
            origin = digest("text", account, key.number, key.line, arrival.content, arrival.sent_at, key=secret)
        if arrival.gateway_id:
            more = (*key, *beside) if (beside := arrival.beside_its_id) else ()
            seen = digest("id", account, arrival.gateway_id, *more, key=secret)
        elif origin:
            seen, origin = origin, b""
        else:
            since = await self._last_said(key, now)
            seen, window = digest("raw", account, arrival.raw, since, key=secret), WEAK
        identity = digest(seen, repr(now)) if window else seen
        return Event(
            identity, key, "text", arrival.text, now, account, data=_pictures(arrival),
            gateway_id=arrival.gateway_id, seen=seen, origin=origin, window=window,
        )  # fmt: skip

    async def _last_said(self, key: Key, now: float) -> str:
        """A mark that tells an answer from the same one to the question before, where a text has neither id nor time.

        It is when our last text had left, a few seconds ago: whoever answers it read it meanwhile.
        """
        line, number = key
        rows = await self._store.rows("answered_since", line=line, number=number, before=now - _READ)
        return repr(rows[0]["at"]) if rows else ""

    async def _sort(self, event: Event, line: Line, arrival: Arrival) -> Awaitable[object] | None:
        """Sort a text: the work that is to be done with it; None if it is done."""
        text = arrival.text
        word, obeyed = self._word(arrival, line)
        if not phone.can_receive(event.key.number):
            return self._endings.done(event, "a sender that cannot be answered")
        if self._lines.get(event.key.number) is not None:
            return self._endings.done(event, "one of our own lines, which is never answered")
        if word is not Word.STOP and not line.answer_costly and phone.is_costly(event.key.number):
            return self._endings.done(event, "a premium or satellite number, which is not answered")
        if arrival.word:  # whatever else came with it: a picture, a reaction, nothing
            return await self._obeyed(event, line, word, arrival)
        kind = noise.recognise(text)
        counts = self.limits.counts(event)
        if kind is noise.Kind.REACTION:
            return await self._react(event, line, text, counts=counts)
        if kind is noise.Kind.MEDIA or (kind is noise.Kind.EMPTY and arrival.media):
            if await self.limits.too_many(event, line, word, counts=counts):
                return None
            return await self._picture(replace(event, kind="media", text=""))
        if kind is noise.Kind.EMPTY:
            return self._endings.done(event, "an empty text is no answer")
        if word is Word.STOP:
            silent = obeyed or (not line.answer_costly and phone.is_costly(event.key.number))
            return self._consent(event, line, "optout", "" if silent else line.opted_out, arrival.said_at)
        if line.pace and await self.limits.held(event, line, word, counts=counts):
            return None
        if await self.limits.too_many(event, line, word, counts=counts):
            return None
        if word is None and noise.is_automatic(text):
            return self._endings.done(event, "a phone or an office answered by itself, so it is no answer")
        conversation = self._store.peek(event.key) or await self._store.load(event.key)
        if conversation.opted_out:
            return self._opted_out(event, line, word, obeyed, arrival)
        if word is None and await self._long.takes(event, arrival.part):
            return None
        return self._dispatcher.arrive(event)

    async def _veiled(self, codes: Codes, arrival: Arrival, event: Event, line: Line) -> tuple[Arrival, Event]:
        """A text without the codes in it, and whether it holds the one that is awaited; it is known by what it was."""
        conversation = self._store.peek(event.key) or await self._store.load(event.key)
        words, typed = await codes.heard(event.key, arrival.text, awaited_codes(line.versions, conversation))
        if typed is not None:
            told = codec.loads(event.data) if event.data else {}
            event = replace(event, data=codec.dumps(told | {"code": [*typed]}))
        return replace(arrival, text=words), replace(event, text=words)

    async def _obeyed(self, event: Event, line: Line, word: Word | None, arrival: Arrival) -> Awaitable[object] | None:
        """A text that the network itself has obeyed and answered, in whatever words it was told."""
        if word is Word.STOP:
            return self._consent(event, line, "optout", "", arrival.said_at)
        conversation = self._store.peek(event.key) or await self._store.load(event.key)
        if conversation.opted_out:
            return self._opted_out(event, line, word, True, arrival)
        if word is Word.HELP:
            return self._endings.done(event, "HELP was answered by the network")
        return self._dispatcher.arrive(event)

    @staticmethod
    def _word(arrival: Arrival, line: Line) -> tuple[Word | None, bool]:
        """The consent word that a text is, and whether the network has obeyed and answered it by itself."""
        theirs = arrival.word or line.obeyed.get(arrival.text.strip().casefold(), "")
        word = Word(theirs) if theirs else consent.read(arrival.text, line.country)
        return word, bool(theirs)

    async def _react(self, event: Event, line: Line, text: str, *, counts: bool) -> Awaitable[object] | None:
        """A tapback: kept with the text that it quotes, and told to the bot if it listens."""
        found = noise.reaction(text)
        assert found is not None
        event = replace(event, kind="reaction", data=codec.dumps(dataclasses.asdict(found)))
        if line.table.reaction is None:
            return self._endings.done(event, "a reaction to a text of ours is no answer")
        if await self.limits.too_many(event, line, None, counts=counts):
            return None
        return self._dispatcher.arrive(event)

    async def joined(self, timer: Timer) -> Acceptance:
        """The text of parts that are all there, taken in as if it had come whole."""
        event = joined_text(timer)
        line = self._lines.get(event.key.line)
        if line is None:
            return Acceptance(event, timer=timer)
        word, conversation = consent.read(event.text, line.country), await self._store.load(event.key)
        if word is Word.STOP:
            said = Consent("optout", event.text, f"text {event.id.hex()}", line.opted_out)
            confirmation = (self._endings.say(event, line, line.opted_out),) if line.opted_out else ()
            return Acceptance(replace(event, kind="optout"), said, confirmation, timer=timer)
        note = ""
        if word is None and noise.is_automatic(event.text):
            note = "a phone or an office answered by itself, so it is no answer"
        elif conversation.opted_out:
            note = "the number has opted out, so nothing answers"
        return Acceptance(event, timer=timer, done=bool(note), note=note)

    async def _picture(self, event: Event) -> Awaitable[object]:
        """A picture without words: kept, and told to whoever takes it."""
        conversation = self._store.peek(event.key) or await self._store.load(event.key)
        if conversation.opted_out:
            return self._endings.done(event, "the number has opted out, so nothing answers")
        return self._dispatcher.arrive(event)

    async def _opted_out(self, event: Event, line: Line, word: Word | None, obeyed: bool, arrival: Arrival) -> None:
        if word is Word.START:
            if await self._older_than_stop(event.key.number, arrival):
                await self._endings.done(event, "older than their STOP, so they stay opted out")
            else:
                await self._consent(event, line, "optin", "" if obeyed else line.opted_in, None)
        elif word is Word.HELP and not obeyed and self.limits.may_help(event):
            await self._endings.done(event, "HELP is always answered", [self._endings.say(event, line, line.help)])
        else:
            await self._endings.done(event, "the number has opted out, so nothing answers")

    async def _older_than_stop(self, number: str, arrival: Arrival) -> bool:
        """Whether a START was sent before the STOP that holds: by the provider's times, else by when it came."""
        stops = await self._store.rows("suppressed", number=number)
        sent, late = arrival.said_at, arrival.late
        if sent is not None and any(row["said"] is not None for row in stops):
            return any(row["said"] is not None and row["said"] > sent for row in stops)
        return late is not None and any(row["at"] >= late for row in stops)

    async def opted_out_elsewhere(self, key: Key, account: str, why: str) -> None:
        """The provider's own list says that somebody has opted out: from now on ours does, too."""
        line, now = self._lines.get(key.line), self._clock.now()
        if line is None or await self._store.suppressed(key.number):
            return
        event = Event(digest("opted out", *key, repr(now)), key, "optout", "", now, account)
        await self._consent(event, line, "optout", "", None, source=why)

    async def _consent(
        self, event: Event, line: Line, action: str, says: str, said: float | None, source: str = ""
    ) -> None:
        """Make it true at the commit, ahead of every queue; the conversation learns it in its turn."""
        event = replace(event, kind=action)
        outgoing = (self._endings.say(event, line, says),) if says else ()
        word = Consent(action, event.text, source or f"text {event.id.hex()}", says, said)
        self._dispatcher.accepted([event], await self._store.accept([Acceptance(event, word, outgoing)]))


def _pictures(arrival: Arrival) -> str:
    """The pictures of a text as they are kept; empty where there are none."""
    return codec.dumps({"media": [[m.url, m.type] for m in arrival.media]}) if arrival.media else ""
