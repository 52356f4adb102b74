"""From the nodes of a file to a compiled flow; every problem is noted, none stops the reading."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from smsbot.core.errors import UsageError
from smsbot.core.lanes import CHOSEN
from smsbot.core.problem import causes_first
from smsbot.core.question import Question
from smsbot.core.when import When, when

from . import schema
from .expressions import Call, compile_call, compile_expression
from .functions import Kind
from .guesses import duration_meant, said_in_digits
from .named import is_texts
from .shapes import ID, NAME
from .source import Node, Source, parse, plain, walk
from .starts import Starts
from .steps import Flow, Start, Step
from .wrong import Wrong

T = TypeVar("T")


def load(path: str, content: bytes, custom: Collection[str] | None = ()) -> tuple[Flow | None, Source]:
    """The flow of a file, and what is wrong with it; None where it is too wrong to be looked at further.

    `custom` are the kinds of answers of its bot; None takes any.
    """
    source, root = parse(path, content)
    if root is not None and is_texts(root):
        source.content = root
        return None, source
    flow = read(source, root, custom) if root is not None else None
    source.problems[:] = causes_first(source.problems)
    return flow, source


def read(source: Source, root: Node, custom: Collection[str] | None = ()) -> Flow | None:
    """The flow of a file's root node."""
    reader = _Reader(source, custom)
    return reader.flow(root)


@dataclass(slots=True)
class _Draft:
    """A step as written, before links and expressions are looked at."""

    id: str
    node: Node
    keys: Mapping[str, Node]
    aside: bool
    id_node: Node
    do: Call | None = None


_NEEDS = {"args": ("call",), "save": ("do", "call"), "at": ("say",), "interrupt": ("ask", "wait")}
"""Keys that mean something only beside one of others."""


