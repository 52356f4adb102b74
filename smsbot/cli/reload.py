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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from watchfiles import Change, awatch

from smsbot.flows.library import is_story

_SUFFIXES = {".py", ".yaml", ".yml", ".toml", ".env"}
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
            sys.executable, "-m", "smsbot.cli.worker", json.dumps([*fds, options]),
            pass_fds=fds, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        return cls(process, *await asyncio.open_connection(sock=ours))

    async def tell(self, **message: object) -> None:
        """Say something to it."""
        with suppress(ConnectionError):
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()

    async def hear(self) -> dict[str, Any]:
        """What it says next; ``{"is": "gone"}`` if it has ended."""
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
        self._folders: set[str] = set()
        self._ending = asyncio.Event()

    async def run(self) -> int:
        """Serve until SIGINT or SIGTERM; the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        self._spare = await Worker.spawn(self._listener, self._options)
        try:
            code = await self._begin()
            return await self._watch() if code is None else code
        finally:
            for worker in filter(None, (self._serving, self._spare)):
                await worker.stop()

    async def _begin(self) -> int | None:
        """The first worker; the exit code if it cannot serve."""
        worker = await self._load()
        if worker is None or self._ending.is_set():
            return 0 if self._ending.is_set() else 3
        return None if await self._serve(worker, first=True) else 3

    async def _watch(self) -> int:
        """Take up changes until the end."""
        ending = asyncio.create_task(self._ending.wait())
        while True:
            changed = asyncio.create_task(self._changed())
            assert self._serving is not None
            gone = asyncio.create_task(self._serving.process.wait())
            await asyncio.wait((ending, changed, gone), return_when=asyncio.FIRST_COMPLETED)
            for task in (changed, gone):
                if not task.done():
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
            if self._ending.is_set():
                return await self._finish()
            if gone.done() and not gone.cancelled() and not changed.done():
                return gone.result()
            if changed.done() and not changed.cancelled():
                await self._reload()
            if self._serving is None and not await self._mended(ending):
                return 0

    async def _finish(self) -> int:
        worker, self._serving = self._serving, None
        return await worker.stop() if worker is not None else 0

    async def _mended(self, ending: asyncio.Task[Any]) -> bool:
        """Wait for an edit after which a worker can start; False if the end comes first."""
        while self._serving is None:
            changed = asyncio.create_task(self._changed())
            await asyncio.wait((ending, changed), return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            if self._ending.is_set():
                return False
            await self._reload()
        return True

    async def _changed(self) -> None:
        """Wait for a change of a file that matters."""
        async for _ in awatch(
            *_existing(self._folders), recursive=False, watch_filter=_matters,
            debounce=150, step=20, stop_event=self._ending, raise_interrupt=False,
        ):  # fmt: skip
            return

    async def _load(self) -> Worker | None:
        """Let the spare worker load the bots; None if it cannot: its error is told."""
        worker, self._spare = self._spare, None
        assert worker is not None
        await worker.tell(do="load")
        while True:
            said = await worker.hear()
            match said["is"]:
                case "loaded":
                    self._folders = set(said["folders"])
                    return worker
                case "wrong":
                    self._folders |= set(said["folders"])
                    await self._complain(said["text"])
                    break
                case "gone":
                    await self._complain("the new version ended while it was loaded")
                    break
        await worker.stop(2.0)
        return None

    async def _complain(self, text: str) -> None:
        if self._serving is None:
            click.echo(text, err=True)
            return
        click.echo(click.style("not reloaded; the last good version answers\n", fg="red", bold=True) + text, err=True)
        await self._serving.tell(do="banner", text=text)

    async def _serve(self, worker: Worker, first: bool) -> bool:
        await worker.tell(do="serve", first=first)
        said = await worker.hear()
        if said["is"] == "serving":
            self._serving = worker
            self._spare = await Worker.spawn(self._listener, self._options)
            return True
        click.echo(str(said.get("text", "the server could not start")), err=True)
        await worker.stop(2.0)
        return False

    async def _reload(self) -> None:
        if self._spare is None:
            self._spare = await Worker.spawn(self._listener, self._options)
        began = time.monotonic()
        worker = await self._load()
        if worker is None:
            self._spare = await Worker.spawn(self._listener, self._options)
            return
        old, self._serving = self._serving, None
        if old is not None:
            await old.stop()
        if await self._serve(worker, first=False):
            took = (time.monotonic() - began) * 1000
            click.echo(click.style(f"reloaded in {took:.0f} ms", fg="green") + "; conversations go on", err=True)


def _existing(folders: Iterable[str]) -> list[str]:
    return sorted(f for f in folders if Path(f).is_dir())


def _matters(_: Change, path: str) -> bool:
    found = Path(path)
    if found.name.startswith((".#", "~")) or is_story(found):
        return False
    return found.suffix in _SUFFIXES or found.name == ".env"


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
