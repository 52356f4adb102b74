"""The flows of one bot, as one piece of content: compiled, hashed, and stored by its hash (C8)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from smsbot.core.commit import digest
from smsbot.core.errors import FlowError, FlowsWrong
from smsbot.core.problem import Problem, errors

from .loader import load, read
from .named import NamedText
from .source import LARGEST, Node, Source, from_plain
from .steps import Flow

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class FlowSet:
    """Flows by name, and the hash of all they hold."""

    flows: Mapping[str, Flow] = field(default_factory=dict)
    hash: str = ""
    texts: Mapping[str, NamedText] = field(default_factory=dict)
    """What is said by name; today's, also in runs that began before."""

    def flow(self, name: str) -> Flow:
        """A flow; raises `FlowError` if there is none."""
        found = self.flows.get(name)
        if found is None:
            raise FlowError(f'there is no flow "{name}" any more')
        return found

    def stored(self) -> str:
        """Its content as JSON text; `restore` reads it again."""
        return orjson.dumps({name: flow.content for name, flow in self.flows.items()}).decode()


def build(flows: Iterable[Flow], named: Iterable[NamedText] = ()) -> FlowSet:
    """A library of compiled flows and named texts."""
    by_name, texts = {flow.name: flow for flow in flows}, {text.name: text for text in named}
    if not by_name:
        return FlowSet(texts=texts)
    content = orjson.dumps({n: f.content for n, f in by_name.items()}, option=orjson.OPT_SORT_KEYS)
    return FlowSet(by_name, digest(content).hex(), texts)


def restore(stored: str) -> FlowSet:
    """The library of stored content; raises `FlowsWrong` if this smsbot cannot read it any more."""
    content: Mapping[str, Any] = orjson.loads(stored)
    flows: list[Flow] = []
    problems: list[Problem] = []
    for name, value in content.items():
        source = Source(f"{name} (stored)")
        flow = read(source, from_plain(value), None)
        problems += errors(source.problems)
        if flow is not None:
            flows.append(flow)
    if problems:
        raise FlowsWrong(problems)
    return build(flows)


def files(paths: Sequence[Path]) -> list[Path]:
    """The flow files of files and folders, in order; stories are none."""
    found: list[Path] = []
    for path in paths:
        below = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES) if path.is_dir() else [path]
        found += [p for p in below if not is_story(p) and not any(part.startswith(".") for part in p.parts[-3:])]
    return list(dict.fromkeys(found))


def is_story(path: Path) -> bool:
    """Whether a YAML file holds stories: ``*.story.yaml``, or anything in a folder called ``stories``."""
    return path.name.endswith(tuple(f".story{s}" for s in SUFFIXES)) or path.parent.name == "stories"


def load_files(
    paths: Sequence[Path], folder: Path | None = None, custom: Collection[str] | None = ()
) -> tuple[list[Flow], list[Source]]:
    """The flows of files and folders, with a source for each file; names of files are relative to `folder`.

    Files of named texts have a source alone (`named_in`). `custom` are the kinds of answers of their bot.
    """
    flows: list[Flow] = []
    sources: list[Source] = []
    taken: dict[str, str] = {}
    for path in files(paths):
        shown = _shown(path, folder or Path.cwd())
        try:
            large = path.stat().st_size > LARGEST
            content = b"\0" * (LARGEST + 1) if large else path.read_bytes()
        except OSError as error:
            source = Source(shown)
            source.report("SB601", Node("text"), f"the file cannot be read: {error.strerror}")
            sources.append(source)
            continue
        flow, source = load(shown, content, custom)
        sources.append(source)
        if flow is None:
            continue
        if flow.name in taken:
            source.report("SB611", Node("text"), f'the flow "{flow.name}" is in {taken[flow.name]} already')
            continue
        taken[flow.name] = shown
        flows.append(flow)
    return flows, sources


def open_library(paths: Sequence[Path], folder: Path | None = None) -> FlowSet:
    """The library of files and folders; raises `FlowsWrong` with every error."""
    flows, sources = load_files(paths, folder, None)
    problems = errors(p for s in sources for p in s.problems)
    if problems:
        raise FlowsWrong(problems)
    return build(flows)


def _shown(path: Path, folder: Path) -> str:
    try:
        return str(path.resolve().relative_to(folder.resolve()))
    except ValueError:
        return str(path)
