"""Runs stories: each line of a script against the real path of a text, the state reloaded between all of them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from smsbot import targets
from smsbot.checks.story import ME, Act, Story, quote
from smsbot.core import segments
from smsbot.core.errors import SmsbotError, TargetError
from smsbot.core.nearest import nearest
from smsbot.core.problem import Place, Problem
from smsbot.flows.functions import written as written_value
from smsbot.flows.source import Node
from smsbot.pipeline.view import View
from smsbot.routing.bot import Bot
from smsbot.settings import AccountSettings, LineSettings

from .coverage import Coverage
from .sim import LINE, Phone, Sim

_NOT_THERE = ("failed", "undelivered", "expired", "rejected")
"""The statuses of a text that will not reach its phone."""
_NUMBERS = {ME: "+48600100200"}


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a story: what it expected, what it got, and where."""

    path: Path
    line: int
    after: str
    expected: str
    got: str
    step: str = ""
    """Where the conversation stands, with its file and line."""

    def __str__(self) -> str:
        lines = [f"{self.path}:{self.line}" + (f"  after {self.after}" if self.after else "")]
        lines.append(f"  expected  {self.expected}")
        lines.append(f"  got       {self.got}" + (f"   ({self.step})" if self.step else ""))
        return "\n".join(lines)


@dataclass(slots=True)
class Outcome:
    """How a story went."""

    story: Story
    failure: Failure | None = None
    changes: list[tuple[Node, str]] = field(default_factory=list)
    """The changes that `--update` would write: nodes of the script, and the texts in their place."""
    steps: list[str] = field(default_factory=list)
    """The steps of flows that the story entered."""

    @property
    def passed(self) -> bool:
        """Whether all of it happened as told."""
        return self.failure is None


