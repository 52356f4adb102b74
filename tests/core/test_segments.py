from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core import segments

GSM = segments._DEFAULT.replace("\x1b", "")


@pytest.mark.parametrize(
    ("text", "encoding", "parts", "left"),
    [
        ("", "GSM-7", 1, 160),
        ("a" * 160, "GSM-7", 1, 0),
        ("a" * 161, "GSM-7", 2, 145),
        ("a" * 306, "GSM-7", 2, 0),
        ("a" * 307, "GSM-7", 3, 152),
        ("€" * 80, "GSM-7", 1, 0),
        ("€" * 81, "GSM-7", 2, 143),
        ("a" * 152 + "€" + "b" * 10, "GSM-7", 2, 141),
        ("ł" * 70, "UCS-2", 1, 0),
        ("ł" * 71, "UCS-2", 2, 63),
        ("ł" * 134, "UCS-2", 2, 0),
        ("ł" * 135, "UCS-2", 3, 66),
        ("😀" * 35, "UCS-2", 1, 0),
        ("😀" * 36, "UCS-2", 2, 61),
        ("ł" * 66 + "😀" + "ł" * 10, "UCS-2", 2, 55),
        ("Ç", "GSM-7", 1, 159),
        ("ç", "UCS-2", 1, 69),
        ("\n\r\f", "GSM-7", 1, 156),
        ("\x1b", "UCS-2", 1, 69),
    ],
)
def test_count(text: str, encoding: str, parts: int, left: int) -> None:
    found = segments.count(text)
    assert (found.encoding, found.segments, found.left) == (encoding, parts, left)


def test_the_alphabet_has_127_characters_and_10_extensions() -> None:
    assert len(GSM) == len(set(GSM)) == 127
    assert len(set(segments._EXTENSION)) == 10


def test_the_culprits_are_named_once_in_order() -> None:
    assert segments.count("Zażółć gęślą jaźń żółto").forced == ("ż", "ó", "ł", "ć", "ę", "ś", "ą", "ź", "ń")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=700))
def test_parts_join_again_and_none_is_too_long(text: str) -> None:
    found, parts = segments.count(text), segments.split(text)
    assert "".join(parts) == text
    assert len(parts) == found.segments
    for part in parts:
        if found.encoding == "UCS-2":
            assert len(part.encode("utf-16-be")) // 2 <= (70 if len(parts) == 1 else 67)
        else:
            assert sum(2 if c in segments._EXTENSION else 1 for c in part) <= (160 if len(parts) == 1 else 153)


@given(st.text(GSM + segments._EXTENSION, max_size=500))
def test_gsm_texts_stay_gsm(text: str) -> None:
    assert segments.count(text).encoding == "GSM-7"
