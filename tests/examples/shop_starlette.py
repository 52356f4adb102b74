"""The same shop in Starlette."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

import smsbot
from smsbot.client import verify

heard: list[dict[str, object]] = []
sms = smsbot.asgi() if os.environ.get("PUBLIC_URL") else None


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
    lifespan=sms.lifespan if sms is not None else None,
    routes=[
        Route("/sms-events", event, methods=["POST"]),
        Route("/heard", all_heard),
        Route("/orders/{number}/ship", ship, methods=["POST"]),
        *([Mount("/sms", sms)] if sms is not None else []),
    ],
)
