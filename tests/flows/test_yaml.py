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


@pytest.mark.parametrize(
    ("steps", "line", "words"),
    [
        ("  - ask: a\n      say: A?\n    timeout: 1h\n", 4, "indented differently"),
        ("  -say: hello\n    end: x\n", 3, "a space is missing"),
        ("  - say:hello\n    end: x\n", 3, "a space is missing"),
        ('  - say: "hello\n    end: x\n', 3, "quote without its partner"),
        ("  - say: At 5: come\n", 3, "needs quotes"),
        ("\t- say: hello\n", 3, "tab"),
        ("  - say: *hello*\n", 3, "needs quotes"),
        ("  - say: {name}, hello\n", 3, "{"),
        ("  - say: {name}\n", 3, "{ goes into quotes"),
        ("  - say: #1 in town\n", 3, "# begins a comment"),
        ("  - say: Call us #1 in town\n", 3, "ends at the #"),
        ("  - say: hi\n    end:\n", 4, 'nothing stands after "end:"'),
        ("  - {ask: a, say: A?, type: integer(1-9), timeout: 1h}\n", 3, "integer(1, 9)"),
        ("  - {ask: a, say: A?, type: int, timeout: 1h}\n", 3, "integer"),
        ("  - set: {shop: Main Street}\n", 3, "'Main Street'"),
        ("  - {ask: a, say: A?, type: yes_no, timeout: 1h, then: [{'yes': b}]}\n  - {id: b, say: B}\n", 3, "without dashes"),
        ("  - say: hi\n\u00a0   end: x\n", 4, ""),
        ("  - {ask: a, say: A?, remind: 2h, timeout: 1h}\n", 3, "never comes"),
        ("  - {ask: first-name, say: A?, timeout: 1h}\n", 3, "letters from a to z"),
        ("  - {ask: a, say: A?, late: [1], timeout: 1h}\n", 3, "late is a text"),
    ],
)  # fmt: skip
def test_the_mistakes_of_people_who_do_not_program_are_told_plainly(steps: str, line: int, words: str) -> None:
    found = [p for p in problems((HEAD + steps).encode()) if p.place.line == line]
    told = [f"{p.message} {p.note} {p.help}" for p in found]
    assert any(words in t for t in told), problems((HEAD + steps).encode())


def test_blank_choices_are_their_own_words() -> None:
    made = flow(HEAD + "  - ask: a\n    say: A?\n    timeout: 1h\n    choices:\n      small:\n      large:\n")
    ask = made.steps["a"].ask
    assert ask is not None
    assert ask.question.choices == {"small": ("small",), "large": ("large",)}
