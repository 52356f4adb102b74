"""The supervisor of `smsbot dev`: it holds the socket, and lets a new process take over when files change.

A worker loads bots and flows before it may serve. Only once it has loaded them does the old one stop, so a
broken edit never interrupts: its error goes to the worker that serves, which shows it. A spare worker with
everything imported waits, so that taking over is quick. Workers die with their supervisor, however it ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from watchfiles import Change, awatch

from smsbot.core.errors import FlowsWrong
from smsbot.flows.flow_set import is_story

from .output import mention
from .waiting import Waiting

_SUFFIXES = {".py", ".yaml", ".yml", ".toml", ".env"}
_LONGEST = 1 << 24
"""Bytes of a worker's longest message."""
_STOPPING = 20.0
"""Seconds that the old worker gets to finish what is under way."""


class Worker:
    """A process that can load the bots and serve them."""

    def __init__(
        self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def spawn(cls, listener: socket.socket, options: dict[str, Any]) -> Worker:
        """Start one; it imports everything and waits."""
        ours, theirs = socket.socketpair()
        fds = (listener.fileno(), theirs.fileno())
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "smsbot.cli.worker", json.dumps([*fds, os.getpid(), options]),
            pass_fds=fds, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        return cls(process, *await asyncio.open_connection(sock=ours, limit=_LONGEST))

    async def tell(self, **message: object) -> None:
        """Say something to it."""
        with suppress(ConnectionError):
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        """The next thing it says; ``{"is": "gone"}`` if it has ended."""
        with suppress(ConnectionError):
            line = await self._reader.readline()
            if line:
                found: dict[str, Any] = json.loads(line)
                return found
        return {"is": "gone"}

    async def stop(self, patience: float = _STOPPING) -> int:
        """Let it finish; its exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()
        finally:
            self._writer.close()


class Supervisor:
    """Watches files and lets workers take over from one another."""

    def __init__(self, listener: socket.socket, options: dict[str, Any]) -> None:
        self._listener = listener
        self._options = options
        self._serving: Worker | None = None
        self._spare: Worker | None = None
        self._ending = asyncio.Event()
        self._watch = Watch()
        self._wrong = ""
        """What is wrong with the flows that were loaded last."""

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        try:
            if not await self._take_over(first=True):
                if self._ending.is_set() or not self._wrong:
                    return 0 if self._ending.is_set() else 3
                await self._wait_for_repair()
            return await self._follow()
        finally:
            await self._watch.close()
            if self._spare is not None:
                await self._spare.stop(2.0)

    async def _wait_for_repair(self) -> None:
        """The files have an error from the beginning: a page tells it until they are mended."""
        mention(click.style("waiting for a repair", fg="yellow", bold=True) + "; then the bots start")
        while not self._ending.is_set() and self._serving is None:
            async with Waiting(self._listener) as page:
                page.text = self._wrong
                await _first([self._ending.wait(), self._watch.changed.wait()])
            self._watch.changed.clear()
            if not self._ending.is_set():
                await self._take_over(first=True)

    async def _follow(self) -> int:
        """Take up changes until the end, or until the worker ends by itself."""
        while not self._ending.is_set():
            waits: list[Coroutine[Any, Any, Any]] = [self._ending.wait(), self._watch.changed.wait()]
            if self._serving is not None:
                waits.append(self._serving.process.wait())
            await _first(waits)
            if self._serving is not None and self._serving.process.returncode is not None:
                return self._serving.process.returncode
            if self._watch.changed.is_set() and not self._ending.is_set():
                self._watch.changed.clear()
                await self._reload()
        return await self._serving.stop() if self._serving is not None else 0

    async def _reload(self) -> None:
        began = time.monotonic()
        if await self._take_over(first=False):
            took = (time.monotonic() - began) * 1000
            mention(click.style(f"reloaded in {took:.0f} ms", fg="green") + "; conversations go on")

    async def _take_over(self, first: bool) -> bool:
        """Let a new worker load the files and serve; False if it cannot: its error is told."""
        worker = self._spare or await self._spawn()
        self._spare = None
        loaded = await self._load(worker)
        if loaded:
            old, self._serving = self._serving, None
            if old is not None:
                await old.stop()
            await worker.tell(do="serve", first=first)
            said = await self._hear(worker)
            if said["is"] == "serving":
                self._serving = worker
            else:
                await self._complain(said.get("text", "the server could not start"))
                loaded = False
        if not loaded:
            await worker.stop(1.0)
        if self._serving is not None and not self._ending.is_set():
            self._spare = await self._spawn()
        return loaded

    async def _load(self, worker: Worker) -> bool:
        self._watch.remember()
        await worker.tell(do="load")
        said = await self._hear(worker)
        if "folders" in said:
            await self._watch.over(said["folders"], more=said["is"] == "wrong")
        if said["is"] == "loaded":
            return not self._ending.is_set()
        self._wrong = said.get("text", "") if FlowsWrong.code in said.get("text", "") else ""
        if not self._ending.is_set():
            await self._complain(said.get("text", "the new version ended while it was loaded"))
        return False

    async def _hear(self, worker: Worker) -> dict[str, Any]:
        """The next thing a worker says, unless the end comes first."""
        hearing = asyncio.create_task(worker.hear())
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait((hearing, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if hearing.done():
            return hearing.result()
        hearing.cancel()
        return {"is": "gone"}

    async def _spawn(self) -> Worker:
        return await Worker.spawn(self._listener, self._options)

    async def _complain(self, text: str) -> None:
        if self._serving is None:
            mention(text)
            return
        mention(click.style("not reloaded; the last good version answers\n", fg="red", bold=True) + text)
        await self._serving.tell(do="banner", text=text)


class Watch:
    """Watches folders, also while a reload is under way; `changed` is set when a file that matters has changed."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._folders: frozenset[tuple[str, int]] = frozenset()
        """Each with its inode: a folder that was made anew is watched anew."""
        self._known: dict[str, tuple[int, int]] = {}
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def remember(self) -> None:
        """Note how the files are before they are loaded, so that no edit falls between two watches."""
        self._known = _signature(path for path, _ in self._folders)

    async def over(self, folders: Iterable[str], *, more: bool) -> None:
        """Watch these folders; with `more`, those before as well."""
        before = [path for path, _ in self._folders] if more else []
        wanted = frozenset(_existing([*folders, *before]))
        if wanted == self._folders:
            return
        await self.close()
        self._folders, self._stop = wanted, asyncio.Event()
        self._task = asyncio.create_task(self._run())
        await asyncio.sleep(0.05)
        now = _signature(path for path, _ in self._folders)
        if any(now.get(path, was) != was for path, was in self._known.items()):
            self.changed.set()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                async for _ in awatch(
                    *sorted(path for path, _ in self._folders), recursive=False, watch_filter=_matters,
                    debounce=150, step=20, stop_event=self._stop, raise_interrupt=False,
                ):  # fmt: skip
                    self.changed.set()
            except (OSError, RuntimeError):  # a folder has gone; the next load says which are left
                self.changed.set()
                await asyncio.sleep(1.0)

    async def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None


async def _first(waits: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Wait for the first of them; the others are dropped."""
    tasks = [asyncio.create_task(w) for w in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _existing(folders: Iterable[str]) -> list[tuple[str, int]]:
    return [(f, Path(f).stat().st_ino) for f in sorted(set(folders)) if Path(f).is_dir()]


def _signature(folders: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The files that matter, and when each was written last."""
    found: dict[str, tuple[int, int]] = {}
    for folder in folders:
        with suppress(OSError):
            for entry in os.scandir(folder):
                if entry.is_file() and _matters(Change.modified, entry.path):
                    found[entry.path] = (entry.stat().st_mtime_ns, entry.stat().st_size)
    return found


def _matters(change: Change, path: str) -> bool:
    found = Path(path)
    if found.name.startswith((".#", "~")) or is_story(found):
        return False
    if found.suffix in _SUFFIXES or found.name == ".env":
        return True
    if found.name.startswith((".", "__")) or found.suffix == ".run":
        return False
    return _may_hold_bots(found) if found.is_dir() else change is Change.deleted and not found.suffix


def _may_hold_bots(folder: Path) -> bool:
    """Whether a folder holds files that matter, or nothing yet; one that a program keeps its data in does neither."""
    with suppress(OSError):
        inside = list(folder.iterdir())
        return not inside or any(_matters(Change.added, str(path)) for path in inside)
    return False


def supervise(listener: socket.socket, options: dict[str, Any]) -> int:
    """Run workers until SIGINT or SIGTERM; the exit code."""
    os.set_inheritable(listener.fileno(), True)
    return asyncio.run(_supervise(listener, options))


async def _supervise(listener: socket.socket, options: dict[str, Any]) -> int:
    return await Supervisor(listener, options).run()


def folders_of(paths: Sequence[Path]) -> list[str]:
    """The folders to watch for files and folders: their own and all below."""
    found: set[str] = set()
    for path in paths:
        top = path if path.is_dir() else path.parent
        found.add(str(top.resolve()))
        if path.is_dir():
            below = (p for p in path.rglob("*") if p.is_dir() and not p.name.startswith((".", "__")))
            found |= {str(p.resolve()) for p in below}
    return sorted(found)
