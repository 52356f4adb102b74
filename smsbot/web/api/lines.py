"""Our lines: how their texts fare, and pauses."""

from __future__ import annotations

import pydantic
from fastapi import APIRouter

from smsbot.core.clock import iso
from smsbot.desk.overview import Overviews
from smsbot.desk.shares import Share
from smsbot.desk.tokens import Token
from smsbot.stores.base import Row

from .asking import LineName, Once, asker, line_of
from .problems import answers
from .rooms import Rooms

_DAY = 86_400.0


class Pause(pydantic.BaseModel):
    """Why nothing leaves."""

    since: str
    why: str


class LineOut(pydantic.BaseModel):
    """One of our numbers, and its last day."""

    number: str
    bot: str
    account: str
    country: str | None
    timezone: str
    paused: Pause | None
    texts: int = pydantic.Field(description="Of the last 24 hours, at most the last 50,000 of all lines.")
    delivered: int
    failed: int
    usual_seconds: float | None = pydantic.Field(description="How long a report usually takes.")


class LinesOut(pydantic.BaseModel):
    """All of them."""

    lines: list[LineOut]


class Why(pydantic.BaseModel):
    """Why it is paused."""

    model_config = pydantic.ConfigDict(extra="forbid")
    why: str = pydantic.Field("", max_length=200)


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["lines"])
    overviews = Overviews(rooms.store, rooms.clock.now)

    @api.get("/lines", responses=answers("SB702"), summary="Our lines, and how their texts fare")
    async def listing(token: Token = asker("lines:read")) -> LinesOut:
        """With rates of the last day, and what is paused."""
        return LinesOut(lines=await _lines(rooms, overviews))

    @api.post("/lines/{line}/pause", responses=answers("SB702"), summary="Let nothing leave from a line")
    async def pause(line: LineName, asked: Why, key: Once = None, token: Token = asker("lines:write")) -> LineOut:
        """What waits stays in order; what answers STOP still leaves."""
        number = line_of(rooms.lines, line).number
        await rooms.repairs.pause([("line", number)], False, f"{asked.why} ({token.by})".strip())
        return next(x for x in await _lines(rooms, overviews) if x.number == number)

    @api.post("/lines/{line}/resume", responses=answers("SB702"), summary="Let texts leave again")
    async def resume(line: LineName, key: Once = None, token: Token = asker("lines:write")) -> LineOut:
        """Those that are still worth it."""
        number = line_of(rooms.lines, line).number
        await rooms.repairs.resume([("line", number)], False)
        return next(x for x in await _lines(rooms, overviews) if x.number == number)

    return api


async def _lines(rooms: Rooms, overviews: Overviews) -> list[LineOut]:
    shares = {s.name: s for s in (await overviews.of(_DAY)).by["line"]}
    pauses = await rooms.store.rows("pauses")
    found = []
    for line in rooms.lines.values():
        share = shares.get(line.number, Share(line.number))
        found.append(LineOut(
            number=line.number, bot=line.bot.name, account=line.account, country=line.country, timezone=line.timezone,
            paused=_pause(pauses, line.number), texts=share.texts, delivered=share.delivered,
            failed=share.lost, usual_seconds=share.took,
        ))  # fmt: skip
    return found


def _pause(pauses: list[Row], number: str) -> Pause | None:
    own = [p for p in pauses if p["scope"] == "all" or (p["scope"], p["name"]) == ("line", number)]
    return Pause(since=iso(own[0]["at"]), why=own[0]["why"]) if own else None
