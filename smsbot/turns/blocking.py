"""Names code that holds up everybody: whatever runs on the event loop for longer than a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smsbot.log import Log

log = Log("smsbot.blocking")
LONGEST = 1.0
"""Seconds."""


@contextmanager
def watched(name: str, at: Callable[[], str]) -> Iterator[None]:
    """Warn if what runs inside takes too long; `at` tells its ``file:line`` then."""
    began = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - began
        if took > LONGEST:
            log.warning(
                "a handler held up all conversations; use await chat.step(…) with an async function, or blocking=True",
                handler=name, at=at(), seconds=round(took, 1),
            )  # fmt: skip
