"""The one seam to uvicorn: a listening socket, an ASGI app, and an end that is clean."""

from __future__ import annotations

import asyncio
import errno
import faulthandler
import gc
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, Protocol

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from smsbot.core.errors import PortTaken
from smsbot.log import Log, finish
from smsbot.threads import Addresses, place_of, still_running

log = Log("smsbot.serve")

HEAD_PATIENCE = 10.0
"""Seconds in which the head of a request must have come."""
BODY_PATIENCE = 12.0
"""Seconds in which its body must have come; webhooks and the API say so themselves, a little earlier."""
_TELL_EVERY = 1.0
"""Seconds between two lines about connections that could not be taken."""
_NONE_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS)


_LAST = 28.0
"""Seconds after SIGTERM when the process ends, whatever still runs."""
_STUCK = 12.0
"""Seconds of the processor's time without any Python code after which the process ends."""
_STARTING = 2.0
"""Seconds after SIGTERM in which a start may still come to its end."""
_LOOK = 0.1
_GRACE = 1.0
"""Seconds that tasks and threads get once everything of ours has ended."""


def listen(host: str, port: int, *, tries: int = 1, patience: float = 0.0) -> socket.socket:
    """A listening socket on `port`, or on one of the next `tries - 1`; raises `PortTaken`.

    The first is waited for, at most `patience` seconds: a server that was just killed may hold it for a moment still.
    """
    end = time.monotonic() + patience
    while True:
        for candidate in range(port, port + tries):
            try:
                return _bound(host, candidate)
            except OSError as error:
                if time.monotonic() < end:
                    break
                if candidate == port + tries - 1 or port == 0:
                    raise PortTaken(f"{host}:{port} cannot be used: {error.strerror}") from error
        time.sleep(0.05)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named, for asyncio sets TCP_NODELAY only on what says that it is TCP; without it answers wait 40 ms for an ACK
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class Serving(Protocol):
    """An ASGI app with a life of its own."""

    async def start(self) -> None:
        """Open everything; raises what is wrong."""
        ...

    async def ending(self) -> None:
        """The end has begun, and requests are still taken: end what needs that, or would never end by itself."""
        ...

    async def stop(self) -> None:
        """Finish what is under way, close."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        ...


def serve(app: Serving, listener: socket.socket, *, drain: int = 5, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `drain` is how long open requests get, in seconds; `ready` is told once."""
    config = uvicorn.Config(
        _excused(app),
        http=_protocol(),
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=drain,
        timeout_keep_alive=30,
    )
    # uvicorn raises the signal again once it has served; a clean end on SIGTERM is exit code 0.
    # One that comes before it serves must count as well.
    server = _Server(config, app.ending)
    os.register_at_fork(after_in_child=partial(_let_go, listener.fileno()))
    threading.Thread(target=_watch_interpreter, name="smsbot-watchdog", daemon=True).start()
    signal.signal(signal.SIGTERM, server.handle_exit)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, server, listener, ready))


_ENDING = b'{"error":"the server is ending"}'
_AGAIN = (
    {"type": "http.response.start", "status": 503, "headers": [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ENDING)), (b"retry-after", b"1"),
    ]},
    {"type": "http.response.body", "body": _ENDING},
)  # fmt: skip


def _excused(app: ASGIApp) -> ASGIApp:
    """An app whose requests may be cut off by the end of the server: they are to be asked again, with a 503.

    uvicorn cancels them after the drain and would answer 500, which programs take for a fault of what they asked.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # the answer had begun, and goes no further
                for message in _AGAIN:
                    await send(message)
                return
            raise

    return answer


async def _serve(
    app: Serving, server: uvicorn.Server, listener: socket.socket, ready: Callable[[], None] | None
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_spare)
    watching = asyncio.create_task(_watch_descriptors())
    loop.getaddrinfo = Addresses(socket.getaddrinfo)  # type: ignore[method-assign]
    if not await _started(app, server):
        watching.cancel()
        return
    try:
        if server.should_exit:
            return
        if ready is not None:
            ready()
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        await app.stop()
        await _leave()


async def _started(app: Serving, server: uvicorn.Server) -> bool:
    """Whether the app has started; a start that waits, as that of a spare does, is ended by a signal."""
    starting = asyncio.ensure_future(app.start())
    patience = _STARTING
    while not starting.done():
        await asyncio.wait({starting}, timeout=_LOOK)
        patience -= _LOOK if server.should_exit else 0
        if patience < 0:
            starting.cancel()
    if starting.cancelled():
        return False
    starting.result()
    return True


def _spare(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass on what the loop has to say, but not of descriptors: asyncio says it for each connection that waits."""
    error = context.get("exception")
    if not (isinstance(error, OSError) and error.errno in _NONE_LEFT):
        loop.default_exception_handler(context)


