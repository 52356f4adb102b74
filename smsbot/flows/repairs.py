"""Expressions as other languages write them, and what each is here (data)."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping

from .functions import Kind

CURLED = "“”„‟‘’‚‛«»"
"""Quotes that are not straight."""
SPACED = "a name has no spaces: first_name"
_NOTHING = r"(?:empty|blank|null|none|nothing|undefined|missing|nil|unknown)\b"
_WRITTEN = (
    (r"\bcontact\s+(?!in\b|is\b|not\b|and\b|or\b|if\b)([a-z_]\w*)", r"write contact.\1"),
    (rf"[{CURLED}]", "a text stands in straight quotes: 'text'"),
    (r"([\w.]+)\s+(?:is\s+)?between\s+(.+?)\s+(?:and|to|-)\s+(.+)", r"write \2 <= \1 <= \3"),
    (
        rf"([\w.]+)\s+(?:is\s+not|!==?|<>|not)\s+{_NOTHING}|([\w.]+)\s+(?:exists|is\s+(?:set|given|filled|there))\b",
        r"write \1\2 != none",
    ),
    (rf"([\w.]+)\s+(?:is|===?|=)\s+{_NOTHING}|([\w.]+)\s+is\s+missing\b", r"write \1\2 == none"),
    (
        r"([\w.]+)\s+(?:is\s+)?(?:at\s+least|(?:greater|more|bigger|higher)(?:\s+than)?\s+or\s+equal\s+(?:to)?)\s+(\S+)",
        r"write \1 >= \2",
    ),
    (
        r"([\w.]+)\s+(?:is\s+)?(?:at\s+most|(?:less|smaller|lower)(?:\s+than)?\s+or\s+equal\s+(?:to)?)\s+(\S+)",
        r"write \1 <= \2",
    ),
    (
        r"([\w.]+)\s+(?:is\s+)?(?:greater|more|bigger|higher|later|after|over|above)(?:\s+than)?\s+(\S+)",
        r"write \1 > \2",
    ),
    (
        r"([\w.]+)\s+(?:is\s+)?(?:less|fewer|smaller|lower|earlier|before|under|below)(?:\s+than)?\s+(\S+)",
        r"write \1 < \2",
    ),
    (r"([\w.]+)\s+(?:is\s+not|does\s+not|isn't|doesn't|not)\s+equals?(?:\s+to)?\s+(\S+)", r"write \1 != \2"),
    (r"([\w.]+)\s+(?:is\s+)?equals?(?:\s+to)?\s+(\S+)", r"write \1 == \2"),
    (r"([\w.]+)\s+(?:contains|includes|has)\s+(\S+)", r"write \2 in \1"),
    (r"([\w.]+)\s+(?:is\s+)?(?:one|any)\s+of\s+(.+)", r"write \1 in [\2]"),
    (r"%\s*(if|else|endif|for)|\{%|%\}|\$\{\{|\{\{|^\s*\{|\$\{", "expressions have no braces: write qty > 5"),
    (r"=>|=<", ">= and <= have the = behind"),
    (r"<>|!==", "write != for what is not equal"),
    (r"===", "write =="),
    (r"\+=|-=|\+\+|--$", "set: {n: n + 1} counts on"),
    (r"&&|\|\||!(?!=)|\b(AND|OR|NOT)\b", "write and, or, not"),
    (r"^[^']*[$@#][A-Za-z_]", "names stand without a sign before them: event.id"),
    (r"(?<!&)&(?!&)", "texts are joined by +, conditions by and"),
    (r"\w\s*\|\s*\w", "write upper(name), lower(name), title(name), trim(name)"),
    (r"\?\s|\?$", "write a if condition else b; a name has no ?"),
    (r"^\s*$", "write {name}; {{ is a brace to be seen"),
    (r"\bis\s+(not\s+)?\w", "compare with == and !="),
    (r"\d\s*%", "write 20 / 100 for a share"),
    (r"\b\d{1,2}:\d\d\b", "a time stands in quotes: '18:00'"),
    (r"\b\d{1,2}\.\d{1,2}\.\d{4}\b|\b\d{1,2}/\d{1,2}/\d{4}\b", "a date is written '2026-12-24'"),
    (r"(?<!')\b(\d{4}-\d\d-\d\d)\b", r"a date stands in quotes: '\1'"),
    (r"\b\d+\s*(days?|hours?|minutes?|d|h|min)\b", "write days(3), hours(3), minutes(3)"),
    (r"\b\d+[A-Za-z]+\b", "a number has no unit"),
    (r"^\s*[<>]=?|\b(and|or)\s+[<>]=?", "name what is compared: qty > 0 and qty < 9"),
    (r"(?<![=!<>])=(?!=)", "compare with =="),
    (r"^\s*[A-Za-z_]\w*(\s+[A-Za-z_]\w*)+\s*$", SPACED),
)
_REPAIRS = tuple((re.compile(pattern), words) for pattern, words in _WRITTEN)


def repair(source: str) -> str:
    """How an expression that cannot be read is written here; empty where nothing is known of it."""
    if "{{" not in source and len(parts := re.split(r"\{([\w.]+)\}", source)) > 3:  # a text, filled in
        return "write " + " + ".join(f"text({p})" if i % 2 else f"'{p}'" for i, p in enumerate(parts) if p)
    hits = ((pattern.search(source), words) for pattern, words in _REPAIRS)
    return next((hit.expand(words) for hit, words in hits if hit is not None), "")


_FUNCTIONS = {
    "and": "write a and b", "or": "write a or b", "not": "write not a", "if iif": "write a if condition else b",
    "concat concatenate": "texts are joined by +, or stand in one text: \"{a} {b}\"",
    "count length size strlen": "write len(x)", "ucase toupper uppercase": "write upper(x)",
    "lcase tolower lowercase": "write lower(x)", "proper capitalize capitalise": "write title(x)",
    "strip": "write trim(x)",
    "int float number parseint parsefloat value num tonumber": "write integer(x)",
    "str string tostring": "write text(x)", "contains includes search find": "write 'word' in x",
    "isblank isempty empty isnull isnone": "write x == none", "exists defined isset has": "write x != none",
    "now": "write now, without brackets", "today date": "write today, without brackets",
    "timedelta day": "write days(3)",
    "dayofweek dow": "write weekday(day)", "sum": "write a + b", "between": "write 1 <= x <= 9",
    "format strftime dateformat": "a text says how: {day:%d %b}", "in": "write x in ['a', 'b']",
    "ceil ceiling floor": "write round(x)", "datediff": "write days(a - b)", "dateadd": "write day + days(3)",
}  # fmt: skip
FUNCTIONS_MEANT: Mapping[str, str] = {name: words for names, words in _FUNCTIONS.items() for name in names.split()}
"""Functions of other tools, in small letters, and how the same is written here."""
_NAMES = {
    "tomorrow": "write today + days(1)", "yesterday": "write today - days(1)", "date current_date": "write today",
    "time datetime current_time": "write now", "hour": "write now > '18:00'",
    "day_of_week dayofweek": "write weekday(today)",
    "phone from sender msisdn caller phone_number mobile": "write contact.number",
    "user customer person client subscriber profile": "what is kept of a person is contact.NAME",
    "message msg input body reply response last_message user_input": "the last answer is answer.text",
    "lang locale": "write contact.language", "otherwise default else": "write true, or leave the condition out",
}  # fmt: skip
NAMES_MEANT: Mapping[str, str] = {name: words for names, words in _NAMES.items() for name in names.split()}
"""Names of other tools, in small letters, and how the same is written here."""
HOLDERS = frozenset({
    "args", "vars", "flow", "session", "params", "steps", "trigger", "variables", "fields", "results", "widgets",
    "state", "data",
})  # fmt: skip
"""What other tools write before the name of a variable, and a dot."""
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE_ALONE = re.compile(r"(\d{4}) - 0?(\d{1,2}) - 0?(\d{1,2})")


def as_function(node: ast.Attribute, known: Collection[str]) -> str:
    """A method or a field of other languages, as the function that it is here."""
    said = ast.unparse(node.value)
    if node.attr in known:
        return f"write {node.attr}({said})"
    return re.sub(r"\bx\b", said.replace("\\", r"\\"), FUNCTIONS_MEANT.get(node.attr.lower(), ""))


def joined(node: ast.Call) -> str:
    """``AND(a, b)`` of spreadsheets, as it is written here."""
    name = node.func.id.lower() if isinstance(node.func, ast.Name) else ""
    if name in ("if", "iif") and len(node.args) == 3:
        condition, one, other = map(ast.unparse, node.args)
        return f"write {one} if {condition} else {other}"
    if name not in ("and", "or") or len(node.args) < 2:
        return ""
    return "write " + f" {name} ".join(map(ast.unparse, node.args))


def weekday_meant(*sides: ast.expr) -> str:
    """A day of the week by its name is a number here."""
    said = next((s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)), "")
    found = [i for i, day in enumerate(_WEEK, 1) if len(said) > 2 and day.startswith(said.lower().rstrip("."))]
    if not found:
        return ""
    of = next((s for s in sides if not isinstance(s, ast.Constant)), ast.Name("day"))
    counted = ast.unparse(of) if isinstance(of, ast.Call) else f"weekday({ast.unparse(of)})"
    return f"write {counted} == {found[0]}, which is a {_WEEK[found[0] - 1].title()}"


def date_meant(one: ast.expr, a: Kind, other: ast.expr, b: Kind) -> str:
    """A date without its quotes is arithmetic: ``2026-12-24`` is 1990."""
    dates, number = (Kind.DATE, Kind.MOMENT), other if b is Kind.NUMBER else one
    hit = _DATE_ALONE.fullmatch(ast.unparse(number)) if (a in dates or b in dates) else None
    return f"a date stands in quotes: '{hit[1]}-{hit[2]:0>2}-{hit[3]:0>2}'" if hit is not None else ""


def convert(a: Kind, b: Kind) -> str:
    """How a value becomes one of another kind."""
    if {a, b} in ({Kind.DATE, Kind.NUMBER}, {Kind.MOMENT, Kind.NUMBER}):
        return "days(3), hours(3) and minutes(3) are durations"
    if {a, b} == {Kind.TEXT, Kind.NUMBER}:
        return "integer(x) reads a number out of a text, text(x) writes it as one"
    if {a, b} == {Kind.BOOL, Kind.TEXT}:
        return "yes and no are written without quotes"
    return ""


def plainer(source: str, error: SyntaxError) -> str:
    """What is wrong with an expression that Python cannot read, in plain words."""
    if set(CURLED) & set(source):
        return "these quotes are curled"
    if "=" in source.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", ""):
        return "= sets nothing here"
    said = (error.msg or "").lower()
    if "never closed" in said or "unexpected eof" in said or "unmatched" in said:
        return "a bracket has no partner"
    if "unterminated string" in said:
        return "a quote has no partner"
    return "this cannot be read as an expression"
