"""Find: one verdict on what was asked, what to tell the caller, and everything between us and that person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from smsbot.core.clock import Clock
from smsbot.core.handover import Taken
from smsbot.core.message import Key
from smsbot.core.phone import mask
from smsbot.desk.finding import Found, find, with_words
from smsbot.desk.histories import Histories, word_of
from smsbot.desk.people import People, conversations
from smsbot.desk.verdicts import Outcome
from smsbot.desk.words import N_
from smsbot.pipeline.view import View
from smsbot.stores.base import Row, Tables
from smsbot.turns.lines import Lines

from .acts import Act, Look, about
from .auth import who
from .commands import Commands
from .spoken import WORDS, _, _said
from .templates import VISITOR, Missing, Templates
from .writing import Writing

_PAGE = 50
_FOREVER = 1e15
_INBOUND = {
    "text": N_("received"), "media": N_("received"), "reaction": N_("reacted"), "optout": N_("opted out"),
    "optin": N_("opted in"),
}  # fmt: skip
_PHASES = {
    "queue": N_("is due"),
    "behind": N_("waits for the text before it"),
    "held": N_("is paused"),
    "check": N_("is looked up at the provider"),
}
"""The reasons why an open text waits."""
HIDDEN = N_("(a code, hidden)")
NEW_CODE = "new-code"
"""The event by which a bot is asked for a new code."""
TONES: Mapping[Outcome, tuple[str, str]] = {
    Outcome.DELIVERED: ("good", "check"),
    Outcome.NOT_DELIVERED: ("bad", "phone-off"),
    Outcome.EXPIRED: ("bad", "hourglass"),
    Outcome.ON_ITS_WAY: ("wait", "clock"),
    Outcome.LATE: ("warn", "clock"),
    Outcome.UNKNOWN: ("warn", "circle-question-mark"),
    Outcome.REFUSED: ("bad", "circle-x"),
    Outcome.BLOCKED: ("warn", "ban"),
    Outcome.HELD: ("warn", "pause"),
    Outcome.NEVER: ("mute", "search-x"),
}
"""For each verdict its colour and its icon."""
MARKS = {
    "queued": ("wait", "clock"), "sending": ("wait", "clock"), "unknown": ("warn", "circle-question-mark"),
    "accepted": ("wait", "clock"), "sent": ("wait", "clock"), "delivered": ("good", "check"),
    "failed": ("bad", "circle-x"), "undelivered": ("bad", "phone-off"), "expired": ("bad", "hourglass"),
    "blocked": ("warn", "ban"),
}  # fmt: skip
"""The same for the status of a text in a list."""
_MAY_ARRIVE_TWICE = (Outcome.DELIVERED, Outcome.ON_ITS_WAY, Outcome.LATE, Outcome.UNKNOWN)


class Find:
    """The home of the desk. Numbers are masked before they reach a template."""

    def __init__(
        self,
        tables: Tables,
        *,
        lines: Lines,
        clock: Clock,
        templates: Templates,
        commands: Commands,
        inspect: Callable[[Key], Awaitable[View | None]],
        taken: Callable[[Key], Taken | None],
        writing: Writing,
        links: Mapping[str, str],
    ) -> None:
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._templates = templates
        self._commands = commands
        self._inspect = inspect
        self._taken = taken
        self._writing = writing
        self._links = links
        self._histories = Histories(tables, templates.zone)
        self._people = People(tables)

    def routes(self) -> list[BaseRoute]:
        """The routes that are served."""
        return [
            Route("/", self.home, methods=["GET", "POST"]),
            Route("/feed", self.feed, methods=["GET", "POST"]),
            Look("/of/{id}", self.person),
            Look("/messages/{id}", self.message),
            Act("/of/{id}/number", self.number, N_("saw a whole number")),
            Act("/of/{id}/to/{link}", self.follow, N_("opened a link about somebody"), method="GET"),
            Act("/of/{id}/code", self.new_code, N_("let a new code be sent")),
            Act("/messages/{id}/again", self.again, N_("sent a text again")),
        ]

    # -- pages --------------------------------------------------------------------------------------

    async def home(self, request: Request) -> Response:
        """Whom or what was asked for, posted; nothing asked: the latest messages."""
        return self._templates.response("find.html", **await self._asked(request))

    async def feed(self, request: Request) -> Response:
        """The changing part alone, for a page that is told to look again."""
        return self._templates.response("_found.html", **await self._asked(request))

    async def person(self, request: Request) -> Response:
        """The person of a message, and so a page that can be shared without naming their number."""
        return await self.show((await self.whose(request)).number)

    async def number(self, request: Request) -> Response:
        """The same with the whole number, for a call; the audit has it first."""
        return await self.show((await self.whose(request)).number, whole=True)

    async def show(
        self, number: str, *, told: str = "", whole: bool = False, draft: str = "", status: int = 200
    ) -> Response:
        """The page of a person, with what there is to tell; `draft` is a text that was not sent."""
        context = await self._found(Found(number), told=told) | {"draft": draft}
        if whole:
            context["person"] |= {"whole": number}
        return self._templates.response("find.html", status, **context)

    async def message(self, request: Request) -> Response:
        """One text out: its verdict, and everything around it."""
        row = await self._outgoing(request)
        return self._templates.response("find.html", **await self._found(Found(row["number"], row)))

    # -- what the desk does -------------------------------------------------------------------------

    async def again(self, request: Request) -> Response:
        """Send one text again, as a text of its own; the same however often it is asked for."""
        row = await self._outgoing(request)
        if row["kind"] == "code" or row["lane"] == "consent":
            told = _("A code is not sent again: it may have run out. Let the person ask for a new one.")
            if row["lane"] == "consent":
                told = _("What answers STOP, START or HELP is sent once.")
            return self._templates.response("find.html", 422, **await self._found(Found(row["number"], row), told=told))
        made = await self._commands.send_one_again(row)
        return RedirectResponse(f"/messages/{made}", 303)

    async def follow(self, request: Request) -> Response:
        """A page of the user's own about this person, by a template of the settings; the audit has it first."""
        key, template = await self.whose(request), self._links.get(request.path_params["link"])
        if template is None:
            raise Missing
        texts = await self._tables.rows("newest_ref", number=key.number)
        values = {"number": key.number, "line": key.line, "ref": texts[0]["ref"] if texts else ""}
        return RedirectResponse(template.format_map({k: quote(v, safe="") for k, v in values.items()}), 303)

    async def new_code(self, request: Request) -> Response:
        """Ask the bot for a new code: a code is never sent again."""
        key = await self.whose(request)
        if not self._can_send_codes(key.line):
            raise Missing
        me = who(request)
        became = await self._commands.emit(NEW_CODE, key.number, {"by": me}, line=key.line, by=me)
        if became not in ("started", "queued"):
            return await self.show(key.number, told=_("No new code was sent: %(why)s.", why=became), status=409)
        return RedirectResponse(f"/of/{request.path_params['id']}", 303)

    def _can_send_codes(self, line: str) -> bool:
        ours = self._lines.get(line)
        return ours is not None and NEW_CODE in ours.table.events

    async def whose(self, request: Request) -> Key:
        """The conversation of the message that an address names; raises `Missing`.

        ``e12`` is the twelfth event, all else the id of a text.
        """
        handle = request.path_params["id"]
        place = handle[1:]
        is_event = handle.startswith("e") and place.isascii() and place.isdigit() and len(place) < 19
        asked: dict[str, Any] = {"id": "" if is_event else handle, "seq": int(place) if is_event else -1}
        rows = await self._tables.rows("number_of", **asked)
        if not rows or not rows[0]["number"]:  # who was erased has no page
            raise Missing
        about(request, mask(rows[0]["number"]), f"/of/{handle}")
        return Key(rows[0]["line"], rows[0]["number"])

    async def _outgoing(self, request: Request) -> Row:
        rows = await self._tables.rows("outgoing", id=request.path_params["id"])
        if not rows or not rows[0]["number"]:
            raise Missing
        about(request, mask(rows[0]["number"]), f"/messages/{rows[0]['id']}")
        return rows[0]

    # -- what is shown ------------------------------------------------------------------------------

    async def _asked(self, request: Request) -> dict[str, Any]:
        form = await request.form() if request.method == "POST" else {}
        asked, cursor = str(form.get("q", "")).strip(), str(form.get("before", ""))
        if not asked:
            return await self._found(None, cursor=cursor)
        found = await find(self._tables, asked, [x.country for x in self._lines.values()])
        return await self._found(found, asked=asked, cursor=cursor)

    async def _found(
        self, found: Found | None, *, asked: str = "", cursor: str = "", told: str = ""
    ) -> dict[str, Any]:  # fmt: skip
        rows, more = await self._rows(found, cursor)
        counts, pauses = (await self._tables.rows("counts"))[0], await self._tables.rows("pauses")
        context: dict[str, Any] = {
            "asked": asked, "told": told, "found": mask(found.number) if found is not None and found.number else "",
            "rows": [shown(r) for r in rows], "older": more, "fixed": bool(cursor),
            "words": " ".join(found.words) if found is not None else "", "most": _PAGE,
            "several": [await self._one_of(n) for n in found.several] if found is not None else [],
            "handoffs": await self._handoffs() if found is None else [],
            "counts": {k: v for k, v in counts.items() if v}, "pauses": pauses,
            "draft": "", "card": None, "person": None, "others": (), "facts": (), "views": (),
        }  # fmt: skip
        if found is not None and found.number:
            context |= await self._about(found, rows)
        return context

    async def _about(self, found: Found, rows: Sequence[Row]) -> dict[str, Any]:
        """The verdict, and the person that it is about."""
        now, text = self._clock.now(), found.text
        if text is None:
            verdict = await self._histories.of_person(found.number, now, WORDS.get())
            newest = await self._tables.rows("newest_out", number=found.number, limit=1)
            text = newest[0] if newest else None
        else:
            verdict = await self._histories.of_text(text, now, WORDS.get())
        person = await self._people.person(found.number)
        tone, icon = TONES[verdict.outcome]
        keys = conversations(rows)
        taken = next((t for key in keys if (t := self._taken(key)) is not None), None)
        card = {
            "verdict": verdict, "tone": tone, "icon": icon, "twice": verdict.outcome in _MAY_ARRIVE_TWICE,
            "taken": taken, "now": now, "writing": self._writing.others(keys, _me(), now),
            "new_code": bool(keys) and self._can_send_codes(keys[0].line), "links": list(self._links),
            "text": _text(text) if text is not None and verdict.of_text else None,
            "handle": text["id"] if text is not None else handle_of(rows[0]) if rows else "",
        }  # fmt: skip
        views = [v for key in keys[:4] if (v := await self._inspect(key)) is not None]
        return {
            "card": card, "person": {"number": mask(person.number), "whole": "", "about": person}, "views": views,
            "others": await self._people.others(text, now, WORDS.get()) if text is not None else (),
            "facts": await self._facts(text) if text is not None and verdict.of_text else (),
        }  # fmt: skip

    async def _rows(self, found: Found | None, cursor: str) -> tuple[list[Row], str | None]:
        """A page of messages, newest first, and where the next begins."""
        if found is not None and found.words:
            return await with_words(self._tables, found.words, _PAGE), None
        if found is not None and not found.number:
            return [], None
        before, skip = cursor_of(cursor)
        wanted = _PAGE + 1 + skip
        if found is not None:
            rows = await self._tables.rows("thread", number=found.number, limit=wanted, before=before)
        else:
            rows = await self._tables.rows("feed", limit=wanted, before=before)
        rows = rows[skip:]
        return rows[:_PAGE], next_cursor(rows[:_PAGE], before, skip) if len(rows) > _PAGE else None

    async def _one_of(self, number: str) -> dict[str, Any]:
        """One of several people, told apart by their last message."""
        rows = await self._tables.rows("thread", number=number, limit=1, before=_FOREVER)
        return {"number": mask(number), **(shown(rows[0]) if rows else {"handle": "", "text": "", "at": 0.0})}

    async def _handoffs(self) -> list[dict[str, Any]]:
        rows = await self._tables.rows("waiting_people", now=self._clock.now(), later=0, limit=_PAGE)
        return [{**h, "number": mask(h["number"])} for h in rows]

    async def _facts(self, row: Row) -> Sequence[tuple[float, str, str]]:
        """Everything that happened to a text, as it was told: when, what, and the raw values."""
        identity, found = row["id"], list[tuple[float, str, str]]()
        by = row["requested_by"] or _("a bot")
        what = (
            _("requested by %(by)s, called %(ref)s", by=by, ref=row["ref"])
            if row["ref"]
            else _("requested by %(by)s", by=by)
        )
        cost = f"{row['parts']} SMS, {row['kind'] or row['lane']}"
        price = f", {row['price']:g} {row['currency']}".rstrip() if row["price"] is not None else ""
        found.append((row["created"], what, cost + price))
        for a in await self._tables.rows("attempts", id=identity):
            found.append((a["started"], _("attempt %(n)s began", n=a["n"]), _("account %(name)s", name=row["account"])))
            if a["ended"] is not None:
                raw = " · ".join(filter(None, (a["reference"] and f"id {a['reference']}", a["detail"])))
                found.append((a["ended"], _("attempt %(n)s: %(outcome)s", n=a["n"], outcome=_said(a["outcome"])), raw))
        for r in await self._tables.rows("receipts", id=identity):
            raw = " · ".join(
                filter(
                    None,
                    (
                        _("raw status %(raw)s", raw=word_of(r["raw"])),
                        r["code"] and _("code %(code)s", code=r["code"]),
                        r["operator"],
                        r["detail"],
                    ),
                )
            )
            status = _said(r["status"]) if r["status"] else _("not documented")
            found.append((r["at"], _("report: %(status)s", status=status), raw))
        if row["phase"] in _PHASES:
            found.append((row["due"], _said(_PHASES[row["phase"]]), row["detail"]))
        return sorted(found, key=lambda e: e[0])


