"""The eight things that a shop does, against `smsbot run` as a real process, with a gateway on loopback."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from smsbot.core.clock import iso

from ..conftest import sampled
from ..processes import SMSBOT, clean_environment, free_port, running

HERE = Path(__file__).parent
LINE, CUSTOMER = "+48732000111", "+48600100200"
PASSWORD = "a password for the tests"
SETTINGS = """\
[bots.shop]
target = "{here}/bot.py"
lines = ["+48732000111"]
[lines."+48732000111"]
quiet = "never"
[accounts.main]
gateway = "messageflow"
base_url = "{gateway}"
[api]
allow = ["127.0.0.1"]
"""


class Gateway:
    """MessageFlow's send API: it takes every text, and reports that it arrived."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                to, external = asked["phoneNumbers"][0], asked["externalId"]
                outer.texts.append((to, asked["message"]))
                item = {"externalId": external, "phoneNumber": to, "status": 1}
                body = json.dumps({"meta": {"status": 200}, "data": [item]}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                threading.Thread(target=outer.report, args=(asked["webhookUrl"], external, to), daemon=True).start()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.smsbot = ""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def report(self, url: str, external: str, to: str) -> None:
        """The report goes to the public address; a proxy would lead it here."""
        path = urlsplit(url).path
        body = {"externalId": external, "status": 21, "statusTime": int(time.time()), "phoneNumber": to}
        with suppress(httpx.TransportError):  # the last one may come while the server of a test ends
            httpx.post(f"{self.smsbot}{path}", json=body, trust_env=False)

    def text(self, hook: str, text: str, number: str = CUSTOMER) -> None:
        body = {"from": number, "to": LINE, "message": text, "time": iso(time.time()), "id": f"in-{time.time_ns()}"}
        assert httpx.post(f"{self.smsbot}{hook}", json=body, trust_env=False).status_code == 200

    def said(self, number: str = CUSTOMER) -> list[str]:
        return [text for to, text in self.texts if to == number]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


def prepared(folder: Path, gateway: Gateway) -> Mapping[str, str]:
    """Settings of a server that is run, and its secrets."""
    (folder / "smsbot.toml").write_text(SETTINGS.format(here=HERE, gateway=gateway.url), encoding="utf-8")
    return {
        "PUBLIC_URL": "https://bots.example.org", "SMSBOT_DASHBOARD_PASSWORD": PASSWORD,
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
    }  # fmt: skip


def command(folder: Path, secrets: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*SMSBOT, *arguments], cwd=folder, env=clean_environment(**secrets), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def until(found: Any, what: str, patience: float = 20.0) -> Any:
    end = time.monotonic() + patience
    while not (value := found()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return value


def test_over_http(tmp_path: Path, gateway: Gateway) -> None:
    """1, 2, 4, 6 and 7."""
    secrets = prepared(tmp_path, gateway)
    with running("run", folder=tmp_path, log=tmp_path / "log", **secrets) as server:
        gateway.smsbot = server.url
        token = command(tmp_path, secrets, "token", "add", "shop")
        process = subprocess.Popen(
            [sys.executable, HERE / "over_http.py", server.url, CUSTOMER],
            env=clean_environment(SMSBOT_TOKEN=token), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        said = until(lambda: [t for t in gateway.said() if re.fullmatch(r"Your code is \d{6}", t)], "a code leaves")
        code = said[0].split()[-1]
        out, errors = process.communicate(code + "\n", timeout=60)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, errors)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            *done.stdout.splitlines()[:1],
            "event: started",
            "refused: data.order Field required",
            "flow: started",
            "open: True",
            "ended: ended_by_desk",
            "typed wrong: wrong",
            "typed: valid",
            "again: expired",
            "scheduled: scheduled",
            "cancelled: cancelled",
            "the code overtook: True stopped: True",
        ]
        assert done.stdout.startswith("verdict: delivered")
        assert gateway.said() == [
            "Your order 1001 is on its way.", "Order 1001 has left.", "How was it, 1 to 5?", f"Your code is {code}", "Your code is 482913",
        ]  # fmt: skip
        kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p.name != "codes")
        assert code.encode() not in kept
        assert server.stop() == 0


