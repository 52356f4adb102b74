"""The languages of the desk: catalogues that have every word, and numbers and times as people write them there."""

from __future__ import annotations

import dataclasses
from datetime import UTC
from functools import cache
from pathlib import Path

import pytest
from babel.numbers import format_decimal

from smsbot.core.status import Status
from smsbot.desk.borrowed import BORROWED
from smsbot.desk.judging import judge
from smsbot.desk.users import LONGEST, SHORTEST
from smsbot.desk.words import ENGLISH, NAMES, words_in
from smsbot.pipeline import broadcasts
from smsbot.pipeline.happened import TYPES
from smsbot.pipeline.quarantine import FOREIGN

from ..words import LANGUAGES, compiled, gathered, kept, lacking, said
from .histories import CASES, Case

DAY = 86_400.0
PACKAGE = Path(__file__).parents[2] / "smsbot"
POLISH = words_in("pl")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_word_and_no_other(language: str) -> None:
    catalogue = kept(language)
    catalogue.update(gathered(), no_fuzzy_matching=True, update_creation_date=False)
    assert lacking(catalogue) == []
    assert [m.id for m in catalogue.obsolete.values()] == []
    assert said(catalogue) == said(kept(language)) == said(compiled(language)), "scripts/words brings both up to date"


def test_what_lacks_is_told() -> None:
    catalogue = kept("pl")
    catalogue.add("a sentence without words")
    catalogue.add("at %(at)s", "o %(when)s")
    catalogue.add("a guess", "domysł", flags=["fuzzy"])
    told = "\n".join(lacking(catalogue))
    assert "'a sentence without words': no words" in told
    assert "'at %(at)s'" in told
    assert "'a guess': doubtful" in told


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_a_verdict_is_in_the_language_of_who_reads_it(case: Case) -> None:
    english, polish = judge(case.history), judge(dataclasses.replace(case.history, words=POLISH))
    assert polish.outcome is english.outcome
    assert polish.say != english.say
    assert [s.state for s in polish.path] == [s.state for s in english.path]
    assert polish.say[-1] in ".?"
    assert polish.why == polish.why.rstrip(".")
    for name, values in (("say", (english.say, polish.say)), ("why", (english.why, polish.why))):
        numbers = [[c for c in value if c.isdigit()] for value in values]
        assert sorted(numbers[0]) == sorted(numbers[1]), f"every value is in both: {name}"


def test_words_of_the_rooms_below_are_borrowed() -> None:
    borrowed = {*BORROWED}
    assert {s.value for s in Status} <= borrowed
    assert {*broadcasts.WORDS.values()} <= borrowed
    assert {*TYPES.values(), FOREIGN} <= borrowed


@pytest.mark.parametrize("word", BORROWED)
def test_what_is_borrowed_is_said_there(word: str) -> None:
    """A word that is changed where it is said would be English again on a Polish page."""
    elsewhere = [p for p in PACKAGE.rglob("*") if p.suffix in (".py", ".sql") and p.name != "borrowed.py"]
    assert any(f'"{word}"' in source or f"'{word}'" in source for source in map(_source, elsewhere))


@cache
def _source(path: Path) -> str:
    return path.read_text()


def test_the_words_about_a_password_name_its_bounds() -> None:
    assert f"a password has {SHORTEST} to {LONGEST} characters; a few words are easy to keep" in said(kept("pl"))


@pytest.mark.parametrize("value", [0, 7, 999, 1000, 1204, 12_345, 1_000_000])
@pytest.mark.parametrize("language", NAMES)
def test_a_number_is_written_as_people_write_it(language: str, value: int) -> None:
    assert words_in(language).number(value) == format_decimal(value, locale=language).replace("\u202f", "\xa0")


@pytest.mark.parametrize(
    ("n", "said"), [(1, "1 dzień"), (2, "2 dni"), (4, "4 dni"), (5, "5 dni"), (12, "12 dni"), (22, "22 dni")]
)
def test_plurals(n: int, said: str) -> None:
    assert POLISH.span(n * DAY) == (said if n > 1 else "24 h")
    assert POLISH._n("%(n)s day", "%(n)s days", n) == said


def test_times_and_amounts() -> None:
    assert POLISH.clock(0.0, 40 * DAY, UTC) == "01 sty 00:00:00"
    assert POLISH.clock(0.0, 60.0, UTC) == "00:00:00"
    assert ENGLISH.clock(0.0, 40 * DAY, UTC, "%H:%M") == "01 Jan 00:00"
    assert POLISH.span(0.34) == "0,3 s"
    assert POLISH.percent(0.981, 1) == "98,1 %"
    assert POLISH.amount("12.50 EUR") == "12,50 EUR"


def test_words_that_no_catalogue_has_stay_as_they_are() -> None:
    assert POLISH.raw("number busy 42%") == "number busy 42%"
    assert POLISH.raw("") == "", "gettext would answer with its header"
