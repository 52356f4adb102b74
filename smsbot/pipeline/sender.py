"""Owed texts become sent ones: attempts that are on record before connecting, and clear ends (C5, C9)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from smsbot.core.clock import Clock
from smsbot.core.errors import StoreError, StoreRefused
from smsbot.core.message import Claim, Key, Outgoing
from smsbot.core.otp import PLACE
from smsbot.core.phone import mask
from smsbot.core.status import Status
from smsbot.failpoints import reached
from smsbot.gateways.base import Gateway, Lookup, Outbound, Outcome, Search, SendResult
from smsbot.log import Log
from smsbot.stores.base import Check, Checked, LookupOutcome, Outbox, SendOutcome, Settlement

from .account_holds import AccountHolds
from .tasks import cancelled

log = Log("smsbot.sender")
_LONGEST_WAIT = 300.0
_MOST = 500
"""Claims of an account at once: more would only be unknown after a crash."""
_MOST_CHECKS = 50
"""Look-ups of an account at once."""
_GIVE_UP_CHECKING = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials at a gateway, and where its reports come back to."""

    name: str
    gateway: Gateway
    report_url: Callable[[], str]


async def _as_it_is(_: str, text: str) -> str:
    return text


class Sender:
    """Sends claims, many at once, those of one conversation one after the other.

    `recheck` is the pause between two look-ups of an unknown text, in seconds.
    """

    at_once = 64
    """Texts of an account that are being sent at the same time."""

    def __init__(self, store: Outbox, accounts: Mapping[str, Account], clock: Clock, *, recheck: float = 60.0) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._recheck = recheck
        self._waiting: defaultdict[str, deque[Claim]] = defaultdict(deque)
        """Claims whose send has not begun, for want of room, by account."""
        self._sending: Counter[str] = Counter()
        """How many texts of an account are being sent, each by a task that goes on to the next."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._checking: set[str] = set()
        self._tried: set[str] = set()
        """Texts of held accounts that are sent all the same, to see whether they are taken."""
        self._under_way: Counter[str] = Counter()
        self._leaving: Counter[Key] = Counter()
        """Texts by their conversation, as long as they are on their way to a gateway."""
        self._looked_up: Counter[str] = Counter()
        self.holds = AccountHolds(store)
        self.opted_out: Callable[[Key, str, str], Coroutine[Any, Any, None]] = _nobody
        """Is told whom a provider's own list calls opted out."""
        self.words: Callable[[str, str], Awaitable[str]] = _as_it_is
        """Puts the code into a text that has a place for one, by the text's id."""
        self.kick: Callable[[], None] = _nothing
        """Tells the timers that something is due now."""

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent or looked up."""
        return not self._tasks

    def start(self, claims: Iterable[Claim]) -> None:
        """Begin to send."""
        for claim in claims:
            account = claim.outgoing.account
            self._under_way[account] += 1
            self._waiting[account].append(claim)
            if self._sending[account] < self.at_once:
                self._sending[account] += 1
                self._spawn(self._send_all(account))

    async def _send_all(self, account: str) -> None:
        """Send what waits, one after the other, until nothing does."""
        waiting = self._waiting[account]
        try:
            while waiting:
                try:
                    await self._delivered(waiting.popleft())
                except Exception as error:  # the others must not wait for this one
                    log.error("send failed inside smsbot", exc_info=error)
        finally:
            self._sending[account] -= 1

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
        waiting = [claims.popleft() for claims in self._waiting.values() for _ in range(len(claims))]
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
            self._under_way[claim.outgoing.account] -= 1

    async def silent(self, key: Key, patience: float = 3.0) -> bool:
        """Wait until nothing of a conversation is on its way to a gateway, for some seconds at the most."""
        end = asyncio.get_running_loop().time() + patience
        while key in self._leaving and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - rare, and short
            await asyncio.sleep(0.01)
        return key not in self._leaving

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
        if self._store.holds(text) and text.id not in self._tried:
            await self._give_back((claim,), "paused")
            self.kick()
            return
        why = await self._forbidden(claim)
        if why is not None:
            self.start(await insist(lambda: self._store.close_out(text, *why, self._clock.now())))
            return
        reached("send.claimed")
        result = await self._send(account, claim)
        reached("send.answered")
        await self._settle(claim, self.holds.judged(text, result))

    async def _forbidden(self, claim: Claim) -> tuple[Status, str] | None:
        """Why a text must not leave after all, asked right before connecting."""
        text = claim.outgoing
        if text.lane != "consent" and await self._store.suppressed(text.key.number):
            return Status.BLOCKED, "the number opted out"
        taken = self._store.taken(text.key)
        if taken is not None and text.created <= taken.since and text.lane not in ("consent", "desk"):
            return Status.BLOCKED, "a person has taken over"
        if text.expires <= self._clock.now():
            return Status.EXPIRED, "not sent in time"
        return None

    async def _send(self, account: Account, claim: Claim) -> SendResult:
        try:
            return await account.gateway.send(await self._outbound(account, claim))
        except BaseException as error:  # also what it awaits may have been cancelled
            _raise_ours(error)
            log.error("a gateway raised", account=account.name, exc_info=error)
            return SendResult(Outcome.UNKNOWN, detail=f"the gateway raised {type(error).__name__}")

    async def _outbound(self, account: Account, claim: Claim) -> Outbound:
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
                wait = backoff(claim.attempt, result.retry_after)
                log.info("not sent yet", to=number, id=claim.outgoing.id, why=why, again_in=round(wait, 1))
                again = Settlement(claim, SendOutcome.LATER, now, detail=detail, again=now + wait)
                self.start(await insist(lambda: self._store.retry([again])))
                return
        following = await insist(lambda: self._store.sent([end]))
        log.traffic("text out", number=number, line=claim.outgoing.key.line, id=claim.outgoing.id, end=end.fate.value)
        reached("send.settled")
        self.start(following)
        if end.fate is SendOutcome.UNKNOWN:
            self.kick()
        elif end.fate is SendOutcome.ACCEPTED and self.holds.taken(claim.outgoing.account):
            await insist(lambda: self.holds.end(claim.outgoing.account, now))
            self.kick()

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
        again = now if self._store.holds(text) else now + backoff(claim.attempt, None)
        end = Settlement(claim, SendOutcome.LATER, now, detail=f"the account is held: {detail}", again=again)
        self.start(await insist(lambda: self._store.retry([end])))

    # -- unknown texts ------------------------------------------------------------------------------

    @property
    def next_try(self) -> float | None:
        """When a text of a held account is tried next."""
        return self.holds.next_try(self._clock.now(), self._accounts)

    async def claim_due(self) -> None:
        """Send what is due, look up what is unknown and due."""
        now = self._clock.now()
        for account in self.holds.to_try(now, self._accounts):
            claims = await self._store.probe(account, now)
            self._tried.update(claim.outgoing.id for claim in claims)
            self.start(claims)
        self.start(await self._store.claim_out(now, _MOST, _full(self._under_way, _MOST)))
        for check in await self._store.claim_checks(now, 200, _full(self._looked_up, _MOST_CHECKS)):
            identity = check.claim.outgoing.id
            if identity not in self._checking:
                self._checking.add(identity)
                self._spawn(self._look_up(check))

    async def _look_up(self, check: Check) -> None:
        account = check.claim.outgoing.account
        self._looked_up[account] += 1
        try:
            end = await self._find(check)
            reached("check.found")
            following = await insist(lambda: self._store.checked([end]))
            reached("check.kept")
            self.start(following)
        finally:
            self._checking.discard(check.claim.outgoing.id)
            self._looked_up[account] -= 1

    async def _find(self, check: Check) -> Checked:
        account = self._accounts.get(check.claim.outgoing.account)
        if account is None or not account.gateway.claims.can_look_up:
            return Checked(check, LookupOutcome.HOLD, self._clock.now(), detail="the gateway cannot look texts up")
        try:
            found = await account.gateway.look_up(await self._search(account, check))
        except BaseException as error:
            _raise_ours(error)
            log.error("a gateway raised", account=account.name, exc_info=error)
            found = Lookup(None, detail=f"the gateway raised {type(error).__name__}")
        now = self._clock.now()
        if found.found:
            status = found.status or Status.ACCEPTED
            return Checked(check, LookupOutcome.FOUND, now, status=status, reference=found.reference)
        if found.found is None:
            if now - check.started > _GIVE_UP_CHECKING:
                return Checked(
                    check, LookupOutcome.HOLD, now, detail=f"could not be looked up for a day: {found.detail}"
                )
            wait = max(5 * self._recheck, min((now - check.started) / 8, _LONGEST_WAIT))
            return Checked(check, LookupOutcome.LATER, now, again=now + wait)
        if check.absences == 0:
            return Checked(check, LookupOutcome.ABSENT, now, again=now + self._recheck)
        return await self._absent_twice(check, now, certain=account.gateway.claims.finds_by_id)

    async def _search(self, account: Account, check: Check) -> Search:
        text = check.claim.outgoing
        known = await self._store.references(text.key.number)
        return Search(await self._outbound(account, check.claim), check.started, known)

    async def _absent_twice(self, check: Check, now: float, *, certain: bool) -> Checked:
        """Decide about an attempt that the provider does not have.

        It is `certain` where it was looked for by our own id and taken texts are found at once: then it was never
        taken, and to send it again, however often, cannot make two of it. Else once, and no bulk text.
        """
        text = check.claim.outgoing
        if check.resends and not certain:
            return Checked(check, LookupOutcome.HOLD, now, detail="unknown again after one resend")
        if text.lane == "bulk" and not certain:
            return Checked(check, LookupOutcome.HOLD, now, detail="a bulk text is never resent by itself")
        why = await self._forbidden(check.claim)
        if why is None:
            due = min(check.started + backoff(check.resends, None), text.expires) if check.resends else now
            if due > now:  # a provider that loses each try is asked less and less often
                return Checked(check, LookupOutcome.ABSENT, now, again=due)
            return Checked(check, LookupOutcome.RESEND, now)
        if certain:
            return Checked(
                check, LookupOutcome.FOUND, now, status=why[0], detail=f"{why[1]}; the provider never had it"
            )
        return Checked(check, LookupOutcome.HOLD, now, detail="too late, or opted out, to send it again")


def _full(counts: Counter[str], most: int) -> frozenset[str]:
    """The accounts that have enough: a slow one must not take the room of the others."""
    return frozenset(account for account, count in counts.items() if count >= most)


async def _nobody(key: Key, account: str, why: str) -> None:
    """Nobody keeps consent yet."""


def _nothing() -> None:
    """Nobody watches the clock yet."""


async def insist(write: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Write what must not be forgotten, again and again until the database takes it (a full disk ends one day)."""
    wait = 0.2
    while True:
        try:
            return await write()
        except StoreRefused:
            raise
        except StoreError as error:
            log.error("what happened waits for the database", why=str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)


def backoff(attempt: int, asked: float | None) -> float:
    """Seconds until the next try: 1, 2, 4 … 300, shaken by a fifth; longer if the provider asked for it."""
    own = min(2.0 ** min(attempt - 1, 12), _LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return max(asked or 0.0, own)


def _raise_ours(error: BaseException) -> None:
    """Raise again what asks us to end: a cancellation of our own task, the end of the process."""
    if isinstance(error, KeyboardInterrupt | SystemExit) or (isinstance(error, asyncio.CancelledError) and cancelled()):
        raise error
