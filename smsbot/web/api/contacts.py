"""What is known of a person: fields, language and zone; exported, and forgotten."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from fastapi import APIRouter

from smsbot.core import codec, zones
from smsbot.core.clock import iso
from smsbot.core.errors import UsageError
from smsbot.desk.tokens import Token
from smsbot.pipeline.people import known

from .asking import Number, asker, person
from .problems import Refusal, answers
from .rooms import Rooms

Plain = str | int | float | bool | None
_MOST = 100


class Contact(pydantic.BaseModel):
    """A person, on every line."""

    number: str
    fields: dict[str, Any]
    language: str | None
    timezone: str | None
    opted_out: bool
    opted_out_since: str | None


class Change(pydantic.BaseModel):
    """Fields to set; null removes one."""

    model_config = pydantic.ConfigDict(extra="forbid")
    fields: dict[
        Annotated[str, pydantic.Field(pattern="^[A-Za-z_][A-Za-z0-9_]{0,59}$")], Annotated[Plain, pydantic.Field()]
    ] = pydantic.Field(default_factory=dict, max_length=_MOST, examples=[{"name": "Ann", "vip": True}])
    language: str | None = pydantic.Field(None, pattern="^[a-z]{2}$", description="ISO 639-1", examples=["pl"])
    timezone: str | None = pydantic.Field(None, max_length=60, description="IANA", examples=["Europe/Warsaw"])


class Erased(pydantic.BaseModel):
    """How many texts of them there were."""

    texts_in: int
    texts_out: int


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api, country = APIRouter(tags=["contacts"]), rooms.lines.values()[0].country

    @api.get("/contacts/{number}", responses=answers("SB702"), summary="What is known of a person")
    async def read(number: Number, token: Token = asker("contacts:read")) -> Contact:
        """Their fields, and whether they get texts; nothing known is not an error."""
        return await _contact(rooms, person(number, country))

    @api.patch("/contacts/{number}", responses=answers("SB702"), summary="Change what is known of a person")
    async def change(number: Number, asked: Change, token: Token = asker("contacts:write")) -> Contact:
        """Fields that are not named stay as they are; handlers and flows find them as `contact`."""
        whose = person(number, country)
        if asked.timezone and zones.zone(asked.timezone) is None:
            reason = f"there is no time zone {asked.timezone}"
            raise Refusal("SB704", f"timezone: {reason}", errors=[{"field": "timezone", "reason": reason}])
        more: dict[str, Plain] = {
            name: getattr(asked, name) for name in ("language", "timezone") if name in asked.model_fields_set
        }
        if wrong := {"language", "timezone"} & asked.fields.keys():
            raise Refusal("SB704", f"{min(wrong)} stands beside fields, not in them")
        wanted: dict[str, Plain] = {**asked.fields, **more}
        changes = {name: None if v is None else codec.dumps(v) for name, v in wanted.items()}
        if changes:
            await rooms.store.contact(whose, changes)
        return await _contact(rooms, whose)

    @api.get("/contacts/{number}/export", responses=answers("SB702"), summary="Everything that is known of a person")
    async def export(number: Number, token: Token = asker("contacts:read")) -> dict[str, Any]:
        """Texts, reports, conversations, consent and notes, as a person may ask for them; never a code."""
        try:
            return await known(rooms.store, person(number, country), rooms.clock.now())
        except UsageError as error:
            raise Refusal("SB703", error.args[0]) from None

    @api.delete("/contacts/{number}", responses=answers("SB702", "SB707"), summary="Forget a person")
    async def erase(number: Number, token: Token = asker("contacts:erase")) -> Erased:
        """Not what they decided about texts: who opted out stays opted out."""
        whose = person(number, country)
        try:
            await known(rooms.store, whose, rooms.clock.now())
        except UsageError as error:
            raise Refusal("SB703", error.args[0]) from None
        try:
            return Erased(**await rooms.people.erase(whose))
        except UsageError as error:
            raise Refusal("SB707", error.args[0]) from None

    return api


async def _contact(rooms: Rooms, number: str) -> Contact:
    fields = {r["name"]: _told(codec.loads(r["value"])) for r in await rooms.store.rows("person_fields", number=number)}
    stops = await rooms.store.rows("suppressed", number=number)
    language, timezone = fields.pop("language", None), fields.pop("timezone", None)
    return Contact(
        number=number, fields=fields, language=language if isinstance(language, str) else None,
        timezone=timezone if isinstance(timezone, str) else None, opted_out=bool(stops),
        opted_out_since=iso(stops[0]["at"]) if stops else None,
    )  # fmt: skip


def _told(value: Any) -> Any:
    """A field as JSON; what JSON has not, as it is written."""
    return value if isinstance(value, Plain | list | dict) else str(value)
