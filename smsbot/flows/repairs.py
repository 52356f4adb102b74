"""Expressions as other languages write them, and what each is here (data)."""

from __future__ import annotations

import re

CURLED = "“”„‟‘’‚‛«»"
"""Quotes that are not straight."""
_WRITTEN = (
    (rf"[{CURLED}]", "a text stands in straight quotes: 'text'"),
    (r"%\s*(if|else|endif|for)|\{%|%\}|\$\{\{|\{\{|^\s*\{|\$\{", "expressions have no braces: write qty > 5"),
    (r"=>|=<", ">= and <= have the = behind"),
    (r"<>|!==", "write != for what is not equal"),
    (r"===", "write =="),
    (r"\+=|-=|\+\+|--$", "set: {n: n + 1} counts on"),
    (r"&&|\|\||!(?!=)|\b(AND|OR|NOT)\b", "write and, or, not"),
    (r"\w\s*\|\s*\w", "write upper(name), lower(name), title(name), trim(name)"),
    (r"\?\s|\?$", "write a if condition else b; a name has no ?"),
    (r"^\s*$", "write {name}; {{ is a brace to be seen"),
    (r"\bis\s+(not\s+)?\w", "compare with == and !="),
    (r"\d\s*%", "write 20 / 100 for a share"),
    (r"\b\d{1,2}:\d\d\b", "a time stands in quotes: '18:00'"),
    (r"\b\d{1,2}\.\d{1,2}\.\d{4}\b", "a date is written '2026-12-24'"),
    (r"\b\d+\s*(days?|hours?|minutes?|d|h|min)\b", "write days(3), hours(3), minutes(3)"),
    (r"\b\d+[A-Za-z]+\b", "a number has no unit"),
    (r"^\s*[<>]=?|\b(and|or)\s+[<>]=?", "name what is compared: qty > 0 and qty < 9"),
    (r"(?<![=!<>])=(?!=)", "compare with =="),
    (r"^\s*[A-Za-z_]\w*(\s+[A-Za-z_]\w*)+\s*$", "a name has no spaces: first_name"),
)
_REPAIRS = tuple((re.compile(pattern), words) for pattern, words in _WRITTEN)


def repair(source: str) -> str:
    """How an expression that cannot be read is written here; empty where nothing is known of it."""
    return next((words for pattern, words in _REPAIRS if pattern.search(source)), "")
