"""What a good developer writes over PostgreSQL in an afternoon: three tables, a pool, one transaction a text.

It keeps each text once, and the state of its order. It keeps no attempts, so that a text that was being sent when it
dies is sent never, or twice; two first texts of one number may lose an update; nothing waits for anything.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TABLES = """
CREATE TABLE IF NOT EXISTS seen (id text PRIMARY KEY);
CREATE TABLE IF NOT EXISTS states (number text PRIMARY KEY, state text NOT NULL);
CREATE TABLE IF NOT EXISTS replies (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL, text text NOT NULL,
  sent boolean NOT NULL DEFAULT false);
"""
ANSWERS = {"": ("How many?", "many"), "many": ("Confirm? (yes/no)", "confirm"), "confirm": ("Done", "")}


def living(tables: str) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """A pool of ten with some tables, and a client for the gateway."""

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        async with (
            asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http,
        ):
            async with pool.acquire() as db, db.transaction():
                await db.execute("SELECT pg_advisory_xact_lock(1)")  # its processes start together
                await db.execute(tables)
            app.state.pool, app.state.http = pool, http
            yield

    return life


async def accepted(db: asyncpg.Connection, body: dict[str, str]) -> tuple[int, str] | None:
    """Keep a text, take its turn, keep the answer; which leaves now, if it is new."""
    number = body["from"]
    if not await db.fetchval("INSERT INTO seen VALUES ($1) ON CONFLICT DO NOTHING RETURNING id", body["id"]):
        return None
    before = await db.fetchval("SELECT state FROM states WHERE number = $1 FOR UPDATE", number) or ""
    reply, after = ANSWERS[before]
    await db.execute(
        "INSERT INTO states VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET state = excluded.state",
        number,
        after,
    )
    return await db.fetchval("INSERT INTO replies (number, text) VALUES ($1, $2) RETURNING id", number, reply), reply


async def settled(pool: asyncpg.Pool, row: int) -> None:
    """Keep that an answer was sent."""
    await pool.execute("UPDATE replies SET sent = true WHERE id = $1", row)


async def sms(request: Request) -> JSONResponse:
    """Take a text, answer it, send the answer."""
    body, state = await request.json(), request.app.state
    async with state.pool.acquire() as db, db.transaction():
        leaving = await accepted(db, body)
    if leaving is not None:
        row, reply = leaving
        sent = {"externalId": str(row), "phoneNumbers": [body["from"]], "text": reply}
        async with state.http.post(f"{os.environ['GATEWAY']}/v2.1/sms", json=sent) as answer:
            await answer.read()
        await settled(state.pool, row)
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/sms", sms, methods=["POST"])], lifespan=living(TABLES))