class _Failed(Exception):
    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def lines_for(bots: Mapping[str, Bot], configured: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The lines of each bot; one is made up for a bot that has none."""
    found: dict[str, tuple[str, ...]] = {}
    for n, name in enumerate(bots):
        found[name] = tuple(configured.get(name, ())) or (f"+{int(LINE) + n}",)
    return found


async def run_story(
    story: Story,
    bots: Mapping[str, Bot],
    *,
    lines: Mapping[str, Sequence[str]] | None = None,
    line_settings: Mapping[str, LineSettings] | None = None,
    accounts: Mapping[str, AccountSettings] | None = None,
    update: bool = False,
    sim: Callable[..., Sim] = Sim,
    coverage: Coverage | None = None,
) -> Outcome:
    """Run one story on a server of its own; `update` takes what the bot says for right."""
    outcome = Outcome(story)
    try:
        name = _bot_of(story, bots)
    except TargetError as error:
        outcome.failure = Failure(story.path, story.node.line + 1, "", "a bot to talk to", str(error.args[0]))
        return outcome
    all_lines = lines_for({name: bots[name]}, lines or {})
    told = line_settings or {}
    line_settings = {n: told.get(n, LineSettings()).model_copy(update={"pace": 0}) for n in all_lines[name]}  # people
    house_of = partial(sim, {name: bots[name]}, lines=all_lines, line_settings=line_settings, accounts=accounts)
    async with house_of(coverage=coverage) as house:
        line = story.line or all_lines[name][0]
        if story.clock is not None:
            await house.begin_at(story.clock.replace(tzinfo=house.zone(line)).timestamp())
        teller = _Teller(story, house, line, outcome, update)
        try:
            await teller.tell()
        except _Failed as failed:
            outcome.failure = failed.failure
        except SmsbotError as error:
            outcome.failure = teller.failure(story.node, "the story to go on", str(error))
    return outcome


def _bot_of(story: Story, bots: Mapping[str, Bot]) -> str:
    if story.bot:
        if story.bot not in bots:
            near = nearest(story.bot, bots)
            hint = f'; did you mean "{near}"?' if near else f" (bots: {', '.join(bots)})"
            raise TargetError(f'there is no bot "{story.bot}"{hint}')
        return story.bot
    beside = [n for n, b in bots.items() if _is_beside(story.path, b)] if len(bots) > 1 else list(bots)
    if len(beside) == 1:
        return beside[0]
    if len(bots) != 1:
        raise TargetError(f"several bots could be meant ({', '.join(bots)}); write bot: NAME in the story")
    return next(iter(bots))


def _is_beside(path: Path, bot: Bot) -> bool:
    """Whether a story stands beside, or below, the flows of a bot."""
    folders = [(p if p.is_dir() else p.parent).resolve() for p in targets.flow_paths(bot)]
    return any(folder in path.resolve().parents for folder in folders)


class _Teller:
    """Tells one story."""

    def __init__(self, story: Story, sim: Sim, line: str, outcome: Outcome, update: bool) -> None:
        self.story = story
        self.sim = sim
        self.line = line
        self.outcome = outcome
        self.update = update
        self.phones: dict[str, Phone] = {}
        self.told: dict[str, int] = {}
        self.after = ""
        self.last = story.node
        """The last line that made something happen."""
        self.failed: set[int] = set()
        """Turns whose failure the story expects."""
        self.view: View | None = None

    def phone(self, name: str) -> Phone:
        if name not in self.phones:
            number = name if name.startswith("+") else _NUMBERS.get(name, "")
            self.phones[name] = self.sim.phone(number or f"+{48600100300 + len(self.phones)}", self.line)
            self.told[name] = 0
        return self.phones[name]

    async def tell(self) -> None:
        me = self.phone(ME)
        for name, value in self.story.actions.items():
            self.sim.double(name, value)
        if self.story.contact:
            await self.sim.know(me.number, self.story.contact)
        for act in self.story.script:
            if act.kind not in ("wait", "failed") and (self.update or act.kind != "bot"):
                await self.nothing_failed()
            if act.kind not in ("bot", "failed"):
                await self.nothing_more(act)
            self.sim.reload()
            await self.act(act)
        await self.nothing_failed()
        await self.nothing_more(None)
        await self.check()

    async def act(self, act: Act) -> None:
        match act.kind:
            case "text":
                phone = self.phone(act.who)
                await phone.text(*(text.replace("{code}", phone.code) for text in act.value))
                self.after = f'"{_short(act.value[-1])}"'
            case "wait":
                await self.sim.advance(act.value)
                self.after = f"waiting {act.at.text}"
            case "restart":
                await self.sim.restart()
                self.after = "the restart"
            case "phone":
                await self.phone(act.who).mode(act.value)
            case "event":
                name, data = act.value
                await self.sim.event(name, self.phone(act.who).number, data or {}, self.line)
                self.after = f"the event {name}"
            case "gateway":
                self.sim.provider.next = list(act.value)
            case "bot":
                await self.hear(act)
            case "failed":
                await self.fail(act)
            case "delivered" | "handoff" | "consent" | "contact":
                await self.person(act)
            case _:
                await self.look(act)
        if act.kind not in ("bot", "failed"):
            self.last = act.node
        await self.remember(act.who)

    async def remember(self, who: str) -> None:
        self.view = await self.sim.run_of(self.phone(who).number, self.line)
        if self.view is not None:
            self.outcome.steps += [s for s in self.view.steps if s not in self.outcome.steps]

    # -- what the bot says --------------------------------------------------------------------------

    def unheard(self, who: str) -> list[str]:
        return self.phone(who).heard[self.told[who] :]

    async def hear(self, act: Act) -> None:
        """The bot says exactly these texts, and nothing before them."""
        expected: list[str] = act.value
        got = self.unheard(act.who)
        if self.update:
            self.take(act, expected, got)
            return
        if not expected and got:
            self.wrong(act, "silence", got[0])
        for place, text in enumerate(expected):
            if place >= len(got):
                trouble = await self.sim.trouble_of(self.phone(act.who).number)
                self.wrong(act, text, trouble or ("nothing more" if got else "silence"), place)
            if not matches(text, got[place]):
                self.wrong(act, text, got[place], place)
        self.told[act.who] += len(expected)

    def take(self, act: Act, expected: Sequence[str], got: Sequence[str]) -> None:
        """Take what the bot said for right, but for patterns that fit it."""
        self.told[act.who] += len(got)
        kept = [e if matches(e, g) else g for e, g in zip(expected, got, strict=False)] + list(got[len(expected) :])
        if kept == list(expected):
            return
        self.outcome.changes.append((act.at, written(kept)) if got else (act.node, ""))

    async def nothing_more(self, act: Act | None) -> None:
        """Check that all the bot has said was expected; with `update`, write down the rest."""
        for who in self.phones:
            extra = self.unheard(who)
            if not extra:
                continue
            node = act.node if act is not None else self.story.script[-1].node
            if not self.update:
                raise _Failed(self.failure(node, "nothing more from the bot", extra[0]))
            to = f", to: {who}" if who != ME and len(self.phones) > 1 else ""
            line = f"{{bot: {written(extra)}{to}}}" if to else f"bot: {written(extra)}"
            self.outcome.changes.append((node if act is not None else END, line))
            self.told[who] += len(extra)

    # -- turns that fail ----------------------------------------------------------------------------

    async def failures(self) -> dict[int, str]:
        return {seq: why for seq, why in (await self.sim.failures()).items() if seq not in self.failed}

    async def nothing_failed(self) -> None:
        """A handler that raises is silent; that is no silence to expect, nor to take for right."""
        for why in (await self.failures()).values():
            raise _Failed(self.failure(self.last, "a turn that ends well (or - failed: why)", why))

    async def fail(self, act: Act) -> None:
        """A turn failed, as the story says."""
        found = await self.failures()
        expected = {seq for seq, why in found.items() if matches(act.value or "*", why)}
        if not expected and await self.text_with(act, *_NOT_THERE):
            return
        if not expected:
            self.wrong(act, f"failed: {act.value}", next(iter(found.values()), "every turn ended well"))
        self.failed |= expected

    async def text_with(self, act: Act, *statuses: str) -> bool:
        """Whether the newest text of the bot that is as the story says has one of these statuses."""
        out = [e for e in self.phone(act.who).thread if e["direction"] == "out"]
        found = [e["status"] for e in out if matches(act.value or "*", e["text"])]
        return bool(found) and found[-1] in statuses

    # -- where the conversation stands --------------------------------------------------------------

    async def person(self, act: Act) -> None:
        """What is known of the person: the desk that has them, their fields, their consent, a text on their phone."""
        number = self.phone(act.who).number
        match act.kind:
            case "delivered":
                if not await self.text_with(act, "delivered"):
                    self.wrong(act, f"delivered: {act.value or '*'}", "no such text has reached the phone")
            case "handoff":
                desks = await self.sim.desks(number, self.line)
                if act.value not in desks and (act.value or not desks):
                    self.wrong(act, f"handoff: {act.value}", f"handoff: {', '.join(desks) or 'nobody was told'}")
            case "consent":
                got = "out" if await self.sim.opted_out(number, self.line) else "in"
                if got != act.value:
                    self.wrong(act, f"consent: {act.value}", f"consent: {got}")
            case "contact":
                known = await self.sim.contacts(number)
                for name, value in act.value.items():
                    if value_text(known.get(name)) != value_text(value):
                        self.wrong(act, f"{name}: {value}", f"{name}: {known.get(name)}")

    async def look(self, act: Act) -> None:
        view = await self.sim.run_of(self.phone(act.who).number, self.line)
        match act.kind:
            case "ended":
                got = "no run" if view is None else view.end or f"open at {view.place}.{view.step}"
                if got != act.value:
                    self.wrong(act, f"ended: {act.value}", f"ended: {got}" if view and view.end else got)
            case "at":
                got = "no run" if view is None else f"{view.place}.{view.step}" if view.step else f"ended: {view.end}"
                if act.value not in (got, got.partition(".")[2]):
                    self.wrong(act, f"at: {act.value}", got)
            case "vars":
                for name, value in act.value.items():
                    found = view.variables.get(name) if view is not None else None
                    if value_text(found) != value_text(value):
                        self.wrong(act, f"{name}: {value}", f"{name}: {found}")

    async def check(self) -> None:
        """Check the expectations of the story as a whole."""
        said = [text for phone in self.phones.values() for text in phone.heard]
        parts = sum(segments.count(text).segments for text in said)
        story = self.story
        if story.segments is not None and parts > story.segments:
            raise _Failed(self.failure(story.node, f"at most {story.segments} SMS parts", f"{parts} parts"))
        if story.texts is not None and len(said) > story.texts:
            raise _Failed(self.failure(story.node, f"at most {story.texts} texts", f"{len(said)} texts"))
        if story.ended is not None and (self.view is None or self.view.end != story.ended):
            end = self.view.end or "open" if self.view is not None else "no run"
            raise _Failed(self.failure(story.node, f"ended: {story.ended}", f"ended: {end}"))

    def wrong(self, act: Act, expected: str, got: str, place: int = 0) -> None:
        items = act.at.items
        raise _Failed(self.failure(items[place] if place < len(items) else act.at, expected, got))

    def failure(self, node: Node, expected: str, got: str) -> Failure:
        view, step = self.view, ""
        if view is not None:
            name = f"{view.place}.{view.step}" if view.step else view.place
            step = ", ".join(filter(None, (name, view.at)))
        shown, seen = _short(expected), _short(got)
        if shown == seen:  # they differ by what one does not see
            shown, seen = repr(expected[:240]), repr(got[:240])
        return Failure(self.story.path, node.line + 1, self.after, shown, seen, step)


def value_text(value: object) -> str:
    """A value as it is compared: yes and no are words, a whole number is one however it is written."""
    return written_value(value) if value is not None else "none"


END = Node("text")
"""Behind the last line of a script."""


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a story expects; ``*`` stands for anything."""
    pattern = pattern.replace("[", "[[]").replace("?", "[?]")
    return re.fullmatch(fnmatch.translate(pattern), text) is not None


def written(texts: Sequence[str]) -> str:
    """Texts as YAML."""
    quoted = [quote(t) for t in texts]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 240 else f"{flat[:120]} … {flat[-117:]}"  # a place stands at the end


def as_problem(failure: Failure) -> Problem:
    """A failure, for CI annotations."""
    place = Place(str(failure.path), failure.line, 1)
    return Problem("SB670", f"expected {failure.expected}, got {failure.got}", place, help=f"after {failure.after}")


__all__ = ["END", "Failure", "Outcome", "as_problem", "matches", "run_story"]
