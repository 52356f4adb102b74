"""Reads settings: `smsbot.toml` or ``[tool.smsbot]``, above it ``.env`` and the environment.

Every problem is found in one go: of one file, and of what does not fit together.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError as SourceError

from smsbot.core import phone, zones
from smsbot.core.errors import SettingsError, UsageError
from smsbot.core.nearest import nearest
from smsbot.gateways.base import Provider, keeps_keys
from smsbot.gateways.providers import OURS, provider
from smsbot.policy.money import prices_in

from .settings import (
    AccountSettings,
    AlertSettings,
    ApiSettings,
    BotSettings,
    LineSettings,
    MoneySettings,
    Settings,
    open_to_others,
)

_PLAIN = {"DATABASE_URL": "SMSBOT_DATABASE", "PORT": "SMSBOT_PORT", "PUBLIC_URL": "SMSBOT_PUBLIC_URL"}
_NOT_SETTINGS = {"SMSBOT_REQUIRE", "SMSBOT_LONG", "SMSBOT_FAILPOINT", "SMSBOT_SEED"}
_SHORTEST_SECRET = 32
_SHORTEST = 8
"""Characters of a password, at least (NIST SP 800-63B)."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""Names of accounts: variables of the environment say them in capitals, webhooks have them in their address."""


def _provider(name: object) -> Provider | None:
    """The provider of this name; None if there is none, which is said elsewhere."""
    try:
        return provider(str(name))
    except UsageError:
        return None


def read(folder: Path | None = None, **overrides: object) -> Settings:
    """The settings of a folder; `overrides` are from the command line. Raises `SettingsError`."""
    folder = folder or Path.cwd()
    values = _file(folder)
    problems = [f"{name} in {source}: a secret belongs into the environment" for name, source in _secrets_in(values)]
    try:
        with _environment(folder) as variables:
            problems += _unknown(variables)
            settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError([*problems, *map(_explain, error.errors())]) from None
    except SourceError as error:
        raise SettingsError([*problems, str(error)]) from None
    settings = settings.model_copy(update={k: v for k, v in overrides.items() if v is not None})
    problems += _cross_check(settings)
    if problems:
        raise SettingsError(problems)
    return settings


@contextmanager
def _environment(folder: Path) -> Iterator[Mapping[str, str]]:
    """Make `.env` and the names that hosts give (PORT, PUBLIC_URL, DATABASE_URL) part of the environment.

    Our own prefix wins over a plain name, the environment over `.env`.
    """
    before = dict(os.environ)
    layers = [_dotenv(folder / ".env"), before]
    found: dict[str, str] = {}
    for layer in layers:
        found |= {_PLAIN[k]: v for k, v in layer.items() if k in _PLAIN and v}
        found |= {k: v for k, v in layer.items() if k.startswith("SMSBOT_") and k not in _NOT_SETTINGS}
    for name in _NOT_SETTINGS & set(before):
        del os.environ[name]
    os.environ.update(found)
    try:
        yield found
    finally:
        os.environ.clear()
        os.environ.update(before)


