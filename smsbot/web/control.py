"""The socket beside the database, in a folder of ours alone, by which the command line asks the running server.

One JSON object a line each way: ``{"do": "send", …}`` → ``{"ok": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import stat
import struct
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from smsbot.core.errors import SmsbotError, UsageError
from smsbot.log import Log

log = Log("smsbot.control")
Command = Callable[..., Awaitable[Any]]
_LONGEST = 1_048_576
_LONGEST_PATH = 100
"""Bytes of the path of a socket, at most (108 with its end, unix(7))."""


def socket_path(folder: Path) -> Path:
    """Where the socket of a server is: in its folder, of mode 0700.

    Where that path is too long for a socket, it lies in such a folder among the temporary ones.
    """
    beside = folder / "control"
    if len(os.fsencode(beside)) < _LONGEST_PATH:
        return beside
    name = hashlib.blake2b(os.fsencode(beside), digest_size=10).hexdigest()
    return Path(tempfile.gettempdir()) / f"smsbot-{os.getuid()}" / f"{name}.control"


def own_folder(folder: Path) -> None:
    """Make a folder that only we may enter, or see that it is one; raises `UsageError`."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise UsageError(f"{folder} cannot be made ({error.strerror}); name another folder with SMSBOT_RUN") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise UsageError(f"{folder} is not a folder of ours; somebody else has made it, so remove it")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def peer_of(connection: socket.socket) -> int:
    """The user at the other end of a socket (SO_PEERCRED, unix(7))."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", told)[1])


class Control:
    """Serves commands on the socket."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; what a killed process left behind is replaced (the database's lock says that it is dead)."""
        own_folder(self._path.parent)
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
        if peer_of(writer.get_extra_info("socket")) not in (os.geteuid(), 0):
            log.warning("another user knocked at the control socket")
            writer.close()
            return
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
