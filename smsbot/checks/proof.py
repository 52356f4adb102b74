"""The one door for flows: a bot's files are read and checked before any of them may run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from smsbot import targets
from smsbot.core.errors import FlowsWrong
from smsbot.core.problem import Problem, errors
from smsbot.flows.flow_set import FlowSet, build, load_files
from smsbot.flows.named import NamedText, named_in
from smsbot.flows.steps import Flow
from smsbot.routing.bot import Bot

from .flows import Around, check


def examine(
    bot: Bot, lines: Sequence[str] = (), countries: Iterable[str | None] = (), folder: Path | None = None
) -> tuple[list[Flow], list[Problem]]:
    """The flows of a bot that could be read, and everything that is wrong with them."""
    found, _, problems = _examined(bot, lines, countries, folder)
    return found, problems


def texts_of(bot: Bot, folder: Path | None = None) -> list[NamedText]:
    """The named texts of a bot, as far as they can be read."""
    return named_in(load_files(targets.flow_paths(bot, folder), folder, bot.answers)[1])


def _examined(
    bot: Bot, lines: Sequence[str], countries: Iterable[str | None], folder: Path | None
) -> tuple[list[Flow], list[NamedText], list[Problem]]:
    flows, sources = load_files(targets.flow_paths(bot, folder), folder, bot.answers)
    named = named_in(sources)
    around = Around(bot, tuple(lines) or ("",), tuple(dict.fromkeys(countries)) or (None,))
    return flows, named, check(flows, {s.path: s for s in sources}, around, named)


def prove(bot: Bot, lines: Sequence[str] = (), countries: Iterable[str | None] = ()) -> FlowSet:
    """The library of a bot; raises `FlowsWrong` with every error."""
    flows, named, problems = _examined(bot, lines, countries, None)
    wrong = errors(problems)
    if wrong:
        raise FlowsWrong(wrong)
    return build(flows, named)
