"""Stories: what people text and what they hear, in a YAML file. Read here; run by `smsbot.testing`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

from smsbot.core.clock import duration
from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest
from smsbot.flows.flow_set import SUFFIXES, is_story
from smsbot.flows.source import LARGEST, Node, Source, parse

ME = "me"
"""The phone of a story that has only one."""
KEYS = ("story", "bot", "line", "clock", "contact", "actions", "script", "expect")
"""The keys of a story."""
ACTS = (
    "me", "bot", "wait", "restart", "ended", "at", "vars", "failed", "delivered", "handoff", "contact", "consent",
    "event", "phone", "gateway",
)  # fmt: skip
"""The keys of a script's line; any other name is a phone that texts."""
CONSENT = ("in", "out")
"""Whether a person gets texts."""
MODES = ("on", "off", "full", "slow", "duplicate", "reorder")
GATEWAY = ("ok", "lost", "mute", "down", "429", "500")
"""The moods of a gateway at a send; any other HTTP status is one as well."""
_MOOD = re.compile(r"ok|lost|mute|down|[45]\d\d( \d+)?")
_EXPECT = ("segments", "texts", "ended")
_SKIPPED = {".venv", ".git", ".tox", "node_modules", "__pycache__", "build", "dist"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,30}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Act:
    """One line of a script."""

    kind: str
    """One of `ACTS`, or ``text``."""
    who: str
    """The phone that texts, or that hears."""
    value: Any
    node: Node
    """The line as it was written; its value's node is `at`."""
    at: Node


@dataclass(frozen=True, slots=True)
class Story:
    """One story."""

    name: str
    path: Path
    script: tuple[Act, ...]
    node: Node
    bot: str = ""
    line: str = ""
    contact: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=dict)
    """The values that actions return instead of being called."""
    clock: datetime | None = None
    """When it begins, by the clock of its line; None: whenever."""
    segments: int | None = None
    texts: int | None = None
    ended: str | None = None


def story_files(places: Iterable[Path]) -> list[Path]:
    """The story files of files and folders, in order."""
    found: list[Path] = []
    for place in places:
        if place.is_file():
            found.append(place)
            continue
        below = sorted(p for s in SUFFIXES for p in place.rglob(f"*{s}"))
        found += [p for p in below if is_story(p) and not _SKIPPED & set(p.relative_to(place).parts)]
    return list(dict.fromkeys(found))


def load_stories(path: Path) -> tuple[list[Story], Source]:
    """The stories of a file, and what is wrong with it."""
    try:
        large = path.stat().st_size > LARGEST
        content = b"\0" * (LARGEST + 1) if large else path.read_bytes()
    except OSError as error:
        source = Source(str(path))
        source.report("SB660", Node("text"), f"the story cannot be read: {error.strerror}")
        return [], source
    return read_stories(path, content)


def read_stories(path: Path, content: bytes) -> tuple[list[Story], Source]:
    """The stories of a file's content."""
    source, root = parse(str(path), content)
    if root is None:
        return [], source
    roots = root.items if root.kind == "list" else [root]
    found = [story for node in roots if (story := _Reader(source, path).story(node)) is not None]
    return found, source


