"""What happened outside, told to bots."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, cast

import pydantic
from fastapi import APIRouter, Response
from starlette.requests import Request

from smsbot.core.clock import duration
from smsbot.desk.tokens import Token

from .asking import Once, asker
from .problems import Refusal, answers
from .rooms import Rooms

Status = Literal["started", "queued", "scheduled", "skipped", "opted_out", "expired", "duplicate"]
TAKEN = ("started", "queued", "scheduled")
"""The outcomes that mean that it is going to happen; all others kept it from beginning."""


class EventIn(pydantic.BaseModel):
    """Something that happened outside, for a person's conversation."""

    model_config = pydantic.ConfigDict(extra="forbid")
    event: str = pydantic.Field(
        min_length=1,
        max_length=200,
        description="The name that a handler or a flow answers.",
        examples=["order_shipped"],
    )
    to: str = pydantic.Field(
        min_length=1, max_length=40, description="The person's number.", examples=["+48600100200"]
    )  # fmt: skip
    line: str = pydantic.Field("", max_length=40, description="By default the first that answers the event.")
    data: dict[str, Any] = pydantic.Field(
        default_factory=dict, description="What the handler or the flow is told.", examples=[{"order": "1001"}]
    )
    key: str = pydantic.Field("", max_length=200, description="The same key counts once, for ever.")
    at: datetime | None = pydantic.Field(None, description="When; by default now. It needs a time zone.")
    busy: Literal["", "queue", "replace", "skip"] = pydantic.Field(
        "", description="While the person is in a conversation: queue, replace or skip."
    )
    valid: str = pydantic.Field("", max_length=20, description="How long it is worth beginning.", examples=["4h"])
    reference: str = pydantic.Field(
        "", max_length=200, description="What you call it, such as order-7: the desk finds the texts by that."
    )


class EventOut(pydantic.BaseModel):
    """What became of it."""

    status: Status


class Declared(pydantic.BaseModel):
    """An event that a bot answers."""

    event: str
    line: str
    bot: str
    flow: str = pydantic.Field(description="The flow that it starts; empty for a handler.")
    data: dict[str, Any] = pydantic.Field(description="The JSON schema of its data.")


class Declarations(pydantic.BaseModel):
    """The events of all lines."""

    events: list[Declared]


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["events"])

    @api.post(
        "/events", status_code=202, summary="Tell a bot what happened",
        responses=answers("SB702", "SB707") | {200: {"model": EventOut, "description": "Not begun, and why"}},
    )  # fmt: skip
    async def event(
        request: Request, response: Response, asked: EventIn, key: Once = None, token: Token = asker("events:write")
    ) -> EventOut:
        """Begin, or queue, what answers an event; 202 if it is going to happen, 200 if something keeps it."""
        status = await emit(rooms, request, asked, token)
        response.status_code = 202 if status in TAKEN else 200
        return EventOut(status=status)

    @api.get("/events", responses=answers("SB702"), summary="What may be told")
    async def declared(token: Token = asker("events:write")) -> Declarations:
        """The events that bots answer, each with the JSON schema of its data."""
        return Declarations(events=[
            Declared(
                event=name, line=line.number, bot=line.bot.name, flow=route.flow, data=dict(line.event_schema(name))
            )
            for line in rooms.lines.values() for name, route in line.table.events.items()
        ])  # fmt: skip

    return api


async def emit(rooms: Rooms, request: Request, asked: EventIn, token: Token) -> Status:
    """Tell the bot; raises `Refusal` with everything that is wrong with its data."""
    at = asked.at.timestamp() if asked.at is not None and asked.at.tzinfo is not None else None
    if asked.at is not None and at is None:
        raise Refusal("SB704", "at needs a time zone, such as 2026-11-25T10:00:00+01:00")
    line = rooms.events.line_of(asked.event, asked.line)
    if wrong := line.wrong_with_event(asked.event, asked.data):
        told = [{"field": f"data.{place}" if place else "data", "reason": why} for place, why in wrong]
        raise Refusal("SB704", f"{told[0]['field']}: {told[0]['reason']}", errors=told)
    key = asked.key or (request.scope["identity"].hex() if request.scope["identity"] else "")
    status = await rooms.events.emit(
        asked.event, asked.to, asked.data, line=line.number, key=key, at=at, busy=asked.busy,
        valid=duration(asked.valid) if asked.valid else 0.0, by=token.by, ref=asked.reference,
    )  # fmt: skip
    if status == "duplicate" and request.scope["again"]:  # its answer was lost
        status = await rooms.events.became(asked.event, asked.to, line.number, key)
    return cast(Status, status)
