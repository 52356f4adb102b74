"""The pages of the desk in headless Chromium: what failed is sent again, texts are paused; every page looked at by axe."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..processes import Process, running
from .conftest import SHOTS, violations

pytestmark = pytest.mark.needs("chromium")
ANN, BOB = "+48600100771", "+48600100772"
PAGES = (
    "/", "/of/e1", "/inbox", "/failed", "/overview", "/sending", "/texts", "/texts?status=blocked", "/flows", "/flows/order?bot=pizza", "/quarantine", "/people",
    "/users", "/audit", "/sign-in", "/nowhere", "/programs", "/explain/SB704",
)  # fmt: skip


def text(server: Process, number: str, *words: str) -> None:
    for each in words:
        httpx.post(f"{server.url}/sandbox/phones/{number}/texts", json={"text": each}, trust_env=False)


def mode(server: Process, number: str, name: str) -> None:
    httpx.patch(f"{server.url}/sandbox/phones/{number}", json={"mode": name}, trust_env=False)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server where somebody was answered, somebody could not be reached, and somebody waits behind a pause."""
    folder = tmp_path_factory.mktemp("desk")
    ready = '{"hours": "We are open from 9 to 17."}'
    with running(
        "dev", "--no-reload", "--db", str(folder / "x.db"), log=folder / "log", SMSBOT_ANSWERS=ready
    ) as process:
        mode(process, BOB, "full")
        text(process, ANN, "pizza", "M", "2")
        text(process, BOB, "pizza")
        httpx.post(f"{process.url}/sandbox/clock", json={"advance": "1m"}, trust_env=False, timeout=20)
        yield process


def test_a_failed_text_is_sent_again(page: Any, desk: Process) -> None:
    page.goto(f"{desk.url}/failed")
    assert "could not deliver" in page.inner_text("main")
    assert BOB[3:] not in page.content()
    mode(desk, BOB, "on")
    page.click("text=Send it again")
    page.locator("[role=status]", has_text="1 sent again").wait_for(timeout=5000)
    assert "Nothing failed" in page.inner_text("main")
    page.goto(desk.url)
    page.fill("#q", BOB)
    page.press("#q", "Enter")
    page.locator("#verdict", has_text="Delivered").wait_for(timeout=5000)
    text(desk, BOB, "STOP")  # for the pages below


def test_a_note_and_a_ready_answer(page: Any, desk: Process) -> None:
    page.goto(f"{desk.url}/of/e1")
    page.click("text=Add a note")
    page.fill("#note", "call before noon")
    page.click(".side .act[open] button")
    page.locator(".side .text", has_text="call before noon").wait_for(timeout=5000)
    page.wait_for_load_state()  # the words of a page stand before its scripts run
    page.click("text=Write to this person")
    page.click("text=hours")
    assert page.input_value("#write") == "We are open from 9 to 17."
    page.click(".acts .act[open] button.pri")
    page.locator("blockquote", has_text="We are open from 9 to 17.").wait_for(timeout=5000)


def test_a_pause_and_its_end_by_keyboard_alone(page: Any, desk: Process) -> None:
    page.goto(f"{desk.url}/overview")
    page.locator("summary", has_text="Pause").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("the price list is wrong")
    page.keyboard.press("Enter")
    page.locator(".note.warn", has_text="the price list is wrong (desk)").wait_for(timeout=5000)
    text(desk, ANN, "HELLO")
    wait = page.locator("#waits + .card li", has_text="for a pause to end")
    for _ in range(20):
        page.goto(f"{desk.url}/overview")
        if wait.count():
            break
        page.wait_for_timeout(200)
    assert wait.count() == 1
    page.locator("button", has_text="Let it leave again").focus()
    page.keyboard.press("Enter")
    page.locator(".note.warn").wait_for(state="detached", timeout=5000)


def test_rates_and_the_file_behind_them(page: Any, desk: Process) -> None:
    page.goto(f"{desk.url}/overview")
    assert "delivered" in page.locator("svg[role=img] title").first.text_content()
    page.click("text=7 days")
    page.locator("[aria-current=true]", has_text="7 days").wait_for(timeout=5000)
    with page.expect_download() as download:
        page.click("text=as a file")
    assert Path(download.value.path()).read_text().startswith("time,line,number,what")


@pytest.fixture(scope="module")
def busy(desk: Process) -> Process:
    """The same with a failure and a pause to look at."""
    mode(desk, "+48600100773", "full")
    text(desk, "+48600100773", "pizza")
    deadline = time.monotonic() + 10
    while (
        "could not deliver" not in httpx.get(f"{desk.url}/failed", trust_env=False).text and time.monotonic() < deadline
    ):
        time.sleep(0.2)
    httpx.post(f"{desk.url}/pauses", data={"what": "bulk", "why": "the list is looked through"}, trust_env=False,
               headers={"origin": desk.url})  # fmt: skip
    return desk


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [
        *((w, s, "en-GB") for w in (320, 768, 1280) for s in ("light", "dark")),
        (320, "light", "pl-PL"),
        (1280, "dark", "pl-PL"),
    ],
)
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_any_page(
    browser: Any, busy: Process, axe: str, path: str, width: int, scheme: str, locale: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale, bypass_csp=True
    )
    page = context.new_page()
    page.goto(busy.url + path)
    page.wait_for_timeout(200)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    sideways = page.evaluate("document.documentElement.scrollWidth")
    found = violations(page, axe)
    if SHOTS:
        name = re.sub(r"[^a-z0-9]+", "-", path).strip("-") or "find"
        page.screenshot(path=str(Path(SHOTS) / f"desk-{name}-{scheme}-{width}-{locale}.png"), full_page=True)
    context.close()
    assert found == []
    assert sideways <= width


def test_the_desk_in_polish_and_back(browser: Any, busy: Process) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="pl-PL", timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{busy.url}/failed")
    page.click("text=Znajdź")
    page.locator("#live", has_text="Na żywo").wait_for(timeout=5000)
    page.fill("#q", "773")
    page.press("#q", "Enter")
    page.locator("#verdict", has_text="Nie doręczono").wait_for(timeout=5000)
    assert "operator nie mógł go doręczyć" in page.inner_text("#say")
    page.locator(".path time").first.wait_for()
    assert re.search(r"\d\d:\d\d:\d\d", page.inner_text(".path"))
    page.goto(f"{busy.url}/overview")
    page.click("button[lang=en]")
    page.locator("h1", has_text="Overview").wait_for(timeout=5000)
    assert page.url.endswith("/overview"), "where they were"
    page.goto(f"{busy.url}/")
    assert page.locator("html").get_attribute("lang") == "en", "the choice stays, whatever the browser asks for"
    page.click("button[lang=pl]")
    page.locator("label", has_text="Numer, jego ostatnie cyfry").wait_for(state="attached", timeout=5000)
    context.close()
