"""What an API answers when something is wrong: problem details (RFC 9457), each with a page that says what helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pydantic

from smsbot.core.problems import PROBLEMS

JSON = "application/problem+json"


class Wrong(pydantic.BaseModel):
    """One thing that is wrong with what was sent."""

    field: str = pydantic.Field(description="Where, such as to.3", examples=["to.3"])
    reason: str = pydantic.Field(description="Why", examples=["is not a phone number; write it as +48600100200"])


class Problem(pydantic.BaseModel):
    """What is wrong, for people and for programs (RFC 9457)."""

    type: str = pydantic.Field(description="A page that says more", examples=["https://sms.example.com/explain/SB704"])
    code: str = pydantic.Field(description="The same code for `smsbot explain`", examples=["SB704"])
    title: str = pydantic.Field(examples=["it cannot be taken"])
    status: int = pydantic.Field(examples=[422])
    detail: str = pydantic.Field(examples=["2 things are wrong"])
    errors: list[Wrong] = pydantic.Field(default_factory=list, description="Every problem, with its place")


class Refusal(Exception):
    """An answer that is a problem."""

    def __init__(self, code: str, detail: str, *, errors: list[dict[str, str]] | None = None, wait: int = 0) -> None:
        super().__init__(detail)
        self.code, self.detail, self.errors, self.wait = code, detail, errors or [], wait

    @property
    def status(self) -> int:
        """The HTTP status."""
        return PROBLEMS[self.code][0]

    def body(self, base: str) -> bytes:
        """The problem as JSON; `base` is where the pages are."""
        status, title, _ = PROBLEMS[self.code]
        told: dict[str, Any] = {
            "type": f"{base}/explain/{self.code}", "code": self.code, "title": title, "status": status,
            "detail": self.detail, "errors": self.errors,
        }  # fmt: skip
        return orjson.dumps(told)

    @property
    def headers(self) -> Mapping[str, str]:
        """What stands above it."""
        more = {"retry-after": str(self.wait)} if self.wait else {}
        return {"www-authenticate": "Bearer", **more} if self.status == 401 else more


_EVERYWHERE = ("SB700", "SB701", "SB703", "SB704", "SB705", "SB707", "SB708", "SB709")


def answers(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for its description; those that every route has are among them."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in sorted({*_EVERYWHERE, *codes}):
        status, title, _ = PROBLEMS[code]
        known = found.get(status)
        words = f"{known['description']}; {title} ({code})" if known else f"{title} ({code})"
        found[status] = {"description": words, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return found
