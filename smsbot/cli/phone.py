"""``smsbot phone``: the twin of the page of phones, in a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import click
import httpx

from smsbot.core.clock import duration
from smsbot.core.errors import UsageError

from . import options

_HELP = "/state /jump 1h /next /off /on /full /slow /save NAME /quit"
_QUIET = 0.8
"""Seconds without a new text after which a piped phone sends the next line."""
_GONE = "the server has gone; start `smsbot dev` again"
_RELOADS = 50
"""How often a server that gives way to a reloaded one is asked again, five times a second."""
_GIVES_WAY = 503
_PATIENCE = 30.0
"""Seconds for an answer."""
_CLOCK = "/sandbox/clock"
"""A walk of the clock takes as long as what happens on it."""
_MODES = ("on", "off", "full", "slow", "duplicate", "reorder")


class Terminal:
    """A phone whose thread is printed as it grows."""

    def __init__(self, url: str, key: str, number: str, line: str) -> None:
        shown = {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=shown, trust_env=False)
        self.number = number
        self._line = line
        self._seen: set[str] = set()
        self._shown: dict[str, str] = {}
        self.heard_at = time.monotonic()
        self._lock = threading.Lock()

    def _ask(self, path: str, method: str = "POST", **body: object) -> Any:
        answer = self._answer(method, path, body)
        for _ in range(_RELOADS):
            if answer is not None and answer.status_code != _GIVES_WAY:
                break
            time.sleep(0.2)
            answer = self._answer(method, path, body)
        if answer is None:
            raise UsageError(_GONE)
        found = answer.json() if answer.headers.get("content-type", "").startswith("application/json") else {}
        if answer.is_error:
            raise UsageError(found.get("error", f"HTTP {answer.status_code}"))
        return found

    def _answer(self, method: str, path: str, body: Mapping[str, object]) -> httpx.Response | None:
        """None if the connection ended before its answer, as while a server gives way to a reloaded one."""
        patience = None if path == _CLOCK else _PATIENCE
        try:
            return self._http.request(method, path, json=body, timeout=patience)
        except (httpx.ConnectError, httpx.TimeoutException):
            raise UsageError(_GONE) from None
        except httpx.TransportError:
            return None

    def view(self) -> Mapping[str, Any]:
        """The thread and where the conversation stands."""
        found: Mapping[str, Any] = self._ask("/phone/view", phones=[{"number": self.number, "line": self._line}])
        shown: Mapping[str, Any] = found["phones"][0]
        if "error" in shown:
            raise UsageError(shown["error"])
        return {**shown, "now": found["now"]}

    def look(self, *, silent: bool = False) -> None:
        """Print what is new."""
        with self._lock:
            for entry in self.view()["thread"]:
                new, changed = entry["id"] not in self._seen, self._shown.get(entry["id"]) != entry["status"]
                self._seen.add(entry["id"])
                self._shown[entry["id"]] = entry["status"]
                if silent or entry["direction"] == "in":
                    continue
                if new:
                    self.heard_at = time.monotonic()
                    click.echo(f"{click.style('bot>', fg='green', bold=True)} {entry['text']}")
                elif changed and entry["status"] not in ("sent", "delivered"):
                    click.echo(click.style(f"     ✕ {entry['status']}", fg="red"), err=True)

    def text(self, text: str) -> None:
        """Text the bot."""
        self._ask(f"/sandbox/phones/{self.number}/texts", text=text, to=self._line)
        self.heard_at = time.monotonic()

    def settle(self, patience: float = 6.0) -> None:
        """Wait until nothing new comes."""
        end = time.monotonic() + patience
        while time.monotonic() < end and time.monotonic() - self.heard_at < _QUIET:
            self.look()
            time.sleep(0.1)

    def obey(self, command: str) -> bool:
        """A line that begins with a slash; False ends."""
        name, _, rest = command[1:].strip().partition(" ")
        if name in ("quit", "exit", "q"):
            return False
        if name in _MODES:
            self._ask(f"/sandbox/phones/{self.number}", "PATCH", mode=name)
            click.echo(f"the phone is {name}", err=True)
        elif name == "state":
            self._state()
        elif name == "jump":
            until = self.view()["now"] + duration(rest or "1h")  # a moment: asked twice, it is moved once
            self._ask(_CLOCK, until=until)
        elif name == "next":
            due = (self.view()["run"] or {}).get("due")
            self._ask(_CLOCK, until=due) if due else click.echo("nothing is due", err=True)
        elif name == "save":
            saved = self._ask("/phone/story", number=self.number, line=self._line, name=rest or "story")
            click.echo(f"saved {saved['path']}", err=True)
        else:
            click.echo(_HELP, err=True)
        return True

    def _state(self) -> None:
        shown = self.view()
        run = shown["run"]
        if run is None:
            click.echo("no conversation yet", err=True)
            return
        where = f"{run['place']} › {run['step']}" if run["step"] else f"{run['place']} ended: {run['end']}"
        click.echo(f"{where}  {run['at']}", err=True)
        for name, value in run["variables"].items():
            click.echo(f"  {name} = {value}", err=True)
        if run["due"]:
            click.echo(f"  {run['due_what']} in {max(0, round(run['due'] - shown['now']))} s", err=True)


@click.command()
@click.argument("number", default="+48600100200")
@click.option("--line", default="", help="The line to text (default: the first).")
@options.database
def phone(number: str, line: str, database: str | None) -> None:
    """A phone in the terminal: text a running `smsbot dev`, one line a text. Piped lines are sent one by one.

    /state shows where the conversation stands, /jump 1h moves the clock, /next goes to the next timer, /off /full
    /slow /on are moods of the phone, /save NAME keeps the thread as a story, /quit ends.
    """
    try:
        settings = options.settings(database)
        url, key = options.ask(settings, "where"), options.ask(settings, "key")
    except options.NoServer:
        raise UsageError("no server runs here; start `smsbot dev` in another terminal") from None
    except UsageError:
        raise UsageError("the server here is not a sandbox; a phone needs `smsbot dev`") from None
    terminal = Terminal(url, key, number, line)
    terminal.look(silent=True)
    if sys.stdin.isatty():
        _talk(terminal)
    else:
        _pipe(terminal)


def _pipe(terminal: Terminal) -> None:
    for row in sys.stdin:
        said = row.rstrip("\n").encode("utf-8", "replace").decode()  # a pipe may hold anything
        if said.startswith("/"):
            if not terminal.obey(said):
                return
            terminal.heard_at = time.monotonic()
        elif said.strip():
            click.echo(f"you> {said}")
            terminal.text(said)
        terminal.settle()


def _talk(terminal: Terminal) -> None:
    click.echo(f"{terminal.number} texts; Enter sends. {_HELP}", err=True)
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(0.3):
            try:
                terminal.look()
            except UsageError:
                continue  # the server is being reloaded

    threading.Thread(target=follow, daemon=True).start()
    try:
        while True:
            said = input("")
            try:
                if said.startswith("/"):
                    if not terminal.obey(said):
                        return
                elif said.strip():
                    terminal.text(said)
            except UsageError as error:
                click.echo(click.style(error.args[0], fg="red"), err=True)
    except EOFError:
        return
    finally:
        ended.set()
