"""Texts of a flow file, each in one language or in many, and the desks that take over with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from smsbot.core.errors import UsageError
from smsbot.core.hours import Hours, hours
from smsbot.core.problem import Severity

from .guesses import COUNTRIES, LANGUAGES, TONGUES, said_in_digits
from .schema import HANDOFF, STEP
from .shapes import LANGUAGE, Shapes
from .source import Node
from .steps import HandTo, Localised, Texts
from .template import Template, compile_template

_FILLED = re.compile(r"\{([A-Za-z_]\w*)")
"""What a text fills in, by the first name of each."""


class Spoken(Shapes):
    """Reads what is said."""

    def texts(self, node: Node, what: str = "say") -> Texts:
        """The texts to say: one text or several, each in one language or in many."""
        items = node.items if node.kind == "list" else [node]
        if not items:
            self.source.report("SB606", node, f"{what} is empty")
        return tuple(t for t in (self._localised(item, what) for item in items) if t)

    def _localised(self, node: Node, what: str) -> Localised:
        if node.kind == "list":
            self.source.report("SB606", node, f"{what} is a text, a list of texts, or a map of languages")
            return {}
        if node.kind == "text":
            found = self.template(node)
            return {"": found} if found is not None else {}
        texts: dict[str, Template] = {}
        self.translated = self.translations(node)
        for language, (key, value) in node.pairs.items():
            if language in COUNTRIES:
                self.source.report(
                    "SB607", key, f'"{language}" is the code of no language that this text is in',
                    near=COUNTRIES[language], severity=Severity.WARNING,
                )  # fmt: skip
                language = COUNTRIES[language] if COUNTRIES[language] not in node.pairs else language
            if not LANGUAGE.fullmatch(language):
                self.no_language(key, value)
                continue
            if language not in LANGUAGES and language not in COUNTRIES:
                self.source.unknown(
                    "SB607", key, f'there is no language "{language}"', language, sorted(self.languages)
                )
                continue
            if language not in COUNTRIES:  # else every other text would be missing in it
                self.languages.setdefault(language)
            texts[language] = self.template(value) or Template("", (), value)  # it is wrong, and not missing
        return texts

    def translations(self, node: Node) -> Mapping[str, str]:
        """Placeholders that were translated with their text, and what they are called in the others."""
        filled = {key: {*_FILLED.findall(value.text)} for key, (_, value) in node.pairs.items() if value.kind == "text"}
        found = {}
        for language, names in filled.items():
            others = set[str]().union(*(n for key, n in filled.items() if key != language)) & {*self.names}
            unknown, missing = names - {*self.names}, others - names
            if len(unknown) == len(missing) == 1:
                found[unknown.pop()] = missing.pop()
        return found

    def no_language(self, key: Node, value: Node) -> None:
        """Note a key that should be a language, with what may be meant."""
        language = key.text
        code = language.lower()[:2] if LANGUAGE.fullmatch(language.lower()) else TONGUES.get(language.lower(), "")
        region = re.fullmatch(r"([a-z]{2})[-_]\w+", language, re.IGNORECASE)
        if value.empty:
            remedy = "a text that begins with { goes into quotes"
        elif code or region is not None:
            remedy = f"write {code or (region[1].lower() if region else '')}:"
        elif language in STEP and self.source.begins_line(key) and language not in ("say", "ask"):
            remedy = f"{language}: belongs to the step: indent it as far as say: itself"
            self.unread = True
        elif language in STEP or language in HANDOFF or language in ("text", "message", "go", "image", "buttons"):
            remedy = f"a text stands by itself, without {language}:"
        else:
            remedy = "texts that hold a colon go into quotes" if " " in language else ""
        self.source.report("SB607", key, f'a language is two letters, such as en, not "{language[:40]}"', remedy=remedy)

    def template(self, node: Node) -> Template | None:
        """A compiled text."""
        if node.kind != "text":
            self.source.report(
                "SB606",
                node,
                f"a text is expected, not a {node.kind}",
                remedy="a text that begins with { or [ goes into quotes",
            )
            return None
        cut = not node.quoted and self.source.cut_at_comment(node)
        if not node.text.strip():
            remedy = "put it into quotes: # begins a comment" if cut else "write what is said, or take the line out"
            self.source.report("SB606", node, "the text is empty", remedy=remedy)
            return None
        if cut:
            self.source.report(
                "SB609", node, "this text ends at the #", note="the rest is a comment",
                remedy="put the text into quotes", severity=Severity.WARNING,
            )  # fmt: skip
        names = None if self.open_names else self.names
        found = self.compiled(
            node, lambda text: compile_template(text.rstrip("\n"), names)
        )  # a block ends its last line
        return replace(found, node=node) if found is not None else None

    def hand_to(self, node: Node) -> HandTo | None:
        """Who takes over: a desk by its name, or a map."""
        if node.kind == "text":
            return HandTo(node.text)
        keys = self.keys(node, HANDOFF, "a handoff")
        if node.kind == "map" and "to" not in keys and "to" not in node.pairs:
            self.source.report("SB605", node, 'a handoff needs "to:"', remedy="name the desk: {to: counter}")
        for needed, name in (("hours", "closed"), ("closed", "hours")):
            if name in keys and needed not in keys:
                why = f'"{name}" belongs to "{needed}", which this handoff has not'
                remedy = f"write {needed}: {'…' if needed == 'closed' else 'Mon-Fri 9:00-17:00'} beside it"
                self.source.report("SB608", node.pairs[name][0], why, remedy=remedy)
        return HandTo(
            (self.text(keys["to"], "a desk") or "") if "to" in keys else "",
            self.texts(keys["say"]) if "say" in keys else (),
            self.texts(keys["closed"], "closed") if "closed" in keys else (),
            self._hours(keys["hours"]) if "hours" in keys else None,
            self.flag(keys["alert"], "alert") if "alert" in keys else True,
        )

    def _hours(self, node: Node) -> Hours | None:
        written = self.text(node, "hours")
        try:
            return hours(written) if written is not None else None
        except UsageError as wrong:
            self.source.report("SB607", node, wrong.args[0], remedy=said_in_digits(node.text, hours))
            return None
