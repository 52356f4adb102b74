"""Answers of a written shape, such as a plate or a policy number; matched in linear time (RE2)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from smsbot.core.errors import UsageError
from smsbot.core.question import Question
from smsbot.understanding.said import Said

from .reading import Answer, Reading


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """The pattern, whatever its case; raises `UsageError` that says what is wrong with it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise UsageError(f"the pattern {pattern!r} cannot be read: {said}") from None


def matches(question: Question, said: Said) -> Reading:
    """The text, if the whole of it has the shape."""
    text = said.text.strip()
    return Answer(text) if compiled(question.pattern).fullmatch(text) else None
