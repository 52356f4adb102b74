"""Wishes to get no more texts, and other wishes with the same words, in four languages, at any question."""

from __future__ import annotations

import pytest

from smsbot.cli.understand import understand_row
from smsbot.understanding import consent

from .wishes import NO, YES

WISHES = [(country, text) for country, texts in YES.items() for text in texts]
OTHERS = [(country, text) for country, texts in NO.items() for text in texts]


@pytest.mark.parametrize(("country", "text"), WISHES)
@pytest.mark.parametrize(
    "question", [None, {"type": "text"}, {"type": "yes_no"}, {"type": "integer", "min": 1, "max": 9}]
)
def test_a_wish_to_get_no_more_texts_counts_at_any_question(
    country: str, text: str, question: dict[str, object]
) -> None:
    row = {"text": text, "country": country, "question": question}
    assert understand_row(row).outcome == "optout"


@pytest.mark.parametrize(("country", "text"), OTHERS)
def test_a_wish_about_something_else_is_none(country: str, text: str) -> None:
    assert consent.read(text, country) is not consent.Word.STOP


def test_a_wish_is_one_in_capitals_and_without_accents() -> None:
    for country, text in WISHES:
        for spelled in (text.upper(), f"  {text}  ", f"{text} 🙏"):
            assert consent.read(spelled, country) is consent.Word.STOP, spelled


def test_a_long_story_is_no_request() -> None:
    story = "we went to the shop and " * 8 + "then we had to stop texting"
    assert consent.read(story, "US") is None


@pytest.mark.parametrize("words", ["the ", "do not text me these ", "no more about ", "I want ", "remove the list of "])
def test_equal_words_are_not_tried_in_all_ways(words: str) -> None:
    """Thirty of them once held the server for minutes; this would not end."""
    for begins in ("take me off", "do not text me", "unsubscribe", "no more texts"):
        said = f"{begins} {words * 95}".split()[:95]
        assert consent.read(" ".join([*said, "pizza"]), "US") in (None, consent.Word.STOP)