def _dotenv(path: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8; write it anew as UTF-8"
        raise SettingsError([f"{path.name} cannot be read: {why}"]) from None


def _unknown(variables: Iterable[str]) -> Iterator[str]:
    """Variables with our prefix that mean nothing (pydantic ignores them)."""
    known = [f"SMSBOT_{name.upper()}" for name in Settings.model_fields]
    for name in variables:
        first = name.partition("__")[0]
        if first not in known:
            near = nearest(first, (*known, *_NOT_SETTINGS))
            yield f"{name}: unknown variable" + (f'; did you mean "{near}"?' if near else "")


def _file(folder: Path) -> dict[str, Any]:
    own, project = folder / "smsbot.toml", folder / "pyproject.toml"
    for path, table in ((own, ()), (project, ("tool", "smsbot"))):
        if not path.is_file():
            continue
        try:
            found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError([f"{path.name}: {error}"]) from None
        except OSError as error:
            raise SettingsError([f"{path.name} cannot be read: {error.strerror}"]) from None
        for name in table:
            below: Any = found.get(name, {})
            if not isinstance(below, dict):
                raise SettingsError([f"{path.name}: [{name}] must be a table"])
            found = below
        if found:
            return found
    return {}


def _secrets_in(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    accounts = values.get("accounts")
    for name, account in accounts.items() if isinstance(accounts, dict) else ():
        if not isinstance(account, dict):
            continue
        kinds = [k for k in map(_provider, (*OURS, account.get("gateway"))) if k is not None]
        for secret in dict.fromkeys(s for k in kinds for s in (*k.secrets, *k.more_secrets)):
            if secret in account:  # whatever the gateway is: the environment may name another
                yield f"accounts.{name}.{secret}", "the settings file"
    if "dashboard_password" in values:
        yield "dashboard_password", "the settings file"
    alerts = values.get("alerts")
    for name in ("webhook", "smtp"):
        if isinstance(alerts, dict) and name in alerts:
            yield f"alerts.{name}", "the settings file"


def _explain(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known(error["loc"][:-1])
        name = str(error["loc"][-1])
        if error["loc"][0] == "accounts" and name in known:
            kinds = [k for k in OURS if name in _keys_of(provider(k))]
            return f"{place}: is a key of {' and '.join(kinds)}; say which gateway the account {error['loc'][1]} has"
        near = nearest(name, known)
        hint = f'; did you mean "{near}"?' if near else f" (known: {', '.join(known)})"
        return f"{place}: unknown key{hint}"
    if error["loc"][-1] == "country":
        return f"{place}: a country is two capital letters, such as PL or US"
    message = error["msg"].removeprefix("Value error, ")
    if message.startswith("gateway: "):
        return f"{place}.{message}"
    return f"{place}: {message[:1].lower()}{message[1:]}"


def _known(place: tuple[Any, ...]) -> list[str]:
    if place[:1] == ("accounts",):
        own = (n for name in OURS for n in _keys_of(provider(name)))
        return list(dict.fromkeys(("gateway", "fields", *own)))
    models: dict[str, type[BaseModel]] = {
        "bots": BotSettings, "lines": LineSettings, "alerts": AlertSettings, "api": ApiSettings, "money": MoneySettings,
    }  # fmt: skip
    return list((models[place[0]] if place else Settings).model_fields)


def _keys_of(kind: Provider) -> tuple[str, ...]:
    return (*kind.secrets, *kind.more_secrets, *kind.options)


def _cross_check(settings: Settings) -> list[str]:
    problems: list[str] = []
    owner: dict[str, str] = {}
    for name, bot in settings.bots.items():
        for line in bot.lines:
            if line in owner:
                problems.append(f"bots.{name}.lines: {line} belongs to the bot {owner[line]} already")
            owner[line] = name
            if not phone.can_receive(line):
                problems.append(f"bots.{name}.lines: {line!r} is neither +number nor short code, so nobody can text it")
    for number, line_settings in settings.lines.items():
        if settings.bots and number not in owner:
            near = nearest(number, owner)
            problems.append(f'lines."{number}": no bot has this line' + (f'; did you mean "{near}"?' if near else ""))
        named = {"": line_settings.account, **{f"lanes.{n}.": o.account for n, o in line_settings.lanes.items()}}
        for place, account in named.items():
            if account and settings.accounts and account not in settings.accounts:
                near = nearest(account, settings.accounts)
                problems.append(
                    f'lines."{number}".{place}account: there is no account "{account}"'
                    + (f'; did you mean "{near}"?' if near else "")
                )
    for name, each in settings.accounts.items():
        if not _NAME.fullmatch(name):
            problems.append(f"accounts.{name}: a name has small letters, digits, - and _")
        problems += _account(name, each)
    return [*problems, *_money(settings, owner), *_database(settings.database)]


def _money(settings: Settings, owner: Mapping[str, str]) -> Iterator[str]:
    """The problems of caps and prices."""
    own = settings.money
    if own.prices is not None:
        try:
            prices_in(own.prices)
        except UsageError as error:
            yield f"money.prices: {error.args[0]}"
    elif own.capped:
        yield 'money: a cap needs a price list: prices = "prices.toml"'
    if own.timezone and zones.zone(own.timezone) is None:
        yield f"money.timezone: there is no time zone {own.timezone}"
    for kind, given, known in (("lines", own.lines, owner), ("bots", own.bots, settings.bots)):
        for name in given if settings.bots else ():
            if name not in known:
                near = nearest(name, known)
                yield f"money.{kind}: there is no {kind[:-1]} {name[:40]}" + (f"; did you mean {near}?" if near else "")


def _database(database: str) -> list[str]:
    """A path, or a URL of SQLite or PostgreSQL; they may hold a password, so they are not repeated."""
    scheme = database.partition(":")[0]
    if database.startswith("sqlite:///") or not re.match(r"[a-z0-9+]{2,}:", database):
        return []
    if scheme == "sqlite":
        return ["database: three slashes are missing: sqlite:///path, or sqlite:////path from the root"]
    if not scheme.startswith("postgres"):
        return [f"database: {scheme} is not supported; give a SQLite file, or postgresql://user@host/name"]
    if re.match(r"postgres(ql)?://[^/]*/[^/?]+", database) is None:
        return ["database: no database is named; write postgresql://user@host/name"]
    try:
        urlsplit(database).port  # noqa: B018 - it is read only now
    except ValueError:
        return ["database: the address cannot be read; signs of a password such as / # ? @ are written %2F %23 %3F %40"]
    if find_spec("asyncpg") is None:
        return ["database: PostgreSQL needs its driver: pip install 'smsbot[postgres]'"]
    return []


def _account(name: str, account: AccountSettings) -> list[str]:
    """The problems of an account, whatever its secrets are."""
    kind = account.provider()
    problems = _base_url(name, account.options.get("base_url"))
    for hook, fields in account.fields.items():
        unknown = [f for f in fields if f not in kind.fields.get(hook, ())]
        if hook not in kind.fields or unknown:
            problems.append(f"accounts.{name}.fields.{hook}: not a webhook and its fields ({', '.join(unknown)})")
    return problems


def check_live(settings: Settings) -> None:
    """Check all that `smsbot run` needs; raises `SettingsError` with every problem."""
    problems: list[str] = []
    if not settings.bots:
        problems.append('bots: none is configured; add [bots.NAME] with target = "module:bot" and lines = ["+48…"]')
    problems += _public_url(settings.public_url)
    problems += _password(settings)
    problems += _codes_secret(settings)
    problems += settings.alerts.problems
    problems += _open_dotenv(Path.cwd() / ".env")
    if settings.bots and not settings.accounts:
        problems.append('accounts: none is configured; add [accounts.main] with gateway = "messageflow"')
    for name, account in settings.accounts.items():
        problems += check_account(name, account)
    for bot in settings.bots.values():
        for line in bot.lines:
            if len(settings.accounts) > 1 and not settings.lines.get(line, LineSettings()).account:
                problems.append(f'lines."{line}".account: say which of {", ".join(settings.accounts)} it belongs to')
    if problems:
        raise SettingsError(problems)


def _open_dotenv(path: Path) -> list[str]:
    """The problem with a `.env` that holds secrets: others may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []
    if not mode & 0o077 or not any(_is_secret(name, value or "") for name, value in _dotenv(path).items()):
        return []
    return [f"{path.name} holds secrets and has mode {mode:04o}; such a file has 0600 (chmod 600 {path.name})"]


def _is_secret(variable: str, value: str) -> bool:
    """Whether a variable of the environment is a secret itself, or holds some; not the name of a file with one."""
    variable = variable.upper()
    if variable in ("DATABASE_URL", "SMSBOT_DATABASE"):
        return "://" in value and "@" in value and ":" in value.partition("://")[2].rpartition("@")[0]
    if not value or not variable.startswith("SMSBOT_"):
        return False
    if variable in ("SMSBOT_DASHBOARD_PASSWORD", "SMSBOT_CODES_SECRET"):
        return True
    parts = variable.removeprefix("SMSBOT_").lower().split("__")
    if parts[0] == "alerts":
        return len(parts) == 1 or parts[1] in ("webhook", "smtp")
    if parts[0] != "accounts" or len(parts) > 3:
        return False
    secret = _secret_names()
    return parts[2] in secret if len(parts) == 3 else any(f'"{name}"' in value for name in secret)


def _secret_names() -> set[str]:
    return {s for kind in map(provider, OURS) for s in (*kind.secrets, *kind.more_secrets)}


def _password(settings: Settings) -> list[str]:
    if settings.dashboard_password_file is not None and settings.dashboard_password is None:
        problem = open_to_others("SMSBOT_DASHBOARD_PASSWORD", settings.dashboard_password_file)
        if problem:
            return [problem]
    if settings.password and len(settings.password.strip()) < _SHORTEST:
        return [f"SMSBOT_DASHBOARD_PASSWORD is too short: a password has at least {_SHORTEST} characters"]
    return []


def _codes_secret(settings: Settings) -> list[str]:
    if settings.codes_secret_file is not None and settings.codes_secret is None:
        problem = open_to_others("SMSBOT_CODES_SECRET", settings.codes_secret_file)
        if problem:
            return [problem]
    if settings.codes_words and len(settings.codes_words) < _SHORTEST_SECRET:
        return [f"SMSBOT_CODES_SECRET is too short: give {_SHORTEST_SECRET} characters or more (openssl rand -hex 16)"]
    return []


def _public_url(url: str) -> list[str]:
    if not url:
        return ["PUBLIC_URL is missing; providers call its https://… address"]
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return [f"PUBLIC_URL cannot be read: {error}"]
    if parts.scheme != "https" or not parts.hostname:
        begins = f"{parts.scheme}://" if "//" in url else url.partition("/")[0][:60]
        return [f"PUBLIC_URL must begin with https:// and a host name, not with {begins!r}"]
    if parts.query or parts.fragment or parts.username or parts.password:
        return ["PUBLIC_URL has no query, fragment or password"]
    return []


def _base_url(name: str, url: str | None) -> list[str]:
    if keeps_keys(url or "https://default"):
        return []
    return [f"accounts.{name}.base_url: must be https://…, so that keys do not travel in clear"]


def check_account(name: str, account: AccountSettings) -> list[str]:
    """The problems of an account's secrets, missing or wrong; never a value itself."""
    kind = account.provider()
    given = [s for s in kind.more_secrets if s in account.secrets or s in account.secret_files]
    return [problem for secret in (*kind.secrets, *given) for problem in _check_secret(name, account, secret)]


def _check_secret(name: str, account: AccountSettings, secret: str) -> list[str]:
    variable = f"SMSBOT_ACCOUNTS__{name.upper()}__{secret.upper()}"
    file = account.secret_files.get(secret)
    if file is not None and secret not in account.secrets and (problem := open_to_others(variable, file)):
        return [problem]
    value = account.secret(secret)
    if not value:
        return [f"{variable} is missing"]
    if value != value.strip() or not value.isascii() or not value.isprintable():
        return [f"{variable} contains spaces or characters that no key has"]
    if len(value) < 8 or value.lower() in ("changeme", "change-me", "password", "your-key"):
        return [f"{variable} is a placeholder, not a key, or too short: a key has at least 8 characters"]
    return []
