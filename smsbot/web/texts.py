"""All texts, by way, status, kind, line and time; the address holds the choice, and nothing of any person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from smsbot.core.status import Status
from smsbot.desk.listing import Listings, Wanted
from smsbot.desk.people import KINDS
from smsbot.desk.words import N_
from smsbot.stores.base import Tables
from smsbot.turns.lines import Lines

from .acts import Look
from .find import shown
from .templates import Templates

_PAGE = 50
STATUSES: Mapping[str, Mapping[str, str]] = {
    "out": {s.value: s.value for s in Status},
    "in": {"failed": N_("failed turns"), "waiting": N_("waiting to be answered")},
}
"""What can be asked for, by the way that texts go."""
_IN: Mapping[str, str] = {
    "text": N_("Texts"),
    "media": N_("Pictures"),
    "optout": N_("Opt-outs"),
    "optin": N_("Opt-ins"),
    "reaction": N_("Reactions"),
}


class TextPages:
    """One page."""

    def __init__(self, tables: Tables, *, lines: Lines, templates: Templates) -> None:
        self._listings = Listings(tables)
        self._lines = lines
        self._templates = templates

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [Look("/texts", self.texts)]

    async def texts(self, request: Request) -> Response:
        """Those that are asked for, the newest first."""
        asked = {k: v[:40] for k, v in request.query_params.items()}
        way = "in" if asked.get("way") == "in" else "out"
        kinds = _IN if way == "in" else KINDS
        chosen = {
            "way": way,
            "status": asked.get("status", "") if asked.get("status") in STATUSES[way] else "",
            "kind": asked.get("kind", "") if asked.get("kind") in kinds else "",
            "line": self._line(asked.get("line", "")),
            "since": asked.get("since", ""), "until": asked.get("until", ""),
        }  # fmt: skip
        since, until = self._day(chosen["since"]), self._day(chosen["until"], after=1)
        wrong = [name for name, at in (("since", since), ("until", until)) if chosen[name] and at is None]
        most = float("inf") if until is None else until
        wanted = Wanted(way, chosen["status"], chosen["kind"], chosen["line"], since or 0.0, most)
        below = asked.get("below", "")
        page = await self._listings.page(wanted, int(below) if _is_place(below) else 0, _PAGE)
        kept = {k: v for k, v in chosen.items() if v}
        return self._templates.response(
            "texts.html", 422 if wrong else 200, chosen=chosen, statuses=STATUSES[way], kinds=kinds, wrong=wrong,
            lines=[x.number for x in self._lines.values()], rows=[shown(r) for r in page.rows], back_to=page.back_to,
            older=urlencode({**kept, "below": page.below}) if page.below else "",
        )  # fmt: skip

    def _line(self, asked: str) -> str:
        line = self._lines.find(asked.replace(" ", "+")) if asked else None
        return line.number if line is not None else ""

    def _day(self, written: str, after: int = 0) -> float | None:
        """The beginning of a day, or of one so many days after; None for what is none."""
        try:
            day = datetime.strptime(written, "%Y-%m-%d").replace(tzinfo=self._templates.zone)
            return (day + timedelta(days=after)).timestamp()
        except (ValueError, OverflowError):
            return None


def _is_place(written: str) -> bool:
    return written.isascii() and written.isdigit() and len(written) < 19
