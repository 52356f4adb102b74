"""Sixty mistakes that authors make: each is found at its line and column, with the right code and suggestion."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smsbot import Bot
from smsbot.checks.flows import Around, check
from smsbot.core.codes import CODES
from smsbot.core.problem import Problem, render
from smsbot.flows.loader import load

GOOD = """\
flow: pizza
start: {words: [pizza, order, "pizza {qty:int}"], typos: 1}
anywhere: {help: "We sell pizza. Text STOP to leave."}
vars: {note: "''"}
defaults:
  retry: {max: 2, then: human}
  timeout: {after: 10m, then: gone}
steps:
  - ask: size
    say: "Size? 1) Small 2) Medium 3) Large"
    choices: {S: [1, small], M: [2, medium], L: [3, large]}
    remind: {after: 5m, say: "Still hungry?"}
  - {ask: qty, say: "How many?", type: integer, check: 1 <= qty <= 9}
  - {call: place_of, args: {size: size}, save: address}
  - {do: "quote(size, qty)", save: total}
  - set: {note: "upper(size)", double: qty * 2}
  - {when: qty > 5, say: "That is a lot: {double}!"}
  - ask: ok
    say: "{qty} x {size}, ${total:.2f}. OK?"
    type: yes_no
    then: {"no": size}
  - {do: "order(size, qty, address)", say: "On its way!", end: ordered}
asides:
  - {id: human, handoff: counter, say: "We will call.", end: escalated}
  - {id: gone, end: abandoned}
"""
PLACE = """\
flow: place_of
args: [size]
returns: address
steps:
  - {ask: address, say: "Where?", type: text(80), timeout: 1h}
