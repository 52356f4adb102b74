"""smsbot as an ASGI application: alone, or inside another one at a prefix, with one life.

sms = smsbot.asgi("smsbot.toml")                  # and .env and the environment, as `smsbot run` reads them

uvicorn shop:sms                                  # alone

shop = FastAPI(lifespan=sms.lifespan)             # or inside another one; PUBLIC_URL=https://shop.example.com/sms
shop.mount("/sms", sms)
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smsbot.core.errors import UsageError
from smsbot.routing.bot import Bot

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_ASLEEP = "smsbot has not started: give the application around it FastAPI(lifespan=sms.lifespan), or await sms.start()"


class Embedded:
    """A bot server as an ASGI application; `smsbot.asgi` makes it. One process at a time may serve a database."""

    def __init__(
        self,
        source: str | Path | Bot | Mapping[str, Bot] = ".",
        bots: Mapping[str, Bot] | None = None,
        *,
        lines: Sequence[str] = (),
        **overrides: object,
    ) -> None:
        from smsbot.embedding import build  # the server is loaded where one is made, not with `import smsbot`

        self._build = partial(build, source, bots, lines, overrides)
        self._app: Any = self._build()
        self._awake = self._over = False

    async def start(self) -> None:
        """Begin: the first thing of the application around it. Raises `UsageError` where it has begun already."""
        if self._awake:
            raise UsageError("smsbot has started already: give its lifespan to one application, or start it by hand")
        if self._over:
            self._app, self._over = self._build(), False
        self._awake = True
        try:
            await self._app.start()
        except BaseException:
            self._awake, self._over = False, True
            raise

    async def stop(self) -> None:
        """End: what is stored stays, and what is under way is finished first."""
        self._awake, self._over = False, True
        await self._app.ending()
        await self._app.stop()

    @asynccontextmanager
    async def lifespan(self, _: object = None) -> AsyncIterator[None]:
        """The life of the application around it: ``FastAPI(lifespan=sms.lifespan)``."""
        async with self:
            yield

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or live as a server says; webhooks, the API and the pages are all below the prefix."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._awake or scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await _unavailable(send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan of ASGI, where nothing is around it."""
        await receive()
        try:
            await self.start()
        except BaseException as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def send(self, number: str, text: str, *, line: str = "", reference: str = "") -> str:
        """Send a text that answers nothing; its id. Raises `UsageError`."""
        from smsbot.embedding import send

        return await send(self._app, number, text, line, reference)

    async def emit(self, event: str, number: str, data: Mapping[str, Any] | None = None, *, key: str = "") -> str:
        """Tell a bot what happened: ``started``, ``queued``, ``skipped`` … Raises `UsageError`."""
        done: str = await self._app.events.emit(event, number, dict(data or {}), key=key, by="application")
        return done


async def _unavailable(send: Send) -> None:
    body = json.dumps({"title": _ASLEEP, "status": 503}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def asgi(
    source: str | Path | Bot | Mapping[str, Bot] = ".", *, lines: Sequence[str] = (), **overrides: object
) -> Embedded:
    """An ASGI application that serves bots: those of a settings file or its folder, or the bots that are given.

    Settings, ``.env`` and the environment are read as ``smsbot run`` reads them; `overrides` win. A bot that they do
    not know answers on `lines`. Alone, it starts and ends with its server; inside another application,
    ``FastAPI(lifespan=sms.lifespan)`` and ``shop.mount("/sms", sms)``. Raises `SettingsError`.
    """
    return Embedded(source, None, lines=lines, **overrides)
