"""The commands of an author: new, check, test, graph, schema, explain, phone, and the reload of `dev`."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.core.codes import CODES
from smsbot.flows import schema

from ..conftest import sampled
from ..processes import ROOT, free_port, running, smsbot


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A new bot, as `smsbot new` makes it."""
    made = smsbot("new", "clinic", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "clinic"


@pytest.mark.parametrize("template", sampled(["order", "appointment", "survey", "python"], "python"))
def test_each_template_is_right_and_its_stories_pass(tmp_path: Path, template: str) -> None:
    assert smsbot("new", "x", "-t", template, folder=tmp_path).returncode == 0
    checked = smsbot("check", folder=tmp_path / "x")
    assert (checked.returncode, "0 errors, 0 warnings" in checked.stdout) == (0, True), checked.stdout
    told = smsbot("test", folder=tmp_path / "x")
    assert told.returncode == 0, told.stdout + told.stderr
    assert template == "python" or "\nflow: x\n" in (tmp_path / "x" / "flows" / "x.yaml").read_text()
    assert (tmp_path / "x" / ".env.example").is_file()
    assert (tmp_path / "x" / "Dockerfile").is_file()


@pytest.mark.slow
def test_new_knows_where_and_in_what_language(tmp_path: Path) -> None:
    made = smsbot("new", "x", "-t", "python", "--country", "gb", "--language", "en", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    assert 'country = "GB"' in (tmp_path / "x" / "smsbot.toml").read_text()
    assert 'Bot(language="en")' in (tmp_path / "x" / "bot.py").read_text()
    assert smsbot("new", "y", "--language", "fr", folder=tmp_path).returncode == 0
    assert 'Bot(flows="flows", language="fr")' in (tmp_path / "y" / "bot.py").read_text()
    assert smsbot("new", "pick_slot", "-t", "appointment", folder=tmp_path).returncode == 0  # as its second flow
    for name in ("x", "y", "pick_slot"):
        assert smsbot("check", folder=tmp_path / name).returncode == 0
    wrong = smsbot("new", "z", "--country", "Poland", folder=tmp_path)
    assert (wrong.returncode, "two letters" in wrong.stderr, (tmp_path / "z").exists()) == (2, True, False)


@pytest.mark.slow
def test_new_never_writes_over_anything(clinic: Path) -> None:
    again = smsbot("new", "clinic", folder=clinic.parent)
    assert again.returncode == 2
    assert "already" in again.stderr
    assert smsbot("new", "../x", folder=clinic.parent).returncode == 2


@pytest.mark.slow
def test_check_shows_every_problem_in_every_form(clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    text = flow.read_text()
    flow.write_text(
        text.replace("ask: qty", "aks: qty").replace("then: gone", "then: gon").replace("{total}", "{totl}")
    )
    plain = smsbot("check", folder=clinic)
    assert plain.returncode == 1
    assert "\x1b" not in plain.stdout
    assert re.search(r"error\[SB604\].*\n *--> flows/clinic.yaml:\d+:\d+\n", plain.stdout)
    assert 'help: did you mean "ask"?' in plain.stdout
    found = json.loads(smsbot("check", "--json", folder=clinic).stdout)
    assert {p["code"] for p in found["problems"]} >= {"SB604", "SB610", "SB621"}
    assert {p["suggestion"] for p in found["problems"]} >= {"ask", "gone", "total"}
    github = smsbot("check", "--format", "github", folder=clinic)
    assert re.search(r"::error file=flows/clinic.yaml,line=\d+,col=\d+,title=SB604::", github.stdout)
    assert smsbot("dev", "--no-reload", folder=clinic).returncode == 3


@pytest.mark.slow
def test_dev_with_broken_flows_shows_them_until_they_are_mended(clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    good = flow.read_text()
    flow.write_text(good.replace("ask: address", "aks: address"))
    port = free_port()
    log = (clinic / "out").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "smsbot", "dev", "--port", str(port)], cwd=clinic, stdout=log, stderr=log
    )
    url = f"http://127.0.0.1:{port}"
    try:
        page = eventually(lambda: shown_at(url, 503))
        assert "flows/clinic.yaml:14:6" in page
        assert "did you mean &quot;ask&quot;?" in page
        flow.write_text(good.replace("ask: address", "ask: adress"))  # still wrong, in another way
        eventually(lambda: "is not known here" in shown_at(url, 503))
        flow.write_text(good)
        assert "smsbot" in eventually(lambda: shown_at(url, 200))
        say(url, "pizza")
        eventually(lambda: heard(url)[-1].startswith("Size?"))
    finally:
        process.terminate()
        assert process.wait(30) == 0
        log.close()


def shown_at(url: str, status: int) -> str:
    """The page, once it is answered so; else empty."""
    try:
        answer = httpx.get(f"{url}/phone", trust_env=False)
    except httpx.TransportError:
        return ""
    return answer.text if answer.status_code == status else ""


def test_check_counts_what_texts_cost(clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    flow.write_text(
        flow.read_text().replace(
            "We will call you.", "Prosimy o chwilę cierpliwości, oddzwonimy do Pana jeszcze dziś po 16"
        )
    )
    found = json.loads(smsbot("check", "--json", "--texts", folder=clinic).stdout)
    cost = next(c for c in found["texts"] if c["encoding"] == "UCS-2")
    assert (cost["segments"], cost["forced"]) == (1, ["ę", "ś"])
    flow.write_text(flow.read_text().replace("dziś po 16", "dziś po godzinie 16, dobrze?"))
    found = json.loads(smsbot("check", "--json", folder=clinic).stdout)
    assert [p["code"] for p in found["problems"]] == ["SB651"]


def test_check_of_one_file_uses_the_actions_of_its_bot(clinic: Path) -> None:
    assert smsbot("check", "flows/clinic.yaml", folder=clinic).returncode == 0
    (clinic / "smsbot.toml").unlink()
    alone = smsbot("check", "flows/clinic.yaml", folder=clinic)
    assert alone.returncode == 1
    assert "SB630" in alone.stdout


@pytest.mark.slow
def test_a_failing_story_is_shown_and_updated(clinic: Path) -> None:
    story = clinic / "flows" / "stories" / "clinic.story.yaml"
    story.write_text(story.read_text().replace("On its way!", "It comes!"))
    failed = smsbot("test", folder=clinic)
    assert failed.returncode == 1
    assert re.search(
        r"FAIL .*\nflows/stories/clinic.story.yaml:\d+  after .*\n  expected  It comes!\n  got +On its way!",
        failed.stdout,
    )
    assert "2 passed, 1 failed" in failed.stdout
    document = json.loads(smsbot("test", "--json", folder=clinic).stdout)
    assert (document["passed"], document["failed"]) == (2, 1)
    updated = smsbot("test", "--update", folder=clinic)
    assert (updated.returncode, "updated" in updated.stderr) == (0, True), updated.stdout
    assert smsbot("test", folder=clinic).returncode == 0
    assert 'bot: "Size? *"' in story.read_text()


@pytest.mark.slow
def test_no_stories_is_exit_5_and_a_broken_one_exit_1(clinic: Path) -> None:
    shutil.rmtree(clinic / "flows" / "stories")
    assert smsbot("test", folder=clinic).returncode == 5
    (clinic / "flows" / "x.story.yaml").write_text("story: x\nscirpt: []\n")
    broken = smsbot("test", folder=clinic)
    assert broken.returncode == 1
    assert 'did you mean "script"?' in broken.stderr
    assert smsbot("check", folder=clinic).returncode == 1


@pytest.mark.slow
def test_graph_draws_mermaid_and_svg(clinic: Path) -> None:
    mermaid = smsbot("graph", "clinic", folder=clinic)
    assert mermaid.stdout.startswith("flowchart TD\n")
    assert '-->|"no"| s_size' in mermaid.stdout
    drawn = smsbot("graph", "flows/clinic.yaml", "-o", "p.svg", folder=clinic)
    assert drawn.returncode == 0
    root = ET.parse(clinic / "p.svg").getroot()
    assert len(root.findall("{http://www.w3.org/2000/svg}rect")) == 8
    wrong = smsbot("graph", "clinik", folder=clinic)
    assert (wrong.returncode, 'did you mean "clinic"?' in wrong.stderr) == (2, True)


def test_the_schema_knows_every_key(clinic: Path) -> None:
    found = json.loads(smsbot("schema", folder=clinic).stdout)
    assert set(found["properties"]) == set(schema.FLOW)
    assert set(found["$defs"]["step"]["properties"]) == set(schema.STEP)
    head = (clinic / "flows" / "clinic.yaml").read_text().partition("\n")[0]
    assert head == "# yaml-language-server: $schema=../flow.schema.json"
    assert json.loads((clinic / "flow.schema.json").read_text()) == found


def test_every_code_is_explained_and_used() -> None:
    listed = smsbot("explain").stdout
    assert all(code in listed for code in CODES)
    assert CODES["SB610"][0] in smsbot("explain", "sb610").stdout
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "smsbot").rglob("*.py") if p.name != "codes.py")
    assert set(re.findall(r'"(SB6\d\d)"', source)) - {"SB600"} == set(CODES)


# -- dev ------------------------------------------------------------------------------------------------


def eventually(check: Callable[[], Any], patience: float = 15.0) -> Any:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            found = check()
        except (httpx.TransportError, AssertionError, IndexError):
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def heard(url: str) -> list[str]:
    rows = httpx.get(f"{url}/sandbox/phones/+48600100200/texts", trust_env=False).json()
    return [r["text"] for r in rows if r["direction"] == "out"]


def say(url: str, text: str, number: str = "+48600100200") -> None:
    answer = httpx.post(f"{url}/sandbox/phones/{number}/texts", json={"text": text}, trust_env=False)
    assert answer.status_code == 202


def banner(url: str) -> str:
    with httpx.stream("GET", f"{url}/live", trust_env=False, timeout=5.0) as stream:
        lines = stream.iter_lines()
        for line in lines:
            if line == "event: banner":
                return str(json.loads(next(lines).removeprefix("data: ")))
    return ""


@pytest.mark.slow
def test_a_folder_matters_that_may_hold_bots_not_what_a_server_keeps_beside_its_database(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text('from smsbot import Bot\n\nbot = Bot(flows=".")\n')
    with running("dev", "bot.py", folder=tmp_path, log=tmp_path / "log"):
        for folder, file in (("data", "words.db"), ("smsbot.backup", "notes.txt")):
            made = tmp_path.with_name(f"{tmp_path.name}-made")
            made.mkdir()
            (made / file).touch()
            made.rename(tmp_path / folder)  # whole at once
        time.sleep(2.0)
        assert "reloaded" not in (tmp_path / "log").read_text()
        (tmp_path / "shop").mkdir()
        eventually(lambda: (tmp_path / "log").read_text().count("reloaded in") == 1)
        (tmp_path / "shop" / "prices.yaml").write_text('texts: {price: "$8"}\n')
        eventually(lambda: (tmp_path / "log").read_text().count("reloaded in") == 2)


@pytest.mark.slow
def test_an_edit_is_taken_up_and_a_broken_one_shown_while_the_last_good_version_answers(clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    good = flow.read_text()
    with running("dev", folder=clinic, log=clinic / "log") as process:
        url = process.url
        say(url, "pizza")
        eventually(lambda: heard(url)[-1].startswith("Size?"))
        flow.write_text(good.replace("How many (1-9)?", "How many pizzas?"))
        eventually(lambda: "reloaded" in (clinic / "log").read_text())
        say(url, "2")
        eventually(lambda: heard(url)[-1] == "How many pizzas?")
        flow.write_text(good.replace("ask: address", "aks: address"))
        shown = eventually(lambda: banner(url))
        assert "flows/clinic.yaml:14:6" in shown
        assert 'did you mean "ask"?' in shown
        say(url, "3")
        eventually(lambda: heard(url)[-1] == "Delivery address?")
        (clinic / "bot.py").write_text("import nothing_like_it\n")
        eventually(lambda: "nothing_like_it" in banner(url))
        (clinic / "bot.py").write_text((ROOT / "smsbot" / "cli" / "templates" / "order.py").read_text())
        flow.write_text(good.replace("On its way!", "It comes!"))
        eventually(lambda: banner(url) == "" and (clinic / "log").read_text().count("reloaded in") == 2)
        say(url, "Main St")
        time.sleep(5.5)  # the answer settles
        eventually(lambda: heard(url)[-1] == "3 x M, $33. OK? YES or NO")
        say(url, "yes")
        eventually(lambda: heard(url)[-1] == "It comes!")
        assert process.stop() == 0


@pytest.mark.slow
def test_dev_killed_leaves_nothing_behind(clinic: Path) -> None:
    for _ in range(2):
        with running("dev", folder=clinic, log=clinic / "log") as process:
            say(process.url, "pizza")
            eventually(lambda url=process.url: heard(url))  # type: ignore[misc]
            process.kill()


@pytest.mark.slow
def test_dev_sends_what_is_under_way_before_it_ends(clinic: Path) -> None:
    """Its texts leave for its own sandbox, which must listen until they have: connections of what comes too late wait."""

    with running("dev", folder=clinic, log=clinic / "log") as process, ThreadPoolExecutor() as other:
        for n in range(40):
            say(process.url, "pizza", f"+486001002{n:02d}")
        eventually(lambda: heard(process.url))
        walk = other.submit(httpx.post, f"{process.url}/sandbox/clock", json={"advance": "6m"}, timeout=60)
        time.sleep(0.3)  # forty reminders come due one after the other
        assert process.stop() == 0
        with suppress(httpx.TransportError):  # on a busy machine it may still have waited to be accepted
            assert walk.result().status_code in (200, 503)
    with closing(sqlite3.connect(clinic / "smsbot.db")) as db:
        ways = dict(db.execute("SELECT status, count(*) FROM outgoing GROUP BY status").fetchall())
    assert sum(ways.values()) > 0
    assert not ways.keys() & {"sending", "unknown"}, ways


@pytest.mark.slow
def test_the_phone_in_the_terminal(clinic: Path) -> None:
    with running("dev", folder=clinic, log=clinic / "log"):
        lines = "piza\n/state\n/jump 5m\n2\n/save my order\n/quit\nnever\n"
        phone = smsbot("phone", folder=clinic, text=lines)
        assert phone.returncode == 0, phone.stderr
        assert phone.stdout.splitlines() == [
            "you> piza", "bot> Size? 1) Small $8  2) Medium $11  3) Large $14", "bot> Still hungry? Reply 1, 2 or 3.",
            "you> 2", "bot> How many (1-9)?",
        ]  # fmt: skip
        assert "clinic › size  flows/clinic.yaml:9" in phone.stderr
    assert smsbot("test", "-q", "flows/stories/my-order.story.yaml", folder=clinic).returncode == 0
    alone = smsbot("phone", folder=clinic, text="hi\n")
    assert (alone.returncode, "smsbot dev" in alone.stderr) == (2, True)


@pytest.mark.slow
def test_the_phone_in_the_terminal_through_reloads(clinic: Path) -> None:
    flow = clinic / "flows" / "clinic.yaml"
    good, enough = flow.read_text(), threading.Event()

    def edit() -> None:
        n = 0
        while not enough.wait(1.0):
            flow.write_text(f"{good}# {(n := n + 1)}\n")

    with running("dev", folder=clinic, log=clinic / "log"):
        editing = threading.Thread(target=edit)
        editing.start()
        try:
            phone = smsbot("phone", folder=clinic, text="pizza\n/jump 5m\n" * 6 + "/quit\n")
        finally:
            enough.set()
            editing.join()
        assert phone.returncode == 0, phone.stderr
        assert phone.stdout.splitlines()[1].startswith("bot> Size?")
    assert (clinic / "log").read_text().count("reloaded in") > 1


@pytest.mark.slow
def test_two_targets_get_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("flow: a\nstart: a\nsteps: [{say: A}]\n")
    (tmp_path / "b.yaml").write_text("flow: b\nstart: b\nsteps: [{say: B}]\n")
    with running("dev", "--no-reload", "a.yaml", "b.yaml", folder=tmp_path, log=tmp_path / "log") as process:
        for line, text in (("+48732000111", "a"), ("+48732000112", "b")):
            url = f"{process.url}/sandbox/phones/+48600100200/texts"
            httpx.post(url, json={"text": text, "to": line}, trust_env=False)
        assert eventually(lambda: sorted(heard(process.url)) == ["A", "B"])
