"""The checks of what is said: translations that are missing, texts that are too long or dearer than they look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smsbot.core import segments
from smsbot.core.problem import Severity
from smsbot.flows.named import NamedText
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Ask, Flow, Localised, Texts
from smsbot.flows.template import Template
from smsbot.understanding.languages import language_of

from .written import said_by

_WIDTHS: Mapping[str, int] = {"yes_no": 3, "integer": 4, "number": 7, "date": 10, "time": 5, "phone": 15, "email": 30}
"""Characters that an answer takes in a text where nothing says how long it may be."""
_MANY = 6
"""SMS parts of a text that is worth a word."""
_WIDTH = 12
_LONGEST = 160
_NOTE = "it is said to everybody"


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one text at its longest."""

    flow: str
    line: int
    language: str
    text: str
    encoding: str
    segments: int
    forced: tuple[str, ...] = field(default=())
    """The characters that force UCS-2."""
    longest: str = field(default="", repr=False)
    node: Node | None = field(default=None, repr=False, compare=False)

    @property
    def spare(self) -> int:
        """How many SMS less it would be in letters that every phone has."""
        return self.segments - segments.count(segments.cheaper(self.longest)).segments

    def plain(self) -> dict[str, object]:
        """As JSON."""
        names = ("flow", "line", "language", "text", "encoding", "segments", "forced", "spare")
        return {name: getattr(self, name) for name in names}


def translations(languages: Sequence[str], said: Iterable[Texts], source: Source) -> None:
    """Report the texts that are missing in one of the languages of their file."""
    if len(languages) < 2:
        return
    every = [text for texts in dict.fromkeys(map(_identity, said)) for text in texts.texts]
    languages = _lone(languages, every, source)
    for text in every:
        _copied(text, source)
        _swapped(text, source)
        spoken_in = {*text, languages[0]} if "" in text else set(text)
        missing = [language for language in languages if language not in spoken_in]
        first = next(iter(text.values()))
        if not missing or first.node is None or ("" in text and not _speaks(first)):
            continue
        source.report(
            "SB650", first.node, f"this text is missing in {', '.join(missing)}",
            note=_NOTE if "" in text else f"{languages[0]} is said instead",
            remedy=f"write say: {{{', '.join(f'{m}: …' for m in languages)}}}",
            severity=Severity.WARNING,
        )  # fmt: skip


def _copied(text: Localised, source: Source) -> None:
    """A translation that is the text itself."""
    said: dict[str, str] = {}
    for language, template in text.items():
        first = said.setdefault(template.source.strip(), language)
        copied = language and first != language and language_of(template.source) == first
        if copied and template.node is not None:
            source.report(
                "SB650", template.node, f"this text is the same in {first} and {language}",
                remedy=f"translate it, or leave {language} out", severity=Severity.WARNING,
            )  # fmt: skip


def _swapped(text: Localised, source: Source) -> None:
    """Two translations that stand in each other's place."""
    spoken = {language: language_of(template.source) for language, template in text.items()}
    for language, template in text.items():
        other = spoken[language]
        if other and other != language and spoken.get(other) == language and template.node is not None:
            source.report(
                "SB650", template.node, f"this is in {other}, and stands under {language}",
                remedy=f"swap what stands under {language} and {other}", severity=Severity.WARNING,
            )  # fmt: skip
            return


def _lone(languages: Sequence[str], every: Sequence[Localised], source: Source) -> list[str]:
    """The languages, but for those of a single text where the others are in many: these are meant to be another."""
    spoken = {language: [text for text in every if language in text] for language in languages}
    most = max(len(texts) for texts in spoken.values())
    for language, texts in spoken.items():
        absent = [other for other in languages if other != language and len(texts) == 1 and other not in texts[0]]
        node = texts[0][language].node if len(texts) == 1 and most > 2 and absent else None
        if node is not None:
            source.report(
                "SB650", node, f'no other text is in "{language}"', remedy=f"is it meant to be {' or '.join(absent)}?",
                severity=Severity.WARNING,
            )  # fmt: skip
            texts.clear()
    return [language for language in languages if spoken[language]]


@dataclass(frozen=True)
class _Same:
    """Texts told apart by where they stand: defaults are shared by many questions."""

    key: tuple[int, ...]
    texts: Texts = field(compare=False)


def _identity(texts: Texts) -> _Same:
    return _Same(tuple(id(t.node) for text in texts for t in text.values()), texts)


def _speaks(template: Template) -> bool:
    return any(isinstance(p, str) and any(c.isalpha() for c in p) for p in template.parts)


def costs(flow: Flow) -> Iterator[Cost]:
    """The price of each text of a flow at its longest."""
    asks = {step.ask.name: step.ask for step in flow.steps.values() if step.ask is not None}
    for texts in dict.fromkeys(map(_identity, said_by(flow))):
        for text in texts.texts:
            yield from _each(flow.name, text, asks)


def costs_of(named: NamedText) -> Iterator[Cost]:
    """The price of a named text in each language, with short values in its holes."""
    yield from _each(named.name, named.says, {})


def by_file(named: Sequence[NamedText]) -> Mapping[str, list[NamedText]]:
    """Named texts by the file that they stand in."""
    found: dict[str, list[NamedText]] = {}
    for text in named:
        found.setdefault(text.path, []).append(text)
    return found


def _each(name: str, text: Localised, asks: Mapping[str, Ask]) -> Iterator[Cost]:
    for language, template in text.items():
        longest = "".join(
            p if isinstance(p, str) else "x" * max((_width(asks.get(n)) for n in p[0].names), default=_WIDTH)
            for p in template.parts
        )
        counted = segments.count(longest)
        yield Cost(
            name,
            template.node.line + 1 if template.node is not None else 0,
            language=language,
            text=template.source,
            encoding=counted.encoding,
            segments=counted.segments,
            forced=counted.forced,
            longest=longest,
            node=template.node,
        )


def _width(ask: Ask | None) -> int:
    if ask is None:
        return _WIDTH
    question = ask.question
    if question.kind == "choice":
        return max((len(key) for key in question.choices), default=_WIDTH)
    if question.kind == "text":
        return question.high or _LONGEST
    return len(str(question.high)) if question.high is not None else _WIDTHS.get(question.kind, _WIDTH)


def prices(found: Iterable[Cost], source: Source) -> None:
    """Report the texts that are too long, and those that a few letters make dearer."""
    for cost in found:
        node = cost.node
        if node is None:
            continue
        if cost.segments > segments.MAX_PARTS:
            source.report(
                "SB652",
                node,
                f"this text has {cost.segments} SMS parts; {segments.MAX_PARTS} is the most",
                remedy="say less, or several texts: a list",
            )
        elif cost.segments >= _MANY:
            source.report(
                "SB653", node, f"this text has {cost.segments} SMS parts, and costs as many messages",
                severity=Severity.WARNING,
            )  # fmt: skip
        if not cost.forced:
            continue
        plain = segments.count(segments.cheaper(cost.longest)).segments
        if cost.segments <= plain:
            continue
        letters = ", ".join(f'"{c}"' for c in cost.forced[:6])
        at = next((i for i, c in enumerate(node.text) if c in cost.forced), 0)
        source.report(
            "SB651", node, f"{letters} make this text dearer: {cost.segments} SMS instead of {plain}",
            note=f"{letters} {'is' if len(cost.forced) == 1 else 'are'} not in the GSM alphabet",
            remedy=f"in plain letters: {segments.plainer(node.text).strip()[:80]}", part=(at, 1),
            severity=Severity.WARNING,
        )  # fmt: skip
