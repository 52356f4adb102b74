"""What a text answers to a question: strict, never guessed."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core.question import Question, parse_type
from smsbot.understanding.answers import Answer, Unsure, understand

TODAY = date(2026, 11, 23)
SIZES = Question("choice", choices={"S": ("s", "1", "small"), "extra large": ("extra large", "xl", "4")})


def answer(kind: str, text: str, country: str | None = "PL") -> object:
    question = parse_type(kind)
    assert isinstance(question, Question)
    found = understand(question, text, TODAY, country)
    return found.value if isinstance(found, Answer) else "unsure" if isinstance(found, Unsure) else None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "3", 3), ("integer", " 3! ", 3), ("integer", "ok 3 please", 3), ("integer", "007", 7), ("integer", "３", 3),
        ("integer", "3️⃣", 3), ("integer(1, 9)", "9", 9), ("integer(1, 9)", "0", None), ("integer(1, 9)", "10", None),
        ("integer", "-3", None), ("integer", "−3", None), ("integer", "1.5", None), ("integer", "3%", "unsure"), ("integer", "$3", "unsure"),
        ("integer", "12/5", "unsure"), ("integer", "3 or 4", "unsure"), ("integer", "three", 3), ("integer", "", None),
        ("integer", "9" * 30, None),
        ("number", "1.5", Decimal("1.5")), ("number", "1,5 please", Decimal("1.5")), ("number", "-2", -2), ("number", "1,000", "unsure"),
        ("number", "1.000", "unsure"), ("number", "1e5", "unsure"), ("number(0, 1)", "2", None),
        ("yes_no", "YES!", True), ("yes_no", "tak", True), ("yes_no", "👍🏽", True), ("yes_no", "ok", True), ("yes_no", "Nie.", False),
        ("yes_no", "no thanks", False), ("yes_no", "no problem", "unsure"), ("yes_no", "yes but later", "unsure"), ("yes_no", "maybe", "unsure"),
        ("date", "24.12", date(2026, 12, 24)), ("date", "24/12/2027", date(2027, 12, 24)), ("date", "2027-01-02", date(2027, 1, 2)),
        ("date", "tomorrow", date(2026, 11, 24)), ("date", "jutro", date(2026, 11, 24)), ("date", "31.11", None), ("date", "soon", None),
        ("time", "19:30", time(19, 30)), ("time", "7pm", time(19, 0)), ("time", "12 am", time(0, 0)), ("time", "25:00", None),
        ("time", "7", "unsure"), ("time", "13pm", None), ("time", "9h30", time(9, 30)),
        ("phone", "600 100 200", "+48600100200"), ("phone", "+44 7700 900123", "+447700900123"), ("phone", "12345", None),
        ("email", " Ann@Example.org. ", "ann@example.org"), ("email", "a@b", None), ("email", "a@b..co", None),
        ("email", "mailto:a@b.co", "a@b.co"),
        ("text", " hello ", "hello"), ("text(3)", "abc", "abc"), ("text(3)", "abcd", None), ("text", " ", None),
    ],
)  # fmt: skip
def test_answers(kind: str, text: str, value: object) -> None:
    assert answer(kind, text) == value


def test_a_day_that_may_be_two_is_not_guessed() -> None:
    assert answer("date", "5/4", "US") == date(2027, 5, 4)
    assert answer("date", "15/12", "US") == "unsure"
    assert answer("date", "5/4", None) == "unsure"
    assert answer("date", "5/4", "FR") == date(2027, 4, 5)


@pytest.mark.parametrize(
    ("text", "value"),
    [("small", "S"), ("Small, please!", "S"), ("1.", "S"), ("XL", "extra large"), ("Extra-Large", "extra large"), ("smalls", "unsure"),
     ("small or xl", "unsure"), ("2", None)],
)  # fmt: skip
def test_choices(text: str, value: str | None) -> None:
    found = understand(SIZES, text, TODAY)
    got = found.value if isinstance(found, Answer) else "unsure" if isinstance(found, Unsure) else None
    assert got == value


def test_a_tail_is_kept_where_it_is_accepted() -> None:
    question = Question("choice", choices=SIZES.choices, tail=True)
    found = understand(question, "ok small, but with extra cheese!", TODAY)
    assert isinstance(found, Answer)
    assert (found.value, found.rest) == ("S", "but with extra cheese!")


@given(
    st.text(max_size=60),
    st.sampled_from(
        [
            "integer",
            "number",
            "yes_no",
            "date",
            "time",
            "datetime",
            "money",
            "phone",
            "email",
            "text(5)",
            "pattern([a-z]+)",
        ]
    ),
)
def test_any_text_is_an_answer_or_none(text: str, kind: str) -> None:
    answer(kind, text)
