from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsbot import Bot, Chat, RouteError, Router
from smsbot.core.conversation import Conversation
from smsbot.core.message import Key
from smsbot.understanding.patterns import compile_pattern, unread
from smsbot.understanding.words import tokens


@pytest.mark.parametrize(
    ("pattern", "text", "values"),
    [
        ("pizza", "PIZZA!!", {}),
        ("pizza", "pizza two", None),
        ("order {qty:int} {size}", "ORDER#2 large", {"qty": 2, "size": "large"}),
        ("order {qty:int} {size}", "order two large", None),
        ("order{qty:int}", "order12", {"qty": 12}),
        ("note ...", "Note: buy Milk, 2 l!", {"rest": "buy Milk, 2 l!"}),
        ("note ...", "note", {"rest": ""}),
        ("{who} likes {what}", "Ann likes Łódź", {"who": "Ann", "what": "Łódź"}),
        ("zażółć", "ZAZOLC", {}),
        ("get {n:int}", "get " + "9" * 40, None),
        ("a…", "a b c", {"rest": "b c"}),
    ],
)
def test_patterns(pattern: str, text: str, values: dict[str, Any] | None) -> None:
    taken = compile_pattern(pattern).match(text, tokens(text), unread)
    assert (None if taken is None else taken.values) == values


@pytest.mark.parametrize("pattern", ["", "!!!", "order {", "order }", "{a} {a}", "... more", "{1x}", "{a:float}", "{}"])
def test_patterns_that_cannot_work(pattern: str) -> None:
    with pytest.raises(RouteError):
        compile_pattern(pattern).resolved()


@given(st.text(max_size=200))
def test_any_text_finds_a_route_or_none(text: str) -> None:
    bot = Bot()
    bot.on("pizza", "order {qty:int}", "note ...", "{a} {b}")(lambda: None)
    key = Key("7255", "+48600100200")
    bot.table("7255").match(text, tokens(text), Conversation(key))


@pytest.mark.parametrize("text", ["pizza please", "Please, PIZZA", "poproszę pizza", "pizza, dzięki!"])
def test_politeness_is_filler(text: str) -> None:
    bot = Bot()
    bot.on("pizza")(lambda: None)
    match = bot.table("7255").match(text, tokens(text), Conversation(Key("7255", "+48600100200")))
    assert match is not None
    assert match.route.trigger == "pizza"


def broken_handlers() -> list[tuple[str, Any]]:
    def unknown(chta: Chat) -> None: ...

    def star(*args: Any) -> None: ...

    def hole(size: str) -> None: ...

    async def blocking(chat: Chat) -> None: ...

    return [
        ('did you mean "chat"', lambda: Bot().on("x")(unknown)),
        ("names its arguments", lambda: Bot().on("x")(star)),
        ('nothing fills the argument "size"', lambda: Bot().on("order {qty:int}")(hole)),
        ("blocking=True is for sync", lambda: Bot().on("x", blocking=True)(blocking)),
        ("at least one keyword", lambda: Bot().on()(unknown)),
        ("at least one keyword", lambda: Bot().on(unknown)),  # type: ignore[arg-type]
        ("takes a name", lambda: Bot().state(unknown)),  # type: ignore[arg-type]
        ('did you mean "delivered"', lambda: Bot().on_delivery("delivred")),
        ("needs a return annotation", lambda: Bot().provide(lambda: 1)),
        ("a middleware is async", lambda: Bot().middleware(lambda chat, call_next: None)),
    ]


@pytest.mark.parametrize(("message", "make"), broken_handlers())
def test_a_wrong_decorator_is_an_error_at_import(message: str, make: Any) -> None:
    with pytest.raises(RouteError, match=message):
        make()


def test_an_error_shows_the_place_and_the_line() -> None:
    def handler(txet: str) -> None: ...

    with pytest.raises(RouteError) as caught:
        Bot().on("x")(handler)
    message = str(caught.value)
    assert 'did you mean "text"' in message
    assert f"{__file__}:" in message
    assert "| def handler(txet: str) -> None: ..." in message


def test_two_handlers_for_one_keyword_are_found_at_import() -> None:
    bot = Bot()
    bot.on("pizza")(lambda: None)
    with pytest.raises(RouteError, match="two handlers want on PIZZA"):
        bot.on("PIZZA")(lambda: None)
    bot.fallback(lambda: None)
    with pytest.raises(RouteError, match="two handlers want fallback"):
        bot.fallback(lambda: None)


def test_two_handlers_of_two_routers_are_found_when_the_table_is_built() -> None:
    bot, router = Bot(), Router()
    bot.on("pizza")(lambda: None)
    router.on("pizza")(lambda: None)
    bot.include(router, line="7255")
    bot.table("7256")
    with pytest.raises(RouteError, match="two handlers want"):
        bot.table("7255")
