"""The templates of the pages: how times, icons and masked numbers are shown in them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import Response

from smsbot.core.clock import Clock
from smsbot.core.structs import struct
from smsbot.desk.users import User

from .spoken import WORDS, _said, in_templates
from .visible import Raw, visible

VISITOR: ContextVar[Visitor | None] = ContextVar("visitor", default=None)
"""Who asked for the page that is being made: its frame shows what they may."""
HERE = Path(__file__).parent


@struct
class Visitor:
    """Whoever asks for a page, and whether they can sign out."""

    user: User
    signed_in: bool
    place: str
    """The path of the page, if it can be asked for again."""

    def may(self, role: str) -> bool:
        """Whether a page for this role is shown to them."""
        return self.user.may(role)


def _may(role: str) -> bool:
    """Whether whoever asked for the page that is being made may what a role may."""
    visitor = VISITOR.get()
    return visitor is not None and visitor.may(role)


class Missing(Exception):
    """The page of something that is not there."""


class Templates:
    """Jinja2 with autoescape; an unknown name in a template is an error."""

    def __init__(self, clock: Clock, zone: tzinfo, **everywhere: Any) -> None:
        self._clock = clock
        self.zone = zone
        env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
            finalize=visible,
        )  # fmt: skip
        env.filters.update(raw=Raw, clock=self._clock_time, moment=self._moment, iso=self._iso)
        env.filters.update(
            said=_said, span=lambda seconds: WORDS.get().span(seconds),
            number=lambda n, digits=0: WORDS.get().number(n, digits),
            percent=lambda share, digits=0: WORDS.get().percent(share, digits),
        )  # fmt: skip
        env.globals.update({"zone": str(zone), "answers": {}, "visitor": VISITOR.get, "may": _may} | everywhere)
        env.globals.update(in_templates())
        self._env = env

    def response(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page."""
        return Response(self._env.get_template(template).render(**context), status, media_type="text/html")

    def _clock_time(self, at: float) -> str:
        """The time of day; with its date if that is not today."""
        return WORDS.get().clock(at, self._clock.now(), self.zone)

    def _moment(self, at: float) -> str:
        return datetime.fromtimestamp(at, self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def _iso(self, at: float) -> str:
        return datetime.fromtimestamp(at, self.zone).isoformat(timespec="milliseconds")
