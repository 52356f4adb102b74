"""What a program wants sent: the shape of it, and the texts that it comes to, or everything that is wrong with them."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Annotated, Literal

import pydantic

from smsbot.core import codec, phone, zones
from smsbot.core.clock import duration
from smsbot.core.errors import UsageError
from smsbot.core.lanes import BULK
from smsbot.pipeline.sends import MOST, Terms, Wish, wrong_with
from smsbot.turns.lines import Line

from .problems import Refusal
from .rooms import Rooms

Text = Annotated[str, pydantic.Field(min_length=1, max_length=1600, examples=["Your order 1001 is on its way."])]
To = Annotated[str, pydantic.Field(min_length=1, max_length=40, examples=["+48600100200"])]
Reference = Annotated[
    str, pydantic.Field(max_length=200, description="What you call it; find it by that.", examples=["order-1001"])
]
_FEW = 20
"""Recipients of one text that are no bulk yet."""
_STRICT = pydantic.ConfigDict(extra="forbid")
_FAR = 366 * 86_400.0
"""Seconds until which a text may be put off."""
Values = Annotated[
    dict[str, str | int | float], pydantic.Field(max_length=50, description="For holes of the template.")
]


class Recipient(pydantic.BaseModel):
    """One of many, with what is their own."""

    model_config = _STRICT
    to: To
    reference: Reference = ""
    values: dict[str, str | int | float] = pydantic.Field(
        default_factory=dict, description="For holes of the template."
    )


class Send(pydantic.BaseModel):
    """A text to somebody, or to as many as a thousand."""

    model_config = _STRICT
    to: To | Annotated[list[To | Recipient], pydantic.Field(min_length=1, max_length=MOST)]
    text: Text | None = pydantic.Field(None, description="What it says; else a template.")
    template: str | None = pydantic.Field(
        None, max_length=60, description="The name of a text that lies with the flows."
    )
    values: dict[str, str | int | float] = pydantic.Field(
        default_factory=dict, description="For holes of the template."
    )
    language: str = pydantic.Field("", pattern="^([a-z]{2})?$", description="Of a template; by default the person's.")
    line: str = pydantic.Field("", max_length=40, description="Which of our lines; by default the first.")
    kind: Literal["notice", "code", "bulk", "reply"] = pydantic.Field(
        "notice", description="What it is for; a code is hidden from everybody but its reader."
    )
    lane: Literal["", "priority", "reply", "notice", "bulk"] = pydantic.Field(
        "", description="How urgent it is; by default as its kind is, and to more than twenty people it is bulk."
    )
    reference: Reference = ""
    send_at: str | None = pydantic.Field(
        None, max_length=40, examples=["2026-12-24T09:00"],
        description="When, ISO 8601; by default now. Without an offset it is the time of `zone`.",
    )  # fmt: skip
    zone: str = pydantic.Field(
        "", max_length=60, examples=["Europe/Warsaw"],
        description="An IANA time zone; by default that of each recipient, as far as it is known, else of the line.",
    )  # fmt: skip
    valid: str = pydantic.Field("", max_length=20, description="How long it is worth sending.", examples=["4h"])
    media: str = pydantic.Field(
        "", max_length=2000, description="The address of a picture, where the gateway takes it."
    )
    flash: bool = pydantic.Field(False, description="Shown at once and not kept.")
    rate: float = pydantic.Field(
        0.0, ge=0.0, le=1000.0, description="Of many, so many leave in a second, at least 0.01; 0: as fast as it goes."
    )

    @pydantic.field_validator("rate")
    @classmethod
    def _not_never(cls, value: float) -> float:
        if 0 < value < 0.01:
            raise ValueError("one in a hundred seconds is the slowest")
        return value

    @pydantic.field_validator("media")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("the address of a picture begins with https://")
        return value


async def wishes_of(rooms: Rooms, line: Line, asked: Send) -> list[Wish]:
    """The texts that are wanted; raises `Refusal` with everything that is wrong."""
    if (asked.text is None) is (asked.template is None):
        raise Refusal("SB704", "give either text or template")
    given = [asked.to] if isinstance(asked.to, str) else asked.to
    wrong: list[dict[str, str]] = []
    wishes: list[Wish] = []
    known: dict[tuple[str, str, str], Wish] = {}
    if asked.zone and zones.zone(asked.zone) is None:
        raise _refusal("zone", f"there is no time zone {asked.zone}")
    first = await _due(rooms, line, asked, "") if asked.send_at and asked.zone else None
    for n, each in enumerate(given):
        own = each if isinstance(each, Recipient) else Recipient(to=each)
        number = phone.asked(own.to, line.country)
        try:
            text = await _words(rooms, line, asked, own, number)
        except UsageError as error:
            place = "template" if "no text" in error.args[0] else "values"
            wrong.append({"field": place, "reason": error.args[0]})
            continue
        why = wrong_with(number, text)
        if why:
            place = "text" if phone.can_receive(number) else "to" if isinstance(asked.to, str) else f"to.{n}"
            wrong.append({"field": place, "reason": why})
            continue
        due = first if first is not None or not asked.send_at else await _due(rooms, line, asked, number)
        if asked.rate:
            due = (due or rooms.clock.now()) + n / asked.rate
        wish = Wish(number, text, own.reference or asked.reference, due)
        wishes.append(known.setdefault((number, text, wish.ref), wish))  # who stands twice gets it once
    if wrong:
        listed = list({(w["field"], w["reason"]): w for w in wrong}.values())
        raise Refusal("SB704", f"{listed[0]['field']}: {listed[0]['reason']}", errors=listed)
    return wishes


async def _words(rooms: Rooms, line: Line, asked: Send, own: Recipient, number: str) -> str:
    """What somebody is told; raises `UsageError`."""
    if asked.template is None:
        return asked.text or ""
    rows = await rooms.store.rows("person_fields", number=number)
    language = next((codec.loads(r["value"]) for r in rows if r["name"] == "language"), None)
    return line.text(asked.template, asked.language or language, {**asked.values, **own.values})


async def _due(rooms: Rooms, line: Line, asked: Send, number: str) -> float:
    """When a text is to leave."""
    try:
        when = datetime.fromisoformat(asked.send_at or "")
        if when.tzinfo is None:
            when = when.replace(tzinfo=await _zone(rooms, line, asked.zone, number))
        moment = when.timestamp()
    except (ValueError, OverflowError):
        raise _refusal("send_at", "write it as 2026-12-24T09:00, or with +01:00 behind it") from None
    if moment > rooms.clock.now() + _FAR:
        raise _refusal("send_at", "a year ahead is the latest")
    return moment


async def _zone(rooms: Rooms, line: Line, named: str, number: str) -> tzinfo:
    if named and (found := zones.zone(named)) is not None:
        return found
    rows = await rooms.store.rows("person_fields", number=number)
    return zones.zone_of({r["name"]: codec.loads(r["value"]) for r in rows}, line.timezone)


def _refusal(field: str, reason: str) -> Refusal:
    return Refusal("SB704", f"{field}: {reason}", errors=[{"field": field, "reason": reason}])


def terms_of(asked: Send, by: str) -> Terms:
    """What holds for all that is asked for; raises `Refusal`."""
    many = not isinstance(asked.to, str) and len(asked.to) > _FEW and asked.kind != "code"
    return Terms(
        asked.kind, life(asked.valid), flash=asked.flash, media=asked.media, by=by,
        lane=asked.lane or (BULK if many else ""),
    )  # fmt: skip


def life(valid: str) -> float:
    """The seconds of a duration; 0 where none is given. Raises `Refusal`."""
    try:
        return duration(valid) if valid else 0.0
    except UsageError as error:
        raise Refusal("SB704", error.args[0], errors=[{"field": "valid", "reason": error.args[0]}]) from None
