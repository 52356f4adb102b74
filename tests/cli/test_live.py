"""`smsbot dev --live`: real texts for who was named, and for nobody else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from smsbot.testing.scripted import answers, scripted

from ..processes import Process, free_port, smsbot

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


async def until(condition: Any, patience: float = 10.0) -> None:
    for _ in range(int(patience / 0.05)):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def test_who_was_named_gets_real_texts_and_all_others_are_played(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(BOT)
    async with scripted(taken) as provider:
        (tmp_path / "smsbot.toml").write_text(SETTINGS.format(url=provider.url))
        server = Process(*LIVE, port=free_port(), folder=tmp_path, log=tmp_path / "log", **SECRETS)
        server.start()
        try:
            await asyncio.to_thread(server.ready)
            log = (tmp_path / "log").read_text()
            assert "REAL TEXTS for +48•••00; all others are played" in log
            paste = next(x for x in log.splitlines() if "main inbound" in x)
            path = paste.partition("https://tunnel.example.org")[2]
            async with httpx.AsyncClient(trust_env=False, base_url=server.url) as http:
                for number, text in ((ME, "real"), (OTHER, "somebody else's")):
                    body = {"id": text, "from": number, "to": "+48732000111", "message": text}
                    headers = {"host": "tunnel.example.org"}
                    assert (await http.post(path, json=body, headers=headers)).status_code == 200
                phone = f"/sandbox/phones/{OTHER}/texts"
                await http.post(phone, json={"text": "played"})
                await until(lambda: len(provider.requests) >= 1)
                for _ in range(100):
                    thread = (await http.get(phone)).json()
                    if sum(e["direction"] == "out" for e in thread) == 2:
                        break
                    await asyncio.sleep(0.05)
                assert {e["text"] for e in thread if e["direction"] == "out"} == {"somebody else's", "played"}
                stranger = await http.get("/", headers={"host": "tunnel.example.org"})
                assert stranger.status_code == 403, "the tunnel shows nobody the pages"
            sent = [json.loads(body) for body in provider.bodies]
            assert [(s["phoneNumbers"], s["message"]) for s in sent] == [([ME], "real")]
            assert sent[0]["webhookUrl"].startswith("https://tunnel.example.org/hooks/main/")
        finally:
            await asyncio.to_thread(server.stop)


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
