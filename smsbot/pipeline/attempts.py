"""An attempt to send: by which account, when again, and that what became of it is written whatever the disk says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from smsbot.core.errors import StoreError, StoreRefused
from smsbot.gateways.base import Gateway
from smsbot.log import Log

from .tasks import cancelled

log = Log("smsbot.sender")
LONGEST_WAIT = 300.0
"""Seconds between two tries, at most, where the provider asks for no more."""


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials at a gateway, and where its reports come back to."""

    name: str
    gateway: Gateway
    report_url: Callable[[], str]


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


def shaken() -> float:
    """By how much a wait is longer or shorter, so that not all tries come at once."""
    return random.uniform(0.8, 1.2)  # noqa: S311


def backoff(attempt: int, asked: float | None, shake: float) -> float:
    """Seconds until the next try: 1, 2, 4 … 300, shaken by a fifth; longer if the provider asked for it."""
    return max(asked or 0.0, min(2.0 ** min(attempt - 1, 12), LONGEST_WAIT) * shake)


def raise_ours(error: BaseException) -> None:
    """Raise again what asks us to end: a cancellation of our own task, the end of the process."""
    if isinstance(error, KeyboardInterrupt | SystemExit) or (isinstance(error, asyncio.CancelledError) and cancelled()):
        raise error
