"""A server as `smsbot run` makes it, in process: real gateways, a provider in memory, a clock that stands still."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx

from smsbot import Bot
from smsbot.app import App
from smsbot.core.clock import ManualClock
from smsbot.core.errors import NoAnswer
from smsbot.gateways.twilio import sign
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings
from smsbot.transport import Answer

PUBLIC = "https://bots.example.org/sms"
LINE = "+48732000111"
ANN = "+48600100200"


class FakeTwilio:
    """Twilio's side of the wire, as a transport: what was asked of it, and its list of messages."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.sent: list[dict[str, str]] = []
        self.messages: list[dict[str, Any]] = []
        self.silent = 0
        """Of the next sends, how many are taken without an answer."""
        self.lost = 0
        """And how many are lost on the way, without an answer too."""
        self.refuses: list[tuple[int, int, str]] = []
        """How the next sends are refused: HTTP status, error code, words."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        if method == "POST":
            fields = dict(parse_qsl(body.decode()))
            self.sent.append(fields)
            if self.refuses:
                status, code, words = self.refuses.pop(0)
                return Answer(status, {}, json.dumps({"code": code, "message": words, "status": status}).encode())
            if self.lost:
                self.lost -= 1
                raise NoAnswer("ReadTimeout")
            made = self.add(fields["From"], fields["To"], fields["Body"], "outbound-api", "queued")
            if self.silent:
                self.silent -= 1
                raise NoAnswer("ReadTimeout")
            return Answer(201, {}, json.dumps(made).encode())
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        found = [m for m in self.messages if all(query.get(k, m[k.lower()]) == m[k.lower()] for k in ("To", "From"))]
        return Answer(200, {}, json.dumps({"messages": found}).encode())

    def add(self, sender: str, recipient: str, body: str, direction: str, status: str) -> dict[str, Any]:
        made = {
            "sid": f"SM{len(self.messages)}", "from": sender, "to": recipient, "body": body, "direction": direction,
            "status": status, "date_created": format_datetime(_utc(self._clock.now())),
        }  # fmt: skip
        self.messages.append(made)
        return made

    async def close(self) -> None:
        pass


def _utc(moment: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC)


class TwilioHouse:
    """A bot on a Twilio line. ``async with TwilioHouse(bot, folder) as h: await h.text("hi")``."""

    def __init__(self, bot: Bot, folder: Path) -> None:
        self.clock = ManualClock()
        self.twilio = FakeTwilio(self.clock)
        account = AccountSettings.model_validate(
            {"gateway": "twilio", "account_sid": "AC1234567", "auth_token": "tok-en-1234"}
        )
        settings = Settings.model_construct(
            bots={"bot": BotSettings(target="x", lines=(LINE,))}, lines={LINE: LineSettings(account="main")},
            accounts={"main": account}, database=str(folder / "live.db"), public_url=PUBLIC, dashboard_password=None,
            recheck=None,
        )  # fmt: skip
        self.app = App(settings, {"bot": bot}, clock=self.clock, transport=self.twilio)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://inside:8000")
        self._sid = 0

    async def __aenter__(self) -> Self:
        await self.app.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
        await self.app.stop()

    async def webhook(
        self, kind: str, fields: Mapping[str, str], *, query: str = "", token: str = "tok-en-1234"
    ) -> httpx.Response:
        """A webhook as Twilio would sign it: for the public address, delivered through a proxy that takes its prefix off."""
        public = self.app.hooks.url("main", kind) + query
        signature = sign(token.encode(), public, fields.items()).decode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
        inside = public.removeprefix(PUBLIC)
        return await self.http.post(inside, content=urlencode(fields), headers=headers)

    async def text(self, body: str, sid: str = "") -> httpx.Response:
        self._sid += 1
        fields = {"MessageSid": sid or f"SMin{self._sid}", "From": ANN, "To": LINE, "Body": body}
        answer = await self.webhook("inbound", fields)
        await self.settle()
        return answer

    async def settle(self, until: Callable[[], bool] = lambda: True) -> None:
        """Until nothing is under way."""
        for _ in range(2000):
            if self.app.dispatcher.idle and self.app.sender.idle and until():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the server does not come to rest")

    async def advance(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + seconds)
        await self.app.timers.serve()
        await self.settle()

    @property
    def heard(self) -> list[str]:
        return [fields["Body"] for fields in self.twilio.sent]

    async def statuses(self) -> list[str]:
        rows = await self.app.store.rows("feed", limit=100, before=1e15)
        return [r["status"] for r in reversed(rows) if r["direction"] == "out"]
