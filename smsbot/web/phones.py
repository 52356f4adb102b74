"""The server's side of the page of simulated phones: threads, where each conversation stands, and stories."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from smsbot.checks.picture import svg
from smsbot.checks.story import save_story, story_of
from smsbot.core import phone
from smsbot.core.clock import Clock
from smsbot.core.errors import UsageError
from smsbot.core.message import Key
from smsbot.core.zones import zone_of
from smsbot.pipeline.view import View
from smsbot.stores.base import Row, Tables
from smsbot.threads import in_background
from smsbot.turns.lines import Line, Lines

MOST = 6
"""Phones on one page."""
_LONGEST_NAME = 80
_MOST_WORDS = 6


class Network(Protocol):
    """The phones, as far as this page needs them."""

    def mode(self, phone: str) -> str:
        """How a phone behaves."""
        ...

    async def thread(self, phone: str, limit: int = 200) -> list[Row]:
        """The thread of a phone."""
        ...


Inspect = Callable[[Key], Awaitable[View | None]]


class Phones:
    """Answers the page of phones; only in `smsbot dev`."""

    def __init__(
        self,
        network: Network,
        tables: Tables,
        lines: Lines,
        clock: Clock,
        inspect: Inspect,
        stories: Callable[[Line], Path],
        emit: Callable[..., Awaitable[Any]],
    ) -> None:
        self._network = network
        self._tables = tables
        self._lines = lines
        self._clock = clock
        self._inspect = inspect
        self._stories = stories
        self._emit = emit

    def routes(self) -> list[BaseRoute]:
        """Their addresses. Numbers travel in bodies, never in addresses."""
        return [
            Route("/phone/view", self.view, methods=["POST"]),
            Route("/phone/story", self.story, methods=["POST"]),
            Route("/phone/event", self.event, methods=["POST"]),
            Route("/phone/graph", self.graph, methods=["GET"]),
        ]

    async def view(self, request: Request) -> Response:
        """Threads, modes and runs of the phones on the page."""
        body = await _body(request)
        asked = body.get("phones")
        if not isinstance(asked, list) or len(asked) > MOST:
            return _json({"error": f"name at most {MOST} phones"}, 400)
        shown = [await self._one(item) for item in asked]
        return _json({"now": self._clock.now(), "phones": shown})

    async def _one(self, item: object) -> dict[str, object]:
        try:
            number, line = self._who(item)
        except UsageError as error:
            return {"error": str(error.args[0])}
        thread = [e for e in await self._network.thread(number) if e["line"] == line.number]
        view = await self._inspect(Key(line.number, number))
        flows = line.versions.current.flows
        run = dataclasses.asdict(view) | {"flow": view.place in flows} if view is not None else None
        return {
            "number": number, "zone": line.timezone, "mode": self._network.mode(number), "thread": thread,
            "run": run, "words": self._words(line, view), "starts": self._starts(line), "line": line.number,
            "events": {name: line.event_schema(name) for name in sorted(line.table.events) if ":" not in name},
        }  # fmt: skip

    @staticmethod
    def _starts(line: Line) -> list[str]:
        """All words that begin something, the short ones first."""
        return sorted(line.table.keywords.words(), key=lambda word: (len(word), word))

    async def event(self, request: Request) -> Response:
        """Something happens outside, for the person of a phone."""
        body = await _body(request)
        try:
            number, line = self._who(body)
            name, data = str(body.get("name", "")), body.get("data", {})
            if not isinstance(data, dict):
                raise UsageError("the data of an event are a map: name, value")
            if why := line.unfit(name, data):
                raise UsageError(why)
            await self._emit(name, number, data, line=line.number)
        except UsageError as error:
            return _json({"error": str(error.args[0])}, 400)
        return _json({"event": name})

    async def graph(self, request: Request) -> Response:
        """The picture of a flow of a line, with the step marked that a phone stands at."""
        line = self._lines.find(request.query_params.get("line", "")) or self._lines.values()[0]
        flow = line.versions.current.flows.get(request.query_params.get("flow", ""))
        if flow is None:
            return _json({"error": "there is no such flow"}, 404)
        drawn = svg(flow, request.query_params.get("step", ""))
        return Response(drawn, media_type="image/svg+xml", headers={"cache-control": "no-store"})

    @staticmethod
    def _words(line: Line, view: View | None) -> list[str]:
        """Words that one could text next: the open question's choices, else words that start something."""
        if view is not None and view.step:
            return list(view.words[:_MOST_WORDS])
        return Phones._starts(line)[:_MOST_WORDS]

    def _who(self, item: object) -> tuple[str, Line]:
        given: Mapping[str, Any] = item if isinstance(item, dict) else {}
        line = self._lines.find(str(given.get("line", ""))) or self._lines.values()[0]
        number = phone.normalise(str(given.get("number", "")), line.country)
        if not phone.is_number(number):
            raise UsageError("a phone has a number such as +48600100200")
        return number, line

    async def story(self, request: Request) -> Response:
        """Save what a phone said and heard since its run began, as a story."""
        body = await _body(request)
        try:
            number, line = self._who(body)
            name = " ".join(str(body.get("name", "")).split())[:_LONGEST_NAME]
            if not name:
                raise UsageError("a story has a name")
            text = await self._written(name, number, line)
            path = await in_background(partial(save_story, self._stories(line), name, text), "smsbot-story")
        except (UsageError, OSError) as error:
            return _json({"error": str(error.args[0] if isinstance(error, UsageError) else error)}, 400)
        try:
            shown = path.resolve().relative_to(Path.cwd())
        except ValueError:
            shown = path
        return _json({"path": str(shown), "text": text})

    async def _written(self, name: str, number: str, line: Line) -> str:
        runs = await self._tables.rows("last_run", line=line.number, number=number)
        begun = runs[0]["started"] if runs else 0.0
        texts = await self._tables.rows("sandbox_thread", phone=number, limit=500)
        thread = [t for t in texts if t["line"] == line.number]
        asked = [t["at"] for t in thread if t["direction"] == "in" and begun - 5.0 <= t["at"] <= begun]
        thread = [t for t in thread if t["at"] >= max(asked, default=begun)]
        if not thread:
            raise UsageError("nothing was said yet, so there is nothing to tell")
        view = await self._inspect(Key(line.number, number))
        several = len({x.bot.name for x in self._lines.values()}) > 1
        ended = view.end if view is not None and not view.step else ""
        return story_of(
            name, thread, bot=line.bot.name if several else "", ended=ended, zone=zone_of({}, line.timezone)
        )


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        found = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {}


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content, default=str), status, media_type="application/json")
