"""Conversations: begun, read, answered by a person, ended."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pydantic
from fastapi import APIRouter, Response
from starlette.requests import Request

from smsbot.core.clock import iso
from smsbot.core.message import Key
from smsbot.desk.tokens import Token
from smsbot.pipeline.sends import outcome, wrong_with

from .asking import LineName, Number, Once, asker, identity, line_of, person
from .events import TAKEN, EventIn, Status, emit
from .problems import Refusal, answers
from .rooms import Rooms

_PLACE = "/conversations/{line}/{number}"
_PATIENCE = 3.0
"""Seconds in which a conversation that is ended ends."""
_STRICT = pydantic.ConfigDict(extra="forbid")


class Begin(pydantic.BaseModel):
    """A flow to begin with somebody."""

    model_config = _STRICT
    flow: str = pydantic.Field(min_length=1, max_length=60, description="Its name.", examples=["feedback"])
    to: str = pydantic.Field(min_length=1, max_length=40, examples=["+48600100200"])
    line: str = pydantic.Field("", max_length=40, description="By default the first whose bot has the flow.")
    args: dict[str, Any] = pydantic.Field(default_factory=dict, description="What it lists under its `args`.")
    busy: Literal["", "queue", "replace", "skip"] = ""
    valid: str = pydantic.Field("", max_length=20, examples=["4h"])
    reference: str = pydantic.Field("", max_length=200)


class Begun(pydantic.BaseModel):
    """Whether it began, waits, or was refused, and where to ask how it goes on."""

    status: Status
    line: str
    number: str


class Run(pydantic.BaseModel):
    """One run of it."""

    id: str
    bot: str
    started_by: str
    started: str
    ended: str | None
    end: str = pydantic.Field(description="How it ended; empty while it is open.")


class Standing(pydantic.BaseModel):
    """Where a conversation stands."""

    line: str
    number: str
    open: bool
    place: str = pydantic.Field(description="The flow or handler that holds it.")
    step: str
    variables: dict[str, Any]
    due: str | None = pydantic.Field(description="When it goes on by itself.")
    owner: str = pydantic.Field(description="The person who looks after it; empty: its bot does.")
    runs: list[Run] = pydantic.Field(description="The last twenty, the latest first.")


class Ended(pydantic.BaseModel):
    """Whether a conversation is open still, as where a step of its bot goes on for long."""

    open: bool


class Taking(pydantic.BaseModel):
    """Who takes it over."""

    model_config = _STRICT
    who: str = pydantic.Field(
        "", pattern=r"^(\w[\w .@+-]{0,39})?$", description="By default the token's name.", examples=["ola"]
    )


class Giving(pydantic.BaseModel):
    """How it goes on."""

    model_config = _STRICT
    how: Literal["continue", "restart", "end"] = "continue"


class Reply(pydantic.BaseModel):
    """A text by hand."""

    model_config = _STRICT
    text: str = pydantic.Field(min_length=1, max_length=1600)


class Owner(pydantic.BaseModel):
    """Who has it now."""

    owner: str


class Replied(pydantic.BaseModel):
    """The text, and how it stands."""

    id: str
    status: str
    why: str


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["conversations"])
    for add in (_beginning, _standing_and_ending, _looking_after):
        add(api, rooms)
    return api


def _beginning(api: APIRouter, rooms: Rooms) -> None:
    @api.post(
        "/conversations", status_code=202, summary="Begin a flow with somebody",
        responses=answers("SB702", "SB707") | {200: {"model": Begun, "description": "Not begun, and why"}},
    )  # fmt: skip
    async def begin(
        request: Request,
        response: Response,
        asked: Begin,
        key: Once = None,
        token: Token = asker("conversations:write"),
    ) -> Begun:
        """202 if it begins or waits its turn, 200 if something keeps it."""
        line = _with_flow(rooms, asked.flow, asked.line)
        event = EventIn(
            event=f"flow:{asked.flow}", to=asked.to, line=line, data=asked.args, busy=asked.busy, valid=asked.valid,
            reference=asked.reference, key="", at=None,
        )  # fmt: skip
        try:
            status = await emit(rooms, request, event, token)
        except Refusal as refusal:
            places = [e | {"field": e["field"].replace("data", "args", 1)} for e in refusal.errors]
            raise Refusal(refusal.code, refusal.detail.replace("data", "args", 1), errors=places) from None
        response.status_code = 202 if status in TAKEN else 200
        ours = line_of(rooms.lines, line)
        return Begun(status=status, line=line, number=person(asked.to, ours.country))


def _standing_and_ending(api: APIRouter, rooms: Rooms) -> None:
    @api.get(_PLACE, responses=answers("SB702"), summary="Where it stands, and how others ended")
    async def read(line: LineName, number: Number, token: Token = asker("conversations:read")) -> Standing:
        """404 where there was never one."""
        return await _standing(rooms, _key(rooms, line, number))

    @api.post(f"{_PLACE}/end", responses=answers("SB702"), summary="End it")
    async def end(
        line: LineName, number: Number, key: Once = None, token: Token = asker("conversations:write")
    ) -> Ended:
        """What its bot still owes stays here; the run ends `ended_by_desk`. Nothing happens where none is open."""
        whose = _key(rooms, line, number)
        if (await rooms.store.load(whose)).run is not None:
            await _take(rooms, whose, token.name)
            await rooms.takeovers.give_back(whose, "end")
        return Ended(open=not await _at_rest(rooms, whose))


def _looking_after(api: APIRouter, rooms: Rooms) -> None:
    @api.post(f"{_PLACE}/take-over", responses=answers("SB702", "SB707"), summary="Let a person look after it")
    async def take_over(
        line: LineName, number: Number, asked: Taking, key: Once = None, token: Token = asker("conversations:write")
    ) -> Owner:
        """Its bot is silent from here on; 409 where somebody else has it."""
        return Owner(owner=await _take(rooms, _key(rooms, line, number), asked.who or token.name))

    @api.post(f"{_PLACE}/give-back", responses=answers("SB702", "SB707"), summary="Give it back to its bot")
    async def give_back(
        request: Request,
        line: LineName,
        number: Number,
        asked: Giving,
        key: Once = None,
        token: Token = asker("conversations:write"),
    ) -> Owner:
        """The bot asks its open question again, begins anew, or ends."""
        whose = _key(rooms, line, number)
        if rooms.store.taken(whose) is not None:
            await rooms.takeovers.give_back(whose, asked.how)
        elif not request.scope["again"]:
            raise Refusal("SB707", "nobody has taken this conversation over")
        return Owner(owner="")

    @api.post(f"{_PLACE}/reply", status_code=202, responses=answers("SB702"), summary="Write in it, as a person")
    async def reply(
        request: Request, line: LineName, number: Number, asked: Reply, key: Once = None,
        token: Token = asker("conversations:write"),
    ) -> Replied:  # fmt: skip
        """It leaves ahead of everything that waits."""
        whose = _key(rooms, line, number)
        if why := wrong_with(whose.number, asked.text):
            raise Refusal("SB704", why)
        made = await rooms.takeovers.say(
            whose, asked.text, token.by, identity=identity(request.scope), asked=request.scope["asked"]
        )
        status, why = outcome((await rooms.store.rows("outgoing", id=made.id))[0])
        return Replied(id=made.id, status=status, why=why)


def _key(rooms: Rooms, line: str, number: str) -> Key:
    ours = line_of(rooms.lines, line)
    return Key(ours.number, person(number, ours.country))


def _with_flow(rooms: Rooms, flow: str, line: str) -> str:
    """The line on which a flow begins; raises `Refusal`."""
    if line:
        line = line_of(rooms.lines, line).number
    found = [x for x in rooms.lines.values() if f"flow:{flow}" in x.table.events and line in ("", x.number)]
    if not found:
        known = sorted({name for x in rooms.lines.values() for name in x.versions.current.flows})
        raise Refusal(
            "SB704", f'there is no flow "{flow}"{f" on {line}" if line else ""}; there are {", ".join(known)}'
        )
    return found[0].number


async def _at_rest(rooms: Rooms, key: Key) -> bool:
    """Whether nothing is open in a conversation, or nothing is a moment later."""
    end = asyncio.get_running_loop().time() + _PATIENCE
    while rooms.store.taken(key) is not None or (await rooms.store.load(key)).run is not None:
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.02)
    return True


async def _take(rooms: Rooms, key: Key, who: str) -> str:
    has = await rooms.takeovers.take(key, who)
    if has != who:
        raise Refusal("SB707", f"{has} looks after this conversation")
    return has


async def _standing(rooms: Rooms, key: Key) -> Standing:
    view = await rooms.inspect(key)
    runs = await rooms.store.rows("runs_of", line=key.line, number=key.number, limit=20)
    taken = rooms.store.taken(key)
    if view is None and taken is None:
        raise Refusal("SB703", "there was never a conversation with this number on this line")
    open_ = view is not None and not view.end
    return Standing(
        line=key.line, number=key.number, open=open_, place=view.place if view else "", step=view.step if view else "",
        variables=dict(view.variables) if view and open_ else {}, due=iso(view.due) if view and view.due else None,
        owner=taken.owner if taken else "",
        runs=[
            Run(
                id=r["id"].lower(), bot=r["bot"], started_by=r["started_by"], started=iso(r["started"]),
                ended=iso(r["ended"]) if r["ended"] is not None else None, end=r["end_label"],
            )
            for r in runs
        ],
    )  # fmt: skip
