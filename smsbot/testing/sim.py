"""A whole bot server in this process: the real path of a text, phones instead of people, a clock that is moved."""

from __future__ import annotations

import inspect
import re
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from smsbot.app import App
from smsbot.core import codec
from smsbot.core.clock import Duration, ManualClock, duration
from smsbot.core.errors import NoAnswer, NotSent, UsageError
from smsbot.core.message import Key
from smsbot.core.nearest import nearest
from smsbot.core.zones import zone_of
from smsbot.pipeline.view import View
from smsbot.routing.bot import Bot
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings, accounts_of
from smsbot.threads import left_behind
from smsbot.transport import Answer, HttpxTransport, Transport

from .coverage import Coverage
from .leftovers import LEFT

LINE = "+48732000111"
"""The line of a bot that has none in the settings."""
URL = "http://smsbot.test"
_CODE = re.compile(r"(?<!\d)\d{4,10}(?!\d)")
_SHAKE = 1.1
"""Waits between two tries are a tenth longer than their rule says: no text comes by chance within what `text` waits."""
_FIRST = 48600100200


class Provider:
    """The provider behind the gateway: a list of moods for the next sends, taken one by one; then it is well.

    ``ok``; ``lost`` (no answer, and it did not get it), ``mute`` (no answer, but it has it), ``down``
    (no connection), or a status code with an optional ``Retry-After``: ``500``, ``429 7``.
    """

    def __init__(self) -> None:
        self.next: list[str] = []
        self.look_ups_fail = 0
        self.sends = 0

    def over(self, inner: Transport) -> Transport:
        """The transport with these moods."""
        return _Moody(self, inner)


class _Moody:
    def __init__(self, provider: Provider, inner: Transport) -> None:
        self._provider = provider
        self._inner = inner

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        async def go() -> Answer:
            return await self._inner.request(method, url, headers=headers, body=body, timeout=timeout)

        provider = self._provider
        if "/v2.1/sms" not in url:
            return await go()
        if method == "GET":
            if provider.look_ups_fail:
                provider.look_ups_fail -= 1
                raise NoAnswer("the look-up timed out")
            return await go()
        provider.sends += 1
        mood, _, more = (provider.next.pop(0) if provider.next else "ok").partition(" ")
        match mood:
            case "ok":
                return await go()
            case "lost":
                raise NoAnswer("timed out")
            case "mute":
                await go()
                raise NoAnswer("reset after the body")
            case "down":
                raise NotSent("connection refused")
            case _:
                return Answer(int(mood), {"retry-after": more} if more else {}, b"{}")

    async def close(self) -> None:
        await self._inner.close()


class Phone:
    """A phone that texts the bot."""

    def __init__(self, sim: Sim, number: str, line: str) -> None:
        self._sim = sim
        self.number = number
        self.line = line
        self.thread: list[dict[str, Any]] = []
        """Texts in ("in": to the bot) and out, oldest first, with their status."""

    async def text(self, *texts: str, media: str = "") -> None:
        """Text the bot; several texts are sent before anybody can answer. What follows within a second has happened.

        `media` is the address of a picture that goes with the first of them, or alone.
        """
        await self._sim.text(self.number, *texts, to=self.line, media=media)

    @property
    def heard(self) -> list[str]:
        """The texts that the bot has said to this phone, oldest first."""
        return [e["text"] for e in self.thread if e["direction"] == "out" and e["line"] == self.line]

    @property
    def last(self) -> str | None:
        """The last text from the bot; None if there was none."""
        heard = self.heard
        return heard[-1] if heard else None

    @property
    def code(self) -> str:
        """The one-time code in the newest text that has one; empty if there is none."""
        found = (_CODE.search(text) for text in reversed(self.heard))
        return next((code[0] for code in found if code is not None), "")

    async def mode(self, mode: str) -> None:
        """Make the phone ``on``, ``off``, ``full``, ``slow`` …"""
        await self._sim.mode(self.number, mode)


