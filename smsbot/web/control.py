"""The 0600 socket beside the database, by which the command line writes through the running server.

One JSON object a line each way: ``{"do": "send", …}`` → ``{"ok": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from smsbot.core.errors import SmsbotError
from smsbot.log import Log

log = Log("smsbot.control")
Command = Callable[..., Awaitable[Any]]
_LONGEST = 1_048_576


def socket_path(database: Path) -> Path:
    """Where the socket of a database is; a long path is replaced by a hash in the temporary folder."""
    beside = Path(f"{database.resolve()}.sock")
    if len(os.fsencode(beside)) < 100:
        return beside
    name = hashlib.blake2b(os.fsencode(beside), digest_size=10).hexdigest()
    return Path(tempfile.gettempdir()) / f"smsbot-{os.getuid()}-{name}.sock"


class Control:
    """Serves commands on the socket."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; what a killed process left behind is replaced (the database's lock says that it is dead)."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        old = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=_LONGEST)
        finally:
            os.umask(old)

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            with suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(orjson.dumps(await self._answer(line)) + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = orjson.loads(line)
            command = self._commands[asked.pop("do")]
        except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
            return {"error": "no such command"}
        try:
            return {"ok": await command(**asked)}
        except SmsbotError as error:
            return {"error": error.args[0], "code": error.code}
        except Exception as error:
            log.error("a command failed", exc_info=error)
            return {"error": f"{type(error).__name__}; the server's log says more"}
