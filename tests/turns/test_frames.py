"""A flow and a conversation function ask by the same rules: one script, one transcript, whichever of them asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, NoReply, choice, integer
from smsbot.core.errors import TooManyTries

from ..house import ANN, House

FLOW = """\
flow: q
start: go
steps:
  - ask: size
    say: "S or L?"
    choices: {S: [], L: []}
    retry: {max: 2, say: "S or L, please.", then: gone}
    remind: {after: 10m, say: "Still there?"}
    timeout: {after: 1h, then: gone}
    late: 1h
  - ask: note
    say: "A note?"
    type: text(80)
    settle: 5s
    timeout: {after: 1h, then: gone}
  - {say: "{size}: {note}.", end: ordered}
asides:
  - {id: gone, say: "Bye.", end: abandoned}
"""
FORM = """\
flow: q
start: go
defaults: {timeout: {after: 24h, then: gone}}
steps:
  - {ask: size, say: "S or L?", choices: {S: [], L: []}}
  - {ask: count, say: "How many?", type: "integer(1, 9)"}
  - {say: "{count} {size}.", end: ordered}
asides:
  - {id: gone, end: abandoned}
"""
SCRIPTS: dict[str, list[str]] = {
    "answered": ["go", "s", "hello", "@6s"],
    "retried, then answered": ["go", "x", "y", "l", "hello", "@6s"],
    "given up": ["go", "x", "y", "z"],
    "unsure once": ["go", "s or l", "s", "hello", "@6s"],
    "reminded": ["go", "@11m", "s", "hello", "@6s"],
    "silent": ["go", "@11m", "@1h"],
    "late": ["go", "@2h", "s", "hello", "@6s"],
    "too late": ["go", "@3h", "s"],
    "settled from parts": ["go", "s", "one", "two", "@6s"],
    "asked again": ["go", "again", "s", "hello", "@6s"],
    "digressed": ["go", "hours", "s", "hours", "@1s", "hello", "@6s"],
    "switched": ["go", "other", "go", "s", "hello", "@6s"],
    "HELP": ["go", "HELP", "s", "hello", "@6s"],
    "twice": ["go", "s", "hello", "@6s", "go", "l", "bye", "@6s"],
}

BACKS: dict[str, list[str]] = {
    "back": ["go", "s", "back", "l", "2"],
    "back after a wrong answer": ["go", "s", "none", "back", "l", "2"],
    "back twice": ["go", "s", "back", "l", "back", "s", "2"],
    "back at the first": ["go", "back", "s", "2"],
    "back and silent": ["go", "s", "back", "@25h"],
    "back past a digression": ["go", "s", "hours", "back", "l", "2"],
}


def form(kind: str, folder: Path) -> Bot:
    """Two questions, of which the second lets people go back to the first."""
    made = Bot("alike")
    if kind == "flow":
        (folder / "q.yaml").write_text(FORM)
        made.flows = (str(folder / "q.yaml"),)
    else:

        @made.on("go")
        async def go(chat: Chat) -> str:
            got = await chat.form({
                "size": ("S or L?", choice(Literal["S", "L"])), "count": ("How many?", integer(1, 9)),
            })  # fmt: skip
            chat.end("ordered")
            return f"{got['count']} {got['size']}."

    @made.anywhere("hours")
    def hours() -> str:
        return "9 to 5."

    return made


def bot(kind: str, folder: Path) -> Bot:
    if kind == "flow":
        (folder / "q.yaml").write_text(FLOW)
        made = Bot("alike", flows=str(folder / "q.yaml"))
    else:
        made = Bot("alike")

        @made.on("go")
        async def go(chat: Chat) -> str | None:
            try:
                size = await chat.ask(
                    "S or L?", choice(Literal["S", "L"]), retry="S or L, please.", tries=2,
                    remind=("10m", "Still there?"), timeout="1h", late="1h",
                )  # fmt: skip
                note = await chat.ask("A note?", settle="5s", timeout="1h")
            except (NoReply, TooManyTries):
                chat.say("Bye.")
                chat.end("abandoned")
                return None
            chat.end("ordered")
            return f"{size}: {note}."

    @made.anywhere("hours")
    def hours() -> str:
        return "9 to 5."

    @made.on("other")
    def other() -> str:
        return "Something else."

    return made


async def transcript(h: House, script: list[str]) -> list[str]:
    for line in script:
        if line.startswith("@"):
            await h.advance(line[1:])
        else:
            await h.text(ANN, line)
    runs = await h.app.store.rows("last_run", line=h.app.lines.values()[0].number, number=ANN)
    return [*await h.transcript(ANN), f"= {runs[0]['end_label']}"]


@pytest.mark.parametrize("name", [*SCRIPTS, *BACKS])
async def test_flows_and_functions_ask_alike(house: Any, tmp_path: Path, name: str) -> None:
    found, script = {}, SCRIPTS.get(name) or BACKS[name]
    for kind in ("flow", "python"):
        folder = tmp_path / kind
        folder.mkdir()
        made = (bot if name in SCRIPTS else form)(kind, folder)
        async with House(made, folder) as h:
            found[kind] = await transcript(h, script)
    assert found["flow"] == found["python"]
    assert len(found["flow"]) > len(script) // 2
