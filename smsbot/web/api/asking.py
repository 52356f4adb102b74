"""What routes know of who asks: the token with its scopes, the identity of the request, the person that is meant."""

from __future__ import annotations

import itertools
import secrets
from typing import Annotated, Any

from fastapi import Header, Path, Query, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase
from starlette.requests import Request
from starlette.types import Scope

from smsbot.core import phone
from smsbot.core.commit import digest
from smsbot.core.errors import UsageError
from smsbot.desk.tokens import Token
from smsbot.pipeline.sends import Sends
from smsbot.turns.lines import Line, Lines

from .problems import Refusal


class _Asker(SecurityBase):
    """The token that asks, once it has the scopes that are needed; the front has looked whose it is."""

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A token of the API page, or of `smsbot token add`.")
        self.scheme_name = "token"

    async def __call__(self, needed: SecurityScopes, request: Request) -> Token:
        token: Token = request.scope["asker"]
        for scope in needed.scopes:
            if not token.may(scope):
                raise Refusal("SB702", f"the token {token.name} has not the scope {scope}")
        return token


_ASKER = _Asker()
_SEED = secrets.token_bytes(32)
_counted = itertools.count()


def asker(*scopes: str) -> Any:
    """The token that asks, with these scopes."""
    return Security(_ASKER, scopes=list(scopes))


def identity(scope: Scope) -> bytes:
    """What names the effect of this request: the same for the same Idempotency-Key."""
    return scope["identity"] or digest(b"%d" % next(_counted), key=_SEED)  # the system's own costs more


Once = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, min_length=1,
           description="The same key and body: one effect, one answer.", examples=["order-1001-shipped"]),
]  # fmt: skip
Number = Annotated[str, Path(max_length=40, description="A person's number", examples=["+48600100200"])]
LineName = Annotated[str, Path(max_length=40, description="One of our lines", examples=["+48732000111"])]
Cursor = Annotated[int, Query(ge=0, lt=2**62, description="What `next` of the page before says")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most")]


def line_of(lines: Lines, called: str) -> Line:
    """The line of a name; raises `Refusal`."""
    found = lines.find(called)
    if found is None:
        raise Refusal(
            "SB703", f"{called[:40]} is none of our lines; there are {', '.join(x.number for x in lines.values())}"
        )
    return found


def sending_line(sends: Sends, called: str) -> Line:
    """The line that a body names, the first of all where it names none; raises `Refusal`."""
    try:
        return sends.line(called)
    except UsageError as error:
        raise Refusal("SB704", error.args[0], errors=[{"field": "line", "reason": error.args[0]}]) from None


def person(number: str, country: str | None) -> str:
    """A number in E.164 spelling, or a short code; raises `Refusal`."""
    found = phone.asked(number, country)
    if not phone.can_receive(found):
        raise Refusal("SB704", "this is not a phone number; write it as +48600100200", errors=[
            {"field": "number", "reason": "is not a phone number; write it as +48600100200"}])  # fmt: skip
    return found
