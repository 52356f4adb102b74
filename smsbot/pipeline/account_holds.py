"""An account whose provider refuses every text is held: its texts wait, and one is tried now and then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from smsbot.core.message import Outgoing
from smsbot.gateways.base import Outcome, SendResult, blames_account
from smsbot.log import Log
from smsbot.stores.base import Outbox

log = Log("smsbot.accounts")
_FIRST, _LONGEST = 15.0, 600.0
"""Seconds until a text of a held account is tried: at first, and at most."""
_ENOUGH = 3
"""People whose texts were refused in words that name the account, with none taken in between."""
_PATIENCE = 4
"""Refusals of one text in such words; then it may be about that text after all."""
_NEARLY = 1.0
"""Money that is nearly none, in the provider's own unit."""
SCOPE = "account"


@dataclass(slots=True)
class _Held:
    wait: float = _FIRST
    again: float = 0.0


class AccountHolds:
    """Which accounts are held, by what their provider says of texts; a hold is a pause that ends by itself."""

    def __init__(self, store: Outbox) -> None:
        self._store = store
        self._held: dict[str, _Held] = {}
        self._beginning: set[str] = set()
        """Those whose hold is being written."""
        self._balances: dict[str, float] = {}
        """The money that is left, as far as providers say."""
        self._blamed: dict[str, dict[str, int]] = {}
        """Refusals that name the account, by account and text, since a text was taken."""

    def judged(self, text: Outgoing, result: SendResult) -> SendResult:
        """The result, seen beside the others of its account: several refusals that name the account are about it."""
        if result.outcome is not Outcome.REFUSED or result.about or not blames_account(result.detail):
            return result
        blamed = self._blamed.setdefault(text.account, {})
        blamed[text.id] = blamed.get(text.id, 0) + 1
        if len(blamed) >= _ENOUGH:
            return replace(result, about="account")
        return result if blamed[text.id] >= _PATIENCE else replace(result, outcome=Outcome.THROTTLED)

    async def begin(self, account: str, why: str, now: float, *, tried: bool = False, words: str = "") -> None:
        """Hold an account; wait longer for one that is held, if a text that was `tried` for it was refused.

        `why` is a code: words may quote the text. Texts that were under way when it was held say nothing new.
        """
        held = self._held.get(account)
        if account in self._beginning:
            return
        if held is None or not self._store.account_held(account):
            self._held[account] = _Held(again=now + _FIRST)
            self._beginning.add(account)
            log.error("an account is held: its provider refuses every text; they wait", account=account, why=why)
            try:
                await self._store.pause(SCOPE, account, now, words or f"its provider refuses every text ({why})")
            finally:
                self._beginning.discard(account)
        elif tried:
            held.wait = min(held.wait * 2, _LONGEST)
            held.again = now + held.wait

    async def left(self, account: str, balance: float, now: float) -> None:
        """The money that is left with a provider: once it is nearly gone, the account is held, and the desk told.

        It ends like every hold: a text is tried a little later, and if it is taken, the others leave until one is not.
        """
        before = self._balances.get(account)
        self._balances[account] = balance
        if before is not None and balance < _NEARLY <= before:
            await self.begin(account, "balance", now, words=f"its balance at the provider is {balance:g}")

    def taken(self, account: str) -> bool:
        """A text was taken; whether that ends a hold."""
        if self._blamed:
            self._blamed.pop(account, None)
        return self._store.account_held(account)

    async def end(self, account: str, now: float) -> None:
        """The account works again."""
        self._held.pop(account, None)
        await self._store.resume(SCOPE, account, now)
        log.warning("an account works again; its texts leave", account=account)

    def to_try(self, now: float, accounts: Iterable[str]) -> list[str]:
        """Held accounts of which a text is to be tried now."""
        due = [account for account, held in self._kept(now, accounts) if held.again <= now]
        for account in due:
            self._held[account].again = now + self._held[account].wait
        return due

    def next_try(self, now: float, accounts: Iterable[str]) -> float | None:
        """When the next text of a held account is tried."""
        return min((held.again for _, held in self._kept(now, accounts)), default=None)

    def _kept(self, now: float, accounts: Iterable[str]) -> list[tuple[str, _Held]]:
        """The accounts that are held, since this process began or before."""
        if not self._store.pausing:
            return []
        held = [account for account in accounts if self._store.account_held(account)]
        return [(account, self._held.setdefault(account, _Held(again=now + _FIRST))) for account in held]
