"""Wrong number: the person says that they are not who we think, or asks who we are."""

from __future__ import annotations

from functools import cache
from typing import Any

from smsbot.core.languages import entries, linear
from smsbot.core.said import said

_MOST_WORDS = 12


def is_wrong_number(text: str) -> bool:
    """Whether a text says as a whole that it reached the wrong person, or asks who writes."""
    words = said(text).bare
    return 0 < len(words) <= _MOST_WORDS and _patterns().search(" ".join(t.word for t in words)) is not None


@cache
def _patterns() -> Any:
    return linear(entries("wrong_number", "patterns"))
