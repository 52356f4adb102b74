"""A flow as a picture: Mermaid text, and SVG drawn here, without a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from smsbot.flows.graph import Edge, Graph, graph
from smsbot.flows.steps import Flow, Step

from .story import written_duration

_WIDTH, _GAP, _LINE, _PAD = 300, 34, 17, 12
_LEFT, _ASIDE = 120, 540
_DASHED = ("retry", "timeout", "skip")
_WORDS = {"retry": "too many tries", "timeout": "no answer"}


def mermaid(flow: Flow) -> str:
    """The flow in Mermaid's language."""
    lines = ["flowchart TD", f'  start(["{_quoted(_starts(flow))}"]) --> {_id(flow.first)}']
    for step in flow.steps.values():
        said = _said(step)
        label = f"<b>{step.id}</b>" + (f"<br/>{_quoted(said)}" if said else "")
        open_, close = ("{{", "}}") if step.ask is not None else ("[", "]")
        lines.append(f'  {_id(step.id)}{open_}"{label}"{close}')
    ends: dict[str, str] = {}
    for edge in _merged(graph(flow)):
        arrow = "-.->" if edge.kind in _DASHED else "-->"
        target = _id(edge.target)
        if not edge.target:
            label = edge.label if edge.kind == "end" else "abandoned"
            target = ends.setdefault(label, f"end_{len(ends)}")
        words = _words(edge)
        lines.append(f"  {_id(edge.source)} {arrow}" + (f'|"{_quoted(words)}"|' if words else "") + f" {target}")
    lines += [f'  {name}(["{_quoted(label)}"])' for label, name in ends.items()]
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    return "s_" + name.replace("-", "_")


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _starts(flow: Flow) -> str:
    words = [pattern.source for _, pattern in flow.start.words]
    words += [f"event {name}" for name in (flow.start.event, flow.start.api) if name]
    return ", ".join(words) or "called"


def _said(step: Step) -> str:
    """The first words of what a step says."""
    text = next(iter(step.say[0].values())).source if step.say else ""
    if not text and step.do is not None:
        text = f"do {step.do.source}"
    if not text and step.call:
        text = f"call {step.call}"
    return " ".join(text.split())


def _does(step: Step) -> Iterator[str]:
    """What a step does besides what it says, in the order in which it does it."""
    if step.when is not None:
        yield f"when {step.when.source}"
    if step.sets:
        yield "set " + ", ".join(f"{name} = {value.source}" for name, value in step.sets.items())
    if step.do is not None and step.say:
        yield f"do {step.do.source}"
    if step.handoff is not None:
        yield f"handed to {step.handoff.desk}"
    if step.ask is not None and step.ask.question.choices:
        yield "answers " + ", ".join(step.ask.question.choices)
    if step.ask is not None and step.ask.reminders:
        yield "reminds after " + ", ".join(written_duration(after) for after in step.ask.reminders)


def _words(edge: Edge) -> str:
    """The words at an arrow."""
    return _WORDS.get(edge.kind, "") or ("" if edge.kind in ("next", "end") else edge.label)


def _merged(drawn: Graph) -> Iterator[Edge]:
    """The edges, those between the same steps made one."""
    found: dict[tuple[str, str, bool], Edge] = {}
    for edge in drawn.edges:
        key = (edge.source, edge.target or f"end {edge.label}", edge.kind in _DASHED)
        other = found.get(key)
        if other is None:
            found[key] = edge
        elif _words(edge) and edge.target:
            words = f"{_words(other)}, {_words(edge)}".strip(", ")
            found[key] = Edge(edge.source, edge.target, "answer" if not key[2] else edge.kind, words)
    yield from found.values()


@dataclass(frozen=True, slots=True)
class _Box:
    """A step's place on the page."""

    step: Step
    x: int
    y: int
    lines: tuple[str, ...]
    ends: tuple[str, ...]
    note: str = ""
    """A line of its own, beneath its name."""
    does: tuple[str, ...] = ()
    """What it does besides: under which condition, what it sets, calls, reminds of."""

    @property
    def height(self) -> int:
        return _PAD * 2 + _LINE * (1 + len(self.lines) + len(self.does) + bool(self.ends) + bool(self.note))

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def svg(flow: Flow, here: str = "") -> str:
    """The flow as an SVG document: main steps downwards, asides beside them, dashed where nobody answers.

    The step that somebody stands at may be marked.
    """
    return _svg(flow, {}, _STYLE, here)


def figure(flow: Flow, notes: Mapping[str, str]) -> str:
    """The same for a page that has the colours (`smsbot.css`), with a line of its own in some steps."""
    return _svg(flow, notes, _MARKER)


def _svg(flow: Flow, notes: Mapping[str, str], style: str, here: str = "") -> str:
    drawn = graph(flow)
    boxes = _place(flow, drawn, notes)
    height = max(b.y + b.height for b in boxes.values()) + 40
    width = _ASIDE + _WIDTH + 40 if flow.asides else _LEFT + _WIDTH + 120
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">',
        f'<title id="title">The flow {escape(flow.name)}</title>',
        style,
        f'<text x="{_LEFT}" y="26" class="name">{escape(flow.name)}</text>',
        f'<text x="{_LEFT}" y="46" class="soft">starts with {escape(_cut(_starts(flow), 60))}</text>',
    ]
    parts += _arrows(drawn, boxes)
    for box in boxes.values():
        parts += _drawn(box, here)
    return "\n".join([*parts, "</svg>"]) + "\n"


