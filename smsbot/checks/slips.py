"""What reads well and does something else than it looks: a step's name as a text, a value that nothing reads.

Each of these is a warning: it may be meant, and `--strict` makes it an error.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from smsbot.core.nearest import nearest
from smsbot.core.problem import Severity
from smsbot.flows.guesses import TONGUES
from smsbot.flows.shapes import LANGUAGE, SPECIAL
from smsbot.flows.source import Node, Source
from smsbot.flows.steps import Flow, Step
from smsbot.flows.template import Template

from .conditions import tree_of
from .written import Written, expressions_of, filled_in, texts_of

_WORDS = "write answer.text, or the name that the question asks for"
_PARTS = {"money": ("amount", "currency"), "media": ("url", "type")}
_DATED = re.compile(r"%-?[A-Za-z]")


def slips(flow: Flow, source: Source, *, alone: bool) -> None:
    """Note what a flow says or keeps that cannot be what its author means; `alone`: no Python gives it values."""
    for template in texts_of(flow):
        _step_said(template, flow, source)
        _backslashes(template, source)
    for step in flow.steps.values():
        _desk(step, source)
        _kept(step, source)
        _own(step, flow, source)
        _inverted(step, source)
    if not flow.unread:
        _never_read(flow, source)
    if alone:
        _untyped(flow, source)
    for written in _all(flow):
        _event_data(written, flow, source)
        _parts(written, flow, source)
        _length(written, source)
        _language(written, source)
        _answer(written, flow, source)


def _all(flow: Flow) -> Iterator[Written]:
    yield from expressions_of(flow)
    for template in texts_of(flow):
        yield from filled_in(template)


def _step_said(template: Template, flow: Flow, source: Source) -> None:
    """A text that is the name of a step: nothing goes there, people read the name."""
    if template.node is not None and template.source.strip() in flow.steps:
        name = template.source.strip()
        source.report(
            "SB654", template.node, f'people read "{name}", and the step of this name is not gone to',
            remedy="write the text itself; a step is led to by then:, goto: or a start word", severity=Severity.WARNING,
        )  # fmt: skip


def _length(written: Written, source: Source) -> None:
    """How long something is, as other languages write it."""
    for node in ast.walk(written.tree):
        match node:
            case ast.Attribute(value=of, attr="length"):
                source.report(
                    "SB621", written.node, "nothing has a length behind a dot", part=written.part(node),
                    remedy=f"write len({ast.unparse(of)})", severity=Severity.WARNING,
                )  # fmt: skip


def _parts(written: Written, flow: Flow, source: Source) -> None:
    """The parts of amounts and pictures."""
    kinds = {step.ask.name: step.ask.question.kind for step in flow.steps.values() if step.ask is not None}
    kinds |= {name: question.kind for name, question in flow.arg_types.items()}
    for node in ast.walk(written.tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=part) if part not in _parts_of(kinds.get(name), part):
                known = _parts_of(kinds[name], part)
                source.unknown(
                    "SB621", written.node, f'{name} has no "{part}"', part, known, part=written.part(node),
                    near=None, remedy=f"write {' or '.join(f'{name}.{k}' for k in known)}",
                )  # fmt: skip


def _parts_of(kind: str | None, part: str) -> Collection[str]:
    return _PARTS.get(kind or "", (part,))


def _kept(step: Step, source: Source) -> None:
    """Values that are set the wrong way round, and counts that begin with nothing."""
    for name, expression in step.sets.items():
        if step.node is None:
            continue
        key, value = step.node.pairs["set"][1].pairs[name]
        tree = tree_of(expression.source)
        match tree:
            case ast.Attribute(value=ast.Name(id="contact"), attr=field) if field == name:
                source.report(
                    "SB656", key, f'this replaces "{name}" by what is kept already', severity=Severity.WARNING,
                    remedy=f"to keep it, write contact.{name}: {name}",
                )  # fmt: skip
        for node in ast.walk(tree):
            for side in (node.left, node.right) if isinstance(node, ast.BinOp) else ():
                if isinstance(side, ast.Attribute) and ast.unparse(side.value) == "contact":
                    field = ast.unparse(side)
                    source.report(
                        "SB627", value, f'"{field}" has no value the first time', severity=Severity.WARNING,
                        remedy=f"say what stands for it: ({field} or 0)",
                    )  # fmt: skip


def _own(step: Step, flow: Flow, source: Source) -> None:
    """A question's answer is looked at where it is not there yet, or not at all."""
    if step.ask is None or step.node is None:
        return
    name, pairs = step.ask.name, step.node.pairs
    given = {*flow.variables, *flow.args, *(hole.name for _, p in flow.start.words for hole in p.gaps)}
    for other in flow.steps.values():
        given |= {*other.sets, other.save, other.ask.name if other.ask is not None and other is not step else ""}
    early = name not in given  # nothing but this question gives it a value
    if early and step.when is not None and name in step.when.names and "check" not in pairs:
        source.report(
            "SB627", pairs["when"][1], f'"{name}" is asked after this is looked at', severity=Severity.WARNING,
            remedy=f"what an answer must meet is check: {step.when.source}",
        )  # fmt: skip
    for kept, expression in step.sets.items():
        if early and name in expression.names:
            source.report(
                "SB627", pairs["set"][1].pairs[kept][1], f'"{name}" is asked after this is set',
                remedy="set it in a step of its own, below the question", severity=Severity.WARNING,
            )  # fmt: skip
    check = step.ask.check
    if check is not None and not {name, "answer"} & check.names and "check" in pairs:
        source.report(
            "SB617", pairs["check"][1], f'this does not look at the answer, which is called "{name}"',
            remedy=f"write {name} where the answer is meant", severity=Severity.WARNING,
        )  # fmt: skip


