"""Settings that cannot be used, and what is said of them; all at once, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsbot.configuration import check_live, read
from smsbot.core.errors import SettingsError

KEYS = {"SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION": "12345678", "SMSBOT_ACCOUNTS__MAIN__APPLICATION_KEY": "12345678"}


@pytest.mark.parametrize(
    ("written", "variables", "said"),
    [
        ("", {"SMSBOT_DASHBORD_PASSWORD": "x"}, 'unknown variable; did you mean "SMSBOT_DASHBOARD_PASSWORD"'),
        ("", {"SMSBOT_ACOUNTS__MAIN__AUTHORIZATION": "x"}, 'did you mean "SMSBOT_ACCOUNTS"'),
        ("", {"SMSBOT_DASHBOARD_PASSWORD_FILE": "/nowhere"}, "SMSBOT_DASHBOARD_PASSWORD_FILE: /nowhere cannot be read"),
        ('[accounts.main]\ngateway = "mesageflow"\n', KEYS, 'gateway: there is no gateway "mesageflow"'),
        ('[accounts.main]\ngateway = "mesageflow"\n', {}, 'did you mean "messageflow"'),
        ("[accounts.Main]\n", {}, "accounts.Main: a name has small letters"),
        ('[accounts."a/b"]\n', {}, "accounts.a/b: a name has small letters"),
        ("", {"DATABASE_URL": "mysql://u:SECRET@h/x"}, "database: mysql is not supported"),
        ("", {"DATABASE_URL": "postgresql://u:SECRET@h"}, "database: no database is named"),
        ("", {"DATABASE_URL": "postgres:SECRET"}, "database: no database is named"),
        ("", {"DATABASE_URL": "postgresql://u:p@h:SECRET/x"}, "database: the address cannot be read"),
        ("", {"DATABASE_URL": "sqlite:x.db"}, "three slashes are missing"),
        ("", {"PUBLIC_URL": "sms.example.org/x"}, "not with 'sms.example.org'"),
        ("", {"PUBLIC_URL": "http://sms.example.org"}, "not with 'http://'"),
        ("", {"PUBLIC_URL": "https://sms.example.org:99999"}, "PUBLIC_URL cannot be read"),
    ],
)
def test_what_is_said_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, variables: dict[str, str], said: str
) -> None:
    (tmp_path / "smsbot.toml").write_text(written)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        check_live(read(tmp_path))
    assert said in str(error.value)
    assert "SECRET" not in str(error.value)


def test_variables_of_tests_and_hosts_are_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMSBOT_LONG", "SMSBOT_SEED", "SMSBOT_REQUIRE", "SMSBOT_FAILPOINT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///x.db")
    found = read(tmp_path)
    assert (found.port, found.place.path) == (9000, Path("x.db"))


def test_a_password_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pw"
    file.write_text("password-of-the-file\n")
    monkeypatch.setenv("SMSBOT_DASHBOARD_PASSWORD_FILE", str(file))
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="mode 0644; a secret file has 0600"):
        _ = read(tmp_path).password
    file.chmod(0o600)
    assert read(tmp_path).password == "password-of-the-file"
    monkeypatch.setenv("SMSBOT_DASHBOARD_PASSWORD", "password-of-the-environment")
    assert read(tmp_path).password == "password-of-the-environment"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("SMSBOT_PORT=1".encode("utf-16"))
    with pytest.raises(SettingsError, match=r"\.env cannot be read: it is not UTF-8"):
        read(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / "smsbot.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"smsbot\.toml"):
        read(tmp_path)
