"""The baseline: a bare Starlette app that parses JSON and answers 200."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def sms(request: Request) -> JSONResponse:
    await request.json()
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/sms", sms, methods=["POST"])])
