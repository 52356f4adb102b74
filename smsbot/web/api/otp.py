"""One-time codes: sent, and what the customer typed is checked. The code itself is told to nobody."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from fastapi import APIRouter
from starlette.requests import Request

from smsbot.core.clock import duration, iso
from smsbot.core.errors import UsageError
from smsbot.core.otp import FEWEST, MOST, RESENDS, TRIES, Wanted
from smsbot.desk.tokens import Token
from smsbot.pipeline.sends import Wish

from .asking import Once, asker, identity, person, sending_line
from .problems import Refusal, answers
from .rooms import Rooms

_STRICT = pydantic.ConfigDict(extra="forbid")
To = Annotated[str, pydantic.Field(min_length=1, max_length=40, examples=["+48600100200"])]
Purpose = Annotated[
    str,
    pydantic.Field(pattern=r"^[\w. -]{0,40}$", description="What it is for; a code is of one.", examples=["sign-in"]),
]


class Send(pydantic.BaseModel):
    """A code for somebody."""

    model_config = _STRICT
    to: To
    text: str = pydantic.Field(
        "Your code is {code}", min_length=6, max_length=400, description="With {code} where the code stands."
    )
    purpose: Purpose = ""
    line: str = pydantic.Field("", max_length=40, description="By default the first.")
    digits: int = pydantic.Field(6, ge=FEWEST, le=MOST)
    valid: str = pydantic.Field("5m", max_length=20, description="How long it may be typed, up to an hour.")
    tries: int = pydantic.Field(TRIES, ge=1, le=10, description="Wrong ones until it is void.")
    resends: int = pydantic.Field(RESENDS, ge=0, le=5, description="How often the same code may be sent again.")
    domain: str = pydantic.Field(
        "", pattern=r"^([a-z0-9-]+\.)*[a-z0-9-]*$", max_length=100, description="Of the site that may fill it in."
    )


class Sent(pydantic.BaseModel):
    """What became of it."""

    status: str = pydantic.Field(description="sending, queued, paused, opted_out …, or too_many")
    id: str
    message: str = pydantic.Field(description="The text: GET /messages/ID says whether it arrived.")
    expires_at: str | None
    resends_left: int
    why: str


class Check(pydantic.BaseModel):
    """What somebody typed."""

    model_config = _STRICT
    to: To
    code: str = pydantic.Field(max_length=40, examples=["123456"])
    purpose: Purpose = ""


class Checked(pydantic.BaseModel):
    """Whether it is the code."""

    result: Literal["valid", "wrong", "expired", "too_many"]
    tries_left: int


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["one-time codes"])

    @api.post("/otp", status_code=202, responses=answers("SB702"), summary="Send a one-time code")
    async def send(request: Request, asked: Send, key: Once = None, token: Token = asker("otp:write")) -> Sent:
        """While one may still be typed for this purpose, the same is sent again, at most every twenty seconds."""
        line = sending_line(rooms.sends, asked.line)
        wish = Wish(person(asked.to, line.country), asked.text)
        wanted = Wanted(
            asked.purpose, asked.digits, _life(asked.valid), asked.tries, asked.resends, asked.domain
        )  # fmt: skip
        done = await rooms.codes.send(
            line, wish, wanted, token.by, identity=identity(request.scope), at=request.scope["asked"]
        )  # fmt: skip
        return Sent(
            status=done.status, id=done.id, message=done.message, resends_left=done.resends, why=done.why,
            expires_at=iso(done.expires) if done.expires else None,
        )  # fmt: skip

    @api.post("/otp/check", responses=answers("SB702"), summary="Check what somebody typed")
    async def check(request: Request, asked: Check, key: Once = None, token: Token = asker("otp:write")) -> Checked:
        """A right one is used up; a wrong one takes a try."""
        country = rooms.lines.values()[0].country
        done = await rooms.codes.check(person(asked.to, country), asked.purpose, asked.code)
        return Checked.model_validate({"result": done.result, "tries_left": done.left})

    return api


def _life(valid: str) -> float:
    try:
        found = duration(valid)
    except UsageError as error:
        raise Refusal("SB704", error.args[0], errors=[{"field": "valid", "reason": error.args[0]}]) from None
    if not 30.0 <= found <= 3600.0:
        reason = "a code may be typed for 30 seconds to an hour"
        raise Refusal("SB704", f"valid: {reason}", errors=[{"field": "valid", "reason": reason}])
    return found
