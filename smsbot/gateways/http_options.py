"""The options of an `http` account, read with everything that is wrong with them at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from smsbot.core.errors import SettingsError
from smsbot.core.nearest import nearest
from smsbot.core.status import Status

from .base import Credentials, keeps_keys
from .http_answers import Rule, rules

OPTIONS: Mapping[str, str] = {
    "url": "where a text is sent to, with holes as {to}",
    "method": "POST (default), PUT or GET",
    "format": "json (default), form, or query",
    "headers": "headers of the request, with holes",
    "body": "fields of the request, with holes; tables may lie in tables",
    "id": "where the answer holds the provider's id, such as messages.0.id",
    "accepted": "HTTP statuses that mean: taken (default 200, 201, 202)",
    "look_up": "an address that says whether it has {reference}; 404 or an empty list is no",
    "look_up_status": "where the answer to a look-up holds the status (default: status)",
    "look_up_certain": "true where a text is found as soon as it was taken, so that an absent one is sent again",
    "refused": 'where a 2xx says no, and in which words, such as {status = ["error"]}; "!0" is all but 0',
    "later": "where a 2xx says: not now, try again",
    "account_refused": "where an answer says that no text of the account is taken",
    "statuses": "the provider's words for what became of a text, and ours",
    "hook_header": "the header of webhooks that proves them",
    "hook_proof": "secret (the header is the hook_secret, default), sha256 or sha1 (HMAC of the body, hex or base64)",
    "hook_answer": "what webhooks are answered (default: nothing, for some providers text it to the person)",
    "hook_answer_type": "the content type of that (default text/plain)",
    "hook_echo": "a header of webhooks that is given back with the answer, as Validation-Token",
    "timeout": "seconds for a whole request (default 20)",
}
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_MEANINGS = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNDELIVERED, Status.EXPIRED)
HOLE = re.compile(r"\{(\w+)\}")
"""A place in a template that is filled."""
HOLES = ("to", "from", "text", "reference", "validity", "report_to", "secret", "secret2", "to_bare", "from_bare")
"""The names of the holes; the bare ones are numbers without their plus."""


def holes(template: Any) -> list[str]:
    """The names of all holes in a template, however deep."""
    if isinstance(template, str):
        return HOLE.findall(template)
    inner = (
        template.values() if isinstance(template, Mapping) else template if isinstance(template, list | tuple) else ()
    )
    return [hole for value in inner for hole in holes(value)]


class Options:
    """Reads options, and collects everything that is wrong with them."""

    def __init__(self, credentials: Credentials) -> None:
        self._given = {k: v for k, v in credentials.options.items() if v not in (None, "")}
        self._secrets = credentials.secrets
        self._problems: list[str] = []

    def _wrong(self, name: str, why: str) -> None:
        self._problems.append(f"{name}: {why}")

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self._given.get(name, default)
        if not isinstance(value, str):
            self._wrong(name, f"is a text, not {value!r}")
            return default
        if name in ("hook_header", "hook_echo") and value and not _TOKEN.fullmatch(value):
            self._wrong(name, f"{value!r} is no name of a header")
        return value

    def address(self, name: str, *, needed: bool = False) -> str:
        """An address that keys may travel to."""
        if needed and name not in self._given:
            self._wrong(name, f"is missing: {OPTIONS[name]}")
        url = self.text(name, "")
        if not keeps_keys(url or "https://none"):
            self._wrong(name, "must be https://…, so that keys do not travel in clear")
        return url

    def one_of(self, name: str, values: Sequence[str]) -> str:
        """One of these words; the first if none is given."""
        value = self.text(name, values[0])
        if value not in values:
            self._wrong(name, f"{value!r} is none of {', '.join(values)}")
        return value

    def numbers(self, name: str, default: tuple[int, ...]) -> frozenset[int]:
        """HTTP statuses."""
        value = self._given.get(name, default)
        if (
            not isinstance(value, list | tuple)
            or not value
            or not all(type(v) is int and 200 <= v < 300 for v in value)
        ):
            self._wrong(name, "is a list of HTTP statuses such as [200, 202]")
            return frozenset(default)
        return frozenset(value)

    def seconds(self, name: str, default: float) -> float:
        """A time."""
        value = self._given.get(name, default)
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = 0.0
        if not 0 < seconds <= 120:
            self._wrong(name, f"is seconds, more than 0 and at most 120, not {value!r}")
            return default
        return seconds

    def table(self, name: str, *, needed: bool = False) -> dict[str, Any]:
        """A table."""
        if needed and name not in self._given:
            self._wrong(name, f"is missing: {OPTIONS[name]}")
        value = self._given.get(name, {})
        if not isinstance(value, Mapping):
            self._wrong(name, 'is a table, such as {to = "{to}"}')
            return {}
        for header in value if name == "headers" else ():
            if not _TOKEN.fullmatch(header):
                self._wrong(name, f"{header!r} is no name of a header")
        return dict(value)

    def flag(self, name: str) -> bool:
        """Yes or no."""
        value = self._given.get(name, False)
        if not isinstance(value, bool):
            self._wrong(name, f"is true or false, not {value!r}")
        return value is True

    def words(self, name: str) -> tuple[Rule, ...]:
        """Places of an answer, and words there."""
        table = self.table(name)
        for place, given in table.items():
            listed = given if isinstance(given, list | tuple) else [given]
            if not listed or not all(isinstance(word, str | int | float | bool) for word in listed):
                self._wrong(name, f'{place} has a word, or a list of words, such as {{status = ["error"]}}')
        return rules(table)

    def meanings(self, name: str) -> dict[str, Status]:
        """The provider's words, and what each means."""
        found: dict[str, Status] = {}
        known = [s.value for s in _MEANINGS]
        for word, meaning in self.table(name).items():
            if meaning in known:
                found[str(word).casefold()] = Status(meaning)
                continue
            near = nearest(str(meaning), known)
            hint = f'; did you mean "{near}"?' if near else ""
            self._wrong(f"{name}.{word}", f'"{meaning}" is none of {", ".join(known)}{hint}')
        return found

    def check(self, method: str, form: str) -> None:
        """Check that the options fit together; raises `SettingsError` with every problem."""
        body, headers = self.table("body"), self.table("headers")
        if body and not {"to", "text"} <= {
            h.removesuffix("_bare") for h in (*holes(body), *holes(self._given.get("url")))
        }:
            self._wrong("body", "has no {to} or no {text}, so nobody would get anything")
        if form != "json" and not all(isinstance(v, str | int | float) for v in body.values()):
            self._wrong("body", f"a {form} has no tables in tables; that is for json")
        if method == "GET" and form != "query":
            self._wrong("format", "a GET has no body; its format is query")
        if not all(isinstance(v, str) for v in headers.values()):
            self._wrong("headers", "are texts")
        for name in ("look_up_status", "look_up_certain"):
            if name in self._given and "look_up" not in self._given:
                self._wrong(name, "needs look_up")
        if "hook_answer_type" in self._given and "hook_answer" not in self._given:
            self._wrong("hook_answer_type", "needs hook_answer")
        self._checkholes()
        self._check_secrets()
        if self._problems:
            raise SettingsError(list(dict.fromkeys(self._problems)))

    def _checkholes(self) -> None:
        for name in ("url", "headers", "body"):
            for hole in holes(self._given.get(name)):
                if hole not in HOLES:
                    near = nearest(hole, HOLES)
                    hint = f'; did you mean "{{{near}}}"?' if near else ""
                    self._wrong(name, f'there is nothing to fill "{{{hole}}}" with{hint}')
        if "look_up" in self._given and "reference" not in holes(self._given["look_up"]):
            self._wrong("look_up", "has no {reference}, so it asks for no text of ours")
        for hole in holes(self._given.get("look_up")):
            if hole not in ("reference", "secret", "secret2"):
                self._wrong("look_up", f"only {{reference}} and secrets can be asked for, not {{{hole}}}")

    def _check_secrets(self) -> None:
        used = {h for name in ("url", "headers", "body", "look_up") for h in holes(self._given.get(name))}
        for secret in ("secret", "secret2"):
            if secret in used and not self._secrets.get(secret):
                self._wrong(secret, f"{{{secret}}} is used, but the secret is missing")
        if "hook_header" in self._given and not self._secrets.get("hook_secret"):
            self._wrong("hook_secret", "hook_header is given, but the secret is missing")
        if "hook_header" not in self._given and ("hook_proof" in self._given or self._secrets.get("hook_secret")):
            self._wrong(
                "hook_header", "is missing, so nothing would prove a webhook: name the header that holds the proof"
            )
