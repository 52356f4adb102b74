"""The addresses of accounts' webhooks: their secret parts, and how their fields are spelled."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress

from smsbot.core import codec
from smsbot.core.clock import Clock
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.gateways.base import Gateway
from smsbot.gateways.split import PLAYED
from smsbot.stores.base import Store


class Hooks:
    """The addresses that providers call. Two secrets of an account may live at once, so that one can be replaced."""

    def __init__(self, store: Store, gateways: Mapping[str, Gateway], base: Callable[[str], str], clock: Clock) -> None:
        self._store = store
        self._gateways = gateways
        self._base = base
        self._clock = clock
        self._secrets: Mapping[str, tuple[str, ...]] = {}

    async def open(self) -> None:
        """Read the secrets and field maps; an account without a secret gets one."""
        known = await self._store.hook_secrets()
        for account in self._gateways:
            if account not in known:  # of processes that start together, one makes it
                made = ("hook_secret", (account, secrets.token_urlsafe(24), self._clock.now()))
                await self._store.once(digest("first secret", account), self._clock.now(), [made])
        await self.read()
        for account in self._gateways.keys() - self._secrets.keys():  # it had one once, which is gone
            await self.rotate(account)

    async def read(self) -> None:
        """Take up the secrets and field maps as they are now, whoever has written them."""
        self._secrets = await self._store.hook_secrets()
        for row in await self._store.rows("hook_maps"):
            if row["account"] in self._gateways:
                with suppress(UsageError):  # the account may have another gateway by now
                    self._gateways[row["account"]].remap(row["kind"], codec.loads(row["fields"]))

    async def _add(self, account: str) -> None:
        await self._store.add_hook_secret(account, secrets.token_urlsafe(24), self._clock.now())

    def live(self, account: str) -> tuple[str, ...]:
        """The secrets that open an account's webhooks, newest first."""
        return self._secrets.get(account, ())

    def url(self, account: str, kind: str) -> str:
        """The newest address of a webhook."""
        return f"{self._base(account)}/hooks/{account}/{self._secrets[account][0]}/{kind}"

    def addresses(self) -> dict[str, list[str]]:
        """All addresses, by account and kind, newest first."""
        return {
            f"{name} {kind}": [
                f"{self._base(name)}/hooks/{name}/{secret}/{kind}{gateway.claims.hook_suffix}"
                for secret in self.live(name)
            ]
            for name, gateway in self._gateways.items()
            if f"{name}{PLAYED}" in self._gateways or not name.endswith(PLAYED)
            for kind in gateway.hooks
        }

    async def rotate(self, account: str) -> None:
        """Give an account a new secret; the one before stays alive, older ones die."""
        self._known(account)
        await self._add(account)
        self._secrets = await self._store.hook_secrets()

    async def map(self, account: str, kind: str, fields: Mapping[str, str]) -> None:
        """Read an account's webhook by these field names from now on, also after a restart."""
        self._known(account).remap(kind, fields)
        await self._store.set_hook_map(account, kind, fields, self._clock.now())

    def _known(self, account: str) -> Gateway:
        if account not in self._gateways:
            raise UsageError(f'there is no account "{account}"; accounts: {", ".join(self._gateways)}')
        return self._gateways[account]
