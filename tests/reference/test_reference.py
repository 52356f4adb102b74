"""The reference is as the docstrings say, every public name stands in it, and its examples run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from smsbot import Bot
from smsbot.client import Client
from smsbot.testing import Sim

from . import PAGES, covered, pages, public
from . import bot_example as bots
from . import chat_example as chats
from . import client_example as clients
from . import contact_example as contacts
from . import errors_example as errors
from . import kinds_example as kinds
from . import message_example as messages
from . import testing_example as tests

FOLDER = Path(__file__).parent.parent.parent / "docs" / "reference"


@pytest.mark.parametrize("name", pages())
def test_it_is_as_the_docstrings_say(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], "run scripts/reference"


def test_every_public_name_stands_in_it() -> None:
    assert covered() == public()


def test_no_page_shows_what_only_the_code_needs() -> None:
    for name, text in pages().items():
        assert "Wait[" not in text, name
        assert "Unpack[" not in text, name
        assert not re.search(r"<[^>]* object at|<class ", text), name


CONVERSATIONS: list[tuple[Bot, list[str], list[str]]] = [
    (bots.bot, ["trakc AB-12", "price"], ["AB-12 is on its way. Thank you.", "A parcel is 12 PLN. Thank you."]),
    (chats.bot, ["book", "3", "yes"], ["How many seats?", "3 seats, $24. OK? YES or NO", "See you!"]),
    (contacts.bot, ["hello", "I am Ann", "hello"], ["Hello stranger, visit 0.", "Welcome, Ann.", "Hello Ann, visit 1."]),
    (messages.bot, ["hi"], [r"hi at \d\dh"]),
    (
        kinds.bot, ["visit", "small", "2", "3", "4", "5 May", "GA 12345", "14"],
        [
            r"Size\? S or L", r"Tea or coffee\?", r"How many\?", r"An even number, please\.", r"Which day\?", r"Your plate\?",
            r"Room 12 or 14\?", r"SMALL coffee 4 \d{4}-05-05 GA 12345 14",
        ],
    ),
    (errors.bot, ["pay", "5"], [r"How much\?", "It failed: ConnectionError"]),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(CONVERSATIONS)))
async def test_the_examples_answer(n: int) -> None:
    bot, texts, heard = CONVERSATIONS[n]
    async with Sim(bot) as sim:
        await sim.begin_at(datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp())
        ann = sim.phone("+48600100200")
        for text in texts:
            await ann.text(text)
        if not heard[0].startswith(("Size", "How", "hi")) or "\\" not in heard[0]:
            heard = [re.escape(t) if "\\" not in t else t for t in heard]
        assert len(ann.heard) == len(heard), ann.heard
        for said, wanted in zip(ann.heard, heard, strict=True):
            assert re.fullmatch(wanted, said), (said, wanted)


async def test_the_test_of_the_page_passes() -> None:
    await tests.test_rate()


def test_the_client_of_the_page_sends() -> None:
    asked: list[httpx.Request] = []
    text = {
        "id": "2", "reference": "parcel-7", "line": "+48732000111", "to": "+48600100200", "status": "queued", "why": "",
        "kind": "notice", "parts": 1, "send_at": None,
    }  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(202, json={"id": "1", "messages": [text]})

    with Client("https://sms.example.org", "token", transport=httpx.MockTransport(answer)) as sms:
        assert clients.remind(sms, "+48600100200") == "queued"
    assert asked[0].headers["idempotency-key"] == "parcel-7-here"


def test_every_page_is_in_the_index() -> None:
    index = pages()["README.md"]
    for name in PAGES:
        assert f"({name}.md)" in index
