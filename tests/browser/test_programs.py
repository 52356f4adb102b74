"""The API page in headless Chromium: a token is made and used, calls come in as they happen, a webhook is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ..processes import Process, running
from .conftest import violations

pytestmark = pytest.mark.needs("chromium")
ANN = "+48600100781"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("programs")
    with running("dev", "--no-reload", "--db", str(folder / "x.db"), log=folder / "log") as process:
        yield process


def test_a_token_is_made_used_seen_and_revoked(page: Any, server: Process) -> None:
    page.goto(f"{server.url}/programs")
    page.click("summary:has-text('A new token')")
    page.fill("#name", "shop")
    page.click("button:has-text('Make a token')")
    token = page.inner_text("#secret")
    assert token.startswith("smsbot_")
    page.locator("#live", has_text="Live").wait_for(timeout=5000)
    body = {"to": ANN, "text": "hello"}
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.post(f"{server.url}/api/v1/messages", json=body, headers=headers, trust_env=False).status_code == 202
    page.locator("#feed", has_text="POST /api/v1/messages").wait_for(timeout=5000)
    httpx.post(f"{server.url}/api/v1/messages", json=body | {"to": ANN[:6]}, headers=headers, trust_env=False)
    page.locator("#feed", has_text="422").wait_for(timeout=5000)
    assert ANN not in page.content()
    page.goto(f"{server.url}/programs")
    assert token not in page.content(), "it is shown once"
    assert "messages:write" in page.inner_text("ol[aria-label^=Tokens]")
    page.click("summary:has-text('Revoke')")
    page.click("button:has-text('Revoke shop')")
    page.locator("text=None yet. Each program gets its own").wait_for(timeout=5000)
    again = httpx.post(f"{server.url}/api/v1/messages", json=body, headers=headers, trust_env=False)
    assert again.status_code == 401


def test_what_is_pasted_follows_the_task_and_the_language(page: Any, server: Process) -> None:
    page.goto(f"{server.url}/programs")
    page.select_option("#language", "go")
    page.select_option("#task", "verify")
    shown = page.locator(".snippet:visible")
    assert shown.count() == 1
    assert "package main" in shown.inner_text()
    page.goto(f"{server.url}/programs")
    assert page.input_value("#language") == "go", "what was chosen last stays"
    assert server.url in page.locator(".snippet:visible").inner_text()


def test_a_webhook_is_made_tested_paused_and_removed(page: Any, axe: Any, server: Process) -> None:
    page.goto(f"{server.url}/programs")
    page.click("summary:has-text('A new webhook')")
    page.fill("#url", "http://10.1.2.3/x")
    page.click("button:has-text('Make a webhook')")
    page.locator("[role=alert]", has_text="own network").wait_for(timeout=5000)
    page.click("summary:has-text('A new webhook')")
    page.fill("#url", "http://127.0.0.1:9/sms")
    page.click("button:has-text('Make a webhook')")
    assert page.inner_text("#secret").startswith("whsec_")
    page.goto(f"{server.url}/programs")
    page.click("ol[aria-label^=Webhooks] a")
    page.click("button:has-text('Send a test')")
    told = page.locator("li", has_text="webhook.test").locator("text=1 try, the last")
    for _ in range(20):
        page.reload()
        if told.count():
            break
        page.wait_for_timeout(250)
    assert page.locator(".tag", has_text="failing").count() == 1
    assert violations(page, axe) == []
    page.click("button:has-text('Pause')")
    page.locator("button:has-text('Resume')").wait_for(timeout=5000)
    page.click("summary:has-text('Remove')")
    page.click("button:has-text('Remove this webhook')")
    page.locator("text=None. Texts that come in").wait_for(timeout=5000)


def test_the_api_is_tried_on_its_own_page(page: Any, server: Process) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{server.url}/programs/try")
    page.locator("#swagger", has_text="Send a text to one or many").wait_for(timeout=15000)
    assert problems == []
