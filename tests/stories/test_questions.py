"""Questions as developers and authors ask them: in which language they are answered, what helps, days and signs."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smsbot import Bot, Chat, integer, one_of, targets
from smsbot.core.errors import ChatError, RouteError
from smsbot.settings import BotSettings, LineSettings, Settings

from ..conftest import sampled
from ..house import ANN, LINE, House

ROOT = Path(__file__).parent.parent.parent
COUNTRIES = ("PL", "US", "FR", "ES", "")


def roses(prompt: str, **options: Any) -> Bot:
    bot = Bot(**options)

    @bot.on("roses")
    async def order(chat: Chat) -> str:
        chat.contact["asked"] = "yes"
        return "More it is." if await chat.confirm(prompt) else "Fine, no more."

    return bot


def in_yaml(folder: Path, prompt: str, more: str = "") -> Bot:
    text = f"""
flow: roses
{more}
start: roses
steps:
  - {{ask: ok, say: "{prompt}", type: yes_no, timeout: 1h, then: {{no: fine}}}}
  - {{say: "More it is.", end: done}}
asides:
  - {{id: fine, say: "Fine, no more.", end: done}}
"""
    (folder / "roses.yaml").write_text(text, encoding="utf-8")
    return Bot("roses", flows=str(folder / "roses.yaml"))


@pytest.mark.parametrize("country", sampled(COUNTRIES, "PL", ""))
@pytest.mark.parametrize("kind", ["python", "yaml"])
@pytest.mark.parametrize(
    ("word", "yes"), [("no", False), ("No.", False), ("yes", True), ("yep", True), ("nope", False)]
)
@pytest.mark.parametrize("prompt", ["5 roses, $20. More?", "5 roses, $20. More? YES or NO"])
async def test_an_english_question_is_answered_in_english_on_any_line(
    house: Any, tmp_path: Path, country: str, kind: str, word: str, yes: bool, prompt: str
) -> None:
    bot = roses(prompt) if kind == "python" else in_yaml(tmp_path, prompt)
    h: House = await house(bot, **_line(country))
    await h.text(ANN, "roses")
    await h.text(ANN, word)
    assert (await h.heard(ANN))[1:] == ["More it is." if yes else "Fine, no more."]


def _line(country: str) -> dict[str, Any]:
    return {"line_settings": {LINE: LineSettings(country=country or None)}}


@pytest.mark.parametrize(
    ("prompt", "options", "sure"),
    [
        ("Pasuje?", {}, False),  # the prompt is Polish
        ("OK?", {"language": "pl"}, False),  # the bot says so
        ("OK?", {}, True),  # nothing but the line's country says so
        ("OK?", {"language": "en"}, True),
        ("Pasuje?", {"language": "en"}, True),  # the bot's word comes before what its prompts look like
        ("More?", {}, True),
    ],
)
async def test_no_is_doubtful_only_where_the_question_is_shown_to_be_polish(
    house: Any, prompt: str, options: dict[str, Any], sure: bool
) -> None:
    h: House = await house(roses(prompt, **options))
    await h.text(ANN, "roses")
    await h.text(ANN, "no")
    assert ((await h.heard(ANN))[-1] == "Fine, no more.") is sure
    if not sure:
        await h.text(ANN, "NO!")
        assert (await h.heard(ANN))[-1] == "Fine, no more."  # the second in a row refuses


async def test_what_comes_between_two_noes_breaks_the_row(house: Any) -> None:
    h: House = await house(roses("Pasuje? Tak lub nie"))
    for text in ("roses", "no", "może", "no"):
        await h.text(ANN, text)
    assert "Fine, no more." not in await h.heard(ANN)
    await h.text(ANN, "no")
    assert (await h.heard(ANN))[-1] == "Fine, no more."


async def test_a_flow_says_which_language_it_speaks(house: Any, tmp_path: Path) -> None:
    h: House = await house(in_yaml(tmp_path, "OK?", "language: pl"))
    for text in ("roses", "no"):
        await h.text(ANN, text)
    assert await h.heard(ANN) == ["OK?", "OK? Odpisz TAK lub NIE."]


async def test_the_other_texts_of_a_bot_tell_its_language(house: Any) -> None:
    bot = Bot()

    @bot.on("roses")
    async def order(chat: Chat) -> str:
        return "Dobrze, będą." if await chat.confirm("OK?") else "Jak pan woli."

    @bot.on("godziny")
    def hours() -> str:
        return "Jesteśmy czynni od 9 do 17."

    h: House = await house(bot)
    for text in ("roses", "no"):
        await h.text(ANN, text)
    assert (await h.heard(ANN))[-1] == "OK? Odpisz TAK lub NIE."


def test_a_language_that_is_not_understood_is_an_error_at_the_bot() -> None:
    with pytest.raises(RouteError, match=r"'ne'; did you mean \"en\"\?"):
        Bot(language="ne")


# -- hints --------------------------------------------------------------------------------------------------


HINTS: list[tuple[str, Any, str]] = [
    ("Are we on?", bool, "Reply YES or NO."),
    ("Are we on? YES or NO", bool, ""),
    ("How many?", integer(1, 9), "A number from 1 to 9."),
    ("How many (1-9)?", integer(1, 9), ""),
    ("How many?", integer(least=2), "A number from 2 on."),
    ("How many?", int, "A number, such as 2."),
    ("Which size?", one_of(["S", "M", "L"]), "Reply S, M or L."),
    ("Which size, S, M or L?", one_of(["S", "M", "L"]), ""),
    ("Which day?", date, "Write the day as 24.11."),
    ("Which day, such as 1.12?", date, ""),
    ("Your name, please?" + "x" * 130, one_of(["Ann", "Bob"]), ""),  # would make two SMS of one
]


@pytest.mark.parametrize(("prompt", "kind", "hint"), HINTS)
async def test_the_second_asking_helps(house: Any, prompt: str, kind: Any, hint: str) -> None:
    bot = Bot(tries=2)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return f"{await chat.ask(prompt, kind)}"

    h: House = await house(bot)
    for text in ("go", "qqq", "www"):
        await h.text(ANN, text)
    again = f"{prompt} {hint}".strip()
    assert await h.heard(ANN) == [prompt, again, again]


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("pl", "Odpisz TAK lub NIE."),
        ("fr", "Répondez OUI ou NON."),
        ("es", "Responda SÍ o NO."),
        ("en", "Reply YES or NO."),
    ],
)
async def test_a_hint_is_in_the_language_of_the_question(house: Any, language: str, hint: str) -> None:
    h: House = await house(roses("OK?", language=language))
    for text in ("roses", "qqq"):
        await h.text(ANN, text)
    assert (await h.heard(ANN))[-1] == f"OK? {hint}"


async def test_what_is_said_after_a_doubtful_answer_is_settable(house: Any, tmp_path: Path) -> None:
    bot = Bot()

    @bot.on("go")
    async def go(chat: Chat) -> None:
        await chat.confirm("Are you in?", unsure="Yes or no?", retry="I did not get that. Are you in?")

    (tmp_path / "f.yaml").write_text(
        """
