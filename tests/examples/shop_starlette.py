"""The same shop in Starlette."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from smsbot.client import verify
from smsbot.embedded import Embedded

heard: list[dict[str, object]] = []
sms = Embedded() if os.environ.get("PUBLIC_URL") else None


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    if sms is None:
        yield
        return
    async with sms:
        yield


async def event(request: Request) -> Response:
    try:
        told = verify(os.environ["WEBHOOK_SECRET"], request.headers, await request.body())
    except Exception:
        return Response(status_code=401)
    heard.append({"id": request.headers["webhook-id"], **told})
    return Response(status_code=204)


async def all_heard(_: Request) -> Response:
    return JSONResponse(heard)


async def ship(request: Request) -> Response:
    assert sms is not None
    number = request.path_params["number"]
    return JSONResponse(await sms.send(request.query_params["to"], f"Order {number} is on its way."))


shop = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/sms-events", event, methods=["POST"]),
        Route("/heard", all_heard),
        Route("/orders/{number}/ship", ship, methods=["POST"]),
        *([Mount("/sms", sms)] if sms is not None else []),
    ],
)
