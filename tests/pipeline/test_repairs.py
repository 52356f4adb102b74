"""Failed texts that are sent again after a line has moved to another account."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from smsbot import Bot
from smsbot.app import App
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings
from smsbot.transport import Answer


class Provider:
    """A MessageFlow that knows one key, and remembers with which keys it was asked."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float = 20.0
    ) -> Answer:
        if method != "POST":
            return Answer(404, {}, b'{"meta":{"status":404}}')
        self.keys.append(headers["Application-Key"])
        if headers["Application-Key"] != "new-1234567":
            return Answer(400, {}, b'{"meta":{"status":400},"errors":[{"message":"no"}]}')
        told = {"meta": {"status": 200}, "data": [{"externalId": json.loads(body)["externalId"], "status": 1}]}
        return Answer(200, {}, json.dumps(told).encode())

    async def close(self) -> None:
        pass


def server(folder: Path, provider: Provider, account: str) -> App:
    keys = {"authorization": "key-12345678", "application_key": f"{account}-1234567"}
    bot = Bot()
    bot.fallback(lambda: None)
    settings = Settings.model_construct(
        bots={"bot": BotSettings(target="x", lines=("+48732000111",))},
        lines={"+48732000111": LineSettings(account=account)},
        accounts={account: AccountSettings.model_validate(keys)}, database=str(folder / "x.db"),
        public_url="https://x.test", dashboard_password=None, recheck=None,
    )  # fmt: skip
    return App(settings, {"bot": bot}, transport=provider)


async def test_a_failed_text_goes_again_through_the_account_of_today(tmp_path: Path) -> None:
    provider = Provider()
    app = server(tmp_path, provider, "old")
    await app.start()
    await app.commands.send("+48600100200", "Your table is ready.")
    await settled(app)
    await app.stop()
    app = server(tmp_path, provider, "new")
    await app.start()
    assert await app.commands.send_again(0.0, "", "", ["failed"]) == 1
    await settled(app)
    rows = await app.store.rows("feed", limit=9, before=1e15)
    assert [row["status"] for row in rows] == ["accepted", "failed"]
    assert provider.keys == ["old-1234567", "new-1234567"]
    await app.stop()


async def settled(app: App) -> None:
    while not app.sender.idle:  # noqa: ASYNC110 - a few milliseconds
        await asyncio.sleep(0.01)
