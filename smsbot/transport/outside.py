"""HTTP to addresses that users named: never into this server's own network, unless the settings allow a host by name.

A name is looked up by the connection itself, and each address that it has is looked at then: a name that leads
elsewhere the second time (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from smsbot.core.errors import TransportError

from .base import Transport
from .through_aiohttp import AiohttpTransport

_LONGEST = 2000


class Outside:
    """What may be told: http and https, to hosts of the outside and those in `allowed`."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)

    def wrong_with(self, url: str) -> str:
        """Why an address may not be told, as far as that is seen without looking it up; empty if it may."""
        if len(url) > _LONGEST or any(c.isspace() or not c.isprintable() for c in url):
            return "an address is at most 2000 characters without spaces"
        try:
            found = urlsplit(url)
            host, _ = found.hostname, found.port
        except ValueError:
            return "this is not an address; write https://shop.example.com/sms"
        if found.scheme not in ("http", "https") or not host:
            return "an address begins with https://, as in https://shop.example.com/sms"
        if found.username or found.password:
            return "an address holds no password; the signature proves who tells"
        if host.lower() in self._allowed:
            return ""
        return self._wrong_address(_as_connected(url) or host)

    def _wrong_address(self, host: str) -> str:
        address = _address(host)
        name = host.lower().rstrip(".")
        if "%" in host and ":" not in host:
            return f"{host} is no host"
        if name == "localhost" or name.endswith(".localhost") or (address and not outside(address)):
            return f'{host} is inside this server\'s own network; allow it by name: [api] allow = ["{host}"]'
        return ""

    def allows(self, host: str) -> bool:
        """Whether a host is allowed whatever its addresses are."""
        return host.lower() in self._allowed


def outside(address: str) -> bool:
    """Whether an IP address is one of the open internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return (
        found.is_global and not found.is_multicast and (inner is None or (inner.is_global and not inner.is_multicast))
    )


def _as_connected(url: str) -> str:
    """The host that a connection goes to: full-width digits and other spellings of an address are that address."""
    from yarl import URL  # of aiohttp, which connects

    try:
        return URL(url).raw_host or ""
    except ValueError:
        return ""


def _address(host: str) -> str:
    """The IP address that a host is written as, in any of the ways that connections understand; empty for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 0x7f.1, 2130706433
    except OSError:
        return ""


class Teller:
    """Tells such addresses; the resolver of its connections refuses what is inside. Redirects are never followed."""

    def __init__(self, rule: Outside, inner: Transport | None = None) -> None:
        self._rule = rule
        self.wrong_with = rule.wrong_with
        self._inner = inner or AiohttpTransport(resolver=lambda: _Resolver(rule), reads=False)

    async def tell(self, url: str, headers: Mapping[str, str], body: bytes, patience: float) -> tuple[bool, str]:
        """Whether it was taken (a 2xx), and the answer in a few words."""
        if wrong := self._rule.wrong_with(url):
            return False, wrong
        try:
            answer = await self._inner.request("POST", url, headers=headers, body=body, timeout=patience)
        except TransportError as error:
            return False, str(error.args[0])[:200]
        except Exception as error:  # an address that no connection understands
            return False, type(error).__name__
        return 200 <= answer.status < 300, f"HTTP {answer.status}"

    async def close(self) -> None:
        """Close all connections."""
        await self._inner.close()


class _Resolver:
    """Looks names up, and leaves out the addresses of the inside."""

    def __init__(self, rule: Outside) -> None:
        from aiohttp import ThreadedResolver  # slow to import, and most servers tell nobody

        self._rule = rule
        self._inner = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        """The addresses that may be told."""
        found: list[Any] = await self._inner.resolve(host, port, family)
        if self._rule.allows(host):
            return found
        right = [each for each in found if outside(each["host"])]
        if not right:
            raise OSError(errno.EACCES, f"{host} leads into this server's own network")
        return right

    async def close(self) -> None:
        """Nothing is kept."""
        await self._inner.close()