async def _watch_descriptors() -> None:
    """Tell, once a second, that no connection can be taken; uvloop would only close it."""
    while True:
        await asyncio.sleep(_TELL_EVERY)
        try:
            os.close(os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            log.error("no connection can be taken: descriptors have run out (see ulimit -n)", why=error.strerror)


async def _leave() -> None:
    """End the process here if the code of a bot would not let it end; nothing of ours is open any more."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_GRACE)
    left = [*_outlasting(_GRACE), *(task.get_name() for task in tasks if not task.done())]
    if left:
        log.warning("the server has ended, but code of a bot has not; the process ends without it", left=left)
        _exit(0)


def _outlasting(patience: float) -> list[str]:
    """The threads that still run after some seconds."""
    end = time.monotonic() + patience
    while (left := still_running()) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def _let_go(fd: int) -> None:
    """A child of a bot's code serves nobody. By its number: uvloop keeps a socket open that is closed by name."""
    with suppress(OSError):
        os.close(fd)


def _watch_interpreter() -> None:
    """End the process if no Python code runs for long, as while a regular expression runs away in C.

    Nobody is answered then, and no signal that Python handles can end it. A timer of the processor's time can: it is
    set anew all the time, and what it finds running stands in stderr. A process that is stopped uses none.
    """
    with suppress(Exception):  # without stderr there is nothing to tell
        faulthandler.register(signal.SIGPROF, chain=True)
    while True:
        signal.setitimer(signal.ITIMER_PROF, _STUCK)
        time.sleep(_STUCK / 5)


def _give_up() -> None:
    left = [place_of(threading.main_thread()), *still_running()]
    log.error("the server could not end in time; the process ends, and what was under way goes on at the next start",
              left=left)  # fmt: skip
    _exit(1)


def _exit(code: int) -> None:
    """End at once, but say what was to be said."""
    finish()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)


_OFFER = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


def _without_offer(data: bytes) -> bytes:
    """A request without its offer of HTTP/2, as programs in Java make it: httptools would drop its body behind one."""
    head, end, body = data.partition(b"\r\n\r\n")
    return _OFFER.sub(b"", head + b"\r\n")[:-2] + end + body


def _protocol() -> type[asyncio.Protocol]:
    """uvicorn's fastest protocol, which closes connections whose request never comes, or never whole."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    inner: Any = AutoHTTPProtocol

    class Impatient(inner):  # type: ignore[misc]
        """A request must be whole in time; uvicorn itself waits for ever, a byte at a time."""

        _timer: asyncio.TimerHandle | None = None
        _waits_for: Any = None
        """The request whose body the timer waits for, or None for the head of the next."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait(None)

        def data_received(self, data: bytes) -> None:
            begins = self.cycle is None or self.cycle.response_complete
            super().data_received(_without_offer(data) if begins and b"h2c" in data else data)
            if self.cycle is None or self.cycle.response_complete:
                self._wait(None)
            elif self.cycle.more_body:
                self._wait(self.cycle)
            else:
                self._rest()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def _wait(self, what: Any) -> None:
            if self._timer is None or self._waits_for is not what:
                self._rest()
                self._waits_for = what
                self._timer = self.loop.call_later(HEAD_PATIENCE if what is None else BODY_PATIENCE, self._cut)

        def _rest(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _cut(self) -> None:
            self._timer = None
            if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
                self.transport.close()

    return Impatient


class _Server(uvicorn.Server):
    """Tunes the collector once everything is loaded (measured: steadier latencies under load)."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._tell_ending = ending
        self._watched = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The end begins; from now on it is watched from outside, for code of a bot may hold up everything."""
        super().handle_exit(sig, frame)
        if not self._watched:
            self._watched = True
            watchdog = threading.Timer(_LAST, _give_up)
            watchdog.daemon = True
            watchdog.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await self._tell_ending()
        finally:
            await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
