"""Verbs of `chat` that cannot work as they are written, found before they run; and those that can."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import targets
from smsbot.checks.verbs import verbs
from smsbot.flows.flow_set import load_files
from smsbot.flows.steps import Flow

HEAD = """from smsbot import Bot, Chat
bot = Bot()
async def size(): return "M"
@bot.on("x")
"""

FORGOTTEN = [
    "if chat.confirm('OK?'): pass",
    "while chat.confirm('OK?'): pass",
    "while not chat.confirm('OK?'): pass",
    "return chat.ask('Name?')",
    "if (sure := chat.confirm('OK?')): pass",
    "for name in chat.menu('Which?', ['a', 'b']): pass",
    "found = [c for c in chat.ask('Name?')]",
    "assert chat.confirm('OK?')",
    "chat.say(f\"Hello {chat.ask('Name?')}\")",
    "chat.say(str(chat.step(size)))",
    "total = chat.step(size) + 'x'",
    "first = chat.ask('Name?')[0]",
    "name = chat.ask('Name?').upper()",
    "chat.sleep('1h')",
    "name = 'x' if chat.confirm('OK?') else 'y'",
    "name = chat.ask('A?') if 1 else 'y'",
    "same = chat.ask('Name?') == 'Ann'",
    "both = await chat.gather(chat.ask('A?'), chat.ask('B?'))",
]
FINE = [
    "if await chat.confirm('OK?'): pass",
    "return await chat.ask('Name?')",
    "await (chat.ask('Name?') if 1 else chat.confirm('OK?'))",
    "asked = chat.ask('A?') if 1 else chat.ask('B?')\n    name = await asked",
    "a, b = await chat.gather(chat.step(size), chat.step(size))",
    "steps = [chat.step(size) for _ in range(2)]\n    await chat.gather(*steps)",
    "asked = chat.ask('Name?')\n    name = await asked",
    "def later(): return chat.ask('Name?')\n    name = await later()",
    "if (sure := await chat.confirm('OK?')): pass",
    "chat.say(f\"Hello {await chat.ask('Name?')}\")",
]


def flows(folder: Path) -> dict[str, Flow]:
    (folder / "f.yaml").write_text("flow: address\nargs: {name: text}\nsteps: [{say: 'A {name}?'}]\n")
    return {flow.name: flow for flow in load_files([folder / "f.yaml"], folder, {})[0]}


def found(folder: Path, body: str, define: str = "async def x(chat: Chat):") -> list[tuple[str, str]]:
    (folder / "b.py").write_text(f"{HEAD}{define}\n    {body}\n")
    return [(p.code, p.help) for p in verbs(targets.load("b.py", folder), flows(folder), [], folder)]


@pytest.mark.parametrize("body", FORGOTTEN)
def test_what_is_not_awaited(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body)[0][0] == "SB681"


@pytest.mark.parametrize("body", FINE)
def test_what_is(tmp_path: Path, body: str) -> None:
    assert found(tmp_path, body) == []


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("run('address', nam='x')", 'did you mean "name"?'), ("run('address', returns=str)", "give them by name"),
        ("run('address', name='x', other=1)", "it takes: name"),
    ],
)  # fmt: skip
def test_flows_that_are_run_with_other_arguments(tmp_path: Path, call: str, said: str) -> None:
    problems = found(tmp_path, f"await chat.{call}")
    assert ("SB633", said) in problems


@pytest.mark.parametrize("call", ["run('address', name='x', returns=str)", "run('address', **{'name': 'x'})"])
def test_flows_that_are_run_with_theirs(tmp_path: Path, call: str) -> None:
    assert found(tmp_path, f"await chat.{call}") == []


def test_a_plain_function_has_to_become_an_async_one(tmp_path: Path) -> None:
    ((_, remedy),) = found(tmp_path, "chat.ask('Name?')", "def x(chat: Chat):")
    assert remedy == "write: async def x, and await chat.ask(…)"


@pytest.mark.parametrize("verb", ["say('x')", "end()", "goto('x')", "handoff('desk')"])
def test_what_waits_for_nothing(tmp_path: Path, verb: str) -> None:
    assert "SB683" in [code for code, _ in found(tmp_path, f"await chat.{verb}")]
