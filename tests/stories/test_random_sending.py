"""Random days of a line: pauses, nights, caps, refusals, restarts, STOP. What must hold whatever happens."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot.pipeline.sends import Terms, Wish
from smsbot.settings import LineSettings, MoneySettings
from smsbot.testing.sim import LINE

from ..conftest import sampled
from ..house import House, echo
from ..tables import dicts

PEOPLE = [f"+4850000{n:04d}" for n in range(4)]
SCOPES = [
    ("all", ""),
    ("line", LINE),
    ("lane", "bulk"),
    ("lane", "reply"),
    ("lane", "priority"),
    ("account", "sandbox"),
]
MOODS = ("ok", "lost", "mute", "down", "500", "429 7", "400", "402")
DOING = ("send",) * 4 + ("text", "moods", "soon", "soon", "later", "pause", "resume", "cancel", "word", "restart")


class Day:
    """What somebody does with a server, drawn from a seed."""

    def __init__(self, h: House, draw: random.Random) -> None:
        self.h, self.draw, self.paused = h, draw, set[tuple[str, str]]()
        self.chosen: set[str] = set()
        """Texts whose time somebody chose: they wait for nobody's turn."""

    async def step(self, n: int) -> None:
        await getattr(self, self.draw.choice(DOING))(n)

    async def send(self, n: int) -> None:
        sends, now = self.h.app.sends, self.h.clock.now()
        kind, number = self.draw.choice(["notice", "bulk", "reply", "code"]), self.draw.choice(PEOPLE)
        for each in range(self.draw.choice([1, 1, 3])):
            due = self.draw.choice([None, None, None, now + 5, now + 3600])
            words = f"{n}-{each} {'x' * self.draw.choice([1, 200])}"
            if due is not None:
                self.chosen.add(words)
            await sends.send(sends.line(LINE), [Wish(number, words, due=due)], Terms(kind))

    async def text(self, n: int) -> None:
        await self.h.text(self.draw.choice(PEOPLE), "hi")

    async def word(self, n: int) -> None:
        await self.h.text(self.draw.choice(PEOPLE), self.draw.choice(["STOP", "START", "HELP"]))

    async def moods(self, n: int) -> None:
        self.h.provider.next = [self.draw.choice(MOODS) for _ in range(4)]

    async def soon(self, n: int) -> None:
        await self.h.advance(self.draw.choice([1, 5, 30, 90]))

    async def later(self, n: int) -> None:
        await self.h.advance(self.draw.choice([3600, 7 * 3600]))

    async def pause(self, n: int) -> None:
        scope = self.draw.choice(SCOPES)
        self.paused.add(scope)
        await self.h.app.repairs.pause([scope], False, "")

    async def resume(self, n: int) -> None:
        if self.paused:
            scope = self.draw.choice(sorted(self.paused))
            self.paused.discard(scope)
            await self.h.app.repairs.resume([scope], False)

    async def cancel(self, n: int) -> None:
        waiting = [r for r in await self.h.outgoing() if r["status"] == "queued"]
        if waiting:
            row = (await self.h.app.store.rows("outgoing", id=self.draw.choice(waiting)["id"]))[0]
            await self.h.app.sends.cancel([row], "somebody")

    async def restart(self, n: int) -> None:
        await self.h.restart()


@pytest.mark.parametrize("seed", sampled(range(40), 3, 15))
async def test_nothing_is_stuck_doubled_overtaken_or_miscounted(house: Any, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    (tmp_path / "prices.toml").write_text('currency = "EUR"\n[messageflow]\n"*" = 0.01\n')
    money = MoneySettings(prices=tmp_path / "prices.toml", day=0.3, contact=0.08, lanes={"bulk": 0.1})
    own = LineSettings(rate=draw.choice([0, 2, 20]), quiet=draw.choice(["never", "21:00-8:00"]), pace=0, per_minute=0)
    h: House = await house(echo(), settings={"money": money}, line_settings={LINE: own})
    await h.begin_at(datetime(2026, 6, 10, draw.randrange(24), tzinfo=ZoneInfo("Europe/Warsaw")).timestamp())
    day = Day(h, draw)
    for n in range(60):
        await day.step(n)
    for scope in SCOPES:
        await h.app.repairs.resume([scope], False)
    h.provider.next = []
    await h.advance("3d")
    texts = dicts(h.app.settings.place, "SELECT * FROM outgoing ORDER BY seq")
    assert [t for t in texts if t["phase"] is not None] == []
    by_day = Counter({t["cost_day"]: 0 for t in texts})
    for t in texts:
        by_day[t["cost_day"]] += t["cost"]
    for row in dicts(h.app.settings.place, "SELECT * FROM spending WHERE scope = 'day'"):
        assert by_day[row["day"]] == row["spent"] <= 300_000
    assert [t for t in texts if t["status"] in ("blocked", "expired") and t["cost"]] == []
    left = dicts(h.app.settings.place, "SELECT phone, text FROM sandbox_texts WHERE direction = 'out' ORDER BY seq")
    doubled = Counter((t["phone"], t["text"]) for t in left if t["text"][:1].isdigit())
    assert [who for who, n in doubled.items() if n > 1] == []
    in_order(texts, left, day.chosen)


def in_order(texts: list[dict[str, Any]], left: list[dict[str, Any]], chosen: set[str]) -> None:
    """Texts of one lane to one person whose time nobody chose leave as they were written."""
    chosen = chosen | {t["text"] for t in texts if t["attempts"] > 1}
    places = {(t["number"], t["text"]): (t["lane"], t["seq"]) for t in texts}
    seen: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for t in left:
        place = places.get((t["phone"], t["text"]))
        if place is not None and t["text"][:1].isdigit() and t["text"] not in chosen:
            seen[t["phone"], place[0]].append(place[1])
    for who, order in seen.items():
        assert order == sorted(order), who
