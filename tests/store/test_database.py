"""The two databases behind one shape: what is answered was committed, and nobody suffers for another's fault."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError

from store.engine import database as store_database
from store.engine import engines, one_file
from store.engine.batch import together
from store.engine.database import Database, StaleError, open_database
from store.engine.engines import make_engine, transact
from store.engine.workers import UnavailableError, takes_long
from tests.store.notes import ADD, MAKE, Hold, Threads, note, notes

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_an_operation_that_fails_leaves_nothing_and_harms_nobody_in_its_group(database: Database) -> None:
    hold = Hold()
    first = asyncio.create_task(database.write(hold.here))
    await hold.reached()

    def half(connection: Connection) -> None:
        note(2)(connection)
        note(1)(connection)
        note(1)(connection)

    group = [asyncio.create_task(database.write(each)) for each in (note(3), half, note(4))]
    hold.let_go()
    await first
    third, failed, fourth = await asyncio.gather(*group, return_exceptions=True)
    assert (third, type(failed), fourth) == (3, IntegrityError, 4)
    assert await database.read(notes) == [3, 4]


@pytest.mark.parametrize(
    ("fault", "told"),
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
    database: Database, fault: BaseException, told: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "ATTEMPTS", 2)

    def fails(connection: Connection) -> None:
        note(1)(connection)
        raise fault

    for ask in (database.write, database.read):
        with pytest.raises(told):
            await ask(fails)
    assert await database.write(note(2)) == 2
    assert await database.read(notes) == [2]


async def test_nobody_is_answered_before_the_commit(database: Database) -> None:
    hold = Hold()
    event.listen(database.engine, "commit", hold.here)
    written = asyncio.create_task(database.write(note(1)))
    await hold.reached()
    seen = await database.read(notes)
    answered = written.done()
    hold.let_go()
    await written
    assert (seen, answered) == ([], False)
    assert await database.read(notes) == [1]


async def test_a_commit_that_fails_is_told_and_leaves_nothing(database: Database) -> None:
    def fails(_: Connection) -> None:
        event.remove(database.engine, "commit", fails)
        raise OperationalError("COMMIT", None, Exception("the disk is full"))

    event.listen(database.engine, "commit", fails)
    with pytest.raises(UnavailableError):
        await database.write(note(1))
    assert await database.read(notes) == []
    assert await database.write(note(1)) == 1


async def test_a_caller_who_went_away_harms_nobody(database: Database) -> None:
    hold = Hold()
    first = asyncio.create_task(database.write(hold.here))
    await hold.reached()
    gone, waits = asyncio.create_task(database.write(note(1))), asyncio.create_task(database.write(note(2)))
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    hold.let_go()
    assert await waits == 2
    assert await database.write(note(3)) == 3
    assert set(await database.read(notes)) >= {2, 3}


async def test_closing_first_carries_out_what_was_asked_before(database_url: str) -> None:
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    asked = [asyncio.create_task(database.write(note(number))) for number in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert await asyncio.gather(*asked) == list(range(50))


async def test_what_is_asked_after_closing_is_answered_at_once(database_url: str) -> None:
    database = open_database(database_url)
    await database.close()
    for ask in (database.write, database.read):
        with pytest.raises(UnavailableError):
            await ask(notes)


@pytest.mark.parametrize("url", ["sqlite:////dev/null/countersign.db", "postgresql://nobody@127.0.0.1:1/nothing"])
async def test_a_database_that_is_not_there_is_unavailable(url: str) -> None:
    database = open_database(url)
    for ask in (database.write, database.read):
        with pytest.raises(UnavailableError):
            await ask(notes)
    await database.close()


async def test_reading_leaves_nothing_behind(database: Database) -> None:
    assert await database.read(note(1)) == 1
    assert await database.read(notes) == []


@SQLITE
async def test_what_is_read_is_all_of_one_moment(database: Database) -> None:
    hold = Hold()
    reading = asyncio.create_task(
        database.read(lambda connection: (notes(connection), hold.here(connection), notes(connection)))
    )
    await hold.reached()
    await database.write(note(1))
    hold.let_go()
    assert await reading == ([], 1, [])


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_what_fails_in_a_batch_fails_as_it_does_alone(database: Database) -> None:
    def twice(connection: Connection) -> None:
        with together(connection) as batch:
            batch.execute(ADD, {"number": 2})
            batch.execute(ADD, [{"number": 1}, {"number": 1}])

    with pytest.raises(IntegrityError):
        await database.write(twice)
    assert await database.read(notes) == []
    assert await database.write(note(1)) == 1


async def test_a_batch_is_sent_at_its_end_and_what_lies_within_it_goes_with_it(database: Database) -> None:
    def nested(connection: Connection) -> tuple[list[int], list[int]]:
        with together(connection) as batch:
            batch.execute(ADD, {"number": 1})
            with together(connection) as inner:
                inner.execute(ADD, [{"number": 2}, {"number": 3}])
            within = notes(connection)
        return within, notes(connection)

    assert await database.write(nested) == ([], [1, 2, 3])


async def test_of_a_batch_that_was_given_up_nothing_is_sent(database: Database) -> None:
    def gives_up(connection: Connection) -> list[int]:
        with suppress(ValueError), together(connection) as batch:
            batch.execute(ADD, {"number": 1})
            raise ValueError
        with together(connection) as batch:
            batch.execute(ADD, {"number": 2})
        return notes(connection)

    assert await database.write(gives_up) == [2]


@POSTGRESQL
async def test_a_connection_that_is_lost_in_a_batch_is_replaced(database: Database, database_url: str) -> None:
    lost: list[int] = []

    def loses_its_first(connection: Connection) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with together(connection) as batch:
            batch.execute(ADD, {"number": 1})
            if not lost:
                lost.append(pid)
                with psycopg.connect(database_url, autocommit=True) as other:
                    other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    await database.write(loses_its_first)
    assert len(lost) == 1
    assert await database.read(notes) == [1]


# ---- quick operations on SQLite ----------------------------------------------------------------------------------


@SQLITE
async def test_quick_operations_run_in_the_thread_of_the_loop_and_all_others_elsewhere(database: Database) -> None:
    def thread(_: Connection) -> int:
        return threading.get_ident()

    quick = {await database.write(thread, quick=True), await database.read(thread, quick=True)}
    other = {await database.write(thread), await database.read(thread)}
    assert quick == {threading.get_ident()}
    assert threading.get_ident() not in other


@SQLITE
async def test_the_loop_goes_on_while_a_commit_waits_for_the_disk(database: Database) -> None:
    hold = Hold()
    event.listen(database.engine, "commit", hold.here)
    written = asyncio.create_task(database.write(note(1), quick=True))
    await hold.reached()
    seen = await database.read(notes, quick=True)
    answered = written.done()
    hold.let_go()
    await written
    assert (seen, answered) == ([], False)
    assert await database.read(notes, quick=True) == [1]


@SQLITE
async def test_the_loop_goes_on_while_another_process_writes(database: Database, database_url: str) -> None:
    with held_by_another(database_url):
        written = asyncio.create_task(database.write(note(1), quick=True))
        assert await database.read(notes, quick=True) == []
        await asyncio.wait([written], timeout=0.05)
        assert not written.done()
    assert await written == 1


@SQLITE
async def test_the_loop_goes_on_while_a_long_operation_writes_and_quick_ones_wait_for_it(database: Database) -> None:
    hold = Hold()
    long = asyncio.create_task(database.write(lambda connection: note(1)(connection) and hold.here(connection)))
    await hold.reached()
    quick = asyncio.create_task(database.write(notes, quick=True))
    assert await database.read(notes, quick=True) == []
    hold.let_go()
    assert await long
    assert await quick == [1]


@SQLITE
async def test_a_quick_operation_that_fails_leaves_nothing_and_harms_nobody_in_its_group(database: Database) -> None:
    def half(connection: Connection) -> None:
        note(2)(connection)
        note(1)(connection)

    group = [database.write(each, quick=True) for each in (note(1), half, note(3))]
    first, failed, third = await asyncio.gather(*group, return_exceptions=True)
    assert (first, type(failed), third) == (1, IntegrityError, 3)
    assert await database.read(notes, quick=True) == [1, 3]


@SQLITE
async def test_a_quick_read_leaves_nothing_behind(database: Database) -> None:
    assert await database.read(note(1), quick=True) == 1
    assert await database.write(notes, quick=True) == []


@SQLITE
async def test_a_quick_read_that_fails_is_tried_once_more_by_whoever_can_wait(database: Database) -> None:
    threads: list[int] = []

    def locked_here(_: Connection) -> int:
        threads.append(threading.get_ident())
        if len(threads) == 1:
            raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))
        return len(threads)

    assert await database.read(locked_here, quick=True) == 2
    assert threads[0] == threading.get_ident() != threads[1]


@SQLITE
async def test_an_operation_that_says_it_takes_long_is_undone_and_runs_in_a_thread(database: Database) -> None:
    def longer(connection: Connection) -> int:
        note(7)(connection)
        takes_long(connection)
        return threading.get_ident()

    read, wrote = await database.read(longer, quick=True), await database.write(longer, quick=True)
    assert threading.get_ident() not in {wrote, read}
    assert await database.read(notes) == [7]


@SQLITE
async def test_operations_that_wait_together_share_a_commit(database: Database) -> None:
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _: commits.append(1))
    await asyncio.gather(*(database.write(note(number), quick=True) for number in range(10)))
    assert len(commits) == 1
    assert await database.read(notes) == list(range(10))


@SQLITE
@pytest.mark.parametrize("part", ["read", "write"])
async def test_everything_else_gets_its_turn_within_a_long_row_of_quick_operations(
    database: Database, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(one_file, "AT_A_STRETCH", 0)
    ask = getattr(database, part)
    carried_out: list[int] = []
    between: list[int] = []

    async def looks_around() -> None:
        while len(carried_out) < 10:
            between.append(len(carried_out))
            await asyncio.sleep(0)

    def counted(connection: Connection) -> None:
        carried_out.append(note(len(carried_out))(connection) or 0)

    await asyncio.gather(*(ask(counted, quick=True) for _ in range(10)), looks_around())
    assert set(between) >= set(range(1, 10))


@SQLITE
async def test_everything_else_gets_its_turn_while_one_task_reads_again_and_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_file, "AT_A_STRETCH", 0)
    turns: list[int] = []
    for _ in range(10):
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await database.read(notes, quick=True)
    assert len(turns) >= 9


def fails_in_the_middle(connection: Connection) -> None:
    """Its exception keeps a cursor that has more to give."""
    found = connection.connection.cursor()
    found.execute("SELECT number FROM notes")
    found.fetchone()
    raise ValueError


@SQLITE
@pytest.mark.parametrize("part", ["read", "write"])
async def test_a_quick_operation_that_failed_in_the_middle_keeps_no_old_snapshot(
    database: Database, database_url: str, part: str
) -> None:
    await database.write(lambda connection: [note(number)(connection) for number in range(500)])
    with pytest.raises(ValueError) as kept:  # noqa: PT011 - which one does not matter here, but that it is kept
        await getattr(database, part)(fails_in_the_middle, quick=True)
    engine = make_engine(make_url(database_url))
    transact(engine, note(1000))
    engine.dispose()
    assert len(await database.read(notes, quick=True)) == 501
    assert await database.write(note(1001), quick=True) == 1001
    assert kept.value.__traceback__ is not None


@SQLITE
async def test_who_closes_and_is_cancelled_takes_nobody_along(database: Database) -> None:
    hold = Hold()
    long = asyncio.create_task(database.write(hold.here))
    await hold.reached()
    waits = asyncio.create_task(database.write(note(1), quick=True))
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    hold.let_go()
    assert (await long, await waits) == (1, 1)


@SQLITE
@pytest.mark.parametrize("quick", [True, False])
async def test_after_a_commit_that_failed_the_next_writes_on_a_new_connection(database: Database, quick: bool) -> None:
    def fails(_: Connection) -> None:
        event.remove(database.engine, "commit", fails)
        raise OperationalError("COMMIT", None, Exception("the disk is full"))

    event.listen(database.engine, "commit", fails)
    with pytest.raises(UnavailableError):
        await database.write(note(1), quick=quick)
    assert await database.write(notes, quick=quick) == []
    assert await database.write(note(1), quick=quick) == 1


# ---- quick operations on PostgreSQL ------------------------------------------------------------------------------


@pytest.fixture
async def threads(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Threads]:
    monkeypatch.setattr(store_database, "HASTE", 20)  # a slow machine does not divide the group
    async with Threads(database) as its:
        yield its


def in_transaction(connection: Connection) -> str:
    return str(connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one())


def twice(connection: Connection) -> None:
    note(20)(connection)
    note(20)(connection)


def ignores(connection: Connection) -> None:
    """Its error has ended the transaction."""
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
@pytest.mark.parametrize(("fails", "fault"), [(twice, IntegrityError), (ignores, RuntimeError)])
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_quick_operation_that_fails_alone_meets_its_fault(
    database: Database, threads: Threads, fails: Any, fault: type[Exception], place: int
) -> None:
    group = [note(1), note(2)]
    group.insert(place, fails)
    answers = await threads.together(*group)
    assert type(answers.pop(place)) is fault
    assert answers == [1, 2]
    assert await database.read(notes) == [1, 2]


@POSTGRESQL
async def test_an_operation_alone_that_ignores_an_error_of_the_database_is_told_that_nothing_was_written(
    database: Database,
) -> None:
    with pytest.raises(RuntimeError, match="nothing of its transaction is written"):
        await database.write(ignores)
    assert await database.read(notes) == []


@POSTGRESQL
async def test_no_quick_operation_is_answered_before_the_commit(database: Database) -> None:
    hold = Hold()
    with heard("commit", hold.here):
        asked = [asyncio.create_task(database.write(note(number), quick=True)) for number in (1, 2)]
        await hold.reached()
        seen = await database.read(notes)
        answered = [task.done() for task in asked]
        hold.let_go()
        await asyncio.gather(*asked)
    assert (seen, answered) == ([], [False, False])
    assert await database.read(notes) == [1, 2]


@POSTGRESQL
async def test_an_operation_of_a_group_that_met_a_change_is_tried_again(database: Database, threads: Threads) -> None:
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
async def test_a_lock_that_another_holds_holds_up_only_the_operation_that_wants_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 1000)
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    with psycopg.connect(database_url) as other:
        other.execute("INSERT INTO notes VALUES (2)")
        async with Threads(database) as threads:
            first, waits, third = await threads.asked(note(1), note(2), note(3))
            threads.let_one_go()
            answered, _ = await asyncio.wait([first, third], timeout=20)
            assert (answered, waits.done()) == ({first, third}, False)
        other.rollback()
        assert await waits == 2
    await database.close()


@POSTGRESQL
async def test_a_group_that_takes_long_commits_what_it_has_done(
    database: Database, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_database, "HASTE", 0)
    transactions = await threads.together(*[in_transaction] * 3)
    assert len(set(transactions)) == 3


@POSTGRESQL
async def test_a_contended_operation_does_not_wait_for_a_group(database: Database, threads: Threads) -> None:
    assert await database.write(note(1), quick=True, contended=True) == 1
    assert not any(task.done() for task in threads.held)


@POSTGRESQL
async def test_closing_carries_out_what_was_asked_before_also_what_a_group_could_not(database_url: str) -> None:
    database = open_database(database_url)
    await database.write(lambda connection: connection.execute(text(MAKE)))
    async with Threads(database) as threads:
        asked = await threads.asked(note(1), twice, note(3))
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
def heard(name: str, listener: Callable[[Connection], object]) -> Iterator[None]:
    """On every engine, whichever the database uses."""
    event.listen(Engine, name, listener)
    try:
        yield
    finally:
        event.remove(Engine, name, listener)


# ---- locks -------------------------------------------------------------------------------------------------------

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(url: str) -> Iterator[None]:
    """Another process holds what is needed to write a note."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", _HOLDER, path], stdin=pipe, stdout=pipe, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield
            holder.communicate()
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE notes IN SHARE MODE")
            yield


async def test_what_another_process_keeps_locked_is_unavailable_and_then_available_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 1)
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
from store.engine.address import address
from store.engine.engines import make_engine
print(make_engine(address(sys.argv[1])).connect().execute(text("PRAGMA synchronous")).scalar())
"""
FULL = "2"


def test_sqlite_commits_once_the_disk_has_it(tmp_path: Path) -> None:
    """In a process of its own: this one does not wait for the disk."""
    command = [sys.executable, "-c", _DURABLE, f"sqlite:///{tmp_path / 'countersign.db'}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == FULL


@SQLITE
async def test_reading_does_not_wait_for_the_writer(database: Database) -> None:
    hold = Hold()
    writing = asyncio.create_task(database.write(lambda connection: note(1)(connection) and hold.here(connection)))
    await hold.reached()
    seen = await database.read(notes)
    hold.let_go()
    await writing
    assert seen == []
