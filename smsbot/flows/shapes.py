"""The contents of a flow file, by their shape: names, durations, expressions, texts. Each problem is noted."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Collection, Mapping
from itertools import takewhile
from typing import TypeVar

from smsbot.core.clock import duration
from smsbot.core.errors import RouteError, UsageError
from smsbot.core.nearest import nearest
from smsbot.core.question import Question
from smsbot.understanding.patterns import Pattern, compile_pattern

from .compiler import CONSTANTS
from .expressions import Expression, compile_expression
from .functions import Kind
from .guesses import FOR_KEYS, LANGUAGES, NUMBERS, duration_meant, meant, name_meant, way_meant
from .repairs import SPACED, repair
from .schema import ASK_ONLY, CODE, FLOW, HANDOFF, QUESTION, REMIND, RETRY, START, STEP, TIMEOUT, WAIT, KeyOf
from .source import Node, Source
from .wrong import Names, Wrong

T = TypeVar("T")
SPECIAL: Names = {
    "now": Kind.MOMENT, "today": Kind.DATE, "contact": Kind.ANY, "event": Kind.ANY, "answer": Kind.ANY,
    "line": Kind.TEXT,
}  # fmt: skip
"""Names that every flow knows."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN_WORDS = re.compile(r"[^\W\d_][\w .,!?-]*")
LANGUAGE = re.compile(r"[a-z]{2}")
_RESERVED = {*CONSTANTS, *SPECIAL, *keyword.kwlist} - {"answer"}  # a question may well be called so
_EMPTY = {
    "end": "give it a label: end: done",
    "then": "answers stand below it, indented, or in braces: then: {yes: STEP}",
    "steps": "each step begins with a dash below it, indented",
    "choices": "answers stand below it, indented, or in brackets: choices: [small, large]",
}
"""What stands behind a key that has nothing."""
_REMARK = re.compile(r"\s+(//)\s")
_OUTDENTED: Mapping[str, Collection[str]] = {
    "retry": RETRY, "timeout": TIMEOUT, "remind": REMIND, "handoff": HANDOFF, "start": START, "defaults": QUESTION,
    "wait": WAIT, "say": LANGUAGES, "code": CODE, "choices": (), "set": (), "vars": (), "args": (), "anywhere": (),
}  # fmt: skip
"""Keys with a map below them, and the names that stand in it; none where any may."""


