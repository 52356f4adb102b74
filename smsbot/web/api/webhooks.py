"""Addresses of your own systems that are told what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import pydantic
from fastapi import APIRouter, Path, Query, Response
from starlette.requests import Request

from smsbot.core.clock import iso, moment
from smsbot.desk.tokens import Token
from smsbot.pipeline.endpoints import Endpoint

from .asking import Limit, Once, asker, identity
from .problems import Refusal, answers
from .rooms import Rooms

Types = list[Literal["message.received", "message.status", "conversation.ended", "optout.changed"]]
Url = Annotated[str, pydantic.Field(max_length=2000, examples=["https://shop.example.com/sms"])]
Id = Annotated[str, Path(max_length=40, examples=["ep_0123456789abcdef01234567"])]
_STRICT = pydantic.ConfigDict(extra="forbid")
_STATES = ("owed", "told", "given up")


class EndpointIn(pydantic.BaseModel):
    """An address that is to be told."""

    model_config = _STRICT
    url: Url
    types: Types = pydantic.Field(default_factory=list, description="By default all.")


class EndpointOut(pydantic.BaseModel):
    """An address, and how it fares."""

    id: str
    url: str
    types: list[str]
    made: str
    owed: int = pydantic.Field(description="What it has not taken yet (at most 10,001 are counted).")
    failing_since: str | None
    paused_since: str | None
    why: str


class Made(EndpointOut):
    """A new address, with the secret of its signatures, shown once."""

    secret: str = pydantic.Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class Secret(pydantic.BaseModel):
    """A new secret, shown once."""

    secret: str


class Endpoints(pydantic.BaseModel):
    """All of them."""

    webhooks: list[EndpointOut]


class Push(pydantic.BaseModel):
    """One thing that an address was told, or is to be told."""

    id: str
    type: str
    at: str
    state: str = pydantic.Field(description="owed, told, or given up")
    tries: int
    answer: str
    next_try: str | None


class PushList(pydantic.BaseModel):
    """Some of them, the latest first."""

    pushes: list[Push]
    next: int | None


class Replay(pydantic.BaseModel):
    """The time whose pushes are told once more."""

    model_config = _STRICT
    since: str = pydantic.Field(max_length=40, description="ISO 8601", examples=["2026-11-29T08:00:00Z"])
    until: str = pydantic.Field("", max_length=40, description="By default now.")
    failed: bool = pydantic.Field(False, description="Only those that were given up.")


class Replayed(pydantic.BaseModel):
    """How many are told again."""

    replayed: int


class Tested(pydantic.BaseModel):
    """The push that means nothing."""

    id: str


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["webhooks"])
    for add in (_keeping, _acting, _telling):
        add(api, rooms)
    return api


def _keeping(api: APIRouter, rooms: Rooms) -> None:
    endpoints, known = rooms.endpoints, _known(rooms)

    @api.get("/webhooks", responses=answers("SB702"), summary="The addresses that are told")
    async def listing(token: Token = asker("webhooks:read")) -> Endpoints:
        """Without their secrets."""
        return Endpoints(webhooks=[_told(e) for e in await endpoints.all() if not e.shape])

    @api.post("/webhooks", status_code=201, responses=answers("SB702", "SB707"), summary="Tell an address from now on")
    async def add(
        request: Request, asked: EndpointIn, key: Once = None, token: Token = asker("webhooks:write")
    ) -> Made:  # fmt: skip
        """Its secret is shown this once: with it you verify that it is us (Standard Webhooks)."""
        request.scope["forgotten"] = True  # it is not kept with the answer: the same request finds the same endpoint
        made = await endpoints.add(asked.url, asked.types, token.by, identity=identity(request.scope))
        return Made(**_told(made).model_dump(), secret=made.secret)

    @api.get("/webhooks/{id}", responses=answers("SB702"), summary="One of them")
    async def read(id: Id, token: Token = asker("webhooks:read")) -> EndpointOut:
        """How it fares."""
        return _told(await known(id))

    @api.patch("/webhooks/{id}", responses=answers("SB702"), summary="Another address, or other types")
    async def change(id: Id, asked: EndpointIn, token: Token = asker("webhooks:write")) -> EndpointOut:
        """What it is owed goes to the new address."""
        await endpoints.change(await known(id), asked.url, asked.types)
        return _told(await known(id))

    @api.delete("/webhooks/{id}", status_code=204, responses=answers("SB702"), summary="Tell it nothing more")
    async def remove(id: Id, token: Token = asker("webhooks:write")) -> Response:
        """What it was owed is forgotten."""
        await endpoints.remove(await known(id))
        return Response(status_code=204)


def _acting(api: APIRouter, rooms: Rooms) -> None:
    endpoints, known = rooms.endpoints, _known(rooms)

    @api.post("/webhooks/{id}/secret", responses=answers("SB702"), summary="Another secret")
    async def renew(request: Request, id: Id, key: Once = None, token: Token = asker("webhooks:write")) -> Secret:
        """The one before proves nothing any more."""
        request.scope["forgotten"] = True
        return Secret(secret=await endpoints.renew(await known(id), identity=request.scope["identity"]))

    @api.post(
        "/webhooks/{id}/test", status_code=202, responses=answers("SB702"), summary="Tell it something for a test"
    )
    async def test(request: Request, id: Id, key: Once = None, token: Token = asker("webhooks:write")) -> Tested:
        """A `webhook.test`, signed as everything else."""
        return Tested(id=await endpoints.test(await known(id), identity=identity(request.scope)))

    @api.post("/webhooks/{id}/pause", responses=answers("SB702"), summary="Keep what it is owed")
    async def pause(id: Id, key: Once = None, token: Token = asker("webhooks:write")) -> EndpointOut:
        """Nothing is lost."""
        await endpoints.pause(await known(id), f"paused by {token.by}")
        return _told(await known(id))

    @api.post("/webhooks/{id}/resume", responses=answers("SB702"), summary="Tell it what it is owed")
    async def resume(id: Id, key: Once = None, token: Token = asker("webhooks:write")) -> EndpointOut:
        """In order."""
        await endpoints.resume(await known(id))
        return _told(await known(id))


def _telling(api: APIRouter, rooms: Rooms) -> None:
    endpoints, known = rooms.endpoints, _known(rooms)

    @api.get("/webhooks/{id}/pushes", responses=answers("SB702"), summary="What it was told")
    async def told(
        id: Id, cursor: Annotated[int, Query(ge=0, lt=2**62)] = 0, limit: Limit = 50,
        token: Token = asker("webhooks:read"),
    ) -> PushList:  # fmt: skip
        """The latest first, for seven days after they were taken."""
        endpoint = await known(id)
        rows = await rooms.store.rows("pushes_of", endpoint=endpoint.id, before=cursor or 2**62, limit=limit + 1)
        more = rows[limit - 1]["seq"] if len(rows) > limit else None
        return PushList(pushes=[
            Push(
                id=r["id"], type=r["type"], at=iso(r["at"]), state=_STATES[r["state"]], tries=r["tries"],
                answer=r["answer"], next_try=iso(r["due"]) if r["state"] == 0 else None,
            )
            for r in rows[:limit]
        ], next=more)  # fmt: skip

    @api.post("/webhooks/{id}/replay", status_code=202, responses=answers("SB702"), summary="Tell it once more")
    async def replay(id: Id, asked: Replay, key: Once = None, token: Token = asker("webhooks:write")) -> Replayed:
        """Each with the id that it had."""
        endpoint, since = await known(id), moment(asked.since)
        until = moment(asked.until) if asked.until else rooms.clock.now()
        if since is None or until is None:
            raise Refusal("SB704", "since and until are times, such as 2026-11-29T08:00:00Z")
        return Replayed(replayed=await endpoints.replay(endpoint, since, until, failed=asked.failed))


def _known(rooms: Rooms) -> Callable[[str], Awaitable[Endpoint]]:
    """Finds a webhook of ours by its id; raises `Refusal`."""

    async def known(id: str) -> Endpoint:
        found = await rooms.endpoints.one(id)
        if found is None or found.shape:
            raise Refusal("SB703", "there is no such webhook")
        return found

    return known


def _told(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(
        id=endpoint.id, url=endpoint.url, types=list(endpoint.types), made=iso(endpoint.at), owed=endpoint.owed,
        failing_since=iso(endpoint.failing) if endpoint.failing is not None else None,
        paused_since=iso(endpoint.paused) if endpoint.paused is not None else None, why=endpoint.why,
    )  # fmt: skip
