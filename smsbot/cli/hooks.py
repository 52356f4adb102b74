"""``smsbot hooks``: the addresses to paste at the provider, their secrets, and field maps."""

from __future__ import annotations

import secrets
import time
from typing import Any

import click

from smsbot.core.errors import SettingsError, SmsbotError, UsageError
from smsbot.gateways.base import Provider
from smsbot.settings import AccountSettings, Settings

from . import database as database_
from . import options


@click.group(invoke_without_command=True)
@options.database
@options.as_json
@click.option("--rotate", metavar="ACCOUNT", help="Give ACCOUNT a new secret; the one before stays alive.")
@click.pass_context
def hooks(ctx: click.Context, database: str | None, as_json: bool, rotate: str | None) -> None:
    """Print the webhook addresses to paste at the provider, newest first."""
    ctx.obj = database
    if ctx.invoked_subcommand is not None:
        return
    found = options.settings(database)
    try:
        answer = options.ask(found, "rotate", account=rotate) if rotate else options.ask(found, "hooks")
    except options.NoServer:
        answer = options.run(_offline(found, rotate))
    if as_json:
        options.emit({"v": 1, "hooks": answer})
        return
    for name, urls in answer.items():
        click.echo(f"{name:20} {urls[0]}")
        for old in urls[1:]:
            click.echo(f"{'  still alive':20} {old}")


async def _offline(found: Settings, rotate: str | None) -> dict[str, list[str]]:

    if not found.public_url:
        raise SettingsError(["PUBLIC_URL is not set, so the addresses are not known; or start the server first"])
    names = list(found.accounts)
    if not names:
        raise SettingsError(["accounts: none is configured, so there is nothing to paste"])
    if rotate is not None and rotate not in names:
        raise UsageError(f'there is no account "{rotate}"; accounts: {", ".join(names)}')
    async with database_.opened(found) as store:
        live = await store.hook_secrets()
        for name in names:
            if name not in live or name == rotate:
                await store.add_hook_secret(name, secrets.token_urlsafe(24), time.time())
        live = await store.hook_secrets()
    base = found.public_url.rstrip("/")
    suffix = {n: a.provider().claims.hook_suffix for n, a in found.accounts.items()}
    return {
        f"{n} {kind}": [f"{base}/hooks/{n}/{s}/{kind}{suffix[n]}" for s in live[n]]
        for n in names
        for kind in ("inbound", "status")
    }


@hooks.command("map")
@click.argument("account")
@click.argument("kind", type=click.Choice(["inbound", "status"]))
@click.option("--from", "from_", metavar="FIELD", help="inbound: the field with the person's number.")
@click.option("--to", metavar="FIELD", help="inbound: the field with our line.")
@click.option("--text", metavar="FIELD", help="inbound: the field with the text.")
@click.option("--id", "id_", metavar="FIELD", help="The field with the text's id.")
@click.option("--time", "time_", metavar="FIELD", help="The field with the time.")
@click.option("--status", metavar="FIELD", help="status: the field with the status.")
@click.option("--reference", metavar="FIELD", help="status: the field with the id that we gave.")
@click.pass_obj
def map_(
    database: str | None,
    account: str,
    kind: str,
    from_: str | None,
    to: str | None,
    text: str | None,
    id_: str | None,
    time_: str | None,
    status: str | None,
    reference: str | None,
) -> None:
    """Teach how ACCOUNT spells the fields of a webhook, and read its quarantine again.

    A dot goes into an object: --text message.body
    """
    given = {"from": from_, "to": to, "text": text, "id": id_, "time": time_, "status": status, "reference": reference}
    fields = {k: v for k, v in given.items() if v is not None}
    if not fields:
        raise UsageError("name at least one field, such as --from msisdn --text body")
    found = options.settings(database)
    known = _provider(found, account).fields.get(kind, {})
    unknown = [f for f in fields if f not in known]
    if unknown:
        has = f"it has {', '.join(known)}" if known else "there is nothing to map"
        raise UsageError(f"{kind} has no field {', '.join(unknown)}; {has}")
    try:
        answer: Any = options.ask(found, "map", account=account, kind=kind, fields=fields)
    except options.NoServer:
        options.run(_keep(found, account, kind, fields))
        click.echo(f"Kept. What {account} has in quarantine is read again when the server starts.")
        return
    click.echo(f"Understood and replayed: {answer['replayed']}. Still in quarantine: {answer['left']}.")
    click.echo("To make it permanent elsewhere, add to smsbot.toml:", err=True)
    click.echo(f"[accounts.{account}.fields.{kind}]", err=True)
    for field, name in fields.items():
        click.echo(f'{field} = "{name}"', err=True)
    if answer["left"]:
        raise SmsbotError("some webhooks are still not understood")


def _provider(found: Settings, account: str) -> Provider:
    if found.accounts and account not in found.accounts:
        raise UsageError(f'there is no account "{account}"; accounts: {", ".join(found.accounts)}')
    return found.accounts.get(account, AccountSettings()).provider()


async def _keep(found: Settings, account: str, kind: str, fields: dict[str, str]) -> None:
    async with database_.opened(found) as store:
        await store.set_hook_map(account, kind, fields, time.time())
