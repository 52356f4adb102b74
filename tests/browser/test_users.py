"""Users in the browser: a first sign-in by a link, two at one conversation, an agent's day by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ..processes import Process, free_port, smsbot
from ..web.test_doors import ENVIRONMENT, prepared
from .conftest import axe as axe
from .conftest import violations

pytestmark = pytest.mark.needs("chromium")
PASSWORD = "correct horse battery"
ANN = "+48600100200"
AGENT = """
from smsbot import Bot, Chat

bot = Bot()


@bot.on("agent")
def agent(chat: Chat) -> None:
    chat.handoff("counter", say="A colleague will text you.")


@bot.fallback
def echo(text: str) -> str:
    return text
"""


class Desk:
    """`smsbot run` with its users; what it sends goes nowhere, which is none of their business."""

    def __init__(self, server: Process, folder: Any) -> None:
        self.server, self.folder = server, folder

    def command(self, *arguments: str) -> str:
        done = smsbot(*arguments, folder=self.folder, **ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def link(self, name: str, role: str) -> str:
        made = self.command("user", "add", name, "--role", role).strip()
        return made.replace("https://bots.test", self.server.url)

    def text(self, words: str) -> None:
        hooks = json.loads(self.command("hooks", "--json"))["hooks"]
        place = hooks["main inbound"][0].partition("bots.test")[2]
        body = {"id": f"{ANN}{words}", "from": ANN, "to": "7255", "message": words}
        httpx.post(self.server.url + place, json=body, trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = prepared(tmp_path_factory.mktemp("users"))
    (folder / "echo.py").write_text(AGENT)
    server = Process("run", port=free_port(), folder=folder, log=folder / "log", **ENVIRONMENT)
    server.start()
    try:
        yield Desk(server.ready(), folder)
    finally:
        server.kill()


@pytest.fixture(scope="module")
def people(desk: Desk, browser: Any) -> Iterator[dict[str, Any]]:
    """Ola of support and Eva, an admin, each with a browser of their own."""
    contexts = {name: browser.new_context(viewport={"width": 1200, "height": 900}) for name in ("ola", "eva")}
    pages = {name: context.new_page() for name, context in contexts.items()}
    for name, role in (("ola", "support"), ("eva", "admin")):
        pages[name].goto(desk.link(name, role))
        pages[name].fill("#password", PASSWORD)
        pages[name].press("#password", "Enter")
        pages[name].locator("#search").wait_for(timeout=8000)
    yield pages
    for context in contexts.values():
        context.close()


def test_a_link_opens_the_desk_and_only_once(desk: Desk, page: Any) -> None:
    link = desk.link("jan", "support")
    page.goto(f"{desk.server.url}/inbox")
    assert "Sign in" in page.inner_text("h1")
    page.goto(link)
    assert page.inner_text("h1") == "Welcome, jan"
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.locator(".me", has_text="jan").wait_for(timeout=8000)
    assert page.locator("nav >> text=Users").count() == 0, "support does not see what is for admins"
    page.click("text=Sign out")
    page.locator("h1", has_text="Sign in").wait_for(timeout=8000)
    page.goto(f"{desk.server.url}/inbox")
    page.fill("#name", "jan")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.locator("h1", has_text="Inbox").wait_for(timeout=8000)


def test_two_at_one_conversation(desk: Desk, people: dict[str, Any]) -> None:
    ola, eva = people["ola"], people["eva"]
    desk.text("agent")
    for one in (ola, eva):
        one.goto(f"{desk.server.url}/inbox")
        one.locator("ol[aria-label^=Waiting] a.num").first.click()
        one.locator("#live", has_text="Live").wait_for(timeout=8000)
    ola.click("text=Take over from the bot")
    eva.locator(".note", has_text="looks after this person").wait_for(timeout=8000)
    assert "ola" in eva.inner_text(".verdict")
    assert not eva.locator("#writing").is_visible()
    ola.click("text=Write to this person")
    ola.type("#write", "I am looking it up")
    eva.locator("#writing", has_text="ola is writing to this person").wait_for(timeout=8000)
    eva.click("text=Write to this person")
    eva.fill("#write", "Hello, Eva here")
    ola.click(".acts .act[open] button.pri")
    ola.locator("blockquote", has_text="I am looking it up").wait_for(timeout=8000)
    eva.click(".acts .act[open] button.pri")
    eva.locator("[role=alert]", has_text="ola has just written").wait_for(timeout=8000)
    assert eva.input_value("#write") == "Hello, Eva here"
    eva.goto(f"{desk.server.url}/audit")
    assert "ola took a conversation over: +48•••200" in eva.inner_text("main")
    ola.goto(f"{desk.server.url}/audit")
    assert "Only an admin" in ola.inner_text("main")


def test_an_agents_day_by_keyboard_alone(desk: Desk, people: dict[str, Any]) -> None:
    """Find, take over, write, note: by Tab, Enter and letters."""
    page = people["ola"]
    desk.text("agent")
    page.goto(desk.server.url)
    go_to(page, "#q")
    page.keyboard.type("100200")
    page.keyboard.press("Enter")
    page.locator("#verdict").wait_for(timeout=8000)
    if page.locator("button:has-text('Take over from the bot')").count():  # no other test has done it before
        go_to(page, "button:has-text('Take over from the bot')")
        page.keyboard.press("Enter")
        page.locator("summary:has-text('Write to this person')").first.wait_for(timeout=8000)
    go_to(page, "summary:has-text('Write to this person')")
    page.keyboard.press("Enter")
    go_to(page, "#write")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("blockquote", has_text="By keyboard").wait_for(timeout=8000)
    go_to(page, "summary:has-text('Add a note')")
    page.keyboard.press("Enter")
    go_to(page, "#note")
    page.keyboard.type("called at noon")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".side .text", has_text="called at noon").wait_for(timeout=8000)
    go_to(page, "a:has-text('Inbox')")
    page.keyboard.press("Enter")
    page.locator("h1", has_text="Inbox").wait_for(timeout=8000)


def go_to(page: Any, selector: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(80):
        if page.evaluate(
            "selector => document.activeElement === document.querySelector(selector)", css(page, selector)
        ):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def css(page: Any, selector: str) -> str:
    """A selector of the browser's own for what one of Playwright's finds."""
    page.locator(selector).first.evaluate(
        "e => { document.querySelectorAll('[data-here]').forEach(o => o.removeAttribute('data-here')); e.dataset.here = '' }"
    )
    return "[data-here]"


@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_where_one_signs_in(browser: Any, desk: Desk, axe: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{desk.server.url}/sign-in")
    found, sideways = violations(page, axe), page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert (found, sideways <= width) == ([], True)
