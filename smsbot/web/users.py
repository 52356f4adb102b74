"""Signing in and out, the users of the desk, and the audit of what they did."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from smsbot.core.clock import Clock
from smsbot.core.errors import StoreRefused, UsageError
from smsbot.desk.users import LINK_LIFE, ROLES, SHORTEST, User, Users, checked_role, invitation, new_link, removal
from smsbot.desk.words import N_
from smsbot.log import Log
from smsbot.stores.base import Tables

from .acts import Act, Look, about
from .auth import SIGN_IN, SIGN_OUT, client_of, headers_of, inside, user_of
from .cookies import cookie, cookie_of
from .guesses import Guesses
from .spoken import _, _said, _why
from .templates import Missing, Templates

log = Log("smsbot.users")
_PAGE = 200
_LAST = 1 << 62


class UserPages:
    """The door, who may pass it, and what they did behind it."""

    def __init__(
        self, tables: Tables, *, users: Users, guesses: Guesses, templates: Templates, clock: Clock, base: str
    ) -> None:  # fmt: skip
        self._tables = tables
        self._users = users
        self._guesses = guesses
        self._templates = templates
        self._clock = clock
        self._base = base
        self._one = asyncio.Lock()
        """One password is looked at at a time: each costs 64 MiB, and the next must know of the guess before."""

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Route(SIGN_IN, self.door, methods=["GET"]),
            Act(SIGN_IN, self.sign_in, N_("signed in"), role=""),
            Route(f"{SIGN_IN}/{{key}}", self.invited, methods=["GET"]),
            Act(f"{SIGN_IN}/{{key}}", self.choose, N_("chose a password"), role=""),
            Act(SIGN_OUT, self.sign_out, N_("signed out")),
            Look("/users", self.users, role="admin"),
            Act("/users", self.add, N_("made a user"), role="admin"),
            Act("/users/{name}/link", self.link, N_("made a new link for a user"), role="admin"),
            Act("/users/{name}/role", self.change_role, N_("changed the role of a user"), role="admin"),
            Act("/users/{name}/remove", self.remove, N_("removed a user"), role="admin"),
            Look("/audit", self.audit, role="admin"),
        ]

    # -- the door -----------------------------------------------------------------------------------

    async def door(self, request: Request) -> Response:
        """Where one signs in."""
        return self._door(request)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session for a user who knows their password; guesses get slower."""
        form = await request.form()
        name, password = str(form.get("name", "")).strip(), str(form.get("password", ""))
        client, now = client_of(request.scope, headers_of(request.scope)), time.monotonic()
        async with self._one:
            if wait := self._guesses.wait(client, now):
                return self._door(
                    request,
                    _("Too many wrong passwords; try again in %(seconds)s s.", seconds=int(wait) + 1),
                    429,
                    name=name,
                )
            user = await self._users.signing_in(name, password)
            if user is None:
                self._guesses.missed(client, time.monotonic())
                log.warning("a wrong password for the pages", client=client, wrong=self._guesses.wrong)
                return self._door(request, _("This name and password do not belong together."), 401, name=name)
            self._guesses.right(client, now)
        return await self._enter(request, user, _onward(str(form.get("next", ""))))

    async def invited(self, request: Request) -> Response:
        """Where somebody chooses a password; a preview of the link uses nothing up."""
        user = await self._users.invited(request.path_params["key"])
        return self._door(request, "" if user else _said(_USED), 200 if user else 410, user=user)

    async def choose(self, request: Request) -> Response:
        """Set the password, and begin a session."""
        key, password = request.path_params["key"], str((await request.form()).get("password", ""))
        async with self._one:
            try:
                user = await self._users.choose(key, password)
            except UsageError as error:
                return self._door(
                    request, _("Not set: %(why)s.", why=_why(error)), 422, user=await self._users.invited(key)
                )
        if user is None:
            return self._door(request, _said(_USED), 410)
        return await self._enter(request, user, "/")

    async def sign_out(self, request: Request) -> Response:
        """End the session, here and in the browser."""
        headers = headers_of(request.scope)
        if key := cookie_of(headers):
            await self._users.close(key)
        return RedirectResponse(SIGN_IN, 303, {"set-cookie": cookie("", headers)})

    async def _enter(self, request: Request, user: User, place: str) -> Response:
        headers = headers_of(request.scope)
        if key := cookie_of(headers):
            await self._users.close(key)
        request.scope["user"] = user
        return RedirectResponse(place, 303, {"set-cookie": cookie(await self._users.open(user), headers)})

    def _door(
        self, request: Request, told: str = "", status: int = 200, *, name: str = "", user: User | None = None
    ) -> Response:
        return self._templates.response(
            "sign_in.html", status, told=told, name=name[:40], invited=user, shortest=SHORTEST,
            closed=status == 410, next=_onward(request.query_params.get("next", "")),
        )  # fmt: skip

    # -- users --------------------------------------------------------------------------------------

    async def users(self, request: Request) -> Response:
        """Everybody at the desk."""
        return await self._page(request)

    async def add(self, request: Request) -> Response:
        """A new user, and the link for them, shown once."""
        form = await request.form()
        name, role = str(form.get("name", "")).strip(), str(form.get("role", ""))
        try:
            key, change = invitation(name, role, self._clock.now())
        except UsageError as error:
            return await self._page(request, _("Not made: %(why)s.", why=_why(error)), 422)
        if await self._tables.rows("user", called=name):
            return await self._page(request, _("Not made: there is a user %(name)s already.", name=name), 422)
        try:
            await self._tables.write([change])
        except StoreRefused:  # two clicks
            return await self._page(request, _("Not made: there is a user %(name)s already.", name=name), 422)
        about(request, f"{name}, {role}", "/users")
        return await self._page(request, link=(name, key))

    async def link(self, request: Request) -> Response:
        """Another link for somebody who lost theirs, or their password."""
        name = await self._named(request)
        key, change = new_link(name, self._clock.now())
        await self._tables.write([change])
        return await self._page(request, link=(name, key))

    async def change_role(self, request: Request) -> Response:
        """What somebody may from now on."""
        name, role = await self._named(request), str((await request.form()).get("role", ""))
        if name == user_of(request.scope).name:
            return await self._page(request, _("Not changed: nobody changes their own role."), 422)
        try:
            await self._tables.write([("user_role", (checked_role(role), name))])
        except UsageError as error:
            return await self._page(request, _("Not changed: %(why)s.", why=_why(error)), 422)
        about(request, f"{name}, {role}", "/users")
        return RedirectResponse("/users", 303)

    async def remove(self, request: Request) -> Response:
        """Somebody who works here no more; their sessions end at once."""
        name = await self._named(request)
        if name == user_of(request.scope).name:
            return await self._page(request, _("Not removed: nobody removes themselves."), 422)
        await self._tables.write(removal(name))
        return RedirectResponse("/users", 303)

    async def _named(self, request: Request) -> str:
        found = await self._tables.rows("user", called=request.path_params["name"])
        if not found:
            raise Missing
        about(request, found[0]["name"], "/users")
        return str(found[0]["name"])

    async def _page(
        self, request: Request, told: str = "", status: int = 200, link: tuple[str, str] | None = None
    ) -> Response:
        made = {"name": link[0], "url": f"{self._base}{SIGN_IN}/{quote(link[1])}"} if link else None
        return self._templates.response(
            "users.html", status, users=await self._users.all(), roles=ROLES, told=told, link=made,
            hours=int(LINK_LIFE // 3600), now=self._clock.now(),
        )  # fmt: skip

    # -- the audit ----------------------------------------------------------------------------------

    async def audit(self, request: Request) -> Response:
        """What was done, the latest first."""
        asked = request.query_params.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else _LAST
        rows: list[Any] = await self._tables.rows("audit", before=before, limit=_PAGE + 1)
        older = rows[_PAGE - 1]["id"] if len(rows) > _PAGE else None
        return self._templates.response("audit.html", rows=rows[:_PAGE], older=older)


_USED = N_("This link was used, or is too old. Ask an admin for another.")


def _onward(place: str) -> str:
    """A place of ours to go on to after signing in."""
    return "/" if place.startswith(SIGN_IN) else inside(place)
