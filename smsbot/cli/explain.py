"""``smsbot explain``."""

from __future__ import annotations

import inspect

import click

from smsbot.core.errors import SmsbotError, UsageError, tree
from smsbot.core.nearest import nearest


@click.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Explain an error CODE, or list them all. Works offline."""
    known = {kind.code: kind for kind in tree()}
    if code is None:
        for each, kind in sorted(known.items()):
            click.echo(f"{each}  {_first_line(kind)}")
        return
    found = known.get(code.upper())
    if found is None:
        near = nearest(code.upper(), known)
        raise UsageError(f"there is no code {code}" + (f'; did you mean "{near}"?' if near else ""))
    click.echo(f"{found.code}  {found.__name__}\n\n{inspect.getdoc(found)}\n\n{found.remedy}")


def _first_line(kind: type[SmsbotError]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]
