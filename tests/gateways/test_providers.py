"""Gateways by name: ours, those of other packages, and what is wrong with the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot.core.errors import SettingsError, UsageError
from smsbot.gateways.base import Credentials
from smsbot.gateways.http import Http
from smsbot.gateways.providers import provider
from smsbot.settings import read
from smsbot.transport import HttpxTransport

from ..processes import smsbot

THEIRS = """
from smsbot.gateways.base import Provider
from smsbot.gateways.messageflow import CLAIMS, MessageFlow

def make(credentials, transport):
    return MessageFlow(credentials.secrets["pin"], credentials.options["colour"], transport)

PROVIDER = Provider("theirs", CLAIMS, make, secrets=("pin",), options={"colour": "of the envelope"})
"""
SETTINGS = """
[bots.x]
target = "x:bot"
lines = ["7255"]
[accounts.main]
gateway = "%s"
colour = "red"
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder as pip would leave it."""
    (tmp_path / "theirs.py").write_text(THEIRS)
    (tmp_path / "x.py").write_text("from smsbot import Bot\nbot = Bot()\n")
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[smsbot.gateways]\ntheirs = theirs:PROVIDER\nbroken = nowhere:X\nwrong = theirs:make\n"
    )
    return tmp_path


def test_a_package_adds_a_gateway(package: Path) -> None:
    (package / "smsbot.toml").write_text(SETTINGS % "theirs")
    told = {"PYTHONPATH": str(package), "PUBLIC_URL": "https://x.test"}
    done = smsbot("doctor", "--offline", folder=package, **told)
    assert "SMSBOT_ACCOUNTS__MAIN__PIN is missing" in done.stdout, done.stdout + done.stderr
    done = smsbot("doctor", "--offline", folder=package, SMSBOT_ACCOUNTS__MAIN__PIN="12345678", **told)
    assert (done.returncode, "✗" in done.stdout) == (0, False), done.stdout
    (package / "smsbot.toml").write_text(SETTINGS % "theirs" + 'pin = "12345678"\n')
    done = smsbot("doctor", "--offline", folder=package, **told)
    assert "accounts.main.pin in the settings file: a secret belongs into the environment" in done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "their",
            'there is no gateway "their"; there are messageflow, twilio, http, theirs, broken, wrong; did you mean "theirs"?',
        ),
        ("broken", 'the gateway "broken" of nowhere:X cannot be loaded'),
        ("wrong", 'the gateway "wrong" of theirs:make is no smsbot.gateways.base.Provider'),
    ],
)
def test_a_gateway_that_cannot_be_used(package: Path, name: str, said: str) -> None:
    (package / "smsbot.toml").write_text(SETTINGS.replace("colour", "#") % name)
    done = smsbot("doctor", "--offline", folder=package, PYTHONPATH=str(package))
    assert f"accounts.main.gateway: {said}" in done.stdout, done.stdout


def test_a_misspelt_key(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text('[accounts.main]\ngateway = "twilio"\nmessaging_servce = "MG"\n')
    with pytest.raises(
        SettingsError, match=r'accounts\.main\.messaging_servce: unknown key; did you mean "messaging_service"'
    ):
        read(tmp_path)


GOOD = {"url": "https://x.test/send", "body": {"to": "{to}"}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": None}, "url is missing: where a text is sent to"),
        ({"body": None}, "body is missing"),
        ({"url": "http://x.test"}, "url: must be https://"),
        ({"look_up": "ftp://x"}, "look_up: must be https://"),
        ({"look_up": "https://x.test/{to}"}, "only {reference} and secrets can be asked for, not {to}"),
        ({"body": {"a": ["{txt}"]}}, 'body: there is nothing to fill "{txt}" with; did you mean "{text}"?'),
        ({"body": "to={to}"}, "body: is a table"),
        ({"headers": {"A": "{secret}"}}, "{secret} is used, but the secret SECRET is not given"),
        ({"statuses": {"OK": "delivred"}}, 'statuses.OK: "delivred" is none of'),
        ({"method": "post"}, "method: 'post' is none of POST, PUT, GET"),
        ({"hook_header": "x-token"}, "hook_header needs the secret HOOK_SECRET"),
    ],
)
def test_options_of_http_that_cannot_work(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as error:
        Http(Credentials({}, {**GOOD, **options}), HttpxTransport())
    assert said in error.value.args[0]


def test_each_of_ours_says_its_name() -> None:
    for name in ("messageflow", "twilio", "http"):
        assert provider(name).name == name
