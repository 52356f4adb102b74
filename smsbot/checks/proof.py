"""The one door for flows: a bot's files are read and checked before any of them may run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from smsbot import targets
from smsbot.core.errors import FlowsWrong
from smsbot.core.problem import Problem, errors
from smsbot.flows.flow_set import FlowSet, build, load_files
from smsbot.flows.steps import Flow
from smsbot.routing.bot import Bot

from .flows import Around, check


def examine(
    bot: Bot, lines: Sequence[str] = (), countries: Iterable[str | None] = (), folder: Path | None = None
) -> tuple[list[Flow], list[Problem]]:
    """The flows of a bot that could be read, and everything that is wrong with them."""
    flows, sources = load_files(targets.flow_paths(bot, folder), folder, bot.answers)
    around = Around(bot, tuple(lines) or ("",), tuple(dict.fromkeys(countries)) or (None,))
    return flows, check(flows, {s.path: s for s in sources}, around)


def prove(bot: Bot, lines: Sequence[str] = (), countries: Iterable[str | None] = ()) -> FlowSet:
    """The library of a bot; raises `FlowsWrong` with every error."""
    flows, problems = examine(bot, lines, countries)
    wrong = errors(problems)
    if wrong:
        raise FlowsWrong(wrong)
    return build(flows)
