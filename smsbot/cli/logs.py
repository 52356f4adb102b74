"""Logs on stderr: readable on a terminal, JSON elsewhere. Configured only here, never on import."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

import structlog

from smsbot.pipeline.failure import told


def configure(*, json: bool | None = None, level: int = logging.INFO, candid: bool = False) -> None:
    """Send structlog's and the standard library's records to stderr in one form.

    `candid`: on a terminal, exceptions are shown with their words, as in the sandbox, where nobody is a stranger.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    )
    trace = [] if candid and not as_json else [structlog.processors.ExceptionRenderer(_places)]
    structlog.configure(
        processors=[*shared, *trace, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *trace, renderer],
            foreign_pre_chain=[*shared, _without_repr],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


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
        found.append("".join(traceback.format_tb(error.__traceback__)) + told(error, candid=False))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nafter:\n".join(found)
