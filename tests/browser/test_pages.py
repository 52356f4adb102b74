"""The pages in headless Chromium: an order typed to its end, and seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import leave_out
from ..processes import Process, running

pytestmark = pytest.mark.needs("chromium")
SHOTS = os.environ.get("SMSBOT_SHOTS")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        leave_out("chromium", "playwright")
    if path is None:
        leave_out("chromium", "Debian's chromium")
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=path, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("browser")
    with running("dev", "--db", str(folder / "x.db"), log=folder / "log") as process:
        yield process


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    made = context.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda e: errors.append(str(e)))
    made.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield made
    if SHOTS:
        made.screenshot(path=str(Path(SHOTS) / f"{request.node.name}.png"), full_page=True)
    context.close()
    assert errors == []


def say(page: Any, text: str, answer: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.locator("#thread li.out", has_text=answer).last.wait_for(timeout=5000)


def test_an_order_typed_to_its_end(page: Any, server: Process) -> None:
    page.goto(f"{server.url}/phone")
    say(page, "pizza", "Size?")
    say(page, "L", "How many")
    say(page, "2", "Delivery address?")
    say(page, "Main St 1", "2 x L, $28. OK?")
    say(page, "yes", "On its way!")
    page.locator("#thread li.out", has_text="✓✓ delivered").nth(4).wait_for(timeout=5000)
    assert page.locator("#thread li").count() == 10
    assert page.locator("#typing").is_hidden()


def test_the_list_is_live_and_finds_a_number(page: Any, server: Process) -> None:
    page.goto(server.url)
    page.locator("#live", has_text="Live").wait_for(timeout=5000)
    httpx.post(f"{server.url}/sandbox/phones/+48600100777/texts", json={"text": "<b>hi</b>"})
    page.locator("td.text", has_text="<b>hi</b>").wait_for(timeout=5000)
    page.locator(".status.delivered", has_text="delivered").first.wait_for(timeout=5000)
    page.fill("#number", "600 100 777")
    page.press("#number", "Enter")
    page.locator("caption", has_text="+48•••77").wait_for(state="attached", timeout=5000)
    assert page.locator("tbody tr").count() == 2
    assert "600100777" not in page.url
    page.locator("a.status").first.click()
    page.locator(".timeline li", has_text="report: delivered").wait_for(timeout=5000)
    assert "600100777" not in page.content()


def test_what_cannot_be_found_says_so(page: Any, server: Process) -> None:
    page.goto(server.url)
    page.fill("#number", "hello")
    page.press("#number", "Enter")
    page.locator(".empty", has_text="is not a phone number").wait_for(timeout=5000)


def test_a_full_and_an_off_phone_and_a_clock_jump(page: Any, server: Process) -> None:
    page.goto(f"{server.url}/phone")
    page.fill("#me", "+48600100888")
    page.press("#me", "Tab")
    page.select_option("#mode", "full")
    say(page, "pizza", "Size?")
    page.locator("#thread li.out", has_text="undelivered").wait_for(timeout=5000)
    page.select_option("#mode", "off")
    say(page, "1", "How many")
    page.locator(".jump", has_text="24 h").click()
    page.locator("#thread li.out", has_text="expired").first.wait_for(timeout=30000)
    page.goto(server.url)
    page.locator(".status.undelivered").first.wait_for(timeout=5000)
    page.locator(".status.expired").first.wait_for(timeout=5000)


@pytest.mark.parametrize("path", ["/", "/phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Any, server: Process, path: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.goto(server.url + path)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"narrow-{scheme}-{path.strip('/') or 'messages'}.png"))
    context.close()
