"""What YAML does to other tools: bombs, depth, size, and scalars that turn into something else."""

from __future__ import annotations

import time

import pytest

from smsbot.core.problem import Problem
from smsbot.flows.loader import load
from smsbot.flows.source import LARGEST, from_plain, parse, plain
from smsbot.flows.steps import Flow

HEAD = "flow: x\nsteps:\n"


def flow(text: str) -> Flow:
    found, source = load("x.yaml", text.encode())
    assert not source.problems, source.problems
    assert found is not None
    return found


def problems(content: bytes) -> list[Problem]:
    return load("x.yaml", content)[1].problems


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join([f"*{chr(97 + i)}"] * 9) + "]\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB.encode(), "SB602"),
        (b"x" * (10 * 1024 * 1024), "SB602"),
        (b"[" * 200 + b"]" * 200, "SB602"),
        (b"a: " + b"{a: " * 200 + b"1" + b"}" * 200, "SB602"),
        (("\n".join("  " * i + "a:" for i in range(200))).encode(), "SB602"),
        (b"flow: !!python/object/apply:os.system [ls]", "SB602"),
        (b"--- {flow: x}\n--- {flow: y}\n", "SB602"),
        (b"flow: x\nsteps:\n\t- say: hi", "SB601"),
        (b"flow: \xff\xfe", "SB601"),
        (b"flow: \x00", "SB601"),
        (b"", "SB605"),
        (b"# only a comment\n", "SB605"),
        (b"- a\n- b\n", "SB606"),
        (b"{[a]: b}", "SB606"),
        (b"flow: 'x\n", "SB601"),
        (b"? ", "SB604"),
    ],
    ids=lambda v: v[:24].decode("latin-1") if isinstance(v, bytes) else v,
)
def test_what_is_refused_is_refused_at_once(content: bytes, code: str) -> None:
    began = time.perf_counter()
    found = problems(content)
    assert time.perf_counter() - began < 0.1
    assert code in [p.code for p in found]


def test_a_large_file_says_how_large_it_may_be() -> None:
    (problem,) = problems(b"\0" * (LARGEST + 1))
    assert "kB" in problem.message


def test_scalars_mean_what_they_say() -> None:
    made = flow(
        HEAD
        + "  - {ask: a, say: 19:30, choices: {yes: [on, tak], no: [off]}, timeout: 1h}\n"
        + "  - {say: [+48600100200, 0123, 1e3, 0x1F, null, ~, 2026-11-23, .5]}\n"
    )
    step = made.steps["a"]
    assert step.ask is not None
    assert step.ask.question.choices == {"yes": ("yes", "on", "tak"), "no": ("no", "off")}
    said = [t[""].source for t in made.steps["step_2"].say]
    assert said == ["+48600100200", "0123", "1e3", "0x1F", "null", "~", "2026-11-23", ".5"]
    assert step.say[0][""].source == "19:30"


def test_start_words_stay_words() -> None:
    made = flow("flow: x\nstart: {words: [no, on, 0123]}\nsteps: [{say: hi}]\n")
    assert [p.source for _, p in made.start.words] == ["no", "on", "0123"]


def test_the_normalised_flow_is_the_flow() -> None:
    text = HEAD + "  - {ask: a, say: {en: 'A?', pl: B}, choices: [x, y], timeout: 1h}\n"
    _, root = parse("x.yaml", text.encode())
    assert root is not None
    assert plain(from_plain(plain(root))) == plain(root)


def test_positions_count_characters() -> None:
    text = 'flow: x\nsteps:\n  - {say: "zażółć 👍 {nmae}", end: ok}\n'
    _, source = load("x.yaml", text.encode())
    (problem,) = source.problems
    line = text.split("\n")[2]
    assert (problem.place.line, problem.place.column) == (3, line.index("nmae") + 1)


@pytest.mark.parametrize(
    "text",
    [
        'flow: x\r\nsteps:\r\n  - {say: "{nmae}"}\r\n',
        "\ufeffflow: x\nsteps:\n  - {say: '{nmae}'}\n",
        "flow: x\nsteps:\n  - say: |\n      Hello\n      {nmae} there\n",
        "flow: x\nsteps:\n  - say: >-\n      Hello\n      dear {nmae} there\n",
        'flow: x\nsteps:\n  - say: "tab\\there {nmae}"\n',
    ],
    ids=["crlf", "bom", "literal", "folded", "escaped"],
)
def test_positions_hold_in_every_style(text: str) -> None:
    _, source = load("x.yaml", text.encode())
    (problem,) = source.problems
    lines = text.removeprefix("\ufeff").replace("\r", "").split("\n")
    line = next(i for i, x in enumerate(lines) if "nmae" in x)
    assert (problem.code, problem.place.line, problem.place.column) == (
        "SB621",
        line + 1,
        lines[line].index("nmae") + 1,
    )
