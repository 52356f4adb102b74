"""What a process believes that others served beside: only what it has read, or written, since it is alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from smsbot.core.commit import Commit
from smsbot.core.conversation import Conversation
from smsbot.stores.postgres.memory import SharedMemory

from .test_store import ANN, event

BEFORE = Conversation(ANN, 3, contact={"name": "Ann"})


def turn(began: Conversation, contact: Mapping[str, str | None] | None = None) -> Commit:
    """The next turn of a conversation as it stood when that began."""
    merged = {**began.contact, **(contact or {})}
    known = {name: value for name, value in merged.items() if value is not None}
    after = replace(began, version=began.version + 1, contact=known)
    return Commit(event("a"), after, contact=contact or {})


@pytest.mark.parametrize("contact", [{}, {"town": "Łódź"}, {"name": None}])
def test_a_turn_that_goes_on_from_what_is_remembered_is_remembered(contact: Mapping[str, str | None]) -> None:
    memory, step = SharedMemory(), turn(BEFORE, contact)
    memory.keep(BEFORE)
    memory.learn(step)
    assert memory.of(ANN) == step.after


@pytest.mark.parametrize("contact", [{}, {"town": "Łódź"}])
@pytest.mark.parametrize(
    "now", [None, replace(BEFORE, opted_out=True), replace(BEFORE, contact={"name": "Anna"})],
    ids=["not read since", "opted out since", "called otherwise since"],
)  # fmt: skip
def test_one_that_began_beside_another_is_not(now: Conversation | None, contact: Mapping[str, str | None]) -> None:
    memory = SharedMemory()
    memory.begin(alone=True)
    if now is not None:
        memory.keep(now)
    era = memory.era
    memory.learn(turn(BEFORE, contact))
    assert memory.of(ANN) is None
    assert memory.era > era, "nor what is being read"
    read = replace(BEFORE, version=4, contact={"name": "Anna"})
    assert memory.keep(read) == read, "what is read then is believed"


def test_what_the_desk_changed_meanwhile_stays() -> None:
    """A turn that began before must not bring an old contact back, as on one process."""
    memory = SharedMemory()
    memory.keep(BEFORE)
    memory.know(ANN.number, BEFORE.contact, {"name": "Anna"})
    memory.learn(turn(BEFORE, {"town": "Łódź"}))
    assert memory.keep(BEFORE).contact == {"name": "Anna", "town": "Łódź"}
