"""Patterns that people's texts are matched with: RE2, whose time is linear in the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def linear(patterns: Iterable[str]) -> Any:
    """One compiled pattern that is any of these; its time is linear in the text."""
    import re2  # takes a while, and only consent and wrong numbers need it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    return re2.compile("|".join(f"(?:{p})" for p in patterns), options)
