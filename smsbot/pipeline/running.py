"""Whose code is running, noted where it outlives the process: a text whose code ends one is known by the next.

The note is memory shared with a file, which the system keeps however a process ends (mmap(2)), and costs a text no call
of the system. Noted is what runs on the loop in the task of a turn, from one of its awaits to the next: so short that
a kill from outside hardly meets one text twice. What runs in a thread, or in a task of its own, may take long, and a
kill would be taken for its deed; that is not noted, and while a thread runs nobody is blamed.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from smsbot.core.message import Event

T = TypeVar("T")
_SIZE = 16
"""Bytes of an event's id."""
_NOBODY = bytes(_SIZE)
_MOST = 100
"""Processes that may share a folder."""


class Running:
    """The note of the event whose code runs; behind it, whether any of the bot's runs in threads."""

    def __init__(self) -> None:
        self._note: mmap.mmap | bytearray = bytearray(_SIZE + 1)
        self._fd = -1
        """The file, which is locked as long as it is open."""
        self._threads = 0
        self._ended = _NOBODY
        """The event whose code ran when the process before ended."""

    def open(self, folder: Path) -> int:
        """Read what the process before has left, and note in its file from now on; raises `OSError`.

        Of several processes that share a folder each has a file of its own; the answer is how many others were first.
        """
        for others in range(_MOST):
            fd = os.open(folder / f"running{others or ''}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                continue
            self._fd = fd
            self._take_up(fd)
            return others
        raise BlockingIOError(errno.EAGAIN, "too many processes share this folder")

    def close(self) -> None:
        """Let go of the file; nothing is noted any more."""
        if isinstance(self._note, mmap.mmap):
            self._note.close()  # it has the file open as well
            self._note = bytearray(_SIZE + 1)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take_up(self, fd: int) -> None:
        left = os.pread(fd, _SIZE + 1, 0).ljust(_SIZE + 1, b"\0")
        self._ended = _NOBODY if left[_SIZE] else left[:_SIZE]
        # a page that the disk has no room for would end us; what has ended one stays there until it is answered for
        os.pwrite(fd, self._ended + b"\0", 0)
        self._note = mmap.mmap(fd, _SIZE + 1)

    @property
    def blames(self) -> bool:
        """Whether some event is suspected."""
        return self._ended != _NOBODY

    def suspects(self, event: Event) -> bool:
        """Whether the code of an event ran when the process before ended."""
        return self.blames and self._ended in (event.id, event.seen)

    def answered(self) -> None:
        """The event has been answered for."""
        self._ended = _NOBODY
        self._note[:_SIZE] = _NOBODY

    def call(self, event: Event, function: Callable[[], T]) -> T:
        """Call something on the loop."""
        known = event.id if event.seq or not event.seen else event.seen  # by what it is known when it comes again
        self._note[:_SIZE] = known
        try:
            return function()
        finally:
            self._note[:_SIZE] = _NOBODY

    @contextmanager
    def in_thread(self) -> Iterator[None]:
        """Something of the bot's runs in a thread."""
        self._threads += 1
        self._note[_SIZE] = 1
        try:
            yield
        finally:
            self._threads -= 1
            self._note[_SIZE] = int(self._threads > 0)

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