flow: f
start: flow
steps:
  - {ask: ok, say: "Are you in?", type: yes_no, unsure: "Yes or no?", retry: {say: "Pardon?"}, timeout: 1h}
""",
        encoding="utf-8",
    )
    bot.flows = (str(tmp_path / "f.yaml"),)
    h: House = await house(bot)
    for text in ("go", "maybe", "qqq"):
        await h.text(ANN, text)
    assert (await h.heard(ANN))[1:] == ["Yes or no?", "I did not get that. Are you in?"]
    await h.text(ANN, "flow")
    await h.text(ANN, "maybe")
    await h.text(ANN, "qqq")
    assert (await h.heard(ANN))[4:] == ["Yes or no?", "Pardon?"]


# -- signs and marks ----------------------------------------------------------------------------------------


SIGNS: list[tuple[dict[str, list[str]], str, str | None]] = [
    ({"A+": [], "A-": [], "A": []}, "A+", "A+"),
    ({"A+": [], "A-": [], "A": []}, "a -", "A-"),
    ({"A+": [], "A-": [], "A": []}, "a please", "A"),
    ({"A+": [], "A-": []}, "A", None),  # it could be either
    ({"C": [], "C#": [], "C++": []}, "c++", "C++"),
    ({"C": [], "C#": [], "C++": []}, "C", "C"),
    ({"$5": [], "€5": []}, "5€", "€5"),
    ({"$5": [], "€5": []}, "5", None),
    ({"good": ["😀"], "fair": ["😐"], "bad": ["😡"]}, "😡😡", "bad"),
    ({"good": ["😀"], "fair": ["😐"], "bad": ["😡"]}, "😐 thanks", "fair"),
    ({"good": ["😀"], "bad": ["😡"]}, "😀😡", None),
    ({"ki": ["कि"], "kii": ["की"]}, "की", "kii"),  # Devanagari vowel signs
    ({"near": ["ใกล้"], "far": ["ไกล"]}, "ไกล", "far"),  # Thai tone marks
    ({"dog": ["หมา"], "come": ["มา"], "horse": ["ม้า"]}, "ม้า", "horse"),
    ({"what": ["ဘာ"], "who": ["ဘယ်"]}, "ဘာ", "what"),  # Burmese
    ({"key": ["かき"], "oyster": ["がき"]}, "がき", "oyster"),  # kana voicing
    ({"half": ["ﾊﾞｽ"], "pass": ["ﾊﾟｽ"]}, "パス", "pass"),  # half-width kana
    ({"kam": ["কম"], "kami": ["কমি"]}, "কমি", "kami"),  # Bengali
    ({"yes": ["ஆம்"], "no": ["இல்லை"]}, "ஆம்", "yes"),  # Tamil
    ({"plus": ["50+"], "fifty": ["50"]}, "50+", "plus"),
]


@pytest.mark.parametrize(("options", "text", "key"), SIGNS)
async def test_signs_and_marks_tell_options_apart(
    house: Any, tmp_path: Path, options: dict[str, list[str]], text: str, key: str | None
) -> None:
    bot = Bot(tries=9)

    @bot.on("go")
    async def go(chat: Chat) -> str:
        return "got " + await chat.ask("Which?", one_of(options))

    listed = "\n".join(f'      "{k}": [{", ".join(repr(w) for w in words)}]' for k, words in options.items())
    (tmp_path / "f.yaml").write_text(
        f"flow: f\nstart: flow\nsteps:\n  - ask: x\n    say: Which?\n    timeout: 1h\n    choices:\n{listed}\n"
        '  - {say: "got {x}", end: done}\n',
        encoding="utf-8",
    )
    bot.flows = (str(tmp_path / "f.yaml"),)
    h: House = await house(bot)
    for start in ("go", "flow"):
        await h.text(ANN, start)
        await h.text(ANN, text)
        got = [t for t in await h.heard(ANN) if t.startswith("got")]
        assert got[-1:] == ([f"got {key}"] if key else [])


@pytest.mark.parametrize("options", [["S", "s"], ["a", "A!"], ["Café", "cafe"], ["x", "X."]])
def test_options_that_nobody_can_tell_apart_are_an_error(options: list[str]) -> None:
    with pytest.raises(ChatError, match="both answered by"):
        one_of(options)


async def test_keywords_may_differ_by_their_signs_alone(house: Any) -> None:
    bot = Bot()
    for word in ("c", "c#", "c++", "🍕", "+1", "-1"):
        bot.on(word)(_says(word))
    h: House = await house(bot)
    for text in ("C", "c#!", "C ++", "🍕🏽", "+1", "−1", "C please"):
        await h.text(ANN, text)
    assert await h.heard(ANN) == ["c", "c#", "c++", "🍕", "+1", "-1", "c"]


def _says(word: str) -> Any:
    def handler() -> str:
        return word

    return handler


def test_two_keywords_that_differ_by_nothing_are_an_error_at_the_decorator() -> None:
    bot = Bot()
    bot.on("c#")(_says("a"))
    with pytest.raises(RouteError, match="two handlers want"):
        bot.on("C #")(_says("b"))


# -- days ---------------------------------------------------------------------------------------------------


def days(**options: Any) -> Bot:
    bot = Bot(**options)

    @bot.on("day")
    async def day(chat: Chat) -> str:
        when = await chat.ask("Which day?", date)
        moment = await chat.ask("And when exactly?", datetime)
        return f"{when:%Y-%m-%d} {moment.astimezone(UTC):%d %H:%M} {chat.now:%d %H:%M}"

    return bot


# When it is there (UTC), the zone, what "tomorrow" is, and what "tomorrow 8am" is in UTC: over both changes of the clock.
DAYS = [
    ("2026-11-26 02:00", "America/New_York", "2026-11-26", "26 13:00"),  # 9 pm of the 25th in Washington
    ("2026-11-25 23:30", "Europe/Warsaw", "2026-11-27", "27 07:00"),  # after midnight in Warsaw
    ("2026-03-28 20:00", "Europe/Warsaw", "2026-03-29", "29 06:00"),  # summer time begins in the night
    ("2026-10-24 20:00", "Europe/Warsaw", "2026-10-25", "25 07:00"),  # and ends
    ("2026-03-08 03:00", "America/New_York", "2026-03-08", "08 12:00"),
    ("2026-11-01 02:00", "America/New_York", "2026-11-01", "01 13:00"),
    ("2026-06-01 12:30", "Pacific/Auckland", "2026-06-03", "02 20:00"),
    ("2026-06-01 05:00", "Pacific/Honolulu", "2026-06-01", "01 18:00"),
    ("2026-06-01 12:00", "UTC", "2026-06-02", "02 08:00"),
]


@pytest.mark.parametrize(("now", "zone", "tomorrow", "eight"), DAYS)
@pytest.mark.parametrize("whose", ["line", "contact"])
async def test_days_are_the_persons_days(
    house: Any, now: str, zone: str, tomorrow: str, eight: str, whose: str
) -> None:
    bot = days(language="en")

    @bot.on("here")
    def here(chat: Chat) -> None:
        chat.contact["timezone"] = zone

    settings = LineSettings(country="PL", timezone=zone if whose == "line" else "Asia/Tokyo")
    h: House = await house(bot, line_settings={LINE: settings})
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    await h.begin_at(moment.timestamp())
    if whose == "contact":
        await h.text(ANN, "here")
    for text in ("day", "tomorrow", "tomorrow 8am"):
        await h.restart()
        await h.text(ANN, text)
    there = moment.astimezone(ZoneInfo(zone))
    assert (await h.heard(ANN))[-1].rpartition(":")[0] == f"{tomorrow} {eight} {there:%d %H}"


async def test_a_flow_knows_the_persons_day(house: Any, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        'flow: f\nstart: day\nsteps:\n  - {say: "{today:%d} {now:%H:%M}", end: done}\n', encoding="utf-8"
    )
    settings = {LINE: LineSettings(country="US", timezone="America/New_York")}
    h: House = await house(Bot("f", flows=str(tmp_path / "f.yaml")), line_settings=settings)
    await h.begin_at(datetime(2026, 11, 26, 2, 0, tzinfo=UTC).timestamp())
    await h.text(ANN, "day")
    assert await h.heard(ANN) == ["25 21:00"]


async def test_ticks_follow_the_clock_of_the_line_over_both_changes(house: Any) -> None:
    bot, at = Bot(), []

    @bot.every("0 9 * * *")
    def nine(now: datetime) -> None:
        at.append(now)

    settings = {LINE: LineSettings(country="US", timezone="America/New_York")}
    h: House = await house(bot, line_settings=settings)
    for day in (datetime(2026, 3, 7, 15, tzinfo=UTC), datetime(2026, 10, 31, 15, tzinfo=UTC)):
        await h.begin_at(day.timestamp())
        await h.advance("48h")
    assert [f"{t.astimezone(UTC):%m-%d %H:%M}" for t in at] == [
        "03-08 13:00",
        "03-09 13:00",
        "11-01 14:00",
        "11-02 14:00",
    ]


def test_a_zone_that_does_not_exist_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean Europe/Warsaw"):
        LineSettings(timezone="Europe/Warsav")


def test_a_country_of_several_zones_is_told() -> None:
    lines = {"+12025550143": LineSettings(), "7255": LineSettings(country="ES", timezone="Atlantic/Canary")}
    bots = {"a": BotSettings(target="x", lines=("+12025550143", "7255", "+48732000111"))}
    settings = Settings.model_construct(bots=bots, lines=lines, accounts={})
    assert [settings.timezone(n) for n in bots["a"].lines] == ["America/New_York", "Atlantic/Canary", "Europe/Warsaw"]
    (told,) = settings.unsure_zones()
    assert "America/New_York" in told
    assert 'timezone = "…" under [lines."+12025550143"]' in told


# -- the example bots, on lines of four countries -----------------------------------------------------------

EXAMPLES = {
    "bots/pizza.py:bot": (["pizza 2", "L", "Long Street", "4"], "On its way!"),
    "bots/survey.py:bot": (["survey", "3", "more light"], None),
    "flows/pizza.yaml": (["pizza 2", "large", "Long Street 4"], "On its way!"),
    "flows/faq.yaml": (["faq", "hours"], None),
}


@pytest.mark.parametrize("country", ["PL", "US", "FR", "ES"])
@pytest.mark.parametrize("target", EXAMPLES)
@pytest.mark.parametrize("word", ["yes", "yep", "no", "nope"])
async def test_example_bots_understand_yes_and_no_everywhere(
    house: Any, monkeypatch: pytest.MonkeyPatch, country: str, target: str, word: str
) -> None:
    monkeypatch.chdir(ROOT)
    bot = targets.load(target)
    if target.startswith("flows"):
        bot.borrow(targets.load("flows/bot.py"))
    texts, yes = EXAMPLES[target]
    h: House = await house(bot, line_settings={LINE: LineSettings(country=country)})
    for text in texts:
        await h.text(ANN, text)
        await h.advance("10s")
    asked = (await h.heard(ANN))[-1]
    assert "YES or NO" in asked, await h.heard(ANN)
    await h.text(ANN, word)
    after = (await h.heard(ANN))[-1]
    assert after != asked
    assert not after.startswith(asked)
    if yes is not None:
        assert (after == yes) is (word in ("yes", "yep"))
