"""What begins a flow, and what is answered while it runs: start words, events, arguments, `anywhere`."""

from __future__ import annotations

import re
from collections.abc import Collection

from smsbot.core.question import Question
from smsbot.core.start import BUSY
from smsbot.understanding.languages import UNDERSTOOD, is_understood
from smsbot.understanding.patterns import Pattern

from . import schema
from .functions import Kind
from .guesses import TONGUES, VALUES
from .questions import KINDS_OF
from .shapes import LANGUAGE
from .source import Node
from .steps import Start, Texts
from .ways import Ways

_VALUE = re.compile(r"-?\d+([.,]\d+)?|'.*'|\".*\"|true|false|yes|no|none|null|\[\]")


class Starts(Ways):
    """Reads what begins a flow."""

    def start(self, node: Node) -> Start:
        """What starts the flow."""
        if node.kind != "map":
            return Start(words=self.words(node, ""))
        keys = self.keys(node, schema.START, "start")
        self.by_event = "event" in keys
        words: list[tuple[str, Pattern]] = []
        if "words" in keys:
            written = keys["words"]
            if written.kind == "map":
                for language, (key, value) in written.pairs.items():
                    if not LANGUAGE.fullmatch(language):
                        self.no_language(key, value)
                    words += self.words(value, language)
            else:
                words += self.words(written, "")
        return Start(
            tuple(words),
            typos=self.count(keys["typos"], "typos", 1) if "typos" in keys else 0,
            event=(self.text(keys["event"], "the event") or "") if "event" in keys else "",
            api=(self.text(keys["api"], "the api name") or "") if "api" in keys else "",
            busy=self.one_of(keys["busy"], "busy", BUSY) if "busy" in keys else "",
            valid=self.seconds(keys["valid"], "valid") if "valid" in keys else 0.0,
            key=self.expression(keys["key"]) if "key" in keys else None,
            fallback="fallback" in keys and self.flag(keys["fallback"], "fallback"),
        )

    def language(self, node: Node) -> str:
        """The language that the flow speaks."""
        written = self.text(node, "language") or ""
        if not is_understood(written):
            near = {"near": code} if (code := TONGUES.get(written.lower())) in UNDERSTOOD else {}
            self.source.unknown("SB607", node, f'the language is not "{written[:40]}"', written, UNDERSTOOD, **near)
            return ""
        return written

    def one_of(self, node: Node, what: str, known: Collection[str]) -> str:
        """One of the words that are known."""
        written = self.text(node, what) or ""
        if written not in known:
            near = {"near": VALUES[written.lower()]} if VALUES.get(written.lower()) in known else {}
            self.source.unknown("SB607", node, f'{what} is not "{written[:40]}"', written, known, **near)
            return ""
        return written

    def words(self, node: Node, language: str) -> tuple[tuple[str, Pattern], ...]:
        """Start words, each with its language."""
        found: list[tuple[str, Pattern]] = []
        for item in node.items if node.kind == "list" else [node]:
            pattern = self.pattern(item)
            if pattern is not None:
                found.append((language, pattern))
        return tuple(found)

    def arguments(self, node: Node) -> dict[str, Question | None]:
        """The arguments, with their types where they are declared."""
        found: dict[str, Question | None] = {}
        if node.kind == "map":
            for name, (key, value) in node.pairs.items():
                if self.name(key, "an argument's name"):
                    if value.kind == "text" and _VALUE.fullmatch(value.text.strip()):
                        self.source.report(
                            "SB607", value, f'an argument has a type here, and "{value.text[:40]}" is a value',
                            remedy="write its type, such as integer or text; first values stand under vars:",
                        )  # fmt: skip
                        found[name], self.names[name] = None, Kind.ANY
                        continue
                    found[name] = question = self.type(value)
                    self.names[name] = KINDS_OF[question.kind] if question is not None else Kind.ANY
            return found
        for item in node.items if node.kind == "list" else [node]:
            name_of = self.name(item, "an argument's name")
            if name_of:
                found[name_of], self.names[name_of] = None, Kind.ANY
        return found

    def answer_to_all(self, node: Node) -> Texts:
        """What is said to a text that nothing takes."""
        if node.kind == "text" and node.text.lower() in ("yes", "no", "true", "false"):
            self.source.report(
                "SB607", node, f'people would read "{node.text}": a fallback here is a text',
                remedy="start: {fallback: yes} begins the flow with what nothing takes",
            )  # fmt: skip
        return self.texts(node, "the fallback")

    def anywhere(self, node: Node) -> tuple[tuple[Pattern, Texts], ...]:
        """The words that are answered at any time."""
        if node.kind != "map":
            self.source.report(
                "SB606", node, "anywhere is written as a map: word: text", remedy="no dashes: anywhere: {help: text}"
            )
            return ()
        found: list[tuple[Pattern, Texts]] = []
        for _, (key, value) in node.pairs.items():
            pattern = self.pattern(key)
            if pattern is not None:
                found.append((pattern, self.texts(value, "the answer")))
        return tuple(found)
