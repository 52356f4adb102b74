"""How commands print data: `--json` is one document on stdout (or one a line, for streams)."""

from __future__ import annotations

import json
from contextlib import suppress

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
reveal = click.option("--reveal", is_flag=True, help="Print whole numbers.")


def mention(text: str) -> None:
    """Say something on stderr beside what the process is there for: whether anybody hears it does not matter."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True)


def emit(value: object) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False))
