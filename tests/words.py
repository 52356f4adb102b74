"""Catalogues of the desk's words: gathered from the code and the pages, brought up to date, compiled (`scripts/words`)."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from smsbot.desk.words import LOCALE, NAMES

ROOT = Path(__file__).parent.parent
KEYWORDS = {"_": None, "N_": None, "_n": (1, 2)}
"""What marks words."""
METHODS = [("desk/**.py", "python"), ("web/**.py", "python"), ("web/templates/**.html", "jinja2")]
LANGUAGES = [code for code in NAMES if code != "en"]


def gathered() -> Catalog:
    """Every message of the code and the pages, with the files that say it."""
    found = Catalog(charset="utf-8")
    for name, _line, message, comments, context in extract_from_dir(
        ROOT / "smsbot", METHODS, keywords=KEYWORDS, comment_tags=()
    ):
        found.add(message, locations=[(f"smsbot/{name}", 0)], auto_comments=comments, context=context)
    return found


def place(language: str, ending: str = "po") -> Path:
    """The file of a catalogue."""
    return LOCALE / language / "LC_MESSAGES" / f"smsbot.{ending}"


def kept(language: str) -> Catalog:
    """The catalogue as it is kept; empty for a language that is new."""
    if not place(language).exists():
        return Catalog(
            locale=language, project="smsbot", version="", copyright_holder="the smsbot authors", charset="utf-8",
            fuzzy=False, header_comment=f"# The desk of smsbot: {NAMES[language]}.",
        )  # fmt: skip
    with place(language).open("rb") as file:
        return read_po(file, locale=language)


def written(catalogue: Catalog) -> bytes:
    """A catalogue as its file, in the order of the messages, so that a change is read as one."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return file.getvalue()


def said(catalogue: Catalog) -> dict[object, object]:
    """What a catalogue says, by the English; files differ by the version of Babel, this does not."""
    return {_plain(m.id): _plain(m.string) for m in catalogue if m.id}


def _plain(words: str | Sequence[str] | None) -> object:
    return words if isinstance(words, str | None) else tuple(words)


def compiled(language: str) -> Catalog:
    """The catalogue as gettext reads it."""
    with place(language, "mo").open("rb") as file:
        return read_mo(file)


def lacking(catalogue: Catalog) -> list[str]:
    """What a translator has to look at: without words, doubtful, or with other values than the English has."""
    found = [f"{m.id!r}: doubtful" for m in catalogue if m.id and m.fuzzy]
    found += [f"{m.id!r}: no words" for m in catalogue if m.id and not all(_all(m.string))]
    return found + [f"{m.id!r}: {error}" for m, errors in catalogue.check() for error in errors]


def _all(words: str | Sequence[str] | None) -> Sequence[str | None]:
    return [words] if isinstance(words, str | None) else words


def main(check: bool) -> int:
    """Bring every catalogue up to date; 1 where something is left to do."""
    left = 0
    for language in LANGUAGES:
        catalogue = kept(language)
        catalogue.update(gathered(), no_fuzzy_matching=True, update_creation_date=False)
        catalogue.obsolete.clear()
        for line in lacking(catalogue):
            print(f"{language}: {line}")
            left = 1
        if check:
            left |= said(catalogue) != said(kept(language)) or said(catalogue) != said(compiled(language))
            continue
        place(language).parent.mkdir(parents=True, exist_ok=True)
        place(language).write_bytes(written(catalogue))
        with place(language, "mo").open("wb") as file:
            write_mo(file, catalogue)
    return left


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
