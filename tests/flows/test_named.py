"""Named texts: read with the flows, said by handlers and programs, counted, and proved before they are said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smsbot import Bot, Chat
from smsbot.checks.proof import examine, texts_of
from smsbot.core.errors import UsageError

from ..house import ANN, BOB, House
from ..web.api_house import allow, ask, problem

TEXTS = """\
texts:
  shipped:
    en: "Order {order} is on its way, {count} parcels."
    pl: "Paczka {order} jest w drodze ({count})."
  hours: "Mo-Fr {{9-17}}"
"""


def bot(folder: Path, text: str = TEXTS) -> Bot:
    (folder / "texts.yaml").write_text(text, encoding="utf-8")
    made = Bot(flows=folder)

    @made.on("where")
    def where(chat: Chat) -> str:
        return chat.text("shipped", order="7", count=2)

    @made.on("wrong")
    def wrong(chat: Chat) -> str:
        return chat.text("shiped")

    return made


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("texts:\n  a: \"{b\"\n", "SB626", "brace"),
        ("texts:\n  a b: x\n", "SB607", "name of a text"),
        ("texts: [x]\n", "SB606", "NAME: text"),
        ("texts:\n  a: [x, y]\n", "SB606", "not a list"),
        ("texts:\n  a: {english: x}\n", "SB607", "two letters"),
        ("texts:\n  a: x\nother: y\n", "SB604", "other"),
        ("texts:\n  a: {en: x, pl: y}\n  b: {en: z}\n", "SB650", "missing in pl"),
        (f"texts:\n  a: \"{'x' * 1600}\"\n", "SB652", "parts"),
        ("texts:\n  a: x\n  a: y\n", "SB603", "twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_texts_is_told_with_its_place(tmp_path: Path, text: str, code: str, said: str) -> None:
    problems = examine(bot(tmp_path, text))[1]
    assert (code, True) in [(p.code, said in str(p.message) or said in p.note) for p in problems], problems
    assert all(p.place.path.endswith("texts.yaml") for p in problems)


def test_one_name_in_two_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("texts: {hours: x}\n", encoding="utf-8")
    assert [p.code for p in examine(bot(tmp_path))[1]] == ["SB611"]


def test_holes_want_their_values(tmp_path: Path) -> None:
    shipped, hours = texts_of(bot(tmp_path))
    assert (shipped.holes, shipped.languages, hours.render(None, {})) == (
        ("count", "order"),
        ("en", "pl"),
        "Mo-Fr {9-17}",
    )
    assert shipped.render("pl", {"order": 1, "count": 2}) == "Paczka 1 jest w drodze (2)."
    assert shipped.render("fr", {"order": 1, "count": 2}).startswith("Order 1")
    with pytest.raises(UsageError, match="needs count"):
        shipped.render("en", {"order": 1})
    with pytest.raises(UsageError, match='did you mean "order"'):
        shipped.render("en", {"ordr": 1, "count": 2})


async def test_handlers_and_programs_say_them_in_the_persons_language(tmp_path: Path, house: Any) -> None:
    h: House = await house(bot(tmp_path))
    await allow(h)
    await h.know(BOB, {"language": "pl"})
    await h.text(ANN, "where")
    await h.text(BOB, "where")
    body = {"to": [{"to": ANN, "values": {"count": 1}}, {"to": BOB, "values": {"count": 3}}], "template": "shipped"}
    assert (await ask(h, "POST", "/messages", body | {"values": {"order": "9"}})).status_code == 202
    await h.advance("1s")
    assert await h.heard(ANN) == ["Order 7 is on its way, 2 parcels.", "Order 9 is on its way, 1 parcels."]
    assert await h.heard(BOB) == ["Paczka 7 jest w drodze (2).", "Paczka 9 jest w drodze (3)."]
    told = problem(await ask(h, "POST", "/messages", {"to": ANN, "template": "shiped"}))
    assert (told["errors"][0]["field"], "shipped" in told["detail"]) == ("template", True)
    told = problem(await ask(h, "POST", "/messages", body))
    assert [e["field"] for e in told["errors"]] == ["values"]
    listed = (await ask(h, "GET", "/templates")).json()["templates"]
    assert [(t["name"], t["holes"], t["parts"]) for t in listed] == [
        ("shipped", ["count", "order"], 1),
        ("hours", [], 1),
    ]


async def test_a_wrong_name_in_a_handler_fails_its_turn(tmp_path: Path, house: Any) -> None:
    h: House = await house(bot(tmp_path))
    await h.text(ANN, "wrong")
    assert 'did you mean "shipped"' in await h.trouble_of(ANN)
