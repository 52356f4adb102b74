from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.understanding import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PIZZA!!", "pizza"),
        ("ORDER#2 large", "order 2 large"),
        ("2pizzas", "2 pizzas"),
        ("Zażółć GĘŚLĄ jaźń", "zazolc gesla jazn"),
        ("Straße", "strasse"),
        ("ｐｉｚｚａ", "pizza"),
        ("pi\u200bzza", "pizza"),
        ("cafe\u0301", "cafe"),
        ("👍", "yes"),
        ("ok👎🏽", "ok no"),
        ("1️⃣", "1"),
        ("don't", "don t"),
        ("İstanbul", "istanbul"),
        ("٣", "3"),
        ("…", ""),
        ("", ""),
        ("Łódź/Øl", "lodz ol"),
    ],
)
def test_normalise(text: str, expected: str) -> None:
    assert words.normalise(text) == expected


@given(st.text())
def test_normalising_is_idempotent_and_never_fails(text: str) -> None:
    once = words.normalise(text)
    assert words.normalise(once) == once


@given(st.text())
def test_tokens_stand_where_they_say(text: str) -> None:
    end = 0
    for token in words.tokens(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end


@given(st.text(st.characters(max_codepoint=127)))
def test_the_two_ways_agree_on_ascii(text: str) -> None:
    assert words.tokens(text) == words._tokens_unicode(text, frozenset())
