"""Named texts: what programs and handlers say by a name, with holes and languages; they lie with the flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smsbot.core.errors import UsageError
from smsbot.core.nearest import nearest

from . import schema
from .shapes import ID
from .source import Node, Source
from .spoken import Spoken
from .steps import Localised

KEY = "texts"
"""The one key of a file of texts."""


@dataclass(frozen=True, slots=True)
class NamedText:
    """A text by its name, in one language or in many."""

    name: str
    path: str
    says: Localised

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which it is; empty where it is the same for everybody."""
        return tuple(language for language in self.says if language)

    @property
    def holes(self) -> tuple[str, ...]:
        """The names of its holes, in all languages."""
        return tuple(sorted({name for template in self.says.values() for name in template.names}))

    def render(self, language: str | None, values: Mapping[str, Any]) -> str:
        """The text for somebody; raises `UsageError` for a hole without a value, and a value without a hole."""
        template = self.says.get(language or "") or next(iter(self.says.values()))
        for name in values:
            if name not in self.holes:
                near = nearest(name, self.holes)
                hint = f'; did you mean "{near}"?' if near else f"; it has {', '.join(self.holes) or 'none'}"
                raise UsageError(f'the text "{self.name}" has no hole "{name[:40]}"{hint}')
        if missing := sorted(template.names - values.keys()):
            raise UsageError(f'the text "{self.name}" needs {", ".join(missing)}')
        return template.render(values)


def is_texts(root: Node) -> bool:
    """Whether a file holds named texts, and no flow."""
    return root.kind == "map" and KEY in root.pairs and "flow" not in root.pairs


def named_in(sources: Iterable[Source]) -> list[NamedText]:
    """The named texts of files; what is wrong, also a name that stands twice, is noted in their sources."""
    found: dict[str, NamedText] = {}
    for source in sources:
        for text in _read(source, source.content) if source.content is not None else ():
            if (before := found.get(text.name)) is not None:
                node = next(iter(text.says.values())).node or Node("text")
                source.report("SB611", node, f'the text "{text.name}" is in {before.path} already')
            found.setdefault(text.name, text)
    return list(found.values())


def _read(source: Source, root: Node) -> list[NamedText]:
    shapes = Spoken(source)
    shapes.open_names = True  # whoever says a text gives the values
    keys = shapes.keys(root, schema.TEXTS, "a file of texts")
    if KEY not in keys or keys[KEY].kind != "map":
        source.report("SB606", root, "texts are written as a map: NAME: text")
        return []
    found: list[NamedText] = []
    for written, (key, value) in keys[KEY].pairs.items():
        name = shapes.name(key, "the name of a text", ID)
        said = shapes.texts(value, f"the text {written[:40]}")
        if len(said) > 1:
            source.report("SB606", value, "a named text is one text, not a list")
        elif name and said:
            found.append(NamedText(name, source.path, said[0]))
    return found
