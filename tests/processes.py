"""smsbot as a real process: started, killed, started again."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent
SMSBOT = [sys.executable, "-m", "smsbot"]


_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
_DRAWN = itertools.count(os.getpid())  # two runs at once begin at different places


def free_port() -> int:
    """A port that nobody else draws: each worker has its own, below those that the kernel gives to connections."""
    while True:
        port = 10_000 + 2_500 * _WORKER + next(_DRAWN) % 2_500
        with suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SMSBOT_") and k not in ("PORT", "PUBLIC_URL")}
    kept.pop("DATABASE_URL", None)
    return kept | more


class Process:
    """One `smsbot` process that serves on a port."""

    def __init__(
        self,
        *arguments: str,
        port: int,
        folder: Path = ROOT,
        log: Path,
        before: Sequence[str] = (),
        **environment: str,
    ) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._arguments = [*before, *SMSBOT, *arguments]
        self._folder = folder
        self._environment = clean_environment(PORT=str(port), **environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _alive(self) -> None:
        if self.process.poll() is not None:
            raise AssertionError(f"smsbot ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")

    def ready(self, patience: float = 60.0) -> Process:
        """Wait until it answers."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self._alive()
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"smsbot is not ready after {patience} s:\n{self.log.read_text()[-3000:]}")

    async def ready_soon(self, patience: float = 60.0) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self._alive()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
        raise AssertionError("smsbot does not listen")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, patience: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)


@contextmanager
def running(*arguments: str, folder: Path = ROOT, log: Path, **environment: str) -> Iterator[Process]:
    made = Process(*arguments, port=free_port(), folder=folder, log=log, **environment)
    made.start()
    try:
        yield made.ready()
    finally:
        if made.process.poll() is None:
            made.kill()


def smsbot(*arguments: str, folder: Path = ROOT, text: str | None = None, **environment: str) -> Any:
    """Run a command to its end."""
    return subprocess.run(
        [*SMSBOT, *arguments], cwd=folder, env=clean_environment(**environment), input=text, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
