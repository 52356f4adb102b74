"""What authors write who know another tool, or guess: keys by their meaning, and what each is called here (data)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from smsbot.core.nearest import nearest

_WORDS: Mapping[str, tuple[str, ...]] = {
    "if condition unless wenn only_if": ("when",),
    "else goto": ("go",),
    "to target": ("go", "goto"),
    "options menu answers buttons values quick_replies enum select": ("choices",),
    "question input collect": ("ask",),
    "variable": ("ask", "set"),
    "store result": ("save",),
    "prompt message msg text reply send body print answer response sms": ("say",),
    "trigger triggers every schedule cron": ("start",),
    "keyword keywords": ("words", "start"),
    "on": ("event", "start"),
    "next jump go_to": ("goto", "go"),
    "then redirect": ("goto",),
    "exit stop finish done quit": ("end",),
    "delay sleep pause wait_for": ("wait",),
    "variables": ("vars",),
    "params parameters arguments inputs": ("args",),
    "var assign let": ("set",),
    "repeat error on_error invalid": ("retry",),
    "retries": ("retry", "max"),
    "times count attempts": ("max",),
    "tries": ("max", "tries", "retry"),
    "validate validation valid_if": ("check",),
    "expire expires on_timeout no_reply": ("timeout",),
    "reminder nudge": ("remind",),
    "time in": ("after",),
    "name": ("id", "flow"),
    "label": ("id",),
    "step": ("id", "steps"),
    "action run function": ("do",),
    "subflow include": ("call",),
    "human agent transfer": ("handoff",),
    "otherwise": ("fallback",),
    "global commands": ("anywhere",),
    "lang locale": ("language",),
    "kind format": ("type",),
    "desk": ("to",),
    "return output": ("returns",),
}
MEANT = {word: keys for words, keys in _WORDS.items() for word in words.split()}


def meant(name: str, known: Collection[str]) -> str | None:
    """The key that a written one stands for: by its meaning, else by its spelling."""
    written = name.strip().strip(":").lower().replace("-", "_").replace(" ", "_")
    if written in known:
        return written
    for key in MEANT.get(written, ()):
        if key in known:
            return key
    return nearest(name, known)


COUNTRIES: Mapping[str, str] = {
    "gb": "en", "us": "en", "sp": "es", "mx": "es", "ua": "uk", "cz": "cs", "dk": "da", "gr": "el", "jp": "ja",
    "cn": "zh", "kr": "ko", "at": "de", "ge": "de", "po": "pl",
}  # fmt: skip
"""Letters of countries that are taken for those of a language."""
TONGUES: Mapping[str, str] = {
    "english": "en", "polish": "pl", "polski": "pl", "spanish": "es", "espanol": "es", "french": "fr", "german": "de",
    "deutsch": "de", "italian": "it", "ukrainian": "uk", "czech": "cs", "portuguese": "pt", "dutch": "nl",
}  # fmt: skip
"""Languages by their names."""
