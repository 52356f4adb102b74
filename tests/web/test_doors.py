"""The doors: who may see the pages, from where forms may come, how fast a password may be guessed."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from smsbot.core.clock import SystemClock
from smsbot.core.errors import SettingsError
from smsbot.desk.users import Users
from smsbot.stores.base import Tables
from smsbot.web.auth import DeskGate, LinkGate, LinkKeys, LocalGate, PasswordCheck, Places
from smsbot.web.guesses import Guesses

from ..processes import Process, free_port, running

SECRET = "a good password"
RIGHT = {"authorization": "Basic " + base64.b64encode(f"desk:{SECRET}".encode()).decode()}


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the pages"})


async def once(key: bytes) -> bool:
    return True


class Nobody:
    """Tables without users."""

    async def rows(self, name: str, **parameters: object) -> list[Any]:
        return []


def password_gate() -> DeskGate:
    users = Users(cast("Tables", Nobody()), SystemClock())
    return DeskGate(inner, SECRET, Places(["bots.test", "desk.example.org"]), Guesses(), users)


def link_gate(password: str = "") -> LinkGate:
    check = PasswordCheck(password, Guesses()) if password else None
    keys = LinkKeys("the-link", once, lambda: b"k" * 32)
    return LinkGate(inner, keys, Places(["127.0.0.1", "tunnel.example.org"]), check)


async def ask(gate: Any, method: str, path: str, headers: Mapping[str, str], peer: str = "127.0.0.1") -> httpx.Response:
    transport = httpx.ASGITransport(app=gate, client=(peer, 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://bots.test") as http:
        return await http.request(method, path, headers=headers)


LOCAL = {"host": "localhost:8765"}
STRANGERS: list[tuple[str, str, str, dict[str, str]]] = [
    # plain dev: only this machine, never through a tunnel, no foreign forms
    ("dev", "GET", "/", {"host": "evil.test"}),
    ("dev", "GET", "/", {"host": "localhost.evil.test"}),
    ("dev", "GET", "/", {"host": "127.0.0.1.evil.test"}),
    ("dev", "GET", "/", {"host": "[bad"}),
    ("dev", "GET", "/phone", {**LOCAL, "x-forwarded-for": "203.0.113.9"}),
    ("dev", "GET", "/phone", {**LOCAL, "cf-connecting-ip": "203.0.113.9"}),
    ("dev", "GET", "/phone", {**LOCAL, "forwarded": "for=203.0.113.9"}),
    ("dev", "POST", "/phone/view", {**LOCAL, "origin": "https://evil.test"}),
    ("dev", "POST", "/phone/view", {**LOCAL, "origin": "null"}),
    ("dev", "POST", "/phone/view", {**LOCAL, "sec-fetch-site": "cross-site"}),
    ("dev", "POST", "/phone/view", {**LOCAL, "sec-fetch-site": "same-site"}),
    ("dev", "POST", "/sandbox/clock", {**LOCAL, "referer": "https://evil.test/x"}),
    # dev --live: whatever the Host says
    ("live", "GET", "/", LOCAL),
    ("live", "GET", "/", {"host": "127.0.0.1"}),
    ("live", "GET", "/", {"host": "[::1]"}),
    ("live", "GET", "/", {"host": "tunnel.example.org"}),
    ("live", "GET", "/phone", LOCAL),
    ("live", "POST", "/phone/view", LOCAL),
    ("live", "GET", "/sandbox/phones/+48600100200/texts", LOCAL),
    ("live", "POST", "/sandbox/phones/+48600100200/texts", LOCAL),
    ("live", "POST", "/sandbox/clock", LOCAL),
    ("live", "POST", "/quarantine", LOCAL),
    ("live", "GET", "/metrics", LOCAL),
    ("live", "GET", "/?key=wrong", LOCAL),
    ("live", "GET", "/", {**LOCAL, "cookie": "smsbot_dev=" + "0" * 64}),
    ("live", "GET", "/", {**LOCAL, "cookie": 'smsbot_dev="\\303\\263"'}),
    ("live", "GET", "/", {**LOCAL, "authorization": "Bearer " + "0" * 64}),
    # run: a password, our hosts, our forms
    ("run", "GET", "/", {}),
    ("run", "GET", "/metrics", {"authorization": "Basic eDp5"}),
    ("run", "GET", "/", {"authorization": "Basic !!!"}),
    ("run", "GET", "/", {**RIGHT, "host": "evil.test"}),
    ("run", "POST", "/quarantine", {**RIGHT, "origin": "https://evil.test"}),
    ("run", "POST", "/quarantine", {**RIGHT, "origin": "https://bots.test.evil.test"}),
    ("run", "POST", "/handoffs/1/done", {**RIGHT, "origin": "null"}),
    ("run", "POST", "/handoffs/1/done", {**RIGHT, "sec-fetch-site": "cross-site", "origin": "https://bots.test"}),
    ("run", "POST", "/handoffs/1/done", {**RIGHT, "referer": "https://evil.test/bots.test"}),
]
OURS: list[tuple[str, str, str, dict[str, str]]] = [
    ("dev", "GET", "/", LOCAL),
    ("dev", "POST", "/phone/view", {**LOCAL, "origin": "http://localhost:8765", "sec-fetch-site": "same-origin"}),
    ("dev", "POST", "/phone/view", LOCAL),
    ("live", "GET", "/healthz", LOCAL),
    ("live", "POST", "/sandbox/v2.1/sms", LOCAL),
    ("run", "GET", "/healthz", {"host": "10.0.0.7:8765"}),
    ("run", "GET", "/", RIGHT),
    ("run", "GET", "/", {**RIGHT, "host": "10.0.0.7:8765"}),
    ("run", "GET", "/", {**RIGHT, "host": "smsbot:8765"}),
    ("run", "GET", "/", {**RIGHT, "host": "desk.example.org"}),
    ("run", "POST", "/quarantine", {**RIGHT, "origin": "https://bots.test"}),
    ("run", "POST", "/quarantine", {**RIGHT, "host": "10.0.0.7:8765", "origin": "http://10.0.0.7:8765"}),
    ("run", "POST", "/quarantine", RIGHT),
]


def gate_of(mode: str) -> Any:
    if mode == "dev":
        return LocalGate(inner, "http://127.0.0.1:8765")
    return link_gate() if mode == "live" else password_gate()


@pytest.mark.parametrize(("mode", "method", "path", "headers"), STRANGERS)
async def test_a_stranger_gets_nothing(mode: str, method: str, path: str, headers: dict[str, str]) -> None:
    answer = await ask(gate_of(mode), method, path, headers)
    assert answer.status_code in (401, 403, 421)
    assert "the pages" not in answer.text
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(("mode", "method", "path", "headers"), OURS)
async def test_our_own_are_let_through(mode: str, method: str, path: str, headers: dict[str, str]) -> None:
    assert (await ask(gate_of(mode), method, path, headers)).text == "the pages"


async def test_behind_a_tunnel_the_password_opens_too() -> None:
    gate = link_gate(SECRET)
    assert (await ask(gate, "GET", "/", {"host": "tunnel.example.org"})).status_code == 401
    assert (await ask(gate, "GET", "/", {"host": "tunnel.example.org", **RIGHT})).text == "the pages"


def attempts_until(many: int, clients: int) -> float:
    """Seconds that so many guesses take that never rest, from so many addresses."""
    guesses, now, looked_at = Guesses(), 1000.0, 0
    began, n = now, 0
    while looked_at < many:
        n += 1
        wait = guesses.wait(f"c{n % clients}", now)
        if not wait:
            guesses.missed(f"c{n % clients}", now)
            looked_at += 1
        elif n % clients == 0:
            now += 1.0
    return now - began


@pytest.mark.parametrize("clients", [1, 10, 500])
def test_a_thousand_guesses_take_over_ten_minutes(clients: int) -> None:
    assert attempts_until(1000, clients) > 600


def test_whoever_was_right_is_not_kept_out_by_strangers() -> None:
    guesses = Guesses()
    guesses.right("desk", 0.0)
    for n in range(1000):
        guesses.missed(f"stranger{n}", 10.0)
    assert guesses.wait("another", 10.0) > 0
    assert guesses.wait("desk", 10.0) == 0


def test_people_mistype_and_are_forgiven() -> None:
    guesses = Guesses()
    for n in range(4):
        assert guesses.wait("desk", float(n)) == 0
        guesses.missed("desk", float(n))
    assert guesses.wait("desk", 5.0) == 0
    guesses.right("desk", 5.0)
    guesses.missed("desk", 6.0)
    assert guesses.wait("desk", 6.0) == 0


async def test_guesses_are_refused_by_client_behind_a_proxy(capfd: pytest.CaptureFixture[str]) -> None:
    gate = password_gate()
    wrong = {"authorization": "Basic " + base64.b64encode(b"desk:wrong-password").decode()}
    told = [(await ask(gate, "GET", "/", {**wrong, "x-forwarded-for": "1.1.1.1, 203.0.113.9"})) for _ in range(8)]
    assert [a.status_code for a in told] == [401] * 5 + [429] * 3
    assert int(told[-1].headers["retry-after"]) >= 1
    refused = await ask(gate, "GET", "/", {**RIGHT, "x-forwarded-for": "203.0.113.9"})
    assert refused.status_code == 429, "not even the right one, or a wait would tell nothing"
    assert (await ask(gate, "GET", "/", {**RIGHT, "x-forwarded-for": "198.51.100.4"})).status_code == 200
    said = capfd.readouterr()
    assert (said.out + said.err).count("a wrong password for the pages") == 5
    assert "203.0.113.9" in said.out + said.err
    assert "wrong-password" not in said.out + said.err


SETTINGS = """
[bots.echo]
target = "echo.py:bot"
lines = ["7255"]
[lines."7255"]
country = "PL"
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:9/v2.1"
"""
BOT = "from smsbot import Bot\nbot = Bot()\n@bot.fallback\ndef echo(text: str) -> str:\n    return text\n"
ENVIRONMENT = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    "PUBLIC_URL": "https://bots.test",
}


def prepared(folder: Path) -> Path:
    (folder / "smsbot.toml").write_text(SETTINGS)
    (folder / "echo.py").write_text(BOT)
    return folder


def test_a_password_has_a_least_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smsbot.configuration import check_live, read

    monkeypatch.chdir(prepared(tmp_path))
    for name, value in {**ENVIRONMENT, "SMSBOT_DASHBOARD_PASSWORD": "short"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="at least 8 characters") as caught:
        check_live(read())
    assert "short:" not in str(caught.value).replace("too short:", "")


async def half(port: int, head: bytes) -> float:
    """Seconds until a request that never ends is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(head)
    try:
        async with asyncio.timeout(20):
            while await reader.read(1000):
                pass
    except ConnectionError:
        pass
    writer.close()
    return time.monotonic() - began


