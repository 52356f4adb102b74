"""Webhooks of the http gateway through the server: by GET, in the query, without a recipient; and what they are answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from smsbot import Bot
from smsbot.app import App
from smsbot.settings import AccountSettings, BotSettings, LineSettings, Settings
from smsbot.transport import Answer

ANN, LINE = "+48600100200", "+48732000111"


class Provider:
    """Takes every text."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.answer = b'{"id": "1"}'

    async def request(self, method: str, url: str, *, headers: Any, body: bytes = b"", timeout: float = 20.0) -> Answer:
        self.sent.append(body)
        return Answer(200, {}, self.answer)

    async def close(self) -> None:
        pass


class Server:
    def __init__(self, folder: Path, lines: tuple[str, ...] = (LINE,), **options: Any) -> None:
        bot = Bot()
        bot.fallback(lambda: "heard")
        account = {"gateway": "http", "url": "https://x.test", "body": {"to": "{to}", "text": "{text}"}, **options}
        settings = Settings.model_construct(
            bots={"bot": BotSettings(target="x", lines=lines)}, lines={n: LineSettings() for n in lines},
            accounts={"main": AccountSettings.model_validate(account)}, database=str(folder / "x.db"),
            public_url="https://x.test", dashboard_password=None, recheck=None,
        )  # fmt: skip
        self.provider = Provider()
        self.app = App(settings, {"bot": bot}, transport=self.provider)

    async def __aenter__(self) -> Server:
        await self.app.start()
        transport = httpx.ASGITransport(app=self.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="https://x.test")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.app.stop()

    @property
    def hook(self) -> str:
        return self.app.hooks.url("main", "inbound")

    async def texts(self) -> list[str]:
        return [r["text"] for r in await self.app.store.rows("feed", limit=9, before=1e15) if r["direction"] == "in"]


FIELDS = {"from": ANN, "to": LINE, "text": "Zażółć & co", "id": "7"}
WAYS: dict[str, Any] = {
    "GET": lambda h, hook: h.get(f"{hook}?{urlencode(FIELDS)}"),
    "POST with a query alone": lambda h, hook: h.post(f"{hook}?{urlencode(FIELDS)}"),
    "a form, half of it in the query": lambda h, hook: h.post(
        f"{hook}?{urlencode({'from': ANN, 'to': LINE})}", data={"text": "Zażółć & co", "id": "7"}
    ),
    "a form": lambda h, hook: h.post(hook, data=FIELDS),
    "multipart": lambda h, hook: h.post(hook, files={k: (None, v) for k, v in FIELDS.items()}),
    "JSON": lambda h, hook: h.post(hook, json=FIELDS),
    "no recipient": lambda h, hook: h.post(hook, json={k: v for k, v in FIELDS.items() if k != "to"}),
}


@pytest.mark.parametrize("way", WAYS)
async def test_however_it_comes(tmp_path: Path, way: str) -> None:
    async with Server(tmp_path) as s:
        for _ in range(2):  # and again: it is the same text
            answer = await WAYS[way](s.http, s.hook)
            assert (answer.status_code, answer.text) == (200, ""), "what is answered may be texted to the person"
            assert answer.headers["content-type"] == "text/plain"
        assert await s.texts() == ["Zażółć & co"]


async def test_the_answer_and_the_echo_can_be_set(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "hook_answer": "ACK/Jasmin",
        "hook_answer_type": "text/html",
        "hook_echo": "Validation-Token",
    }
    async with Server(tmp_path, **options) as s:
        answer = await s.http.post(s.hook, json=FIELDS, headers={"Validation-Token": "abc"})
        assert (answer.text, answer.headers["content-type"]) == ("ACK/Jasmin", "text/html")
        assert answer.headers["validation-token"] == "abc"
        assert "validation-token" not in (await s.http.post(s.hook, json=FIELDS)).headers


async def test_nobody_knows_the_recipient_where_there_are_two_lines(tmp_path: Path) -> None:
    async with Server(tmp_path, lines=(LINE, "+48732000222")) as s:
        body = {"from": ANN, "text": "hi", "id": "1"}
        assert (await s.http.post(s.hook, json=body)).status_code == 200
        assert await s.texts() == []
        (row,) = await s.app.store.rows("quarantined", account="", limit=9)
        assert "not exactly one line" in row["reason"]


@pytest.mark.parametrize("charset", ["utf-7", "punycode", "nonsense", "rot13"])
async def test_poison_lies_in_quarantine_and_blocks_nobody(tmp_path: Path, charset: str) -> None:
    async with Server(tmp_path) as s:
        for n in range(3):
            kind = {"content-type": f"application/json; charset={charset}"}
            answer = await s.http.post(s.hook, content=f'{{"from": "{n}"}}'.encode(), headers=kind)
            assert answer.status_code == 200, "never again and again"
        assert (await s.http.post(s.hook, json=FIELDS)).status_code == 200
        assert await s.texts() == ["Zażółć & co"]
        assert await s.app.store.rows("quarantined", account="", limit=9)


async def test_a_status_that_nobody_knows_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with Server(tmp_path) as s:
        hook = s.app.hooks.url("main", "status")
        await s.http.post(hook, json={"id": "1", "status": "BUFFERED_PHONE"})
        await s.http.post(hook, json={"id": "2", "status": "my code is 123456"})
        said = "".join(capfd.readouterr())
        assert "BUFFERED_PHONE" in said
        assert "123456" not in said
        rows = await s.app.store.rows("unknown_statuses")
        assert {(r["account"], r["raw"]) for r in rows} >= {("main", "BUFFERED_PHONE")}


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_reports_of_each_sms_by_its_own_id_end_as_the_worst(tmp_path: Path, order: tuple[str, str]) -> None:
    async with Server(tmp_path, id="messages.*.id") as s:
        s.provider.answer = b'{"messages": [{"id": "a"}, {"id": "b"}]}'
        await s.http.post(s.hook, json=FIELDS)
        while not s.app.sender.idle:  # noqa: ASYNC110 - a few milliseconds
            await asyncio.sleep(0.01)
        told = {"a": "delivered", "b": "undelivered"}
        for sms in order:
            body = {"id": sms, "status": told[sms]}
            assert (await s.http.post(s.app.hooks.url("main", "status"), json=body)).status_code == 200
        (row,) = [r for r in await s.app.store.rows("feed", limit=9, before=1e15) if r["direction"] == "out"]
        assert row["status"] == "undelivered"


async def test_a_text_that_a_wrong_map_takes_for_a_status_is_not_logged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with Server(tmp_path) as s:
        body = {"id": "1", "status": "call me tonight"}
        await s.http.post(s.app.hooks.url("main", "status"), json=body)
        assert "call me" not in "".join(capfd.readouterr())
