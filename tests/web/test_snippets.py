"""The programs to copy: whole in every language, and those that Python and a shell can run do what they should."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from smsbot.web.snippets import LANGUAGES, TASKS, file_name, snippets

BASE, LINE = "https://sms.shop.example:8443", "+48732000999"
MADE = snippets(BASE, LINE)
EACH = [(task, language) for task in TASKS for language in LANGUAGES]
ODD = 'it\'s "50%" \\n \\u0041 \\\\ $HOME ${x} #{1+1} \\(y) `z` <b> """ \'\'\' @KEY@ %s {0} ą€😀'
SEND = {"to": "+48500100100", "text": "Your order 1001 is on its way.", "line": LINE, "reference": "order-1001"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type": "message.received", "data": {"text": "Zażółć 😀"}}\n'


def body_in(code: str) -> Any:
    """The body in the text of a Python program."""
    made = next(n for n in ast.parse(code).body if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "body")
    return ast.literal_eval(made.value)


@pytest.mark.parametrize(("task", "language"), EACH)
def test_every_language_has_every_task_whole(task: str, language: str) -> None:
    code = MADE[task][language]
    assert TASKS[task] in code
    assert file_name(task, language) in code or language == "csharp"
    assert not re.findall(r"@[A-Z]+@|noqa|^\s*(?:#|//) (?:only|end)\b", code, re.MULTILINE)
    assert code.endswith("\n")
    assert "\n\n\n\n" not in code
    assert max(len(line) for line in code.splitlines()) <= 120


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_readers_own_address_and_line_stand_in_it(language: str) -> None:
    for task, path in (("send", "messages"), ("status", "messages/MESSAGE_ID"), ("flow", "conversations")):
        code = MADE[task][language]
        assert "SMSBOT_TOKEN" in code
        if language == "client":
            assert (f'"{BASE}"' in code, LINE in code) == (True, task != "status")
            continue
        assert re.search(rf"{re.escape(BASE)}/api/v1/{path}['\"]", code)
        assert (LINE in code, "Idempotency-Key" in code, "application/json" in code) == ((task != "status",) * 3)
        assert ("order-1001-shipped" in code, "feedback-1001" in code) == (task == "send", task == "flow")
    named = snippets(BASE + "/", LINE, message="ab12", flow="survey")
    assert ('"ab12"' if language == "client" else f"{BASE}/api/v1/messages/ab12") in named["status"][language]
    assert "survey-1001" in named["flow"][language]


def test_a_question_has_no_body() -> None:
    for language, code in MADE["status"].items():
        assert not re.search("body =|json|--data|content'|setValue\\(\"app", code), language


def test_the_same_is_made_once() -> None:
    assert snippets(BASE, LINE) is MADE
    with pytest.raises(TypeError):
        MADE["send"]["python"] = ""  # type: ignore[index]


def test_bodies_survive() -> None:
    assert body_in(MADE["send"]["python"]) == SEND
    odd = snippets(BASE, LINE, flow=ODD)["flow"]
    assert body_in(odd["python"]) == {"flow": ODD, "to": SEND["to"], "line": LINE}
    for language, body in bodies(odd).items():
        assert json.loads(body)["flow"] == ODD, language


def part(pattern: str, code: str) -> str:
    """What a pattern finds in a program."""
    found = re.search(pattern, code, re.DOTALL)
    assert found, code
    return found[1]


def bodies(made: Mapping[str, str]) -> dict[str, str]:
    """The JSON in the programs whose literals hold it as such, read as their languages read them."""
    ruby = part(r"body = ({.*?\n})", made["ruby"])
    assert not re.search(r"(?<!\\)#[{$@]", ruby)
    return {
        "shell": part(r"<<'JSON'\n(.*?)\nJSON\n", made["shell"]),
        "java": part(r'"""\n(.*?)"""', made["java"]).replace("\\\\", "\\"),
        "csharp": part(r'@"((?:[^"]|"")*)"', made["csharp"]).replace('""', '"'),
        "node": plain(part(r"JSON\.stringify\((.*?\n  })\)", made["node"])),
        "go": plain(part(r"map\[string\]string({.*?\n\t})", made["go"])),
        "ruby": plain(ruby.replace("\\#", "#")),
    }


def plain(pairs: str) -> str:
    """Key-value pairs of a language as JSON."""
    return re.sub(r",\n(\s*})$", r"\n\1", re.sub(r"^(\s*)(\w+):", r'\1"\2":', pairs, flags=re.MULTILINE))


def test_php_and_swift_quote_what_means_something() -> None:
    odd = snippets(BASE, LINE, flow=ODD)["flow"]
    php = part(r"'flow' => '((?:[^'\\]|\\.)*)',\n", odd["php"])
    swift = part(r'"flow": "((?:[^"\\]|\\.)*)",\n', odd["swift"])
    assert re.sub(r"\\([\\'])", r"\1", php) == ODD
    assert re.sub(r'\\([\\"])', r"\1", swift) == ODD


@pytest.mark.parametrize("odd", ['x"y', "x'y", "x\\y", "x$(y)", "x`y`", "x#{y}", "x\ny", "x${y}", "x\\(y)"])
def test_addresses_are_quoted_for_all_languages_at_once(odd: str) -> None:
    for code in snippets(f"https://{odd}.example", LINE, message=odd)["status"].values():
        assert re.fullmatch(r"[A-Za-z0-9/%._-]+", part(r"https://([^\s'\"]*)", code))


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, str, Mapping[str, str], bytes]]]]:
    """Takes everything but one path, and keeps it."""
    heard: list[tuple[str, str, Mapping[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            heard.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(404 if self.path.endswith("MESSAGE_ID") else 202)
            self.end_headers()
            self.wfile.write(b'{"told": true}')

        do_GET = do_POST = answer  # noqa: N815 the names are those of the library

        def log_message(self, *args: Any) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}", heard
    made.shutdown()
    thread.join()
    made.server_close()


def run(command: list[str], body: bytes = b"", **more: str) -> tuple[int, str]:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SMSBOT_TOKEN": "smsbot_secret"} | more
    done = subprocess.run(command, input=body, env=environment, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode()


def test_the_python_programs_ask(server: Any) -> None:
    base, heard = server
    made = snippets(base, LINE, flow=ODD)
    assert run([sys.executable, "-c", made["flow"]["python"]]) == (0, '202\n{"told": true}\n')
    method, path, headers, body = heard[-1]
    assert (method, path, json.loads(body)["flow"]) == ("POST", "/api/v1/conversations", ODD)
    assert (headers["authorization"], headers["content-type"]) == ("Bearer smsbot_secret", "application/json")
    assert re.fullmatch("[A-Za-z0-9_.-]+-1001", headers["idempotency-key"])
    assert run([sys.executable, "-c", made["status"]["python"]]) == (1, '404\n{"told": true}\n')
    method, path, headers, body = heard[-1]
    assert (method, path, body) == ("GET", "/api/v1/messages/MESSAGE_ID", b"")
    assert "idempotency-key" not in headers


def test_the_shell_programs_say_what_curl_sends(tmp_path: Path) -> None:
    curl = tmp_path / "curl"
    curl.write_text("#!/bin/bash\nprintf '%s\\n' \"$@\"\ncat\n")
    curl.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    made = snippets(BASE, LINE, flow=ODD)
    code, said = run(["bash", "-c", made["flow"]["shell"]], PATH=path)
    arguments, _, body = said.partition("@-\n")
    assert (code, json.loads(body)["flow"]) == (0, ODD)
    given = arguments.splitlines()
    assert {f"{BASE}/api/v1/conversations", "Authorization: Bearer smsbot_secret", "--fail-with-body"} < set(given)
    code, said = run(["bash", "-c", made["status"]["shell"]], PATH=path)
    assert (code, said.splitlines()[-1]) == (0, "Authorization: Bearer smsbot_secret")
    assert run(["bash", "-c", made["status"]["shell"].replace("SMSBOT_TOKEN", "NO_TOKEN")], PATH=path)[0] != 0


def signed(at: datetime, **more: str) -> dict[str, str]:
    """The environment of a program that verifies."""
    right = Webhook(SECRET).sign("evt_1", at, BODY)
    made = {"SECRET": SECRET, "ID": "evt_1", "TIMESTAMP": str(int(at.timestamp())), "SIGNATURE": right} | more
    return {f"WEBHOOK_{name}": value.replace("RIGHT", right).replace("BARE", right[3:]) for name, value in made.items()}


@pytest.mark.parametrize("language", ["python", "shell"])
def test_right_signatures_are_known(language: str) -> None:
    command = {"python": [sys.executable, "-c"], "shell": ["bash", "-c"]}[language]
    now = datetime.now(UTC)

    def said(at: datetime = now, body: str = BODY, **more: str) -> tuple[int, str]:
        return run([*command, MADE["verify"][language]], body.encode(), **signed(at, **more))

    for genuine in (said(), said(now - timedelta(minutes=4)), said(SIGNATURE="v1,AAAA v2,x RIGHT")):
        assert genuine == (0, "genuine\n")
    for forged in (
        said(body=BODY.replace("message", "massage")), said(body=BODY.strip()), said(SECRET="whsec_c2VjcmV0"),
        said(ID="evt_2"), said(TIMESTAMP="soon"), said(TIMESTAMP="9" * 5000), said(now - timedelta(minutes=6)),
        said(now + timedelta(minutes=6)), said(SIGNATURE=""), said(SIGNATURE="v1,"), said(SIGNATURE="v2,BARE"),
        said(SIGNATURE="BARE"), said(SIGNATURE="RIGHTAAAA"), said(SECRET="whsec_", SIGNATURE="v1,"),
    ):  # fmt: skip
        assert forged == (1, "forged\n")
