"""The settings of a server: bots, lines, accounts; frozen.

Secrets come only from the environment (``SMSBOT_ACCOUNTS__MAIN__AUTHORIZATION``) or from files of mode
0600 named there (``…__AUTHORIZATION_FILE``).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from smsbot.core import phone, zones
from smsbot.core.clock import duration
from smsbot.core.errors import SettingsError, UsageError
from smsbot.core.nearest import nearest
from smsbot.gateways.base import Provider
from smsbot.gateways.providers import provider
from smsbot.policy.quiet import quiet as read_quiet
from smsbot.stores.database import Database

_FROZEN = ConfigDict(frozen=True, extra="forbid")


def _listed(value: Any) -> Any:
    """In the environment, several are separated by commas."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _read_by(read: Callable[[str], object]) -> AfterValidator:
    """Text that a function of ours can read; empty is nothing said."""

    def check(value: str) -> str:
        try:
            if value:
                read(value)
        except UsageError as error:
            raise ValueError(error.args[0]) from None
        return value

    return AfterValidator(check)


Lane = Literal["priority", "reply", "notice", "bulk"]
Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Duration = Annotated[str, _read_by(duration)]
QuietHours = Annotated[str, _read_by(read_quiet)]


class BotSettings(BaseModel):
    """A bot and the lines it answers on."""

    model_config = _FROZEN
    target: str
    lines: Annotated[Listed, Field(min_length=1)]


class LaneSettings(BaseModel):
    """What differs in one lane of a line."""

    model_config = _FROZEN
    account: str = ""
    valid: Duration = ""
    quiet: QuietHours = ""

    @property
    def life(self) -> float:
        """Seconds for which its texts are worth sending; 0: nothing is said."""
        return duration(self.valid) if self.valid else 0.0


class LineSettings(BaseModel):
    """One of our numbers."""

    model_config = _FROZEN
    account: str = ""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    timezone: str | None = None
    help: str | None = None
    opted_out: str | None = None
    opted_in: str | None = None
    wrong_number: str | bool | None = None
    pace: int | None = Field(default=None, ge=0)
    per_minute: int | None = Field(default=None, ge=0)
    line_per_minute: int = Field(default=0, ge=0)
    answer_costly: bool = False
    countries: Annotated[tuple[Country, ...], BeforeValidator(_listed)] = ()
    """Whose numbers are written to; empty: those of every country."""
    rate: float = Field(default=0.0, ge=0, le=1000)
    """Texts a second; 0: as many as its provider takes."""
    lanes: Mapping[Lane, LaneSettings] = {}
    quiet: QuietHours = ""
    """Hours in which neither notices nor bulk leave; empty: in bulk those of the person's country."""

    @field_validator("rate")
    @classmethod
    def _not_never(cls, value: float) -> float:
        if 0 < value < 0.01:
            raise ValueError("one text in a hundred seconds is the slowest")
        return value

    def quiet_in(self, lane: str) -> str:
        """The quiet hours of a lane, as they are written; empty where nothing is said."""
        return next((own.quiet for name, own in self.lanes.items() if name == lane), "") or self.quiet

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and zones.zone(value) is None:
            near = nearest(value, available_timezones())
            raise ValueError(f"there is no time zone {value}" + (f"; did you mean {near}?" if near else ""))
        return value


def accounts_of(line: LineSettings) -> list[str]:
    """The accounts that a line names, its own first, then those of its lanes."""
    return [account for account in (line.account, *(lane.account for lane in line.lanes.values())) if account]


