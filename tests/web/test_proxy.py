"""`run` behind the TLS proxies of `docs/deploy`, each started for real with the printed sample; and the systemd unit."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from ..conftest import leave_out
from ..processes import ROOT, free_port, running, smsbot

DEPLOY = ROOT / "docs" / "deploy"
SETTINGS = """
[bots.echo]
target = "bots.echo:bot"
lines = ["7255"]
[lines."7255"]
country = "PL"
[accounts.main]
gateway = "messageflow"
base_url = "http://127.0.0.1:9/v2.1"
"""
AROUND = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include {folder}/site.conf;
}}
"""


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        leave_out(name, name)
    assert found is not None
    return found


def nginx(folder: Path, tls: int, port: int) -> list[str]:
    site = (DEPLOY / "nginx.conf").read_text()
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{tls} ssl").replace("127.0.0.1:8765", f"127.0.0.1:{port}")
    site = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", f"{folder}/cert.pem", site)
    site = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", f"{folder}/key.pem", site)
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    return [program("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, tls: int, port: int) -> list[str]:
    site = (DEPLOY / "Caddyfile").read_text().replace("127.0.0.1:8765", f"127.0.0.1:{port}")
    site = site.replace("sms.example.org {", f"https://localhost:{tls} {{\n\ttls {folder}/cert.pem {folder}/key.pem")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + site)
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "proxy",
    [pytest.param(nginx, marks=pytest.mark.needs("nginx")), pytest.param(caddy, marks=pytest.mark.needs("caddy"))],
)
def test_a_webhook_and_a_live_page_through_a_tls_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Callable[[Path, int, int], list[str]]
) -> None:
    tls = free_port()
    openssl = shutil.which("openssl")
    if openssl is None:
        leave_out("nginx", "openssl")
    assert openssl is not None
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "smsbot.toml").write_text(SETTINGS)
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    secrets = {
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
        "SMSBOT_DASHBOARD_PASSWORD": "password-of-the-test",
        "PUBLIC_URL": f"https://localhost:{tls}",
    }
    with running("run", folder=tmp_path, log=tmp_path / "log", **secrets) as process:
        command = proxy(tmp_path, tls, process.port)
        with (tmp_path / "proxy.log").open("wb") as log:
            front = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            url = smsbot("hooks", folder=tmp_path).stdout.split()[2]
            assert url.startswith(f"https://localhost:{tls}/hooks/main/")
            with httpx.Client(verify=trusted, trust_env=False) as http:
                _until_up(http, f"https://localhost:{tls}/healthz", tmp_path)
                answer = http.post(url, json={"id": "1", "from": "600100200", "to": "7255", "message": "hi"})
                assert (answer.status_code, answer.json()) == (200, {"ok": True})
                assert _too_long(http, url) == 413
                live = f"https://localhost:{tls}/live"
                with http.stream("GET", live, auth=("x", "password-of-the-test"), timeout=5) as stream:
                    assert "event: " in next(stream.iter_text()), "events come through as they happen"
            began = time.monotonic()
            assert process.stop() == 0
            assert time.monotonic() - began < 30
        finally:
            front.terminate()
            front.wait(10)
    trace = smsbot("trace", "600100200", "--reveal", folder=tmp_path, **secrets).stdout
    assert "You said: hi" in trace


def _too_long(http: httpx.Client, url: str) -> int:
    """The status of a body that is too long; a proxy in Go may cut off an answer that comes while it looks for the end."""
    for _ in range(10):
        try:
            return http.post(url, content=b"x" * 70_000).status_code
        except httpx.RemoteProtocolError:
            continue
    return 0


def _until_up(http: httpx.Client, url: str, folder: Path) -> None:
    for _ in range(100):
        try:
            assert http.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError((folder / "proxy.log").read_text()[-2000:])


@pytest.mark.needs("systemd-analyze")
def test_the_systemd_unit_is_understood(tmp_path: Path) -> None:
    unit = tmp_path / "smsbot@.service"
    text = (DEPLOY / "smsbot@.service").read_text()
    command = shutil.which("true")
    assert command is not None
    unit.write_text(text.replace("/opt/smsbot/bin/smsbot run", command))
    done = subprocess.run(
        [program("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_the_unit_starts_is_what_there_is(tmp_path: Path) -> None:
    """The database of the unit, and of the container, are read as they are meant."""
    for name in ("smsbot@.service", "Dockerfile"):
        found = re.search(r"DATABASE_URL=(\S+)", (DEPLOY / name).read_text())
        assert found is not None
        place = found[1].replace("%i", "x").replace("sqlite:////", f"sqlite:///{tmp_path}/")
        Path(place.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        done = smsbot("token", "add", "somebody", folder=tmp_path, DATABASE_URL=place)
        assert done.returncode == 0, done.stderr
        assert Path(place.removeprefix("sqlite:///")).is_file()