class _Reader(Starts):
    # -- the flow -----------------------------------------------------------------------------------

    def flow(self, root: Node) -> Flow | None:
        keys = self.keys(root, schema.FLOW, "a flow")
        if root.kind != "map":
            return None
        for required in ("flow", "steps"):
            if required not in keys and not (required in root.pairs and root.pairs[required][1].empty):
                near = Node("text", line=root.line, column=root.column, end_line=root.line, end_column=root.column + 1)
                self.source.report("SB605", near, f'a flow needs "{required}:"')
        name = (self.name(keys["flow"], "the flow's name", ID) if "flow" in keys else None) or ""
        start = self.start(keys["start"]) if "start" in keys else Start()
        drafts = [*self.drafts(keys.get("steps"), aside=False), *self.drafts(keys.get("asides"), aside=True)]
        if drafts and name:
            self.leads.setdefault(name, drafts[0].id)
        self.defaults = self.keys(keys["defaults"], schema.QUESTION, "defaults") if "defaults" in keys else {}
        self.types = self.named_types(keys["types"]) if "types" in keys else {}
        args = self.arguments(keys["args"]) if "args" in keys else {}
        self.by_event = bool(start.event)
        self.answers = {word for draft in drafts for word in _words_below(draft.keys.get("choices"))}
        self.declare(drafts, start, keys.get("vars"), args)
        variables = self.expressions(keys["vars"], "vars") if "vars" in keys else {}
        anywhere = self.anywhere(keys["anywhere"]) if "anywhere" in keys else ()
        mains = [d for d in drafts if not d.aside]
        compiled: dict[str, Step] = {}
        for draft, below in zip(mains, [*mains[1:], None], strict=True) if mains else ():
            compiled[draft.id] = self.step(draft, below.id if below else "")
        for draft in drafts:
            if draft.aside:
                compiled[draft.id] = self.step(draft, "")
        returns = self.expression(keys["returns"]) if "returns" in keys else None
        if not mains or not name:
            return None
        return Flow(
            name,
            path=self.source.path,
            steps=compiled,
            first=mains[0].id,
            start=start,
            anywhere=anywhere,
            fallback=self.answer_to_all(keys["fallback"]) if "fallback" in keys else (),
            asides=frozenset(d.id for d in drafts if d.aside),
            variables=variables,
            args=tuple(args),
            arg_types={name: question for name, question in args.items() if question is not None},
            returns=returns,
            join=self.flag(keys["join"], "join") if "join" in keys else False,
            lane=self.one_of(keys["lane"], "lane", CHOSEN) if "lane" in keys else "",
            languages=tuple(self.languages),
            kinds=dict(self.names),
            node=root,
            content=plain(root),
            language=self.language(keys["language"]) if "language" in keys else "",
            unread=self.unread,
        )

    # -- steps --------------------------------------------------------------------------------------

    def drafts(self, node: Node | None, aside: bool) -> list[_Draft]:
        if node is None:
            return []
        if node.kind != "list":
            self.source.report("SB606", node, "steps are a list: each begins with a dash")
            return []
        found: list[_Draft] = []
        for number, item in enumerate(node.items, 1):
            keys = self.keys(item, schema.STEP, "a step")
            draft = self.identify(item, keys, aside, f"{'aside' if aside else 'step'}_{number}")
            if draft.id in self.ids:
                first = self.ids[draft.id].line + 1
                self.source.report(
                    "SB611", draft.id_node, f'two steps are called "{draft.id}"',
                    note=f"the first is on line {first}", remedy="give this one an id: of its own",
                )  # fmt: skip
            else:
                self.ids[draft.id] = draft.id_node
                for key in ("say", "call"):
                    if key in keys and keys[key].kind == "text":
                        self.leads.setdefault(keys[key].text, draft.id)
                found.append(draft)
        if not node.items and not aside:
            self.source.report("SB605", node, "a flow needs at least one step")
        return found

    def identify(self, node: Node, keys: Mapping[str, Node], aside: bool, fallback: str) -> _Draft:
        do = self.compiled(keys["do"], compile_call) if "do" in keys else None
        if "id" in keys:
            named = self.name(keys["id"], "a step's id", ID)
            return _Draft(named or fallback, node, keys, aside, keys["id"], do)
        for key in ("ask", "save", "call"):
            if key in keys and keys[key].kind == "text" and ID.fullmatch(keys[key].text):
                return _Draft(keys[key].text, node, keys, aside, keys[key], do)
        return _Draft(do.name if do else fallback, node, keys, aside, keys["do"] if do else node, do)

    def declare(
        self, drafts: Iterable[_Draft], start: Start, variables: Node | None, args: Mapping[str, Question | None]
    ) -> None:  # fmt: skip
        """Everything that has a name in this flow, and what it holds as far as that is known."""
        drafts = list(drafts)
        for _, pattern in start.words:
            for hole in pattern.gaps:
                if args.get(hole.name) is None:  # else it is read as the type of the argument
                    self.names[hole.name] = Kind.NUMBER if hole.takes == "int" else Kind.TEXT
        sets: list[tuple[str, Node]] = []
        for draft in drafts:
            for key in ("ask", "save"):
                if key in draft.keys and (name := self.name(draft.keys[key], f"what a step {key}s")):
                    kind = self.kind_of_answer(draft.keys) if key == "ask" else Kind.ANY
                    self.names[name] = (
                        self.names.get(name, kind)
                        if self.names.get(name) is kind
                        else (Kind.ANY if name in self.names else kind)
                    )
            sets += self.pairs_to_set(draft.keys.get("set"))
        if variables is not None:
            sets += self.pairs_to_set(variables, contact=False)
        for name, _ in sets:
            self.names.setdefault(name, Kind.ANY)
        known: dict[str, Kind] = {}
        for name, value in sets:
            kind = self.quiet_kind(value)
            known[name] = kind if known.get(name, kind) is kind else Kind.ANY
        for name, kind in known.items():
            if self.names[name] is Kind.ANY and not any(
                d.keys.get("save") and d.keys["save"].text == name for d in drafts
            ):
                self.names[name] = kind
            elif self.names[name] is not kind:
                self.names[name] = Kind.ANY

    def quiet_kind(self, node: Node) -> Kind:
        """The kind of an expression; problems are noted when it is read for good."""
        try:
            return compile_expression(node.text, self.names).kind if node.kind == "text" else Kind.ANY
        except Wrong:
            return Kind.ANY

    def pairs_to_set(self, node: Node | None, *, contact: bool = True) -> list[tuple[str, Node]]:
        if node is None or node.kind != "map":
            return []
        found: list[tuple[str, Node]] = []
        for name, (key, value) in node.pairs.items():
            if name == "contact":
                given = [*value.pairs] or [value.text if NAME.fullmatch(value.text) else "NAME"]
                fields = ", ".join(f"contact.{field}: …" for field in given)
                self.source.report("SB607", key, "each field of a person is set by itself", remedy=f"write {fields}")
                self.unread = True
            elif contact and name.startswith("contact."):
                if not NAME.fullmatch(name.removeprefix("contact.")):
                    meant = name.replace(" ", "").replace("=", ": ")
                    self.source.report("SB607", key, f'"{name[:40]}" cannot be kept', remedy=f"write {meant[:40]}")
            elif self.name(key, "a variable's name"):
                found.append((name, value))
        return found

    def step(self, draft: _Draft, below: str) -> Step:
        keys = draft.keys
        self.exclusive(draft)
        if "code" not in keys:
            return self.plain_step(draft, below)
        outside = dict(self.names)
        self.names |= {"code": Kind.TEXT, "left": Kind.NUMBER}  # in the texts of this step alone
        made = self.plain_step(draft, below)
        self.names = outside
        spoken = {language for localised in made.say for language in localised}
        told = {lang for localised in made.say for lang, t in localised.items() if "code" in t.names}
        for language in sorted(spoken - told) if "" not in told else ():
            node = next(t.node for localised in made.say for t in (localised.get(language),) if t is not None)
            self.source.report(
                "SB605", node or draft.node.pairs["say"][1], "a text that sends a code has {code} where it stands",
                remedy="write {code} into it",
            )  # fmt: skip
        return made

    def until(self, node: Node) -> When | None:
        """The moment that is waited for."""
        if node.kind == "text":
            return self.moment(node, "wait")
        keys = self.keys(node, schema.WAIT, "wait")
        if "until" not in keys and "until" not in node.pairs:
            self.source.report("SB605", node, 'wait: as a map needs "until:"')
        return self.moment(keys["until"], "until") if "until" in keys else None

    def moment(self, node: Node, what: str) -> When | None:
        """A time of a day, or a time that is spent awake."""
        written = self.text(node, what)
        try:
            return when(written) if written is not None else None
        except UsageError as error:
            remedy = said_in_digits(node.text, when)
            span = duration_meant(node.text.lower().removeprefix("in ").removeprefix("after "))
            if not remedy and what == "at" and not span.startswith("write for"):
                remedy = f"a step above waits: - wait: {span.removeprefix('write ')}"
            if not remedy and {*node.text.split()} & {*self.names}:
                remedy = "the time itself stands here; what was answered cannot be waited for"
            self.source.report("SB607", node, f"{what}: {error.args[0]}", remedy=remedy)
            return None

    def plain_step(self, draft: _Draft, below: str) -> Step:
        keys = draft.keys
        made = Step(
            draft.id,
            draft.node.line + 1,
            when=self.condition(keys["when"], "when") if "when" in keys else None,
            sets=self.expressions(keys["set"], "set") if "set" in keys else {},
            do=self.compiled(keys["do"], lambda text: compile_call(text, self.names)) if draft.do else None,
            call=(self.name(keys["call"], "a flow's name", ID) or "") if "call" in keys else "",
            arguments=self.expressions(keys["args"], "args") if "args" in keys else {},
            save=keys["save"].text if "save" in keys and keys["save"].kind == "text" else "",
            say=self.texts(keys["say"]) if "say" in keys else (),
            ask=self.ask(keys, draft.node) if "ask" in keys else None,
            wait=self.seconds(keys["wait"], "wait") if "wait" in keys and not _is_moment(keys["wait"]) else 0.0,
            until=self.until(keys["wait"]) if "wait" in keys and _is_moment(keys["wait"]) else None,
            interrupt="wait" in keys and "interrupt" in keys and self.flag(keys["interrupt"], "interrupt"),
            at=self.moment(keys["at"], "at") if "at" in keys else None,
            handoff=self.hand_to(keys["handoff"]) if "handoff" in keys else None,
            end=self.text(keys["end"], "an end label") if "end" in keys else None,
            next=below,
            node=draft.node,
        )
        return replace(made, then=self.then(keys, made))

    def exclusive(self, draft: _Draft) -> None:
        """Keys that do not go together, or not alone."""
        keys, pairs = draft.keys, draft.node.pairs
        for a, b in (
            ("ask", "wait"),
            ("ask", "call"),
            ("ask", "at"),
            ("wait", "call"),
            ("do", "call"),
            ("then", "goto"),
            ("end", "goto"),
            ("choices", "type"),
            ("code", "type"),
            ("code", "choices"),
            ("code", "settle"),
        ):
            if a in keys and b in keys and (begun := self.undashed(draft)) is not None:
                self.source.report(
                    "SB608", pairs[begun][0], f'"{begun}" stands behind what leads on from this step',
                    remedy=f"a dash begins a new step: - {begun}: …",
                )  # fmt: skip
            elif a in keys and b in keys:
                later = max(pairs[a][0], pairs[b][0], key=lambda k: (k.line, k.column))
                remedy = "make two steps of it"
                if (a, b) == ("choices", "type"):  # choices say what an answer is
                    later, remedy = pairs["type"][0], "take type: out: choices say what an answer is"
                self.source.report("SB608", later, f'"{a}" and "{b}" exclude each other in one step', remedy=remedy)
        self.belong(draft)
        if "ask" in keys and "say" not in pairs and NAME.fullmatch(keys["ask"].text):
            self.source.report(
                "SB605",
                pairs["ask"][0],
                'a question needs "say:"',
                note="nothing is said, so nobody knows what to answer",
            )
        if draft.node.kind != "map":
            return
        does = {"set", "do", "call", "say", "ask", "wait", "handoff", "then", "goto", "end"}
        if not does & set(keys) and not does & set(pairs):
            self.source.report("SB615", draft.node, "this step does nothing")

    def undashed(self, draft: _Draft) -> str | None:
        """The key that begins a new step, where only its dash is missing: it stands below one that leads on."""
        left = None
        for name, (key, _) in draft.node.pairs.items():
            if left is not None and name in ("ask", "say", "do", "call", "wait", "when", "set") and key.line > left:
                return name
            left = key.line if name in ("goto", "then", "end") else left
        return None

    def belong(self, draft: _Draft) -> None:
        """Keys that mean something only beside others."""
        keys, pairs = draft.keys, draft.node.pairs
        if not set(pairs) <= set(schema.STEP):
            return
        asked = [name for name in keys if name in schema.ASK_ONLY and name not in _NEEDS]
        if asked and "ask" not in keys:
            what = " and ".join(f'"{name}"' for name in asked)
            named = "id" in keys and NAME.fullmatch(keys["id"].text) is not None
            remedy = (
                f"write ask: {keys['id'].text} instead of id:" if named else "write ask: NAME: the answer is kept so"
            )
            if next(iter(pairs)) in asked and "say" not in keys:
                remedy = f"take the dash before {asked[0]}: out: it belongs to the question above"
            place = pairs["id" if named else asked[0]][0]
            self.source.report("SB608", place, f'this step has {what}, but "ask" is missing', remedy=remedy)
        for name in keys:
            needs = _NEEDS.get(name, ())
            if needs and not any(n in keys for n in needs):
                wanted = " or ".join(f'"{n}"' for n in needs)
                self.source.report("SB608", pairs[name][0], f'"{name}" belongs to {wanted}, which this step has not')


def _words_below(node: Node | None) -> Iterable[str]:
    """The words of choices, as they are written."""
    return () if node is None else (below.text for below in walk(node) if below.kind == "text")


def _is_moment(node: Node) -> bool:
    """Whether a wait is no plain duration."""
    return node.kind == "map" or (node.kind == "text" and (":" in node.text or "waking" in node.text.lower()))
