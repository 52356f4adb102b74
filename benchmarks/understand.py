"""What understanding one text costs: the corpus through all rules, four languages loaded; and the longest texts.

The budget is 60 µs for a text. Nothing is remembered from the run before: the caches of texts are emptied.
"""

from __future__ import annotations

import json
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

from smsbot.cli.understand import question_of
from smsbot.core.question import Question
from smsbot.understanding import said, words
from smsbot.understanding.explain import Words, understand

TODAY = date(2026, 11, 23)
CORPUS = Path(__file__).parent.parent / "tests" / "data" / "texts.jsonl"
RUNS = 9
UNITS = ("a", "ł", "1", "a ", "1 ", "stop ", "“", "yes ", "1/", "0 ", "a@", "don t stop ")


def prepared() -> list[tuple[str, Question | None, Words, str | None, str | None]]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in CORPUS.read_text("utf-8").split("\n") if line]
    return [
        (r["text"], r["question"] and question_of(r["question"]), Words.of(r["keywords"]), r["country"], r["lang"])
        for r in rows
    ]


def forget() -> None:
    said.said.cache_clear()
    words.tokens.cache_clear()


def once(rows: list[tuple[str, Question | None, Words, str | None, str | None]]) -> float:
    """Microseconds a text."""
    forget()
    began = time.perf_counter()
    for text, question, table, country, language in rows:
        understand(text, question, table, country=country, language=language, today=TODAY)
    return (time.perf_counter() - began) / len(rows) * 1e6


def longest() -> tuple[float, str]:
    """Milliseconds of the dearest text of 1,600 characters, and what it is made of."""
    worst = (0.0, "")
    for unit in UNITS:
        for kind in ("yes_no", "integer", "money", "date", "time", "datetime", "phone", "email", "text", ""):
            best, question = 1e9, Question(kind) if kind else None
            for attempt in range(5):
                text = (unit * 1600)[: 1599 - attempt] + "x"
                forget()
                began = time.perf_counter()
                understand(text, question, Words.of(["pizza"]), country="PL", language="pl", today=TODAY)
                best = min(best, time.perf_counter() - began)
            worst = max(worst, (best * 1e3, f"{unit!r} to {kind or 'no question'}"))
    return worst


def main() -> None:
    rows = prepared()
    once(rows)
    found = [once(rows) for _ in range(RUNS)]
    plain = [r for r in rows if r[0].isascii()]
    ascii_only = [once(plain) for _ in range(RUNS)]
    print(f"{len(rows)} texts, {RUNS} runs: {statistics.median(found):.1f} µs a text (least {min(found):.1f})")
    print(f"those of plain letters: {statistics.median(ascii_only):.1f} µs")
    milliseconds, what = longest()
    print(f"the dearest of 1,600 characters: {milliseconds:.2f} ms ({what})")


if __name__ == "__main__":
    main()