def _inverted(step: Step, source: Source) -> None:
    """A field of a person that is told where it has no value."""
    tree = tree_of(step.when.source) if step.when is not None else None
    match tree:
        case ast.Compare(left=ast.Attribute() as field, ops=[ast.Eq()], comparators=[ast.Name(id="none")]):
            empty = ast.unparse(field)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute() as field):
            empty = ast.unparse(field)
        case _:
            return
    if empty in step.sets or step.node is None:
        return
    for template in (t for texts in step.says for t in texts.values()):
        for written in filled_in(template):
            if written.expression.source.strip() == empty:
                source.report(
                    "SB627", step.node.pairs["when"][1], f'"{empty}" is told here just where it has no value',
                    remedy=f"write when: {empty} != none", severity=Severity.WARNING,
                )  # fmt: skip


def _backslashes(template: Template, source: Source) -> None:
    """A new line as double quotes know it, in a text without them."""
    at = template.source.find("\\n")
    if template.node is not None and at >= 0:
        source.report(
            "SB654", template.node, "people read \\n as it stands", part=(at, 2), severity=Severity.WARNING,
            remedy="put the text into double quotes",
        )  # fmt: skip


def _desk(step: Step, source: Source) -> None:
    """A word, an address or a sentence where the name of a desk belongs."""
    desk = step.handoff.desk if step.handoff is not None else ""
    if step.node is not None and desk.lower() in ("yes", "no", "true", "false"):
        source.report(
            "SB607", step.node.pairs["handoff"][1], f'this hands over to a desk called "{desk}"',
            remedy="name the desk: handoff: counter", severity=Severity.WARNING,
        )  # fmt: skip
    elif step.node is not None and re.search(r"@|^https?:|^\+?[\d ()-]{6,}$", desk):
        source.report(
            "SB607", step.node.pairs["handoff"][1], "this is the name of a desk: nothing is sent there",
            remedy="name the desk; whom it tells stands under [alerts] in smsbot.toml", severity=Severity.WARNING,
        )  # fmt: skip
    elif step.node is not None and (desk[-1:] in ".!?" or len(desk.split()) > 3) and desk:
        source.report(
            "SB607", step.node.pairs["handoff"][1], "this is the name of a desk, and nobody is told it",
            remedy="name the desk, and say this: {handoff: counter, say: …}", severity=Severity.WARNING,
        )  # fmt: skip


