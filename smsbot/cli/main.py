"""``smsbot``: finds the command, turns errors into one clear line and the right exit code.

Exit codes: 0 done, 1 finished with failures, 2 usage, 3 configuration, 4 gateway refused, 5 nothing
matched, 6 undecided, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading

import click

from smsbot.core.errors import (
    FlowsWrong,
    PortTaken,
    SettingsError,
    SmsbotError,
    StoreLocked,
    StoreOlder,
    StoreTooNew,
    TargetError,
    UsageError,
)

_COMMANDS = {
    "dev": ("smsbot.cli.serve", "Run bots with a sandbox and a phone in the browser."),
    "run": ("smsbot.cli.serve", "Run bots for real."),
    "new": ("smsbot.cli.new", "Begin a bot: flows, stories, settings."),
    "demo": ("smsbot.cli.new", "Run an example with a phone in the browser."),
    "check": ("smsbot.cli.check", "Check flows and stories before anybody texts them."),
    "test": ("smsbot.cli.test", "Run stories."),
    "phone": ("smsbot.cli.phone", "A phone in the terminal, for a running `smsbot dev`."),
    "graph": ("smsbot.cli.graph", "Draw a flow."),
    "schema": ("smsbot.cli.graph", "The JSON Schema of flow files, for editors."),
    "count": ("smsbot.cli.count", "Count the SMS parts of a text."),
    "understand": ("smsbot.cli.understand", "Say what a text is, and how each rule saw it."),
    "send": ("smsbot.cli.send", "Send a text."),
    "broadcast": ("smsbot.cli.broadcast", "Send a text to the people of a file."),
    "tail": ("smsbot.cli.watch", "Follow messages as they come and go."),
    "trace": ("smsbot.cli.watch", "Did it reach the person? All that is known of a number."),
    "token": ("smsbot.cli.token", "Tokens of programs that use the API."),
    "user": ("smsbot.cli.user", "Users of the desk: who may see the pages."),
    "opt-outs": ("smsbot.cli.people", "Numbers that get nothing: list, add, import, export."),
    "export": ("smsbot.cli.people", "All that is known of a person, as JSON."),
    "erase": ("smsbot.cli.people", "Forget a person."),
    "hooks": ("smsbot.cli.hooks", "The webhook addresses to paste at the provider."),
    "pause": ("smsbot.cli.pause", "Keep texts from leaving; nothing is lost."),
    "resume": ("smsbot.cli.pause", "Let texts leave again."),
    "end": ("smsbot.cli.end", "End runs that nobody can finish any more."),
    "retry": ("smsbot.cli.retry", "Send failed texts again, or take failed turns again."),
    "db": ("smsbot.cli.db", "Back up, check and restore the database."),
    "doctor": ("smsbot.cli.doctor", "Check settings, database and credentials."),
    "explain": ("smsbot.cli.explain", "Explain an error code."),
}
_CONFIGURATION = (SettingsError, TargetError, FlowsWrong, StoreLocked, StoreOlder, StoreTooNew, PortTaken)


class _Lazy(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        module = importlib.import_module(found[0])
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_command", None) or getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from smsbot.core.nearest import nearest

            near = nearest(args[0], _COMMANDS)
            hint = f' Did you mean "{near}"?' if near else ""
            raise click.UsageError(f'There is no command "{args[0]}".{hint}', ctx)
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import version

        click.echo(f"smsbot {version('smsbot')}")
        ctx.exit()


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Interactive two-way SMS bots that survive `kill -9`."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """The console script."""
    try:
        code = cli.main(standalone_mode=False)
    except click.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):  # which may have stopped something that did a lot
            click.echo("Nothing was done.", err=True)
        code = 130
    except KeyboardInterrupt:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SmsbotError as error:
        _complain(error)
        code = 3 if isinstance(error, _CONFIGURATION) else 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if error.filename is None or not error.strerror:
            raise
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        code = 1
    _leave(code if isinstance(code, int) else 0)


def _leave(code: int) -> None:
    """End the process, also where the code of a bot has left threads running that would keep it for ever."""
    if threading.active_count() > 1:
        from smsbot.threads import end_without_them, left_behind, place_of

        told = sys.modules.get("smsbot.testing.leftovers")
        if left := left_behind(told.LEFT.threads if told is not None else ()):
            click.secho("warning: ", fg="yellow", bold=True, nl=False, err=True)
            places = ", ".join(map(place_of, left))
            click.echo(f"code of a bot still runs, and the process ends without it: {places}", err=True)
        end_without_them(lambda: code)
    sys.exit(code)


def _complain(error: SmsbotError) -> None:
    click.secho(f"error[{error.code}]: ", fg="red", bold=True, nl=False, err=True)
    click.echo(error.args[0], err=True)
    if error.remedy is not SmsbotError.remedy:  # which says no more than the message
        click.echo(f"help: {error.remedy}", err=True)
