"""``smsbot count``."""

from __future__ import annotations

import sys

import click

from smsbot.core import segments

from . import output


@click.command()
@click.argument("text", required=False)
@output.as_json
def count(text: str | None, as_json: bool) -> None:
    """Count the SMS parts of TEXT (or of stdin)."""
    if text is None or text == "-":
        text = sys.stdin.read().removesuffix("\n")
    found = segments.count(text)
    if as_json:
        output.emit(
            {
                "encoding": found.encoding,
                "segments": found.segments,
                "units": found.units,
                "left": found.left,
                "forced": list(found.forced),
                "parts": segments.split(text),
            }
        )
        return
    click.echo(f"{found.segments} SMS, {found.encoding}, {found.units} units, {found.left} left in the last part")
    if found.forced:
        plain = segments.count("".join("?" if c in found.forced else c for c in text))
        marks = " ".join(found.forced[:20])
        click.echo(f"UCS-2 because of: {marks}   (without: {plain.segments} SMS)")