@contextmanager
def served(name: str, folder: Path, port: int, secret: str, **more: str) -> Iterator[str]:
    """One of the shops, as uvicorn serves it."""
    code = ["-m", "uvicorn", f"{name}:shop", "--app-dir", str(HERE), "--port", str(port), "--log-level", "warning"]
    environment = clean_environment(WEBHOOK_SECRET=secret, **more)
    process = subprocess.Popen([sys.executable, *code], cwd=folder, env=environment)
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        assert process.poll() is None
        try:
            return httpx.get(f"{url}/heard", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    try:
        until(up, "the shop is not up")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("name", sampled(["shop_fastapi", "shop_starlette"], "shop_fastapi"))
def test_what_happens_is_heard_in_order_after_the_shop_was_down(tmp_path: Path, gateway: Gateway, name: str) -> None:
    """3, with the answer to a bot's question, STOP and START."""
    secrets = prepared(tmp_path, gateway)
    with running("run", folder=tmp_path, log=tmp_path / "log", **secrets) as server:
        gateway.smsbot = server.url
        port, token = free_port(), command(tmp_path, secrets, "token", "add", "shop")
        hook = urlsplit(json.loads(command(tmp_path, secrets, "hooks", "--json"))["hooks"]["main inbound"][0]).path
        bearer: Any = {"headers": {"authorization": f"Bearer {token}"}, "trust_env": False}
        where = {"url": f"http://127.0.0.1:{port}/sms-events"}
        made = httpx.post(f"{server.url}/api/v1/webhooks", json=where, **bearer).json()
        for text in ("hello", "Ann", "STOP", "START"):
            gateway.text(hook, text)
        until(lambda: "Hello Ann!" in gateway.said(), "the bot answers")
        time.sleep(1.0)  # the shop is down meanwhile
        with served(name, tmp_path, port, made["secret"]) as shop:
            httpx.post(f"{server.url}/api/v1/webhooks/{made['id']}/resume", **bearer)

            def heard() -> Any:
                told = httpx.get(f"{shop}/heard", trust_env=False).json()
                kinds = [t["type"] for t in told]
                return told if kinds.count("optout.changed") == 2 and kinds.count("message.received") == 4 else None

            told = until(heard, "the shop hears everything")
            forged = httpx.post(f"{shop}/sms-events", content=b"{}", headers={"webhook-id": "x"}, trust_env=False)
        assert [t["data"]["text"] for t in told if t["type"] == "message.received"] == ["hello", "Ann", "STOP", "START"]
        assert [t["data"]["opted_out"] for t in told if t["type"] == "optout.changed"] == [True, False]
        assert len({t["id"] for t in told}) == len(told)
        assert forged.status_code == 401
        assert server.stop() == 0


@pytest.mark.parametrize("name", sampled(["shop_fastapi", "shop_starlette"], "shop_fastapi"))
def test_smsbot_runs_inside_the_shop_at_a_prefix(tmp_path: Path, gateway: Gateway, name: str) -> None:
    """8: one process, one life; webhooks, the API and the pages below the prefix."""
    secrets = {**prepared(tmp_path, gateway), "PUBLIC_URL": "https://shop.example.org/sms"}
    port = free_port()
    with served(name, tmp_path, port, "whsec_AAAA", **secrets) as shop:
        gateway.smsbot = shop
        hook = urlsplit(json.loads(command(tmp_path, secrets, "hooks", "--json"))["hooks"]["main inbound"][0]).path
        assert hook.startswith("/sms/hooks/main/")
        gateway.text(hook, "feedback")
        until(lambda: gateway.said() == ["How was it, 1 to 5?"], "the bot answers")
        assert httpx.post(f"{shop}/orders/7/ship?to={CUSTOMER.replace('+', '%2B')}", trust_env=False).is_success
        until(lambda: gateway.said()[-1] == "Order 7 is on its way.", "the shop's own text leaves")
        token = command(tmp_path, secrets, "token", "add", "shop")
        api = {"headers": {"authorization": f"Bearer {token}"}, "trust_env": False}
        listed = httpx.get(f"{shop}/sms/api/v1/messages", **api).json()["messages"]  # type: ignore[arg-type]
        assert [m["text"] for m in listed] == ["Order 7 is on its way.", "How was it, 1 to 5?"]
        page = httpx.get(f"{shop}/sms/", auth=("ola", PASSWORD), headers={"host": "shop.example.org"}, trust_env=False)
        assert page.status_code == 200
        assert '"/sms/static/smsbot.css"' in page.text
        assert 'href="/"' not in page.text
        assert httpx.get(f"{shop}/sms/static/smsbot.css", trust_env=False).status_code == 200
        assert httpx.get(f"{shop}/sms/readyz", trust_env=False).json()["ready"]