def _never_read(flow: Flow, source: Source) -> None:
    """A value that is set, that nothing reads, and that is spelled nearly like one that something does."""
    read = {name for written in _all(flow) for name in written.expression.names} | set(flow.args)
    read |= set(flow.returns.names) if flow.returns is not None else set()
    declared = {*flow.variables, *(step.ask.name for step in flow.steps.values() if step.ask is not None)}
    spoken = [written.expression.source for written in _all(flow)]
    for step in flow.steps.values():
        for name, expression in step.sets.items():
            if name in read | declared or name.startswith("contact.") or step.node is None:
                continue
            others = {n for s in flow.steps.values() for n, e in s.sets.items() if e is not expression}
            near, kept = nearest(name, (read | declared | others) - {name, *SPECIAL}), f"contact.{name}"
            if any(kept in each for each in spoken) and all(kept not in s.sets for s in flow.steps.values()):
                near = kept
            if near is None:
                continue
            source.unknown(
                "SB621", step.node.pairs["set"][1].pairs[name][0], f'nothing reads "{name}"', name, (), near=near,
                severity=Severity.WARNING,
            )  # fmt: skip


def _untyped(flow: Flow, source: Source) -> None:
    """What programs give comes as a text: only what is declared to be a moment can be written as one."""
    if not (flow.start.event or flow.start.api):
        return
    for template in texts_of(flow):
        formats = [part[1] for part in template.parts if not isinstance(part, str)]
        for written, form in zip(filled_in(template), formats, strict=True):
            name = written.expression.source.strip()
            bare = name in flow.args and name not in flow.arg_types
            if _DATED.search(form) and (bare or name.startswith("event.")):
                owner = name.removeprefix("event.")
                source.report(
                    "SB625", written.node, f'"{name}" comes as a text, so "{form}" does not fit it',
                    remedy=f"say what it is: args: {{{owner}: datetime}}, and write {{{owner}:{form}}}",
                    part=written.part(written.tree), severity=Severity.WARNING,
                )  # fmt: skip


def _event_data(written: Written, flow: Flow, source: Source) -> None:
    """What an event brings stands directly behind it."""
    for node in ast.walk(written.tree) if flow.start.event else ():
        match node:
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="event"), attr="data" | "payload" | "body" | "args")
            ):
                source.report(
                    "SB621", written.node, f"what an event brings is event.{node.attr}", part=written.part(node),
                    near=f"event.{node.attr}", severity=Severity.WARNING,
                )  # fmt: skip


def _language(written: Written, source: Source) -> None:
    """The language of a person is two letters."""
    for node in ast.walk(written.tree):
        sides = (node.left, *node.comparators) if isinstance(node, ast.Compare) else ()
        if "contact.language" not in map(ast.unparse, sides):
            continue
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and not LANGUAGE.fullmatch(each.value):
                source.report(
                    "SB643", written.node, f'contact.language is never "{each.value[:40]}"', part=written.part(each),
                    near=TONGUES.get(each.value.lower()), remedy="a language is two letters, such as 'en'",
                )  # fmt: skip


def _answer(written: Written, flow: Flow, source: Source) -> None:
    """`answer` is all that is known of the last answer; its words are one part of it."""
    asks = [step for step in flow.steps.values() if step.ask is not None]
    if "answer" in flow.kinds.keys() - SPECIAL.keys() or any(s.ask and s.ask.name == "answer" for s in asks):
        return
    checked = next((s.ask.name for s in asks if s.ask is not None and _is_check(s, written.node)), "")
    tree = written.tree
    parts = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute | ast.Subscript)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "answer" and (checked or id(node) not in parts):
            what = "answer is that of the question before" if checked else "answer is more than a text"
            named = f"write {checked}, as the question calls it" if checked else _WORDS
            source.report("SB623", written.node, what, part=written.part(node), remedy=named)


def _is_check(step: Step, node: Node) -> bool:
    return step.node is not None and "check" in step.node.pairs and step.node.pairs["check"][1] is node
