"""The lines of a server, from its settings and its bots: what each says, how much it may, and whom it answers."""

from __future__ import annotations

from collections.abc import Mapping

from smsbot.accounts import SANDBOX
from smsbot.checks.proof import prove
from smsbot.core.lanes import NOTICE
from smsbot.gateways.base import Claims
from smsbot.gateways.messageflow import MessageFlow
from smsbot.policy import pace, rates
from smsbot.policy.quiet import quiet
from smsbot.routing.bot import Bot
from smsbot.settings import LineSettings, Settings
from smsbot.threads import Threads
from smsbot.turns.flow_versions import FlowVersions
from smsbot.turns.lines import Lane, Line, Lines, checked_table, language_of_bot
from smsbot.understanding import consent


def build_lines(settings: Settings, bots: Mapping[str, Bot], *, sandboxed: bool = False) -> Lines:
    """The lines of the settings, each with its bot, flows, account and country; flows and routes are checked here.

    `sandboxed`: every account talks to the sandbox, and runs move on to edited flows.
    """
    lines: dict[str, Line] = {}
    versions = {
        name: FlowVersions(prove(bots[name], own.lines, [settings.country(n) for n in own.lines]), forward=sandboxed)
        for name, own in settings.bots.items()
    }
    threads = {name: Threads(name, bots[name].threads) for name in settings.bots}
    default = next(iter(settings.accounts), SANDBOX)
    for name, bot_settings in settings.bots.items():
        for number in bot_settings.lines:
            own = settings.lines.get(number, LineSettings())
            country = settings.country(number)
            table = checked_table(bots[name], number, versions[name], country)
            account = own.account or default
            lines[number] = Line(
                number, bots[name], account, country=country,
                help=own.help or consent.HELP, opted_out=own.opted_out or consent.OPTED_OUT,
                opted_in=own.opted_in or consent.OPTED_IN, versions=versions[name], table=table,
                language=language_of_bot(bots[name], table, versions[name]),
                timezone=settings.timezone(number), wrong_number=_wrong_number(own, bots[name]),
                pace=pace.MOST if own.pace is None else own.pace,
                per_minute=_per_minute(own),
                line_per_minute=own.line_per_minute,
                answer_costly=own.answer_costly,
                gateway=_gateway(settings, account), sends_media=_claims(settings, account).sends_media,
                obeyed={} if sandboxed else _claims(settings, account).obeys,
                quiet=quiet(own.quiet_in(NOTICE)) if own.quiet_in(NOTICE) else None,
                lanes={lane: Lane(o.account, o.life) for lane, o in own.lanes.items()},
                threads=threads[name],
            )  # fmt: skip
    return Lines(lines)


def _per_minute(own: LineSettings) -> int:
    """Turns of one number a minute; a line where nobody is too fast has no such limit unless it says so."""
    if own.per_minute is not None:
        return own.per_minute
    return 0 if own.pace == 0 else rates.PER_MINUTE


def _wrong_number(own: LineSettings, bot: Bot) -> str | None:
    """The text said after "wrong number": of the line, else of the bot, else (None) ours; empty: switched off."""
    said = bot.wrong_number if own.wrong_number is None else own.wrong_number
    return None if said is True else said or ""


def _gateway(settings: Settings, account: str) -> str:
    own = settings.accounts.get(account)
    return own.gateway if own is not None else SANDBOX


def _claims(settings: Settings, account: str) -> Claims:
    own = settings.accounts.get(account)
    return own.provider().claims if own is not None else MessageFlow.claims


def zones_of(lines: Lines) -> Mapping[Bot, str]:
    """The time zone of each bot: that of its first line."""
    return {line.bot: line.timezone for line in reversed(lines.values())}