class Sim:
    """Bots on a server without sockets. ``async with Sim(bot) as sim: ann = sim.phone(); await ann.text("hi")``.

    `bots` is a bot, or bots by name; `lines` the lines of each (default: one line for the first), `settings` further
    ones by name. The database is a file in `folder` (default: a folder that is removed at the end), so that `restart`
    is a real one.
    """

    def __init__(
        self,
        bots: Bot | Mapping[str, Bot],
        folder: Path | None = None,
        *,
        lines: Mapping[str, Sequence[str]] | None = None,
        line_settings: Mapping[str, LineSettings] | None = None,
        accounts: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        self._bots = {"bot": bots} if isinstance(bots, Bot) else dict(bots)
        lines = lines or {next(iter(self._bots)): (LINE,)}
        self._temporary = tempfile.TemporaryDirectory(prefix="smsbot-sim-") if folder is None else None
        place = Path(self._temporary.name) if self._temporary is not None else folder
        assert place is not None
        told = dict(line_settings or {})
        named = sorted({name for line in told.values() for name in accounts_of(line)})
        own: dict[str, Any] = {"database": self._database(place), "run": place / "sim.db.run", **(settings or {})}
        self._settings = Settings.model_construct(
            bots={n: BotSettings(target="sim", lines=tuple(lines[n])) for n in self._bots if lines.get(n)},
            lines=told,
            accounts={**(accounts or {}), **{n: AccountSettings() for n in named if n not in (accounts or {})}},
            public_url="",
            dashboard_password=None,
            recheck=None,
            **own,
        )
        self._actions = {name: dict(bot.actions) for name, bot in self._bots.items()}
        self.coverage = coverage
        self._phones: dict[tuple[str, str], Phone] = {}
        self.clock = ManualClock()
        self.provider = Provider()
        self.app: App

    @staticmethod
    def _database(folder: Path) -> str:
        """The address of the database of a server that lives in a folder."""
        return str(folder / "sim.db")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        for name, bot in self._bots.items():
            bot.actions = self._actions[name]
            bot.doubles = {}
        if self._temporary is not None:
            self._temporary.cleanup()

    async def start(self) -> None:
        """Begin to serve."""

        async def late(scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

        transport = self.provider.over(HttpxTransport(late))
        bots = {n: b for n, b in self._bots.items() if n in self._settings.bots}
        self.app = App(self._settings, bots, sandbox_url=URL, clock=self.clock, transport=transport)
        self._threads = threading.enumerate()
        self.app.dispatcher.pause, self.app.sender.shake = _at_once, lambda: _SHAKE
        if self.coverage is not None:
            self._cover(self.coverage)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=URL)
        await self.app.start()

    def _cover(self, coverage: Coverage) -> None:
        for line in self.app.lines.values():
            coverage.know(line.bot, line.versions.current.flows.values())
        self.app.dispatcher.watch = coverage.saw

    async def stop(self) -> None:
        """End; what is stored stays. Threads that providers have left running are told of."""
        await self.http.aclose()
        await self.app.stop()
        LEFT.tell(left_behind(self._threads), self._bots.values())

    async def restart(self) -> None:
        """Stop the server and start another on the same database."""
        await self.stop()
        await self.start()

    def reload(self) -> None:
        """Forget what is in memory, so that the next text finds its conversation in the database."""
        self.app.store.forget()

    # -- people -------------------------------------------------------------------------------------

    def phone(self, number: str = "", line: str = "") -> Phone:
        """A phone, by its number; without one, a new phone."""
        number = number or f"+{_FIRST + 100 * len(self._phones)}"
        line = line or self.app.lines.values()[0].number
        return self._phones.setdefault((number, line), Phone(self, number, line))

    async def text(self, number: str, *texts: str, to: str = "", media: str = "") -> None:
        """Somebody texts, perhaps with a picture; whatever follows within a second has happened on return."""
        for n, text in enumerate(texts or ("",)):
            sent = {"text": text, "to": to, "media": media if not n else ""}
            answer = await self.http.post(f"/sandbox/phones/{number}/texts", json=sent)
            if answer.status_code != 202:
                raise UsageError(_why(answer))
        await self.advance("1s")

    async def mode(self, number: str, mode: str) -> None:
        """Change how a phone behaves: ``on``, ``off``, ``full``, ``slow``, ``duplicate``, ``reorder``."""
        answer = await self.http.patch(f"/sandbox/phones/{number}", json={"mode": mode})
        if answer.status_code != 200:
            raise UsageError(_why(answer))

    async def thread(self, number: str) -> list[dict[str, Any]]:
        """The texts of a phone, as the network knows them, oldest first."""
        answer = await self.http.get(f"/sandbox/phones/{number}/texts?limit=100000")
        found: list[dict[str, Any]] = answer.json()
        return found

    async def event(self, name: str, number: str, data: Mapping[str, Any] | None = None, line: str = "") -> None:
        """Something happens outside: an event for the conversation with a phone."""
        await self.app.commands.emit(name, number, dict(data or {}), line=line)
        await self.advance("1s")

    def zone(self, line: str) -> tzinfo:
        """The time zone of a line; UTC where there is no such line."""
        found = self.app.lines.find(line)
        return zone_of({}, found.timezone) if found is not None else UTC

    async def begin_at(self, moment: float) -> None:
        """Let the clock stand at a moment, seconds since 1970 UTC; before anybody has texted."""
        self.clock.set_to(moment)
        if self.app.timers.ticks is not None:
            self.app.timers.ticks.start()

    # -- time ---------------------------------------------------------------------------------------

    async def advance(self, time: Duration) -> None:
        """Move the clock; everything that falls due on the way has happened on return."""
        assert self.app.time is not None
        await self.app.time.advance(duration(time))
        await self._refresh()

    async def settle(self) -> None:
        """Wait until nobody is at work."""
        assert self.app.time is not None
        await self.app.time.settle()
        await self._refresh()

    async def _refresh(self) -> None:
        threads = {number: await self.thread(number) for number, _ in self._phones}
        for (number, _), phone in self._phones.items():
            phone.thread = threads[number]

    async def know(self, number: str, contact: Mapping[str, Any]) -> None:
        """Let something be known of a person, such as ``language``."""
        await self.app.store.write([("contact", (number, n, codec.dumps(v))) for n, v in contact.items()])
        self.reload()

    # -- looking inside -----------------------------------------------------------------------------

    def double(self, name: str, value: object | Callable[..., Any]) -> None:
        """Let an action, or a function that runs as a step, return a value or be another one, until the sim ends."""
        stand_in = value if callable(value) else lambda *_, **__: value
        known = {n for bot in self._bots.values() for n in called_by(bot)}
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f'there is no @bot.action and no step "{name}"' + (f'; did you mean "{near}"?' if near else "")
            )
        for bot in self._bots.values():
            if name in bot.actions:
                bot.actions = {**bot.actions, name: _Double(name, bot.actions[name], stand_in).call}
            bot.doubles[name] = stand_in

    async def contacts(self, number: str) -> dict[str, Any]:
        """The contact of a person."""
        conversation = await self.app.store.load(Key(self.app.lines.values()[0].number, number))
        return {name: codec.loads(value) for name, value in conversation.contact.items()}

    async def desks(self, number: str, line: str = "") -> list[str]:
        """The desks that a person was handed to, the newest first."""
        rows = await self.app.store.rows("handed_to", number=number, line=line or self.app.lines.values()[0].number)
        return [str(row["desk"]) for row in rows]

    async def opted_out(self, number: str, line: str = "") -> bool:
        """Whether a person gets no texts."""
        return (await self.app.store.load(Key(line or self.app.lines.values()[0].number, number))).opted_out

    async def trouble_of(self, number: str) -> str:
        """Why the newest text of a number failed; empty if it did not."""
        rows = await self.app.store.rows("trouble", number=number)
        return str(rows[0]["note"]) if rows else ""

    async def failures(self) -> dict[int, str]:
        """Turns that failed, by their number, and why: for good, or until they are tried again."""
        return {row["seq"]: row["note"] for row in await self.app.store.rows("unwell")}

    async def run_of(self, number: str, line: str = "") -> View | None:
        """The newest run of a conversation: where it stands, its variables, its end label; None if there is none."""
        line = line or self.app.lines.values()[0].number
        return await self.app.inspect(Key(line, number))


async def _at_once(seconds: float) -> None:
    """Tries of a step do not wait for a clock that only the test moves."""


def called_by(bot: Bot) -> set[str]:
    """The names that can have a double: the actions, and the functions that handlers name."""
    handlers = [inspect.unwrap(f) for f in (*(s.function for s in bot.signatures()), *bot.actions.values())]
    beside = {n for f in handlers for n, value in f.__globals__.items() if inspect.isroutine(value)}
    return {*bot.actions, *beside, *(n for f in handlers for n in (*f.__code__.co_names, *f.__code__.co_freevars))}


def _why(answer: httpx.Response) -> str:
    """The reason why the sandbox refuses, without the code that our own error adds."""
    return str(answer.json().get("error", answer.text)).removeprefix(f"{UsageError.code}: ")


class _Double:
    """Stands in for an action: takes the same arguments, and does something else."""

    def __init__(self, name: str, function: Callable[..., Any], stand_in: Callable[..., Any]) -> None:
        def call(*args: Any, **kwargs: Any) -> Any:
            return stand_in(*args, **kwargs)

        call.__name__ = name
        call.__wrapped__ = function  # type: ignore[attr-defined]
        call.__annotations__ = dict(getattr(function, "__annotations__", {}))
        self.call = call