"""
HERE = "⟦"

# (what is replaced, by what, the code, the suggestion); ⟦ stands where the caret belongs
MISTAKES: list[tuple[str, str, str, str]] = [
    # keys
    ("ask: size", "⟦aks: size", "SB604", "ask"),
    ("choices: {S:", "⟦choises: {S:", "SB604", "choices"),
    ("remind: {after", "⟦remmind: {after", "SB604", "remind"),
    ("remind: {after", "remind: {⟦aftr", "SB604", "after"),
    ("retry: {max", "retry: {⟦mx", "SB604", "max"),
    ("timeout: {after: 10m, then: gone}", "timeout: {after: 10m, ⟦than: gone}", "SB604", "then"),
    ("defaults:", "⟦default:", "SB604", "defaults"),
    ("asides:", "⟦aside:", "SB604", "asides"),
    ("anywhere:", "⟦anywere:", "SB604", "anywhere"),
    ("typos: 1", "⟦typo: 1", "SB604", "typos"),
    ("words: [", "⟦word: [", "SB604", "words"),
    ("{id: gone", "{⟦di: gone", "SB604", "id"),
    ("handoff: counter", "⟦hand_off: counter", "SB604", "handoff"),
    ("save: total", "⟦svae: total", "SB604", "save"),
    ("when: qty > 5", "⟦wen: qty > 5", "SB604", "when"),
    ("set: {note", "⟦sett: {note", "SB604", "set"),
    ("end: ordered", "⟦edn: ordered", "SB604", "end"),
    # links
    ("then: human}", "then: ⟦humna}", "SB610", "human"),
    ("then: gone}", "then: ⟦gon}", "SB610", "gone"),
    ('then: {"no": size}', 'then: {"no": ⟦sise}', "SB610", "size"),
    ('then: {"no": size}', "then: ⟦totl", "SB610", "total"),
    ('then: {"no": size}', "then: [{when: ok, go: ⟦total_}, {go: size}]", "SB610", "total"),
    ("{id: gone, end: abandoned}", "{id: gone, goto: ⟦sizes}", "SB610", "size"),
    # answers
    ('then: {"no": size}', "then: {⟦nope: size}", "SB643", "no"),
    ('then: {"no": size}', "then: {⟦yess: size}", "SB643", "yes"),
    ("L: [3, large]}", "L: [⟦2, large]}", "SB642", ""),
    ("L: [3, large]}", "M: [3, large]}".replace("M", "⟦M"), "SB603", ""),
    ('"pizza {qty:int}"', '⟦"pizza {qt:int}"', "SB644", "qty"),
    # names in texts and expressions
    ("a lot: {double}", "a lot: {⟦duoble}", "SB621", "double"),
    ('say: "{qty} x {size}', 'say: "{qty} x {⟦sizee}', "SB621", "size"),
    ("${total:.2f}", "${⟦totla:.2f}", "SB621", "total"),
    ("check: 1 <= qty <= 9", "check: 1 <= ⟦qyt <= 9", "SB621", "qty"),
    ("when: qty > 5", "when: ⟦qtty > 5", "SB621", "qty"),
    ("upper(size)", "⟦uper(size)", "SB622", "upper"),
    ("upper(size)", "⟦upper(size, 2)", "SB622", ""),
    ("quote(size, qty)", "quote(⟦szie, qty)", "SB621", "size"),
    ("args: {size: size}", "args: {size: ⟦siz}", "SB621", "size"),
    # types
    ("when: qty > 5", "when: ⟦size > 5", "SB623", ""),
    ("double: qty * 2", "double: ⟦qty + size", "SB623", ""),
    ("when: qty > 5", "when: ⟦qty", "SB623", ""),
    ("check: 1 <= qty <= 9", "check: ⟦qty + 1", "SB623", ""),
    ("{total:.2f}", "{total:⟦2z}", "SB625", ""),
    ("{total:.2f}", "⟦{total:.2f", "SB626", ""),
    ("check: 1 <= qty <= 9", "check: 1 ⟦= qty", "SB620", ""),
    ("upper(size)", "⟦size.upper()", "SB624", ""),
    ("upper(size)", "⟦[c for c in size]", "SB624", ""),
    # actions and flows
    ("quote(size, qty)", "⟦qoute(size, qty)", "SB630", "quote"),
    ("order(size, qty, address)", "⟦oder(size, qty, address)", "SB630", "order"),
    ('"quote(size, qty)"', '⟦"quote(size)"', "SB631", ""),
    ("call: place_of", "call: ⟦place_off", "SB632", "place_of"),
    ("args: {size: size}", "args: {⟦sizes: size}", "SB633", "size"),
    # values
    ("after: 10m", "after: ⟦10 minutes", "SB607", ""),
    ("after: 5m", "after: ⟦soon", "SB607", ""),
    ("type: integer,", "type: ⟦intger,", "SB607", "integer"),
    ("type: yes_no", "type: ⟦yesno", "SB607", "yes_no"),
    ("max: 2", "max: ⟦two", "SB607", ""),
    ("typos: 1", "typos: ⟦5", "SB607", ""),
    # shape
    ('{help: "We sell pizza. Text STOP to leave."}', "⟦none", "SB606", ""),
    ("ask: ok", "ask: ⟦size", "SB611", ""),
    ("L: [3, large]", "L: [3, ⟦stop]", "SB640", ""),
    ("words: [pizza", "words: [⟦STOP, pizza", "SB640", ""),
    ("  timeout: {after: 10m, then: gone}\n", "", "SB613", ""),
    ("then: gone}\nsteps", "then: gone}\n⟦steps", "", ""),
    ('say: "How many?"', "say: ⟦{en: How many}", "", ""),
    ("{id: gone, end: abandoned}", "{⟦id: gone, set: {note: '1'}}", "SB614", ""),
    ("end: ordered}", "goto: size, ⟦end: ordered}", "SB608", ""),
    ("ask: qty, say", "ask: qty, ⟦wait: 5m, say", "SB608", ""),
    ('say: "On its way!"', 'say: [{en: "On its way!", pl: "W drodze!"}, {en: ⟦"Bye"}]', "SB650", ""),
    ("start: {", "start: ⟦&x {", "SB602", ""),
    ("say: \"Still hungry?\"", "say: ⟦*x", "SB602", ""),
    ("say: \"How many?\"", "say: How many⟦: really", "SB601", ""),
]  # fmt: skip
MISTAKES = [m for m in MISTAKES if m[2]]


def bot() -> Bot:
    made = Bot()

    @made.action
    def quote(size: str, qty: int) -> Decimal:
        return Decimal(qty)

    @made.action
    async def order(size: str, qty: int, address: str) -> None: ...

    return made


def problems(text: str, country: str = "US") -> list[Problem]:
    flow, source = load("pizza.yaml", text.encode())
    other, place = load("place.yaml", PLACE.encode())
    flows = [f for f in (flow, other) if f is not None]
    found = check(
        flows, {f.path: s for f, s in ((flow, source), (other, place)) if f}, Around(bot(), ("",), (country,))
    )
    return found if flow is not None else list(source.problems)


def mutated(old: str, new: str) -> tuple[str, int, int]:
    """The text with a mistake, and where it stands."""
    assert GOOD.count(old) >= 1, old
    text = GOOD.replace(old, new, 1)
    before = text.partition(HERE)[0]
    return text.replace(HERE, ""), before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


def test_the_good_flow_has_no_problem() -> None:
    assert [render(p) for p in problems(GOOD)] == []


def test_there_are_sixty() -> None:
    assert len(MISTAKES) >= 60


@pytest.mark.parametrize(("old", "new", "code", "suggestion"), MISTAKES, ids=[m[1].strip()[:40] for m in MISTAKES])
def test_a_mistake_is_found_where_it_stands(old: str, new: str, code: str, suggestion: str) -> None:
    text, line, column = mutated(old, new)
    found = problems(text)
    shown = "\n\n".join(map(render, found))
    hits = [p for p in found if p.code == code]
    assert hits, shown
    if HERE in new:
        assert (line, column) in [(p.place.line, p.place.column) for p in hits], shown
    assert all(p.code in CODES for p in found)


def test_suggestions_are_right() -> None:
    """The right name in at least 55 of 60, a wrong one in at most 2: here none is wrong and none is missing."""
    missing, wrong = [], []
    for old, new, code, suggestion in MISTAKES:
        text, _, _ = mutated(old, new)
        given = {p.suggestion for p in problems(text) if p.code == code} - {""}
        if suggestion and suggestion not in given:
            missing.append(new)
        if given - {suggestion}:
            wrong.append((new, given))
    assert (missing, wrong) == ([], [])


# What nothing takes: (the other flow, what is wrong).
FALLBACKS = [
    ("flow: a\nstart: a\nfallback: \"Text A.\"\nsteps: [{say: A}]\n", ["SB641"]),
    ("flow: a\nstart: {words: a, fallback: yes}\nsteps: [{say: A}]\n", ["SB641"]),
    ("flow: a\nstart: \"...\"\nsteps: [{say: A}]\n", ["SB645"]),
    ("flow: a\nstart: \"{code}\"\nsteps: [{say: \"{code}\"}]\n", ["SB645"]),
    ("flow: a\nstart: \"note ...\"\nsteps: [{say: \"{rest}\"}]\n", []),
    ("flow: a\nstart: {words: a, fallback: maybe}\nsteps: [{say: A}]\n", ["SB607"]),
]  # fmt: skip


@pytest.mark.parametrize(("other", "codes"), FALLBACKS)
def test_a_text_that_nothing_takes_has_one_answer(other: str, codes: list[str]) -> None:
    first, source = load("pizza.yaml", GOOD.replace("vars:", 'fallback: "Text PIZZA."\nvars:').encode())
    second, beside = load("a.yaml", other.encode())
    place, below = load("place.yaml", PLACE.encode())
    assert first is not None
    assert second is not None
    assert place is not None
    sources = {f.path: s for f, s in ((first, source), (second, beside), (place, below))}
    assert [p.code for p in check([first, second, place], sources, Around(bot(), ("",), ("US",)))] == codes


@pytest.mark.parametrize(("then", "codes"), [("{none: free, chosen: free}", []), ("{chosen: free}", ["SB614"])])
def test_an_aside_that_knows_every_end_of_what_it_calls_leads_on(then: str, codes: list[str]) -> None:
    pick = 'flow: pick\nsteps:\n  - {ask: a, say: A?, type: yes_no, timeout: {after: 1h, then: no_day}, retry: {max: 2, then: no_day}, then: {"no": no_day}}\n  - {end: chosen}\nasides:\n  - {id: no_day, end: none}\n'
    main = f"flow: main\nstart: main\nsteps:\n  - {{say: Hi, goto: which}}\nasides:\n  - {{id: which, call: pick, then: {then}}}\n  - {{id: free, end: over}}\n"
    flows, sources = [], {}
    for name, text in (("pick.yaml", pick), ("main.yaml", main)):
        flow, sources[name] = load(name, text.encode())
        assert flow is not None
        flows.append(flow)
    assert [p.code for p in check(flows, sources, Around(Bot(), countries=("US",)))] == codes
