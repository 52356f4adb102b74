"""`run` behind a TLS proxy: nginx from Debian, a certificate made here, a webhook through both."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from ..conftest import leave_out
from ..processes import ROOT, free_port, running, smsbot

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
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{ proxy_pass http://127.0.0.1:{port}; proxy_set_header Host $host; proxy_buffering off; }}
  }}
}}
"""


@pytest.mark.needs("nginx")
def test_a_webhook_through_a_tls_proxy(tmp_path: Path) -> None:
    nginx, openssl = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"), shutil.which("openssl")
    if nginx is None or openssl is None:
        leave_out("nginx", "nginx with openssl")
    assert nginx is not None
    assert openssl is not None
    tls = free_port()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "smsbot.toml").write_text(SETTINGS)
    (tmp_path / "bots").symlink_to(ROOT / "bots")
    secrets = {
        "SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "key-of-the-test",
        "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "app-of-the-test",
        "PUBLIC_URL": f"https://localhost:{tls}",
    }
    with running("run", folder=tmp_path, log=tmp_path / "log", **secrets) as process:
        (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, tls=tls, port=process.port))
        proxy = subprocess.Popen(
            [nginx, "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)], stderr=subprocess.DEVNULL
        )
        try:
            trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            url = smsbot("hooks", folder=tmp_path).stdout.split()[2]
            assert url.startswith(f"https://localhost:{tls}/hooks/main/")
            with httpx.Client(verify=trusted, trust_env=False) as http:
                _until_up(http, f"https://localhost:{tls}/healthz")
                answer = http.post(url, json={"id": "1", "from": "600100200", "to": "7255", "message": "hi"})
                assert (answer.status_code, answer.json()) == (200, {"ok": True})
            began = time.monotonic()
            assert process.stop() == 0
            assert time.monotonic() - began < 30
        finally:
            proxy.terminate()
            proxy.wait(10)
    trace = smsbot("trace", "600100200", "--reveal", folder=tmp_path, **secrets).stdout
    assert "You said: hi" in trace


def _until_up(http: httpx.Client, url: str) -> None:
    for _ in range(100):
        try:
            assert http.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not answer")
