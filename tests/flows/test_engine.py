"""The engine, for random flows and events: every event yields a turn, and a stored state is the state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot.core.conversation import StoredFrame
from smsbot.core.errors import FlowError
from smsbot.core.problem import errors
from smsbot.flows.flow_set import FlowSet, build, restore
from smsbot.flows.loader import load, read
from smsbot.flows.source import Source, from_plain
from smsbot.flows.state import Begin, Due, Input, Person, Said, State
from smsbot.routing.effects import Effects
from smsbot.turns import frames as stacks
from smsbot.turns.flow_frame import FlowFrame
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.frames import Resume, Stack

from .stage import KEY, perform

IDS = ["a", "b", "c", "d", "e", "f"]
DURATIONS = st.sampled_from(["30s", "5m", "1h", "2d"])
TEXTS = st.sampled_from(["Hello", "{n} of {m}", "{a}{b}{c}", "{{x}}", "{now:%H:%M} {contact.language}"])
SAYS = st.one_of(TEXTS, st.lists(TEXTS, min_size=1, max_size=3), st.fixed_dictionaries({"en": TEXTS, "pl": TEXTS}))
CONDITIONS = st.sampled_from(["n > 1", "m == 'x'", "yes", "no", "n in [1, 2, 3]", "len(text(a)) > 2", "not b"])


@st.composite
def questions(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(
        st.sampled_from(["choice", "integer", "integer(1, 3)", "text", "text(5)", "yes_no", "date", "time", "phone"])
    )
    made: dict[str, Any] = {"ask": name, "say": draw(SAYS), "timeout": draw(timeouts())}
    made |= {"choices": {"x": ["1"], "y": ["2", "why"]}} if kind == "choice" else {"type": kind}
    if draw(st.booleans()):
        made["retry"] = draw(
            st.fixed_dictionaries(
                {"max": st.sampled_from(["0", "1", "3"])}, optional={"say": SAYS, "then": st.sampled_from(IDS)}
            )
        )
    if draw(st.booleans()):
        made["remind"] = draw(st.fixed_dictionaries({"after": st.just("10s")}, optional={"say": SAYS}))
    if draw(st.booleans()):
        made["settle"] = "4s"
    if draw(st.booleans()):
        made["late"] = "accept"
    if draw(st.booleans()):
        made["tail"] = "accept"
    if draw(st.booleans()):
        made["then"] = draw(thens(kind))
    return made


def timeouts() -> st.SearchStrategy[Any]:
    return st.one_of(DURATIONS, st.fixed_dictionaries({"after": DURATIONS}, optional={"then": st.sampled_from(IDS)}))


def thens(kind: str) -> st.SearchStrategy[Any]:
    branch = st.fixed_dictionaries({"go": st.sampled_from(IDS)}, optional={"when": CONDITIONS})
    ways: list[st.SearchStrategy[Any]] = [st.sampled_from(IDS), st.lists(branch, min_size=1, max_size=3)]
    if kind in ("choice", "yes_no"):
        keys = ["x", "y"] if kind == "choice" else ["yes", "no"]
        ways.append(st.dictionaries(st.sampled_from(keys), st.sampled_from(IDS), min_size=1))
    return st.one_of(ways)


@st.composite
def steps(draw: st.DrawFn, name: str) -> dict[str, Any]:
    made: dict[str, Any]
    match draw(st.sampled_from(["ask", "ask", "say", "set", "wait", "call", "do", "goto"])):
        case "ask":
            return draw(questions(name))
        case "say":
            made = {"id": name, "say": draw(SAYS)}
        case "set":
            made = {
                "id": name,
                "set": {draw(st.sampled_from(["n", "m"])): draw(st.sampled_from(["n + 1", "2", "n * n"]))},
            }
        case "wait":
            made = {"id": name, "wait": draw(DURATIONS)}
        case "call":
            made = {"id": name, "call": "other", "save": "m"}
        case "do":
            made = {"id": name, "do": "act(n)", "save": "m"}
        case _:
            return {"id": name, "goto": draw(st.sampled_from(IDS))}
    if draw(st.integers(0, 3)) == 0:
        made["when"] = draw(CONDITIONS)
    if draw(st.integers(0, 4)) == 0:
        made["end"] = "over"
    return made


@st.composite
def libraries(draw: st.DrawFn) -> FlowSet:
    first = {"n": "1", "m": "'x'", **dict.fromkeys(IDS, "none")}
    main = {"flow": "main", "vars": first, "steps": [draw(steps(i)) for i in IDS]}
    question = draw(questions("q"))
    kept = {k: v for k, v in question.items() if k in ("ask", "choices", "type", "settle", "late", "tail")}
    other = {"flow": "other", "returns": "q", "steps": [kept | {"say": "Q? {q}", "timeout": "1h", "remind": "10m"}]}
    flows = []
    for content in (main, other):
        source = Source("random")
        flow = read(source, from_plain(content))
        assert not [p for p in errors(source.problems) if p.code != "SB623"], source.problems
        assert flow is not None
        flows.append(flow)
    return build(flows)


EVENTS = st.lists(
    st.one_of(
        st.just("@due"),
        st.sampled_from(["1", "2", "x", "yes", "no", "maybe", "hello there", "12:30", "tomorrow", "1 and more", "+48600100200", ""]),
        st.text(max_size=20),
    ),
    max_size=12,
)  # fmt: skip


def turn(
    versions: FlowVersions, frames: tuple[StoredFrame, ...], what: Input | None, now: float
) -> tuple[Effects, str]:
    """One turn from stored frames, as the pipeline takes it; actions return a number."""
    if not frames:
        stack = Stack(versions.current, [FlowFrame(versions.current.flow("main"), State())])
        resume = Resume(stack, Begin(), True)
    else:
        assert what is not None
        resume = Resume(stacks.restore(versions, frames, versions.current.hash, KEY), what)
    return perform(versions, resume, Person(now, {"number": "+1"}, "7255"), now)


def foreseen(error: FlowError) -> None:
    """The only ways in which a flow that was read may fail: it goes round, or computes with what does not fit."""
    known = ("without waiting", "cannot be computed")
    if not any(words in str(error) for words in known):
        raise error


@given(libraries(), EVENTS)
def test_every_event_yields_a_turn(flow_set: FlowSet, events: list[str]) -> None:
    versions = FlowVersions(flow_set)
    stored = FlowVersions(restore(flow_set.stored()))
    assert stored.current.hash == flow_set.hash
    now = 1_780_000_000.0
    try:
        effects, _ = turn(versions, (), None, now)
        for event in events:
            if effects.end is not None:
                break
            assert effects.frames
            frames: tuple[StoredFrame, ...] = effects.frames
            deadline = frames[-1].deadline
            assert deadline is not None
            assert deadline >= now
            what: Input = Said(event)
            if event == "@due":
                now, what = deadline, Due()
            again, why_again = turn(versions, frames, what, now)
            effects, why = turn(versions, frames, what, now)
            elsewhere, _ = turn(stored, frames, what, now)
            assert (again, why_again) == (effects, why)
            assert elsewhere == effects
            assert (effects.end is None) == (effects.frames is not None)
            now += 1.0
    except FlowError as error:
        foreseen(error)


@given(libraries(), st.lists(st.sampled_from(["1", "yes", "tomorrow", "12:30", "hello"]), max_size=5))
def test_silence_ends_every_run(flow_set: FlowSet, texts: list[str]) -> None:
    """Nobody waits for ever: with silence alone every run ends, or its author has made a round of waits."""
    versions = FlowVersions(flow_set)
    now = 1_780_000_000.0
    try:
        effects, _ = turn(versions, (), None, now)
        for text in texts:
            if effects.frames:
                effects, _ = turn(versions, effects.frames, Said(text), now)
        for _ in range(300):
            if effects.end is not None:
                return
            assert effects.frames
            deadline = effects.frames[-1].deadline
            assert deadline is not None
            now = max(now, deadline)
            effects, _ = turn(versions, effects.frames, Due(), now)
    except FlowError as error:
        foreseen(error)
        return
    links = [step for flow in flow_set.flows.values() for step in flow.steps.values() if step.wait or step.ask]
    assert links


@pytest.mark.parametrize("choices", ["{S: , M: }", "{S: [small], M: }", "[S, M]", "\n      S:\n      M:"])
def test_a_flow_that_is_right_as_a_file_is_right_as_stored(choices: str) -> None:
    text = f"flow: x\nstart: x\nsteps:\n  - ask: size\n    say: Size?\n    timeout: 1h\n    choices: {choices}\n"
    flow, source = load("x.yaml", text.encode())
    assert flow is not None
    assert not source.problems
    flow_set = build([flow])
    assert restore(flow_set.stored()).hash == flow_set.hash
