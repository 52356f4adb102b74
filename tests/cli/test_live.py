"""`smsbot dev --live`: real texts for who was named, and for nobody else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.testing.scripted import answers, scripted

from ..patience import until
from ..processes import Process, free_port, running, smsbot

SETTINGS = '[bots.echo]\ntarget = "echo.py:bot"\nlines = ["+48732000111"]\n[accounts.main]\ngateway = "messageflow"\nbase_url = "{url}"\n'
BOT = "from smsbot import Bot\nbot = Bot()\n@bot.fallback\ndef echo(text: str) -> str:\n    return text\n"
SECRETS = {
    "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
    "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
}
ME, OTHER = "+48600100200", "+48600100300"
LIVE = ("dev", "--no-reload", "--live", "--public-url", "https://tunnel.example.org", "--only", ME)


async def taken(reader: Any, writer: Any, request: bytes) -> None:
    """A provider that takes every text."""
    sent = json.loads(request.partition(b"\r\n\r\n")[2])
    item = {"externalId": sent["externalId"], "status": 1}
    await answers(200, {"meta": {"status": 200}, "data": [item]})(reader, writer, request)


@pytest.mark.slow
async def test_who_was_named_gets_real_texts_and_all_others_are_played(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(BOT)
    async with scripted(taken) as provider:
        (tmp_path / "smsbot.toml").write_text(SETTINGS.format(url=provider.url))
        server = Process(*LIVE, port=free_port(), folder=tmp_path, log=tmp_path / "log", **SECRETS)
        server.start()
        try:
            await asyncio.to_thread(server.ready)
            log = (tmp_path / "log").read_text()
            assert "REAL TEXTS for +48•••200; all others are played" in log
            paste = next(x for x in log.splitlines() if "main inbound" in x)
            path = paste.partition("https://tunnel.example.org")[2]
            async with httpx.AsyncClient(trust_env=False, base_url=server.url) as http:
                for number, text in ((ME, "real"), (OTHER, "somebody else's")):
                    body = {"id": text, "from": number, "to": "+48732000111", "message": text}
                    headers = {"host": "tunnel.example.org"}
                    assert (await http.post(path, json=body, headers=headers)).status_code == 200
                phone = f"/sandbox/phones/{OTHER}/texts"
                for host in ("127.0.0.1", "localhost", "tunnel.example.org"):
                    for method, path in (("POST", phone), ("GET", phone), ("GET", "/"), ("POST", "/phone/view")):
                        told = await http.request(method, path, json={"text": "x"}, headers={"host": host})
                        assert told.status_code == 403, "the tunnel shows nobody the pages, whatever the host"
                link = next(x for x in log.splitlines() if x.startswith("Phone")).split()[1].removeprefix(server.url)
                opened = await http.get(link)
                assert (opened.status_code, opened.headers["location"]) == (303, "/phone")
                assert (await http.get("/phone")).status_code == 200
                async with httpx.AsyncClient(trust_env=False, base_url=server.url) as other:
                    assert (await other.get(link)).status_code == 403, "the link works once"
                await http.post(phone, json={"text": "played"})
                await until(lambda: len(provider.requests) >= 1)
                for _ in range(100):
                    thread = (await http.get(phone)).json()
                    if sum(e["direction"] == "out" for e in thread) == 2:
                        break
                    await asyncio.sleep(0.05)
                assert {e["text"] for e in thread if e["direction"] == "out"} == {"somebody else's", "played"}
            sent = [json.loads(body) for body in provider.bodies]
            assert [(s["phoneNumbers"], s["message"]) for s in sent] == [([ME], "real")]
            assert sent[0]["webhookUrl"].startswith("https://tunnel.example.org/hooks/main/")
        finally:
            await asyncio.to_thread(server.stop)


@pytest.mark.slow
def test_live_says_everything_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(BOT)
    (tmp_path / "smsbot.toml").write_text(SETTINGS.format(url="https://x.test"))
    done = smsbot("dev", "--live", folder=tmp_path)
    assert done.returncode == 3
    for missing in ("PUBLIC_URL is missing", "AUTHORIZATION is missing", "--only is missing"):
        assert missing in done.stderr
    done = smsbot("dev", "--live", "--only", "abc", "--public-url", "http://x", folder=tmp_path, **SECRETS)
    assert "not a phone number" in done.stderr
    assert "must begin with https://" in done.stderr
    assert smsbot("dev", "--only", ME, folder=tmp_path).returncode == 2


async def first_day(
    folder: Path, number: str, *more: str, status: str, reply: dict[str, str] | None
) -> tuple[Any, Path]:
    """`doctor --live` while somebody plays the provider: a report, and a reply."""
    (folder / "echo.py").write_text(BOT)
    async with scripted(taken) as provider:
        (folder / "smsbot.toml").write_text(SETTINGS.format(url=provider.url))
        server = Process(*LIVE, port=free_port(), folder=folder, log=folder / "log", **SECRETS)
        server.start()
        try:
            await asyncio.to_thread(server.ready)
            doctor = asyncio.create_task(
                asyncio.to_thread(smsbot, "doctor", "--live", number, "--wait", "4s", *more, folder=folder, **SECRETS)
            )
            await until(lambda: bool(provider.bodies))
            sent = json.loads(provider.bodies[0])
            path = sent["webhookUrl"].partition("https://tunnel.example.org")[2]
            async with httpx.AsyncClient(trust_env=False, base_url=server.url) as http:
                await http.post(path, json={"externalId": sent["externalId"], "status": status})
                if reply is not None:
                    await asyncio.sleep(1.0)
                    await http.post(path.replace("/status", "/inbound"), json=reply)
            return await doctor, folder / "fixtures"
        finally:
            await asyncio.to_thread(server.stop)


async def test_a_first_real_day(tmp_path: Path) -> None:
    reply = {"id": "91827364", "from": ME, "to": "+48732000111", "message": "OK Anna", "kind": "x"}
    done, fixtures = await first_day(tmp_path, ME, status="21", reply=reply)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[0] for line in done.stdout.splitlines()] == ["✓", "✓", "✓"]
    kept = json.loads((fixtures / "main-inbound.json").read_text())
    assert kept["body"] == {
        "id": "00000000", "from": "+00000000000", "to": "+00000000000", "message": "xx xxxx", "kind": "x",
    }  # fmt: skip
    assert json.loads((fixtures / "main-status.json").read_text())["body"]["status"] == "21"
    for path in fixtures.iterdir():
        assert "600100200" not in path.read_text()
        assert "Anna" not in path.read_text()


@pytest.mark.slow
async def test_a_first_day_with_a_webhook_that_is_not_understood(tmp_path: Path) -> None:
    done, fixtures = await first_day(tmp_path, ME, "--json", status="21", reply={"who": ME, "what": "OK"})
    assert done.returncode == 1
    text, report, reply = json.loads(done.stdout)["checks"]
    assert (text["check"], text["passed"], report["check"], report["passed"]) == ("text", True, "report", True)
    assert (reply["check"], reply["passed"]) == ("reply", False)
    assert (
        reply["detail"] == "none came; 1 webhooks came but were not understood: map them at /quarantine, then try again"
    )
    assert json.loads((fixtures / "main-inbound.json").read_text())["body"] == {"who": "+00000000000", "what": "xx"}


@pytest.mark.slow
def test_a_trial_needs_a_server_that_is_real(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(BOT)
    (tmp_path / "smsbot.toml").write_text(SETTINGS.format(url="https://x.test"))
    done = smsbot("doctor", "--live", ME, folder=tmp_path)
    assert (done.returncode, "no server runs" in done.stderr) == (2, True)
    with running("dev", "--no-reload", folder=tmp_path, log=tmp_path / "log"):
        done = smsbot("doctor", "--live", ME, folder=tmp_path)
    assert (done.returncode, "this server is a sandbox" in done.stderr) == (2, True)
    with running(*LIVE, folder=tmp_path, log=tmp_path / "log", **SECRETS):
        done = smsbot("doctor", "--live", OTHER, folder=tmp_path, **SECRETS)
        assert (done.returncode, "would only be played" in done.stderr) == (2, True), "a played success proves nothing"
        pasted = smsbot("hooks", folder=tmp_path, **SECRETS).stdout
        assert "https://tunnel.example.org/hooks/main/" in pasted
        assert "127.0.0.1" not in pasted
