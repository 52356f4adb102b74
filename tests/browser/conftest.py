"""Chromium, a server on the example bots, and pages whose errors fail the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import leave_out
from ..processes import Process, running

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
    with running("dev", "--no-reload", "--db", str(folder / "x.db"), log=folder / "log") as process:
        yield process


def _taken_over(message: Any) -> bool:
    """A stream of events that was cut: a new process took over before the old one had ended it; the page follows again."""
    cut = "ERR_INCOMPLETE_CHUNKED_ENCODING" in message.text
    return cut and message.location.get("url", "").endswith("/live")


def _refused(message: Any) -> bool:
    """A page that says what was wrong with a form: Chromium counts its status as an error."""
    return "status of 422" in message.text and "/api/" not in message.location.get("url", "")


def _signed_out(message: Any) -> bool:
    """A page that asked for news while its session ended: it is told so, and goes to the sign-in."""
    return "status of 401" in message.text and "/api/" not in message.location.get("url", "")


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    made = context.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda e: errors.append(str(e)))
    expected = (_taken_over, _refused, _signed_out)
    made.on(
        "console", lambda m: errors.append(m.text) if m.type == "error" and not any(e(m) for e in expected) else None
    )
    yield made
    if SHOTS:
        made.screenshot(path=str(Path(SHOTS) / f"{request.node.name}.png"), full_page=True)
    context.close()
    assert errors == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    try:
        import axe_playwright_python
    except ImportError:
        leave_out("chromium", "axe-playwright-python")
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any, axe: str) -> list[Any]:
    """What axe-core finds against WCAG 2.2 AA and good practice."""
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]]
