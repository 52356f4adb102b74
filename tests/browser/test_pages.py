"""The page of messages in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from ..processes import Process
from .conftest import SHOTS

pytestmark = pytest.mark.needs("chromium")


def check(page: Any, asked: str) -> None:
    page.fill("#q", asked)
    page.press("#q", "Enter")


def test_the_list_is_live_and_finds_a_number(page: Any, server: Process) -> None:
    page.goto(server.url)
    page.locator("#live", has_text="Live").wait_for(timeout=5000)
    httpx.post(f"{server.url}/sandbox/phones/+48600100777/texts", json={"text": "<b>hi</b>"})
    page.locator(".rows .text", has_text="<b>hi</b>").wait_for(timeout=5000)
    page.locator(".rows a.tag", has_text="delivered").first.wait_for(timeout=5000)
    check(page, "600 100 777")
    page.locator("#verdict", has_text="Delivered").wait_for(timeout=5000)
    assert page.locator(".rows li").count() == 2
    assert "600100777" not in page.url
    page.locator(".rows a.tag").first.click()
    page.locator(".facts li", has_text="report: delivered").wait_for(timeout=5000)
    assert "600100777" not in page.content()


def test_a_call_at_the_desk(page: Any, server: Process) -> None:
    """Did it reach them, when, what do I say, who looks after them; then answer by hand, and send it again."""
    httpx.post(f"{server.url}/sandbox/phones/+48600100778/texts", json={"text": "PIZZA"})
    page.goto(server.url)
    check(page, "100778")
    page.locator("#verdict", has_text="Delivered").wait_for(timeout=5000)
    page.locator(".path li", has_text="On the phone").wait_for(timeout=5000)
    assert "reached your phone" in page.inner_text("#say")
    assert "waits at" in page.inner_text(".side")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-copy=say]")
    page.locator("#live", has_text="Copied").wait_for(timeout=5000)
    assert page.evaluate("navigator.clipboard.readText()") == page.inner_text("#say")
    page.click("text=Write to this person")
    page.fill("#write", "Hello from the desk")
    page.click(".act[open] button")
    page.locator("blockquote", has_text="Hello from the desk").wait_for(timeout=5000)
    page.locator("#verdict", has_text="Delivered").wait_for(timeout=5000)
    page.locator(".facts li", has_text="requested by desk").wait_for(timeout=5000)
    first = page.url
    page.click("text=Send it again")
    page.click(".act[open] button")
    page.wait_for_url(lambda url: url != first, timeout=5000)
    page.locator("#verdict", has_text="Delivered").wait_for(timeout=5000)
    thread = httpx.get(f"{server.url}/sandbox/phones/+48600100778/texts").json()
    assert [t["text"] for t in thread if t["direction"] == "out"].count("Hello from the desk") == 2


def test_a_person_takes_over_and_gives_back(page: Any, server: Process) -> None:
    phone = f"{server.url}/sandbox/phones/+48600100779/texts"
    httpx.post(phone, json={"text": "PIZZA"})
    page.goto(server.url)
    check(page, "100779")
    page.click("text=Take over from the bot")
    page.locator(".note", has_text="looks after this person").wait_for(timeout=5000)
    httpx.post(phone, json={"text": "is anybody there?"})
    page.locator(".rows .text", has_text="is anybody there?").wait_for(timeout=5000)
    page.goto(f"{server.url}/inbox")
    page.locator(".rows li", has_text="waits for an answer").wait_for(timeout=5000)
    page.click(".rows a.num")
    page.click("text=Write to this person")
    page.fill("#write", "Ola here")
    page.click(".act[open] button")
    page.locator("blockquote", has_text="Ola here").wait_for(timeout=5000)
    page.click("text=Give back to the bot")
    page.click("text=Continue at its question")
    page.locator("text=Take over from the bot").wait_for(timeout=5000)
    page.locator(".rows .text", has_text="Size?").nth(1).wait_for(timeout=5000)
    heard = [t["text"] for t in httpx.get(phone).json() if t["direction"] == "out"]
    assert [text[:5] for text in heard] == ["Size?", "Ola h", "Size?"]


def test_what_is_being_typed_is_not_taken_away(page: Any, server: Process) -> None:
    """A page that was asked for before somebody began to type arrives behind it."""
    phone = f"{server.url}/sandbox/phones/+48600100781/texts"
    httpx.post(phone, json={"text": "PIZZA"})
    page.goto(server.url)
    check(page, "100781")
    page.locator("#verdict").wait_for(timeout=5000)
    asked = []
    page.route("**/feed", lambda route: asked.append(route))
    httpx.post(phone, json={"text": "what is taking so long?"})
    page.wait_for_timeout(1000)
    assert asked
    page.click("text=Write to this person")
    page.fill("#write", "half a sen")
    for route in asked:
        route.continue_()
    page.unroute("**/feed")
    page.locator(".rows .text", has_text="what is taking so long?").wait_for(timeout=5000)
    page.keyboard.type("tence")
    assert page.input_value("#write") == "half a sentence", "the focus has stayed as well"
    httpx.post(phone, json={"text": "hello?"})
    page.locator(".rows .text", has_text="hello?").wait_for(timeout=5000)
    assert page.input_value("#write") == "half a sentence"


def test_whoever_is_signed_out_is_asked_to_sign_in(browser: Any, server: Process) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.url)
    page.locator("#live", has_text="Live").wait_for(timeout=5000)
    page.route("**/feed", lambda route: route.fulfill(status=401, body="Sign in."))
    with page.expect_event("load", timeout=5000):
        httpx.post(f"{server.url}/sandbox/phones/+48600100782/texts", json={"text": "hi"})
    assert "Sign in." not in page.inner_text("main")
    context.close()


def test_times_are_those_of_the_reader(browser: Any, server: Process) -> None:
    number = "+48600100783"
    httpx.post(f"{server.url}/sandbox/phones/{number}/texts", json={"text": "what time is it"})
    shown = {}
    for zone in ("Europe/Warsaw", "America/New_York"):
        context = browser.new_context(timezone_id=zone)
        page = context.new_page()
        page.goto(server.url)
        row = page.locator(".rows li", has_text="what time is it").first
        row.wait_for(timeout=5000)
        time = row.locator("time")
        shown[zone] = (time.inner_text()[-8:], time.get_attribute("title"), time.get_attribute("datetime"))
        httpx.post(f"{server.url}/sandbox/phones/{number}/texts", json={"text": f"and in {zone}"})
        page.locator(".rows .text", has_text=f"and in {zone}").first.wait_for(timeout=5000)
        assert row.locator("time").inner_text()[-8:] == shown[zone][0], "also when the rows have changed"
        context.close()
    there, here = shown["Europe/Warsaw"], shown["America/New_York"]
    assert (int(there[0][:2]) - int(here[0][:2])) % 24 in (5, 6)
    assert there[0][2:] == here[0][2:]
    assert "CET" in here[1] or "CEST" in here[1]
    assert here[1] != there[1]


def test_the_first_page_is_small_and_comes_at_once(browser: Any, server: Process) -> None:
    """Everything that it needs, as it goes over the wire, with as many messages as it shows; the second is the page alone."""
    for n in range(50):
        httpx.post(f"{server.url}/sandbox/phones/+486001{n:05d}/texts", json={"text": f"number {n} of many words"})
    context = browser.new_context()
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Network.enable")
    sizes: list[float] = []
    cdp.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
    page.goto(server.url)
    page.wait_for_timeout(500)
    first, sizes[:] = sum(sizes), []
    took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.goto(f"{server.url}/inbox")
    page.wait_for_timeout(500)
    second = sum(sizes)
    context.close()
    print(f"first page {first / 1000:.0f} kB in {took:.0f} ms, second {second / 1000:.0f} kB")
    assert 30_000 < first < 100_000
    assert second < first / 2


def test_what_cannot_be_found_says_so(page: Any, server: Process) -> None:
    page.goto(server.url)
    check(page, "xylophone")
    page.locator(".empty", has_text="neither a reference nor a phone number").wait_for(timeout=5000)
    check(page, "+48 600 999 111")
    page.locator("#verdict", has_text="Never requested").wait_for(timeout=5000)


@pytest.mark.parametrize("path", ["/", "/inbox", "/phone", "/quarantine"])
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
