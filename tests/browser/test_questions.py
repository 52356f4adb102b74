"""The twelve questions of a desk, each answered from the pages alone: what is typed, and two clicks at the most."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.stores.database import Database
from smsbot.web.control import socket_path

from ..processes import Process, running
from .conftest import axe as axe
from .conftest import violations

pytestmark = pytest.mark.needs("chromium")
BOT = """
from smsbot import Bot, Chat

bot = Bot()


@bot.on("login")
def login(chat: Chat) -> None:
    chat.say("Your code is 471148", secret=True, ref="login-7")


@bot.event("new-code")
def again(chat: Chat) -> None:
    chat.say("Your code is 902345", secret=True)


@bot.event("shipped")
def shipped(chat: Chat, event: dict[str, str]) -> None:
    chat.say(f"Parcel {event['order']} is on its way.", ref=event["order"])


@bot.on("order")
async def order(chat: Chat) -> None:
    size = await chat.ask("Which size?")
    address = await chat.ask(f"{size}. Where to?")
    chat.say(f"To {address}.")


@bot.on("agent")
def agent(chat: Chat) -> None:
    chat.handoff("counter", say="A colleague will text you.")


@bot.fallback
def other() -> str:
    return "Text ORDER, LOGIN or AGENT."
"""
SETTINGS = '[bots.shop]\ntarget = "shop.py:bot"\nlines = ["7255"]\n[lines."7255"]\ncountry = "PL"\n'
ANN, BOB, CAT, DAN, EVE = (f"+4860010{n}" for n in ("0201", "0302", "0403", "0504", "0605"))


class Shop:
    """The server, and people who text it."""

    def __init__(self, server: Process) -> None:
        self.server = server

    def text(self, number: str, *words: str) -> None:
        for each in words:
            httpx.post(f"{self.server.url}/sandbox/phones/{number}/texts", json={"text": each},
                       trust_env=False, timeout=20).raise_for_status()  # fmt: skip

    def mode(self, number: str, mode: str) -> None:
        httpx.patch(f"{self.server.url}/sandbox/phones/{number}", json={"mode": mode}, trust_env=False)

    def later(self, time: str) -> None:
        httpx.post(f"{self.server.url}/sandbox/clock", json={"advance": time}, trust_env=False, timeout=30)

    def post(self, path: str, **data: str) -> None:
        httpx.post(f"{self.server.url}{path}", data=data, headers={"origin": self.server.url}, trust_env=False)


class Agent:
    """Somebody at the desk, who counts clicks; what is typed and Enter are none."""

    def __init__(self, page: Any, shop: Shop) -> None:
        self.page, self.shop = page, shop
        self.clicks = 0

    def ask(self, what: str) -> None:
        self.page.goto(self.shop.server.url)
        self.page.fill("#q", what)
        self.page.press("#q", "Enter")

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.page.locator(selector).first.click()

    def sees(self, selector: str, words: str) -> None:
        self.page.locator(selector, has_text=words).first.wait_for(timeout=8000)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(BOT)
    (folder / "smsbot.toml").write_text(SETTINGS)
    with running("dev", "--no-reload", "--db", str(folder / "x.db"), folder=folder, log=folder / "log") as server:
        made = Shop(server)
        made.mode(BOB, "full")
        made.mode(DAN, "off")
        made.text(ANN, "login")
        made.text(BOB, "login")
        made.text(CAT, "order", "extra large")
        made.text(EVE, "hello", "STOP")
        made.text(DAN, "agent")
        made.later("1m")
        yield made


@pytest.fixture
def agent(page: Any, shop: Shop) -> Iterator[Agent]:
    made = Agent(page, shop)
    yield made
    assert made.clicks <= 2
    shown = page.locator("#feed" if page.locator("#feed").count() else "main").inner_html()
    assert not any(number[3:] in shown for number in (ANN, CAT, DAN, EVE))


SPELLINGS = [ANN, "600 100 201", "0048 600-100-201", "100201", "login-7"]


@pytest.mark.parametrize("asked", SPELLINGS[:-1])
def test_1_did_the_code_reach_them(agent: Agent, asked: str) -> None:
    agent.ask(asked)
    agent.sees("#verdict", "Delivered")
    agent.sees("#say", "reached your phone")
    assert "471148" not in agent.page.content()


def test_2_why_not(agent: Agent) -> None:
    agent.ask(BOB)
    agent.sees("#verdict", "Not delivered")
    agent.sees(".head p", "the operator could not deliver")
    agent.sees(".side dt", "Line 7255")


def test_3_when_exactly_and_how_long_after(agent: Agent) -> None:
    agent.ask(ANN)
    agent.sees(".path li.done", "On the phone")
    times = agent.page.locator(".path time").evaluate_all("all => all.map(t => t.dateTime)")
    assert len(times) >= 3
    assert times == sorted(times)
    assert agent.page.locator(".path .gap").count() >= 2


def test_4_what_they_answered_and_to_which_question(agent: Agent) -> None:
    agent.ask(CAT)
    agent.sees(".rows .text", "extra large")
    said = agent.page.locator(".rows .what .text").all_inner_texts()
    assert said[:4] == ["extra large. Where to?", "extra large", "Which size?", "order"]


def test_5_who_handles_them_now(agent: Agent) -> None:
    agent.ask(CAT)
    agent.sees(".side dd", "waits at “address”")
    agent.sees(".side dd", "by the bot")
    agent.ask(DAN)
    agent.sees(".side dd", "waits for counter")


def test_6_opted_out_since_when_by_which_text_and_what_was_shown(agent: Agent) -> None:
    agent.ask(EVE)
    agent.sees(".side .tag", "opted out")
    dd = agent.page.locator(".side dd", has_text="opted out").first
    assert "“STOP”" in dd.inner_text()
    assert "We answered:" in dd.inner_text()
    assert dd.locator("time").count() == 1


def test_7_send_it_again_and_a_code_anew(agent: Agent) -> None:
    agent.ask(CAT)
    agent.click("text=Send it again")
    agent.click(".act[open] button.pri")
    agent.sees(".facts", "requested by")
    agent.sees("#verdict", "Delivered")


def test_7_a_code_is_made_anew(agent: Agent) -> None:
    agent.ask(ANN)
    assert agent.page.locator("text=Send it again").count() == 0
    agent.click("text=Send a new code")
    agent.sees("blockquote", "(a code, hidden)")
    agent.sees("#verdict", "Delivered")
    texts = httpx.get(f"{agent.shop.server.url}/sandbox/phones/{ANN}/texts", trust_env=False).json()
    assert texts[-1]["text"] == "Your code is 902345"


def test_8_answer_by_hand(agent: Agent) -> None:
    agent.ask(CAT)
    agent.click("text=Write to this person")
    agent.page.fill("#write", "We have it in large, too.")
    agent.click(".acts .act[open] button.pri")
    agent.sees("blockquote", "We have it in large, too.")


def test_9_take_over_and_give_back(agent: Agent) -> None:
    agent.ask(CAT)
    agent.click("text=Take over from the bot")
    agent.sees(".note", "looks after this person")
    agent.clicks = 0  # and later, from there
    agent.click("text=Give back to the bot")
    agent.click("text=Continue at its question")
    agent.sees(".rows .text", "Where to?")


@pytest.mark.parametrize("asked", ["size", "login-7", "100403"])
def test_10_by_a_word_an_order_or_the_last_digits(agent: Agent, asked: str) -> None:
    agent.ask(asked)
    if asked == "size":
        agent.sees(".rows .text", "Which size?")
    else:
        agent.sees("#verdict", "Delivered")


def test_11_the_failure_rate_and_the_list_behind_it_as_a_file(agent: Agent) -> None:
    agent.page.goto(agent.shop.server.url)
    agent.click("nav a:has-text('Overview')")
    row = agent.page.locator("tr", has_text="7255").first
    assert re.search(r"\d+\.\d %", row.inner_text())
    with agent.page.expect_download() as download:
        agent.click("text=as a file")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert {r["number"].lstrip("'") for r in rows} == {"+48•••302"}
    assert "login-7" in [r["reference"] for r in rows]


def test_12_what_waits_since_when_and_which_is_the_oldest(agent: Agent) -> None:
    agent.page.goto(agent.shop.server.url)
    agent.click("nav a:has-text('Overview')")
    waits = agent.page.locator("ol[aria-label^='What waits'] li").all_inner_texts()
    assert any("for a person" in w and "oldest" in w for w in waits)
    assert any("for a delivery report" in w for w in waits)


# -- where it is hard to be right -------------------------------------------------------------------


def test_an_event_behind_a_pause_was_requested(agent: Agent, shop: Shop) -> None:
    number = "+48600100706"
    shop.post("/pauses", what="7255", why="the gateway is repaired")
    token = emitted(shop, number)
    agent.ask(number)
    agent.sees("#verdict", "Held")
    assert "Never requested" not in agent.page.inner_text("main")
    shop.post("/pauses/end", scope="line", name="7255")
    agent.sees("#verdict", "Delivered")
    assert token


def emitted(shop: Shop, number: str) -> bool:
    """An event of a program, by the socket that the command line uses."""
    database = next(Path(a) for a in shop.server._arguments if str(a).endswith("x.db"))
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(socket_path(Database(str(database)).run_folder)))
        asked = {"do": "emit", "name": "shipped", "number": number, "data": {"order": "A-77"}}
        control.sendall(json.dumps(asked).encode() + b"\n")
        return b"ok" in control.recv(1000)


def test_nothing_was_ever_asked_for(agent: Agent) -> None:
    agent.ask("+48600100999")
    agent.sees("#verdict", "Never requested")


def test_a_part_of_a_number_of_many_is_asked_back(agent: Agent, shop: Shop) -> None:
    shop.text("+48601100201", "hello")
    agent.ask("100201")
    agent.sees("h2", "Several numbers end so")
    assert agent.page.locator(".rows a.num").count() == 2


def test_250_who_wait_can_be_told_apart_sorted_and_counted(agent: Agent, shop: Shop) -> None:
    with httpx.Client(trust_env=False, timeout=20) as http:
        for n in range(250):
            http.post(f"{shop.server.url}/sandbox/phones/+4860{n:03d}0{n % 1000:03d}/texts", json={"text": "agent"})
    agent.page.goto(shop.server.url)
    agent.click("nav a:has-text('Inbox')")
    agent.page.locator("h2 .soft", has_text=re.compile(r"^25\d$")).first.wait_for(timeout=20_000)
    rows = agent.page.locator("ol[aria-label^='Waiting'] li").evaluate_all(
        "all => all.map(li => [li.querySelector('time').dateTime, li.querySelector('a.num').textContent])"
    )
    assert len(rows) == int(agent.page.locator("h2 .soft").first.inner_text())
    times = [at for at, _ in rows]
    assert times == sorted(times)
    assert len({name for _, name in rows}) >= 250


def test_planted_faults_are_found(browser: Any, shop: Shop, axe: str) -> None:
    """What looks for faults of access finds one where one is."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(shop.server.url)
    page.wait_for_timeout(300)
    page.evaluate("document.querySelector('label[for=q]').remove(); document.querySelector('#q').placeholder = ''")
    page.evaluate(
        "document.querySelector('#search').insertAdjacentHTML('afterend', '<p style=color:#ccc>too pale</p><img src=data:,>')"
    )
    found = {name for name, _ in violations(page, axe)}
    context.close()
    assert found >= {"label", "color-contrast", "image-alt"}
