"""Owed texts become sent ones: attempts that are on record before connecting, and clear ends (C5, C9)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.lanes import CONSENT, DESK, UNASKED
from smsbot.core.message import Claim, Key, Outgoing
from smsbot.core.otp import PLACE
from smsbot.core.phone import mask
from smsbot.core.status import Status
from smsbot.failpoints import reached
from smsbot.gateways.base import Outbound, Outcome, SendResult
from smsbot.log import Log
from smsbot.stores.base import Outbox, SendOutcome, Settlement

from .account_holds import AccountHolds
from .attempts import Account, backoff, insist, raise_ours, shaken
from .channels import ROOM, Channel, Channels
from .lookups import Lookups

log = Log("smsbot.sender")
_MOST = 500
"""Texts that are claimed in one commit."""


async def _as_it_is(_: str, text: str) -> str:
    return text


class Sender:
    """Sends claims, many at once, the most urgent first, those of one conversation one after the other.

    `recheck` is the pause between two look-ups of an unknown text, in seconds; `rates` are texts a second, by line.
    """

    at_once = 64
    """Texts of a channel that are being sent at the same time."""

    def __init__(
        self, store: Outbox, accounts: Mapping[str, Account], clock: Clock, *,
        recheck: float = 60.0, rates: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._channels = Channels(rates or {})
        """Where claims wait whose send has not begun."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._tried: set[str] = set()
        """Texts of held accounts that are sent all the same, to see whether they are taken."""
        self._leaving: Counter[Key] = Counter()
        """Texts by their conversation, as long as they are on their way to a gateway."""
        self._lookups = Lookups(store, accounts, clock, self, recheck)
        self.holds = AccountHolds(store)
        self.opted_out: Callable[[Key, str, str], Coroutine[Any, Any, None]] = _nobody
        """Is told whom a provider's own list calls opted out."""
        self.words: Callable[[str, str], Awaitable[str]] = _as_it_is
        """Puts the code into a text that has a place for one, by the text's id."""
        self.shake: Callable[[], float] = shaken
        """By how much waits between two tries differ; a simulation has always the same."""
        self.kick: Callable[[], None] = _nothing
        """Tells the timers that something is due now."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent or looked up."""
        return not self._tasks

    def start(self, claims: Iterable[Claim]) -> None:
        """Begin to send: at once, or when their turn comes."""
        for claim in claims:
            self._go_on(self._channels.add(claim))

    def _go_on(self, channel: Channel) -> None:
        """Send what may leave now of a channel."""
        while channel.sending < self.at_once and (claim := channel.next(self._clock.now)) is not None:
            channel.sending += 1
            self._spawn(self._send_all(channel, claim))

    async def _send_all(self, channel: Channel, claim: Claim | None) -> None:
        """Send a claim and those after it, one after the other, until none may leave now."""
        try:
            while claim is not None:
                try:
                    await self._delivered(claim)
                except Exception as error:  # the others must not wait for this one
                    log.error("send failed inside smsbot", exc_info=error)
                claim = channel.next(self._clock.now)
        finally:
            channel.sending -= 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("send failed inside smsbot", exc_info=task.exception())

    async def drain(self, patience: float) -> None:
        """Give back what has not begun, then wait for what is under way, at most `patience` seconds."""
        self._closing = True
        end = asyncio.get_running_loop().time() + patience
        waiting = self._channels.take_all()
        with suppress(TimeoutError):  # a full disk: what is not given back is unknown at the next start
            async with asyncio.timeout(max(patience, 1.0)):
                await self._give_back(waiting)
        while self._tasks and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(set(self._tasks), timeout=left)

    async def cancel(self) -> None:
        """Stop at once; open attempts will be unknown."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _give_back(self, claims: Iterable[Claim], why: str = "the server stopped first") -> None:
        """Claims that were not begun: definitely not sent, and due again at once or at the next start."""
        now = self._clock.now()
        ends = [Settlement(c, SendOutcome.LATER, now, detail=why, again=now) for c in claims]
        if ends:  # a report may have settled one meanwhile, so that the text behind it is claimed
            self.start(await insist(lambda: self._store.retry(ends)))

    # -- one text -----------------------------------------------------------------------------------

    async def _delivered(self, claim: Claim) -> None:
        key = claim.outgoing.key
        self._leaving[key] += 1
        try:
            await self._deliver(claim)
        except Exception as error:  # a fault of ours: nobody must wait for ever for what became of the text
            log.error("a send failed inside smsbot; the text is looked up", id=claim.outgoing.id, exc_info=error)
            await self._settle(claim, SendResult(Outcome.UNKNOWN, detail=f"smsbot failed: {type(error).__name__}"))
        finally:
            self._leaving[key] -= 1
            if not self._leaving[key]:
                del self._leaving[key]
            self._tried.discard(claim.outgoing.id)
            if self._channels.left(claim.outgoing):
                self.kick()

    async def silent(self, key: Key, patience: float = 3.0) -> bool:
        """Wait until nothing of a conversation is on its way to a gateway, for some seconds at the most."""
        end = asyncio.get_running_loop().time() + patience
        while busy := key in self._leaving or await self._store.at_work(key):
            if asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(0.01)
        return not busy

    async def _deliver(self, claim: Claim) -> None:
        text = claim.outgoing
        account = self._accounts.get(text.account)
        if account is None:
            gone = f'there is no account "{text.account}" any more'
            await self._settle(claim, SendResult(Outcome.REFUSED, detail=gone, about="account"))
            return
        if self._closing:
            await self._give_back((claim,))
            return
        why = None if self._is_held(text) else await self.forbidden(claim)
        if why is not None:
            self.start(await insist(lambda: self._store.close_out(text, *why, self._clock.now())))
            return
        reached("send.claimed")
        result = await self._send(account, claim)
        reached("send.answered")
        if result is None:
            await self._give_back((claim,), "paused")
            self.kick()
            return
        if result.outcome is Outcome.THROTTLED:
            self._channels.slow_down(text, self._clock.now())
        await self._settle(claim, self.holds.judged(text, result))

    def _is_held(self, text: Outgoing) -> bool:
        """Whether a pause keeps a text from leaving that is not to try whether it must."""
        return self._store.holds(text) and text.id not in self._tried

    async def forbidden(self, claim: Claim) -> tuple[Status, str] | None:
        """Why a text must not leave after all, asked right before connecting."""
        text = claim.outgoing
        if text.lane != CONSENT and await self._store.suppressed(text.key.number):
            return Status.BLOCKED, "the number opted out"
        taken = self._store.taken(text.key)
        if taken is not None and text.created <= taken.since and text.lane not in (CONSENT, DESK):
            return Status.BLOCKED, "a person has taken over"
        if text.expires <= self._clock.now():
            return Status.EXPIRED, "not sent in time"
        return None

    async def _send(self, account: Account, claim: Claim) -> SendResult | None:
        """Send it; None where a pause keeps it. Nothing is waited for between the last looks and the send."""
        try:
            outbound = await self.outbound(account, claim)
            await self._store.still_ours()
            if self._is_held(claim.outgoing):
                return None
            return await account.gateway.send(outbound)
        except BaseException as error:  # also what it awaits may have been cancelled
            raise_ours(error)
            log.error("a gateway raised", account=account.name, exc_info=error)
            return SendResult(Outcome.UNKNOWN, detail=f"the gateway raised {type(error).__name__}")

    async def outbound(self, account: Account, claim: Claim) -> Outbound:
        """A text as its gateway is given it."""
        text = claim.outgoing
        words = text.text if PLACE not in text.text else await self.words(text.id, text.text)
        return Outbound(
            sender=text.key.line,
            recipient=text.key.number,
            text=words,
            reference=claim.reference,
            validity=text.expires - self._clock.now(),
            report_to=account.report_url(),
            flash=text.flash,
            media=text.media,
        )

    async def _settle(self, claim: Claim, result: SendResult) -> None:
        now, number = self._clock.now(), mask(claim.outgoing.key.number)
        why = result.code or result.outcome.value  # a provider's own words may quote the text
        detail = " ".join(dict.fromkeys(filter(None, (result.code, result.detail.replace(claim.outgoing.text, "…")))))
        match result.outcome:
            case Outcome.ACCEPTED:
                end = Settlement(claim, SendOutcome.ACCEPTED, now, result.reference, parts=result.parts)
            case Outcome.REFUSED if result.about == "person":
                await self._opted_out(claim.outgoing, result.code or "its list", now)
                return
            case Outcome.REFUSED if result.about == "account":
                await self._hold(claim, why, detail, now)
                return
            case Outcome.REFUSED:
                log.warning("text refused", to=number, id=claim.outgoing.id, why=why)
                end = Settlement(claim, SendOutcome.REFUSED, now, detail=detail)
            case Outcome.UNKNOWN:
                log.warning("no answer; looking it up", to=number, id=claim.outgoing.id, why=why)
                end = Settlement(claim, SendOutcome.UNKNOWN, now, detail=detail, again=now)
            case _:
                wait = backoff(claim.attempt, result.retry_after, self.shake())
                log.info("not sent yet", to=number, id=claim.outgoing.id, why=why, again_in=round(wait, 1))
                again = Settlement(claim, SendOutcome.LATER, now, detail=detail, again=now + wait)
                self.start(await insist(lambda: self._store.retry([again])))
                return
        following = await insist(lambda: self._store.sent([end]))
        log.traffic("text out", number=number, line=claim.outgoing.key.line, id=claim.outgoing.id, end=end.fate.value)
        reached("send.settled")
        self.start(following)
        if end.fate is SendOutcome.ACCEPTED and self.holds.taken(claim.outgoing.account):
            await insist(lambda: self.holds.end(claim.outgoing.account, now))
            self.kick()
        elif end.fate is SendOutcome.UNKNOWN or self._channels.paces(claim.outgoing.key.line):
            self.kick()
        if (balance := result.balance) is not None:
            await insist(lambda: self.holds.left(claim.outgoing.account, balance, now))

    async def _opted_out(self, text: Outgoing, code: str, now: float) -> None:
        """The provider knows that the person has opted out: so do we from now on."""
        why = f"the number has opted out, says the provider ({code})"
        await insist(lambda: self.opted_out(text.key, text.account, why))
        self.start(await insist(lambda: self._store.close_out(text, Status.BLOCKED, why, now)))

    async def _hold(self, claim: Claim, why: str, detail: str, now: float) -> None:
        """Hold the account; its text waits with the others, but what answers STOP, which no hold keeps, backs off."""
        text = claim.outgoing
        tried = text.id in self._tried
        await insist(lambda: self.holds.begin(text.account, why, now, tried=tried))
        again = now if self._store.holds(text) else now + backoff(claim.attempt, None, self.shake())
        end = Settlement(claim, SendOutcome.LATER, now, detail=f"the account is held: {detail}", again=again)
        self.start(await insist(lambda: self._store.retry([end])))

    # -- what is due --------------------------------------------------------------------------------

    @property
    def next_try(self) -> float | None:
        """When a text of a held account is tried next, or one may leave that waits for its turn on its line."""
        tried = self.holds.next_try(self._clock.now(), self._accounts) if self._store.leads else None
        due = (tried, self._channels.next_free)
        return min((d for d in due if d is not None), default=None)

    def turns(self, text: Outgoing) -> bool:
        """Whether a text waits for its turn, so that the timers have to look."""
        return text.lane in UNASKED or self._channels.paces(text.key.line)

    @property
    def full(self) -> frozenset[tuple[str, str]]:
        """The lanes of lines of which enough waits here already."""
        return self._channels.full

    async def go_on(self) -> None:
        """Send what may leave by now of what waits for its turn here."""
        for channel in self._channels.open(self._clock.now()):
            self._go_on(channel)

    async def claim_due(self) -> None:
        """Send what is due, look up what is unknown and due."""
        await self.go_on()
        now = self._clock.now()
        for account in self.holds.to_try(now, self._accounts):
            claims = await self._store.probe(account, now)
            self._tried.update(claim.outgoing.id for claim in claims)
            self.start(claims)
        self.start(await self._store.claim_out(now, _MOST, ROOM, self._channels.rooms))
        for check in await self._lookups.due(now):
            self._spawn(self._lookups.look_up(check))


async def _nobody(key: Key, account: str, why: str) -> None:
    """Nobody keeps consent yet."""


def _nothing() -> None:
    """Nobody watches the clock yet."""
