"""The page of phones in headless Chromium, as people use it; looked at by axe as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..processes import Process, running, smsbot
from .conftest import SHOTS, violations

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phones")
    assert smsbot("new", "clinic", folder=folder).returncode == 0
    return folder / "clinic"


@pytest.fixture(scope="module")
def dev(clinic: Path) -> Iterator[Process]:
    with running("dev", folder=clinic, log=clinic / "log") as process:
        yield process


SOON = """\
flow: soon
start: {words: visit, event: visit.soon}
args: {at: datetime, doctor: text(40)}
steps:
  - {ask: ok, say: "{doctor or 'We'}, {at if at != none else 'soon'}. Coming?", type: yes_no, timeout: 2h}
  - {say: "See you!", end: booked}
"""


def phone(page: Any, n: int = 0) -> Any:
    return page.locator(".phone").nth(n)


def say(page: Any, text: str, answer: str, n: int = 0) -> None:
    box = phone(page, n)
    box.locator(".text").fill(text)
    box.locator(".text").press("Enter")
    box.locator(".thread li.out", has_text=answer).last.wait_for(timeout=30000)


def test_an_order_typed_to_its_end(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200100")
    say(page, "piza", "Size?")
    say(page, "help", "We sell pizza")
    phone(page).locator(".step", has_text="clinic › size").wait_for(timeout=20000)
    phone(page).locator(".at", has_text="flows/clinic.yaml:9").wait_for(timeout=20000)
    phone(page).locator(".next", has_text="reminder in 4 min").wait_for(timeout=20000)
    say(page, "L", "How many")
    say(page, "2", "Delivery address?")
    say(page, "Main St 1", "2 x L, $28. OK?")
    assert phone(page).locator(".vars").inner_text().split() == [
        "size",
        "L",
        "qty",
        "2",
        "address",
        "Main",
        "St",
        "1",
        "total",
        "28",
    ]
    say(page, "yes", "On its way!")
    phone(page).locator(".step", has_text="ended: ordered").wait_for(timeout=20000)
    phone(page).locator(".thread li.out small", has_text="✓✓ delivered").nth(6).wait_for(timeout=20000)
    assert phone(page).locator(".thread li").count() == 13
    assert phone(page).locator(".typing").is_hidden()


def test_the_timeout_by_jumping_to_the_next_timer(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200200")
    say(page, "pizza", "Size?")
    phone(page).locator(".skip-to").click()
    phone(page).locator(".thread li.out", has_text="Still hungry?").wait_for(timeout=30000)
    phone(page).locator(".next", has_text="timeout").wait_for(timeout=20000)
    phone(page).locator(".skip-to").click()
    phone(page).locator(".thread li.out", has_text="Text PIZZA to start again.").wait_for(timeout=30000)
    phone(page).locator(".step", has_text="ended: abandoned").wait_for(timeout=20000)
    page.locator(".jump", has_text="24 h").click()


def test_a_phone_that_is_off_then_full(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200300")
    phone(page).locator(".setup summary").click()
    phone(page).locator(".mode").select_option("full")
    say(page, "pizza", "Size?")
    phone(page).locator(".thread li.undelivered").wait_for(timeout=30000)
    phone(page).locator(".mode").select_option("off")
    say(page, "1", "How many")
    phone(page).locator(".signal", has_text="off").wait_for(timeout=20000)
    page.locator(".jump", has_text="24 h").click()
    phone(page).locator(".thread li.expired").first.wait_for(timeout=30000)


def test_what_stands_beside_one_phone(page: Any, dev: Process, clinic: Path) -> None:
    """The run, its timer, the story, events and the picture: above the fold; all start words; how it ended."""
    flow = clinic / "flows" / "soon.yaml"
    flow.write_text(SOON)
    try:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"{dev.url}/phone#+48600200350")
        phone(page).locator(".event option", has_text="visit.soon").wait_for(state="attached", timeout=15000)
        assert phone(page).locator(".begin").inner_text() == "Text ORDER to begin."
        assert phone(page).locator(".bar").is_hidden(), "the set-up of a phone is folded away"
        wrong = {"number": "+48600200350", "name": "visit.soon", "data": {"at": "soon", "doctor": "Dr Lis"}}
        told = httpx.post(f"{dev.url}/phone/event", json=wrong, trust_env=False)
        assert (told.status_code, "at is a moment" in told.json()["error"]) == (400, True)
        for name, value in (("doctor", "Dr Lis"), ("at", "2031-12-01T09:00")):
            phone(page).locator(f'.data input[name="{name}"]').fill(value)
        phone(page).locator(".outside button").click()
        phone(page).locator(".thread li.out", has_text="Dr Lis, 2031-12-01 09:00. Coming?").wait_for(timeout=30000)
        phone(page).locator(".step", has_text="soon › ok").wait_for(timeout=20000)
        box = phone(page).locator(".run").bounding_box()
        for part in (".next", ".save", ".outside", ".picture summary"):
            inside = phone(page).locator(part).bounding_box()
            assert inside["x"] > 600, part
            assert inside["y"] + inside["height"] < 800, (part, inside, box)
        image = phone(page).locator(".picture img")
        assert "stands at ok" in image.get_attribute("alt")
        assert "here now" in httpx.get(dev.url + image.get_attribute("src"), trust_env=False).text
        phone(page).locator(".starts summary").click()
        assert {"visit", "pizza", "order"} <= set(phone(page).locator(".every").inner_text().split())
        phone(page).locator(".skip-to").click()
        phone(page).locator(".step.left", has_text="ended: abandoned").wait_for(timeout=30000)
    finally:
        flow.unlink()


def test_six_phones_each_with_its_own_thread(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200400")
    for _ in range(5):
        page.locator("#add").click()
    assert page.locator(".phone").count() == 6
    assert page.locator("#add").is_disabled()
    say(page, "pizza", "Size?", 5)
    assert phone(page, 0).locator(".thread li").count() == 0
    page.keyboard.press("Alt+2")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Bob texts"
    page.reload()
    assert page.locator(".phone").count() == 6
    phone(page, 5).locator(".thread li.out", has_text="Size?").wait_for(timeout=20000)
    phone(page, 0).locator(".remove").click()
    assert page.locator(".phone").count() == 5


def test_the_segment_counter_and_the_last_text(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200500")
    box = phone(page).locator(".text")
    for text, counted in (("hello", "1 SMS, 155 left"), ("ż" * 71, "2 SMS, 63 left"), ("[" * 81, "2 SMS, 144 left")):
        box.fill(text)
        assert counted in phone(page).locator(".parts").inner_text()
    say(page, "pizza", "Size?")
    box.press("ArrowUp")
    assert box.input_value() == "pizza"


def test_save_as_story(page: Any, dev: Process, clinic: Path) -> None:
    page.goto(f"{dev.url}/phone#+48600200600")
    say(page, "pizza 3", "Size?")
    say(page, "small", "Delivery address?")
    phone(page).locator(".name").fill("Three small ones")
    phone(page).locator(".name").press("Enter")
    page.locator("#saved[open]").wait_for(timeout=20000)
    assert page.locator("#saved-path").inner_text() == "flows/stories/three-small-ones.story.yaml"
    assert '- me: "pizza 3"' in page.locator("#saved-text").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#saved").is_hidden()
    told = smsbot("test", "flows/stories/three-small-ones.story.yaml", folder=clinic)
    assert told.returncode == 0, told.stdout


def test_a_broken_edit_shows_a_banner_until_it_is_mended(page: Any, dev: Process, clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    good = flow.read_text()
    page.goto(f"{dev.url}/phone#+48600200700")
    say(page, "pizza", "Size?")
    flow.write_text(good.replace("ask: qty", "aks: qty"))
    page.locator("#banner", has_text="flows/clinic.yaml:13:6").wait_for(timeout=30000)
    page.locator("#banner", has_text='did you mean "ask"?').wait_for(timeout=1000)
    say(page, "2", "How many")
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / "banner.png"), full_page=True)
    flow.write_text(good)
    page.locator("#banner").wait_for(state="hidden", timeout=15000)
    say(page, "2", "Delivery address?")


def test_one_event_stream_for_all_tabs(browser: Any, dev: Process) -> None:
    context = browser.new_context()
    pages = [context.new_page() for _ in range(8)]
    streams: list[str] = []
    context.on("request", lambda r: streams.append(r.url) if r.url.endswith("/live") else None)
    for page in pages:
        page.goto(f"{dev.url}/phone#+48600200800")
        page.locator(".phone").wait_for(timeout=20000)
    say(pages[0], "pizza", "Size?")
    for page in pages[1:]:
        phone(page).locator(".thread li.out", has_text="Size?").wait_for(timeout=20000)
    assert len(streams) == 1
    pages[0].close()  # the leader goes; another takes over
    say(pages[3], "2", "How many")
    phone(pages[7]).locator(".thread li.out", has_text="How many").wait_for(timeout=20000)
    context.close()


def test_an_order_by_mouse_alone(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600201100")
    for word, answer in (("pizza", "Size?"), ("m", "How many")):
        phone(page).locator(".words button", has_text=re.compile(f"^{word}$")).click()
        phone(page).locator(".thread li.out", has_text=answer).last.wait_for(timeout=20000)


def test_what_is_typed_is_never_markup(page: Any, dev: Process) -> None:
    page.goto(f"{dev.url}/phone#+48600200900")
    box = phone(page).locator(".text")
    box.fill("<img src=x onerror=alert(1)>")
    box.press("Enter")
    phone(page).locator(".thread li.in", has_text="<img src=x").wait_for(timeout=20000)
    assert phone(page).locator(".thread img").count() == 0


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/phone#+48600201000", "/"])
def test_axe_finds_nothing(browser: Any, dev: Process, axe: str, path: str, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(dev.url + path)
    if "phone" in path:
        page.locator(".phone").wait_for(timeout=20000)
        if not page.locator(".thread li").count():
            say(page, "pizza", "Size?")
            picture = {"media": "https://shop.example/photo.jpg"}
            httpx.post(f"{dev.url}/sandbox/phones/+48600201000/texts", json=picture, trust_env=False)
        link = phone(page).locator(".thread li.in a", has_text="Picture").last
        link.wait_for(timeout=20000)
        assert link.evaluate("a => getComputedStyle(a).color == getComputedStyle(a.parentElement).color")
        phone(page).locator(".next").wait_for(timeout=20000)
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = violations(page, axe)
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"axe{path.strip('/')[:5]}-{scheme}-{width}.png"), full_page=True)
    context.close()
    assert found == []


def test_axe_can_fail(browser: Any, dev: Process, axe: str) -> None:
    """The control: with faults put in, axe finds them."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{dev.url}/phone")
    page.evaluate(
        "document.querySelector('main').append(document.createElement('input')); document.documentElement.removeAttribute('lang')"
    )
    page.evaluate(axe)
    found = {v["id"] for v in page.evaluate("axe.run(document)")["violations"]}
    context.close()
    assert {"label", "html-has-lang"} <= found
