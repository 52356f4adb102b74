"""What authors guess, and what they know from other tools: told where it stands, first, and with what to write instead."""

from __future__ import annotations

import pytest

from smsbot.core.problem import Problem, render

from .test_mistakes import GOOD, HERE, mutated, problems

# (what is replaced, by what, the code, words of the remedy); ⟦ stands on the line where the mistake is
GUESSES: list[tuple[str, str, str, str]] = [
    # keys by their meaning
    ("when: qty > 5", "⟦if: qty > 5", "SB604", '"when"'), ("choices: {S:", "⟦options: {S:", "SB604", '"choices"'),
    ("choices: {S:", "⟦menu: {S:", "SB604", '"choices"'), ('say: "How many?"', '⟦prompt: "How many?"', "SB604", '"say"'),
    ('say: "How many?"', '⟦message: "How many?"', "SB604", '"say"'), ('say: "How many?"', '⟦text: "How many?"', "SB604", '"say"'),
    ("- ask: size", "- ⟦question: size", "SB604", '"ask"'), ("end: ordered", "⟦exit: ordered", "SB604", '"end"'),
    ("start: {words", "⟦trigger: {words", "SB604", '"start"'), ("words: [pizza", "⟦keywords: [pizza", "SB604", '"words"'),
    ("vars: {", "⟦variables: {", "SB604", '"vars"'), ("check: 1 <=", "⟦validate: 1 <=", "SB604", '"check"'),
    ("retry: {max", "retry: {⟦times", "SB604", '"max"'), ("handoff: counter", "⟦transfer: counter", "SB604", '"handoff"'),
    ("save: total", "⟦store: total", "SB604", '"save"'), ("args: {size", "⟦params: {size", "SB604", '"args"'),
    ("id: gone", "⟦name: gone", "SB604", '"id"'), ("remind: {after", "⟦reminder: {after", "SB604", '"remind"'),
    ("vars: {note", "⟦timeout: 2h\nvars: {note", "SB604", "defaults"), ("{id: gone, end", "{id: gone, ⟦finish", "SB604", '"end"'),
    # quotes and brackets
    ('say: "How many?"', '⟦say: "How many?', "SB601", "close it"), ("[3, large]}", "[3, large⟦}", "SB601", ""),
    ('say: "On its way!", end: ordered}', '⟦say: "On its way!", end: ordered', "SB601", "close it"),
    ('say: "Still hungry?"}', '⟦say: "Still hungry?}', "SB601", "close it"), ("check: 1 <= qty <= 9}", "check: 1 <= qty <= 9}⟦}", "SB601", "one } too many"),
    ("words: [pizza, order", "⟦words: [“pizza”, order, ] ]", "SB601", ""),
    # no colon, no space
    ('    say: "Size?', '    ⟦say "Size?', "SB601", "write say:"), ("steps:", "⟦steps", "SB601", "write steps:"),
    ("  - ask: size", "  ⟦-ask: size", "SB601", "a space"),
    # braces and signs of others
    ("when: qty > 5", 'when: "⟦{qty} > 5"', "SB624", "without them"), ("when: qty > 5", 'when: "⟦{{ qty > 5 }}"', "SB624", "without them"),
    ("say: \"That is a lot: {double}!\"", "say: \"That is a lot: ⟦{{double}}!\"", "SB654", "{double}"),
    ("say: \"That is a lot: {double}!\"", "say: \"That is a lot: ⟦@double!\"", "SB654", "{double}"),
    ("say: \"That is a lot: {double}!\"", "say: \"That is a lot ⟦${size}!\"", "SB654", "{size}"),
    ("That is a lot: {double}", "That is a lot: ⟦$double", "SB654", "{double}"), ("That is a lot: {double}", "That is a lot: ⟦<double>", "SB654", "{double}"),
    ("That is a lot: {double}", "That is a lot: ⟦[double]", "SB654", "{double}"), ("That is a lot: {double}", "That is a lot: {⟦0}", "SB654", "{name}"),
    ("handoff: counter", "handoff: ⟦yes", "SB607", "name the desk"), ('then: {"no": size}', "⟦then:", "SB606", "indented"),
    ("when: qty > 5", "when: qty ⟦=> 5", "SB620", ">="), ("when: qty > 5", "when: qty ⟦<> 5", "SB620", "!="),
    ("when: qty > 5", "when: qty > 5 ⟦AND qty < 9", "SB620", "and"), ("when: qty > 5", "when: ⟦> 5", "SB601", "qty > 3"),
    ("when: qty > 5", "when: size ⟦is 'L'", "SB624", "=="), ("when: qty > 5", "when: qty > ⟦5kg", "SB620", "unit"),
    ("when: qty > 5", "when: size == ⟦large", "SB621", "'large'"), ("when: qty > 5", "when: size == ⟦'s'", "SB643", '"S"'),
    ("when: qty > 5", "when: \"size == 'S' or ⟦'M'\"", "SB623", "size in ['S', 'M']"), ("when: qty > 5", "when: qty == 1 or ⟦2", "SB623", "qty in [1, 2]"),
    ("when: qty > 5", "when: qty < 2 or ⟦5", "SB623", "qty < 2 or qty < 5"), ("when: qty > 5", "when: qty != 1 or ⟦2 or 3", "SB623", "qty not in [1, 2, 3]"),
    ("when: qty > 5", "when: ⟦answer == 'L'", "SB623", "answer.text"),
    ("when: qty > 5", "when: today > today ⟦+ 3", "SB623", "days(3)"), ("when: qty > 5", "when: now > ⟦18:00", "SB620", "'18:00'"),
    ("when: qty > 5", "when: today > ⟦24.12.2026", "SB620", "'2026-12-24'"), ("when: qty > 5", "when: today > ⟦'24.12.2026'", "SB623", "'2026-12-01'"),
    ("when: qty > 5", "when: size.lower ⟦== 's'", "SB623", "lower(size)"), ("upper(size)", "⟦“upper”", "SB620", "straight quotes"),
    ("double: qty * 2", "double: ⟦\"qty * 1,5\"", "SB624", "1.5"), ("double: qty * 2", "double: qty ⟦* 20%", "SB620", "20 / 100"),
    ("double: qty * 2", "double: ⟦double + 1", "SB627", "vars"),
    # durations, texts, lists
    ("after: 10m", "after: ⟦10 minutes", "SB607", "10m"), ("after: 5m", "after: ⟦2 weeks", "SB607", "14d"), ("after: 5m", "after: ⟦60", "SB607", "60s"),
    ("M: [2, medium]", "M: 2, ⟦medium", "SB606", "[1, small]"), ("start: {words: [pizza, order, ", "start: {words: [⟦\"cafe, table\", ", "SB646", "[cafe, table]"),
    ('say: "How many?"', "⟦say: How many, please?", "SB604", "quotes"), ("{do: \"quote(size, qty)\"", "{⟦do: quote(size, qty)", "SB620", "quotes"),
    ('say: "On its way!"', '⟦say: On its way!"', "SB654", "straight quotes"), ('say: "On its way!"', "⟦say: “On its way!”", "SB654", "straight quotes"),
    ('say: "On its way!"', 'say: {en: "On its way!", ⟦gb: "Coming!"}', "SB607", ""),
    ("We sell pizza. Text STOP to leave.", "⟦" + "We sell pizza of the best kind. " * 30 + "Text STOP to leave.", "SB653", ""),
    ("We sell pizza. Text STOP to leave.", "⟦" + "We sell pizza of the best kind. " * 60 + "Text STOP to leave.", "SB652", "several"),
    ('say: "On its way!"', 'say: "On its way, ⟦{event.name}!"', "SB621", "start: {event"),
    ('say: "How many?"', "⟦say: 'We're here'", "SB601", "double quotes"), ("when: qty > 5", "⟦when: size in ['S', 'M']", "SB601", "goes into quotes"),
    ("when: qty > 5", "when: note ⟦== null", "SB621", '"none"'), ("when: qty > 5", "when: today == ⟦'Monday'", "SB623", "weekday(today)"),
    ("when: qty > 5", "when: ⟦now.hour > 18", "SB623", "now > '18:00'"), ("when: qty > 5", "when: ⟦\"size in 'S', 'M'\"", "SB623", "stands in brackets"),
    ("That is a lot: {double}", "That is a lot: {⟦}", "SB620", "{name}"), ("That is a lot: {double}", "That is a lot: {⟦my number}", "SB620", "first_name"),
    ("That is a lot: {double}", "That is {⟦qty ? 'x'}", "SB620", "a if condition else b"), ("type: yes_no", "type: ⟦choice", "SB607", "choices: [a, b]"),
    ("type: integer,", "type: ⟦whole,", "SB607", '"integer"'), ('then: {"no": size}', 'then: {"no": ⟦end}', "SB610", "end: done"),
    ('then: {"no": size}', "then: ⟦no -> size", "SB610", "{yes: STEP}"), ("  - {when: qty > 5", '  - ⟦"Hello!"\n  - {when: qty > 5', "SB606", "- say:"),
    ("save: address", "save: ⟦contact.address", "SB607", "contact.name"), ('say: "On its way!"', 'say: {en: "On its way!", ⟦polish: "Idzie!"}', "SB607", "pl:"),
    # a cause, and what would follow from it
    ("when: qty > 5, say: \"That is a lot: {double}!\"", "when: ⟦qyt > 5, goto: human", "SB621", '"qty"'),
    ("then: human}", "then: ⟦humna}", "SB610", '"human"'), ("timeout: {after: 10m, then: gone}", "⟦timout: {after: 10m, then: gone}", "SB604", '"timeout"'),
]  # fmt: skip


def shown(found: list[Problem]) -> str:
    return "\n\n".join(map(render, found))


def test_there_are_sixty() -> None:
    assert len(GUESSES) >= 60


@pytest.mark.parametrize(("old", "new", "code", "remedy"), GUESSES, ids=[g[1].strip()[:50] for g in GUESSES])
def test_a_guess_is_told_where_it_stands_and_first(old: str, new: str, code: str, remedy: str) -> None:
    text, line, _ = mutated(old, new)
    found = problems(text)
    assert found, "silence is the worst"
    first = found[0]
    assert (first.code, first.place.line) == (code, line), shown(found)
    assert remedy in f"{first.message} {first.help}", shown(found)


def test_nothing_follows_from_most_causes() -> None:
    """At least 95 of a hundred causes stand alone, or before all that follows from them."""
    more = [new for old, new, _, _ in GUESSES if len(problems(mutated(old, new)[0])) > 1]
    assert len(more) <= len(GUESSES) // 10, more


def test_the_good_flow_is_good() -> None:
    assert problems(GOOD.replace(HERE, "")) == []
