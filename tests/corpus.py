"""The labelled texts, and how well they are understood. All texts are invented.

`texts.jsonl` is what the rules were written on, `more.jsonl` was labelled by the same rules by somebody who did not
know the implementation; `kinds.jsonl` holds what people text who are in a hurry, annoyed or somebody else, most of it
written by others, with the kind of each. A row: what arrived, the open question, the bot's start words, and what it is.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from smsbot.cli.understand import plain_value, understand_row

DATA = Path(__file__).parent / "data"
LANGUAGES = ("en", "pl", "fr", "es")
ACTS = frozenset({"answer", "switch", "keyword", "optout", "optin"})
"""Outcomes that do something for the person."""


@cache
def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").split("\n") if line]


@dataclass
class Score:
    """How many are right, by language and kind, or outcome where no kind is named."""

    total: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong_actions: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right.total() / self.total.total()


def score(name: str) -> Score:
    made = Score()
    for row in rows(name):
        found, expect = understand_row(row), row["expect"]
        place = (row["lang"], row.get("kind", expect["outcome"]))
        made.total[place] += 1
        got = found.outcome.value
        same = got == expect["outcome"] and ("value" not in expect or plain_value(found.value) == expect["value"])
        if same and ("rest" not in expect or found.rest == expect["rest"]):
            made.right[place] += 1
            continue
        asked = (row["question"] or {}).get("type", "no question")
        miss = f"{row['text']!r} ({row['country']}, {asked}): {expect['outcome']}, read as {got}"
        made.misses.append(miss)
        if got in ACTS:
            made.wrong_actions.append(miss)
    return made


def table(made: Score) -> str:
    """Right of all, by language and kind or outcome, as Markdown."""
    outcomes = sorted({outcome for _, outcome in made.total})
    lines = ["| | " + " | ".join(LANGUAGES) + " |", "|---|" + "---|" * len(LANGUAGES)]
    for outcome in outcomes:
        cells = [f"{made.right[lang, outcome]}/{made.total[lang, outcome]}" for lang in LANGUAGES]
        lines.append(f"| {outcome.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
