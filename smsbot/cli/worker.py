"""A worker of `smsbot dev`: imports, waits, loads the bots, waits, serves. See `smsbot.cli.reload`."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from smsbot.core.errors import FlowsWrong, SmsbotError

_PR_SET_PDEATHSIG = 1


class _Line:
    """The line to the supervisor."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._stream = self._socket.makefile("rwb")

    def tell(self, **message: object) -> None:
        self._stream.write(json.dumps(message).encode() + b"\n")
        self._stream.flush()

    def hear(self) -> dict[str, Any]:
        """The next thing the supervisor says; the process ends with it."""
        line = self._stream.readline()
        if not line:
            os._exit(0)
        found: dict[str, Any] = json.loads(line)
        return found


def main() -> None:
    """The process."""
    listener_fd, line_fd, parent, options = json.loads(sys.argv[1])
    _die_with(parent)
    from smsbot.cli import logs  # only now: what takes long is imported by a process that dies with its parent
    from smsbot.cli.serve import prepare

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor says when to end
    logs.configure(json=False, candid=not options["live"])
    line = _Line(line_fd)
    line.hear()
    try:
        dev = prepare(options)
        dev.build()
    except (SmsbotError, SystemExit) as error:
        code = (
            f"error[{error.code}]: {error.args[0]}" if isinstance(error, SmsbotError) else "the bot's file ended Python"
        )
        wrong = error.problems if isinstance(error, FlowsWrong) else ()
        beside = {str(Path(problem.place.path).resolve().parent) for problem in wrong}
        line.tell(**{"is": "wrong", "text": code, "folders": sorted({*_folders(None), *beside})})
        line.hear()
        return
    line.tell(**{"is": "loaded", "folders": _folders(dev)})
    first = bool(line.hear().get("first"))
    _serve(dev, socket.socket(fileno=listener_fd), line, first)


def _serve(dev: Any, listener: socket.socket, line: _Line, first: bool) -> None:
    def ready() -> None:
        if first:
            dev.greet()
        threading.Thread(target=_listen, args=(dev, line), daemon=True).start()
        line.tell(**{"is": "serving"})

    try:
        dev.serve(listener, ready)
    except SmsbotError as error:
        line.tell(**{"is": "wrong", "text": f"error[{error.code}]: {error.args[0]}", "folders": []})


def _listen(dev: Any, line: _Line) -> None:
    """Show what the supervisor says while we serve; end when it is gone."""
    while True:
        message = line.hear()
        if message.get("do") == "banner":
            dev.warn(str(message["text"]))


def _die_with(parent: int) -> None:
    """Be killed when the supervisor is (Linux); elsewhere the end of the line tells us."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def _folders(dev: Any) -> list[str]:
    """The folders whose files matter: this one, those of the bot's modules and of its flows."""
    from smsbot.cli.reload import folders_of

    here = Path.cwd().resolve()
    found = {here}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file is None:
            continue
        path = Path(file).resolve()
        if here in path.parents and not {"site-packages", "smsbot"} & set(path.relative_to(here).parts[:-1]):
            found.add(path.parent)
    flows = dev.flow_paths() if dev is not None else []
    return sorted({*map(str, found), *folders_of(flows)})


if __name__ == "__main__":
    main()
