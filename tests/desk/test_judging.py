"""One verdict on every history."""

from __future__ import annotations

import pytest

from smsbot.desk.judging import judge
from smsbot.desk.verdicts import History, Outcome, plain
from smsbot.desk.words import ENGLISH

from .histories import CASES, NOW, OLD, TAKEN, Case, S, of, text, told, tried


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_a_history_has_one_verdict(case: Case) -> None:
    verdict = judge(case.history)
    assert verdict.outcome is case.outcome
    assert case.why in verdict.why
    assert case.say in verdict.say
    assert verdict.why == verdict.why.rstrip(".")
    assert verdict.say[-1] in ".?"


def test_every_verdict_is_in_the_table() -> None:
    assert {c.outcome for c in CASES} == set(Outcome)
    assert len(CASES) >= 40


def path(history: History) -> list[str]:
    marks = {"done": "", "ahead": "…", "now": "*", "stopped": "!", "unsure": "?"}
    return [f"{s.name}{marks[s.state]}" for s in judge(history).path]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (of(text(S.QUEUED, "queue")), ["Requested", "Handed to main…", "With the operator…", "On the phone…"]),
        (of(text(S.SENDING, "attempt", attempts=(tried(""),))),
         ["Requested", "Handed to main*", "With the operator…", "On the phone…"]),
        (of(text(S.ACCEPTED, attempts=TAKEN)), ["Requested", "Handed to main", "With the operator…", "On the phone…"]),
        (of(text(S.DELIVERED, attempts=TAKEN, reports=(told(S.DELIVERED, "21", operator="Plus"),))),
         ["Requested", "Handed to main", "With operator Plus", "On the phone"]),
        (of(text(S.UNDELIVERED, attempts=TAKEN, reports=(told(S.SENT, "2", age=12), told(S.UNDELIVERED, "22")))),
         ["Requested", "Handed to main", "With the operator", "Not delivered!"]),
        (of(text(S.FAILED, attempts=(tried("refused"),))), ["Requested", "Refused!"]),
        (of(text(S.BLOCKED)), ["Requested", "Blocked by us!"]),
        (of(text(S.EXPIRED, age=9000)), ["Requested", "Expired!"]),
        (of(text(S.UNKNOWN, attempts=(tried("unknown"),))),
         ["Requested", "Handed to main?", "With the operator…", "On the phone…"]),
        (of(), []),
    ],
)  # fmt: skip
def test_the_path_ends_where_the_text_did(history: History, expected: list[str]) -> None:
    assert path(history) == expected


def test_the_path_tells_how_long_each_stage_took() -> None:
    reports = (told(S.SENT, "2", age=18), told(S.DELIVERED, "21", age=15))
    verdict = judge(of(text(S.DELIVERED, attempts=TAKEN, reports=reports)))
    assert [round(s.took, 1) if s.took is not None else None for s in verdict.path] == [None, 1.3, 0.7, 3.0]
    assert verdict.at == NOW - 15


def test_a_verdict_as_json_says_whether_it_arrived() -> None:
    by = {c.outcome: plain(judge(c.history)) for c in CASES}
    assert {o.slug: by[o]["arrived"] for o in Outcome} == {
        "delivered": True, "not_delivered": False, "expired": False, "on_its_way": None, "late": None,
        "unknown": None, "refused": False, "blocked": False, "held": None, "never": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("span", "expected"),
    [(-1, "0.0 s"), (0.34, "0.3 s"), (9.96, "10.0 s"), (42, "42 s"), (300, "5 min"), (7200, "2 h"), (200000, "2 days")],
)
def test_spans(span: float, expected: str) -> None:
    assert ENGLISH.span(span) == expected


def test_old_texts_name_their_day() -> None:
    verdict = judge(of(text(S.ACCEPTED, age=90000, attempts=(tried("accepted", age=89999),)), usual=6.0))
    assert verdict.outcome is Outcome.LATE
    assert "20 Sep" in verdict.say
    assert OLD
