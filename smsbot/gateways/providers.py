"""The providers that an account may name: ours, and those that other packages add as ``smsbot.gateways``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest

from .base import Provider

GROUP = "smsbot.gateways"
OURS = ("messageflow", "twilio", "http")
"""Those that come with smsbot."""


@cache
def provider(name: str) -> Provider:
    """The provider of this name; raises `UsageError` with the nearest one."""
    if name in OURS:
        found: Provider = import_module(f"smsbot.gateways.{name}").PROVIDER
        return found
    added = _added()
    if name not in added:
        known = (*OURS, *added)
        near = nearest(name, known)
        hint = f'; did you mean "{near}"?' if near else ""
        raise UsageError(f'there is no gateway "{name}"; there are {", ".join(known)}{hint}')
    try:
        theirs = added[name].load()
    except Exception as error:
        raise UsageError(f'the gateway "{name}" of {added[name].value} cannot be loaded: {error}') from error
    if not isinstance(theirs, Provider):
        raise UsageError(f'the gateway "{name}" of {added[name].value} is no smsbot.gateways.base.Provider')
    return theirs


def _added() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
