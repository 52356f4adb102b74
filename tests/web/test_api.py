"""``POST /api/v1/events``: who may, what is wrong, and that an event counts once."""

from __future__ import annotations

from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.desk.tokens import SCOPES, token_hash

from ..house import ANN, House

TOKEN = "smsbot_abcdefghijklmnopqrstuvwxyz"
HEADERS = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def served(house: Any) -> House:
    bot = Bot()

    @bot.event("remind")
    async def remind(chat: Chat, event: dict[str, Any]) -> str:
        return "yes" if await chat.confirm(f"{event['what']}? YES or NO") else "no"

    h: House = await house(bot)
    await h.app.tokens.change([("token", ("shop", token_hash(TOKEN), h.clock.now(), " ".join(SCOPES), None))])
    return h


@pytest.mark.parametrize(
    ("headers", "body", "status", "said"),
    [
        ({}, {"event": "remind", "to": ANN}, 401, "bearer"),
        ({"authorization": "Bearer smsbot_other"}, {"event": "remind", "to": ANN}, 401, "bearer"),
        ({"authorization": "Basic eDp5"}, {"event": "remind", "to": ANN}, 401, "bearer"),
        (HEADERS, "not json", 400, "not JSON"),
        (HEADERS, {"to": ANN}, 422, "event"),
        (HEADERS, {"event": "remind", "to": ANN, "extra": 1}, 422, "extra"),
        (HEADERS, {"event": "rmind", "to": ANN}, 422, "remind"),
        (HEADERS, {"event": "remind", "to": "call me"}, 422, "not a phone number"),
        (HEADERS, {"event": "remind", "to": ANN, "at": "2026-11-25T10:00:00"}, 422, "time zone"),
        (HEADERS, {"event": "remind", "to": ANN, "busy": "later"}, 422, "'queue', 'replace' or 'skip'"),
        (HEADERS, {"event": "remind", "to": ANN, "data": {"x": "y" * 1_070_000}}, 413, "1048576"),
    ],
)
async def test_what_is_refused(served: House, headers: dict[str, str], body: Any, status: int, said: str) -> None:
    content = {"content": body} if isinstance(body, str) else {"json": body}
    answer = await served.http.post("/api/v1/events", headers=headers, **content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.text
    assert answer.json()["status"] == status
    assert await served.heard(ANN) == []


async def test_an_event_starts_queues_or_is_a_duplicate(served: House) -> None:
    async def post(what: str, key: str = "", **more: Any) -> tuple[int, str]:
        headers = HEADERS | ({"idempotency-key": key} if key else {})
        body = {"event": "remind", "to": "600 100 200", "data": {"what": what}, **more}
        answer = await served.http.post("/api/v1/events", headers=headers, json=body)
        await served.settle()
        return answer.status_code, answer.json()["status"]

    assert await post("Tea", "a") == (202, "started")
    assert await post("Tea", "a") == (202, "started"), "the same answer"
    assert await post("Soup", key="") == (202, "queued")
    assert await post("Cake", at="2100-01-01T10:00:00Z") == (202, "scheduled")
    assert await served.heard(ANN) == ["Tea? YES or NO"]
    await served.text(ANN, "yes")
    assert await served.heard(ANN) == ["Tea? YES or NO", "yes", "Soup? YES or NO"]


async def test_a_revoked_token_is_nobodys(served: House) -> None:
    await served.app.tokens.change([("token_revoked", ("shop",))])
    body = {"event": "remind", "to": ANN, "data": {"what": "Tea"}}
    assert (await served.http.post("/api/v1/events", headers=HEADERS, json=body)).status_code == 401


async def test_the_description_names_every_field(served: House) -> None:
    told = (await served.http.get("/api/v1/openapi.json")).json()
    schema = told["components"]["schemas"]["EventIn"]
    assert set(schema["properties"]) == {"event", "to", "line", "data", "key", "at", "busy", "valid", "reference"}
    assert told["openapi"].startswith("3.1")
    assert told["paths"]["/messages"]["post"]["security"] == [{"token": ["messages:write"]}]
