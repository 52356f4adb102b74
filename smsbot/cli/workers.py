"""The parent of `smsbot run --workers`: it holds the socket, and keeps so many processes that serve it alive.

SIGTERM ends them as it ends one. SIGHUP replaces them one after the other, each once its successor serves, so that new
code and settings are taken up while texts are answered.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from smsbot.core.errors import UsageError
from smsbot.log import Log
from smsbot.stores.database import Database

log = Log("smsbot.workers")
_PLACE = "_SMSBOT_WORKER"
"""Tells a worker its descriptors and its parent."""
_PR_SET_PDEATHSIG = 1
_FIRST, _LONGEST = 0.2, 10.0
"""Seconds until a worker is started again: at once at first, and later each time that it hardly lived."""
_LIVES = 10.0
_STARTS = 60.0
_ENDS = 32.0
"""Seconds in which a worker ends by itself."""


def refuse_file(place: Database, count: int) -> None:
    """Raise `UsageError` where one process has the database for itself."""
    if count > 1 and not place.on_server:
        raise UsageError(
            f"one process serves a file, and --workers {count} asks for more; with DATABASE_URL=postgresql://… many do "
            f"(`smsbot db copy {place} DATABASE_URL` moves what is there; docs/scaling.md says how)"
        )


class Post:
    """The place of a worker in its own process: the socket to listen on, and how it says that it serves."""

    def __init__(self, listener: int, ready: int) -> None:
        self.listener = socket.socket(fileno=listener)
        self._ready = ready

    @classmethod
    def of_environment(cls) -> Post | None:
        """That of this process; None where it is nobody's worker. It ends with its parent."""
        found = os.environ.pop(_PLACE, "")
        if not found:
            return None
        listener, ready, parent = map(int, found.split())
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(0)
        return cls(listener, ready)

    def serves(self) -> None:
        """Say that it takes texts."""
        os.write(self._ready, b"1")
        os.close(self._ready)


class Worker:
    """A process that serves, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, ready: asyncio.StreamReader) -> None:
        self.process = process
        self._ready = ready
        self.since = time.monotonic()

    @classmethod
    async def start(cls, command: Sequence[str], listener: socket.socket) -> Worker:
        """Start one."""
        ours, theirs = os.pipe()
        place = f"{listener.fileno()} {theirs} {os.getpid()}"
        process = await asyncio.create_subprocess_exec(
            *command, pass_fds=(listener.fileno(), theirs), stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, _PLACE: place},
        )  # fmt: skip
        os.close(theirs)
        ready = asyncio.StreamReader()
        pipe = os.fdopen(ours, "rb", 0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(ready), pipe)
        return cls(process, ready)

    async def serves(self) -> bool:
        """Whether it serves, once that is known."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STARTS):
                return bool(await self._ready.read(1))
        return False

    def end(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """How it ended; it is ended by force if it does not by itself."""
        try:
            async with asyncio.timeout(_ENDS):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


class Workers:
    """So many processes, each of which is replaced when it ends."""

    def __init__(
        self, listener: socket.socket, command: Sequence[str], count: int, ready: Callable[[], None]
    ) -> None:  # fmt: skip
        """`ready` is told once, when the first of them serves."""
        self._ready = ready
        self._listener = listener
        self._command = command
        self._count = count
        self._workers: list[Worker] = []
        self._ending = asyncio.Event()
        self._renew = asyncio.Event()
        self._pause = _FIRST

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit code, which is that of the first worker if it cannot even start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew.set)
        first = await self._started()  # it migrates, and says alone what is wrong
        self._workers.append(first)
        if not await self._unless_ending(first.serves()):
            first.end()
            code = await first.ended()
            return 0 if self._ending.is_set() else code or 1
        self._ready()
        self._workers += [await self._started() for _ in range(self._count - 1)]
        await self._watch()
        for worker in self._workers:
            worker.end()
        await asyncio.gather(*(worker.ended() for worker in self._workers))
        return 0

    async def _started(self) -> Worker:
        return await Worker.start(self._command, self._listener)

    async def _watch(self) -> None:
        while not self._ending.is_set():
            waits = [asyncio.ensure_future(worker.process.wait()) for worker in self._workers]
            waits += [asyncio.ensure_future(event.wait()) for event in (self._ending, self._renew)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._renew.is_set() and not self._ending.is_set():
                self._renew.clear()
                await self._replace_all()
            for n, worker in enumerate(self._workers):
                if worker.process.returncode is not None and not self._ending.is_set():
                    await self._restart(n, worker)

    async def _restart(self, n: int, dead: Worker) -> None:
        """Start another in the place of one that has ended, later each time that it hardly lived."""
        lived = time.monotonic() - dead.since
        self._pause = _FIRST if lived > _LIVES else min(self._pause * 2, _LONGEST)
        log.error("a worker has ended; it is started again", status=dead.process.returncode, lived=round(lived, 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                await self._ending.wait()
        if not self._ending.is_set():
            self._workers[n] = await self._started()

    async def _replace_all(self) -> None:
        """One after the other; the old ones stay if a new one cannot serve."""
        for n, old in enumerate(self._workers):
            if self._ending.is_set():
                return
            new = await self._started()
            if not await self._unless_ending(new.serves()):
                new.end()
                await new.ended()
                log.error("a new worker does not serve; the old ones go on")
                return
            self._workers[n] = new
            old.end()
            await old.ended()
        log.info("all workers were replaced", count=self._count)

    async def _unless_ending(self, serves: Coroutine[Any, Any, bool]) -> bool:
        """Whether a worker serves, unless the end comes first."""
        told, ending = asyncio.ensure_future(serves), asyncio.ensure_future(self._ending.wait())
        await asyncio.wait((told, ending), return_when=asyncio.FIRST_COMPLETED)
        answer = told.done() and not self._ending.is_set() and told.result()
        told.cancel()
        ending.cancel()
        return answer
