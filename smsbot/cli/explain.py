"""``smsbot explain``."""

from __future__ import annotations

import inspect

import click

from smsbot.core.codes import CODES
from smsbot.core.errors import SmsbotError, UsageError, tree
from smsbot.core.nearest import nearest
from smsbot.core.problems import PROBLEMS


@click.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Explain an error CODE, or list them all. Works offline."""
    known = {kind.code: kind for kind in tree()}
    told = {c: (t, helps) for c, (_, t, helps) in PROBLEMS.items()} | dict(CODES)
    titles = {c: t for c, (t, _) in told.items()}
    if code is None:
        first = {each: _first_line(kind) for each, kind in known.items()} | titles
        for each, title in sorted(first.items()):
            click.echo(f"{each}  {title}")
        return
    if (plain := told.get(code.upper())) is not None:
        click.echo(f"{code.upper()}  {plain[0]}\n\n{plain[1]}")
        return
    found = known.get(code.upper())
    if found is None:
        near = nearest(code.upper(), (*known, *told))
        raise UsageError(f"there is no code {code}" + (f'; did you mean "{near}"?' if near else ""))
    click.echo(f"{found.code}  {found.__name__}\n\n{inspect.getdoc(found)}\n\n{found.remedy}")


def _first_line(kind: type[SmsbotError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]
