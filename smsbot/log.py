"""Logging that never raises into the path of a text: a line that cannot be written is counted, no more."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from typing import Any

import structlog

lost = 0
"""Lines that could not be written since the process began."""


sink: Callable[[float, str, dict[str, Any]], None] | None = None
"""Where ordinary traffic is told: when, what, and its values; nowhere unless a server is run for real."""
_finishers: list[Callable[[], None]] = []


class Log:
    """A logger of structlog, however it is configured, whose faults stay its own."""

    def __init__(self, name: str) -> None:
        self._log = structlog.get_logger(name)

    def debug(self, event: str, **values: Any) -> None:
        """Log a detail for developers of smsbot only."""
        self._write("debug", event, values)

    def info(self, event: str, **values: Any) -> None:
        """Ordinary traffic."""
        self._write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        """Log something that somebody should look at one day."""
        self._write("warning", event, values)

    def error(self, event: str, **values: Any) -> None:
        """Log something that is wrong now."""
        self._write("error", event, values)

    def traffic(self, event: str, **values: Any) -> None:
        """A text that came or went, told as cheaply as can be; only where somebody listens."""
        if sink is not None:
            try:
                sink(time.time(), event, values)
            except Exception:
                missed()

    def _write(self, level: str, event: str, values: dict[str, Any]) -> None:
        try:
            getattr(self._log, level)(event, **values)
        except Exception:  # a pipe whose reader left, a full disk, a value that has no words
            missed()


def at_end(finish: Callable[[], None]) -> None:
    """Call this when the process ends, also where it is ended with code of a bot that does not end."""
    _finishers.append(finish)


def finish() -> None:
    """Write what waits to be written."""
    while _finishers:
        _finishers.pop()()


def missed() -> None:
    """Count a line that is lost."""
    global lost
    lost += 1


atexit.register(finish)
