"""The command line, as real processes: data on stdout, the right exit code, one clear line for what is wrong."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from smsbot.testing.scripted import answers, scripted

from ..conftest import thinned
from ..processes import ROOT, Process, clean_environment, free_port, running, smsbot

ANN = "+48600100200"
BROKEN = """
[bots.pizza]
target = "bots.pizza:bot"
lines = ["+48732000111"]
[accounts.main]
gateway = "messageflow"
"""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    thinned(
        [
            (["--version"], 0, "smsbot 0."),
            (["--help"], 0, "doctor"),
            (["cuont"], 2, 'Did you mean "count"?'),
            (["count", "--nothing"], 2, "No such option"),
            (["explain", "SB303"], 0, "StoreLocked"),
            (["explain", "SB30"], 2, "did you mean"),
            (["dev", "nothing.py"], 3, "there is no file nothing.py"),
            (["dev", "bots.nothing:bot"], 3, "there is no module bots.nothing"),
            (["dev", "bots"], 3, "is a folder"),
            (["dev", "../x"], 3, "neither a file nor an import string"),
            (["dev", "bots.pizza:order"], 3, "order is not a Bot; it defines bot"),
            (["run", "bots.pizza:bot"], 3, "PUBLIC_URL is missing"),
            (["trace", "hello"], 1, "there is no database"),
            (["tail", "--db", "/nowhere/x.db"], 1, "there is no database"),
            (["hooks", "map", "main", "inbound"], 2, "name at least one field"),
            (["hooks", "map", "main", "inbound", "--status", "x"], 2, "has no field status"),
            (["send", ANN, " "], 2, "the text is empty"),
            (["send", ANN, "x" * 2000], 2, "SMS parts is refused"),
            (["doctor", "--offline", "--db", "none.db"], 0, "does not exist yet"),
        ]
    ),
)
def test_commands(arguments: list[str], code: int, said: str) -> None:
    done = smsbot(*arguments)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", {"encoding": "GSM-7", "segments": 1, "units": 5, "left": 155, "forced": []}),
        ("ż" * 71, {"encoding": "UCS-2", "segments": 2, "units": 71, "left": 63, "forced": ["ż"]}),
    ],
)
def test_count(text: str, expected: dict[str, Any]) -> None:
    for done in (smsbot("count", text, "--json"), smsbot("count", "--json", text=text + "\n")):
        found = json.loads(done.stdout)
        assert {k: found[k] for k in expected} == expected
        assert "".join(found["parts"]) == text


def test_run_refuses_with_one_report_of_everything(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text(BROKEN + 'authorization = "secret-canary"\n[lines."7256"]\ncuontry = "PL"\n')
    done = smsbot("run", folder=tmp_path, PUBLIC_URL="http://x")
    assert done.returncode == 3
    for problem in ("a secret belongs into the environment", 'cuontry: unknown key; did you mean "country"?'):
        assert problem in done.stderr
    assert "canary" not in done.stderr + done.stdout
    (tmp_path / "smsbot.toml").write_text(BROKEN)
    key = tmp_path / "key"
    key.write_text("long-enough-key")
    key.chmod(0o644)
    done = smsbot(
        "run", folder=tmp_path, PUBLIC_URL="http://x", SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION_FILE=str(key),
        SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY="changeme",
    )  # fmt: skip
    assert done.returncode == 3
    for problem in ("must begin with https://", "has mode 0644; a secret file has 0600", "is a placeholder"):
        assert problem in done.stderr


def test_the_environment_wins_over_dotenv_and_both_over_the_file(tmp_path: Path) -> None:
    code = "from smsbot.configuration import read; s = read(); print(s.database, s.port, s.public_url)"
    (tmp_path / "smsbot.toml").write_text('database = "file.db"\nport = 1\npublic_url = "https://file"\n')
    (tmp_path / ".env").write_text("PORT=2\nOTHER=x\nSMSBOT_PUBLIC_URL=https://dotenv\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=clean_environment(DATABASE_URL="sqlite:///env.db"),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["sqlite:///env.db", "2", "https://dotenv"]


@pytest.mark.slow
def test_a_day_with_dev(tmp_path: Path) -> None:
    db = str(tmp_path / "x.db")
    with running("dev", "--db", db, log=tmp_path / "log") as process:
        ann = f"{process.url}/sandbox/phones/{ANN}/texts"
        assert httpx.post(ann, json={"text": "pizza"}).status_code == 202

        sent = smsbot("send", "600100300", "Hello", "--wait", "10s", "--json", "--db", db)
        assert (sent.returncode, json.loads(sent.stdout)["status"]) == (0, "delivered")

        httpx.patch(f"{process.url}/sandbox/phones/+48600100400", json={"mode": "full"})
        assert smsbot("send", "600100400", "Hello", "--wait", "10s", "--db", db).returncode == 1

        trace = smsbot("trace", "600100200", "--db", db)
        assert trace.returncode == 0
        assert trace.stdout.startswith("Delivered: the operator confirmed it")
        assert "600100200" not in trace.stdout
        assert ANN in smsbot("trace", ANN, "--reveal", "--json", "--db", db).stdout
        assert smsbot("trace", "600100999", "--db", db).returncode == 5
        strange = smsbot("trace", "hello", "--db", db)
        assert strange.returncode == 2
        assert "neither a reference nor a phone number" in strange.stderr

        hooks = json.loads(smsbot("hooks", "--json", "--db", db).stdout)["hooks"]
        odd = {"msisdn": "600100500", "short": "48732000111", "body": "pizza"}
        assert httpx.post(hooks["sandbox inbound"][0], json=odd).json()["quarantined"]
        arguments = [
            "hooks",
            "--db",
            db,
            "map",
            "sandbox",
            "inbound",
            "--from",
            "msisdn",
            "--to",
            "short",
            "--text",
            "body",
        ]
        mapped = smsbot(*arguments)
        assert (mapped.returncode, mapped.stdout) == (0, "Understood and replayed: 1. Still in quarantine: 0.\n")
        assert httpx.get(f"{process.url}/sandbox/phones/+48600100500/texts").json()[0]["text"].startswith("Size?")

        rotated = smsbot("hooks", "--rotate", "sandbox", "--db", db).stdout
        assert "still alive" in rotated

        locked = smsbot("dev", "--db", db)
        assert (locked.returncode, "another smsbot serves" in locked.stderr) == (3, True)
        assert "Traceback" not in locked.stderr

        doctor = smsbot("doctor", "--json", "--offline", "--db", db)
        assert doctor.returncode == 0
        assert all(c["passed"] is not False for c in json.loads(doctor.stdout)["checks"])

        foreign = httpx.get(ann, headers={"Host": "evil.example"})
        assert foreign.status_code == 403
        assert httpx.post(ann, json={"text": "x"}, headers={"Origin": "https://evil.example"}).status_code == 403
        assert process.stop() == 0
    queued = smsbot("send", "600100300", "Later", "--db", db)
    assert (queued.returncode, "it leaves when one starts" in queued.stdout) == (0, True)
    log = (tmp_path / "log").read_text()
    assert not re.search(r"48600100|600100[2-5]00", log)


@pytest.mark.slow
def test_run_serves_and_drains_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text(BROKEN)
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    secrets = {
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "authorization-canary",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "application-canary",
        "PUBLIC_URL": "https://bots.test",
    }
    with running("run", folder=tmp_path, log=tmp_path / "log", **secrets) as process:
        closed = httpx.get(process.url)
        assert (closed.status_code, "SMSBOT_DASHBOARD_PASSWORD" in closed.text) == (403, True)
        assert httpx.get(f"{process.url}/phone").status_code == 403
        assert httpx.get(f"{process.url}/healthz").status_code == 200
        (name, urls) = next(iter(json.loads(smsbot("hooks", "--json", folder=tmp_path).stdout)["hooks"].items()))
        assert (name, urls[0].startswith("https://bots.test/hooks/main/")) == ("main inbound", True)
        assert process.stop() == 0
    with running(
        "run", folder=tmp_path, log=tmp_path / "log", **secrets, SMSBOT_DASHBOARD_PASSWORD="open-sesame"
    ) as process:
        assert httpx.get(process.url).status_code == 401
        assert httpx.get(process.url, auth=("x", "wrong")).status_code == 401
        page = httpx.get(process.url, auth=("x", "open-sesame"))
        assert (page.status_code, "No messages yet" in page.text) == (200, True)
        assert process.stop() == 0
    assert "canary" not in (tmp_path / "log").read_text()


@pytest.mark.slow
async def test_a_send_under_way_is_finished_before_the_end(tmp_path: Path) -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
        if request.startswith(b"GET"):  # the list of what no webhook brought
            await answers(404, {"meta": {"status": 404}})(reader, writer, request)
            return
        await asyncio.sleep(1.0)
        sent = json.loads(request.partition(b"\r\n\r\n")[2])
        await answers(200, {"meta": {"status": 200}, "data": [{"externalId": sent["externalId"], "status": 1}]})(
            reader, writer, request
        )

    (tmp_path / "bots").symlink_to(ROOT / "bots")
    async with scripted(slow) as network:
        (tmp_path / "smsbot.toml").write_text(BROKEN + f'base_url = "{network.url}"\n')
        secrets = {
            "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
            "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
            "PUBLIC_URL": "https://bots.test",
        }
        process = Process("run", port=free_port(), folder=tmp_path, log=tmp_path / "log", **secrets)
        process.start()
        await process.ready_soon()
        hooks = json.loads((await asyncio.to_thread(smsbot, "hooks", "--json", folder=tmp_path)).stdout)["hooks"]
        path = hooks["main inbound"][0].removeprefix("https://bots.test")
        body = {"id": "1", "from": "600100200", "to": "48732000111", "message": "hi"}
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.post(process.url + path, json=body)).status_code == 200
        began = time.monotonic()
        assert await asyncio.to_thread(process.stop) == 0
        assert time.monotonic() - began < 30
    assert len([r for r in network.requests if r.startswith(b"POST")]) == 1
    trace = await asyncio.to_thread(smsbot, "trace", "600100200", folder=tmp_path)
    assert trace.stdout.startswith("On its way: taken by main"), trace.stdout


@pytest.mark.slow
def test_a_text_leaves_through_the_server_of_another_machine(tmp_path: Path) -> None:
    db, unused = str(tmp_path / "x.db"), str(tmp_path / "unused.db")
    with running("dev", "--no-reload", "--db", db, log=tmp_path / "log") as process:
        there = ("--server", process.url, "--db", unused)
        nobody = smsbot("send", ANN, "Hello", *there)
        assert (nobody.returncode, "SMSBOT_TOKEN" in nobody.stderr) == (2, True)
        token = smsbot("token", "add", "shop", "--db", db).stdout.split()[-1]
        sent = smsbot("send", ANN, "Hi", "--wait", "10s", "--json", "--ref", "order-7", *there, SMSBOT_TOKEN=token)
        assert sent.returncode == 0, sent.stderr
        assert json.loads(sent.stdout)["status"] == "delivered"
        assert ANN not in sent.stdout
        assert smsbot("trace", "order-7", "--db", db).returncode == 0
        refused = smsbot("send", "nobody", "Hello", *there, SMSBOT_TOKEN=token)
        assert refused.returncode != 0
        assert "SB704" in refused.stderr
        blind = smsbot("token", "add", "blind", "--scope", "messages:write", "--db", db).stdout.split()[-1]
        taken = smsbot("send", ANN, "Hi", "--wait", "5s", *there, SMSBOT_TOKEN=blind)
        assert taken.returncode == 6
        assert "it was taken" in taken.stdout
    gone = smsbot("send", ANN, "Hello", *there, SMSBOT_TOKEN=token)
    assert gone.returncode != 0
    assert "could not be asked" in gone.stderr
    assert "Traceback" not in gone.stderr
    wrong = smsbot("send", ANN, "Hello", "--server", "sms.example.org", SMSBOT_TOKEN=token)
    assert (wrong.returncode, "https://" in wrong.stderr) == (2, True)
    assert not Path(unused).exists(), "nothing of this machine is asked"
