"""The terms of a question as handlers write them, and as they are kept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from smsbot.core.clock import Duration, duration
from smsbot.core.errors import ChatError
from smsbot.core.nearest import nearest
from smsbot.core.request import Terms

from .session import Defaults

Remind = Duration | tuple[Duration, str]
"""When a reminder comes, and what it says; alone, the question again."""


class AskTerms(TypedDict, total=False):
    """How a question is asked: durations are seconds, texts such as ``"10m"``, or `timedelta`."""

    retry: str
    """The text said after a wrong answer; without it, the question again, with a hint."""
    unsure: str
    """The text said after a doubtful answer; without it, the one after a wrong answer."""
    check: Callable[[Any], bool | str | None]
    """Looks at an answer that was understood: False, or the text that says why, makes it a wrong one, as does a
    `ValueError` with such a text. It is pure: it may be asked about an answer more than once."""
    tries: int
    """Wrong answers that are asked again."""
    remind: Remind | list[Remind]
    """When it is asked again without an answer, once or several times; with a text, what is said then."""
    timeout: Duration
    """When `NoReply` is raised."""
    late: Duration
    """How long after the timeout an answer is still taken, as if it had come in time."""
    settle: Duration
    """How long more fragments of the answer are waited for."""
    interrupt: bool
    """False: another start word does not leave this question."""
    tail: bool
    """Whether more words may follow a choice."""


def read_terms(terms: AskTerms, defaults: Defaults) -> tuple[Terms, tuple[str, ...]]:
    """The terms in seconds, and what each reminder says. Raises `ChatError` for what cannot be meant."""
    for unknown in terms.keys() - AskTerms.__annotations__.keys():
        near = nearest(unknown, AskTerms.__annotations__)
        raise ChatError(f"a question takes no {unknown!r}" + (f"; did you mean {near!r}?" if near else ""))
    reminders = _reminders(terms.get("remind"))
    times = tuple(after for after, _ in reminders)
    made = Terms(
        terms.get("tries", defaults.tries), times,
        duration(terms["timeout"]) if "timeout" in terms else defaults.timeout,
        duration(terms.get("settle", 0.0)), duration(terms.get("late", 0.0)), terms.get("interrupt", True),
    )  # fmt: skip
    if type(made.tries) is not int or made.tries < 0:
        raise ChatError(f"tries is how many wrong answers are asked again, 0 or more, not {made.tries!r}")
    if list(times) != sorted(set(times)):
        raise ChatError("reminders come one after the other: each is later than the one before")
    if times and 0 < made.timeout_after <= times[-1]:
        raise ChatError("a reminder comes before the timeout, else nobody would hear it")
    check: Any = terms.get("check")
    if check is not None and (not callable(check) or inspect.iscoroutinefunction(check)):
        kind = "an async one: it decides at once" if callable(check) else repr(check)
        raise ChatError(f"check= takes a function that looks at the answer, not {kind}")
    return made, tuple(words for _, words in reminders)


def _reminders(written: Remind | Sequence[Remind] | None) -> list[tuple[float, str]]:
    listed = written if isinstance(written, list) else [] if written is None else [written]
    found: list[tuple[float, str]] = []
    for each in listed:
        after, words = each if isinstance(each, tuple) else (each, "")
        if not isinstance(words, str):
            raise ChatError(f'a reminder is a duration, or a duration and a text: ("5m", "Hello?"), not {each!r}')
        if seconds := duration(after):
            found.append((seconds, words))
    return found
