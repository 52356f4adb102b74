"""Conditions that hold for every value or for none are told; those that some value decides are not."""

from __future__ import annotations

import pytest

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.flows.loader import load

FLOW = """\
flow: f
start: [hi]
steps:
  - {ask: n, say: "N?", type: "KIND", timeout: {after: 1h, then: gone}}
  - {when: "CONDITION", say: "A."}
  - {say: "B.", end: done}
asides: [{id: gone, say: "G.", end: gone}]
"""
ALWAYS, NEVER = "this always holds", "this never holds"
CONDITIONS = [
    ("number", "n > 1.2 and n < 1.4", ""), ("number", "n < 1.2 or n > 1.4", ""), ("number", "n == 1.3", ""),
    ("number", "n > 1.4 and n < 1.2", NEVER), ("number", "n < 1.4 or n > 1.2", ALWAYS),
    ("number(0, 1)", "n > 0.9 and n < 0.95", ""), ("number(0, 1)", "n > 0.9 and n > 1", NEVER),
    ("integer", "n > -2.5", ""), ("integer", "n < -2.5", ""), ("integer", "n > 1 and n < 2", NEVER),
    ("integer", "n > 1.2 and n < 1.4", NEVER), ("integer", "n > -3 and n < -1", ""), ("integer", "n != -2 or n > -3", ALWAYS),
    ("integer(1, 9)", "n > 9", NEVER), ("integer(1, 9)", "n > 0.5", ALWAYS), ("integer(1, 9)", "n > 8.5", ""),
    ("time", "n > '9:00' and n < '9:01'", ""), ("time", "n > '9:01' and n < '9:00'", NEVER),
    ("datetime", "n > '2026-12-24 9:00' and n < '2026-12-24 9:01'", ""), ("date", "n > '2026-12-24' and n < '2026-12-25'", NEVER),
    ("datetime", "n > '2026-12-24' and n < '2026-12-25'", NEVER), ("date", "n >= '2026-12-24' and n < '2026-12-25'", ""),
    ("text", "n > 'a' and n < 'b'", ""), ("text", "n == 'a' and n == 'b'", NEVER), ("text", "n != 'a' or n != 'b'", ALWAYS),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "condition", "told"), CONDITIONS)
def test_a_condition_that_decides_nothing_is_told(kind: str, condition: str, told: str) -> None:
    flow, source = load("f.yaml", FLOW.replace("KIND", kind).replace("CONDITION", condition).encode())
    assert flow is not None
    found = check([flow], {"f.yaml": source}, Around(Bot()))
    assert [(p.code, p.message) for p in found] == ([("SB617", told)] if told else [])
