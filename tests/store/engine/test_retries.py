"""On PostgreSQL, conflicts and lost connections: operations are retried, or their callers get an error."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from store.engine import database as store_database
from store.engine.database import Database, StaleError
from store.engine.engines import transact
from store.engine.workers import UnavailableError
from tests.store.notes import note, notes

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_the_victim_of_a_deadlock_is_retried(database: Database) -> None:
    await database.write(note(1))
    await database.write(note(2))
    barrier, first = threading.Barrier(2), iter(range(2))

    def crosswise(one: int, other: int) -> Any:
        def operation(connection: Connection) -> None:
            move = text("UPDATE notes SET number = number WHERE number = :number")
            connection.execute(move, {"number": one})
            if next(first, None) is not None:
                barrier.wait(20)
            connection.execute(move, {"number": other})

        return operation

    answers = await asyncio.gather(database.write(crosswise(1, 2)), database.write(crosswise(2, 1)))
    assert set(answers) == {None}


async def test_an_operation_whose_connection_was_cut_runs_again(database: Database, database_url: str) -> None:
    walked: list[int] = []

    def cut_connection(connection: Connection) -> int:
        note(1)(connection)
        walked.append(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        if len(walked) == 1:
            with psycopg.connect(database_url) as other:
                other.execute("SELECT pg_terminate_backend(%s)", walked)
        return len(notes(connection))

    assert await database.write(cut_connection) == 1
    assert len(walked) == 2
    assert await database.read(notes) == [1]


async def test_a_database_that_cuts_every_connection_is_unavailable(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "ATTEMPTS", 3)

    def cut_connection(connection: Connection) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        notes(connection)

    with pytest.raises(UnavailableError):
        await database.write(cut_connection)
    assert await database.write(note(1)) == 1


async def test_a_command_that_stays_stale_is_refused_in_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "ATTEMPTS", 3)
    walked: list[int] = []

    def stale(connection: Connection) -> None:
        walked.append(note(len(walked))(connection))
        raise StaleError

    with pytest.raises(StaleError):
        await database.write(stale)
    assert walked == [0, 1, 2]
    assert await database.read(notes) == []


async def test_an_operation_is_one_transaction_also_in_the_callers_own_thread(database: Database) -> None:
    def fails(connection: Connection) -> None:
        note(1)(connection)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        transact(database.engine, fails)
    assert await database.read(notes) == []


async def test_a_replica_that_holds_a_lock_does_not_block_others_for_ever(database: Database) -> None:
    query = text("SELECT current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
    limits = await database.read(lambda connection: tuple(connection.execute(query).one()))
    assert limits == ("10s", "1min")