_COLOURS = """<style>
svg{background:#f6f7f6;color-scheme:light dark}
.name{font-size:18px;font-weight:700;fill:#17211f}.soft{fill:#56625f}
.box{fill:#fff;stroke:#0a6b5d;stroke-width:1.3}.box.here{stroke-width:4}.box.aside{stroke:#8a5a00;stroke-dasharray:5 3}
.id{font-weight:700;fill:#17211f}.said{fill:#33413e}.end{fill:#0b6b2d;font-weight:600}
.way{fill:none;stroke:#56625f;stroke-width:1.4}.lost{stroke-dasharray:4 4}
.tip{fill:#56625f}
.label{font-size:11px;fill:#56625f;paint-order:stroke;stroke:#f6f7f6;stroke-width:4px}
@media (prefers-color-scheme:dark){svg{background:#101514}.name,.id{fill:#e8eeec}.soft,.label{fill:#a3b0ac}
.box{fill:#18201e;stroke:#5cc9b4}.box.aside{stroke:#f0c060}.said{fill:#cbd5d2}.end{fill:#6fd492}
.way{stroke:#a3b0ac}.label{stroke:#101514}}
.retry{stroke:#b3541e}.timeout{stroke:#8a5a00}.skip{stroke:#56625f}
</style>
"""
_MARKER = """<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0L8 4L0 8z" class="tip"/></marker></defs>"""
_STYLE = _COLOURS + _MARKER


def _place(flow: Flow, drawn: Graph, notes: Mapping[str, str]) -> Mapping[str, _Box]:
    ends: dict[str, list[str]] = {}
    for edge in drawn.edges:
        if not edge.target:
            word = edge.label if edge.kind == "end" else f"{edge.label} ({_WORDS.get(edge.kind, edge.kind)})"
            if word not in ends.setdefault(edge.source, []):
                ends[edge.source].append(word)
    found: dict[str, _Box] = {}
    y, aside = 66, 66
    for step in flow.steps.values():
        on_side = step.id in flow.asides
        lines = tuple(_wrap(_said(step), 42)[:3])
        box = _Box(
            step, _ASIDE if on_side else _LEFT, aside if on_side else y, lines, tuple(ends.get(step.id, ())),
            note=notes.get(step.id, ""), does=tuple(_cut(line, 44) for line in _does(step)),
        )  # fmt: skip
        found[step.id] = box
        if on_side:
            aside += box.height + _GAP
        else:
            y += box.height + _GAP
    return found


def _drawn(box: _Box, here: str) -> Iterator[str]:
    kind = (" aside" if box.x == _ASIDE else "") + (" here" if box.step.id == here else "")
    radius = 22 if box.step.ask is not None else 8
    yield f'<rect class="box{kind}" x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{box.height}" rx="{radius}"/>'
    x, y = box.x + _PAD + 4, box.y + _PAD + 12
    what = "asks" if box.step.ask is not None else "waits" if box.step.rests else ""
    what = f"{what} · here now".strip(" ·") if box.step.id == here else what
    yield f'<text class="id" x="{x}" y="{y}">{escape(box.step.id)} <tspan class="soft">{what}</tspan></text>'
    if box.note:
        y += _LINE
        yield f'<text class="count" x="{x}" y="{y}">{escape(box.note)}</text>'
    for line in box.lines:
        y += _LINE
        yield f'<text class="said" x="{x}" y="{y}">{escape(line)}</text>'
    for line in box.does:
        y += _LINE
        yield f'<text class="soft" x="{x}" y="{y}">{escape(line)}</text>'
    if box.ends:
        yield f'<text class="end" x="{x}" y="{y + _LINE}">■ {escape(_cut(", ".join(box.ends), 32))}</text>'


def _arrows(drawn: Graph, boxes: Mapping[str, _Box]) -> Iterator[str]:
    order = list(boxes)
    sides = 0
    for edge in _merged(drawn):
        if not edge.target:
            continue
        a, b = boxes[edge.source], boxes[edge.target]
        below = a.x == b.x and order.index(edge.target) == order.index(edge.source) + 1
        if below and edge.kind not in _DASHED:
            x = a.x + _WIDTH // 2
            path, at = f"M{x} {a.y + a.height}L{x} {b.y - 2}", (x + 6, (a.y + a.height + b.y) // 2 + 4)
        elif a.x < b.x:
            x1, x2 = a.x + _WIDTH, b.x
            bend = (x1 + x2) // 2
            y = a.middle + {"retry": -13, "timeout": 15}.get(edge.kind, 0)
            path = f"M{x1} {y}C{bend} {y} {bend} {b.middle} {x2 - 2} {b.middle}"
            at = (x1 + 6, y - 4 if edge.kind != "timeout" else y + 13)
        else:
            sides += 1
            out = max(14, b.x - 24 - 12 * (sides % 7)) if a.x == b.x else b.x + _WIDTH + 30
            start = a.x
            tip = b.x - 2 if a.x == b.x else b.x + _WIDTH + 2
            path = f"M{start} {a.middle}C{out} {a.middle} {out} {b.middle} {tip} {b.middle}"
            at = (max(8, out - 4), (a.middle + b.middle) // 2)
        lost = f" lost {edge.kind}" if edge.kind in _DASHED else ""
        yield f'<path class="way{lost}" d="{path}" marker-end="url(#tip)"/>'
        words = _cut(_words(edge), 26)
        if words:
            yield f'<text class="label" x="{at[0]}" y="{at[1]}">{escape(words)}</text>'


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(_cut(word, width))
    if len(lines) > 3:
        lines[2] = _cut(lines[2] + "…", width)
    return lines


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
