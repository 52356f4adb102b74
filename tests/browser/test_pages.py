"""The page of messages in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from ..processes import Process
from .conftest import SHOTS

pytestmark = pytest.mark.needs("chromium")


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


@pytest.mark.parametrize("path", ["/", "/phone", "/quarantine"])
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
