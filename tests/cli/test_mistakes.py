"""Wrong files, folders and input: one plain error each, never a traceback, and nothing of another program is touched."""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from ..conftest import sampled
from ..processes import ROOT, SMSBOT, clean_environment, running, smsbot

TRACE = ("trace", "+48600100200")
BOT = "from smsbot import Bot, Chat\nbot = Bot()\n"


@pytest.mark.slow
def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
        db.execute("CREATE TABLE x (y)")
    before = (tmp_path / "other.db").read_bytes()
    (tmp_path / "b.py").write_text(BOT)
    for command in (("dev", "--no-reload", "b.py"), ("tail",), ("trace", "+48600100200"), ("doctor", "--offline")):
        done = smsbot(*command, "--db", "other.db", folder=tmp_path)
        said = done.stdout + done.stderr
        assert done.returncode, said
        assert "another program" in said or "is not smsbot's" in said
    assert (tmp_path / "other.db").read_bytes() == before


@pytest.mark.parametrize("command", sampled([TRACE, ("tail",), ("doctor", "--offline"), ("token", "list")], TRACE))
def test_a_newer_database_does_not_look_like_an_empty_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(tmp_path / "smsbot.db")) as db, db:
        db.execute("PRAGMA user_version=999")
    done = smsbot(*command, folder=tmp_path)
    assert done.returncode in (1, 3)
    assert "schema 999" in done.stdout + done.stderr


@pytest.mark.parametrize("command", sampled([TRACE, ("tail",), ("doctor", "--offline"), ("pause", "--list")], TRACE))
def test_an_older_database_says_that_a_start_brings_it_up_to_date(tmp_path: Path, command: tuple[str, ...]) -> None:
    old = gzip.decompress((ROOT / "tests" / "data" / "schemas" / "schema-4.db.gz").read_bytes())
    (tmp_path / "smsbot.db").write_bytes(old)
    (tmp_path / "smsbot.db").chmod(0o600)
    done = smsbot(*command, folder=tmp_path)
    assert done.returncode in (1, 3)
    assert "schema 4, and this smsbot reads" in done.stdout + done.stderr


def test_a_missing_database_asks_for_the_folder(tmp_path: Path) -> None:
    done = smsbot("trace", "+48600100200", folder=tmp_path)
    assert "there is no database" in done.stderr
    assert "is this the right folder?" in done.stderr


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    flow = ROOT / "flows" / "pizza.yaml"
    done = smsbot("graph", str(flow), "-o", "nowhere/p.svg", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "error: nowhere/p.svg: No such file or directory\n")


@pytest.mark.slow
def test_a_phone_takes_any_bytes(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(BOT + "@bot.fallback\ndef f(text: str) -> str:\n    return f'got {text}'\n")
    with running("dev", "--no-reload", "b.py", folder=tmp_path, log=tmp_path / "log"):
        done = subprocess.run(
            [*SMSBOT, "phone"], input=b"caf\xe9\n", cwd=tmp_path, env=clean_environment(), capture_output=True, timeout=60, check=False
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"got caf" in done.stdout
    assert "\x1b" not in (tmp_path / "log").read_text(), "no colours in a file"


STOP = '@bot.on("stop")\ndef stop(): pass\n'
HELP = '@bot.on("help")\ndef help_(): pass\n'
TWINS = "".join(f'@bot.on("{n}")\nasync def a(chat: Chat):\n    await chat.ask("?")\n' for n in "xy")


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [(STOP, 3, "opts people out"), (HELP, 3, "write @bot.anywhere"), (TWINS, 6, "another conversation called a()")],
)
def test_check_finds_what_a_start_would_refuse(tmp_path: Path, code: str, line: int, said: str) -> None:
    (tmp_path / "b.py").write_text(BOT + code)
    done = smsbot("check", "--json", "b.py", folder=tmp_path)
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, problem["code"], problem["line"]) == (1, "SB101", line)
    assert said in problem["message"]
    assert problem["path"].endswith("b.py")


