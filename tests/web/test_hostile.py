"""Texts of people who mean harm, in every field that a page shows: inert, and whatever hides is seen."""

from __future__ import annotations

import re
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from smsbot import Bot, Chat
from smsbot.core.errors import UsageError
from smsbot.web.visible import visible

from ..house import House
from ..tables import sql
from .api_house import allow, ask

HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(1)//", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "\"><svg onload=alert(1)>", "' onmouseover='alert(1)", "\" autofocus onfocus=\"alert(1)", "</textarea><b>out</b>",
    "</title><h1>out</h1>", "<!-- comment", "--> after", "<![CDATA[x]]>", "<style>*{display:none}</style>",
    "<iframe src=//evil.test>", "<base href=//evil.test>", "<meta http-equiv=refresh content=0>", "<form action=//evil.test>",
    "<a href=javascript:alert(1)>x</a>", "&lt;b&gt;already&lt;/b&gt;", "&#x3c;b&#x3e;", "{{ 7 * 7 }}", "{% raw %}{{ config }}",
    "{{ ''.__class__ }}", "${7*7} #{7*7} <%= 7*7 %>", "%3Cscript%3E", "=HYPERLINK(\"http://evil.test\",\"x\")", "+1+1|cmd",
    "@SUM(A1)", "-2+3", "\tTAB", "'; DROP TABLE events; --", "x\r\nSet-Cookie: a=b", "\u202egnp.exe\u202c", "a\u200bb\u200cc\u200dd",
    "\u2066isolate", "\ufefffirst", "\x00nul\x07bell\x1b[31mred", "Z\u0351\u0352\u0353a\u0354lgo", "x" * 700, "🏴\U000e0067\U000e0062\U000e007f 👩\u200d💻",
    "\u2028line\u2029paragraph", "\u00ad\u2060soft", "../../etc/passwd\\..\\", "data:text/html,<script>alert(1)</script>",
]  # fmt: skip
assert len(HOSTILE) >= 40
ALLOWED = {
    "a", "aside", "b", "blockquote", "body", "button", "code", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "form", "g", "h1", "h2", "h3", "head", "header", "html", "i", "input", "label", "legend", "li", "link", "main",
    "meta", "nav", "ol", "option", "p", "pre", "rect", "script", "section", "select", "small", "span", "strong", "summary",
    "svg", "table", "tbody", "td", "textarea", "th", "thead", "time", "title", "tr", "ul", "use", "caption", "br",
}  # fmt: skip
UNSEEN = "\u202e\u200b\u2066\ufeff\x00\x07\x1b\u2028\u2029\u00ad\u2060"


class Skeleton(HTMLParser):
    """A page as its tags and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(sorted(name for name, _ in attrs))))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def shop() -> Bot:
    bot = Bot()

    @bot.event("try")
    def tried(chat: Chat, event: dict[str, str]) -> None:
        chat.contact["name"] = event["words"]
        chat.handoff(event["words"][:60] or "x")
        chat.say(event["words"].replace("\x00", "") or "x", ref=event["words"][:60])

    @bot.fallback
    def other(text: str) -> str:
        return "yes?"

    return bot


def number(n: int) -> str:
    return f"+48600200{n:03d}"


async def filled(h: House, n: int, words: str) -> str:
    """Put some words into every field about a person; the page of that person."""
    who = number(n)
    await h.text(who, words.replace("\x00", "") or "x")
    await h.app.commands.emit("try", who, {"words": words})
    await h.settle()
    row = (await h.app.store.rows("thread", number=who, limit=1, before=1e15))[0]
    at = f"e{row['seq']}" if row["direction"] == "in" else row["id"]
    await h.http.post(f"/of/{at}/note", data={"text": words})
    await h.http.post(f"/of/{at}/opt-out", data={"why": words})
    place = h.app.settings.place  # what an operator says
    told = "detail = ?1, code = ?1, operator = ?1, raw = raw || ?1"
    sql(place, f"UPDATE receipts SET {told} WHERE outgoing IN (SELECT id FROM outgoing WHERE number = ?2)", words, who)
    sql(place, "UPDATE outgoing SET detail = ?, requested_by = ? WHERE number = ?", words, words, who)
    return f"/of/{at}"


@pytest.mark.slow
async def test_the_page_of_a_person_is_built_the_same_whatever_they_text(house: Any) -> None:
    h: House = await house(shop(), settings={"answers": {"<b>": "</textarea><b>"}})
    plain = Skeleton((await h.http.get(await filled(h, 0, "plain words"))).text)
    for n, words in enumerate(HOSTILE, 1):
        answer = await h.http.get(await filled(h, n, words))
        found = Skeleton(answer.text)
        assert found.tags == plain.tags, words
        assert not any(c in found.text for c in UNSEEN), words
        assert all(a.startswith(("/", "#")) or a == "" for a in found.addresses), words
        assert len(answer.headers) == len({k.lower() for k in answer.headers})


@pytest.mark.slow
async def test_lists_and_files_hold_nothing_that_acts(house: Any) -> None:
    h: House = await house(shop())
    await h.app.store.write([("hook_map", ("sandbox", "inbound", "{}", 0.0))])
    for n, words in enumerate(HOSTILE):
        await filled(h, n, words)
        await h.http.post("/pauses", data={"what": "bulk", "why": words})
        await h.http.post(h.hook("inbound"), json={words or "x": words, "strange": {words: [words]}})
    await allow(h)
    for n, words in enumerate(HOSTILE):
        await ask(h, "GET", f"/{quote(words, safe='')}")
        await ask(h, "POST", "/events", {"event": words, "to": words, words: 1})
        with suppress(UsageError):
            made = await h.app.endpoints.add(f"https://x.example/{n}/{words}", [], words)
            await h.app.endpoints.pause(made, words)
    for path in ("/", "/inbox", "/failed", "/overview", "/flows", "/people", "/quarantine", "/users", "/audit", "/texts",
                 "/programs", f"/programs/told/{made.id}", "/texts?way=in", *(f"/?q={w}" for w in HOSTILE[:3])):  # fmt: skip
        found = Skeleton((await h.http.get(path)).text)
        assert {tag for tag, _ in found.tags} <= ALLOWED, path
        assert not [a for _, names in found.tags for a in names if a.startswith("on") or a == "style"], path
        assert not any(c in found.text for c in UNSEEN), path
    for words in HOSTILE:
        found = Skeleton((await h.http.post("/", data={"q": words})).text)
        assert {tag for tag, _ in found.tags} <= ALLOWED, words
    for answer in (await h.http.get("/failed.csv?since=30d"), await h.http.post("/people/opt-outs.csv")):
        cells = re.findall(r'(?:^|[,\n])"?([^",\n]*)', answer.text)
        assert not [c for c in cells if c[:1] in ("=", "@", "\t", "-") or c.startswith("+1")]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain żółć 你好 עברית", "plain żółć 你好 עברית"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("a\u200bb", "a[U+200B]b"),
        ("a\u200db", "a[U+200D]b"),
        ("👩\u200d💻 👨🏽\u200d🚒 ❤\ufe0f\u200d🔥", "👩\u200d💻 👨🏽\u200d🚒 ❤\ufe0f\u200d🔥"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ක්\u200dර", "ක්\u200dර"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("a\U000e0041", "a[U+E0041]"),
        ("\x1b[31m", "[U+001B][31m"),
        (7, 7), (None, None),
    ],
)  # fmt: skip
def test_what_is_made_visible(given: object, shown: object) -> None:
    assert visible(given) == shown
