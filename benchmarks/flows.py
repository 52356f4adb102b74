"""What one turn of a flow costs, beside a bare state machine in Python; and how long `check` takes.

    python benchmarks/flows.py

The figures to trust are the ratios: both sides run in turns, in one process, on the same texts. A turn of the
engine is: the stored frame is read, the text understood, the step taken, the frame written; no database.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import orjson

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.core.conversation import Conversation, StoredFrame
from smsbot.core.message import Event, Key
from smsbot.flows.flow_set import build, load_files
from smsbot.flows.state import Begin, Person, Said, State
from smsbot.routing.chat import Chat, session_of
from smsbot.turns.context import Context
from smsbot.turns.flow_frame import FlowFrame
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.frames import Resume, Stack, restore
from smsbot.turns.lines import Line
from smsbot.turns.live import LiveFrames
from smsbot.turns.once import Once
from smsbot.turns.runner import Runner

STEPS, ROUNDS = 40, 9
NOW = 1_780_000_000.0
KEY = Key("7255", "+48600100200")
BOT = Bot("bench")
PERSON = Person(NOW, {"number": "+48600100200"}, "7255", "PL")


def flow_of(name: str, steps: int) -> str:
    """A flow of questions, every fifth step a computation."""
    lines = [f"flow: {name}", f"start: {name}", "vars: {sum: 0}", "steps:"]
    lines.insert(3, "defaults: {timeout: {after: 10m, then: gone}, retry: 2}")
    for n in range(steps - 1):
        if n % 5 == 4:
            lines.append(f"  - {{id: s{n}, set: {{sum: sum + q{n - 1}}}, when: q{n - 1} > 0}}")
        else:
            asks = f'ask: q{n}, say: "Question {n}: how many, after {{sum}}?"'
            lines.append(f'  - {{{asks}, type: "integer(0, 99)", check: q{n} != 13}}')
    lines += ["asides:", "  - {id: gone, say: Gone., end: abandoned}"]
    return "\n".join(lines) + "\n"


def run_at_once(runner: Runner) -> None:
    """Run frames to their end; nothing in them waits."""
    with suppress(StopIteration):
        runner.run().send(None)
        raise AssertionError("nothing really waits here")


def engine_turns(versions: FlowVersions) -> int:
    """A whole conversation through the engine; how many turns it took."""
    flow_set = versions.current
    frames: tuple[StoredFrame, ...] = ()
    turns = 0
    event, before, line = (
        Event(b"e" * 16, KEY, "text", "", NOW),
        Conversation(KEY),
        Line("7255", BOT, "main", versions=versions),
    )
    while True:
        chat = Chat(event, before)
        if not frames:
            resume = Resume(Stack(flow_set, [FlowFrame(flow_set.flow("bench"), State())]), Begin(), True)
        else:
            stack = restore(versions, frames, flow_set.hash, KEY)
            resume = Resume(stack, Said("7", stack.top.read("7", PERSON)))
        effects = session_of(chat).effects
        context = Context(
            line=line, event=event, run=b"r" * 16, before=before, effects=effects, person=PERSON, now=NOW, chat=chat,
            once=Once(event=event, run=b"r" * 16, effects=effects), live=LiveFrames(), provided={}, journals={},
        )  # fmt: skip
        run_at_once(Runner(context, resume))
        turns += 1
        if effects.end is not None:
            return turns
        assert effects.frames is not None
        frames = effects.frames


def bare_turns() -> int:
    """The same conversation as people write it by hand: a state, a dictionary, JSON in and out."""
    stored, turns, total = b"", 0, 0
    questions = [n for n in range(STEPS - 1) if n % 5 != 4]
    while True:
        data = orjson.loads(stored) if stored else {"at": -1, "sum": 0}
        turns += 1
        if data["at"] >= 0:
            text = "7"
            if not text.isdecimal() or not 0 <= int(text) <= 99 or int(text) == 13:
                continue
            data[f"q{questions[data['at']]}"] = int(text)
            if (questions[data["at"]] + 1) % 5 == 4 and int(text) > 0:
                data["sum"] += int(text)
        data["at"] += 1
        if data["at"] >= len(questions):
            return turns
        total += len(f"Question {questions[data['at']]}: how many, after {data['sum']}?")
        stored = orjson.dumps(data)


def micros(work: Callable[[], int], times: int) -> float:
    """Microseconds a turn."""
    began = time.perf_counter()
    turns = sum(work() for _ in range(times))
    return (time.perf_counter() - began) / turns * 1e6


def main() -> None:
    """Print both sides, their ratio, and the time of a check."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(flow_of("bench", STEPS))
        flows, sources = load_files([Path(folder)], Path(folder))
        assert not [p for s in sources for p in s.problems]
        versions = FlowVersions(build(flows))
        engine_turns(versions)
        pairs = [(micros(lambda: engine_turns(versions), 20), micros(bare_turns, 20)) for _ in range(ROUNDS)]
        engine, bare = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"a turn of a {STEPS}-step flow   {engine:7.1f} µs")
        print(f"a bare state machine       {bare:7.1f} µs   ratio {ratio:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for n in range(200):
            (Path(folder) / f"f{n}.yaml").write_text(flow_of(f"flow{n}", STEPS))
        began = time.perf_counter()
        flows, sources = load_files([Path(folder)], Path(folder))
        problems = check(flows, {s.path: s for s in sources}, Around(Bot()))
        took = time.perf_counter() - began
        steps = sum(len(f.steps) for f in flows)
        print(f"check of {len(flows)} flows, {steps} steps: {took:.2f} s, {len(problems)} problems")


if __name__ == "__main__":
    main()
