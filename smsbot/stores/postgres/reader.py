"""Named reads from PostgreSQL on a connection of their own; what is asked meanwhile is asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

from smsbot.core.errors import StoreError, StoreRefused
from smsbot.stores.base import Row

from . import schema
from .driver import Conflict, Connection, Lost, Refused, within
from .statements import Statement, statements

_TRIES = 20
_LONGEST = 60.0
"""Seconds that a page may have to wait."""
_PAUSE = 0.1
"""Between two tries to reach a server that has just gone away: two seconds in all."""


class PostgresReader:
    """Reads by name; a connection that was lost is made anew, since a read can be asked once more.

    `by_index` is for reads of few rows, which never need a whole table.
    """

    def __init__(self, url: str, name: str = "smsbot-reader", *, by_index: bool = False) -> None:
        self._url = url
        self._by_index = by_index
        self.name = name
        self._reads = statements("reads")
        self._questions: list[_Question] = []
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._open = False

    async def open(self) -> None:
        """Connect; raises `StoreError` if there is no such database, or not one of ours."""
        self._open = True
        try:
            await schema.check(await self._connected())
        except (Lost, Conflict) as error:
            await self.close()
            raise StoreError(f"the database cannot be reached: {error}") from error
        except StoreError:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of the connection."""
        self._open = False
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def rows(self, name: str, **parameters: object) -> list[Row]:
        """The rows of a named read."""
        statement = self._reads[name]
        return await self.ask(statement, [parameters[name] for name in statement.names])

    async def ask(self, statement: Statement, parameters: Sequence[object]) -> list[Row]:
        """The rows of a statement; what is asked for while the database answers is asked for together."""
        if not self._open:
            raise StoreError("the database is closed")
        question = _Question(statement, parameters, asyncio.get_running_loop().create_future())
        self._questions.append(question)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer_all())
        return await question.answer

    async def _answer_all(self) -> None:
        alike: dict[int, list[_Question]] = {}
        try:
            while self._questions:
                alike = {}
                for question in self._questions:
                    alike.setdefault(id(question.statement), []).append(question)
                self._questions.clear()
                for questions in alike.values():
                    await self._answer(questions)
        finally:
            for question in (*self._questions, *(q for questions in alike.values() for q in questions)):
                question.fail(StoreError("the database is closed"))

    async def _answer(self, questions: Sequence[_Question]) -> None:
        """Answer questions of one statement; one by one, if the database does not take the parameters of some."""
        try:
            found = await self._asked(questions[0].statement, [q.parameters for q in questions])
        except StoreRefused as error:
            if len(questions) == 1:
                questions[0].fail(error)
                return
            for question in questions:
                await self._answer([question])
        except Exception as error:
            for question in questions:
                question.fail(error)
        else:
            for question, rows in zip(questions, found, strict=True):
                if not question.answer.done():
                    question.answer.set_result(rows)

    async def _asked(self, statement: Statement, parameters: Sequence[Sequence[object]]) -> list[list[Row]]:
        for _ in range(_TRIES):
            if not self._open:
                raise StoreError("the database is closed")
            try:
                connection = await self._connected()
                return await within(_LONGEST, connection.named(statement, parameters))
            except Refused as error:
                raise StoreRefused(f"the database does not take what is asked for: {error}") from None
            except (Lost, Conflict) as error:
                why = str(error)
                await asyncio.sleep(_PAUSE)
        raise StoreError(f"the database could not be read: {why}")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost:
            self._connection = await Connection.to(self._url, self.name, by_index=self._by_index)
        return self._connection


class _Question:
    """A statement, its parameters, and who waits for the rows."""

    __slots__ = ("answer", "parameters", "statement")

    def __init__(
        self, statement: Statement, parameters: Sequence[object], answer: asyncio.Future[list[Row]]
    ) -> None:  # fmt: skip
        self.statement, self.parameters, self.answer = statement, parameters, answer

    def fail(self, error: Exception) -> None:
        """There are no rows."""
        if not self.answer.done():
            self.answer.set_exception(error)
