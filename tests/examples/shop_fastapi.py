"""A shop in FastAPI: it hears what happens at its own address, signed, and runs smsbot inside itself at a prefix."""

import os

from fastapi import FastAPI, HTTPException, Request

import smsbot
from smsbot.client import verify

heard: list[dict[str, object]] = []
sms = smsbot.asgi("smsbot.toml") if os.environ.get("PUBLIC_URL") else None
shop = FastAPI(lifespan=sms.lifespan if sms is not None else None)


@shop.post("/sms-events", status_code=204)
async def event(request: Request) -> None:
    try:
        told = verify(os.environ["WEBHOOK_SECRET"], request.headers, await request.body())
    except Exception:
        raise HTTPException(401) from None
    heard.append({"id": request.headers["webhook-id"], **told})


@shop.get("/heard")
async def all_heard() -> list[dict[str, object]]:
    return heard


@shop.post("/orders/{number}/ship")
async def ship(number: str, to: str) -> str:
    assert sms is not None
    return await sms.send(to, f"Order {number} is on its way.", reference=f"order-{number}")


if sms is not None:
    shop.mount("/sms", sms)
