"""Delivery reports that no webhook brought are listed, and only where something waits for one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import httpx

from smsbot import Bot
from smsbot.app import App
from smsbot.core.clock import ManualClock
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings
from smsbot.transport import Answer


class Silent:
    """A MessageFlow whose webhooks never come: it only takes texts and lists their statuses."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.lists = 0

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        if method == "POST":
            external = json.loads(body)["externalId"]
            self.known[external] = 1
            return _answer([{"externalId": external, "status": 1}])
        self.lists += "statuses" in url
        return _answer([{"externalId": f"C-{e}-0001", "status": s} for e, s in self.known.items()])

    async def close(self) -> None:
        pass


def _answer(data: list[dict[str, object]]) -> Answer:
    return Answer(200, {}, json.dumps({"meta": {"status": 200}, "data": data}).encode())


async def test_reports_are_listed_when_something_waits_for_them(tmp_path: Path) -> None:
    bot = Bot()
    bot.fallback(lambda text: f"got {text}")
    account = AccountSettings.model_validate({"authorization": "key-12345678", "application_key": "app-12345678"})
    settings = Settings.model_construct(
        bots={"bot": BotSettings(target="x", lines=("7255",))}, lines={"7255": LineSettings(country="PL")},
        accounts={"main": account}, database=str(tmp_path / "x.db"), public_url="https://x.test",
        dashboard_password=None, recheck=None,
    )  # fmt: skip
    clock, provider = ManualClock(), Silent()
    app = App(settings, {"bot": bot}, clock=clock, transport=provider)
    await app.start()
    backfill = app.backfill
    await backfill.once("main")
    assert provider.lists == 0, "nothing waits, so nothing is asked"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        for n in range(250):
            body = {"id": f"{n}", "from": f"600100{n:03d}", "to": "7255", "message": "hi"}
            url = app.hooks.url("main", "inbound").removeprefix("https://x.test")
            assert (await http.post(url, json=body)).status_code == 200
    await backfill.once("main")
    assert provider.lists == 0, "a minute is left for reports to come by themselves"
    clock.move_to(clock.now() + 120)
    provider.known = dict.fromkeys(provider.known, 21)
    await backfill.once("main")
    rows = await app.store.rows("feed", limit=1000, before=1e15)
    assert {r["status"] for r in rows if r["direction"] == "out"} == {"delivered"}
    assert len([r for r in rows if r["direction"] == "out"]) == 250
    await backfill.once("main")
    assert provider.lists == 1, "now everything has its report"
    await app.commands.send("+48600100200", "Your table is ready.", "7255")
    while not app.sender.idle:  # noqa: ASYNC110 - it leaves before the clock goes on
        await asyncio.sleep(0.01)
    for minutes in range(0, 180, 5):  # a phone that is off for two hours, and its report is lost
        clock.move_to(clock.now() + 300)
        await backfill.once("main")
        if minutes == 120:
            provider.known = dict.fromkeys(provider.known, 21)
    rows = await app.store.rows("feed", limit=1, before=1e15)
    assert [r["status"] for r in rows] == ["delivered"]
    await app.stop()