def _me() -> str:
    """Who looks at the page."""
    visitor = VISITOR.get()
    return visitor.user.name if visitor is not None else ""


def handle_of(row: Row | Mapping[str, Any]) -> str:
    """The name of a message in addresses, which says nothing of whom it is with."""
    return f"e{row['seq']}" if row["direction"] == "in" else str(row["id"])


def _text(row: Row) -> dict[str, Any]:
    """A text out as the desk may read it."""
    return {
        "id": row["id"], "text": _said(HIDDEN) if row["kind"] == "code" else row["text"], "line": row["line"],
        "by": row["requested_by"], "ref": row["ref"], "parts": row["parts"], "at": row["created"],
        "code": row["kind"] == "code", "again": row["kind"] != "code" and row["lane"] != "consent",
    }  # fmt: skip


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as people see it: masked, with the word for its status."""
    incoming = row["direction"] == "in"
    status = _INBOUND.get(row["status"], row["status"]) if incoming else row["status"]
    tone, icon = ("mute", "corner-down-left") if incoming else MARKS[status]
    text = _said(HIDDEN) if row["text"] == HIDDEN else row["text"]
    return {
        "direction": row["direction"], "id": row["id"], "line": row["line"], "number": mask(row["number"]),
        "text": text, "at": row["at"], "status": status, "detail": _said(row["detail"]), "parts": row["parts"],
        "reaction": row["reaction"], "tone": tone, "icon": icon, "handle": handle_of(row),
    }  # fmt: skip


def cursor_of(text: str) -> tuple[float, int]:
    """Where an older page begins: a time, and how many of that very time were shown already."""
    at, _space, skip = text.partition(" ")
    try:
        return float(at), min(max(int(skip or 0), 0), 100_000)
    except ValueError:
        return _FOREVER, 0


def next_cursor(rows: Sequence[Row], before: float, skip: int) -> str:
    """Where the page behind some rows begins."""
    last = rows[-1]["at"]
    shown = sum(r["at"] == last for r in rows) + (skip if last == before else 0)
    return f"{last!r} {shown}"
