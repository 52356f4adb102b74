"""What is written at once ends as if each row had been written after the other."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import pytest

from smsbot.stores.postgres import lifting
from smsbot.stores.postgres.driver import Connection, Refused
from smsbot.stores.postgres.statements import Statement, statements

from ..postgres import Server

SEED = 20261201
ROUNDS = 6
OF_A_TEXT = (
    "seen", "event", "consume", "attend", "unattend", "conversation", "run", "frame", "unframe", "journal", "visit",
    "timer", "cancel", "contact", "outgoing", "text", "spent", "attempt", "attempt_ended", "receipt",
)  # fmt: skip
"""What texts write on their way."""
VALUES: Mapping[str, Callable[[random.Random], object]] = {
    "text": lambda dice: dice.choice("abcdefgh"),
    "bytea": lambda dice: dice.choice((b"a", b"b", b"c", b"d", b"e", b"f")),
    "int8": lambda dice: dice.randrange(8),
    "int4": lambda dice: dice.randrange(8),
    "float8": lambda dice: float(dice.randrange(8)),
    "bool": lambda dice: dice.random() < 0.5,
}


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ("INSERT INTO t (a, b) VALUES (given.p1, given.p2)", ()),
        ("-- why\nINSERT INTO t (a, b)\nVALUES ('x', given.p1) ON CONFLICT DO NOTHING", ()),
        ("INSERT INTO t (a, b) VALUES (given.p1, given.p2) ON CONFLICT (a) DO UPDATE SET b = excluded.b", (0,)),
        ("INSERT INTO t (a, b) VALUES ('x', given.p1) ON CONFLICT (a, b) DO UPDATE SET b = excluded.b", (0,)),
        ("UPDATE t SET a = given.p1 WHERE b = given.p2 AND c <> given.p3", (1,)),
        ("UPDATE t SET a = CASE WHEN a = '' THEN given.p1 ELSE a END WHERE b = given.p2 AND c = given.p3", (1, 2)),
        ("DELETE FROM t WHERE a = given.p1 AND b > given.p2", ()),
    ],
)
def test_what_can_be_written_at_once(asked: str, keys: tuple[int, ...]) -> None:
    write = lifting.write(asked, ["text"] * 3)
    assert write is not None
    assert write.keys == keys


@pytest.mark.parametrize(
    "asked",
    [
        "INSERT INTO t (a, b) VALUES ('x', given.p1) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
        "INSERT INTO t (a) VALUES (given.p1) ON CONFLICT (a) DO UPDATE SET b = given.p2",
        "INSERT INTO t (a) SELECT given.p1 WHERE NOT EXISTS (SELECT 1 FROM t)",
        "INSERT INTO t (a) VALUES (coalesce(given.p1, ''))",
        "UPDATE t SET a = given.p1 WHERE b > given.p2",
        "UPDATE t SET a = given.p1 WHERE b = given.p2 OR c = given.p3",
        "UPDATE t SET a = given.p1 WHERE NOT b = given.p2",
        "UPDATE t SET a = given.p1 WHERE b = (SELECT max(b) FROM t WHERE c = given.p2)",
        "UPDATE t SET a = (SELECT given.p1 FROM u WHERE d = 1) WHERE b = given.p2",
        "DELETE FROM t WHERE a IN (SELECT a FROM t WHERE b = given.p1)",
        "SELECT 1",
    ],
)
def test_what_cannot(asked: str) -> None:
    """What a row does may depend on the one before it, or two of them may change one row of the table."""
    assert lifting.write(asked, ["text"] * 3) is None


def test_rows_that_change_one_row_of_the_table_are_not_written_at_once() -> None:
    write = lifting.Write("", (0, 2))
    assert write.takes([["a", "a"], [1, 2], ["x", "y"]])
    assert not write.takes([["a", "a"], [1, 2], ["x", "x"]])


@pytest.mark.needs("postgres")
async def test_all_that_a_text_writes_is_written_at_once(postgres: Server) -> None:
    connection = await Connection.to(postgres.migrated(), "a test")
    own = statements("writes")
    for name in OF_A_TEXT:
        await connection.learn(own[name])
        assert own[name].lifts is not None, name
    await connection.close()


@pytest.mark.needs("postgres")
async def test_rows_at_once_end_as_rows_one_after_the_other(postgres: Server) -> None:
    """Every statement that is lifted, with rows that often agree, on two databases: each way on one of them."""
    dice = random.Random(SEED)
    at_once, one_by_one = [await Connection.to(postgres.migrated(), "a test", by_index=True) for _ in range(2)]
    taken = 0
    for n in range(ROUNDS):
        for name, statement in dice.sample(list(statements("writes").items()), k=len(statements("writes"))):
            await at_once.learn(statement)
            if statement.lifts is None or name.startswith("erase"):
                continue
            types = re.findall(r"\$\d+::(\w+)\[\]", statement.lifts.sql)
            rows = [[VALUES[kind](dice) for kind in types] for _ in range(dice.randrange(2, 5))]
            kept = await _kept(at_once, statement, rows, together=True)
            assert kept == await _kept(one_by_one, statement, rows, together=False), (SEED, n, name, rows)
            taken += kept
        assert await _all(at_once) == await _all(one_by_one), (SEED, n)
    for connection in (at_once, one_by_one):
        await connection.close()
    assert taken > ROUNDS * 50  # else nearly all was refused, and nothing is shown


async def _kept(
    connection: Connection, statement: Statement, rows: Sequence[Sequence[object]], *, together: bool
) -> bool:  # fmt: skip
    """Whether the database takes the rows, all or none."""
    await connection.begin("SET LOCAL smsbot.process = '1'")
    with suppress(Refused):
        if together:
            await connection.many(statement, rows)
        else:
            for row in rows:
                await connection.run(statement, row)
        await connection.commit()
        return True
    await connection.roll_back()
    return False


async def _all(connection: Connection) -> dict[str, list[dict[str, object]]]:
    """Every table: what is numbered without its numbers, which a refusal leaves gaps in, in their order."""
    columns = Statement(
        "SELECT table_name, column_name, is_identity FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    )
    tables: dict[str, tuple[list[str], str]] = {}
    for row in await connection.rows(columns, ()):
        plain, numbered = tables.get(row["table_name"], ([], ""))
        if row["is_identity"] == "YES":
            numbered = row["column_name"]
        else:
            plain.append(row["column_name"])
        tables[row["table_name"]] = plain, numbered
    return {
        name: await connection.rows(
            Statement(f"SELECT {', '.join(plain)} FROM {name} ORDER BY {numbered or ', '.join(plain)}"), ()
        )
        for name, (plain, numbered) in tables.items()
    }
