"""The one seam to uvicorn: a listening socket, an ASGI app, and an end that is clean."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

import uvicorn

from smsbot.core.errors import PortTaken

HEAD_PATIENCE = 10.0
"""Seconds in which the head of a request must have come."""


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
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
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

    def ending(self) -> None:
        """The end has begun: end what would never end by itself."""
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
        app,
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
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, server, listener, ready))


async def _serve(
    app: Serving, server: uvicorn.Server, listener: socket.socket, ready: Callable[[], None] | None
) -> None:
    await app.start()
    try:
        if server.should_exit:
            return
        if ready is not None:
            ready()
        await server.serve(sockets=[listener])
    finally:
        await app.stop()


def _protocol() -> type[asyncio.Protocol]:
    """uvicorn's fastest protocol, which closes connections whose request never comes."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    inner: Any = AutoHTTPProtocol

    class Impatient(inner):  # type: ignore[misc]
        """The head of a request must be whole in time; uvicorn itself waits for ever, a byte at a time."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is None or self.cycle.response_complete:
                self._wait()
            elif self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(HEAD_PATIENCE, self._cut)

        def _cut(self) -> None:
            self._timer = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

    return Impatient


class _Server(uvicorn.Server):
    """Tunes the collector once everything is loaded (measured: steadier latencies under load)."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._tell_ending()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
