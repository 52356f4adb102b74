"""Texts: sent to one or many, found, judged, and taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

import orjson
import pydantic
from fastapi import APIRouter, Query, Response
from starlette.requests import Request
from starlette.types import Scope

from smsbot.checks.texts import costs_of
from smsbot.core import codec, phone
from smsbot.core.clock import iso, moment
from smsbot.core.errors import UsageError
from smsbot.core.phone import mask
from smsbot.desk.finding import find
from smsbot.desk.listing import Listings, Wanted
from smsbot.desk.tokens import Token
from smsbot.desk.verdicts import plain
from smsbot.pipeline.sends import described, outcome
from smsbot.stores.base import Row

from .asking import Cursor, Limit, Once, asker, identity, sending_line
from .problems import Refusal, answers
from .rooms import Rooms
from .wishes import Reference, Send, terms_of, wishes_of

_HIDDEN = "(a code, hidden)"
_STORED = dict.fromkeys(("cancelled", "opted_out", "skipped"), "blocked") | dict.fromkeys(
    ("scheduled", "paused"), "queued"
)
"""The words of programs for what is kept in another."""
_STRICT = pydantic.ConfigDict(extra="forbid")


class Sent(pydantic.BaseModel):
    """A text, and how it stands."""

    id: str = pydantic.Field(examples=["692ae3f0c0ffee00c0ffee"])
    reference: str
    line: str
    to: str
    status: str = pydantic.Field(
        description="queued, scheduled, paused, opted_out, skipped, cancelled, or how far it has come since.",
        examples=["queued"],
    )
    why: str
    kind: str
    parts: int
    send_at: str | None = pydantic.Field(description="When it leaves, where that is not now.")


class Sending(pydantic.BaseModel):
    """What became of a request to send."""

    id: str = pydantic.Field(description="The request: its progress, and the way to stop it.")
    messages: list[Sent]


class Progress(pydantic.BaseModel):
    """How the texts of one request fare."""

    id: str
    total: int
    counts: dict[str, int] = pydantic.Field(examples=[{"delivered": 240, "scheduled": 260}])
    parts: int
    ends_at: str | None = pydantic.Field(description="When the last of those that wait leaves.")


class Cancelled(pydantic.BaseModel):
    """What was taken back."""

    cancelled: int


class Judged(pydantic.BaseModel):
    """A text, and the verdict on it."""

    id: str = ""
    reference: str = ""
    line: str = ""
    to: str = ""
    status: str = ""
    kind: str = ""
    parts: int = 0
    price: float | None = None
    currency: str = ""
    text: str | None = pydantic.Field(None, description="Only for messages:read; never of a code.")
    verdict: Literal[
        "delivered", "not_delivered", "expired", "on_its_way", "late", "unknown", "refused", "blocked", "held", "never"
    ]
    title: str = pydantic.Field(examples=["Delivered"])
    arrived: bool | None = pydantic.Field(description="Whether the person has it; null while nobody can know.")
    why: str
    say: str = pydantic.Field(description="The sentence for somebody who asks.")
    at: str | None
    path: list[dict[str, Any]]


class Message(pydantic.BaseModel):
    """A text in or out."""

    id: str
    direction: Literal["in", "out"]
    line: str
    number: str
    text: str
    at: str
    status: str
    kind: str
    reference: str = ""
    parts: int = 1


class Page(pydantic.BaseModel):
    """Some texts, the newest first."""

    messages: list[Message]
    next: int | None = pydantic.Field(description="The `cursor` of the page after; null at the end.")


class Template(pydantic.BaseModel):
    """A text that is sent by its name."""

    name: str
    line: str
    holes: list[str]
    texts: dict[str, str] = pydantic.Field(description="By language.")
    parts: int


class Templates(pydantic.BaseModel):
    """All of them."""

    templates: list[Template]


class Find(pydantic.BaseModel):
    """Whom or what a verdict is wanted on: a number, or what you called a text."""

    model_config = _STRICT
    to: str = pydantic.Field("", max_length=40, description="The person's number, or its last digits.")
    reference: Reference = ""


def router(rooms: Rooms) -> APIRouter:
    """The routes."""
    api = APIRouter(tags=["messages"])
    for add in (_sending, _listing, _following, _asking):
        add(api, rooms)
    return api


def _sending(api: APIRouter, rooms: Rooms) -> None:
    @api.post(
        "/messages", status_code=202, response_model=Sending, responses=answers("SB702", "SB707"),
        summary="Send a text to one or many",
    )  # fmt: skip
    async def send(request: Request, asked: Send, key: Once = None, token: Token = asker("messages:write")) -> Response:
        """Opted-out people get nothing, and the answer says so; what is wrong with one keeps all from leaving."""
        told = await sent_at_once(rooms, request.scope, asked)
        return Response(told, 202, media_type="application/json")  # it needs no second look


def _listing(api: APIRouter, rooms: Rooms) -> None:
    store, lines = rooms.store, rooms.lines
    listings = Listings(store)

    @api.get("/messages", responses=answers("SB702"), summary="Texts in and out, newest first")
    async def listing(
        token: Token = asker("messages:read"),
        direction: Literal["in", "out"] = "out",
        reference: Annotated[str, Query(max_length=200)] = "",
        request_id: Annotated[
            str, Query(alias="request", pattern="^([0-9a-f]{32})?$", description="The id of a request")
        ] = "",
        number: Annotated[str, Query(max_length=40)] = "",
        line: Annotated[str, Query(max_length=40)] = "",
        kind: Annotated[str, Query(max_length=20)] = "",
        status: Annotated[str, Query(max_length=20)] = "",
        since: Annotated[str, Query(max_length=40, description="ISO 8601")] = "",
        until: Annotated[str, Query(max_length=40, description="ISO 8601")] = "",
        cursor: Cursor = 0,
        limit: Limit = 50,
    ) -> Page:
        """By reference, by request or by number; else all of a line, a kind, a status and a time."""
        below = cursor or 2**62
        if reference:
            rows = [r for r in await store.rows("of_ref", ref=reference, limit=1000) if r["seq"] < below][: limit + 1]
        elif request_id:
            rows = await store.rows("of_request", event=bytes.fromhex(request_id), after=cursor, limit=limit + 1)
        elif number:
            whose = phone.normalise(number, lines.values()[0].country)
            rows = await store.rows(f"number_{direction}", number=whose, below=below, limit=limit + 1)
        else:
            ours = lines.find(line) if line else None
            wanted = Wanted(
                direction, _STORED.get(status, status), kind, ours.number if ours is not None else line,
                _moment(since, "since") or 0.0, _moment(until, "until") or float("inf"),
            )  # fmt: skip
            page = await listings.page(wanted, cursor, limit)
            places = codec.dumps([r["seq"] for r in page.rows])
            rows = await store.rows(f"rows_{direction}", places=places)
            return Page(messages=[_message(r) for r in rows], next=page.below or None)
        more = rows[limit - 1]["seq"] if len(rows) > limit else None
        return Page(messages=[_message(r) for r in rows[:limit]], next=more)


def _following(api: APIRouter, rooms: Rooms) -> None:
    @api.get("/messages/{id}", responses=answers("SB702"), summary="What became of a text")
    async def message(id: str, token: Token = asker("messages:status")) -> Judged:
        """The verdict on it, with the path that it took."""
        row = await _row(rooms, id)
        return _judged(row, await _verdict(rooms, row), token)

    @api.post("/messages/{id}/cancel", responses=answers("SB702", "SB707"), summary="Take a text back")
    async def cancel(id: str, key: Once = None, token: Token = asker("messages:write")) -> Sent:
        """Only what has not left; what has is 409."""
        row = await _row(rooms, id)
        if not await rooms.sends.cancel([row], token.by):
            now = await _row(rooms, id)
            if outcome(now)[0] != "cancelled":
                raise Refusal("SB707", f"it cannot be taken back: it is {outcome(now)[0]}")
        return _sent(await _row(rooms, id))

    @api.get("/requests/{id}", responses=answers("SB702"), summary="How the texts of a request fare")
    async def progress(id: str, token: Token = asker("messages:status")) -> Progress:
        """Counted as they stand now."""
        return await _progress(rooms, id)

    @api.post("/requests/{id}/cancel", responses=answers("SB702"), summary="Stop a request half way")
    async def stop(request: Request, id: str, key: Once = None, token: Token = asker("messages:write")) -> Cancelled:
        """Every text of it that has not left is taken back."""
        await _progress(rooms, id)
        done = await rooms.sends.cancel_request(bytes.fromhex(id), token.by)
        return Cancelled(cancelled=await _cancelled(rooms, id) if request.scope["again"] else done)


def _asking(api: APIRouter, rooms: Rooms) -> None:
    store, lines = rooms.store, rooms.lines

    @api.get("/templates", responses=answers("SB702"), summary="Texts that are sent by a name")
    async def templates(token: Token = asker("messages:write")) -> Templates:
        """Those that lie with the flows of each line, with their holes and what each costs with short values."""
        return Templates(
            templates=[
                Template(
                    name=text.name, line=x.number, holes=list(text.holes),
                    texts={lang or (x.language or ""): t.source for lang, t in text.says.items()},
                    parts=max(cost.segments for cost in costs_of(text)),
                )
                for x in lines.values() for text in x.versions.current.texts.values()
            ]
        )  # fmt: skip

    @api.post("/find", responses=answers("SB702"), summary="Did it reach them?")
    async def look(request: Request, asked: Find, token: Token = asker("messages:status")) -> Judged:
        """The verdict on what was requested last for a number, or on a text by your reference."""
        request.scope["forgotten"] = True  # it changes, and holds what a person may have forgotten
        if bool(asked.to) is bool(asked.reference):
            raise Refusal("SB704", "give either to or reference")
        meant = await find(store, asked.to or asked.reference, [x.country for x in lines.values()])
        if meant.several:
            raise Refusal("SB704", f"{len(meant.several)} numbers or more end so; give more digits")
        if not meant.number or (asked.reference and meant.text is None):
            raise Refusal("SB703", "neither a number nor a reference that is known")
        if meant.text is not None:
            return _judged(meant.text, await _verdict(rooms, meant.text), token)
        return Judged(**plain(await rooms.histories.of_person(meant.number, rooms.clock.now())))


async def sent_at_once(rooms: Rooms, scope: Scope, asked: Send) -> bytes:
    """Send what was asked for; the answer as JSON. Raises `Refusal`."""
    token, line = scope["asker"], sending_line(rooms.sends, asked.line)
    wishes = await wishes_of(rooms, line, asked)
    mark, once = identity(scope), list(dict.fromkeys(wishes))
    rows = await rooms.sends.send(line, once, terms_of(asked, token.by), identity=mark, asked=scope["asked"])
    kept = dict(zip(once, rows, strict=True))
    return orjson.dumps({"id": mark.hex(), "messages": [_told(kept[wish]) for wish in wishes]})


def shortcut(rooms: Rooms) -> Callable[[Scope, bytes], Awaitable[bytes | None]]:
    """`POST /messages` without what FastAPI does for a route: it is asked more often than all others together.

    None where anything is wrong, or may not be: the route itself says what.
    """

    async def send(scope: Scope, body: bytes) -> bytes | None:
        if not scope["asker"].may("messages:write"):
            return None
        try:
            return await sent_at_once(rooms, scope, Send.model_validate_json(body))
        except (pydantic.ValidationError, Refusal, UsageError):
            return None

    return send


def _moment(written: str, field: str) -> float | None:
    found = moment(written) if written else None
    if written and found is None:
        raise Refusal("SB704", f"{field} is no time", errors=[{"field": field, "reason": "is no time; write ISO 8601"}])
    return found


async def _row(rooms: Rooms, identity: str) -> Row:
    rows = await rooms.store.rows("outgoing", id=identity)
    if not rows or not rows[0]["number"]:
        raise Refusal("SB703", "there is no such message")
    return rows[0]


async def _verdict(rooms: Rooms, row: Row) -> Mapping[str, Any]:
    return plain(await rooms.histories.of_text(row, rooms.clock.now()))


async def _cancelled(rooms: Rooms, identity: str) -> int:
    rows = await rooms.store.rows("request_counts", event=bytes.fromhex(identity))
    return sum(row["n"] for row in rows if row["word"] == "cancelled")


async def _progress(rooms: Rooms, identity: str) -> Progress:
    event = bytes.fromhex(identity) if len(identity) == 32 and set(identity) <= set("0123456789abcdef") else b""
    rows = await rooms.store.rows("request_counts", event=event)
    if not event or not rows:
        raise Refusal("SB703", "there is no such request")
    counts: dict[str, int] = {}
    for row in rows:
        word = "paused" if row["phase"] == "held" else row["word"]
        counts[word] = counts.get(word, 0) + row["n"]
    waits = [row["due"] for row in rows if row["phase"] == "queue"]
    return Progress(
        id=identity, total=sum(counts.values()), counts=counts, parts=sum(r["parts"] for r in rows),
        ends_at=iso(max(waits)) if waits else None,
    )  # fmt: skip


def _sent(row: Row) -> Sent:
    return Sent(**_told(row))


def _told(row: Row) -> dict[str, Any]:
    later = row["due"] > row["created"] and row["phase"] is not None
    return described(row) | {"send_at": iso(row["due"]) if later else None}


def _judged(row: Row, verdict: Mapping[str, Any], token: Token) -> Judged:
    """A text and the verdict on it. A token that may only ask need not read."""
    reads = token.may("messages:read")
    told = {"id": row["id"], "reference": row["ref"], "line": row["line"], "status": row["status"]}
    told |= {"to": row["number"] if reads else mask(row["number"]), "kind": row["kind"] or row["lane"]}
    told |= {"price": row["price"], "currency": row["currency"], "parts": row["parts"]}
    return Judged(**told, text=(_HIDDEN if row["kind"] == "code" else row["text"]) if reads else None, **verdict)


def _message(row: Row) -> Message:
    if "status" not in row:
        return Message(
            id=row["id"].lower(), direction="in", line=row["line"], number=row["number"], text=row["text"],
            at=iso(row["at"]), status="received", kind=row["kind"],
        )  # fmt: skip
    return Message(
        id=row["id"], direction="out", line=row["line"], number=row["number"], at=iso(row["created"]),
        text=_HIDDEN if row["kind"] == "code" else row["text"], status=outcome(row)[0], kind=row["kind"] or row["lane"],
        reference=row["ref"], parts=row["parts"],
    )  # fmt: skip
