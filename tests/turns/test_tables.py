"""Tables of the pure parts of a turn: conversation and event → decision → what is written. `--update` writes them anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.checks.proof import prove
from smsbot.core.commit import Commit
from smsbot.core.conversation import Conversation, FrameKind, Run, StoredFrame
from smsbot.core.message import Event, Key
from smsbot.core.question import Question
from smsbot.core.request import Terms
from smsbot.core.start import Start
from smsbot.flows.state import State
from smsbot.turns.flow_frame import FlowFrame
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.lines import Line, checked_table
from smsbot.turns.python_state import OpenQuestion, PythonState
from smsbot.turns.turn import Turn
from smsbot.understanding.asking import Open

TABLE = Path(__file__).parent / "decisions.json"
KEY = Key("7255", "+48600100200")
NOW = 1_790_000_000.0
FLOW = """\
flow: pizza
start: {words: [pizza], event: hungry}
anywhere: {prices: "From $8."}
steps:
  - ask: size
    say: "S or L?"
    choices: {S: [small], L: [large]}
    retry: {max: 1, then: gone}
    timeout: {after: 1h, then: gone}
  - {say: "One {size}.", end: ordered}
asides:
  - {id: gone, say: "Bye.", end: abandoned}
"""
NAP = "flow: nap\nstart: nap\nsteps: [{id: sleep, wait: 1h}, {say: Morning.}]\n"


def bot(folder: Path) -> Bot:
    (folder / "flows").mkdir()
    (folder / "flows" / "pizza.yaml").write_text(FLOW)
    (folder / "flows" / "nap.yaml").write_text(NAP)
    made = Bot("table", flows=str(folder / "flows"))

    @made.on("hi", "order {qty:int}")
    def hi(chat: Chat, qty: int = 1) -> str:
        chat.goto("name", then="late")
        return f"{qty}. Your name?"

    @made.on("bye")
    def bye(chat: Chat) -> None:
        chat.end("left")

    @made.state("name")
    def name(chat: Chat, text: str) -> str:
        chat.contact["name"] = text
        chat.handoff("counter")
        return f"Thank you, {text}."

    @made.state("late")
    def late() -> str:
        return "Too late."

    @made.anywhere("hours")
    def hours() -> str:
        return "9 to 5."

    @made.on("ask")
    async def asks(chat: Chat) -> str:
        return f"So {await chat.ask('Sure?')}."

    @made.fallback
    def other(chat: Chat, text: str) -> str:
        chat.start("hungry", {"n": 1}, key="once")
        return "What?"

    return made


def line_of(folder: Path) -> Line:
    made = bot(folder)
    versions = FlowVersions(prove(made, ("7255",), ["PL"]))
    return Line(
        "7255", made, "main", country="PL", versions=versions, table=checked_table(made, "7255", versions, "PL")
    )


def conversations(line: Line) -> dict[str, Conversation]:
    def at(*frames: StoredFrame, content: str = "") -> Conversation:
        run = Run(b"r" * 16, "table", "hi", NOW - 60, frames, content=content)
        return Conversation(KEY, 3, run, wrote_first=True)

    flow = FlowFrame(
        line.versions.current.flow("pizza"),
        State(step="size", phase="ask", asked=NOW - 60, prompt="S or L?", trail=["size"]),
    )
    asked = OpenQuestion(
        site="asks: ask text #1",
        name="#1",
        prompt="Sure?",
        question=Question("yes_no"),
        terms=Terms(),
        standing=Open(asked=NOW - 60),
    )
    started = Event(b"s" * 16, KEY, "text", "ask", NOW - 60)
    python = PythonState.begin(
        next(s for s in line.bot.signatures() if s.name.endswith("asks")).function,
        b"r" * 16,
        started,
        {},
        salt=b"begun",
        contact={},
    )
    python.open = asked
    nap = FlowFrame(line.versions.current.flow("nap"), State(step="sleep", phase="wait", asked=NOW - 60))
    asking = at(replace(flow.stored(), deadline=NOW + 3540), content=line.versions.current.hash)
    resting = at(replace(nap.stored(), deadline=NOW + 3540), content=line.versions.current.hash)
    assert resting.run is not None
    beside = replace(resting.run, id=b"n" * 16)
    state = StoredFrame(FrameKind.HANDLER, "hi", "name", prompt="1. Your name?", deadline=NOW + 60, then="late")
    return {
        "nothing is open": Conversation(KEY),
        "a state waits": at(state),
        "a flow asks": asking,
        "a flow rests": resting,
        "a flow rests while another asks": replace(asking, resting=(beside,)),
        "a function asks": at(replace(python.stored(), deadline=NOW + 86_340)),
        "the person has opted out": Conversation(KEY, 3, opted_out=True),
    }  # fmt: skip


TEXTS = (
    "hi",
    "order 2",
    "bye",
    "Ann",
    "hours",
    "prices",
    "pizza",
    "small",
    "yes",
    "maybe",
    "again",
    "HELP",
    "piza",
    "wrong number, sorry",
)


def events(conversation: Conversation) -> dict[str, Event]:
    found = {text: Event(b"e" * 16, KEY, "text", text, NOW) for text in TEXTS}
    run = conversation.run
    if run is not None and run.frame is not None:
        found["(its deadline)"] = Event(b"e" * 16, KEY, "timer", "timeout", NOW, data=run.mark)
    for other in conversation.resting:
        found["(the deadline beside it)"] = Event(b"e" * 16, KEY, "timer", "rest", NOW, data=other.mark)
    found["(an old deadline)"] = Event(b"e" * 16, KEY, "timer", "timeout", NOW, data="00 1.0")
    for busy in ("queue", "skip", "replace"):
        found[f"(hungry, {busy})"] = Event(
            b"e" * 16, KEY, "event", "hungry", NOW, data=Start({"a": 1}, busy, 0.0).pack()
        )
    found["(hungry, too late)"] = Event(b"e" * 16, KEY, "event", "hungry", NOW, data=Start({}, "", NOW - 1).pack())
    found["(opted out)"] = Event(b"e" * 16, KEY, "optout", "STOP", NOW)
    return found


def decided(turn: Turn) -> dict[str, Any]:
    d = turn.decision
    return {
        "why": d.why, "handler": turn.signature.name if turn.signature else None, "ends": d.ends or None, "says": list(d.says),
        "resumes": [d.resume.stack.top.place, type(d.resume.given).__name__, d.resume.fresh] if d.resume else None,
        "switches": d.switches, "parks": d.parks is not None, "outcome": d.outcome, "handoff": d.handoff.desk if d.handoff is not None else "",
    }  # fmt: skip


def written(commit: Commit) -> dict[str, Any]:
    after = commit.after
    return {
        "version": after.version, "open": [(f.kind, f.name.rpartition(".")[2], f.state, f.deadline) for f in after.run.frames] if after.run else None,
        "resting": [r.frames[-1].state for r in after.resting],
        "runs": [(r.started_by, r.end if r.ended else "begins") for r in commit.runs],
        "texts": [(o.lane, o.text, o.due) for o in commit.outgoing], "timers": [(t.name, t.due) for t in commit.timers],
        "cancelled": list(commit.cancelled), "visits": list(commit.visits), "handoffs": [h.desk for h in commit.handoffs],
        "contact": dict(commit.contact), "starts": len(commit.starts), "hold": commit.hold, "note": commit.note,
        "released": commit.released, "forgotten": len(commit.forgotten), "unframed": len(commit.unframed),
    }  # fmt: skip


def turn_of(line: Line, before: Conversation, event: Event) -> dict[str, Any]:
    """The decision; and the commit, where a handler that asks nothing answers, or nobody has to."""
    turn = Turn(line, before, event, secret=b"s" * 16)
    row: dict[str, Any] = {"decision": decided(turn)}
    signature = turn.signature
    if turn.decision.resume is None and not (signature and signature.is_async):
        if signature is not None:
            turn.returned(signature, signature.call(turn.values(), {}))
        row["commit"] = written(turn.end(NOW))
    return row


def test_every_event_in_every_place(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    line = line_of(tmp_path)
    found = {
        place: {name: turn_of(line, before, event) for name, event in events(before).items()}
        for place, before in conversations(line).items()
    }
    table = json.loads(json.dumps(found))
    if request.config.getoption("--update"):
        TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    expected = json.loads(TABLE.read_text(encoding="utf-8"))
    for place, rows in table.items():
        for name, row in rows.items():
            assert row == expected[place][name], f"{name} where {place}"
    assert {p: set(r) for p, r in table.items()} == {p: set(r) for p, r in expected.items()}
