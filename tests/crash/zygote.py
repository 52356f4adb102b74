"""A process that has imported everything and forks servers: real processes, started in milliseconds.

Lines of JSON on stdin: ``{"env": {…}, "folder": …, "log": …, "plant": …, "traced": …}``; on stdout: ``{"pid": n}``
for each, and ``{"died": n, "status": n}`` when one ends. What is to be traced begins when somebody has attached to it.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from smsbot import failpoints
from smsbot.cli import main as cli
from smsbot.cli import serve as _serve  # noqa: F401 - what a server needs is imported before it is forked

from . import bot, planted  # noqa: F401

_PR_SET_PDEATHSIG = 1
_PR_SET_PTRACER = 0x59616D61


def tell(**message: object) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def reap(*_: object) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        tell(died=pid, status=status)


def serve(asked: dict[str, Any], parent: int) -> None:
    """The child: becomes `smsbot run` with the environment that it is given."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    if asked.get("traced"):
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
        while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
            time.sleep(0.005)
        time.sleep(0.005)
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(asked["folder"])
    os.environ.update(asked["env"])
    random.seed()
    failpoints.arm(asked["env"].get("SMSBOT_FAILPOINT", ""))
    if asked.get("plant"):
        {**planted.PLANTS, **planted.OUTSIDE}[asked["plant"]]()
    sys.argv = ["smsbot", "run"]
    try:
        cli.main()
    except SystemExit as end:
        os._exit(int(end.code or 0))
    finally:
        os._exit(70)


def main() -> None:
    signal.signal(signal.SIGCHLD, reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    me = os.getpid()
    for line in sys.stdin:
        asked = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            serve(asked, me)
        tell(pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    main()
