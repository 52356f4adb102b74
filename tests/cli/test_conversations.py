"""The commands around conversations in Python: check, test --coverage, token."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from ..processes import running, smsbot

BOT = '''
import random
from typing import Literal
from smsbot import Bot, Chat, NoReply, choice

bot = Bot()

@bot.on("pizza")
async def order(chat: Chat) -> str:
    try:
        size = await chat.ask("Size?", choice(Literal["S", "L"]), timeout="1h")
    except NoReply:
        return "Bye."
    lucky = random.random()
    return f"{size}, {await chat.ask('Street?')}"

@bot.event("ready")
def ready(event: dict[str, str]) -> str:
    return f"{event['what']} is ready."
'''  # fmt: skip
STORY = """
story: a large one
bot: shop
script:
  - me: pizza
  - bot: "Size?"
  - me: L
  - bot: "Street?"
"""

SILENCE = """
story: silence
bot: shop
script:
  - me: pizza
  - bot: "Size?"
  - me: qq
  - bot: "Size? Reply S or L."
  - wait: 2h
  - bot: "Bye."
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(BOT, encoding="utf-8")
    (tmp_path / "smsbot.toml").write_text('[bots.shop]\ntarget = "shop.py:bot"\nlines = ["+48732000111"]\n')
    (tmp_path / "shop.story.yaml").write_text(STORY, encoding="utf-8")
    return tmp_path


def test_check_finds_what_a_replay_would_do_again(shop: Path) -> None:
    found = smsbot("check", folder=shop)
    assert found.returncode == 1
    assert "error[SB680]" in found.stdout
    assert "shop.py:14:13" in found.stdout
    assert "chat.random" in found.stdout
    assert "1 conversation: 1 error" in found.stdout
    (shop / "shop.py").write_text(BOT.replace("random.random()", "chat.random.random()"), encoding="utf-8")
    assert smsbot("check", folder=shop).returncode == 0


@pytest.mark.slow
def test_coverage_names_questions_answers_and_silences(shop: Path) -> None:
    told = smsbot("test", "--coverage", folder=shop)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "order.size" in told.stdout
    found = json.loads(smsbot("test", "--coverage", "--json", folder=shop).stdout)["coverage"]
    missing = {m["name"]: m["missing"] for m in found["missing"]}
    assert missing["order.size"] == ["S", "a wrong answer", "no answer"]
    assert 0 < found["share"] < 1
    (shop / "silence.story.yaml").write_text(SILENCE, encoding="utf-8")
    again = json.loads(smsbot("test", "--coverage", "--json", folder=shop).stdout)
    missing = {m["name"]: m["missing"] for m in again["coverage"]["missing"]}
    assert missing["order.size"] == ["S"], again


@pytest.mark.slow
def test_tokens_are_shown_once_and_open_the_api(shop: Path, tmp_path: Path) -> None:
    with running("dev", folder=shop, log=tmp_path / "log") as server:
        made = json.loads(smsbot("token", "add", "till", "--json", folder=shop).stdout)
        again = smsbot("token", "add", "till", folder=shop)
        assert (again.returncode, "already" in again.stderr) == (2, True)
        listed = smsbot("token", "list", folder=shop)
        assert "till" in listed.stdout
        assert made["token"] not in listed.stdout
        body = {"event": "ready", "to": "+48600100200", "data": {"what": "Pizza"}}
        headers = {"authorization": f"Bearer {made['token']}"}
        answer = httpx.post(f"{server.url}/api/v1/events", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (202, {"status": "started"})
        assert smsbot("token", "revoke", "till", folder=shop).returncode == 0
        assert httpx.post(f"{server.url}/api/v1/events", json=body, headers=headers).status_code == 401
        assert smsbot("token", "revoke", "till", folder=shop).returncode == 2
    assert made["token"] not in (tmp_path / "log").read_text()