class AccountSettings(BaseModel):
    """Credentials at a gateway, and whatever else its provider is told; field maps say how it spells its webhooks."""

    model_config = _FROZEN
    gateway: str = "messageflow"
    fields: Mapping[str, Mapping[str, str]] = {}
    options: Mapping[str, Any] = {}
    """The options in the account's table that its provider knows."""
    secrets: Mapping[str, SecretStr] = {}
    secret_files: Mapping[str, Path] = {}

    @model_validator(mode="before")
    @classmethod
    def _sorted(cls, given: Any) -> Any:
        """Secrets, files of secrets and options have the provider's names, so they are told apart here."""
        if not isinstance(given, dict):
            return given
        try:
            kind = provider(str(given.get("gateway", "messageflow")))
        except UsageError as error:
            raise ValueError(f"gateway: {error.args[0]}") from None
        found: dict[str, Any] = {"options": {}, "secrets": {}, "secret_files": {}}
        own = sorted(found.keys() & given)
        if own:  # our own names for what stands in the table under the provider's names
            raise ValueError(f"unknown key {own[0]}; a provider's keys and secrets stand in the account itself")
        for name, value in given.items():
            if name in ("gateway", "fields"):
                found[name] = value
            elif name in (secrets := (*kind.secrets, *kind.more_secrets)):
                found["secrets"][name] = value
            elif name.removesuffix("_file") in secrets:
                found["secret_files"][name.removesuffix("_file")] = value
            elif name in kind.options:
                found["options"][name] = value
            else:
                found[name] = value
        return found

    def provider(self) -> Provider:
        """Its provider; raises `UsageError`."""
        return provider(self.gateway)

    def secret(self, name: str) -> str:
        """The value of a secret, from the environment or its file; empty if there is none."""
        value, file = self.secrets.get(name), self.secret_files.get(name)
        if value is not None:
            return value.get_secret_value()
        return _secret_in(file) if file is not None else ""


def _secret_in(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file} cannot be read: {error}"]) from None


def _secret(variable: str, given: SecretStr | None, file: Path | None) -> str:
    """A secret as it is given, or from its file; empty if there is neither."""
    if given is not None:
        return given.get_secret_value()
    if file is None:
        return ""
    if problem := open_to_others(variable, file):
        raise SettingsError([problem])
    return _secret_in(file)


def open_to_others(variable: str, file: Path) -> str:
    """The problem with a file that holds a secret; empty if there is none."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        return f"{variable}_FILE: {file} cannot be read ({error.strerror})"
    return f"{variable}_FILE: {file} has mode {mode:04o}; a secret file has 0600" if mode & 0o077 else ""


class AlertSettings(BaseModel):
    """How the desk is told at once; the address of a webhook and of a mail server with its password are secrets."""

    model_config = _FROZEN
    webhook: SecretStr | None = None
    smtp: SecretStr | None = None
    email: Listed = ()
    sender: str = "smsbot@localhost"

    @property
    def problems(self) -> list[str]:
        """What cannot work."""
        found = []
        webhook = urlsplit(self.webhook.get_secret_value()) if self.webhook is not None else None
        if webhook is not None and (webhook.scheme not in ("http", "https") or not webhook.hostname):
            found.append("alerts.webhook: an address begins with https://")
        server = urlsplit(self.smtp.get_secret_value()) if self.smtp is not None else None
        if server is not None and (server.scheme not in ("smtp", "smtps") or not server.hostname):
            found.append("alerts.smtp: a mail server is written as smtps://user:password@host or smtp://host:25")
        if bool(self.email) != (self.smtp is not None):
            found.append("alerts: email and smtp go together: to whom, and through which server")
        if self.email and find_spec("aiosmtplib") is None:
            found.append("alerts.email: needs the extra; pip install 'smsbot[email]'")
        if wrong := [a for a in (*self.email, self.sender) if "@" not in a or any(c.isspace() for c in a)]:
            found.append(f"alerts: {wrong[0][:60]!r} is no e-mail address")
        return found


class ApiSettings(BaseModel):
    """How much programs may ask, and which hosts of this server's own network they may have told what happens."""

    model_config = _FROZEN
    rate: float = Field(default=100.0, ge=0, le=100_000)
    allow: Listed = ()


Amount = Annotated[float, Field(ge=0, le=1_000_000)]


class MoneySettings(BaseModel):
    """A price list, and the most that a day may cost."""

    model_config = _FROZEN
    prices: Path | None = None
    timezone: str = ""
    """The zone whose days count; empty: that of the first line."""
    day: Amount | None = None
    contact: Amount | None = None
    lines: Mapping[str, Amount] = {}
    lanes: Mapping[Lane, Amount] = {}
    bots: Mapping[str, Amount] = {}
    stops: Mapping[Lane, Annotated[float, Field(gt=0, le=1)]] = {}
    """The share of a cap at which a lane stops; else as `policy.money.STOPS` has it."""

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return bool(self.lines or self.lanes or self.bots or self.day is not None or self.contact is not None)


