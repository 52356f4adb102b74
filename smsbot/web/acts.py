"""What people do at the desk: which role may, and the line in the audit that is written before they see the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from smsbot.core.clock import Clock
from smsbot.stores.base import Tables

from .auth import user_of

Endpoint = Callable[[Request], Awaitable[Response]]
_DONE = 400
"""Answers below it tell that something was done."""


class Forbidden(Exception):
    """Somebody asked for what their role may not."""


class Audit:
    """Who did what, about whom or what."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def note(self, who: str, did: str, about: str = "", page: str = "") -> None:
        """Keep one line. `about` is masked before; `page` is where it shows."""
        await self._tables.write([("audit", (self._clock.now(), who, did, about, page))])


class Look(Route):
    """A page that one role may see, and those above it; without a role, everybody."""

    def __init__(self, path: str, endpoint: Endpoint, *, role: str = "support") -> None:
        super().__init__(path, endpoint, methods=["GET"])
        self.role = role

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise `Forbidden`."""
        if self.role and not user_of(scope).may(self.role):
            raise Forbidden
        await super().handle(scope, receive, send)


class Act(Look):
    """A button: what it does is kept in the audit under the words `did`."""

    def __init__(self, path: str, endpoint: Endpoint, did: str, *, role: str = "support", method: str = "POST") -> None:
        Route.__init__(self, path, endpoint, methods=[method])
        self.role = role
        self.did = did

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, once the audit has it."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < _DONE:
                told = scope.get("about", ("", ""))
                await scope["app"].state.audit.note(user_of(scope).name, self.did, *told)
            await send(message)

        await super().handle(scope, receive, noting)


def about(request: Request, what: str, page: str = "") -> None:
    """Say whom or what an act is about, for the audit: masked, and the page where it shows."""
    request.scope["about"] = (what, page)
