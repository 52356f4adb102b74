"""smsbot as an ASGI application: alone, mounted at a prefix, of settings or of bots; what is missing is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import smsbot
from smsbot import Bot, SettingsError
from smsbot.embedded import Embedded

PASSWORD = "a password for the tests"
SETTINGS = """\
[bots.till]
target = "till.py"
lines = ["+48732000111"]
[accounts.main]
gateway = "messageflow"
"""
BOT = """\
from smsbot import Bot

bot = Bot()


@bot.on("hi")
def hi() -> str:
    return "hello"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and a bot, which is not the current one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "smsbot.toml").write_text(SETTINGS)
    (tmp_path / "till.py").write_text(BOT)
    for name, value in {
        "PUBLIC_URL": "https://shop.example.org/sms", "SMSBOT_DASHBOARD_PASSWORD": PASSWORD,
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


@asynccontextmanager
async def alive(app: Any) -> AsyncIterator[None]:
    """The lifespan of an application, as a server goes through it."""
    to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    life = asyncio.create_task(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    told = await from_app.get()
    assert told["type"] == "lifespan.startup.complete", told
    yield
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await life


def over(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://shop.example.org")


async def test_it_lives_as_its_server_says(place: Path) -> None:
    sms = smsbot.asgi(place / "smsbot.toml", database=str(place / "sms.db"))
    async with alive(sms), over(sms) as http:
        assert (await http.get("/readyz")).json()["ready"]
        assert (await http.get("/api/v1/lines")).status_code == 401
    async with alive(smsbot.asgi(place, database=str(place / "sms.db"))):
        pass


@pytest.mark.parametrize("framework", [FastAPI, Starlette])
async def test_inside_another_application(place: Path, framework: Any) -> None:
    sms = smsbot.asgi(place, database=str(place / "sms.db"))
    shop = framework(lifespan=sms.lifespan, routes=[Mount("/sms", sms)])
    async with alive(shop), over(shop) as http:
        assert (await http.get("/sms/readyz")).json()["ready"]
        page = await http.get("/sms/", auth=("ola", PASSWORD))
        assert '"/sms/static/smsbot.css"' in page.text
        assert await sms.send("+48600100200", "Ready.")


async def test_in_a_life_of_ones_own(place: Path) -> None:
    sms = smsbot.asgi(place, database=str(place / "sms.db"))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sms:
            yield

    shop = FastAPI(lifespan=lifespan, routes=[Mount("/sms", sms)])
    async with alive(shop), over(shop) as http:
        assert (await http.get("/sms/healthz")).status_code == 200


async def test_who_forgets_its_life_is_told(place: Path) -> None:
    shop = FastAPI(routes=[Mount("/sms", smsbot.asgi(place, database=str(place / "sms.db")))])
    async with alive(shop), over(shop) as http:
        answer = await http.get("/sms/readyz")
        assert answer.status_code == 503
        assert "lifespan=sms.lifespan" in answer.json()["title"]


async def test_bots_that_are_given(place: Path) -> None:
    bot = Bot("shop")
    bot.on("hi")(lambda: "hello")
    accounts = place / "accounts"
    accounts.mkdir()
    (accounts / "smsbot.toml").write_text(SETTINGS[SETTINGS.index("[accounts") :])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(accounts)
        with pytest.raises(SettingsError, match=r"shop has no line; add \[bots.shop\] or lines="):
            smsbot.asgi(bot)
        for source in (bot, {"shop": bot}):
            sms = smsbot.asgi(source, lines=["+48732000111"], database=str(place / "given.db"))
            async with alive(sms):
                assert await bot.send("+48600100200", "Ready.") in ("sending", "queued")


async def test_a_database_that_is_served_already_fails_the_start(place: Path) -> None:
    first, second = (smsbot.asgi(place, database=str(place / "sms.db")) for _ in range(2))
    async with alive(first):
        told: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            told.append(message)

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "lifespan.startup"}

        with pytest.raises(smsbot.StoreError):
            await second({"type": "lifespan"}, receive, send)
        assert told[0]["type"] == "lifespan.startup.failed"
        assert "another smsbot serves" in told[0]["message"]


@pytest.mark.parametrize(
    ("source", "why"),
    [("nothing.toml", "settings are in a folder"), ("smsbot.toml", "there is no file"), ("nowhere", "settings are in")],
)
def test_settings_that_are_nowhere(place: Path, source: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        smsbot.asgi(source)


def test_everything_that_is_missing_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError) as told:
        Embedded()
    assert "PUBLIC_URL" in str(told.value)
    assert "bots: none" in str(told.value)


async def test_it_starts_once_and_again_after_its_end(place: Path) -> None:
    sms = smsbot.asgi(place, database=str(place / "sms.db"))
    async with sms:
        with pytest.raises(smsbot.UsageError, match="started already"):
            await sms.start()
        async with over(sms) as http:
            assert (await http.get("/readyz")).json()["ready"]
    async with alive(sms), over(sms) as http:
        assert (await http.get("/readyz")).json()["ready"]
