"""The API page: tokens, the last calls, what to paste, the addresses that are told, and what each error means."""

from __future__ import annotations

import inspect
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from smsbot.core.clock import Clock
from smsbot.core.codes import CODES
from smsbot.core.errors import StoreRefused, UsageError, tree
from smsbot.core.problems import PROBLEMS
from smsbot.desk.tokens import SCOPES, Tokens, made
from smsbot.desk.words import N_
from smsbot.pipeline.endpoints import Endpoint, Endpoints
from smsbot.pipeline.happened import TYPES
from smsbot.stores.base import Tables
from smsbot.turns.lines import Lines

from .acts import Act, Look, about
from .auth import user_of
from .calls import Calls
from .snippets import LANGUAGES, TASKS, snippets
from .spoken import _, _n, _why
from .templates import Missing, Templates

_PUSHES = 50
_LAST = 1 << 62
_PAGE = "/programs"


class ProgramPages:
    """What somebody needs who connects a program."""

    def __init__(
        self, tables: Tables, *, tokens: Tokens, endpoints: Endpoints, calls: Calls, lines: Lines, templates: Templates,
        clock: Clock, base: str, keys: tuple[str, str] | None,
    ) -> None:  # fmt: skip
        self._tables = tables
        self._tokens = tokens
        self._endpoints = endpoints
        self._calls = calls
        self._lines = lines
        self._templates = templates
        self._clock = clock
        self._base = base
        self._keys = keys
        """The fixed keys of the sandbox; None elsewhere."""

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        admin, told = {"role": "admin"}, f"{_PAGE}/told"
        return [
            Look(_PAGE, self.page, **admin),
            Look(f"{_PAGE}/try", self.try_it, **admin),
            Act(f"{_PAGE}/tokens", self.add_token, N_("made a token"), **admin),
            Act(f"{_PAGE}/tokens/{{name}}/revoke", self.revoke, N_("revoked a token"), **admin),
            Act(told, self.add_endpoint, N_("made a webhook"), **admin),
            Look(f"{told}/{{id}}", self.endpoint, **admin),
            Act(f"{told}/{{id}}/pause", self.pause, N_("paused a webhook"), **admin),
            Act(f"{told}/{{id}}/resume", self.resume, N_("resumed a webhook"), **admin),
            Act(f"{told}/{{id}}/test", self.test, N_("tested a webhook"), **admin),
            Act(f"{told}/{{id}}/secret", self.renew, N_("made a new secret for a webhook"), **admin),
            Act(f"{told}/{{id}}/replay", self.replay, N_("replayed a webhook"), **admin),
            Act(f"{told}/{{id}}/remove", self.remove, N_("removed a webhook"), **admin),
            Look("/explain/{code}", self.explain, role=""),
        ]  # fmt: skip

    async def page(self, request: Request) -> Response:
        """Everything at a glance."""
        return await self._page()

    async def _page(self, status: int = 200, **more: Any) -> Response:
        line = self._lines.values()[0].number if self._lines.values() else ""
        return self._templates.response(
            "programs.html", status, **({"told": "", "shown": None} | more), tokens=await self._tokens.all(),
            scopes=SCOPES, types=TYPES, calls=list(self._calls.last), now=self._clock.now(), base=self._base,
            endpoints=[e for e in await self._endpoints.all() if not e.shape], languages=LANGUAGES, tasks=TASKS,
            snippets=snippets(self._base, line), problems=PROBLEMS, keys=self._keys,
        )  # fmt: skip

    async def try_it(self, request: Request) -> Response:
        """Swagger UI, on the server's own OpenAPI document."""
        return self._templates.response("try.html")

    # -- tokens -------------------------------------------------------------------------------------

    async def add_token(self, request: Request) -> Response:
        """A new token, shown once."""
        form = await request.form()
        name, scopes = str(form.get("name", "")).strip(), [str(s) for s in form.getlist("scope")]
        try:
            if not scopes:
                raise UsageError(N_("choose at least one thing that it may"))
            secret, change = made(name, scopes, str(form.get("expires", "")).strip(), self._clock.now())
            await self._tokens.change([change])
        except UsageError as error:
            return await self._page(422, told=_("Not made: %(why)s.", why=_why(error)))
        except StoreRefused:
            return await self._page(422, told=_("Not made: there is a token %(name)s already.", name=name))
        about(request, name, _PAGE)
        return await self._page(shown={"what": _("The token of %(name)s", name=name), "secret": secret})

    async def revoke(self, request: Request) -> Response:
        """A token that works no more, from now on."""
        name = request.path_params["name"]
        if not any(token.name == name for token in await self._tokens.all()):
            raise Missing
        await self._tokens.change([("token_revoked", (name,))])
        about(request, name, _PAGE)
        return RedirectResponse(_PAGE, 303)

    # -- addresses that are told --------------------------------------------------------------------

    async def add_endpoint(self, request: Request) -> Response:
        """An address that is told from now on; its secret is shown once."""
        form = await request.form()
        try:
            found = await self._endpoints.add(
                str(form.get("url", "")).strip(), [str(t) for t in form.getlist("type")], user_of(request.scope).name
            )
        except UsageError as error:
            return await self._page(422, told=_("Not made: %(why)s.", why=_why(error)))
        about(request, found.id, f"{_PAGE}/told/{found.id}")
        return await self._page(shown={"what": _("The secret of %(url)s", url=found.url), "secret": found.secret})

    async def endpoint(self, request: Request) -> Response:
        """What an address was told."""
        return await self._told(request, await self._known(request))

    async def _told(self, request: Request, endpoint: Endpoint, **more: Any) -> Response:
        asked = request.query_params.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else _LAST
        rows = await self._tables.rows("pushes_of", endpoint=endpoint.id, before=before, limit=_PUSHES + 1)
        older = rows[_PUSHES - 1]["seq"] if len(rows) > _PUSHES else None
        return self._templates.response(
            "told.html", **({"told": "", "shown": None} | more), endpoint=endpoint, rows=rows[:_PUSHES], older=older
        )

    async def pause(self, request: Request) -> Response:
        """Keep what it is owed."""
        found = await self._known(request)
        await self._endpoints.pause(found, f"paused by {user_of(request.scope).name}")
        return self._back(found)

    async def resume(self, request: Request) -> Response:
        """Tell it what it is owed."""
        found = await self._known(request)
        await self._endpoints.resume(found)
        return self._back(found)

    async def test(self, request: Request) -> Response:
        """Tell it something that means nothing."""
        found = await self._known(request)
        await self._endpoints.test(found)
        return self._back(found)

    async def renew(self, request: Request) -> Response:
        """Another secret, shown once."""
        found = await self._known(request)
        secret = await self._endpoints.renew(found)
        return await self._told(request, found, shown={"what": _("The new secret"), "secret": secret})

    async def replay(self, request: Request) -> Response:
        """Tell once more what was told in the last hours, or what was given up."""
        found, form = await self._known(request), await request.form()
        asked = str(form.get("hours", "24"))
        hours, now = int(asked) if asked in ("1", "24", "168") else 24, self._clock.now()
        done = await self._endpoints.replay(found, now - hours * 3600.0, now, failed=form.get("which") == "failed")
        return await self._told(
            request,
            await self._known(request),
            told=_n("%(n)s is told again.", "%(n)s are told again, in their order.", done),
        )

    async def remove(self, request: Request) -> Response:
        """Tell it nothing more."""
        await self._endpoints.remove(await self._known(request))
        return RedirectResponse(_PAGE, 303)

    def _back(self, endpoint: Endpoint) -> Response:
        return RedirectResponse(f"{_PAGE}/told/{endpoint.id}", 303)

    async def _known(self, request: Request) -> Endpoint:
        found = await self._endpoints.one(request.path_params["id"])
        if found is None or found.shape:
            raise Missing
        about(request, found.id, f"{_PAGE}/told/{found.id}")
        return found

    # -- errors -------------------------------------------------------------------------------------

    async def explain(self, request: Request) -> Response:
        """What a code means, and what helps; for everybody, as `smsbot explain` tells it."""
        code = request.path_params["code"].upper()
        known = {kind.code: (inspect.getdoc(kind) or "", kind.remedy) for kind in tree()}
        known |= {c: (title, helps) for c, (_kind, title, helps) in PROBLEMS.items()} | dict(CODES)
        if code not in known:
            raise Missing
        title, helps = known[code]
        return self._templates.response("explain.html", code=code, title=title, helps=helps)
