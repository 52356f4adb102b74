"""``smsbot graph`` and ``smsbot schema``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from smsbot import targets
from smsbot.checks.picture import mermaid, svg
from smsbot.configuration import read
from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest
from smsbot.flows.flow_set import SUFFIXES, open_library
from smsbot.flows.schema import json_schema
from smsbot.flows.steps import Flow

from . import output


@click.command()
@click.argument("name", metavar="FLOW")
@click.option("--svg", "as_svg", is_flag=True, help="Draw SVG instead of Mermaid.")
@click.option("-o", "--output", "path", type=click.Path(path_type=Path), help="Write to a file (.svg draws SVG).")
def graph(name: str, as_svg: bool, path: Path | None) -> None:
    """Draw a FLOW: a file, or the name of a flow of the settings' bots. Mermaid text, or SVG without a browser."""
    flow = _find(name)
    drawn = svg(flow) if as_svg or (path is not None and path.suffix == ".svg") else mermaid(flow)
    if path is None:
        click.echo(drawn, nl=False)
    else:
        path.write_text(drawn, encoding="utf-8")
        click.echo(f"wrote {path}", err=True)


def _find(name: str) -> Flow:
    place = Path(name)
    if place.is_file():
        return next(iter(open_library([place]).flows.values()))
    if place.suffix in SUFFIXES:
        raise UsageError(f"there is no file {name}")
    known = {flow.name: flow for flow in _all_flows()}
    if name in known:
        return known[name]
    near = nearest(name, known)
    hint = f'; did you mean "{near}"?' if near else f" (flows: {', '.join(known)})" if known else ""
    raise UsageError(f'there is no flow "{name}"{hint}')


def _all_flows() -> Sequence[Flow]:
    bots = [targets.load(b.target) for b in read().bots.values()]
    return [f for bot in bots for f in open_library(targets.flow_paths(bot)).flows.values()]


@click.command()
@click.option("--install", is_flag=True, help="Write flow.schema.json here, and tell how an editor finds it.")
def schema(install: bool) -> None:
    """The JSON Schema of flow files, for editors that complete and check YAML.

    The first line of a flow, `# yaml-language-server: $schema=flow.schema.json`, makes editors use it.
    """
    if not install:
        output.emit(json_schema())
        return
    Path("flow.schema.json").write_text(json.dumps(json_schema(), indent=1) + "\n", encoding="utf-8")
    click.echo("wrote flow.schema.json; begin a flow file with this line, and editors complete and check it:", err=True)
    click.echo("# yaml-language-server: $schema=flow.schema.json")
