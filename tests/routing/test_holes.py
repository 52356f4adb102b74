"""What people text where a keyword has holes, and what a handler is given; what a decorator refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest

from smsbot import Bot, Chat, Contact, Message, Money, RouteError, integer
from smsbot.testing import Sim

LINE, ANN = "+48732000111", "+48600100200"


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


Colour = Literal["red", "blue"]
FEW = integer(1, 9)


def made() -> Bot:
    bot = Bot()

    @bot.on("track {code}", typos=1)
    def track(code: str) -> str:
        return f"track {code!r}"

    @bot.on("order {qty:int} {size}")
    def order(qty: int, size: str) -> str:
        return f"order {qty} {size}"

    @bot.on("book {day:date} {name}", "book {day:date}")
    def book(day: date, name: str = "nobody") -> str:
        return f"book {day} {name}"

    @bot.on("at {when:time}")
    def at(when: time) -> str:
        return f"at {when}"

    @bot.on("pay {much:money} to {whom:phone}")
    def pay(much: Money, whom: str) -> str:
        return f"pay {much} {whom}"

    @bot.on("size {size:Size}", "size")
    def size(size: Size | None) -> str:
        return f"size {size}"

    @bot.on("paint {colour:Colour} {n:FEW}")
    def paint(colour: Colour, n: int) -> str:
        return f"paint {colour} {n}"

    @bot.on("weight {kg:number}")
    def weight(kg: Decimal) -> str:
        return f"weight {kg}"

    @bot.on("name {first:word}")
    def name(first: str) -> str:
        return f"name {first}"

    @bot.on(pattern=r"(?P<plate>[A-Z]{2}\d{5})( (?P<city>\w+))?")
    def plate(plate: str, city: str | None) -> str:
        return f"plate {plate} {city}"

    def is_long(text: str, contact: Contact) -> bool:
        return len(text) > 100

    @bot.on(when=is_long)
    def long(message: Message) -> str:
        return "long"

    @bot.on("visit {day:date}")
    async def visit(chat: Chat) -> str:
        day = await chat.ask("Which day?", date)
        size = await chat.ask("Which size?", Size)
        return f"visit {day} {size.name}"

    @bot.fallback
    def unknown(text: str) -> str:
        return "?"

    return bot


@pytest.fixture
def smsbot_bot() -> Bot:
    return made()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("track 1234", "track '1234'"),
        ("track ABC", "track 'ABC'"),
        ("TRACK ABC123", "track 'ABC123'"),
        ("track 1Z999AA10123", "track '1Z999AA10123'"),
        ("Track AB-1234", "track 'AB-1234'"),
        ("track 0012/7b", "track '0012/7b'"),
        ("track #00123", "track '00123'"),
        ("track: AB_12.", "track 'AB_12'"),
        ("track (AB-12)!", "track 'AB-12'"),
        ("please track AB12-x, thanks", "track 'AB12-x'"),
        ("track ABC123\n\nSent from my iPhone", "track 'ABC123'"),
        ("trakc AB-12", "track 'AB-12'"),
        ("track +48600100200", "track '+48600100200'"),
        ("track ann@example.org", "track 'ann@example.org'"),
        ("track a.b.c", "track 'a.b.c'"),
        ("track AB 12", "?"),
        ("track", "?"),
        ("tracking AB12", "?"),
        ("ORDER#2 large", "order 2 large"),
        ("order 2 extra-large", "order 2 extra-large"),
        ("order 02 L", "order 2 L"),
        ("order 2,large", "order 2 large"),
        ("order 2.5 large", "?"),
        ("order -2 large", "?"),
        ("order 10:30 large", "?"),
        ("order two large", "?"),
        ("book 5 may", "book 2027-05-05 nobody"),
        ("book 5 may Ann", "book 2027-05-05 Ann"),
        ("book 2027-05-05 O'Hara", "book 2027-05-05 O'Hara"),
        ("book something", "?"),
        ("at 15:30", "at 15:30:00"),
        ("at 3 pm", "at 15:00:00"),
        ("pay 12.50 zł to 600 100 200", "pay 12.50 PLN +48600100200"),
        ("pay much to 600 100 200", "?"),
        ("size small", "size Size.SMALL"),
        ("size l", "size Size.LARGE"),
        ("size", "size None"),
        ("size huge", "?"),
        ("paint red 3", "paint red 3"),
        ("paint red 30", "?"),
        ("weight 2,5", "weight 2.5"),
        ("name Jean-Luc", "name Jean-Luc"),
        ("name R2D2", "?"),
        ("ga12345", "plate ga12345 None"),
        ("GA12345 Gdynia", "plate GA12345 Gdynia"),
        ("GA12345 please", "plate GA12345 None"),
        ("GA123456", "?"),
        ("word " * 30, "long"),
    ],
)
async def test_what_a_handler_is_given(sim: Sim, text: str, said: str) -> None:
    ann = sim.phone(ANN)
    await ann.text(text)
    assert ann.last == said


async def test_a_hole_answers_the_question_of_its_name(sim: Sim) -> None:
    ann = sim.phone(ANN)
    await ann.text("visit 5 may")
    assert ann.last == "Which size?"
    await sim.restart()
    await ann.text("small")
    assert ann.last == "visit 2027-05-05 SMALL"


def test_what_takes_least_is_asked_first() -> None:
    bot = Bot()
    for keyword in ("get {thing}", "get {n:int}", "get {day:date}", "get ..."):
        bot.on(keyword)(lambda: None)
    from smsbot.core.conversation import Conversation
    from smsbot.core.message import Key
    from smsbot.understanding.answers import understand
    from smsbot.understanding.words import tokens

    def route(text: str) -> str:
        found = bot.table("7255").match(
            text, tokens(text), Conversation(Key("7255", ANN)), read=lambda q, t: understand(q, t, date(2026, 11, 29))
        )
        return found.route.trigger if found else ""

    assert [route(t) for t in ("get 7", "get 5 may", "get AB-7", "get me a taxi")] == [
        "get {n:int}", "get {day:date}", "get {thing}", "get ...",
    ]  # fmt: skip


def refused() -> list[tuple[str, str, Callable[[Bot], Any]]]:
    def on(*keywords: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[[Bot], Any]]:
        return lambda handler: lambda bot: bot.on(*keywords, **more)(handler)

    @on("order {qty}")
    def text_for_a_number(qty: int) -> None: ...

    @on("order {qty:int}")
    def number_for_a_text(qty: str) -> None: ...

    @on("book {day}")
    def text_for_a_date(day: date | None) -> None: ...

    @on("size {size}")
    def text_for_an_enum(size: Size) -> None: ...

    @on("paint {colour:Colour}")
    def another_literal(colour: Literal["green"]) -> None: ...

    @on("weather", "weather in {city}")
    def absent(city: str) -> None: ...

    @on("book {day:dat}")
    def misspelt() -> None: ...

    @on("book {day:integer}")
    def makes_a_kind() -> None: ...

    @on(when=lambda text: True, pattern="x")
    def two_ways() -> None: ...

    @on("pizza", pattern="x")
    def keyword_and_pattern() -> None: ...

    @on(pattern="(x")
    def bad_pattern() -> None: ...

    async def later(text: str) -> bool:
        return True

    @on(when=later)
    def waits() -> None: ...

    def asks(chat: Chat) -> bool:
        return True

    @on(when=asks)
    def wants_a_chat() -> None: ...

    expected = {
        text_for_a_number: "{qty:int}", number_for_a_text: "qty: int", text_for_a_date: "{day:date}",
        text_for_an_enum: "{size:Size}", another_literal: "green", absent: "city: str | None", misspelt: '"date"',
        two_ways: "one of them", keyword_and_pattern: "one of them", bad_pattern: "cannot be read", waits: "not async",
        wants_a_chat: 'fills the argument "chat"',
    }  # fmt: skip
    return [(f"{n}", remedy, add) for n, (add, remedy) in enumerate(expected.items())]


@pytest.mark.parametrize(("name", "remedy", "add"), refused())
def test_a_decorator_refuses_what_does_not_agree(name: str, remedy: str, add: Callable[[Bot], Any]) -> None:
    with pytest.raises(RouteError) as told:
        add(Bot())
    assert remedy in str(told.value)
    assert "test_holes.py:" in str(told.value)


@pytest.mark.parametrize(
    ("keyword", "remedy"),
    [
        ("^track .*$", "pattern="), (r"order \d+", "pattern="), ("[A-Z]{2}", "pattern="), ("(?i)pizza", "pattern="),
        ("yes|no", "of its own"), ("(yes|no)", "of its own"), ("pizza*", "..."), ("order *", "..."), ("colou?r", "{name}"),
        ("track <code>", "{name}"), ("track :code", "{name}"), ("track $code", "{name}"), ("track [code]", "{name}"),
        ("track %s", "{name}"),
    ],
)  # fmt: skip
def test_what_looks_like_another_notation(keyword: str, remedy: str) -> None:
    with pytest.raises(RouteError) as told:
        Bot().on(keyword)(lambda: None)
    assert remedy in str(told.value)


@pytest.mark.parametrize(
    "keyword", ["C++", "A*", "A+", "5$", "US$", "what?", "*100#", "C#", "^_^", "<3", "50% off", "wi-fi"]
)
def test_signs_that_are_none(keyword: str) -> None:
    Bot().on(keyword)(lambda: None)


# -- what the code around a bot is called, and long texts -------------------------------------------


def money(amount: int) -> str:
    """Of a module that formats money, which is no kind of answer."""
    return f"{amount} zł"


def phone(number: str) -> str:
    return number


def test_kinds_of_ours_win_over_what_a_module_calls_so() -> None:
    bot = Bot()

    @bot.on("pay {x:money} by {to:phone}")
    def pay(x: Money, to: str) -> None: ...

    (route,) = bot.routes()
    assert route.trigger == "pay {x:money} by {to:phone}"


def test_a_function_that_is_no_answer_is_told() -> None:
    with pytest.raises(RouteError, match="made\\(\\) is no kind of answer"):
        Bot().on("pay {x:made}")(lambda: None)


def test_a_state_by_its_method() -> None:
    class Shop:
        def buy(self, chat: Chat) -> None: ...

        def size(self, chat: Chat, text: str) -> None: ...

    bot, shop = Bot(), Shop()
    bot.on("buy")(shop.buy)
    bot.state("size")(shop.size)
    assert bot.table("7255").named(shop.size) == "size"


@pytest.mark.parametrize(
    "pattern", ["send {what} {to} {n:int}", "{a} {b} {c} {d} {e:date}", "{a:date} {b:date} {c:date}", "x ..."]
)
@pytest.mark.parametrize("unit", ["1,", "x;", "1 ", "a-", "5 may "])
def test_long_texts_are_read_in_time(pattern: str, unit: str) -> None:
    import time

    from smsbot.understanding.answers import understand
    from smsbot.understanding.keywords import Keywords
    from smsbot.understanding.patterns import compile_pattern
    from smsbot.understanding.words import tokens

    keywords: Keywords[str] = Keywords()
    keywords.add(compile_pattern(pattern).resolved(), pattern, 1)
    text = ("send " + unit * 800)[:1600]
    began = time.process_time()
    keywords.find(text, tokens(text), lambda q, t: understand(q, t, date(2026, 11, 29)))
    keywords.near(text, tokens(text), lambda q, t: understand(q, t, date(2026, 11, 29)))
    assert time.process_time() - began < 2.0
