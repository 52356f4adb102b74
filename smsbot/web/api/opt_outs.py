"""Who gets nothing: listed, added, and taken off with a proof."""

from __future__ import annotations

from math import inf, nextafter
from typing import Annotated

import pydantic
from fastapi import APIRouter, Query
from starlette.requests import Request

from smsbot.core import phone
from smsbot.core.clock import iso
from smsbot.desk.tokens import Token

from .asking import Limit, Number, Once, asker, person
from .problems import Refusal, answers
from .rooms import Rooms

Proof = Annotated[
    str,
    pydantic.Field(min_length=3, max_length=200, description="How you know; it is kept.", examples=["form of 3 May"]),
]
_STRICT = pydantic.ConfigDict(extra="forbid")


class OptOut(pydantic.BaseModel):
    """Somebody who gets nothing."""

    number: str
    since: str
    text: str | None = pydantic.Field(description="Their own words, where they said it.")
    source: str | None
    line: str | None


class OptOuts(pydantic.BaseModel):
    """Some of them, the latest first."""

    opt_outs: list[OptOut]
    next: str | None = pydantic.Field(description="The `before` of the page after; null at the end.")


class Add(pydantic.BaseModel):
    """People who are to get nothing."""

    model_config = _STRICT
    numbers: Annotated[
        list[Annotated[str, pydantic.Field(max_length=40)]], pydantic.Field(min_length=1, max_length=1000)
    ]
    proof: Proof


class Added(pydantic.BaseModel):
    """How many of them got texts before."""

    opted_out: int


class Remove(pydantic.BaseModel):
    """The proof that somebody wants texts again."""

    model_config = _STRICT
    proof: Proof


class Removed(pydantic.BaseModel):
    """Whether they had opted out."""

    opted_in: bool


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api, country = APIRouter(tags=["opt-outs"]), rooms.lines.values()[0].country

    @api.get("/opt-outs", responses=answers("SB702"), summary="Who gets nothing")
    async def listing(
        before: Annotated[float, Query(description="`next` of the page before")] = 9e15, limit: Limit = 100,
        token: Token = asker("opt-outs:read"),
    ) -> OptOuts:  # fmt: skip
        """The latest first; what came at one moment is on one page."""
        rows = await rooms.store.rows("opt_outs", before=before, limit=limit + 1)
        if len(rows) > limit and rows[0]["at"] == rows[limit]["at"]:  # a list that was read in: all of one moment
            rows = [
                r
                for r in await rooms.store.rows("opt_outs", before=before, limit=1_000_000)
                if r["at"] == rows[0]["at"]
            ]
            following = await rooms.store.rows("opt_outs", before=nextafter(rows[0]["at"], -inf), limit=1)
            return OptOuts(opt_outs=[_opt_out(r) for r in rows], next=repr(following[0]["at"]) if following else None)
        more = len(rows) > limit
        last = rows[limit]["at"] if more else None
        return OptOuts(
            opt_outs=[_opt_out(r) for r in rows if r["at"] != last], next=repr(last) if last is not None else None
        )

    @api.post("/opt-outs", responses=answers("SB702", "SB707"), summary="Opt people out")
    async def add(request: Request, asked: Add, key: Once = None, token: Token = asker("opt-outs:write")) -> Added:
        """Nothing is sent to them from now on; a wrong number keeps all from being added."""
        found = [phone.asked(n, country) for n in asked.numbers]
        wrong = [
            {"field": f"numbers.{n}", "reason": "is not a phone number; write it as +48600100200"}
            for n, number in enumerate(found) if not phone.can_receive(number)
        ]  # fmt: skip
        if wrong:
            raise Refusal("SB704", f"{len(wrong)} of them are no numbers", errors=wrong)
        proof = f"{token.by}: {asked.proof}"
        done = await rooms.people.opt_out(found, proof)
        again = (
            [await _decided(rooms, n, "optout", proof, request) for n in set(found)] if request.scope["again"] else []
        )
        return Added(opted_out=sum(again) or done)

    @api.post("/opt-outs/{number}/remove", responses=answers("SB702"), summary="Let somebody get texts again")
    async def remove(
        request: Request, number: Number, asked: Remove, key: Once = None, token: Token = asker("opt-outs:write")
    ) -> Removed:  # fmt: skip
        """Only with a proof, which is kept."""
        whose, proof = person(number, country), f"{token.by}: {asked.proof}"
        done = await rooms.people.opt_in(whose, proof)
        return Removed(
            opted_in=done or (request.scope["again"] and await _decided(rooms, whose, "optin", proof, request))
        )

    return api


async def _decided(rooms: Rooms, number: str, action: str, proof: str, request: Request) -> bool:
    """Whether this very request decided it, whose answer was lost."""
    last = (await rooms.store.rows("ledger", number=number))[:1]
    return any((r["action"], r["source"]) == (action, proof) and r["at"] >= request.scope["asked"] for r in last)


def _opt_out(row: dict[str, object]) -> OptOut:
    at = row["at"]
    assert isinstance(at, float)
    return OptOut.model_validate({**{k: row[k] for k in ("number", "text", "source", "line")}, "since": iso(at)})
