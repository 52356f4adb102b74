"""``smsbot understand``: what a text is, by every rule; or a corpus as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import click

from smsbot.core.errors import RouteError, UsageError
from smsbot.core.money import Money
from smsbot.core.question import Question, parse_type
from smsbot.understanding.answers.choices import choices_of
from smsbot.understanding.explain import Understood, Words, looks
from smsbot.understanding.explain import understand as read
from smsbot.understanding.languages import by_country, is_understood, language

from . import output

_TYPES = ("choice", "yes_no", "integer", "number", "money", "text", "date", "time", "datetime", "phone", "email")


@click.command()
@click.argument("text", required=False)
@click.option("--question", metavar="TYPE", help="The open question: yes_no, integer(1, 9), date, text(80) …")
@click.option("--choice", "choices", multiple=True, metavar="KEY=WORD,WORD", help="A choice of the open question.")
@click.option("--keyword", "keywords", multiple=True, metavar="WORD", help="A start word of the bot.")
@click.option("--lang", metavar="CODE", help="The person's language: en, pl, fr, es.")
@click.option("--country", metavar="CODE", help="The country of the line, such as US (default: the language's first).")
@click.option("--today", metavar="DATE", help="Where dates count from (default: today, UTC).")
@output.as_json
def understand_command(
    text: str | None,
    question: str | None,
    choices: tuple[str, ...],
    keywords: tuple[str, ...],
    lang: str | None,
    country: str | None,
    today: str | None,
    as_json: bool,
) -> None:
    """Say what TEXT is, and how each rule saw it.

    With --json and without TEXT, JSON lines are read from stdin: {"id", "text", "question", "keywords", "lang",
    "country"}; each is answered by a line {"id", "outcome", "value", "rest"}.
    """
    if text is None:
        if not as_json:
            raise click.UsageError('give a TEXT, such as smsbot understand "TAK!" --question yes_no --lang pl')
        sys.exit(_stream(sys.stdin))
    if lang is not None and not is_understood(lang):
        raise UsageError(f'nothing is known of the language "{lang}"; known: en, pl, fr, es')
    country = (country or (language(lang)["countries"][0] if lang else "")).upper() or None
    if country is not None and country not in by_country() and len(country) != 2:
        raise UsageError(f'"{country}" is not a country; write two letters, such as US')
    words = Words.of(keywords)
    asked, day = _question(question, choices), _day(today)
    found = read(text, asked, words, country=country, language=lang, today=day)
    seen = looks(text, asked, words, country=country, language=lang, today=day)
    if as_json:
        output.emit({**_plain(found), "why": found.why, "rules": {look.rule: look.saw for look in seen}})
        return
    click.secho(found.outcome.value, bold=True, nl=False)
    click.echo(f": {found.why}.")
    width = max(len(look.rule) for look in seen)
    for look in seen:
        click.echo(f"  {look.rule:<{width}}  {look.saw or '-'}")


def _question(written: str | None, choices: Iterable[str]) -> Question | None:
    listed = [c.partition("=") for c in choices]
    if listed:
        return _choice({key: [w for w in words.split(",") if w] for key, _, words in listed})
    if not written:
        return None
    found = parse_type(written)
    if isinstance(found, str):
        raise UsageError(f"{found}; types: {', '.join(_TYPES)}, pattern(…)")
    return found


def _choice(choices: Mapping[str, Iterable[str]]) -> Question:
    return Question("choice", choices=choices_of({key: (key, *more) for key, more in choices.items()}))


def _day(written: str | None) -> date:
    try:
        return date.fromisoformat(written) if written else datetime.now(UTC).date()
    except ValueError:
        raise UsageError(f'"{written}" is not a day; write 2026-11-23') from None


# -- a corpus -----------------------------------------------------------------------------------------


def _stream(lines: Iterable[str]) -> int:
    """Answer line by line; a line that cannot be read is told on stderr, and the others go on."""
    wrong = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            answer = {"id": row.get("id", number), **_plain(understand_row(row))}
        except (ValueError, TypeError, KeyError, AttributeError, RouteError, UsageError) as error:
            wrong += 1
            click.echo(f"line {number}: {_why(error)}", err=True)
            continue
        output.emit(answer)
    return 1 if wrong else 0


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    if isinstance(error, KeyError):
        return f'"{error.args[0]}" is missing'
    return str(error.args[0]) if error.args else type(error).__name__


def understand_row(row: Mapping[str, Any]) -> Understood:
    """Understand the text of a corpus row."""
    written = row.get("question")
    question = question_of(written) if written else None
    today = _day(written.get("today") if isinstance(written, dict) else None)
    return read(
        str(row["text"]), question, Words.of(row.get("keywords", ())), country=row.get("country"),
        language=row.get("lang"), today=today,
    )  # fmt: skip


def question_of(written: Mapping[str, Any] | str) -> Question:
    """The question of a row: ``{"type": "integer", "min": 1, "max": 9}``, ``{"type": "choice", "choices": {…}}``.

    A kind alone, as ``"yes_no"``, is enough where there is no more to say.
    """
    written = {"type": written} if isinstance(written, str) else written
    kind = written["type"]
    if kind == "choice":
        return _choice(written["choices"])
    found = parse_type(str(kind))
    if isinstance(found, str):
        raise UsageError(found)
    low, high = written.get("min", found.low), written.get("max", found.high)
    return Question(found.kind, low, high, pattern=found.pattern)


def _plain(found: Understood) -> dict[str, Any]:
    plain: dict[str, Any] = {"outcome": found.outcome.value, "value": plain_value(found.value)}
    return plain | ({"rest": found.rest} if found.rest else {})


def plain_value(value: Any) -> Any:
    """An answer as JSON: yes and no as such, dates ISO, times HH:MM, money with two decimals."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Money):
        return {"amount": str(value.amount), "currency": value.currency}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return str(value) if isinstance(value, Decimal) else value