class Shapes:
    """Reads nodes into values; what does not fit is noted in the source."""

    def __init__(self, source: Source, custom: Collection[str] | None = ()) -> None:
        self.source = source
        self.names: dict[str, Kind] = dict(SPECIAL)
        self.open_names = False
        """Whether an expression may name what nobody declares."""
        self.ids: dict[str, Node] = {}
        self.leads: dict[str, str] = {}
        """Other names of steps: what they say, and the flows that they call."""
        self.translated: Mapping[str, str] = {}
        """Names of the text at hand that were translated with it, and what they are called."""
        self.languages: dict[str, None] = {}
        self.types: Mapping[str, Question] = {}
        """The flow's own types."""
        self.custom: Collection[str] | None = custom
        """The kinds of answers of its bot; None where nothing is known of the bot."""
        self.defaults: Mapping[str, Node] = {}
        self.answers: set[str] = set()
        """The words that answer its questions with choices."""
        self.by_event = False
        """Whether an event starts it."""
        self.unread = False
        """Whether something that leads on could not be read, so that nothing is known of the ways."""

    def keys(self, node: Node, known: Mapping[str, KeyOf], what: str) -> dict[str, Node]:
        """The known keys of a map."""
        if node.kind != "map":
            begun = node.text.split()[0] if node.kind == "text" and node.text.split() else ""
            said = f"write - {begun}: …" if begun in known else '- say: "…" is a step that says this'
            remedy = said if what == "a step" and node.kind == "text" else ""
            self.source.report("SB606", node, f"{what} is written as a map: name: value", remedy=remedy)
            return {}
        found: dict[str, Node] = {}
        below = self.outdented(node, known)
        for name, (key, value) in list(node.pairs.items()):
            if name in below:
                continue
            if name not in known:
                near, remedy = self.key_meant(node, name, value, known, what)
                self.unread |= what in ("timeout", "retry", "a branch")
                self.unread |= what == "a step" and near not in ("id", "say", "remind", "at", "save")
                more = {"remedy": remedy} if remedy else {}
                wrong = f'{what} has no "{name.strip()}"'
                self.source.unknown("SB604", key, wrong, name.strip(), known, near=near, **more)
                if near is not None and near not in node.pairs and not value.empty:  # what is meant, so nothing follows
                    node.pairs[near], found[near] = (key, value), value
            elif value.empty:
                remedy = (
                    "a text with # goes into quotes: # begins a comment" if self.source.cut_at_comment(value) else ""
                )
                remedy = remedy or _EMPTY.get(name, "") or "write a value behind it, or take the line out"
                self.source.report("SB606", key, f'nothing stands after "{name}:"', remedy=remedy)
            else:
                found[name] = value
        return found

    def outdented(self, node: Node, known: Mapping[str, KeyOf]) -> set[str]:
        """The keys that belong below one with nothing behind it, and stand beside it; they are noted with it."""
        names, found = [*node.pairs], set[str]()
        for place, name in enumerate(names):
            key, value = node.pairs[name]
            inner = _OUTDENTED.get(name) if name in known and value.empty and self.source.has_colon(key) else None
            if inner is None:
                continue
            own = takewhile(inner.__contains__ if inner else lambda n: n not in known, names[place + 1 :])
            mine = [n for n in own if n not in known or n in inner]
            if mine:
                listed = " and ".join(f"{n}:" for n in mine[:3])
                indent = "belongs to it: indent it" if len(mine) == 1 else "belong to it: indent them"
                self.source.report(
                    "SB606", key, f'nothing stands after "{name}:"',
                    remedy=f"{listed} below {indent} further",
                )  # fmt: skip
                found |= {name, *mine}
                self.unread = True
        return found

    def key_meant(
        self, node: Node, name: str, value: Node, known: Mapping[str, KeyOf], what: str
    ) -> tuple[str | None, str]:  # fmt: skip
        """The key that an unknown one stands for, or what to write instead of it."""
        if any(c.isspace() and c != " " for c in name):
            return meant(name, known), "an invisible space stands before it; type the line anew"
        if "(" in name or ")" in name or (value.empty and not self.source.has_colon(node.pairs[name][0])):
            return None, "a comma ends a value within { }: put the whole value into quotes"
        if what == "a flow" and name in QUESTION:
            return None, f"for every question it stands under defaults: {{{name}: …}}"
        single = what == "a step" and len(node.pairs) == 1 and value.kind == "text" and not value.empty
        if single and NAME.fullmatch(name) and meant(name, known) is None:
            return None, f"a value is set by - set: {{{name}: {value.text[:40]}}}"
        if (what, name.lower()) in FOR_KEYS:
            return None, FOR_KEYS[what, name.lower()]
        if what != "a flow" and name in FLOW and name not in STEP:
            return None, f"{name}: stands at the beginning of its line, outside of the steps"
        if what in ("timeout", "retry", "remind", "choices") and name in ASK_ONLY:
            return None, f"{name}: belongs to the question: beside {what}:, not in it"
        spoken = name.rpartition("_")[2] in LANGUAGES and name not in ("go", "to")  # which are languages, too
        if what == "a step" and spoken:
            return None, "texts of several languages stand under say: {en: …, pl: …}"
        first = next(iter(node.pairs)) == name
        if what == "a step" and first and (value.empty or (value.kind == "map" and set(value.pairs) & set(known))):
            begins = f"ask: {name}" if "say" in (value.pairs or node.pairs) else f"id: {name}"
            return None, f"a step begins - {begins}, and its other keys stand below, as far to the right"
        return meant(name, known), ""

    def text(self, node: Node, what: str) -> str | None:
        """A text, as it was written."""
        if node.kind != "text":
            first = next(iter(node.pairs), "") or next((i.text for i in node.items), "")
            named = first and what.startswith(("what a step", "a link", "a flow"))
            remedy = f"write its name alone: {first}" if named else ""
            if own := [key for key in node.pairs if key in STEP]:  # a step within its first key
                called = next((v.text for k, (_, v) in node.pairs.items() if k in ("name", "id", "key", "to")), "NAME")
                remedy = f"write the name alone: {called}, and {own[0]}: beside it, not below"
            self.source.report("SB606", node, f"{what} is a text, not a {node.kind}", remedy=remedy)
            self.unread = True
            return None
        if not node.quoted and (remark := _REMARK.search(node.text)) is not None:
            self.source.report(
                "SB609", node, "what stands behind // is read as well", remedy="a comment begins with #",
                part=(remark.start(1), 2),
            )  # fmt: skip
            return node.text[: remark.start()]
        return node.text

    def name(self, node: Node, what: str, pattern: re.Pattern[str] = NAME) -> str | None:
        """A name; those of variables must not be words of the language."""
        found = self.text(node, what)
        if found is None:
            return None
        if not pattern.fullmatch(found) or len(found) > 60:
            signs = "_ and -" if pattern is ID else "_"
            rule = f"{what} is letters from a to z, digits and {signs}, a letter first"
            self.source.report("SB607", node, f'{rule}, not "{found[:40]}"', remedy=name_meant(found, what))
            self.unread = True
            return None
        if pattern is NAME and found in _RESERVED:
            self.source.report(
                "SB607", node, f'"{found}" is a word of the language, so nothing can be called so',
                remedy=f"give it another name, such as my_{found}",
            )  # fmt: skip
            self.unread = True
            return None
        return found

    def seconds(self, node: Node, what: str, *, zero: bool = False) -> float:
        """A duration, in seconds."""
        found = self.text(node, what)
        if found is None:
            return 0.0
        try:
            seconds = duration(found if not re.fullmatch(r"\d+", found) else f"{found}?")
        except UsageError:
            remedy = duration_meant(found)
            rest = self.source.lines[node.end_line][node.end_column :] if node.end_line < len(self.source.lines) else ""
            if found.isdigit() and (half := re.match(r",(\d\s*[a-z]+)", rest)) is not None:
                remedy = f"{duration_meant(f'{found}.{half[1]}')}: a comma ends the value"
            if re.search(r"\b(until|till|by|at|before)\b", found.lower()):
                remedy = f"{what} is how long, such as 4h; not until when"
            self.source.report("SB607", node, f'{what} is a duration, not "{found[:40]}"', remedy=remedy)
            return 0.0
        if not seconds and not zero:
            self.source.report("SB607", node, f"{what} is longer than nothing")
        return seconds

    def count(self, node: Node, what: str, most: int) -> int:
        """A number from 0 to `most`."""
        found = self.text(node, what)
        if found is not None and (not found.isascii() or not found.isdigit() or int(found[:9]) > most):
            word = found.split()[0].lower() if found.split() else ""
            count = NUMBERS.get(word, word)
            remedy = f"write {count}" if count.isdigit() and int(count[:9]) <= most else f"{most} is the most"
            self.source.report("SB607", node, f'{what} is a number from 0 to {most}, not "{found[:40]}"', remedy=remedy)
            return 0
        return int(found or 0)

    def flag(self, node: Node, what: str) -> bool:
        """yes or no."""
        written = self.text(node, what)
        found = (written or "").lower()
        if written is not None and found not in ("yes", "no", "true", "false"):
            address = "@" in found or found.startswith(("+", "http"))
            remedy = "write yes; whom it tells stands under [alerts] in smsbot.toml" if address else "write yes or no"
            self.source.report("SB607", node, f'{what} is yes or no, not "{found[:40]}"', remedy=remedy)
        return found in ("yes", "true")

    def compiled(self, node: Node, compiler: Callable[[str], T]) -> T | None:
        """Compile a text; a problem is noted at its place in the text, and makes it None."""
        if node.kind != "text":
            bare = node.kind == "map" and all(value.empty for _, value in node.pairs.values())
            remedy = f"write {', '.join(node.pairs)}, without braces" if bare else "put it into quotes"
            self.source.report("SB606", node, f"an expression is expected, not a {node.kind}", remedy=remedy)
            return None
        try:
            return compiler(node.text)
        except Wrong as wrong:
            self.unread = True
            remedy = self.instead(wrong) or wrong.remedy
            if not node.quoted and (missing := node.text.count("(") - node.text.count(")")) > 0:
                cut = self.source.lines[node.end_line][node.end_column :].lstrip().startswith(",")
                closed = f"close it: {node.text}{')' * missing}"
                remedy = "a comma ends a value within { }: put the whole value into quotes" if cut else closed
            worded = wrong.code in ("SB620", "SB621") and not wrong.near and _PLAIN_WORDS.fullmatch(node.text)
            if worded and self.by_event and wrong.name:
                remedy = f"what an event brings is event.{wrong.name}"
            elif worded and (wrong.code == "SB620" or wrong.name):
                said = repair(node.text)
                remedy = said if said not in ("", SPACED) else f"a text has quotes of its own: \"'{node.text}'\""
            self.source.report(
                wrong.code, node, wrong.message, remedy=remedy, near=wrong.near, part=(wrong.start, wrong.length)
            )
            return None

    def instead(self, wrong: Wrong) -> str:
        """What may be meant by a name that is not known: a choice without its quotes, a field of the event."""
        name = wrong.name
        if name in self.translated:
            return f"names are not translated: {{{self.translated[name]}}}"
        if name and name in self.answers:
            return f"a text stands in quotes: '{name}'"
        if self.by_event and name in ("data", "payload", "body"):
            return "what an event brings is event.NAME"
        return f"what an event brings is event.{name}" if name and self.by_event else ""

    def expression(self, node: Node) -> Expression | None:
        """A compiled expression."""
        return self.compiled(node, lambda text: compile_expression(text, self.names))

    def expressions(self, node: Node, what: str) -> dict[str, Expression]:
        """A map of names to expressions."""
        if node.kind != "map":
            to, equals, of = node.text.partition("=")
            remedy = f"write {what}: {{{to.strip()}: {of.strip()}}}" if equals else ""
            listed = ", ".join(f"{item.text}: VALUE" for item in node.items if item.kind == "text")
            remedy = f"write {what}: {{{listed}}}" if listed else remedy
            self.source.report("SB606", node, f"{what} is written as a map: name: expression", remedy=remedy)
            return {}
        found = {
            name: self.expression(value)
            for name, (_, value) in node.pairs.items()
            if not value.empty and name != "contact"
        }
        for name, (key, value) in node.pairs.items():
            if value.empty and NAME.fullmatch(name):
                self.source.report("SB606", key, f'nothing stands after "{name}"', remedy=f"write {name}: VALUE")
        return {name: e for name, e in found.items() if e is not None}

    def condition(self, node: Node, what: str) -> Expression | None:
        """An expression that is true or false."""
        found = self.expression(node)
        if found is not None and found.kind not in (Kind.BOOL, Kind.ANY):
            remedy = "compare it: qty > 0, size == 'L', name != none"
            if found.kind is Kind.LIST:
                remedy = "a list stands in brackets: size in ['S', 'M']"
            self.source.report("SB623", node, f"{what} is a condition, but this is {found.kind}", remedy=remedy)
        return found

    def pattern(self, node: Node) -> Pattern | None:
        """A word, or a pattern with holes."""
        written = self.text(node, "a start word")
        if written is None:
            return None
        try:
            return compile_pattern(written).resolved()
        except RouteError as error:
            said = str(error.args[0]).partition("; write @bot")[0]
            shaped = "regular expression" in said
            remedy = "a hole takes what people type: room {room:int}, order {code}" if shaped else ""
            remedy = "one word before the end is a hole: {word}" if "only the end" in said else remedy
            self.source.report("SB607", node, said, remedy=remedy)
            return None

    def link(self, node: Node) -> str:
        """The id of a step that exists."""
        found = self.text(node, "a link")
        if found is None:
            return ""
        if found not in self.ids:
            said = (step for words, step in self.leads.items() if len(found) > 5 and words.startswith(found))
            near = next(said, None) or self.leads.get(found) or nearest(found, self.ids)
            more = {"remedy": "answers lead in braces: then: {yes: STEP}"} if "->" in found or ":" in found else {}
            if remedy := way_meant(found, next(iter(self.ids), "")):
                near, more = None, {"remedy": remedy}
            self.source.unknown(
                "SB610", node, f'step "{found[:40]}" does not exist', found, self.ids, near=near, **more
            )
            self.unread = True
            return near or ""
        return found
