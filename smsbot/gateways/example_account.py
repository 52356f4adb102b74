"""The account that examples of a manual describe: its settings with holes, why, and what is not sure.

Keys and numbers of the examples go into no text that is made here: keys become ``{secret}``, numbers holes or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from smsbot.core.errors import UsageError

from .example import Example, leaves
from .example_found import Account
from .example_guess import (
    bare,
    elements,
    is_person,
    kind_of,
)
from .example_request import read_request
from .example_toml import toml
from .example_webhook import read_webhook

_NUMBERS = re.compile(r"\+\d[\d ().-]{6,}\d|(?<![\w.-])\d{9,15}(?![\w-])")
"""A pattern for what may be a phone number among other words."""
_NOBODY: Mapping[str, Any] = {
    "url": "https://the-address-of-the-provider.invalid/",
    "body": {"to": "{to}", "from": "{from}", "text": "{text}"},
}
"""The stand-in for a request that no example shows: nothing answers there."""


def account(examples: Iterable[Example]) -> Account:
    """The account of all these examples; raises `UsageError`."""
    found, kinds = Account(), []
    for example in examples:
        kind, sure, why = kind_of(example)
        if kind in kinds:
            raise UsageError(
                f"two of the examples are the same thing ({kind}): an account has one request, one webhook of "
                "texts and one of reports. Give one example of each, or another --account"
            )
        kinds.append(kind)
        said = {"request": "a request that sends a text", "inbound": "a webhook with a text", "status": "a report"}[
            kind
        ]
        found.note(kind, "", f"taken for {said}: {why}", sure)
        for remark in example.remarks:
            found.note(kind, "", remark, False)
        _hide_numbers(found, example)
        read_request(found, example) if kind == "request" else read_webhook(found, example, kind)
    if "request" not in kinds:
        found.settings = {"gateway": "http", **_NOBODY, **found.settings}
        found.doubt("", "no example shows how a text is sent: url and body stand in for it, and reach nobody")
        found.note("request", "", "no example shows it; where the account exists, take only the fields tables", False)
    return found


def _hide_numbers(found: Account, example: Example) -> None:
    everything = {**example.query, **example.fields, **example.headers}
    found.names |= {name for place, _ in leaves(everything) for name in (*elements(place), bare(place[0]))}
    for place, value in leaves({"q": example.query, "f": example.fields, "h": example.headers}):
        for each in (value, *place):
            whole = [str(each).strip()] if is_person(each) else []
            for written in (*whole, *_NUMBERS.findall(str(each))):
                found.hidden |= {written, written.lstrip("+"), quote(written, safe="")}


def written(name: str, found: Account) -> str:
    """The settings of an account as they stand in ``smsbot.toml``, without keys and numbers of the examples."""
    return found.discreet(toml(name, found.settings, found.doubts))
