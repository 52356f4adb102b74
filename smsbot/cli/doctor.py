"""``smsbot doctor``: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import secrets
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from smsbot.accounts import build_gateway
from smsbot.checks.proof import examine
from smsbot.configuration import check_account, check_live
from smsbot.core.clock import duration
from smsbot.core.errors import SettingsError, SmsbotError, UsageError
from smsbot.core.phone import can_receive, masked
from smsbot.core.problem import Severity
from smsbot.gateways.base import Outbound, Search
from smsbot.lineup import build_lines
from smsbot.routing.bot import Bot
from smsbot.settings import Settings
from smsbot.transport import HttpxTransport

from . import options
from .serve import load


@dataclass(frozen=True, slots=True)
class LookupOutcome:
    """One check: passed, failed, or worth knowing (None)."""

    name: str
    passed: bool | None
    detail: str = ""


@click.command()
@options.database
@options.as_json
@click.option("--offline", is_flag=True, help="Do not ask the provider whether the keys work.")
@click.option("--live", metavar="NUMBER", help="Send NUMBER one real text; wait for its report and for a reply.")
@click.option("--wait", default="2m", show_default=True, help="With --live: how long to wait for each.")
@click.option("--keep", default="fixtures", show_default=True, help="With --live: where the payloads go, redacted.")
@click.option(
    "--gateway", "examples", multiple=True, metavar="FILE", help="Print settings from a manual's example (-: stdin)."
)
@click.option("--account", default="other", show_default=True, metavar="NAME", help="With --gateway: the account.")
@click.pass_context
def doctor(
    ctx: click.Context,
    database: str | None,
    as_json: bool,
    offline: bool,
    live: str | None,
    wait: str,
    keep: str,
    examples: tuple[str, ...],
    account: str,
) -> None:
    """Check settings, bots, database and credentials. Exit code 1 if something has to be done.

    With --live, try the whole way on a running server: one text to NUMBER, its delivery report, and your reply.

    With --gateway, check nothing: FILE holds a request or a webhook of a provider's manual (a curl line, an HTTP
    request, JSON or a form; several between lines of ---), and what is printed is the account for smsbot.toml.
    """
    if examples:
        from .doctor_gateway import describe

        if live is not None:
            raise UsageError("--gateway and --live are two things; first the account, then the trial")
        describe(examples, account, as_json)
        return
    if live is not None:
        from .firstday import trial

        said: list[LookupOutcome] = []
        say = said.append if as_json else _show
        code = trial(options.settings(database), live, duration(wait), keep, lambda *f: say(LookupOutcome(*f)))
        if as_json:
            options.emit(_document(said))
        ctx.exit(code)
    findings = options.run(_examine(database, offline))
    if as_json:
        options.emit(_document(findings))
    else:
        for finding in findings:
            _show(finding)
    ctx.exit(1 if any(f.passed is False for f in findings) else 0)


def _document(findings: list[LookupOutcome]) -> dict[str, Any]:
    return {"v": 1, "checks": [{"check": f.name, "passed": f.passed, "detail": f.detail} for f in findings]}


def _show(f: LookupOutcome) -> None:
    mark, colour = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "yellow")}[f.passed]
    click.echo(click.style(mark, fg=colour) + f" {f.name}" + (f": {f.detail}" if f.detail else ""))


async def _examine(database: str | None, offline: bool) -> list[LookupOutcome]:
    try:
        found = options.settings(database)
    except SettingsError as error:
        return [LookupOutcome("settings", False, problem) for problem in error.problems]
    findings = [*_settings(found), *_accounts(found), *_bots(found)]
    findings += [] if found.place.on_server else [_library()]
    findings += [LookupOutcome("time zone", None, why) for why in found.unsure_zones()]
    findings += [f async for f in _database(found)]
    if not offline:
        usable = [n for n, a in found.accounts.items() if not check_account(n, a)]
        findings += [await _keys(found, name) for name in usable]
    return findings


def _settings(found: Settings) -> list[LookupOutcome]:
    try:
        check_live(found)
    except SettingsError as error:
        return [LookupOutcome("ready for `smsbot run`", None, problem) for problem in error.problems]
    return [LookupOutcome("settings", True)]


def _accounts(found: Settings) -> list[LookupOutcome]:
    """The promises of each gateway."""
    findings: list[LookupOutcome] = []
    for name, account in found.accounts.items():
        try:
            gateway = build_gateway(name, account, HttpxTransport())
        except SmsbotError as error:
            findings.append(LookupOutcome(f"account {name}", False, str(error)))
            continue
        claims = gateway.claims
        lost = "is looked up" if claims.can_look_up else "is held for you: nobody can say whether it arrived"
        missed = "is listed" if claims.lists_texts else "is lost unless it is delivered again"
        stop = ", STOP is answered by the network" if claims.obeys else ""
        told = (
            f"webhooks prove themselves by {claims.proof}, a send without an answer {lost}, "
            f"a text without a webhook {missed}{stop}"
        )
        findings.append(LookupOutcome(f"account {name} ({account.gateway})", True, told))
    return findings


def _bots(found: Settings) -> list[LookupOutcome]:
    """The problems of bots and their flows; errors keep a server from starting."""
    if not found.bots:
        return [LookupOutcome("bots", None, "none is configured")]
    try:
        bots = load(found)
        findings = [f for name, bot in bots.items() for f in _flows(found, name, bot)]
        if not any(f.passed is False for f in findings):
            build_lines(found, bots)
    except SmsbotError as error:
        return [LookupOutcome("bots", False, str(error))]
    lines = [line for bot in found.bots.values() for line in bot.lines if can_receive(line)]
    return findings or [LookupOutcome("bots", True, f"{len(found.bots)} on {', '.join(lines)}")]


def _flows(found: Settings, name: str, bot: Bot) -> list[LookupOutcome]:
    lines = found.bots[name].lines
    _, problems = examine(bot, lines, [found.country(n) for n in lines])
    return [
        LookupOutcome(
            f"flows of {name}", False if p.severity is Severity.ERROR else None, f"{p.place} {p.message} ({p.code})"
        )
        for p in problems
    ]


def _library() -> LookupOutcome:
    version = sqlite3.sqlite_version
    safe = sqlite3.sqlite_version_info >= (3, 51, 3)
    why = "" if safe else " (has the WAL-reset race, which a second writer would meet: never open the file with others)"
    return LookupOutcome("SQLite", True if safe else None, version + why)


def _file(path: Path) -> LookupOutcome:
    """Whether a file can be a database that nobody else reads."""
    if not path.parent.is_dir() or path.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be made: there is no folder {path.parent}"
        return LookupOutcome("database", False, f"{path} {what}")
    if not path.exists():
        return LookupOutcome("database", None, f"{path} does not exist yet; the first start makes it")
    mode = stat.S_IMODE(path.stat().st_mode)
    private = mode & 0o077 == 0
    return LookupOutcome("database mode", private, f"{mode:04o}" + ("" if private else "; chmod 600 it"))


async def _database(found: Settings) -> AsyncIterator[LookupOutcome]:
    if not found.place.on_server:
        told = _file(found.place.path)
        yield told
        if told.name == "database":
            return
    try:
        async for name, passed, detail in found.place.findings():
            yield LookupOutcome(name, passed, detail)
            if name == "database":
                return
        async with found.place.reader() as reader:
            check = next(iter((await reader.rows("quick_check"))[0].values()))
            yield LookupOutcome("database content", check == "ok", "" if check == "ok" else str(check))
            counts = (await reader.rows("counts"))[0]
            pauses = await reader.rows("pauses")
            reports = await reader.rows("latest_receipts")
            strange = await reader.rows("unknown_statuses")
    except SmsbotError as error:
        yield LookupOutcome("database content", False, str(error))
        return
    for pause in pauses:
        what = f"{pause['scope']} {pause['name']}".strip()
        yield LookupOutcome("paused", None, f"{what}{': ' if pause['why'] else ''}{pause['why']}; `smsbot resume`")
    for name, what, hint in (
        ("dead", "failed turns", "`smsbot tail` shows what each failed with"),
        ("unknown", "unknown texts held", "they may have arrived; nothing is sent again by itself"),
        ("quarantined", "webhooks in quarantine", "/quarantine shows each, and what to do"),
    ):
        yield LookupOutcome(what, counts[name] == 0, str(counts[name]) + (f"; {hint}" if counts[name] else ""))
    for row in strange:
        said = f"{masked(row['raw'])[:40]} ({row['n']} times); say what it means under `statuses` of the account"
        yield LookupOutcome(f"status that nobody knows, {row['account']}", None, said)
    for row in reports:
        yield LookupOutcome(f"last report of {row['account']}", True, f"{(time.time() - row['at']) / 60:.0f} min ago")


async def _keys(found: Settings, name: str) -> LookupOutcome:
    """Whether the provider takes the keys: it is asked for a text that nobody has sent."""
    transport = HttpxTransport()
    try:
        gateway = build_gateway(name, found.accounts[name], transport)
        if not gateway.claims.can_look_up:
            return LookupOutcome(f"credentials of {name}", None, "cannot be tried without sending a text")
        nobody = Outbound(
            next(iter(found.lines_of(name)), "+15005550001"), "+15005550006", "", secrets.token_hex(10), 0.0
        )
        answer = await gateway.look_up(Search(nobody, time.time()))
    finally:
        await transport.close()
    if answer.found is None:
        hint = "; the provider refuses the keys" if "401" in answer.detail or "403" in answer.detail else ""
        return LookupOutcome(f"credentials of {name}", False, answer.detail + hint)
    return LookupOutcome(f"credentials of {name}", True)
