"""What people really text: the corpus, its table in the docs, and any text whatever."""

from __future__ import annotations

import json
import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.cli.understand import question_of
from smsbot.core.question import Question
from smsbot.understanding import languages
from smsbot.understanding.explain import Outcome, Words, understand
from smsbot.understanding.words import normalise

from ..corpus import ACTS, LANGUAGES, Score, rows, score, table
from ..processes import ROOT, smsbot

TODAY = date(2026, 11, 23)
DOC = ROOT / "docs" / "understanding.md"
QUESTIONS = [
    None, Question(), Question("yes_no"), Question("integer", 1, 9), Question("number"), Question("money"), Question("date"),
    Question("time"), Question("datetime"), Question("phone"), Question("email"), Question("pattern", pattern="[A-Z]{2} ?[0-9]{4}"), Question("media"),
    Question("choice", choices={"S": ("s", "1", "small"), "L": ("l", "3", "large")}),
]  # fmt: skip
WORDS = Words.of(["pizza", "order {n:int}", "menu"])


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return {name: score(name) for name in ("texts", "more", "kinds")}


@pytest.mark.parametrize("name", ["texts", "more", "kinds"])
def test_the_corpus(scores: dict[str, Score], name: str) -> None:
    """Wrong actions at most 0.2 %, right at least 97 %, each outcome or kind in each language right at least 90 %."""
    made = scores[name]
    assert len(made.wrong_actions) <= 0.002 * made.total.total(), made.wrong_actions
    assert made.share >= 0.97, made.misses
    low = {place: made.right[place] for place in made.total if made.right[place] < 0.9 * made.total[place]}
    assert low == {}, made.misses


def test_the_table_in_the_docs(scores: dict[str, Score], request: pytest.FixtureRequest) -> None:
    parts = []
    for name, made in scores.items():
        misses = "\n".join(f"- {miss}" for miss in made.misses) or "None."
        parts.append(
            f"### `{name}.jsonl`: {made.right.total()} of {made.total.total()} right, "
            f"{len(made.wrong_actions)} wrong actions\n\n{table(made)}\n\nMisses:\n\n{misses}"
        )
    told = "<!-- table -->\n\n" + "\n\n".join(parts) + "\n\n<!-- end -->"
    text = DOC.read_text(encoding="utf-8")
    if request.config.getoption("--update"):
        text = re.sub(r"<!-- table -->.*<!-- end -->", lambda _: told, text, flags=re.DOTALL)
        DOC.write_text(text, encoding="utf-8")
    assert told in text, "run pytest --update"


def test_the_command_reads_the_corpus() -> None:
    """The same by the command: JSON lines in, JSON lines out, a broken line told and passed over."""
    some = rows("texts")[::40]
    lines = [json.dumps(row) for row in some]
    done = smsbot("understand", "--json", text="\n".join([*lines[:3], "{broken", *lines[3:]]) + "\n")
    assert done.returncode == 1
    assert done.stderr.startswith("line 4: not JSON")
    answers = {a["id"]: a for a in map(json.loads, done.stdout.splitlines())}
    assert list(answers) == [row["id"] for row in some]
    for row in some:
        assert answers[row["id"]]["outcome"] == row["expect"]["outcome"]
        assert answers[row["id"]]["value"] == row["expect"].get("value")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["TAK!", "--question", "yes_no", "--lang", "pl"], 0, "answer: it answers the question: yes."),
        (["No", "--question", "yes_no", "--lang", "pl"], 0, "unsure: unsure whether it answers: people mean different"),
        (["No", "--question", "yes_no", "--lang", "es"], 0, "answer: it answers the question: no."),
        (["piza", "--keyword", "pizza"], 0, 'suggest: it is spelled nearly like the start word "pizza".'),
        (["ok 2", "--choice", "S=1,small", "--choice", "M=2"], 0, "answer: it answers the question: M."),
        (["hi", "--question", "colour"], 2, 'there is no type "colour"'),
        (["hi", "--lang", "xx"], 2, 'nothing is known of the language "xx"'),
        (["hi", "--today", "soon"], 2, "is not a day"),
        ([], 2, "give a TEXT"),
    ],
)  # fmt: skip
def test_the_command_explains(arguments: list[str], code: int, said: str) -> None:
    done = smsbot("understand", *arguments)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_no_line_is_memorised() -> None:
    """Rules and words, not remembered texts: no data file holds a whole line of more than four words."""
    folder = ROOT / "smsbot" / "core" / "languages"
    data = {p.name: f" {normalise(p.read_text(encoding='utf-8'))} " for p in folder.glob("*.toml")}
    texts = {row["text"] for name in ("texts", "more", "kinds") for row in rows(name)}
    long = {normalise(text) for text in texts if len(text.split()) > 4}
    found = [(name, text) for text in long for name, known in data.items() if f" {text} " in known]
    assert found == []


@given(st.text(max_size=300), st.sampled_from(QUESTIONS), st.sampled_from(["US", "PL", "FR", "MX", None]))
def test_any_text_has_one_outcome(text: str, question: Question | None, country: str | None) -> None:
    for language in (None, "pl"):
        found = understand(text, question, WORDS, country=country, language=language, today=TODAY)
        assert found.outcome in Outcome
        assert found.why


@given(
    st.lists(st.sampled_from([row["text"] for row in rows("texts")]), min_size=1, max_size=3),
    st.sampled_from(QUESTIONS),
)
def test_mixed_texts_have_one_outcome(texts: list[str], question: Question | None) -> None:
    assert understand(" ".join(texts), question, WORDS, country="PL", today=TODAY).outcome in Outcome


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize("unit", ["a", "ł", "1", "a ", "1 ", "stop ", "“", "?", "yes ", "no ", "​", "é", "1/", "0 ", "(", "@", "a@", ".", "🍕", "-- \n", "\n", "2 large ", "liked “", "don t stop "])  # fmt: skip
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.kind if q else "none")
def test_time_is_bounded(unit: str, question: Question | None) -> None:
    """1,600 characters of anything: how long it takes does not explode with the length.

    No test is timed against the clock here: a text twice as long may cost a few times as much, never a hundred times.
    `benchmarks/understand.py` prints the milliseconds.
    """

    def cost(length: int) -> float:
        best = 1e9
        for attempt in range(4):
            text = (unit * length)[:length] + "x" * attempt  # never the same one, so that nothing is remembered
            began = time.perf_counter()
            understand(text, question, WORDS, country="PL", language="pl", today=TODAY)
            best = min(best, time.perf_counter() - began)
        return best

    cost(20)
    assert cost(1600) < 100 * cost(400) + 0.05


def test_labels_are_well_formed() -> None:
    for name in ("texts", "more"):
        for row in rows(name):
            assert row["lang"] in LANGUAGES
            assert row["expect"]["outcome"] in Outcome.__members__.values()
            if row["question"]:
                question_of(row["question"])
    assert set(Outcome.__members__.values()) >= ACTS


def test_every_language_has_all_sections() -> None:
    """What one full language knows, the others know too."""
    english = languages.language("en")
    for code in LANGUAGES:
        own = languages.language(code)
        for section, keys in english.items():
            if isinstance(keys, dict) and section not in ("numbers", "consent"):
                assert set(own[section]) >= set(keys) - {"year"}, (code, section)
        assert set(own["consent"]) == set(english["consent"])
