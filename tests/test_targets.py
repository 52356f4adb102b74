"""What is said of a bot's file that cannot be used: what, where, and how it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot import targets
from smsbot.core.errors import SmsbotError


def refused(folder: Path, code: str) -> SmsbotError:
    """What is said of a bot's file that cannot be loaded."""
    (folder / "b.py").write_text(f"from smsbot import Bot\n{code}\n")
    with pytest.raises(SmsbotError) as error:
        targets.load("b.py", folder)
    return error.value


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("@bot.on_delivery\ndef f(): pass", 3, "write @bot.on_delivery(), with parentheses"),
        ("@bot.every\ndef f(): pass", 3, 'write @bot.every("0 9 * * *")'),
        ("@bot.every(5)\ndef f(): pass", 3, 'write @bot.every("0 9 * * *")'),
        ("@bot.fallback()\ndef f(): pass", 3, "@bot.fallback is written without parentheses"),
        ("@bot.action()\ndef f(): pass", 3, "@bot.action is written without parentheses"),
        ("@bot.provide()\ndef f(): pass", 3, "@bot.provide is written without parentheses"),
        ('@bot.on("pizza", typo=1)\ndef f(): pass', 3, "bot.on() has no typo=; did you mean typos=?"),
        ("Bot(timout=5)", 3, "Bot() has no timout=; did you mean timeout=?"),
        ("@bot.on_errror\ndef f(): pass", 3, "a bot has no on_errror; did you mean on_error?"),
        ("Wrong = Bot\n@Wrong.fallback\ndef f(): pass", 4, "on a bot: bot = Bot()"),
        ('Wrong = Bot\n@Wrong.on("x")\ndef f(): pass', 4, "not how a decorator of smsbot is written"),
        ("1 / 0", 3, "cannot be imported: ZeroDivisionError"),
        ("import sys\nsys.exit(3)", 4, "it ended Python"),
    ],
)
def test_mistakes_are_named_at_their_line(tmp_path: Path, code: str, line: int, said: str) -> None:
    error = refused(tmp_path, f"bot = Bot()\n{code}")
    assert said in str(error)
    assert f"{tmp_path}/b.py:{line}" in str(error)
    if "cannot be imported" not in said and "ended" not in said:
        assert error.code == "SB101", "which says where to look"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("a = Bot()\nb = Bot()", "defines 2 bots; name one, such as b.py:a"),
        ("", "defines no bots; write: bot = Bot()"),
    ],
)
def test_which_bot_is_meant(tmp_path: Path, code: str, said: str) -> None:
    assert said in str(refused(tmp_path, code))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Router:\n    def mount(self): pass\nRouter().mount(b=1)", "unexpected keyword argument 'b'"),
        ("class Bot:\n    def __init__(self, token): pass\nBot(tokn=1)", "unexpected keyword argument 'tokn'"),
        ("bot.include(None)", "include() takes a Router, not NoneType"),
    ],
)
def test_classes_of_others_are_not_explained_as_ours(tmp_path: Path, code: str, said: str) -> None:
    error = refused(tmp_path, f"bot = Bot()\n{code}")
    assert said in str(error)
    assert "did you mean" not in str(error)
