"""A whole bot server in process, with its sandbox, a clock that stands still, and no socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from smsbot import Bot
from smsbot.app import App
from smsbot.core.clock import ManualClock, duration
from smsbot.core.errors import NoAnswer, NotSent
from smsbot.settings import BotSettings, LineSettings, Settings
from smsbot.transport import Answer, HttpxTransport, Transport

LINE = "+48732000111"
ANN = "+48600100200"
BOB = "+48600100300"
URL = "http://smsbot.test"


class Moods:
    """What the provider does with the next sends: a list of moods, taken one by one; then it is well.

    ``ok``; ``lost`` (no answer, and it did not get it), ``mute`` (no answer, but it has it), ``down``
    (no connection), or a status code with an optional ``Retry-After``: ``500``, ``429 7``.
    """

    def __init__(self) -> None:
        self.next: list[str] = []
        self.look_ups_fail = 0
        self.sends = 0

    def over(self, inner: Transport) -> Transport:
        return _Moody(self, inner)


class _Moody:
    def __init__(self, moods: Moods, inner: Transport) -> None:
        self._moods = moods
        self._inner = inner

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        async def go() -> Answer:
            return await self._inner.request(method, url, headers=headers, body=body, timeout=timeout)

        if "/v2.1/sms" not in url:
            return await go()
        if method == "GET":
            if self._moods.look_ups_fail:
                self._moods.look_ups_fail -= 1
                raise NoAnswer("the look-up timed out")
            return await go()
        self._moods.sends += 1
        mood, _, more = (self._moods.next.pop(0) if self._moods.next else "ok").partition(" ")
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


class House:
    """Ann and Bob text bots; the clock moves only when it is told to."""

    def __init__(
        self,
        folder: Path,
        bot: Bot | Mapping[str, Bot],
        *,
        lines: Mapping[str, tuple[str, ...]] | None = None,
        line_settings: Mapping[str, LineSettings] | None = None,
        accounts: Mapping[str, Any] | None = None,
    ) -> None:
        self._bots = {"bot": bot} if isinstance(bot, Bot) else dict(bot)
        lines = lines or {"bot": (LINE,)}
        self._settings = Settings.model_construct(
            bots={name: BotSettings(target="tests", lines=lines[name]) for name in self._bots},
            lines=dict(line_settings or {}),
            accounts=dict(accounts or {}),
            database=str(folder / "house.db"),
            public_url="",
            dashboard_password=None,
            recheck=None,
        )
        self.clock = ManualClock()
        self.provider = Moods()
        self.app: App

    async def __aenter__(self) -> House:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        async def late(scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

        transport = self.provider.over(HttpxTransport(late))
        self.app = App(self._settings, self._bots, sandbox_url=URL, clock=self.clock, transport=transport)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=URL)
        await self.app.start()

    async def stop(self) -> None:
        await self.http.aclose()
        await self.app.stop()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    # -- people -------------------------------------------------------------------------------------

    async def text(self, number: str, text: str, to: str = "") -> None:
        """Somebody texts; whatever follows within a second has happened on return."""
        answer = await self.http.post(f"/sandbox/phones/{number}/texts", json={"text": text, "to": to})
        assert answer.status_code == 202, answer.text
        await self.advance("1s")

    async def advance(self, time: str) -> None:
        assert self.app.time is not None
        await self.app.time.advance(duration(time))

    async def settle(self) -> None:
        assert self.app.time is not None
        await self.app.time.settle()

    async def mode(self, number: str, mode: str) -> None:
        answer = await self.http.patch(f"/sandbox/phones/{number}", json={"mode": mode})
        assert answer.status_code == 200, answer.text

    async def thread(self, number: str) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/sandbox/phones/{number}/texts")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def heard(self, number: str) -> list[str]:
        """The texts that reached the network for a number."""
        return [entry["text"] for entry in await self.thread(number) if entry["direction"] == "out"]

    async def transcript(self, number: str) -> list[str]:
        """The thread as lines: ``> me`` and ``< bot``."""
        arrow = {"in": ">", "out": "<"}
        return [f"{arrow[e['direction']]} {e['text']}" for e in await self.thread(number)]

    # -- the provider -------------------------------------------------------------------------------

    def hook(self, kind: str, account: str = "sandbox") -> str:
        return self.app.hooks.url(account, kind)

    async def inbound(self, account: str = "sandbox", **body: object) -> httpx.Response:
        """A webhook with a text, exactly as given."""
        return await self.http.post(self.hook("inbound", account), json=body)

    async def outgoing(self) -> list[dict[str, Any]]:
        """All texts owed, oldest first, as the store has them."""
        rows = await self.app.store.rows("feed", limit=1000, before=1e15)
        return [r for r in reversed(rows) if r["direction"] == "out"]

    async def events(self) -> list[dict[str, Any]]:
        """All texts in, oldest first, as the store has them."""
        rows = await self.app.store.rows("feed", limit=1000, before=1e15)
        return [r for r in reversed(rows) if r["direction"] == "in"]


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
