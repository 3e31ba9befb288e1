"""Quick operations on PostgreSQL: waiting ones share a transaction, and a failed one does not affect the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, event, text, update
from sqlalchemy.exc import IntegrityError

from store.engine import database as store_database
from store.engine import engines
from store.engine.database import Database, StaleError, open_database
from tests.store.notes import MAKE, Hold, Threads, note, notes

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

pytestmark = pytest.mark.usefixtures("one_group")


@pytest.fixture
def one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single thread takes all that waits, so the tests know what is in a group."""
    monkeypatch.setattr(store_database, "GROUPS", 1)


@pytest.fixture
async def threads(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Threads]:
    monkeypatch.setattr(store_database, "GROUP_TIMEOUT", 20)  # a slow machine does not divide the group
    async with Threads(database) as threads:
        yield threads


def in_transaction(connection: Connection) -> str:
    return str(connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one())


def twice(connection: Connection) -> None:
    note(20)(connection)
    note(20)(connection)


def ignores(connection: Connection) -> None:
    """The error has ended the transaction."""
    with suppress(IntegrityError):
        twice(connection)


@POSTGRESQL
async def test_quick_operations_that_wait_together_share_a_transaction(database: Database, threads: Threads) -> None:
    def noted_in(number: int) -> Any:
        return lambda connection: note(number)(connection) and in_transaction(connection)

    transactions = await threads.together(*(noted_in(number) for number in range(1, 11)))
    assert len(set(transactions)) == 1
    assert await database.read(notes) == list(range(1, 11))


@POSTGRESQL
async def test_each_thread_takes_its_share_of_what_waits(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_database, "GROUPS", 2)
    database = open_database(database_url)
    async with Threads(database) as threads:
        transactions = await threads.together(*[in_transaction] * 4)
    assert [len(list(group)) for _, group in groupby(transactions)] == [2, 1, 1]
    await database.close()


@POSTGRESQL
@pytest.mark.parametrize(("fails", "fault"), [(twice, IntegrityError), (ignores, RuntimeError)])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_single_failed_quick_operation_raises_its_fault(
    database: Database, threads: Threads, fails: Any, fault: type[Exception], place: int
) -> None:
    group = [note(1), note(2)]
    group.insert(place, fails)
    answers = await threads.together(*group)
    assert type(answers.pop(place)) is fault
    assert answers == [1, 2]
    assert await database.read(notes) == [1, 2]


@POSTGRESQL
async def test_an_operation_that_ignores_a_database_error_learns_that_nothing_was_written(
    database: Database,
) -> None:
    with pytest.raises(RuntimeError, match="nothing of its transaction is written"):
        await database.write(ignores)
    assert await database.read(notes) == []


@POSTGRESQL
async def test_no_quick_operation_is_answered_before_the_commit(database: Database) -> None:
    hold = Hold()
    with listen_everywhere("commit", hold.here):
        asked = [asyncio.create_task(database.write(note(number), quick=True)) for number in (1, 2)]
        await hold.wait_until_reached()
        seen = await database.read(notes)
        answered = [task.done() for task in asked]
        hold.let_go()
        await asyncio.gather(*asked)
    assert (seen, answered) == ([], [False, False])
    assert await database.read(notes) == [1, 2]


@POSTGRESQL
async def test_an_operation_of_a_group_is_retried_after_a_conflict(database: Database, threads: Threads) -> None:
    tries: list[int] = []

    def stale(connection: Connection) -> int:
        tries.append(1)
        if len(tries) < 4:
            raise StaleError
        return int(note(2)(connection))

    assert await threads.together(note(1), stale, note(3)) == [1, 2, 3]
    assert len(tries) == 4
    assert await database.read(notes) == [1, 2, 3]


@POSTGRESQL
async def test_a_held_lock_delays_only_the_operation_that_needs_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_TIMEOUT", 1000)
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    with psycopg.connect(database_url) as other:
        other.execute("INSERT INTO notes VALUES (2)")
        async with Threads(database) as threads:
            first, waits, third = await threads.start_all(note(1), note(2), note(3))
            threads.let_one_go()
            answered, _ = await asyncio.wait([first, third], timeout=20)
            assert (answered, waits.done()) == ({first, third}, False)
        other.rollback()
        assert await waits == 2
    await database.close()


@POSTGRESQL
async def test_a_slow_group_commits_the_operations_that_it_has_run(
    database: Database, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "GROUP_TIMEOUT", 0)
    transactions = await threads.together(*[in_transaction] * 3)
    assert len(set(transactions)) == 3


@POSTGRESQL
async def test_a_contended_operation_does_not_wait_for_a_group(database: Database, threads: Threads) -> None:
    assert await database.write(note(1), quick=True, contended=True) == 1
    assert not any(task.done() for task in threads.held)


@POSTGRESQL
async def test_closing_finishes_waiting_operations_including_those_of_a_failed_group(database_url: str) -> None:
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    async with Threads(database) as threads:
        asked = await threads.start_all(note(1), twice, note(3))
        closing = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        threads.let_one_go()
        answered, _ = await asyncio.wait(asked, timeout=20)
    assert len(answered) == len(asked)
    await closing
    first, failed, third = [task.exception() or task.result() for task in asked]
    assert (first, type(failed), third) == (1, IntegrityError, 3)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT number FROM notes ORDER BY number").fetchall() == [(1,), (3,)]


@contextmanager
def listen_everywhere(name: str, listener: Callable[[Connection], object]) -> Iterator[None]:
    """On every engine of the database."""
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


@POSTGRESQL
async def test_while_a_contended_operation_runs_no_operation_waits_in_a_group_with_others(
    database: Database, threads: Threads
) -> None:
    hold = Hold()
    contended = asyncio.create_task(database.write(hold.here, quick=True, contended=True))
    await hold.wait_until_reached()
    transactions = await asyncio.gather(*(database.write(in_transaction, quick=True) for _ in range(3)))
    hold.let_go()
    await contended
    assert len(set(transactions)) == 3


@POSTGRESQL
async def test_a_later_shared_lock_waits_for_an_earlier_exclusive_one(database: Database, database_url: str) -> None:
    """A stream of claims with shared locks does not block a freeze or a pause."""
    shares = "SELECT number FROM notes WHERE number = 1 FOR SHARE"
    table = Table("notes", MetaData(), Column("number", Integer))

    def changes(connection: Connection) -> int:
        engines.lock_table(connection, table)
        return connection.execute(update(table).values(number=2)).rowcount

    await database.write(note(1))
    with psycopg.connect(database_url) as first, psycopg.connect(database_url) as later:
        first.execute(shares)
        change = asyncio.create_task(database.write(changes))
        await asyncio.to_thread(somebody_waits, later)
        later.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            later.execute(shares)
        first.rollback()
        assert await change == 1


def somebody_waits(connection: psycopg.Connection[Any]) -> None:
    asked = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND pid <> pg_backend_pid()"
    )
    until = time.monotonic() + 20
    while not connection.execute(asked).fetchone():
        assert time.monotonic() < until, "nobody waits"
        connection.rollback()
    connection.rollback()
