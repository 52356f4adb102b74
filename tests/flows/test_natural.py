"""Mistakes as authors make them, in four flows: each is told first, at its place, with what to write instead.

``natural/mistakes.jsonl`` holds one a line: in `file`, `new` stands for `old`; ⟦ is where the caret belongs, or `at`
names the line. Who adds a rule adds the mistakes that it is for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.core.problem import Problem, render
from smsbot.flows.loader import load

from ..conftest import sampled

FOLDER = Path(__file__).parent / "natural"
FLOWS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}
TOGETHER = (("visit.yaml",), ("reminder.yaml",), ("moved.yaml", "pick.yaml"))
MISTAKES: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "mistakes.jsonl").read_text().splitlines() if line
]
HERE = "⟦"


def problems(name: str, text: str) -> list[Problem]:
    """What is wrong with a flow, among those that it is used with."""
    names = next(each for each in TOGETHER if name in each)
    read = {each: load(each, (text if each == name else FLOWS[each]).encode()) for each in names}
    flows = [flow for flow, _ in read.values() if flow is not None]
    return check(flows, {each: source for each, (_, source) in read.items()}, Around(Bot(), ("",), ("US",)))


def shown(found: list[Problem]) -> str:
    return "\n\n".join(map(render, found))


@pytest.mark.parametrize("name", FLOWS)
def test_the_flows_are_good(name: str) -> None:
    assert shown(problems(name, FLOWS[name])) == ""


def test_there_are_many() -> None:
    assert len(MISTAKES) >= 270


@pytest.mark.parametrize("mistake", sampled(MISTAKES, *MISTAKES[::3]), ids=[m["new"].strip()[:60] for m in MISTAKES])
def test_a_mistake_is_told_first_at_its_place_with_a_remedy(mistake: dict[str, Any]) -> None:
    name = f"{mistake['file']}.yaml"
    assert FLOWS[name].count(mistake["old"]) == 1
    text = FLOWS[name].replace(mistake["old"], mistake["new"])
    found = problems(name, text.replace(HERE, ""))
    assert found, "silence is the worst"
    first = found[0]
    before = text.partition(HERE)[0]
    column = len(before.rpartition("\n")[2]) + 1
    wanted = mistake.get("at") or f"{name}:{before.count(chr(10)) + 1}:{column}"
    place = str(first.place) if "at" not in mistake else f"{first.place.path}:{first.place.line}"
    assert (first.code, place) == (mistake["code"], wanted), shown(found)
    assert first.help == mistake["remedy"] != "", shown(found)