class _Reader:
    def __init__(self, source: Source, path: Path) -> None:
        self.source = source
        self.path = path

    def story(self, node: Node) -> Story | None:
        if node.kind != "map":
            self.source.report("SB660", node, "a story is a map: story, script")
            return None
        for name, (key, _) in node.pairs.items():
            if name not in KEYS:
                self.source.unknown("SB604", key, f'a story has no "{name}"', name, KEYS)
        for needed in ("story", "script"):
            if needed not in node.pairs:
                start = Node("text", line=node.line, column=node.column, end_line=node.line, end_column=node.column + 1)
                self.source.report("SB605", start, f'a story needs "{needed}:"')
                return None
        script = node.pairs["script"][1]
        if script.kind != "list" or not script.items:
            self.source.report("SB660", script, "a script is a list of what is said: - me: hello")
            return None
        expect = self.expect(node)
        return Story(
            self.text(node, "story"),
            path=self.path,
            script=tuple(self.acts(script.items)),
            node=node,
            bot=self.text(node, "bot"),
            line=self.text(node, "line"),
            contact=self.values(node, "contact"),
            actions=self.values(node, "actions"),
            clock=self.clock(node),
            segments=expect.get("segments"),
            texts=expect.get("texts"),
            ended=expect.get("ended"),
        )

    def text(self, node: Node, key: str) -> str:
        found = node.pairs.get(key)
        if found is not None and found[1].kind != "text":
            self.source.report("SB606", found[1], f"{key} is a text")
        return found[1].text if found is not None else ""

    def clock(self, node: Node) -> datetime | None:
        """When the story begins, by the clock of its line: a date, or a date and a time."""
        written = self.text(node, "clock")
        if not written:
            return None
        try:
            return datetime.fromisoformat(written).replace(tzinfo=None)
        except ValueError:
            at = node.pairs["clock"][1]
            self.source.report(
                "SB607", at, f'"{written[:40]}" is not a date', remedy="write 2026-11-23 or 2026-11-23 14:00"
            )
            return None

    def values(self, node: Node, key: str) -> dict[str, Any]:
        found = node.pairs.get(key)
        if found is None:
            return {}
        if found[1].kind != "map":
            self.source.report("SB606", found[1], f"{key} is a map: name: value")
            return {}
        return {name: value_of(value) for name, (_, value) in found[1].pairs.items()}

    def expect(self, node: Node) -> dict[str, Any]:
        found = node.pairs.get("expect")
        if found is None:
            return {}
        known: dict[str, Any] = {}
        for name, (key, value) in found[1].pairs.items():
            if name not in _EXPECT:
                self.source.unknown("SB604", key, f'expect has no "{name}"', name, _EXPECT)
            elif name == "ended":
                known[name] = value.text
            else:
                most = value.pairs["max"][1] if "max" in value.pairs else value
                if not most.text.isdigit():
                    self.source.report("SB607", most, f"{name} is expected as {{max: NUMBER}}")
                else:
                    known[name] = int(most.text[:9])
        return known

    def acts(self, items: Sequence[Node]) -> Iterable[Act]:
        speaker = ME
        for item in items:
            if item.kind != "map" or not item.pairs:
                self.source.report("SB660", item, "a line of a script says who and what: - me: hello")
                continue
            act = self.act(item, speaker)
            if act is not None:
                speaker = act.who if act.kind == "text" else speaker
                yield act

    def act(self, item: Node, speaker: str) -> Act | None:
        keys = {k: v for k, v in item.pairs.items() if k not in ("to", "data")}
        name = next(iter(keys), "")
        if len(keys) != 1:
            self.source.report("SB660", item, "a line of a script does one thing")
            return None
        key, value = keys[name]
        to = item.pairs["to"][1].text if "to" in item.pairs else speaker
        match name:
            case "bot":
                return Act("bot", to, self.texts(value), item, value)
            case "wait":
                return self.wait(item, value)
            case "restart":
                return Act("restart", to, None, item, value)
            case "ended" | "at" | "failed" | "delivered" | "handoff":
                return Act(name, to, value.text, item, value)
            case "consent":
                if value.text not in CONSENT:
                    self.source.unknown("SB607", value, f'consent is not "{value.text[:20]}"', value.text, CONSENT)
                return Act(name, to, value.text, item, value)
            case "vars" | "contact":
                return Act(name, to, {n: value_of(v) for n, (_, v) in value.pairs.items()}, item, value)
            case "event":
                data = item.pairs["data"][1] if "data" in item.pairs else Node("map")
                return Act("event", to, (value.text, value_of(data)), item, value)
            case "gateway":
                return Act("gateway", to, self.moods(value), item, value)
            case "phone":
                if value.text not in MODES:
                    self.source.unknown("SB607", value, f'a phone is not "{value.text[:20]}"', value.text, MODES)
                return Act("phone", to, value.text, item, value)
        if not _NAME.fullmatch(name) or _meant_an_act(name):
            self.source.unknown("SB604", key, f'a script has no "{name[:40]}"', name, ACTS)
            return None
        if value.kind == "list" and value.items and all(i.kind == "text" for i in value.items):
            return Act("text", name, [i.text for i in value.items], item, value)  # before anybody can answer
        if value.kind != "text":
            self.source.report("SB606", value, f"what {name} texts is a text, or a list of texts sent at once")
            return None
        return Act("text", name, [value.text], item, value)

    def moods(self, value: Node) -> list[str]:
        """The moods of the gateway at the next sends."""
        found = [i.text for i in (value.items if value.kind == "list" else [value])]
        for item in value.items if value.kind == "list" else [value]:
            if not _MOOD.fullmatch(item.text):
                self.source.unknown("SB607", item, f'a gateway is not "{item.text[:20]}"', item.text, GATEWAY)
        return found

    def texts(self, value: Node) -> list[str]:
        items = value.items if value.kind == "list" else [value]
        for item in items:
            if item.kind != "text":
                self.source.report("SB606", item, "what the bot says is a text, or a list of texts")
        return [i.text for i in items if i.kind == "text"]

    def wait(self, item: Node, value: Node) -> Act | None:
        try:
            return Act("wait", ME, duration(value.text), item, value)
        except UsageError:
            self.source.report("SB607", value, f'"{value.text[:40]}" is not a duration', remedy="write 5m, 24h or 2d")
            return None


