"""Jobs of a lane: units that one caller waits for, and the refusal of one that can never be written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from smsbot.core.errors import StoreError, StoreRefused

from .deciding.unit import Unit


class Job:
    """Units, and who waits for their answers."""

    __slots__ = ("_answers", "_open", "future", "units")

    def __init__(self, units: Sequence[Unit], loop: asyncio.AbstractEventLoop) -> None:
        self.units = units
        self.future: asyncio.Future[list[Any]] = loop.create_future()
        self._answers: list[Any] = [None] * len(units)
        self._open = len(units)

    def settle(self, nth: int, answer: Any) -> None:
        """Give the answer of one of its units; the last of them answers the job."""
        self._answers[nth] = answer
        self._open -= 1
        if not self._open:
            self.answer(self._answers)

    def answer(self, answers: Sequence[Any] | BaseException) -> None:
        """Give the answers of its units, on the loop; what one of them was refused with stands for all."""
        if self.future.done():
            return
        if isinstance(answers, BaseException):
            self.future.set_exception(answers)
            return
        refused = next((a for a in answers if isinstance(a, StoreError)), None)
        if refused is not None:
            self.future.set_exception(refused)
        else:
            self.future.set_result(list(answers))


def shared(answers: Sequence[Any], jobs: Sequence[Job]) -> Iterator[list[Any]]:
    """The answers of each job, of those of all their units in order."""
    waiting = iter(answers)
    for job in jobs:
        yield [next(waiting) for _ in job.units]


def refusal(error: Exception) -> StoreError:
    """What a unit is refused with: its row can never be written, unless the fault is ours."""
    kind = StoreError if isinstance(error, RuntimeError) else StoreRefused
    refused = kind(f"the database refused a row: {type(error).__name__}: {error}")
    refused.__cause__ = error
    return refused


def failure(error: BaseException) -> StoreError:
    """What all are told whose commit failed."""
    failed = StoreError(f"the database did not commit: {type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed
