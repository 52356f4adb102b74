"""Whose code is running, noted where it outlives the process: a text whose code ends one is known by the next.

The note is memory shared with a file, which the system keeps however a process ends (mmap(2)), and costs a text no call
of the system. Noted is what runs in the task or the thread of a turn, from one of its awaits to the next; what runs in
tasks of its own is not.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from smsbot.core.message import Event

T = TypeVar("T")
_SIZE = 16
"""Bytes of an event's id."""
_THREADS = 255
"""Handlers in threads that are noted at once; more run without a note."""
_NOBODY = bytes(_SIZE)


class Running:
    """The page: the first place is the loop's, the others are those of threads."""

    def __init__(self) -> None:
        self._page: mmap.mmap | bytearray = bytearray(_SIZE * (1 + _THREADS))
        self._free = list(range(_SIZE, len(self._page), _SIZE))
        self._ended: set[bytes] = set()
        """The events whose code ran when the process before ended."""

    def open(self, path: Path) -> None:
        """Read what the process before has left, and note in the file from now on; raises `OSError`."""
        size = len(self._page)
        fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            left = os.pread(fd, size, 0)
            os.pwrite(fd, bytes(size), 0)  # a page that the disk has no room for would end us
            self._page = mmap.mmap(fd, size)
        finally:
            os.close(fd)
        self._ended = {left[at : at + _SIZE] for at in range(0, len(left), _SIZE)} - {_NOBODY}

    def suspects(self, event: Event) -> bool:
        """Whether the code of an event ran when the process before ended."""
        return bool(self._ended) and (event.id in self._ended or event.seen in self._ended)

    def acquit(self, event: Event) -> None:
        """It has been answered for."""
        self._ended -= {event.id, event.seen}

    def call(self, event: Event, function: Callable[[], T]) -> T:
        """Call something on the loop."""
        self._page[:_SIZE] = _name(event)
        try:
            return function()
        finally:
            self._page[:_SIZE] = _NOBODY

    def call_apart(self, event: Event, function: Callable[[], T]) -> T:
        """Call something in a thread."""
        if not self._free:
            return function()
        at = self._free.pop()
        self._page[at : at + _SIZE] = _name(event)
        try:
            return function()
        finally:
            self._page[at : at + _SIZE] = _NOBODY
            self._free.append(at)

    def run(self, event: Event, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a coroutine to its end."""
        return _Noted(self, event, work)


class _Noted(Generic[T]):
    """A coroutine each of whose steps is noted."""

    def __init__(self, running: Running, event: Event, work: Coroutine[Any, Any, T]) -> None:
        self._running = running
        self._event = event
        self._work = work

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                waits_for = self._running.call(self._event, step)
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                step = partial(self._work.send, (yield waits_for))
            except BaseException as error:
                step = partial(self._work.throw, error)


def _name(event: Event) -> bytes:
    """What the event is known by when it comes again: from the database by its id, from its provider as it was seen."""
    return event.id if event.seq or not event.seen else event.seen
