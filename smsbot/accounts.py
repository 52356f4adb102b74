"""Which gateway each account has: its provider's, the sandbox's, or both."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from smsbot.core.errors import SettingsError
from smsbot.core.phone import mask
from smsbot.gateways.base import Credentials, FieldNames, Gateway
from smsbot.gateways.messageflow import MessageFlow
from smsbot.gateways.messageflow_wire import FIELDS
from smsbot.gateways.split import PLAYED, Split
from smsbot.settings import AccountSettings, Settings
from smsbot.transport import Answer, Transport

_SHORTEST = 8
"""The length of a secret; less could be any word."""
SANDBOX = "sandbox"
"""The account of a server whose settings name none."""


@dataclass(frozen=True, slots=True)
class Real:
    """The real part of a sandboxed server: these numbers get real texts, providers call this address."""

    public_url: str
    only: frozenset[str]


def build_gateway(name: str, account: AccountSettings, transport: Transport) -> Gateway:
    """The gateway of an account, with its secrets and field maps; raises `SettingsError`."""
    kind = account.provider()
    told = Credentials({s: account.secret(s) for s in (*kind.secrets, *kind.more_secrets)}, account.options)
    try:
        gateway = kind.make(told, Discreet(transport, told.secrets.values()))
    except SettingsError as error:
        raise SettingsError([f"accounts.{name}.{problem}" for problem in error.problems]) from None
    for hook, fields in account.fields.items():
        gateway.remap(hook, fields)
    return gateway


class Discreet:
    """A transport from whose refusals our own keys are cut out: what a provider says of a text is logged and shown."""

    def __init__(self, transport: Transport, secrets: Iterable[str]) -> None:
        self._transport = transport
        self._secrets = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST]

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        """The answer without our keys; raises `NotSent` or `NoAnswer`."""
        answer = await self._transport.request(method, url, headers=headers, body=body, timeout=timeout)
        for secret in self._secrets if answer.status >= 400 else ():  # lists hold ids that lead to their next page
            if secret in answer.body:
                answer = answer._replace(body=answer.body.replace(secret, b"..."))
        return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()


class Accounts:
    """The gateways of a server, by the names under which their webhooks come.

    `base` is where the server is reached; with `sandboxed`, every account is played by its sandbox there. With
    `real` as well, each account has both, and the sandbox plays one of the same name with `PLAYED` behind it.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        base: str,
        *,
        sandboxed: bool,
        real: Real | None,
        report_url: Callable[[str], str],
    ) -> None:
        self._settings = settings
        self._base = base
        self._sandboxed = sandboxed
        self.real = real
        self.credentials = {
            self.played(name): (secrets.token_hex(64), secrets.token_hex(16))
            for name in (settings.accounts or (SANDBOX,))
        }
        """The keys by which the sandbox knows each account that it plays."""
        self.gateways = self._build(transport, report_url)

    def _build(self, transport: Transport, report_url: Callable[[str], str]) -> dict[str, Gateway]:
        real: dict[str, Gateway] = {}
        if not self._sandboxed or self.real is not None:
            real |= {name: build_gateway(name, a, transport) for name, a in self._settings.accounts.items()}
        if not self._sandboxed:
            return real
        url = f"{self._base}/sandbox/v2.1"
        found: dict[str, Gateway] = {
            name: MessageFlow(*keys, transport, base_url=url) for name, keys in self.credentials.items()
        }
        for name, gateway in real.items():
            assert self.real is not None
            played = self.played(name)
            found[name] = Split(gateway, found[played], self.real.only, partial(report_url, played))
        return found

    def played(self, account: str) -> str:
        """The account that the sandbox plays for one of the settings."""
        return account if self.real is None else f"{account}{PLAYED}"

    def base(self, account: str) -> str:
        """The public address under which an account's webhooks come."""
        if self.real is None or account.endswith(PLAYED):
            return self._base
        return self.real.public_url.rstrip("/")

    def fields(self, account: str) -> FieldNames:
        """The webhooks of an account whose fields may be mapped."""
        if self._sandboxed and (self.real is None or account.endswith(PLAYED)):
            return FIELDS
        return self._settings.accounts.get(account, AccountSettings()).provider().fields

    def unreal(self, number: str) -> str:
        """Why a text to a number would only be played; empty if it would be real."""
        if not self._sandboxed:
            return ""
        if self.real is None:
            return "this server is a sandbox; start it with `smsbot dev --live --only NUMBER`"
        if number not in self.real.only:
            return f"{mask(number)} is not among --only, so the text would only be played"
        return ""
