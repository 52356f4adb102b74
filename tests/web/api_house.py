"""A bot server for programs: a token that may everything, and flows, handlers and events to ask for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import httpx

from smsbot import Bot, Chat
from smsbot.desk.tokens import SCOPES, token_hash

from ..house import House

TOKEN = "smsbot_abcdefghijklmnopqrstuvwxyz"


@dataclasses.dataclass
class Shipped:
    order: str
    parcels: int = 1


def shop() -> Bot:
    bot = Bot()

    @bot.event("shipped")
    async def shipped(chat: Chat, event: Shipped) -> str:
        return f"Order {event.order}: {event.parcels} on the way."

    @bot.event("remind")
    async def remind(chat: Chat, event: dict[str, Any]) -> str:
        return "yes" if await chat.confirm(f"{event['what']}? YES or NO") else "no"

    @bot.on("name")
    async def name(chat: Chat) -> None:
        chat.contact["name"] = await chat.ask("Your name?")
        chat.end("named")

    return bot


async def allow(h: House, *scopes: str, name: str = "shop", token: str = TOKEN) -> None:
    row = (name, token_hash(token), h.clock.now(), " ".join(scopes or SCOPES), None)
    await h.app.tokens.change([("token", row)])


async def ask(
    h: House, method: str, path: str, body: Any = None, *, key: str = "", token: str = TOKEN, settle: bool = True
) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} | ({"idempotency-key": key} if key else {})
    answer = await h.http.request(method, f"/api/v1{path}", headers=headers, json=body)
    if settle:
        await h.settle()
    return answer


def problem(answer: httpx.Response) -> Mapping[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told: Mapping[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"].endswith(f"/explain/{told['code']}")
    return told
