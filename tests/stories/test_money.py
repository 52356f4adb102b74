"""Money that cannot run away: caps by day, whatever a bot's author wrote."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.pipeline.alerts import Alerts
from smsbot.pipeline.sends import Terms, Wish
from smsbot.pipeline.spending import uses
from smsbot.settings import LineSettings, MoneySettings
from smsbot.testing.sim import LINE

from ..house import ANN, BOB, House, echo

CENT = 10_000


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "EUR"\n[messageflow]\nPL = 0.01\n"*" = 0.05\n')
    return file


async def opened(house: Any, prices: Path, **caps: Any) -> House:
    money = MoneySettings.model_validate({"prices": prices, "timezone": "Europe/Warsaw", **caps})
    h: House = await house(
        echo(), settings={"money": money}, line_settings={LINE: LineSettings(quiet="never", pace=0, per_minute=0)}
    )
    return h


async def send(
    h: House, kind: str, count: int = 1, first: int = 0, text: str = "x", **terms: Any
) -> list[dict[str, Any]]:
    sends = h.app.sends
    wishes = [Wish(f"+4850000{n:04d}", f"{text} {n}") for n in range(first, first + count)]
    return await sends.send(sends.line(LINE), wishes, Terms(kind, **terms))


async def spent(h: House, scope: str = "day", name: str = "") -> int:
    day = h.app.leaving.budget.day(h.clock.now()).isoformat()
    rows = await h.app.store.rows("spending_of", day=day)
    return sum(r["spent"] for r in rows if (r["scope"], r["name"]) == (scope, name))


async def sent(h: House) -> int:
    return len([r for r in await h.outgoing() if r["status"] in ("accepted", "sent", "delivered")])


async def test_each_text_is_counted_when_it_is_written_by_segments_and_country(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=100)
    await h.text(ANN, "hi")
    await send(h, "notice", text="ż" * 100)
    sends = h.app.sends
    await sends.send(sends.line(LINE), [Wish("+33612345678", "x")], Terms("notice"))
    await h.settle()
    assert await spent(h) == (1 + 2 + 5) * CENT
    assert await spent(h, "lane", "reply") == CENT
    assert await spent(h, "lane", "notice") == 7 * CENT
    assert await spent(h, "line", LINE) == await spent(h, "bot", "bot") == 8 * CENT


async def test_lanes_stop_in_their_order_and_codes_last(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=1)  # a hundred texts
    left: dict[str, int] = {}
    for n, kind in enumerate(("bulk", "notice", "reply", "code")):
        rows = await send(h, kind, 100, n * 100)
        await h.advance("30s")
        left[kind] = await sent(h) - sum(left.values())
        assert {r["status"] for r in rows} <= {"sending", "queued", "expired"}
    assert left == {"bulk": 85, "notice": 5, "reply": 5, "code": 5}
    assert await spent(h) == 100 * CENT
    rows = [r for r in await h.outgoing() if r["status"] == "expired"]
    assert all("the cap of 1.00 EUR a day for all texts is reached; so late" in r["detail"] for r in rows)


async def test_what_is_still_worth_it_leaves_on_the_next_day(house: Any, prices: Path) -> None:
    h = await opened(house, prices, lanes={"notice": 0.05}, stops={"notice": 1.0})
    await send(h, "notice", 8, valid=2 * 86_400.0)
    await h.settle()
    assert await sent(h) == 5
    held = [r for r in await h.outgoing() if r["status"] == "queued"]
    assert {r["detail"] for r in held} == {"the cap of 0.05 EUR a day for lane notice is reached"}
    page = await h.http.post("/", data={"q": held[0]["number"]}, follow_redirects=True)
    assert "Held" in page.text
    await h.advance("25h")
    assert await sent(h) == 8
    assert await spent(h) == 3 * CENT


@pytest.mark.parametrize(
    ("caps", "most"),
    [({"day": 0.5}, 42), ({"lanes": {"bulk": 0.4}}, 34), ({"lines": {LINE: 0.2}}, 17), ({"bots": {"bot": 0.1}}, 8),
     ({"day": 0}, 0), ({"day": 5, "bots": {"bot": 0.1}}, 8)],
)  # fmt: skip
async def test_each_cap_holds(house: Any, prices: Path, caps: dict[str, Any], most: int) -> None:
    h = await opened(house, prices, **caps)
    await send(h, "bulk", 100)
    await h.advance("30s")
    assert await sent(h) == most


async def test_a_cap_for_each_person(house: Any, prices: Path) -> None:
    h = await opened(house, prices, contact=0.1, stops={"reply": 1.0})
    for n in range(15):
        await h.text(ANN, f"text {n}")
    await h.text(BOB, "hi")
    assert len(await h.heard(ANN)) == 10
    assert await h.heard(BOB) == ["heard hi"]
    await h.text(ANN, "STOP")
    assert len(await h.heard(ANN)) == 11, "what answers STOP passes"
    await h.text(ANN, "START")
    await h.advance("24h")
    await h.text(ANN, "new day")
    assert (await h.heard(ANN))[-1] == "heard new day"


async def test_what_does_not_leave_costs_nothing(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=1)
    await h.app.store.pause("all", "", h.clock.now())
    rows = await send(h, "notice", 20)
    assert await spent(h) == 20 * CENT, "reserved"
    await h.app.sends.cancel(
        await h.app.store.rows("of_ids", ids='["' + '","'.join(r["id"] for r in rows[:5]) + '"]'), "me"
    )
    assert await spent(h) == 15 * CENT
    await h.app.store.resume("all", "", h.clock.now())
    h.provider.next = ["400"] * 3
    h.app.timers.kick()
    await h.advance("5s")
    assert await spent(h) == 12 * CENT, "refused"
    assert await sent(h) == 12


async def test_who_opted_out_costs_nothing(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=1)
    await h.text(ANN, "STOP")
    before = await spent(h)
    sends = h.app.sends
    await sends.send(sends.line(LINE), [Wish(ANN, "x")], Terms("notice"))
    assert await spent(h) == before == CENT, "the confirmation alone"


async def test_a_report_tells_the_price_and_that_counts(house: Any, prices: Path) -> None:
    from smsbot.core.message import Receipt
    from smsbot.core.status import Status
    from smsbot.stores.base import Report

    h = await opened(house, prices, day=1)
    (row,) = await send(h, "notice")
    await h.settle()
    for n, (price, currency, wanted) in enumerate(
        ((0.02, "EUR", 2), (0.5, "USD", 2), (0.03, "", 3), (-4.0, "EUR", 3), (1e9, "EUR", 3))
    ):
        receipt = Receipt(
            "sandbox",
            f"{row['id']}-1",
            Status.DELIVERED,
            f"raw {n}",
            h.clock.now(),
            row["id"],
            price=price,
            currency=currency,
        )
        await h.app.store.report([Report(receipt)])
        assert await spent(h) == wanted * CENT, (price, currency)
        assert await spent(h, "lane", "notice") == wanted * CENT


async def test_many_at_once_never_exceed_a_cap(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=3, stops={"notice": 1.0})
    await asyncio.gather(*(send(h, "notice", 10, n * 10) for n in range(60)))
    await h.advance("10s")
    assert await sent(h) == 300
    assert await spent(h) == 300 * CENT


async def test_the_desk_is_told_at_eighty_per_cent_once_a_day(house: Any, prices: Path) -> None:
    class Heard:
        name = "test"

        def __init__(self) -> None:
            self.words: list[str] = []

        async def tell(self, words: str, facts: Any) -> str:
            self.words.append(words)
            return ""

    h, heard = await opened(house, prices, day=1, lanes={"bulk": 50}), Heard()
    alerts = Alerts(h.app.store, [heard], h.clock, "https://x.test", budget=h.app.leaving.budget)
    await send(h, "notice", 79)
    await alerts.once()
    assert heard.words == []
    await send(h, "notice", 1, 79)
    await alerts.once()
    await send(h, "notice", 1, 80)
    await alerts.once()
    assert heard.words == [
        "1 cap is nearly reached: https://x.test/overview\n· all texts: 0.80 EUR of 1.00 EUR today (80%)"
    ]
    await h.advance("24h")
    await alerts.once()
    assert len(heard.words) == 1
    assert [use.spent for use in await uses(h.app.store, h.app.leaving.budget, h.clock.now())] == [0, 0]


async def test_without_prices_nothing_is_counted(house: Any) -> None:
    h: House = await house(echo())
    await h.text(ANN, "hi")
    assert await h.app.store.rows("spending_since", since="") == []


@pytest.mark.parametrize(
    ("number", "why"),
    [("+33612345678", "sends nothing to FR; it serves PL, DE"), ("+48700123456", "premium"), ("+881612345678", "premium"),
     ("+4915112345678", ""), (ANN, "")],
)  # fmt: skip
async def test_whom_a_line_does_not_serve(house: Any, number: str, why: str) -> None:
    h: House = await house(echo(), line_settings={LINE: LineSettings(countries=("PL", "DE"))})
    sends = h.app.sends
    for kind in ("notice", "code", "reply"):
        await sends.send(sends.line(LINE), [Wish(number, kind)], Terms(kind))
    await h.settle()
    assert len(await h.heard(number)) == (0 if why else 3)
    assert all(why in r["detail"] for r in await h.outgoing())


async def test_what_was_reserved_yesterday_is_counted_on_the_day_it_leaves(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=0.1, stops={"notice": 1.0})
    await h.begin_at(1_780_088_400.0)  # 29 May, 23:00 in Warsaw
    await h.app.store.pause("lane", "notice", h.clock.now())
    await send(h, "notice", 10, valid=3 * 86_400.0)
    await h.advance("2h")
    await send(h, "notice", 10, 10, valid=3 * 86_400.0)
    await h.app.store.resume("lane", "notice", h.clock.now())
    h.app.timers.kick()
    await h.advance("1m")
    assert await sent(h) == 10, "no more than the day may cost"
    assert await spent(h) == 10 * CENT


async def test_help_passes_a_cap(house: Any, prices: Path) -> None:
    h = await opened(house, prices, day=0)
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == []
    await h.text(ANN, "HELP")
    assert len(await h.heard(ANN)) == 1


async def test_the_answer_to_stop_and_help_waits_for_nothing_that_a_cap_keeps(house: Any, prices: Path) -> None:
    bot = Bot()

    @bot.fallback
    def kept(chat: Chat) -> None:
        chat.say("much later", valid="3d")

    money = MoneySettings.model_validate({"prices": prices, "day": 0})
    h: House = await house(bot, settings={"money": money})
    await h.text(ANN, "hi")
    assert await h.heard(ANN) == []
    await h.text(ANN, "HELP")
    assert len(await h.heard(ANN)) == 1
    await h.text(ANN, "STOP")
    assert len(await h.heard(ANN)) == 2


@pytest.mark.parametrize("kind", ["notice", "bulk"])
async def test_what_a_cap_keeps_goes_before_none_of_its_conversation(house: Any, tmp_path: Path, kind: str) -> None:
    """Of six texts at once the cap lets some leave today, one behind the other; the rest leaves later, in its order."""
    (tmp_path / "prices.toml").write_text('currency = "EUR"\n[messageflow]\n"*" = 0.01\n')
    money = MoneySettings(prices=tmp_path / "prices.toml", contact=0.05)
    own = LineSettings(quiet="never", pace=0, per_minute=0, rate=1)
    h: House = await house(echo(), settings={"money": money}, line_settings={LINE: own})
    sends, texts = h.app.sends, [f"text {n}" for n in range(6)]
    for text in texts:
        await sends.send(sends.line(LINE), [Wish(ANN, text)], Terms(kind))
    await h.advance("1m")
    today = await h.heard(ANN)
    assert today == texts[: len(today)]
    assert 1 < len(today) < len(texts)
    await h.restart()
    await h.advance("3d")
    assert await h.heard(ANN) == texts
