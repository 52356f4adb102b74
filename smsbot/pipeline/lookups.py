"""Texts whose send got no usable answer: whether their provider has them, and what follows from that (C5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from smsbot.core.clock import Clock
from smsbot.core.lanes import BULK
from smsbot.core.message import Claim
from smsbot.core.status import Status
from smsbot.failpoints import reached
from smsbot.gateways.base import Lookup, Outbound, Search
from smsbot.log import Log
from smsbot.stores.base import Check, Checked, LookupOutcome, Outbox

from .attempts import LONGEST_WAIT, Account, backoff, insist, raise_ours

log = Log("smsbot.lookups")
_MOST = 50
"""Look-ups of an account at once."""
_GIVE_UP = 24 * 3600.0


class Sending(Protocol):
    """The sender, as look-ups need it."""

    @property
    def shake(self) -> Callable[[], float]:
        """By how much waits between two tries differ."""
        ...

    def start(self, claims: Iterable[Claim]) -> None:
        """Begin to send."""
        ...

    async def outbound(self, account: Account, claim: Claim) -> Outbound:
        """A text as its gateway is given it."""
        ...

    async def forbidden(self, claim: Claim) -> tuple[Status, str] | None:
        """Why a text must not leave after all."""
        ...


class Lookups:
    """Looks unknown texts up. `recheck` is the pause between two look-ups of one, in seconds."""

    def __init__(
        self, store: Outbox, accounts: Mapping[str, Account], clock: Clock, sender: Sending, recheck: float
    ) -> None:  # fmt: skip
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._sender = sender
        self._recheck = recheck
        self._checking: set[str] = set()
        self._under_way: Counter[str] = Counter()
        """Look-ups by account."""

    async def due(self, now: float) -> list[Check]:
        """Unknown texts that are to be looked up now; from now on they are being looked up."""
        full = frozenset(account for account, count in self._under_way.items() if count >= _MOST)
        found = await self._store.claim_checks(now, 200, full)
        fresh = [check for check in found if check.claim.outgoing.id not in self._checking]
        self._checking.update(check.claim.outgoing.id for check in fresh)
        return fresh

    async def look_up(self, check: Check) -> None:
        """Look it up, and settle what that says."""
        account = check.claim.outgoing.account
        self._under_way[account] += 1
        try:
            end = await self._find(check)
            reached("check.found")
            following = await insist(lambda: self._store.checked([end]))
            reached("check.kept")
            self._sender.start(following)
        finally:
            self._checking.discard(check.claim.outgoing.id)
            self._under_way[account] -= 1

    async def _find(self, check: Check) -> Checked:
        account = self._accounts.get(check.claim.outgoing.account)
        if account is None or not account.gateway.claims.can_look_up:
            return Checked(check, LookupOutcome.HOLD, self._clock.now(), detail="the gateway cannot look texts up")
        try:
            found = await account.gateway.look_up(await self._search(account, check))
        except BaseException as error:
            raise_ours(error)
            log.error("a gateway raised", account=account.name, exc_info=error)
            found = Lookup(None, detail=f"the gateway raised {type(error).__name__}")
        now = self._clock.now()
        if found.found:
            status = found.status or Status.ACCEPTED
            return Checked(check, LookupOutcome.FOUND, now, status=status, reference=found.reference)
        if found.found is None:
            if now - check.started > _GIVE_UP:
                return Checked(
                    check, LookupOutcome.HOLD, now, detail=f"could not be looked up for a day: {found.detail}"
                )
            wait = max(5 * self._recheck, min((now - check.started) / 8, LONGEST_WAIT))
            return Checked(check, LookupOutcome.LATER, now, again=now + wait)
        if check.absences == 0:
            return Checked(check, LookupOutcome.ABSENT, now, again=now + self._recheck)
        return await self._absent_twice(check, now, certain=account.gateway.claims.finds_by_id)

    async def _search(self, account: Account, check: Check) -> Search:
        text = check.claim.outgoing
        known = await self._store.references(text.key.number)
        return Search(await self._sender.outbound(account, check.claim), check.started, known)

    async def _absent_twice(self, check: Check, now: float, *, certain: bool) -> Checked:
        """Decide about an attempt that the provider does not have.

        It is `certain` where it was looked for by our own id and taken texts are found at once: then it was never
        taken, and to send it again, however often, cannot make two of it. Else once, and no bulk text.
        """
        text = check.claim.outgoing
        if check.resends and not certain:
            return Checked(check, LookupOutcome.HOLD, now, detail="unknown again after one resend")
        if text.lane == BULK and not certain:
            return Checked(check, LookupOutcome.HOLD, now, detail="a bulk text is never resent by itself")
        why = await self._sender.forbidden(check.claim)
        if why is None:
            pause = backoff(check.resends, None, self._sender.shake()) if check.resends else 0.0
            due = min(check.started + pause, text.expires) if check.resends else now
            if due > now:  # a provider that loses each try is asked less and less often
                return Checked(check, LookupOutcome.ABSENT, now, again=due)
            return Checked(check, LookupOutcome.RESEND, now)
        if certain:
            return Checked(
                check, LookupOutcome.FOUND, now, status=why[0], detail=f"{why[1]}; the provider never had it"
            )
        return Checked(check, LookupOutcome.HOLD, now, detail="too late, or opted out, to send it again")
