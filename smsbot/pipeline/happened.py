"""What has happened, as the user's own systems are told it: its facts, and when it was."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from smsbot.core import codec
from smsbot.core.clock import iso
from smsbot.core.commit import run_id
from smsbot.core.message import Event, Key
from smsbot.core.start import start_of
from smsbot.core.status import Status
from smsbot.stores.base import Row, Store

TYPES: Mapping[str, str] = {
    "message.received": "somebody texted: also an answer to a bot, STOP and START",
    "message.status": "a text of ours has moved on: taken, sent, delivered, failed …",
    "conversation.ended": "a conversation is over, and how",
    "optout.changed": "somebody opted out, or in again",
}
"""What an endpoint may be told."""
Facts = tuple[float, dict[str, Any]]
"""When it happened, and what is told of it."""


async def facts_of(store: Store, row: Row, now: float) -> Facts | None:
    """The facts of a row of ``happened``; None where the person was erased meanwhile."""
    return await _FACTS[row["type"]](store, row, now)


def body_of(kind: str, at: float, facts: Mapping[str, Any]) -> str:
    """What is told, as JSON."""
    return orjson.dumps({"type": kind, "timestamp": iso(at), "data": facts}).decode()


async def _received(store: Store, row: Row, now: float) -> Facts | None:
    found = await store.rows("received", seq=int(row["what"]))
    if not found:
        return None
    r = found[0]
    media = codec.loads(r["data"])["media"] if r["kind"] in ("text", "media") and r["data"] else []
    facts = {"id": r["id"].lower(), "line": r["line"], "from": r["number"], "text": r["text"], "kind": r["kind"]}
    return r["at"], facts | {"media": [{"url": url, "type": kind} for url, kind in media], "at": iso(r["at"])}


async def _moved(store: Store, row: Row, now: float) -> Facts | None:
    found = await store.rows("outgoing", id=row["what"])
    if not found or not found[0]["number"]:
        return None
    r, status = found[0], Status(row["status"])
    at = await _since(store, row["what"], status) or now
    facts = {"id": r["id"], "request": r["event"].hex(), "reference": r["ref"], "line": r["line"], "to": r["number"]}
    facts |= {"kind": r["kind"] or r["lane"], "status": status.value, "final": status.final, "parts": r["parts"]}
    return at, facts | {"detail": r["detail"] if r["status"] == row["status"] else "", "at": iso(at)}


async def _since(store: Store, identity: str, status: Status) -> float | None:
    """When a text came to a status, as far as that is kept."""
    told = [r["at"] for r in await store.rows("receipts", id=identity) if r["status"] == status.value]
    if told:
        return float(min(told))
    ended = [a["ended"] for a in await store.rows("attempts", id=identity) if a["ended"] is not None]
    return float(max(ended)) if ended else None


async def _over(store: Store, row: Row, now: float) -> Facts | None:
    found = await store.rows("run_by_id", id=bytes.fromhex(row["what"]))
    if not found or found[0]["ended"] is None:
        return None
    r = found[0]
    began = await _began_by(store, Key(r["line"], r["number"]), bytes.fromhex(r["id"]), r["started"])
    facts = {"id": r["id"].lower(), "line": r["line"], "number": r["number"], "bot": r["bot"], **began}
    facts |= {"started_by": r["started_by"], "started": iso(r["started"]), "ended": iso(r["ended"])}
    return r["ended"], facts | {"end": r["end_label"]}


async def _began_by(store: Store, key: Key, run: bytes, started: float) -> dict[str, Any]:
    """What a program called the event that began a conversation; empty for one that a person began."""
    for row in await store.rows("began_by", line=key.line, number=key.number, at=started + 1.0):
        event = Event(row["id"], key, row["kind"], row["text"], row["at"], data=row["data"])
        if run_id(event) == run:
            return {"reference": start_of(event).ref if row["kind"] == "event" else ""}
    return {"reference": ""}


async def _consented(store: Store, row: Row, now: float) -> Facts | None:
    found = await store.rows("consent_by_id", id=int(row["what"]))
    r = found[0]
    facts = {"number": r["number"], "line": r["line"], "opted_out": r["action"] == "optout", "text": r["text"]}
    return r["at"], facts | {"source": r["source"], "at": iso(r["at"])}


_FACTS: Mapping[str, Callable[[Store, Row, float], Awaitable[Facts | None]]] = {
    "message.received": _received, "message.status": _moved, "conversation.ended": _over, "optout.changed": _consented,
}  # fmt: skip
