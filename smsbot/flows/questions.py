"""The keys under a question: its type or choices, retry, reminder, timeout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from smsbot.core.errors import UsageError
from smsbot.core.otp import FEWEST, MOST, RESENDS, TRIES, VALID, Wanted
from smsbot.core.question import KINDS, USAGE, Question, parse_type
from smsbot.understanding.answers.choices import choices_of
from smsbot.understanding.answers.patterns import compiled
from smsbot.understanding.words import normalise, telling

from . import schema
from .functions import Kind
from .shapes import NAME
from .source import Node
from .spoken import Spoken
from .steps import Ask, Texts
from .wrong import Names

KINDS_OF: Names = {
    "choice": Kind.TEXT, "text": Kind.TEXT, "phone": Kind.TEXT, "email": Kind.TEXT, "integer": Kind.NUMBER,
    "number": Kind.NUMBER, "yes_no": Kind.BOOL, "date": Kind.DATE, "time": Kind.TIME, "datetime": Kind.MOMENT,
    "money": Kind.ANY, "media": Kind.ANY, "code": Kind.BOOL, "pattern": Kind.TEXT, "custom": Kind.ANY,
}  # fmt: skip
_OTHER_NAMES = {
    "int": "integer", "bool": "yes_no", "boolean": "yes_no", "string": "text", "str": "text", "float": "number",
    "decimal": "number", "mail": "email", "mobile": "phone", "regex": "pattern", "whole": "integer",
    "timestamp": "datetime", "image": "media", "picture": "media", "photo": "media", "price": "money",
    "amount": "money", "liczba": "integer", "numero": "integer", "nombre": "integer", "zahl": "integer",
    "tekst": "text", "texto": "text", "texte": "text", "data": "date", "fecha": "date", "datum": "date",
    "telefon": "phone", "telefono": "phone", "godzina": "time", "hora": "time", "kwota": "money", "logical": "yes_no",
    "checkbox": "yes_no", "numeric": "number", "textarea": "text", "freetext": "text", "any": "text",
}  # fmt: skip
"""The names that other tools have for our types."""
_BOUNDS = re.compile(
    r"([a-z]+)\W*(?:max|min|up to|of|from)?\W*(\d+)(?:\s*(?:-|–|to|\.\.|and|,)\s*(\d+))?\W*", re.IGNORECASE
)
_BOUNDED = ("text", "integer", "number")
_CHOICES = ("choice", "choices", "enum", "select", "list", "options")
LATE = 7 * 86400.0
"""How long `late: accept` takes an answer after the timeout, in seconds."""


def _named_in(written: str) -> str:
    """The type that a few words name: ``an email address``, ``@sys.date-time``."""
    words = re.findall(r"[^\W_]+", written.lower())
    found = [w if w in KINDS else _OTHER_NAMES[w] for w in words if w in KINDS or w in _OTHER_NAMES]
    return "datetime" if {"date", "time"} <= {*found} else found[0] if found else ""


def parse_told(kind: str) -> Question | None:
    """The question of a type that is meant; None where there is none."""
    found = parse_type(kind)
    return found if isinstance(found, Question) else None


class Questions(Spoken):
    """Reads questions."""

    def kind_of_answer(self, keys: Mapping[str, Node]) -> Kind:
        """The kind that the answer to a step's question will have."""
        if "choices" in keys:
            return Kind.TEXT
        if "code" in keys:
            return Kind.BOOL
        written = keys.get("type")
        own = self.own_type(written.text) if written is not None and written.kind == "text" else None
        found = own or (parse_type(written.text) if written is not None and written.kind == "text" else Question())
        return KINDS_OF[found.kind] if isinstance(found, Question) else Kind.ANY

    def own_type(self, written: str) -> Question | None:
        """The question of a type that the flow, or its bot, names itself."""
        name = written.strip()
        if name in self.types:
            return self.types[name]
        known = self.custom is None and NAME.fullmatch(name) and name not in KINDS
        return Question("custom", pattern=name) if known or name in (self.custom or ()) else None

    def named_types(self, node: Node) -> dict[str, Question]:
        """The flow's own types: choices, or a type under another name."""
        if node.kind != "map":
            self.source.report("SB606", node, "types are written as a map: name: type, or name: {choice: [words]}")
            return {}
        found: dict[str, Question] = {}
        for name, (key, value) in node.pairs.items():
            if self.name(key, "a type's name") is None:
                continue
            if name in KINDS:
                self.source.report("SB607", key, f'there is a type "{name}" already')
            elif value.kind == "text":
                found[name] = self.type(value) or Question()
            else:
                found[name] = Question("choice", choices=self.choices(value))
        return found

    def type(self, node: Node) -> Question | None:
        """The question of a written type, such as ``text(80)``."""
        written = self.text(node, "a type")
        if written is None:
            return None
        found = self.own_type(written) or parse_type(written)
        if isinstance(found, Question) and found.kind == "pattern" and re.fullmatch(r"/.*/\w*", found.pattern):
            shape = found.pattern.strip("/").removeprefix("^").removesuffix("$")
            self.source.report("SB607", node, "a pattern stands without slashes", remedy=f"write pattern({shape[:60]})")
            return found
        if isinstance(found, Question) and found.kind == "pattern":
            try:
                compiled(found.pattern)
            except UsageError as error:
                self.source.report("SB607", node, str(error.args[0]))
                return None
        if isinstance(found, str):
            name = written.partition("(")[0].strip()
            known = {*KINDS, *self.types, *(self.custom or ())} - {"choice"}
            bounds = _BOUNDS.fullmatch(written.strip())
            if bounds is not None and _OTHER_NAMES.get(bounds[1].lower(), bounds[1].lower()) in _BOUNDED:
                kind = _OTHER_NAMES.get(bounds[1].lower(), bounds[1].lower())
                numbers = ", ".join(sorted(filter(None, (bounds[2], bounds[3])), key=int))
                self.source.report("SB607", node, found, remedy=f"write {kind}({numbers})")
                return parse_told(kind)
            if name.lower() in _CHOICES:
                self.source.report("SB607", node, found, remedy="write choices: [a, b] instead of type:")
            elif name in KINDS:
                cut = not node.quoted and written.count("(") > written.count(")")
                comma = "a comma ends a value within { }: put the whole value into quotes"
                self.source.report("SB607", node, found, remedy=comma if cut else USAGE)
            else:
                meant = _OTHER_NAMES.get(name.lower()) or _named_in(written) or name
                part = (0, len(name)) if name else None
                if written[:1] in "/^[":
                    shape = written.strip("/").removeprefix("^").removesuffix("$")
                    self.source.report("SB607", node, found, remedy=f"write pattern({shape[:60]})")
                    return parse_told("text")
                self.source.unknown("SB607", node, found, meant, known, part=part)
                return parse_told(meant)  # what is meant, so that nothing follows
            return None
        return found

    def ask(self, keys: Mapping[str, Node], step: Node) -> Ask:
        """The question of a step, with the flow's defaults."""
        found = {**self.defaults, **{k: v for k, v in keys.items() if k in schema.QUESTION}}
        question = self.question(keys)
        if "tail" in found:
            if (self.text(found["tail"], "tail") or "accept") != "accept":
                self.source.report("SB607", found["tail"], 'tail is "accept", or is left out')
            question = replace(question, tail=True)
        ask = Ask(
            keys["ask"].text,
            question,
            check=self.condition(keys["check"], "check") if "check" in keys else None,
            settle=self.seconds(found["settle"], "settle") if "settle" in found and question.code is None else 0.0,
            late=self.late(found["late"]) if "late" in found else 0.0,
            interrupt=self.flag(found["interrupt"], "interrupt") if "interrupt" in found else True,
        )
        if question.code is not None:
            ask = replace(ask, tries=question.code.tries - 1, timeout_after=question.code.valid)
        ask = replace(ask, unsure_say=self.texts(found["unsure"])) if "unsure" in found else ask
        ask = self.retry(ask, found["retry"]) if "retry" in found else ask
        ask = self.remind(ask, found["remind"]) if "remind" in found else ask
        if "timeout" in found:
            ask = self.timeout(ask, found["timeout"])
            if question.code is not None:  # what gives up after the code is void waits for nothing
                ask = replace(ask, timeout_after=question.code.valid)
            if ask.reminders and 0 < ask.timeout_after <= ask.reminders[-1]:
                node = found["remind"] if "remind" in keys else found["timeout"]
                after = f"{ask.timeout_after / 60:g}m" if ask.timeout_after < 7200 else f"{ask.timeout_after / 3600:g}h"
                self.source.report(
                    "SB607", _after(node), "the reminder comes after the timeout, so it never comes",
                    remedy=f"remind before {after} have passed, or give up later: timeout: {{after: …}}",
                )  # fmt: skip
            return ask
        if "timeout" not in step.pairs and question.code is None:
            self.source.report(
                "SB613", step.pairs["ask"][1], "this question never gives up", note="waits forever if nobody answers",
                remedy="add timeout: {after: 24h, then: STEP}, here or under defaults:",
            )  # fmt: skip
        return ask

    def question(self, keys: Mapping[str, Node]) -> Question:
        """The question: its choices, or the type of its answer."""
        if "code" in keys:
            return Question("code", code=self.code(keys["code"], keys["ask"].text))
        if "choices" in keys:
            return Question("choice", choices=self.choices(keys["choices"]))
        return (self.type(keys["type"]) if "type" in keys else None) or Question()

    def code(self, node: Node, purpose: str) -> Wanted:
        """A one-time code, by its digits, or by a map."""
        keys = {"digits": node} if node.kind == "text" else self.keys(node, schema.CODE, "code")
        made = Wanted(
            purpose, self.count(keys["digits"], "digits", MOST) if "digits" in keys else Wanted().digits,
            valid=self.seconds(keys["valid"], "valid") if "valid" in keys else VALID,
            tries=self.count(keys["tries"], "tries", 10) if "tries" in keys else TRIES,
            resends=self.count(keys["resends"], "resends", 5) if "resends" in keys else RESENDS,
            domain=(self.text(keys["domain"], "a domain") or "") if "domain" in keys else "",
        )  # fmt: skip
        for name, wrong in (("digits", made.digits < FEWEST), ("tries", made.tries < 1), ("valid", made.valid < 30)):
            if wrong and name in keys:
                least = {"digits": f"{FEWEST} digits", "tries": "one try", "valid": "30 seconds"}[name]
                self.source.report("SB607", keys[name], f"a code has {least} at the least")
        return made

    def choices(self, node: Node) -> Mapping[str, tuple[str, ...]]:
        """The choices, and the words that mean each."""
        if node.kind == "text" or (not node.items and not node.pairs):
            several = re.sub(r"\s*(?:[,;/|]|\bor\b)\s*", ", ", node.text.strip())
            remedy = f"write choices: [{several[:60]}]" if node.text else ""
            self.source.report(
                "SB606", node, "choices are a list, or a map: answer: [words that mean it]", remedy=remedy
            )
            return {}
        listed = [(item, None) for item in node.items] if node.kind == "list" else list(node.pairs.values())
        items: dict[str, list[Node]] = {}
        for key, value in listed:
            if value is not None and value.kind == "map" and key.text in schema.STEP:
                self.source.report(
                    "SB606", key, f'"{key.text}:" stands within choices:',
                    remedy=f"{key.text}: belongs to the question: indent it as far as choices: itself",
                )  # fmt: skip
                self.unread = True
                continue
            if key.kind == "map":
                self.labelled(node, key)
                return {}
            name = self.text(key, "a choice")
            if value is not None and value.empty and not self.source.has_colon(key):
                self.source.report(
                    "SB606", key, "a comma ends the choice before", remedy="words are a list: S: [1, small]"
                )
            elif name is not None:
                more = value.items if value is not None and value.kind == "list" else [value]
                items[name] = [key, *(item for item in more if item is not None and not item.empty)]
        written = {name: [self.word(item, name) for item in nodes] for name, nodes in items.items()}
        signs = telling({word: None for words in written.values() for word in words if word})
        taken: dict[str, str] = {}
        for name, nodes in items.items():
            for item, word in zip(nodes, written[name], strict=True):
                said = normalise(word, signs)
                if word and not said:
                    self.source.report("SB607", item, f'nobody can text "{word[:20]}"')
                elif said and taken.setdefault(said, name) != name:
                    led = "where an answer leads stands under then: {ANSWER: STEP}" if word in self.ids else ""
                    self.source.report(
                        "SB642", item, f'"{word}" means {taken[said]} already',
                        remedy=led or f"give {name} a word of its own",
                    )  # fmt: skip
        return choices_of(written)

    def labelled(self, node: Node, first: Node) -> None:
        """Note choices that are written as maps of labels and values."""
        rows = [[v.text for _, v in item.pairs.values() if v.kind == "text"] for item in node.items if item.pairs]
        meant = ", ".join(f"{row[0]}: [{', '.join(row[1:])}]" for row in rows if row)
        self.source.report(
            "SB606", first, "choices are a list of words, or a map: answer: [words that mean it]",
            remedy=f"write choices: {{{meant[:80]}}}",
        )  # fmt: skip

    def word(self, node: Node, choice: str) -> str:
        """A word that means a choice."""
        if node.kind == "text":
            return node.text
        listed = next((v for k, v in node.pairs.values() if k.text in ("words", "say", "text", "label", "value")), None)
        words = [item.text for item in listed.items] if listed is not None and listed.items else ["1", choice]
        led = f"where it leads stands under then: {{{choice}: STEP}}"
        self.source.report(
            "SB606", node, f"a word is a text, not a {node.kind}",
            remedy=f"words are a list: {choice}: [{', '.join(words)}]; {led}",
        )  # fmt: skip
        return ""

    def late(self, node: Node) -> float:
        """How long an answer is taken after the timeout, in seconds."""
        written = self.text(node, "late")
        if written is None:
            return 0.0
        if written in ("never", "no", "none", "off"):
            remedy = "write late: ignore, or leave it out"
            self.source.report(
                "SB607", node, f'late is "accept", "ignore" or a duration, not "{written}"', remedy=remedy
            )
            return 0.0
        return (
            LATE if written == "accept" else 0.0 if written == "ignore" else self.seconds(node, 'late is "accept" or')
        )

    def retry(self, ask: Ask, node: Node) -> Ask:
        """Read the retry: how often a wrong answer is asked again, what is said then, and where it goes in the end."""
        if node.kind == "text":
            if self.no_short(node, "retry", "{max: 3, say: …, then: STEP}"):
                return ask
            return replace(ask, tries=self.count(node, "retry", 20))
        keys = self.keys(node, schema.RETRY, "retry")
        return replace(
            ask,
            tries=self.count(keys["max"], "max", 20) if "max" in keys else ask.tries,
            retry_say=self.texts(keys["say"]) if "say" in keys else (),
            retry_then=self.link(keys["then"]) if "then" in keys else "",
        )

    def remind(self, ask: Ask, node: Node) -> Ask:
        """The reminders: one, or a list of them."""
        found = [self.reminder(each) for each in (node.items if node.kind == "list" else (node,))]
        times = [after for after, _ in found if after]
        if times != sorted(set(times)):
            ordered = sorted(set(times))
            shown = ", then ".join(f"{t / 60:g}m" if t < 7200 else f"{t / 3600:g}h" for t in ordered)
            self.source.report(
                "SB607", node, "reminders come one after the other: each is later than the one before",
                remedy=f"write them in their order: {shown}",
            )  # fmt: skip
        said = [(after, texts) for after, texts in found if after]
        return replace(ask, reminders=tuple(a for a, _ in said), remind_says=tuple(t for _, t in said))

    def reminder(self, node: Node) -> tuple[float, Texts]:
        """One of them: when, and what it says."""
        if node.kind == "text":
            return (0.0 if self.no_short(node, "remind", "{after: 30m, say: …}") else self.seconds(node, "remind")), ()
        keys = self.keys(node, schema.REMIND, "remind")
        if "after" not in keys and "after" not in node.pairs and node.kind == "map":
            self.source.report("SB605", node, 'a reminder needs "after:"')
        after = self.seconds(keys["after"], "after") if "after" in keys else 0.0
        return after, self.texts(keys["say"]) if "say" in keys else ()

    def timeout(self, ask: Ask, node: Node) -> Ask:
        """When the question gives up."""
        if node.kind == "text":
            if self.no_short(node, "timeout", "{after: 24h, then: STEP}"):
                return ask
            return replace(ask, timeout_after=self.seconds(node, "timeout"))
        keys = self.keys(node, schema.TIMEOUT, "timeout")
        if "after" not in keys and "after" not in node.pairs and node.kind == "map" and ask.question.code is None:
            self.source.report("SB605", node, 'a timeout needs "after:"')
        return replace(
            ask,
            timeout_after=self.seconds(keys["after"], "after") if "after" in keys else 0.0,
            timeout_then=self.link(keys["then"]) if "then" in keys else "",
        )

    def no_short(self, node: Node, what: str, whole: str) -> bool:
        """Whether a step, or a text, stands where a number or a duration may stand alone; it is noted."""
        written, wanted = node.text, "a number" if what == "retry" else "a duration"
        if written.lower() in ("never", "none", "no", "off", "infinite", "forever"):
            remedy = "a question gives up some time: timeout: 365d" if what == "timeout" else ""
            remedy = "write retry: 0" if what == "retry" else remedy or "take it out: nobody is reminded then"
        elif written in self.ids:
            remedy = f"write {what}: {whole.replace('STEP', written)}"
        elif len(written.split()) > 3 or written[-1:] in ".?!":
            remedy = f"write {what}: {whole}"
        else:
            return False
        self.source.report("SB607", node, f'{what} is {wanted} or a map, not "{written[:40]}"', remedy=remedy)
        return True


def _after(node: Node) -> Node:
    """The last time that is written in a reminder or a timeout."""
    last = node.items[-1] if node.items else node
    return last.pairs["after"][1] if "after" in last.pairs else last