class Settings(BaseSettings):
    """Everything that a server is told."""

    model_config = SettingsConfigDict(env_prefix="SMSBOT_", env_nested_delimiter="__", extra="forbid", frozen=True)
    bots: Mapping[str, BotSettings] = {}
    lines: Mapping[str, LineSettings] = {}
    accounts: Mapping[str, AccountSettings] = {}
    public_url: str = ""
    database: str = "smsbot.db"
    """A file, or ``postgresql://user@host/name``."""
    run: Path | None = None
    """The folder of the running server; else beside the file, or in the current folder."""
    build: str = ""
    """What processes that serve beside this one are told of its code; else a digest of that."""
    host: str = "127.0.0.1"
    port: int = Field(default=8765, ge=0, le=65535)
    dashboard_password: SecretStr | None = None
    dashboard_password_file: Path | None = None
    codes_secret: SecretStr | None = None
    """What one-time codes follow from, where several machines must know it; else each makes its own."""
    codes_secret_file: Path | None = None
    hosts: tuple[str, ...] = ()
    """Names by which the pages are reached, besides that of `public_url`, addresses and names without dots."""
    answers: Mapping[str, str] = {}
    """Ready answers of the desk, by what their buttons say."""
    links: Mapping[str, str] = {}
    """Pages of the user's own about a person, by their names: addresses with ``{number}``, ``{ref}`` or ``{line}``."""
    alerts: AlertSettings = AlertSettings()
    api: ApiSettings = ApiSettings()
    money: MoneySettings = MoneySettings()
    recheck: float | None = Field(default=None, gt=0, le=3600)
    """Seconds between two look-ups of a text whose send got no answer (default: 60 live, 2 in the sandbox)."""

    @field_validator("links")
    @classmethod
    def _addresses(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, address in value.items():
            holes = {hole for _, hole, _, _ in Formatter().parse(address) if hole is not None}
            if unknown := holes - {"number", "ref", "line"}:
                raise ValueError(f"{name}: {{{unknown.pop()}}} is none of {{number}}, {{ref}} and {{line}}")
            if urlsplit(address).scheme not in ("http", "https") or "/" in name:
                raise ValueError(f"{name}: an address begins with https://, and its name has no slash")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment above `.env` above the file (which comes as init values)."""
        return env_settings, init_settings

    def country(self, line: str) -> str | None:
        """The country of a line: as it is set, else as its number says."""
        return self.lines.get(line, LineSettings()).country or phone.country(line)

    def timezone(self, line: str) -> str:
        """The time zone of a line: as it is set, else where most people of its country live."""
        return self.lines.get(line, LineSettings()).timezone or zones.usual(self.country(line))

    @property
    def rates(self) -> Mapping[str, float]:
        """How many texts a second leave on the lines that have a rate."""
        return {number: own.rate for number, own in self.lines.items() if own.rate}

    def unsure_zones(self) -> list[str]:
        """Warnings about lines whose country has several time zones, while nobody has said which counts."""
        found: list[str] = []
        for line in (number for bot in self.bots.values() for number in bot.lines):
            country = self.country(line)
            many = zones.zones_of(country)
            if len(many) > 1 and self.lines.get(line, LineSettings()).timezone is None:
                why = f"{country} has {len(many)} time zones, so days on {line} begin and end as in {many[0]}"
                found.append(f'{why}; say which with timezone = "…" under [lines."{line}"]')
        return found

    def lines_of(self, account: str) -> list[str]:
        """The lines of an account."""
        lines = [number for bot in self.bots.values() for number in bot.lines]
        first = next(iter(self.accounts), "")
        return [n for n in lines if (self.lines.get(n, LineSettings()).account or first) == account]

    @property
    def password(self) -> str:
        """The password of the pages, empty if there is none; raises `SettingsError` for a file that cannot be used."""
        return _secret("SMSBOT_DASHBOARD_PASSWORD", self.dashboard_password, self.dashboard_password_file)

    @property
    def codes_words(self) -> str:
        """What one-time codes follow from, empty if nothing is given; raises `SettingsError` likewise."""
        return _secret("SMSBOT_CODES_SECRET", self.codes_secret, self.codes_secret_file)

    @property
    def place(self) -> Database:
        """Where everything is kept."""
        return Database(self.database)

    @property
    def run_folder(self) -> Path:
        """The folder of the running server, for its socket."""
        return self.run or self.place.run_folder
