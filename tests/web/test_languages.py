"""The pages in the language of whoever reads them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from babel.messages.extract import extract
from markupsafe import Markup

from smsbot.desk.words import words_in
from smsbot.web.spoken import WORDS, in_templates, words_for

from ..house import ANN, House, echo

TEMPLATES = Path(__file__).parents[2] / "smsbot" / "web" / "templates"
OURS = ("phone.html", "_icons.html", "_time.html")
"""The phone is a tool of developers, in English; the others say nothing."""
OF_NO_LANGUAGE = {"smsbot", *["https", "shop", "example", "com", "sms", "ms"]}
PAGES = ["/", "/inbox", "/failed", "/overview", "/sending", "/flows", "/texts", "/quarantine", "/people", "/programs",
         "/users", "/audit", "/nothing-here"]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("pl", "pl"), ("pl-PL,pl;q=0.9,en-US;q=0.8,en;q=0.7", "pl"), ("en-GB,en;q=0.9,pl;q=0.8", "en"),
        ("de-DE,de;q=0.9,pl;q=0.5", "pl"), ("de", "en"), ("*", "en"), ("PL", "pl"), ("en;q=0.1, pl;q=0.2", "pl"),
        ("pl;q=0, en", "en"), ("pl;q=0", "en"), ("pl ; q=1.000", "pl"), ("pl;q=2", "en"), (";;;,,,", "en"),
        ("../../etc", "en"), ("pl;q=nan", "en"), ("de," * 5000 + "pl", "en"),
    ],
)  # fmt: skip
def test_what_a_browser_asks_for(header: str, language: str) -> None:
    assert words_for({b"accept-language": header}).language == language


@pytest.mark.parametrize(
    ("cookie", "language"),
    [("smsbot_language=pl", "pl"), ("smsbot_language=en", "en"), ("smsbot_language=xx", "pl"),
     ("a=b; smsbot_language=en", "en"), ("smsbot_language=\"../pl\"", "pl"), ("\x00=;;", "pl")],
)  # fmt: skip
def test_what_somebody_chose_comes_first(cookie: str, language: str) -> None:
    assert words_for({b"cookie": cookie, b"accept-language": "pl"}).language == language


@pytest.fixture
async def h(house: Any) -> House:
    made: House = await house(echo())
    for said in ("Hello", "STOP"):
        await made.text(ANN, said)
    return made


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_in_polish(h: House, path: str) -> None:
    page = await h.http.get(path, headers={"accept-language": "pl"})
    assert '<html lang="pl"' in page.text
    for words in ("Znajdź", "Skrzynka", "Przejdź do treści"):
        assert words in page.text
    assert '<html lang="en"' in (await h.http.get(path)).text


@pytest.mark.parametrize(("path", "words"), [("/explain/SB620", "To samo w terminalu"), ("/sign-in", "Hasło")])
async def test_a_door_in_polish(h: House, path: str, words: str) -> None:
    page = await h.http.get(path, headers={"accept-language": "pl"})
    assert page.status_code == 200
    assert words in page.text
    assert words not in (await h.http.get(path)).text


async def test_a_verdict_in_polish(h: House) -> None:
    page = await h.http.post("/", data={"q": ANN}, headers={"accept-language": "pl"})
    assert "Co powiedzieć dzwoniącemu" in page.text
    assert "rezygnacja" in page.text
    assert "Tell the caller" not in page.text
    as_ever = await h.http.post("/", data={"q": ANN})
    assert "Tell the caller" in as_ever.text


async def test_somebody_chooses_and_stays_where_they_are(h: House) -> None:
    here = {"origin": str(h.http.base_url).rstrip("/")}
    chosen = await h.http.post("/language", data={"language": "pl", "next": "/failed"}, headers=here)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/failed")
    assert "smsbot_language=pl" in chosen.headers["set-cookie"]
    assert "Samesite=lax".lower() in chosen.headers["set-cookie"].lower()


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:1"])
async def test_a_choice_leads_nowhere_else(h: House, place: str) -> None:
    chosen = await h.http.post("/language", data={"language": "pl", "next": place})
    assert chosen.headers["location"] == "/"


async def test_a_language_that_there_is_not_changes_nothing(h: House) -> None:
    chosen = await h.http.post("/language", data={"language": "xx\r\nset-cookie: a=b", "next": "/"})
    assert chosen.status_code == 303
    assert "set-cookie" not in chosen.headers


def test_values_in_a_sentence_are_inert() -> None:
    say = dict(in_templates())["_"]
    before = WORDS.set(words_in("pl"))
    try:
        made = say("Welcome, %(name)s", name="<b>\u202eevil")
        assert made == "Witaj, &lt;b&gt;[U+202E]evil"
        assert say("Welcome, %(name)s", name=Markup("<i>x</i>")) == "Witaj, <i>x</i>"
        assert say("Welcome, %(name)s", name="%(name)s") == "Witaj, %(name)s"
    finally:
        WORDS.reset(before)


class _Read(HTMLParser):
    """Collects what people read of a template whose expressions are taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code"):
            self._in = tag
        self.found += [v for k, v in attrs if k in ("title", "aria-label", "placeholder", "data-label", "alt") and v]

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        if not self._in:
            self.found.append(data)


@pytest.mark.parametrize("name", sorted(p.name for p in TEMPLATES.glob("*.html") if p.name not in OURS))
def test_nothing_on_a_page_is_without_its_mark(name: str) -> None:
    source = (TEMPLATES / name).read_text()
    plain = "".join(
        value if kind == "data" else "" for _, kind, value in jinja2.Environment().lex(source)
    )  # fmt: skip
    reader = _Read()
    reader.feed(plain)
    words = [w for text in reader.found for w in re.findall(r"[^\W\d_]{2,}", text)]
    assert [w for w in words if w not in OF_NO_LANGUAGE] == []


def test_a_sentence_is_given_whole() -> None:
    """What is not a constant cannot be gathered: `_(x)` is `x|said`."""
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text()
        calls = len(re.findall(r"(?<![\w.])_n?\(", source))
        with path.open("rb") as file:
            gathered = list(extract("jinja2", file, keywords={"_": None, "_n": (1, 2)}))
        assert len(gathered) == calls, path.name
