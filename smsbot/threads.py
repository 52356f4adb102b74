"""Threads: each bot's handlers have their own, addresses are looked up on others, and none keeps the process alive.

Nothing of the server's own waits behind the code of a bot: a pool that is used up stops that bot's blocking
handlers and nobody else.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from smsbot.log import Log

log = Log("smsbot.threads")
T = TypeVar("T")
MOST = 40
"""Blocking handlers of one bot at once; the others wait in line."""
_TELL_EVERY = 60.0
"""Seconds between two warnings that a pool is used up."""
_LOOKUPS = 16
"""Addresses that are looked up at once."""


class Threads:
    """The threads of one bot's blocking handlers."""

    def __init__(self, name: str = "bot", most: int = MOST) -> None:
        self._name = name
        self._most = most
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=f"smsbot-{name}")
        self._running = 0
        self._told = 0.0

    async def run(self, call: Callable[..., T], *given: Any) -> T:
        """Call something on one of the threads, once one is free."""
        self._running += 1
        if self._running > self._most:
            self._warn()
        try:
            loop, context = asyncio.get_running_loop(), copy_context()
            return await loop.run_in_executor(self._pool, lambda: context.run(call, *given))
        finally:
            self._running -= 1

    def _warn(self) -> None:
        now = time.monotonic()
        if self._told and now - self._told < _TELL_EVERY:
            return
        self._told = now
        what = "all threads of this bot's blocking handlers are busy; others of it wait, other bots do not"
        log.warning(what, bot=self._name, threads=self._most, waiting=self._running - self._most)

    def close(self) -> None:
        """Take nothing new; what has not begun is forgotten (its text is not: its turn goes on later)."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Addresses:
    """Looks addresses up on threads of its own; one that hangs holds one of them, whoever asks for it."""

    def __init__(self, look_up: Callable[..., Any]) -> None:
        self._look_up = look_up
        self._pool = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="smsbot-dns")
        self._asked: dict[Any, asyncio.Future[Any]] = {}

    async def __call__(self, host: Any, port: Any, **how: Any) -> Any:
        """Resolve as `socket.getaddrinfo` does."""
        question = (host, port, *sorted(how.items()))
        answer = self._asked.get(question)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = loop.run_in_executor(self._pool, lambda: self._look_up(host, port, **how))
            self._asked[question] = answer
            answer.add_done_callback(lambda done: self._answered(question, done))
        return await asyncio.shield(answer)

    def _answered(self, question: Any, answer: asyncio.Future[Any]) -> None:
        del self._asked[question]
        if not answer.cancelled():
            answer.exception()  # nobody may be waiting any more


def in_background(call: Callable[[], T], name: str) -> Coroutine[Any, Any, T]:
    """Run a call on a thread of its own, which keeps nobody from ending, and await its answer."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, failed = None, None
        try:
            result = call()
        except BaseException as error:
            failed = error
        loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=work, name=name, daemon=True).start()

    async def wait() -> T:
        return await answer

    return wait()


def lasting() -> list[threading.Thread]:
    """The threads that would keep the process alive."""
    main = threading.main_thread()
    return [t for t in threading.enumerate() if t is not main and t.is_alive() and not t.daemon and not _waits(t)]


def still_running() -> list[str]:
    """The same, each with the place where it is: ``NAME at FILE:LINE``."""
    return [place_of(t) for t in lasting()]


def left_behind(before: Iterable[threading.Thread], patience: float = 0.5) -> list[threading.Thread]:
    """Those that have begun since, and do not end within some seconds."""
    known, end = set(before), time.monotonic() + patience
    while (left := [t for t in lasting() if t not in known]) and time.monotonic() < end:
        time.sleep(0.01)
    return left


def end_without_them(status: Callable[[], int]) -> None:
    """When the interpreter would wait for threads for ever, run what is to run at its end, and end the process."""

    def leave() -> None:
        if lasting():
            atexit._run_exitfuncs()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status())

    threading._register_atexit(leave)  # type: ignore[attr-defined]  # called before the others are waited for


def place_of(thread: threading.Thread) -> str:
    """The place of a thread now: its name, and the innermost place outside the standard library."""
    frame = _frame(thread)
    innermost = frame
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    frame = frame or innermost
    at = f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""
    return thread.name + at


def _waits(thread: threading.Thread) -> bool:
    """Whether it is a thread of a pool that has nothing to do: of the standard library, or of AnyIO (for files)."""
    frame = _frame(thread)
    while frame is not None and frame.f_code.co_filename.endswith(("/queue.py", "/threading.py")):
        frame = frame.f_back
    at = frame.f_code.co_filename if frame is not None else ""
    return at.endswith(("concurrent/futures/thread.py", "anyio/_backends/_asyncio.py"))


def _frame(thread: threading.Thread) -> Any:
    return sys._current_frames().get(thread.ident or 0)


def _is_library(name: str) -> bool:
    return name.startswith(("<frozen", _LIBRARY)) and "site-packages" not in name


_LIBRARY = threading.__file__.rpartition("/")[0]
