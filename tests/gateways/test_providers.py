"""Gateways by name: ours, those of other packages, and what is wrong with the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smsbot.accounts import Discreet, build_gateway
from smsbot.configuration import read
from smsbot.core.errors import NotSent, NotUnderstood, SettingsError
from smsbot.core.message import Arrival
from smsbot.gateways.base import Credentials, Outcome, Search, WebhookRequest
from smsbot.gateways.http import Http
from smsbot.gateways.providers import provider
from smsbot.settings import AccountSettings
from smsbot.testing.gateways import TEXT
from smsbot.testing.scripted import answers, scripted
from smsbot.transport import HttpxTransport

from ..conftest import sampled
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


@pytest.mark.slow
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


UNUSABLE = {
    "their": 'there is no gateway "their"; there are messageflow, twilio, http, theirs, broken, wrong; did you mean "theirs"?',
    "broken": 'the gateway "broken" of nowhere:X cannot be loaded',
    "wrong": 'the gateway "wrong" of theirs:make is no smsbot.gateways.base.Provider',
}


@pytest.mark.parametrize("name", sampled(UNUSABLE, "their"))
def test_a_gateway_that_cannot_be_used(package: Path, name: str) -> None:
    (package / "smsbot.toml").write_text(SETTINGS.replace("colour", "#") % name)
    done = smsbot("doctor", "--offline", folder=package, PYTHONPATH=str(package))
    assert f"accounts.main.gateway: {UNUSABLE[name]}" in done.stdout, done.stdout


def test_a_misspelt_key(tmp_path: Path) -> None:
    (tmp_path / "smsbot.toml").write_text('[accounts.main]\ngateway = "twilio"\nmessaging_servce = "MG"\n')
    with pytest.raises(
        SettingsError, match=r'accounts\.main\.messaging_servce: unknown key; did you mean "messaging_service"'
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('gateway = "twilio"\nsecrets = {auth_token = "x"}\n', "unknown key secrets"),
        ('gateway = "http"\nbase_url = "https://x"\n', "is a key of messageflow and twilio"),
        ('auth_token = "12345678"\n', "a secret belongs into the environment"),
    ],
)
def test_secrets_and_keys_where_they_do_not_belong(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / "smsbot.toml").write_text(f"[accounts.main]\n{written}")
    with pytest.raises(SettingsError) as error:
        read(tmp_path)
    assert said in str(error.value)


async def test_what_a_provider_repeats_of_our_keys_is_cut_out(tmp_path: Path) -> None:
    transport = HttpxTransport()
    account = AccountSettings.model_validate({"authorization": "AUTHKEYprem1234", "application_key": "appl-key"})
    told = {"errors": [{"title": "invalid api key AUTHKEYprem1234, appl-key"}]}
    async with scripted(answers(401, told)) as provider:
        account = account.model_copy(update={"options": {"base_url": provider.url}})
        result = await build_gateway("main", account, transport).send(TEXT)
    await transport.close()
    assert (result.outcome, result.detail) == (Outcome.REFUSED, "invalid api key ..., ...")


async def test_a_list_that_leads_on_by_our_id_is_left_as_it_is() -> None:
    transport = HttpxTransport()
    page = {"next_page_uri": "/Accounts/AC0123456789/Messages.json?Page=1"}
    async with scripted(answers(200, page)) as provider:
        answer = await Discreet(transport, ["AC0123456789"]).request("GET", provider.url, headers={})
    await transport.close()
    assert json.loads(answer.body) == page


INBOUND = {"from": "from", "to": "to", "text": "text"}


@pytest.mark.parametrize(
    ("fields", "body", "texts"),
    [
        ({"text": "entry.0.msgs.0.t"}, {"entry": [{"msgs": [{"t": "a"}, {"t": "b"}]}, {"msgs": [{"t": "c"}]}]}, ["a", "b", "c"]),
        ({"text": "messages.*.t"}, {"messages": [{"t": "a"}]}, ["a"]),
        ({"text": "messages.*.t"}, {"messages": []}, None),
        ({"text": "m.*.t", "from": "c.*.n"}, {"m": [{"t": "a"}, {"t": "b"}], "c": [{"n": "1"}, {"n": "2"}]}, ["1a", "2b"]),
        ({"text": "m.*.t", "from": "c.*.n"}, {"m": [{"t": "a"}, {"t": "b"}], "c": [{"n": "1"}]}, ["1a", "1b"]),
        ({"text": "m.*.t", "from": "c.*.n"}, {"m": [{}, {}], "c": [{}, {}, {}]}, None),
        ({"text": "rows.0.0.t"}, {"rows": [[{"t": "a"}], [{"t": "b"}, {"t": "c"}]]}, ["a", "b", "c"]),
        ({"from": "rows.0.0", "text": "rows.0.1"}, {"rows": [["1", "a"], ["2", "b"]]}, ["1a", "2b"]),
    ],
)  # fmt: skip
def test_lists_in_webhooks(fields: dict[str, str], body: dict[str, Any], texts: list[str] | None) -> None:
    gateway = Http(Credentials({}, GOOD), HttpxTransport())
    gateway.remap("inbound", fields)
    request = WebhookRequest("main", json.dumps({"from": "", "to": "7255", **body}).encode())
    try:
        found = [a.sender + a.text for a in gateway.hooks["inbound"](request) if isinstance(a, Arrival)]
    except NotUnderstood:
        found = None
    assert found == texts


@pytest.mark.parametrize("headers", [{"Bad Header": "x"}, {"X-Text": "zażółć"}])
async def test_a_request_that_cannot_be_made_was_not_sent(headers: dict[str, str]) -> None:
    transport = HttpxTransport()
    async with scripted(answers(200, {})) as provider:
        with pytest.raises(NotSent, match="the request cannot be made"):
            await transport.request("POST", provider.url, headers=headers, body=b"x")
        assert provider.requests == []
    await transport.close()


async def test_an_id_in_an_answer_that_is_a_list(tmp_path: Path) -> None:
    transport = HttpxTransport()
    for place in ("id", "0.id"):
        async with scripted(answers(202, [{"id": "L1"}])) as provider:
            options = {"url": provider.url, "body": GOOD["body"], "id": place}
            result = await Http(Credentials({}, options), transport).send(TEXT)
        assert (result.outcome, result.reference) == (Outcome.ACCEPTED, "L1")
    await transport.close()


GOOD: dict[str, Any] = {"url": "https://x.test/send", "body": {"to": "{to}", "text": "{text}"}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": None}, "url: is missing: where a text is sent to"),
        ({"body": None}, "body: is missing"),
        ({"url": "http://x.test"}, "url: must be https://"),
        ({"look_up": "ftp://x"}, "look_up: must be https://"),
        ({"look_up": "https://x.test/{to}"}, "only {reference} and secrets can be asked for, not {to}"),
        ({"body": {"a": ["{txt}"]}}, 'body: there is nothing to fill "{txt}" with; did you mean "{text}"?'),
        ({"body": "to={to}"}, "body: is a table"),
        ({"headers": {"A": "{secret}"}}, "secret: {secret} is used, but the secret is missing"),
        ({"statuses": {"OK": "delivred"}}, 'statuses.OK: "delivred" is none of'),
        ({"method": "post"}, "method: 'post' is none of POST, PUT, GET"),
        ({"hook_header": "x-token"}, "hook_secret: hook_header is given, but the secret is missing"),
        ({"hook_proof": "sha256"}, "hook_header: is missing, so nothing would prove a webhook"),
        ({"hook_header": "x-token:"}, "is no name of a header"),
        ({"accepted": 200}, "accepted: is a list of HTTP statuses"),
        ({"accepted": ["200"]}, "accepted: is a list of HTTP statuses"),
        ({"timeout": "abc"}, "timeout: is seconds"),
        ({"id": 5}, "id: is a text"),
        ({"headers": {"A": 5}}, "headers: are texts"),
        ({"headers": {"Bad Header": "x"}}, "headers: 'Bad Header' is no name of a header"),
        ({"url": "ftp://127.0.0.1/send"}, "url: must be https://…"),
        ({"method": "GET"}, "format: a GET has no body"),
        ({"body": {"to": "nohole"}}, "body: has no {to} or no {text}"),
        ({"format": "form", "body": {"a": {"to": "{to}"}, "t": "{text}"}}, "body: a form has no tables in tables"),
        ({"look_up_status": "state"}, "look_up_status: needs look_up"),
    ],
)
def test_options_of_http_that_cannot_work(options: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        Http(Credentials({}, {**GOOD, **options}), HttpxTransport())
    assert [p for p in error.value.problems if said in p], error.value.problems


def test_everything_that_is_wrong_is_said_at_once() -> None:
    options = {"url": "ftp://x", "method": "PATCH", "format": "xml", "statuses": {"OK": "deliverd"}, "timeout": -5,
               "accepted": 200, "body": {"to": "{too}"}, "headers": {"A": "{secret}"}, "hook_proof": "md5"}  # fmt: skip
    with pytest.raises(SettingsError) as error:
        Http(Credentials({}, options), HttpxTransport())
    assert {p.partition(":")[0] for p in error.value.problems} >= {
        "url", "method", "format", "statuses.OK", "timeout", "accepted", "body", "secret", "hook_proof", "hook_header",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"id":"77","status":"delivered","errors":[]}', True),
        (b'{"messages":[{"id":"7"}],"warnings":[]}', None),
        (b'{"error":"not found"}', None),
        (b'{"count":0,"messages":null}', None),
        (b"<html>maintenance</html>", None),
        (b'{"items":[],"total":0}', False),
        (b'[{"id":"7"}]', True),
        (b"{}", False),
        (b"null", None),
    ],
)
async def test_what_a_look_up_says(body: bytes, found: bool | None) -> None:
    """Only what is plainly there or plainly absent counts: the one would be sent twice, the other never."""
    transport = HttpxTransport()
    async with scripted(answers(200, body)) as provider:
        gateway = Http(Credentials({}, {**GOOD, "look_up": provider.url + "/{reference}"}), transport)
        assert (await gateway.look_up(Search(TEXT, 0.0))).found is found
    await transport.close()


async def test_a_text_cannot_become_a_part_of_the_address() -> None:
    transport = HttpxTransport()
    async with scripted(answers(200, {})) as provider:
        options = {"url": provider.url + "/send/{text}", "body": {"to": "{to}"}}
        await Http(Credentials({}, options), transport).send(replace(TEXT, text="../../admin?x=1"))
    assert provider.requests[0].split(b" ")[1] == b"/send/..%2F..%2Fadmin%3Fx%3D1"
    await transport.close()


def test_each_of_ours_says_its_name() -> None:
    for name in ("messageflow", "twilio", "http"):
        assert provider(name).name == name
