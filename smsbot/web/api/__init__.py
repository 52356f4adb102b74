"""The API for programs, ``/api/v1``: FastAPI, imported with the first request, so that a server starts without it."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from smsbot.threads import in_background

from .rooms import Rooms


class LateApi:
    """The mounted application; made when somebody asks first."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._app: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await (self._app or await self._made())(scope, receive, send)

    async def _made(self) -> ASGIApp:
        async with self._making:
            if self._app is None:
                self._app = await in_background(self._make, "smsbot-api")
            return self._app

    def _make(self) -> ASGIApp:
        from .application import application  # half a second of imports

        return application(self._rooms)
