"""Both databases: answered operations are committed, and a failed operation does not affect others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from store.engine import database as store_database
from store.engine import engines
from store.engine.batch import batched_writes
from store.engine.database import Database, StaleError, open_database
from store.engine.workers import UnavailableError
from tests.store.notes import ADD, MAKE, Hold, held_by_another, note, notes

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_a_failed_operation_writes_nothing_and_does_not_affect_its_group(database: Database) -> None:
    hold = Hold()
    first = asyncio.create_task(database.write(hold.here))
    await hold.wait_until_reached()

    def half(connection: Connection) -> None:
        note(2)(connection)
        note(1)(connection)
        note(1)(connection)

    group = [asyncio.create_task(database.write(operation)) for operation in (note(3), half, note(4))]
    hold.let_go()
    await first
    third, failed, fourth = await asyncio.gather(*group, return_exceptions=True)
    assert (third, type(failed), fourth) == (3, IntegrityError, 4)
    assert await database.read(notes) == [3, 4]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ValueError("no"), ValueError),
        (StaleError(), StaleError),
        (SystemExit(), SystemExit),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (StopIteration(), RuntimeError),
    ],
    ids=repr,
)
async def test_the_database_survives_whatever_an_operation_raises(
    database: Database, fault: BaseException, expected: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "ATTEMPTS", 2)

    def fails(connection: Connection) -> None:
        note(1)(connection)
        raise fault

    for ask in (database.write, database.read):
        with pytest.raises(expected):
            await ask(fails)
    assert await database.write(note(2)) == 2
    assert await database.read(notes) == [2]


async def test_no_caller_is_answered_before_the_commit(database: Database) -> None:
    hold = Hold()
    event.listen(database.engine, "commit", hold.here)
    written = asyncio.create_task(database.write(note(1)))
    await hold.wait_until_reached()
    seen = await database.read(notes)
    answered = written.done()
    hold.let_go()
    await written
    assert (seen, answered) == ([], False)
    assert await database.read(notes) == [1]


async def test_a_failed_commit_is_reported_and_writes_nothing(database: Database) -> None:
    def fails(_: Connection) -> None:
        event.remove(database.engine, "commit", fails)
        raise OperationalError("COMMIT", None, Exception("the disk is full"))

    event.listen(database.engine, "commit", fails)
    with pytest.raises(UnavailableError):
        await database.write(note(1))
    assert await database.read(notes) == []
    assert await database.write(note(1)) == 1


async def test_a_cancelled_caller_does_not_affect_others(database: Database) -> None:
    hold = Hold()
    first = asyncio.create_task(database.write(hold.here))
    await hold.wait_until_reached()
    gone, waits = asyncio.create_task(database.write(note(1))), asyncio.create_task(database.write(note(2)))
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    hold.let_go()
    assert await waits == 2
    assert await database.write(note(3)) == 3
    assert set(await database.read(notes)) >= {2, 3}


async def test_closing_finishes_waiting_operations(database_url: str) -> None:
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    asked = [asyncio.create_task(database.write(note(number))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*asked) == list(range(50))


async def test_operations_after_closing_are_refused_at_once(database_url: str) -> None:
    database = open_database(database_url)
    await database.close()
    for ask in (database.write, database.read):
        with pytest.raises(UnavailableError):
            await ask(notes)


@pytest.mark.parametrize("url", ["sqlite:////dev/null/countersign.db", "postgresql://nobody@127.0.0.1:1/nothing"])
async def test_a_missing_database_is_unavailable(url: str) -> None:
    database = open_database(url)
    for ask in (database.write, database.read):
        with pytest.raises(UnavailableError):
            await ask(notes)
    await database.close()


async def test_reading_changes_nothing(database: Database) -> None:
    assert await database.read(note(1)) == 1
    assert await database.read(notes) == []


@SQLITE
async def test_a_read_sees_one_snapshot(database: Database) -> None:
    hold = Hold()
    reading = asyncio.create_task(
        database.read(lambda connection: (notes(connection), hold.here(connection), notes(connection)))
    )
    await hold.wait_until_reached()
    await database.write(note(1))
    hold.let_go()
    assert await reading == ([], 1, [])


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_an_error_in_a_batch_is_the_same_as_without_a_batch(database: Database) -> None:
    def twice(connection: Connection) -> None:
        with batched_writes(connection) as batch:
            batch.execute(ADD, {"number": 2})
            batch.execute(ADD, [{"number": 1}, {"number": 1}])

    with pytest.raises(IntegrityError):
        await database.write(twice)
    assert await database.read(notes) == []
    assert await database.write(note(1)) == 1


async def test_a_batch_is_sent_at_its_end_together_with_nested_batches(database: Database) -> None:
    def write_nested(connection: Connection) -> tuple[list[int], list[int]]:
        with batched_writes(connection) as batch:
            batch.execute(ADD, {"number": 1})
            with batched_writes(connection) as inner:
                inner.execute(ADD, [{"number": 2}, {"number": 3}])
            within = notes(connection)
        return within, notes(connection)

    assert await database.write(write_nested) == ([], [1, 2, 3])


async def test_an_abandoned_batch_sends_nothing(database: Database) -> None:
    def gives_up(connection: Connection) -> list[int]:
        with suppress(ValueError), batched_writes(connection) as batch:
            batch.execute(ADD, {"number": 1})
            raise ValueError
        with batched_writes(connection) as batch:
            batch.execute(ADD, {"number": 2})
        return notes(connection)

    assert await database.write(gives_up) == [2]


@POSTGRESQL
async def test_a_connection_lost_in_a_batch_is_replaced(database: Database, database_url: str) -> None:
    lost: list[int] = []

    def loses_its_first(connection: Connection) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with batched_writes(connection) as batch:
            batch.execute(ADD, {"number": 1})
            if not lost:
                lost.append(pid)
                with psycopg.connect(database_url, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    await database.write(loses_its_first)
    assert len(lost) == 1
    assert await database.read(notes) == [1]


async def test_a_database_locked_by_another_process_is_unavailable_until_it_is_unlocked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_TIMEOUT", 1)
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    with held_by_another(database_url):
        with pytest.raises(UnavailableError):
            await database.write(note(1))
        assert await database.read(notes) == []
    assert await database.write(note(1)) == 1
    await database.close()


_DURABLE = """
import sys
from sqlalchemy import text
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
print(make_engine(parse_database_url(sys.argv[1])).connect().execute(text("PRAGMA synchronous")).scalar())
"""
FULL = "2"


def test_sqlite_commits_once_the_disk_has_it(tmp_path: Path) -> None:
    """In a separate process, because the test process does not wait for the disk."""
    command = [sys.executable, "-c", _DURABLE, f"sqlite:///{tmp_path / 'countersign.db'}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == FULL


@SQLITE
async def test_reading_does_not_wait_for_the_writer(database: Database) -> None:
    hold = Hold()
    writing = asyncio.create_task(database.write(lambda connection: note(1)(connection) and hold.here(connection)))
    await hold.wait_until_reached()
    seen = await database.read(notes)
    hold.let_go()
    await writing
    assert seen == []
