"""The records that rows of the database stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from smsbot.core import codec
from smsbot.core.conversation import Conversation, Late, Run, StoredFrame
from smsbot.core.message import Key, Outgoing

from .base import Row


def outgoing_of(row: Row) -> Outgoing:
    """The text of a row of `outgoing`."""
    return Outgoing(
        row["id"],
        key=Key(row["line"], row["number"]),
        account=row["account"],
        text=row["text"],
        segments=row["parts"],
        created=row["created"],
        due=row["due"],
        expires=row["expires"],
        event=row["event"],
        lane=row["lane"],
        flash=bool(row["flash"]),
        media=row["media"],
        ref=row["ref"],
    )


def conversation_of(key: Key, rows: list[Row]) -> Conversation:
    """The conversation of the rows of the read `conversation`."""
    first = rows[0]
    run = None
    if first["run"] is not None:
        frames = tuple(
            StoredFrame(
                r["kind"],
                r["name"],
                state=r["state"],
                data=r["data"],
                prompt=r["prompt"],
                deadline=r["deadline"],
                then=r["then_"],
                rest=r["rest"],
            )
            for r in rows
            if r["kind"] is not None
        )
        run = Run(first["run"], first["bot"], first["started_by"], first["started"], frames, content=first["content"])
    contact = orjson.loads(first["contact"])
    late = _late(first["late"]) if first["late"] else None
    return Conversation(
        key,
        version=first["version"] or 0,
        run=run,
        contact=contact,
        opted_out=bool(first["opted_out"]),
        fallback_at=first["fallback_at"] or 0.0,
        late=late,
        resting=_resting(first["resting"]) if first["resting"] else (),
        owner=first["owner"] or "",
        answered=first["answered"] or b"",
        wrote_first=bool(first["wrote_first"]),
    )


def _late(stored: str) -> Late:
    found = codec.loads(stored)
    return Late(_frames(found["frames"]), found["content"], found["until"])


def _resting(stored: str) -> tuple[Run, ...]:
    """The runs beside the open one, as they are stored."""
    return tuple(
        Run(**{**run, "id": bytes.fromhex(run["id"]), "frames": _frames(run["frames"])}) for run in codec.loads(stored)
    )


def _frames(stored: Sequence[Mapping[str, Any]]) -> tuple[StoredFrame, ...]:
    return tuple(StoredFrame(**f) for f in stored)
