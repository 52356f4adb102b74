"""Logs on stderr: readable on a terminal, JSON elsewhere. Configured only here, never on import."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import orjson
import structlog

from smsbot import log
from smsbot.turns.failure import describe_error

_Line = str | tuple[float, str, dict[str, Any]]
"""A line as it is written, or what will be one."""
_MOST_LINES = 10_000
"""Lines that wait for a stream that nobody reads."""
_PAUSE = 0.1
"""Seconds in which traffic gathers: each time that this thread wakes, those that answer people stand still."""
_LAST_WORDS = 2.0
"""Seconds that the lines which still wait get at the end."""


class Stream(io.TextIOBase):
    """A stream that never fails and never waits: lines that it cannot take are counted, no more.

    What reads our log may have left, its disk may be full, or it may just have stopped to read, and none of these
    may hold up a text; nor may a terminal that nobody looks at, or that is held (Ctrl+S).
    """

    def __init__(self, inner: TextIO | None) -> None:
        self._inner = inner
        self._lines: deque[_Line] | None = None
        self._more, self._now = threading.Event(), threading.Event()
        self._writing = threading.Lock()
        if inner is not None:
            self._lines = deque()
            threading.Thread(target=self._pour, args=(self._lines,), name="smsbot-log", daemon=True).start()
            log.at_end(self.finish)

    def write(self, text: str) -> int:
        """Take a line."""
        if self._lines is None:
            self._put([text])
        else:
            self._take(self._lines, text)
            self._now.set()
        return len(text)

    def traffic(self, at: float, event: str, values: dict[str, Any]) -> None:
        """Take what will be a line of JSON once it is written."""
        if self._lines is None:
            self._put([_json(at, event, values)])
        else:
            self._take(self._lines, (at, event, values))

    def _take(self, lines: deque[_Line], line: _Line) -> None:
        if len(lines) >= _MOST_LINES:
            log.missed()
            return
        lines.append(line)
        if not self._more.is_set():
            self._more.set()

    def finish(self) -> None:
        """Write what was taken, unless nobody reads it."""
        if self._lines is not None and self._writing.acquire(timeout=_LAST_WORDS):
            try:
                self._drain(self._lines)
            finally:
                self._writing.release()

    def _pour(self, lines: deque[_Line]) -> None:
        while True:
            self._more.wait()
            self._now.wait(_PAUSE)
            self._more.clear()
            self._now.clear()
            with self._writing:
                self._drain(lines)

    def _drain(self, lines: deque[_Line]) -> None:
        taken = [lines.popleft() for _ in range(len(lines))]
        if taken:
            self._put([line if isinstance(line, str) else _json(*line) for line in taken])

    def _put(self, taken: list[str]) -> None:
        if self._inner is None:  # it was closed before the process began
            return
        try:
            self._inner.write("".join(taken))
            self._inner.flush()
        except (OSError, ValueError):  # ValueError: it is closed
            for _ in taken:
                log.missed()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def configure(
    *, json: bool | None = None, level: int = logging.INFO, candid: bool = False, traffic: bool = False
) -> None:
    """Send structlog's and the standard library's records to stderr in one form.

    `candid`: on a terminal, exceptions are shown with their words, as in the sandbox, where nobody is a stranger.
    `traffic`: each text that comes or goes is told, with masked numbers and without its words.
    """
    stream = Stream(sys.stderr)
    as_json = not _is_terminal(sys.stderr) if json is None else json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    colours = _is_terminal(sys.stderr) and not os.environ.get("NO_COLOR")
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    )
    trace = [] if candid and not as_json else [structlog.processors.ExceptionRenderer(_places)]
    structlog.configure(
        processors=[*shared, *trace, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, stream)),
        cache_logger_on_first_use=True,
    )
    logging.raiseExceptions = False  # it would write to the stream that could not be written to
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *trace, renderer],
            foreign_pre_chain=[*shared, _without_repr],
        )
    )
    if traffic:
        log.sink = stream.traffic if as_json else _say_traffic
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _json(at: float, event: str, values: dict[str, Any]) -> str:
    line = {"event": event, "level": "info", "timestamp": datetime.fromtimestamp(at, UTC), **values}
    return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode() + "\n"


def _say_traffic(at: float, event: str, values: dict[str, Any]) -> None:
    structlog.get_logger("smsbot").info(event, **values)


def _without_repr(_: Any, __: str, event: Any) -> Any:
    """asyncio tells an exception that nobody awaited with its words, in the lines behind its first."""
    if event["_record"].name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _places(exc_info: Any) -> str:
    """Where an exception was raised and what it is. A foreign one's words may quote a text, so they stay out."""
    error: BaseException | None = exc_info[1]
    found: list[str] = []
    while error is not None:
        found.append("".join(traceback.format_tb(error.__traceback__)) + describe_error(error, candid=False))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nafter:\n".join(found)
