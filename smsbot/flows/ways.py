"""Where a step leads: to the next, by an answer, by conditions."""

from __future__ import annotations

from collections.abc import Mapping

from smsbot.core.nearest import nearest
from smsbot.understanding.words import normalise

from . import schema
from .questions import Questions
from .source import Node
from .steps import Branch, Step, Then

_YES_NO = dict.fromkeys(("y", "true", "1", "ok", "tak", "oui", "si", "ja"), "yes") | dict.fromkeys(
    ("n", "false", "0", "2", "nie", "non", "nein"), "no"
)
"""What is written for yes and no where only these two can stand."""


class Ways(Questions):
    """Reads where steps lead."""

    def then(self, keys: Mapping[str, Node], made: Step) -> Then | None:
        """Where a step leads when it is done."""
        if "goto" in keys:
            return Then(self.link(keys["goto"]))
        if "then" not in keys:
            return None
        node = keys["then"]
        if node.kind == "text":
            if made.end is not None:
                self.source.report(
                    "SB608", (made.node or node).pairs["then"][0], '"then" and "end" exclude each other in one step'
                )
            return Then(self.link(node))
        if node.kind == "map" and set(node.pairs) <= set(schema.BRANCH) and "when" in node.pairs:
            self.source.report(
                "SB606",
                node,
                "conditions lead as a list, the first that holds",
                remedy="write then: [{when: …, go: …}]",
            )
            return self.branches(Node("list", items=[node]))
        if node.kind == "map":
            return Then(
                by_answer={self.answer_key(key, made): self.link(value) for _, (key, value) in node.pairs.items()}
            )
        return self.branches(node)

    def answer_key(self, key: Node, made: Step) -> str:
        """The answer that a key of a `then` map stands for."""
        if made.ask is None and not made.call:
            pairs = made.node.pairs if made.node is not None else {}
            if {"ask", "call", "choices", "type"} & set(pairs):
                return key.text  # what it stands for could not be read, and that is told
            if [*pairs] == ["then"]:
                self.source.report(
                    "SB643", pairs["then"][0], "this step asks nothing, so no answer leads on",
                    remedy="take the dash before then: out: it belongs to the question above",
                )  # fmt: skip
                return key.text
            self.source.report(
                "SB643",
                key,
                "only the answer to a question, or the end of a called flow, leads by its name",
                remedy="use a list of {when, go}",
            )
            return key.text
        if made.ask is None:
            return key.text
        question = made.ask.question
        if question.kind == "yes_no":
            if key.text.lower() not in ("yes", "no"):
                near = {"near": _YES_NO[key.text.lower()]} if key.text.lower() in _YES_NO else {}
                what = f'"{key.text[:40]}" is neither yes nor no'
                self.source.unknown("SB643", key, what, key.text, ("yes", "no"), **near)
            return key.text.lower()
        if question.kind == "choice":
            if key.text not in question.choices and question.choices:
                return self.no_choice(key, made)
            return key.text
        self.source.report(
            "SB643",
            key,
            f"answers of the type {question.kind} cannot be told apart by name",
            remedy="use a list of {when, go}",
        )
        return key.text

    def no_choice(self, key: Node, made: Step) -> str:
        """Note an answer that is no choice: that which is meant, as far as it is known. It may be a word of one."""
        choices = made.ask.question.choices if made.ask is not None else {}
        said = normalise(key.text)
        of = next((name for name, words in choices.items() if said in words), None)
        node = made.node or Node("text")
        if of is not None and of.isdigit() and not said.isdigit() and "choices" in node.pairs:
            numbered = node.pairs["choices"][1].pairs.get(of, (node.pairs["choices"][0],))[0]
            self.source.report(
                "SB643", numbered, f'the answer is called "{of}" here, and "{key.text}" below',
                remedy=f"the answer stands first, its words behind it: {key.text}: [{of}]",
            )  # fmt: skip
            return of
        near = of or nearest(key.text, choices)
        self.unread |= near is None
        self.source.unknown("SB643", key, f'"{key.text[:40]}" is none of the choices', key.text, choices, near=near)
        return near or key.text

    def branches(self, node: Node) -> Then:
        """The branches of a list."""
        found: list[Branch] = []
        for item in node.items:
            if item.pairs and not set(item.pairs) & set(schema.BRANCH):
                last = "else" in item.pairs or "default" in item.pairs or "otherwise" in item.pairs
                remedy = "the last one has no condition: - {go: STEP}" if last else ""
                self.source.report(
                    "SB606", item, "a list of branches is [{when: CONDITION, go: STEP}, …]",
                    remedy=remedy or "answers lead without dashes: then: {ANSWER: STEP}",
                )  # fmt: skip
                continue
            keys = self.keys(item, schema.BRANCH, "a branch")
            if "go" in keys:
                when = self.condition(keys["when"], "when") if "when" in keys else None
                found.append(Branch(when, self.link(keys["go"])))
            elif item.kind == "map" and "go" not in item.pairs:
                self.source.report("SB605", item, 'a branch needs "go:"')
        return Then(branches=tuple(found))
