"""The same bot as `naive_bot`, with the promises of smsbot, written one statement after the other as they come to mind.

A text counts once, its turn and the answer that it owes are one transaction, the attempt to send is on record before it
begins, what became of it is kept, texts of one number leave in order, and who has opted out gets none.
"""

from __future__ import annotations

import json
import os
import time

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.naive_bot import ANSWERS, living

TABLES = """
CREATE TABLE IF NOT EXISTS seen (id text PRIMARY KEY, at float8 NOT NULL);
CREATE TABLE IF NOT EXISTS suppressions (number text PRIMARY KEY, at float8 NOT NULL);
CREATE TABLE IF NOT EXISTS conversations (number text PRIMARY KEY, version bigint NOT NULL, state text NOT NULL);
CREATE TABLE IF NOT EXISTS events (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, number text NOT NULL, text text NOT NULL,
  at float8 NOT NULL, state int NOT NULL);
CREATE INDEX IF NOT EXISTS events_waiting ON events (number, seq) WHERE state = 0;
CREATE TABLE IF NOT EXISTS outgoing (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL, text text NOT NULL, due float8 NOT NULL,
  status text NOT NULL, phase text);
CREATE INDEX IF NOT EXISTS outgoing_open ON outgoing (number, seq) WHERE phase IS NOT NULL;
CREATE TABLE IF NOT EXISTS attempts (
  outgoing bigint NOT NULL, n int NOT NULL, started float8 NOT NULL, ended float8, outcome text, reference text,
  PRIMARY KEY (outgoing, n));
CREATE TABLE IF NOT EXISTS timers (number text PRIMARY KEY, due float8 NOT NULL);
"""


async def accepted(db: asyncpg.Connection, body: dict[str, str]) -> tuple[int, str] | None:
    """Keep a text, take its turn, owe the answer; which text leaves now, if any."""
    number, now = body["from"], time.time()
    if not await db.fetchval("INSERT INTO seen VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id", body["id"], now):
        return None
    await db.execute("SELECT pg_advisory_xact_lock(hashtext($1))", number)
    before = await db.fetchrow("SELECT version, state FROM conversations WHERE number = $1", number)
    version, state = (before["version"], before["state"]) if before else (0, "")
    seq = await db.fetchval(
        "INSERT INTO events (id, number, text, at, state) VALUES ($1, $2, $3, $4, 0) RETURNING seq",
        body["id"], number, body["message"], now,
    )  # fmt: skip
    reply, after = ANSWERS[state]
    await db.execute(
        "INSERT INTO conversations VALUES ($1, $2, $3) "
        "ON CONFLICT (number) DO UPDATE SET version = excluded.version, state = excluded.state",
        number, version + 1, after,
    )  # fmt: skip
    await db.execute("UPDATE events SET state = 1 WHERE seq = $1", seq)
    if after:
        await db.execute(
            "INSERT INTO timers VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET due = excluded.due",
            number,
            now + 600,
        )
    else:
        await db.execute("DELETE FROM timers WHERE number = $1", number)
    blocked = await db.fetchval("SELECT 1 FROM suppressions WHERE number = $1", number)
    ahead = await db.fetchval("SELECT 1 FROM outgoing WHERE number = $1 AND phase IS NOT NULL LIMIT 1", number)
    phase = None if blocked else "behind" if ahead else "attempt"
    text = await db.fetchval(
        "INSERT INTO outgoing (number, text, due, status, phase) VALUES ($1, $2, $3, $4, $5) RETURNING seq",
        number, reply, now, "blocked" if blocked else "queued", phase,
    )  # fmt: skip
    if phase != "attempt":
        return None
    await db.execute("INSERT INTO attempts (outgoing, n, started) VALUES ($1, 1, $2)", text, now)
    return int(text), reply


async def settled(db: asyncpg.Connection, text: int, number: str, reference: str) -> tuple[int, str] | None:
    """Keep what became of a text; which of the number leaves next."""
    now = time.time()
    await db.execute("SELECT pg_advisory_xact_lock(hashtext($1))", number)
    await db.execute(
        "UPDATE attempts SET ended = $1, outcome = 'accepted', reference = $2 WHERE outgoing = $3 AND n = 1",
        now, reference, text,
    )  # fmt: skip
    await db.execute("UPDATE outgoing SET status = 'accepted', phase = NULL WHERE seq = $1", text)
    behind = await db.fetchrow(
        "SELECT seq, text FROM outgoing WHERE number = $1 AND phase = 'behind' ORDER BY seq LIMIT 1", number
    )
    if behind is None:
        return None
    await db.execute("UPDATE outgoing SET phase = 'attempt' WHERE seq = $1", behind["seq"])
    await db.execute("INSERT INTO attempts (outgoing, n, started) VALUES ($1, 1, $2)", behind["seq"], now)
    return behind["seq"], behind["text"]


async def sms(request: Request) -> JSONResponse:
    """Take a text, answer it, send the answer and what waits behind it."""
    body, state = json.loads(await request.body()), request.app.state
    async with state.pool.acquire() as db, db.transaction():
        leaving = await accepted(db, body)
    while leaving is not None:
        text, words = leaving
        sent = {"externalId": str(text), "phoneNumbers": [body["from"]], "text": words}
        async with state.http.post(f"{os.environ['GATEWAY']}/v2.1/sms", json=sent) as answer:
            await answer.read()
        async with state.pool.acquire() as db, db.transaction():
            leaving = await settled(db, text, body["from"], str(answer.status))
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/sms", sms, methods=["POST"])], lifespan=living(TABLES))