def test_a_doctor_sees_it_too(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(BOT + STOP)
    (tmp_path / "smsbot.toml").write_text('[bots.b]\ntarget = "b.py"\nlines = ["7255"]\n')
    done = smsbot("doctor", "--json", "--offline", folder=tmp_path)
    (bots,) = [c for c in json.loads(done.stdout)["checks"] if c["check"] == "bots"]
    assert (done.returncode, bots["passed"]) == (1, False)
    assert "opts people out on 7255" in bots["detail"]


def test_everything_that_keeps_a_server_from_starting_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text(
        '[bots.a]\ntarget = "nowhere:bot"\nlines = ["7255"]\n[bots.b]\ntarget = "b.py"\nlines = ["7256"]\n'
        '[accounts.main]\n[accounts.x]\ngateway = "http"\n[accounts.y]\ngateway = "http"\nurl = "http://z"\n'
        '[lines."7255"]\naccount = "x"\n[lines."7256"]\naccount = "y"\n'
    )
    (tmp_path / "b.py").write_text(BOT + "@bot.on_errror\ndef f(): pass\n")
    done = smsbot("run", folder=tmp_path)
    assert done.returncode == 3
    for problem in (
        "PUBLIC_URL is missing", "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION is missing", "accounts.x.url: is missing",
        "accounts.y.url: must be https", "there is no module nowhere", "did you mean on_error?",
    ):  # fmt: skip
        assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_loaded_is_told_to_programs_too(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(BOT + "@bot.on_errror\ndef f(): pass\n")
    done = smsbot("check", "--json", "b.py", folder=tmp_path)
    (problem,) = json.loads(done.stdout)["problems"]
    assert (done.returncode, problem["code"], problem["line"]) == (2, "SB101", 3)
    assert "did you mean on_error?" in done.stderr
    done = smsbot("check", "--format", "github", "b.py", folder=tmp_path)
    assert done.stdout.startswith("::error file=")
    done = smsbot("check", "--json", folder=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["problems"][0]["code"]) == (3, "SB201")


def test_a_new_bot_keeps_its_secrets_out_of_its_image(tmp_path: Path) -> None:
    assert smsbot("new", "clinic", folder=tmp_path).returncode == 0
    kept_out = (tmp_path / "clinic" / ".dockerignore").read_text().splitlines()
    assert {".env", "*.db", "*.db-*"} <= {*kept_out}


VERBS = """
@bot.on("go")
async def go(chat: Chat):
    chat.ask("Size?")
    size = chat.confirm("Sure?")
    a = chat.step(print)
    await chat.gather(a, chat.step(print))
    await chat.run("pizzza")
    chat.goto("sizze")
    chat.goto("size")
    chat.start("pinng", to="+48600100200")
    return await chat.run("pizza")

@bot.state("size")
def size(chat: Chat): chat.start("ping", to="+48600100200")

@bot.event("ping")
def ping(chat: Chat): chat.step(print)
"""


FINE = """
from smsbot import Router
router = Router()

@router.state("rating")
def rating(chat: Chat): chat.end()

bot.include(router, line="+48732000111")

@bot.on("go {n:int}")
async def go(chat: Chat, n: int):
    question = chat.ask("Size?")
    both = chat.gather(chat.step(print), chat.step(print))
    await both
    chat.goto("rating")
    return await question

class Chatter:
    def ask(self, text): return text

@bot.provide
def chatter() -> Chatter: return Chatter()

@bot.fallback
def other(chatter: Chatter):
    chatter.ask("x")
"""
USED = 'flow: book\ndefaults: {timeout: 5m}\nstart: "book {n:int} {day}"\nsteps:\n  - {ask: a, say: "{n} on {day}?"}\n'


def test_what_works_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "book.yaml").write_text(USED)
    (tmp_path / "b.py").write_text(BOT.replace("Bot()", 'Bot(flows="flows")') + FINE)
    done = smsbot("check", "--json", "b.py", folder=tmp_path)
    assert json.loads(done.stdout)["problems"] == []


def test_verbs_that_cannot_work_are_found_before_they_run(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    flow = "flow: pizza\ndefaults: {timeout: 5m}\nsteps:\n  - {ask: a, say: A?}\n"
    (tmp_path / "flows" / "pizza.yaml").write_text(flow)
    (tmp_path / "b.py").write_text(BOT.replace("Bot()", 'Bot(flows="flows")') + VERBS)
    done = smsbot("check", "--json", "b.py", folder=tmp_path)
    found = [(p["line"], p["code"], p["suggestion"]) for p in json.loads(done.stdout)["problems"]]
    assert found == [
        (6, "SB681", ""), (7, "SB681", ""), (10, "SB682", "pizza"), (11, "SB682", "size"), (13, "SB682", "ping"),
        (20, "SB681", ""),
    ]  # fmt: skip
    assert done.returncode == 1
