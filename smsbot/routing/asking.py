"""What a conversation asks of the person, and waits for: questions, menus, forms, one-time codes."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, overload

from typing_extensions import TypeForm, Unpack

from smsbot.core.clock import Duration, duration
from smsbot.core.errors import ChatError
from smsbot.core.otp import FEWEST, MOST, RESENDS, TRIES, VALID, Wanted, worded
from smsbot.core.question import Question
from smsbot.core.request import Ask, Request, Wait, WentBack
from smsbot.understanding.answers import Unsure
from smsbot.understanding.kinds import Kind, is_form, kind_of, listed, numbered, yes_no

from .speaking import Speaking
from .terms import AskTerms, read_terms

T = TypeVar("T")


class Several(Wait[Any]):
    """Something that waits more than once."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], Awaitable[Any]], said: str) -> None:
        super().__init__(Request(""), said)
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        self.awaited = True
        return self._work().__await__()


class Asking(Speaking):
    """A chat that can also wait for an answer."""

    __slots__ = ()

    @overload
    def ask(self, prompt: str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[str]: ...
    @overload
    def ask(self, prompt: str, kind: Kind[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(
        self, prompt: str, kind: Mapping[T, str | Sequence[str]], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]: ...
    @overload
    def ask(self, prompt: str, kind: Sequence[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(self, prompt: str, kind: TypeForm[T], /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[T]: ...
    @overload
    def ask(
        self, prompt: str, kind: Callable[[str], T | Unsure | None], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]: ...
    def ask(self, prompt: str, kind: Any = str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[Any]:
        """Ask, and wait for the answer, also through restarts: ``size = await chat.ask("Size?", choice(…))``.

        `kind` is a type (``str``, ``int``, ``bool``, ``Decimal``, ``date``, ``time``, ``datetime``, ``Money``), a
        Literal, an Enum, a list or a mapping of options, a dataclass (its fields are asked one by one), a kind such as
        ``integer(1, 9)``, or an ``@bot.answer``. `key` names the question where no variable does. `tries` wrong answers
        are asked again; one more raises `TooManyTries`, and silence for `timeout` raises `NoReply`.
        """
        if is_form(kind):
            return self._form_of(prompt, kind, terms)
        return self._session.promise(self._ask(prompt, kind_of(kind), key, terms, back=False), "chat.ask")

    def confirm(self, prompt: str, /, *, key: str = "", **terms: Unpack[AskTerms]) -> Wait[bool]:
        """Ask for yes or no: ``if await chat.confirm("OK? YES or NO"):``."""
        made: Wait[bool] = self._session.promise(self._ask(prompt, yes_no(), key, terms, back=False), "chat.confirm")
        return made

    def verify(
        self,
        purpose: str = "",
        text: str = "Your code is {code}",
        /,
        *,
        digits: int = 6,
        valid: Duration = VALID,
        tries: int = TRIES,
        resends: int = RESENDS,
        retry: str = "",
        domain: str = "",
        key: str = "",
    ) -> Wait[bool]:
        """Send a one-time code, and wait until it is typed: ``await chat.verify("sign-in")``; True once it was.

        The code stands nowhere: not in the database, a log, a page. `tries` wrong ones raise `TooManyTries`, and
        `NoReply` is raised when it is `valid` no longer. Who writes AGAIN gets the same code once more, at most
        `resends` times. `retry` is said after a wrong one, with ``{left}`` where the tries stand that are left.
        `domain` is that of a site that may fill it in by itself. Raises `ChatError` for a text without ``{code}``.
        """
        if "{code}" not in text:
            raise ChatError("verify() takes a text with {code} in it")
        if not FEWEST <= digits <= MOST:
            raise ChatError(f"a code has {FEWEST} to {MOST} digits, not {digits}")
        if tries < 1 or resends < 0:
            raise ChatError("verify() takes one try at the least, and no resend or more")
        wanted = Wanted(purpose, digits, duration(valid), tries, resends)
        kind = Kind(Question("code", code=wanted), bool)
        terms: AskTerms = {"tries": tries - 1, "timeout": wanted.valid}
        if retry:
            terms["retry"] = retry
        request = self._ask(worded(text, domain), kind, key or f"code {purpose}".strip(), terms, back=False)
        made: Wait[bool] = self._session.promise(request, "chat.verify")
        return made

    def menu(
        self, prompt: str, options: Mapping[T, str] | Sequence[T], /, *, key: str = "", **terms: Unpack[AskTerms]
    ) -> Wait[T]:
        """Ask for one of the options listed below the prompt, numbered unless they are numbers; returns its key."""
        kind = listed(options)
        texts = options if isinstance(options, Mapping) else {option: str(option) for option in options}
        mark = "{}) {}" if numbered(kind.question.choices) else "{1}"
        shown = "\n".join([prompt, *(mark.format(n, text) for n, text in enumerate(texts.values(), 1))])
        made: Wait[T] = self._session.promise(self._ask(shown, kind, key, terms, back=False), "chat.menu")
        return made

    def form(
        self, questions: Mapping[str, str | tuple[str, Any]], /, **terms: Unpack[AskTerms]
    ) -> Wait[dict[str, Any]]:
        """Ask several questions; BACK goes to the one before. ``{"name": "Name?", "qty": ("How many?", int)}``."""
        listed = [(n, q if isinstance(q, tuple) else (q, str)) for n, q in questions.items()]
        return self._series(listed, terms, lambda answers: answers)

    def _form_of(self, prompt: str, kind: type[Any], terms: AskTerms) -> Wait[Any]:
        """The fields of a dataclass, asked one by one; ``field(metadata={"ask": "How many?"})`` words a question."""
        hints = typing.get_type_hints(kind)
        listed: list[tuple[str, tuple[str, Any]]] = []
        for field in dataclasses.fields(kind):
            words = field.metadata.get("ask", f"{field.name.replace('_', ' ').capitalize()}?")
            if field.init:
                listed.append((field.name, (words, field.metadata.get("kind", hints[field.name]))))
        if prompt:
            self.say(prompt)
        return self._series(listed, terms, lambda answers: kind(**answers))

    def _series(
        self, listed: Sequence[tuple[str, tuple[str, Any]]], terms: AskTerms, made: Callable[[dict[str, Any]], Any]
    ) -> Wait[Any]:
        async def work() -> Any:
            answers: dict[str, Any] = {}
            place = 0
            while place < len(listed):
                name, (prompt, kind) = listed[place]
                request = self._ask(prompt, kind_of(kind), name, terms, back=place > 0, function="form")
                try:
                    answers[name] = await Wait[Any](request, "chat.form")
                except WentBack:
                    place -= 1
                else:
                    place += 1
            return made(answers)

        return self._session.promise(Several(work, "chat.form"), "chat.form")

    def _ask(self, prompt: str, kind: Kind[Any], key: str, terms: AskTerms, *, back: bool, function: str = "") -> Ask:
        if not prompt.strip():
            raise ChatError("a question needs a text")
        made, reminds = read_terms(terms, self._session.defaults)
        site, name = self._session.site(f"ask {kind.question.kind}", key, function)
        question = replace(kind.question, tail=True) if terms.get("tail") else kind.question
        retry, unsure = terms.get("retry", ""), terms.get("unsure", "")
        return Ask(
            site,
            prompt=prompt,
            question=question,
            convert=kind.convert,
            terms=made,
            retry=retry,
            reminds=reminds,
            back=back,
            name=name,
            unsure=unsure,
            check=terms.get("check"),
        )