def posted(path: str, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-length: 1000", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\nx"


@pytest.mark.slow
async def test_a_real_server_has_no_open_door(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "SMSBOT_DASHBOARD_PASSWORD": SECRET}
    server = Process("run", port=free_port(), folder=prepared(tmp_path), log=tmp_path / "log", **environment)
    server.start()
    try:
        await asyncio.to_thread(server.ready)
        async with httpx.AsyncClient(trust_env=False, base_url=server.url, headers=RIGHT) as http:
            for path in ("/api/v1/events/", "/quarantine/", "/static", "/messages/", "//evil.test/%2f.."):
                for method in ("GET", "POST"):
                    answer = await http.request(method, path, headers={"host": "127.0.0.1"})
                    assert "location" not in answer.headers, path
                    shut = (
                        (401,) if path.startswith("/api/") else (404, 405)
                    )  # programs bring a token, or learn nothing
                    assert answer.status_code in shut, path
            for digits in ("9" * 5000, "9" * 19, "-1", "1" * 30):
                for path in (f"/handoffs/{digits}", f"/handoffs/{digits}/done", f"/quarantine/{digits}/discard"):
                    assert (await http.post(path)).status_code in (404, 405), (path[:30], len(digits))
            assert (await http.get(f"/messages/{'9' * 5000}")).status_code == 404
        form, key = "content-type: application/x-www-form-urlencoded", f"authorization: {RIGHT['authorization']}"
        cut = await asyncio.gather(
            half(server.port, posted("/quarantine", form, key)),
            half(server.port, posted("/", form, key)),
            half(server.port, posted("/api/v1/events", "authorization: Bearer x")),
            half(server.port, b"GET / HTTP/1.1\r\nhost: x\r\n"),
        )
        assert max(cut) < 15
        assert "Traceback" not in server.log.read_text()
    finally:
        await asyncio.to_thread(server.stop)


@pytest.mark.slow
def test_no_descriptors_left_is_told_once_a_second(tmp_path: Path) -> None:
    limit = ("sh", "-c", 'ulimit -n 60; exec "$0" "$@"')
    server = Process(
        "run", port=free_port(), folder=prepared(tmp_path), log=tmp_path / "log", before=limit, **ENVIRONMENT
    )
    server.start()
    try:
        server.ready()
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
        time.sleep(4)
        told = server.log.read_text().count("descriptors have run out")
        assert 1 <= told <= 6
        for each in held:
            each.close()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                if httpx.get(f"{server.url}/healthz", trust_env=False, timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        else:
            raise AssertionError("it did not take connections again")
    finally:
        server.stop()


@pytest.mark.slow
def test_guesses_at_a_real_server_are_logged_and_counted(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "SMSBOT_DASHBOARD_PASSWORD": SECRET}
    with running("run", folder=prepared(tmp_path), log=tmp_path / "log", **environment) as server:
        with_http = httpx.Client(trust_env=False, base_url=server.url)
        with with_http as http:
            statuses = [http.get("/", auth=("desk", f"guess-{n}")).status_code for n in range(200)]
            assert statuses.count(401) <= 7
            forged = [
                http.get("/", auth=("desk", f"g{n}"), headers={"x-forwarded-for": f"9.9.{n}.1"}).status_code
                for n in range(200)
            ]
            assert forged.count(401) <= 25, "whoever invents addresses shares one budget"
            mine = {"x-forwarded-for": "198.51.100.4"}
            end = time.monotonic() + 5
            while (page := http.get("/metrics", auth=("desk", SECRET), headers=mine)).status_code == 429:
                assert time.monotonic() < end
                time.sleep(0.2)
            assert "smsbot_password_wrong_total" in page.text
    log = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert sum(line["event"] == "a wrong password for the pages" for line in log) >= 7