def _meant_an_act(name: str) -> bool:
    """Whether a phone's name is rather a misspelt act: bto, wiat, restrat."""
    near = nearest(name, ACTS)
    return near is not None and near != name and (len(name) > 3 or sorted(near) == sorted(name.lower()))


def value_of(node: Node) -> Any:
    """A written value: numbers, yes and no as such, everything else as text; quotes make a text of anything."""
    if node.kind == "list":
        return [value_of(i) for i in node.items]
    if node.kind == "map":
        return {k: value_of(v) for k, (_, v) in node.pairs.items()}
    text = node.text
    if node.quoted:
        return text
    if text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    if text.lower() in ("", "none", "null"):
        return None
    if _NUMBER.fullmatch(text) and not re.match(r"-?0\d", text):
        return Decimal(text) if "." in text else int(text)
    return text


# -- stories from threads -------------------------------------------------------------------------------

_PAUSE = {"in": 60.0, "out": 2.0}
"""Seconds of silence that a story tells as a wait: before a person's text, before the bot's."""
_TELLING = 1.0
"""Seconds that a text takes when a story is told."""


def story_of(
    name: str, thread: Sequence[Mapping[str, Any]], *, bot: str = "", ended: str = "", zone: tzinfo = UTC
) -> str:
    """A thread as a story: what was texted, what was heard, and the silences between.

    Each entry has ``direction`` (in: to the bot), ``text`` and ``at`` (seconds since 1970 UTC); `zone` is that of the
    line, by whose clock the story begins. Shorter silences
    are left out, but made up for at the next wait, so that timers fire in the story as they did.
    """
    begun = float(thread[0]["at"]) if thread else 0.0
    lines = [f"story: {quote(name)}"] + ([f"bot: {bot}"] if bot else [])
    lines += [f'clock: "{datetime.fromtimestamp(begun, zone):%Y-%m-%d %H:%M}"', "script:"]
    told, before = begun, begun
    heard: list[str] = []

    def flush() -> None:
        if heard:
            quoted = [quote(t) for t in heard]
            lines.append(f"  - bot: {quoted[0]}" if len(quoted) == 1 else f"  - bot: [{', '.join(quoted)}]")
            heard.clear()

    for entry in thread:
        if entry["at"] - before >= _PAUSE[entry["direction"]] and entry["at"] > told:
            flush()
            lines.append(f"  - wait: {written_duration(entry['at'] - told)}")
            told = entry["at"]
        before = entry["at"]
        if entry["direction"] == "in":
            flush()
            lines.append(f"  - me: {quote(entry['text'])}")
            told += _TELLING
        else:
            heard.append(entry["text"])
    flush()
    if ended:
        lines.append(f"  - ended: {ended}")
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """A text as a YAML scalar in quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def written_duration(seconds: float) -> str:
    """A duration as people write it, never shorter than it is."""
    left = int(-(-seconds // 1))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "1s"


def save_story(folder: Path, name: str, text: str) -> Path:
    """Write a story into a folder under a name of its own; an older one is never touched."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "story"
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(1, 1000):
        path = folder / (f"{stem}.story.yaml" if n == 1 else f"{stem}-{n}.story.yaml")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise UsageError(f"there are a thousand stories called {stem} already")
