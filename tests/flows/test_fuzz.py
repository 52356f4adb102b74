"""Random files and expressions: only our own errors, and nothing is imported, opened or called outside the table."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.checks.texts import costs, costs_of
from smsbot.core.errors import FlowError
from smsbot.core.problem import render
from smsbot.flows.expressions import compile_expression
from smsbot.flows.functions import FUNCTIONS, Kind
from smsbot.flows.graph import graph
from smsbot.flows.loader import load
from smsbot.flows.named import named_in
from smsbot.flows.template import compile_template
from smsbot.flows.wrong import Wrong
from smsbot.understanding.languages import CODES, language

COUNT = 100_000 if os.environ.get("SMSBOT_LONG") else 10_000
SEED = 20261123
FLOWS = sorted((Path(__file__).parents[2] / "flows").glob("*.yaml"))
KEYS = [
    "flow",
    "steps",
    "ask",
    "say",
    "choices",
    "type",
    "check",
    "retry",
    "max",
    "then",
    "timeout",
    "after",
    "start",
    "words",
    "when",
    "set",
    "do",
    "call",
    "save",
    "end",
    "goto",
    "id",
]
SIGNS = [
    *"{}[]():,.'\"-|>&*!#?%@`\n\t \\",
    "  - ",
    ": ",
    "\n  ",
    "{{",
    "}}",
    "é",
    "👍",
    "\x00",
    "\ufeff",
    "~",
    "yes",
    "0x1F",
]
PIECES = [
    *FUNCTIONS, "qty", "size", "data", "contact", "now", "__class__", "__import__", "x", "lambda", "for", "in", "if", "else",
    "and", "or", "not", "is", "await", "yield", "import", "None", "True", "1", "0", "9" * 18, "1.5", "1e308", "'a'", '"b"',
    "(", ")", "[", "]", "{", "}", ".", ",", ":", ":=", "=", "==", "!=", "<", "<=", ">", "+", "-", "*", "**", "/", "//", "%",
    "|", "&", "^", "~", "<<", "@", "\\", "#", "\n", " ", "\t", "é", "f'{x}'", "b'x'", "...", "*", "->", ";", "$", "\x00",
]  # fmt: skip
VALUES: dict[str, Any] = {"qty": 3, "size": "L", "data": {"a": [1, "x", None]}, "contact": {}, "now": None, "x": True}

_watching = False
_SEEN: list[str] = []
_HARMLESS = (
    "builtins.id",
    "compile",
    "object.__getattr__",
    "code.__new__",
    "sys._getframe",
    "gc.",
    "cpython.",
    "time.sleep",
)


def _hook(event: str, args: Any) -> None:
    if _watching and not event.startswith(_HARMLESS):
        _SEEN.append(f"{event} {args!r:.80}")


sys.addaudithook(_hook)


@contextmanager
def watching() -> Iterator[None]:
    """Fail if the interpreter is asked to do more than compute."""
    global _watching
    _SEEN.clear()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    assert _SEEN == []


def evaluate(source: str, known: Any) -> None:
    try:
        expression = compile_expression(source, known)
    except Wrong as wrong:
        ours = 0 <= wrong.start <= len(source) + 1
        if not ours:
            raise AssertionError(source) from None
        return
    try:
        value = expression(VALUES)
    except FlowError:
        return
    assert not callable(value), source
    assert not isinstance(value, type(sys)), source


def test_random_expressions() -> None:
    r = random.Random(SEED)
    known = {"qty": Kind.NUMBER, "size": Kind.TEXT, "data": Kind.ANY, "x": Kind.BOOL}
    with watching():
        for n in range(COUNT):
            source = r.choice(("", " ")).join(r.choice(PIECES) for _ in range(r.randint(1, 14)))
            evaluate(source, known if n % 2 else None)


def test_random_templates() -> None:
    r = random.Random(SEED)
    with watching():
        for _ in range(COUNT // 4):
            source = "".join(r.choice([*PIECES, "{", "}", ":.2f", ":%d"]) for _ in range(r.randint(1, 10)))
            try:
                template = compile_template(source, dict.fromkeys(VALUES, Kind.ANY))
                template.render(VALUES)
            except (Wrong, FlowError):
                continue


def mutate(r: random.Random, text: str) -> str:
    for _ in range(r.randint(1, 5)):
        at = r.randrange(len(text) + 1)
        match r.randrange(6):
            case 0:
                text = text[:at] + r.choice(SIGNS) + text[at:]
            case 1:
                text = text[:at] + text[at + r.randint(1, 12) :]
            case 2:
                end = min(len(text), at + r.randint(1, 60))
                text = text[:at] + text[at:end] * 2 + text[end:]
            case 3:
                text = text[:at] + r.choice(KEYS) + text[at:]
            case 4:
                text = text.replace(r.choice(KEYS), r.choice(KEYS), 1)
            case _:
                text = text[:at] + r.choice(PIECES) + text[at:]
    return text


def test_random_files() -> None:
    """A good flow with random damage: problems with places, or a flow that can be checked, drawn and counted."""
    r = random.Random(SEED)
    good = [p.read_text(encoding="utf-8") for p in FLOWS]
    around = Around(Bot())
    for code in CODES:
        language(code)  # our own tables are read when they are first needed
    with watching():
        for n in range(COUNT // 4):
            text = mutate(r, r.choice(good))
            flow, source = load("x.yaml", text.encode("utf-8", "surrogatepass"))
            if source.content is not None:
                named = named_in([source])
                assert named or source.problems, text
                for each in named:
                    list(costs_of(each))
            elif flow is None:
                assert source.problems, text
            else:
                check([flow], {"x.yaml": source}, around)
                graph(flow).reached()
                list(costs(flow))
            for problem in source.problems:
                assert problem.place.line >= 1, (SEED, n, text)
                assert problem.place.column >= 1, (SEED, n, text)
                render(problem)


def test_random_bytes() -> None:
    r = random.Random(SEED)
    for _ in range(COUNT // 4):
        flow, source = load("x.yaml", r.randbytes(r.randint(0, 60)))
        assert flow is None
        assert source.problems
