"""Quick operations on SQLite: they run in the event loop, which continues while a commit waits for the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError

from store.engine import sqlite
from store.engine.database import Database
from store.engine.engines import make_engine, transact
from store.engine.workers import UnavailableError, require_thread
from tests.store.notes import Hold, held_by_another, note, notes

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@SQLITE
async def test_quick_operations_run_in_the_event_loop_and_all_others_in_a_thread(database: Database) -> None:
    def thread(_: Connection) -> int:
        return threading.get_ident()

    quick = {await database.write(thread, quick=True), await database.read(thread, quick=True)}
    other = {await database.write(thread), await database.read(thread)}
    assert quick == {threading.get_ident()}
    assert threading.get_ident() not in other


@SQLITE
async def test_the_event_loop_runs_while_a_commit_waits_for_the_disk(database: Database) -> None:
    hold = Hold()
    event.listen(database.engine, "commit", hold.here)
    written = asyncio.create_task(database.write(note(1), quick=True))
    await hold.wait_until_reached()
    seen = await database.read(notes, quick=True)
    answered = written.done()
    hold.let_go()
    await written
    assert (seen, answered) == ([], False)
    assert await database.read(notes, quick=True) == [1]


@SQLITE
async def test_the_event_loop_runs_while_another_process_writes(database: Database, database_url: str) -> None:
    with held_by_another(database_url):
        written = asyncio.create_task(database.write(note(1), quick=True))
        assert await database.read(notes, quick=True) == []
        await asyncio.wait([written], timeout=0.05)
        assert not written.done()
    assert await written == 1


@SQLITE
async def test_the_event_loop_runs_while_quick_operations_wait_for_a_slow_one(database: Database) -> None:
    hold = Hold()
    long = asyncio.create_task(database.write(lambda connection: note(1)(connection) and hold.here(connection)))
    await hold.wait_until_reached()
    quick = asyncio.create_task(database.write(notes, quick=True))
    assert await database.read(notes, quick=True) == []
    hold.let_go()
    assert await long
    assert await quick == [1]


@SQLITE
async def test_a_failed_quick_operation_writes_nothing_and_does_not_affect_its_group(database: Database) -> None:
    def half(connection: Connection) -> None:
        note(2)(connection)
        note(1)(connection)

    group = [database.write(operation, quick=True) for operation in (note(1), half, note(3))]
    first, failed, third = await asyncio.gather(*group, return_exceptions=True)
    assert (first, type(failed), third) == (1, IntegrityError, 3)
    assert await database.read(notes, quick=True) == [1, 3]


@SQLITE
async def test_a_quick_read_changes_nothing(database: Database) -> None:
    assert await database.read(note(1), quick=True) == 1
    assert await database.write(notes, quick=True) == []


@SQLITE
async def test_a_failed_quick_read_is_retried_in_a_thread(database: Database) -> None:
    threads: list[int] = []

    def locked_here(_: Connection) -> int:
        threads.append(threading.get_ident())
        if len(threads) == 1:
            raise OperationalError("", {}, sqlite3.OperationalError("database is locked"))
        return len(threads)

    assert await database.read(locked_here, quick=True) == 2
    assert threads[0] == threading.get_ident() != threads[1]


@SQLITE
async def test_a_slow_operation_is_rolled_back_and_runs_in_a_thread(database: Database) -> None:
    def longer(connection: Connection) -> int:
        note(7)(connection)
        require_thread()
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
async def test_other_tasks_run_during_many_quick_operations(
    database: Database, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(sqlite, "LOOP_SLICE", 0)
    ask = getattr(database, part)
    carried_out: list[int] = []
    between: list[int] = []

    async def looks_around() -> None:
        while len(carried_out) < 10:
            between.append(len(carried_out))
            await asyncio.sleep(0)

    def count_operation(connection: Connection) -> None:
        carried_out.append(note(len(carried_out))(connection) or 0)

    await asyncio.gather(*(ask(count_operation, quick=True) for _ in range(10)), looks_around())
    assert set(between) >= set(range(1, 10))


@SQLITE
async def test_other_tasks_run_while_one_task_reads_continuously(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOOP_SLICE", 0)
    turns: list[int] = []
    for _ in range(10):
        asyncio.get_running_loop().call_soon(turns.append, 1)
        await database.read(notes, quick=True)
    assert len(turns) >= 9


def fails_in_the_middle(connection: Connection) -> None:
    """The exception keeps an open cursor with unread rows."""
    cursor = connection.connection.cursor()
    cursor.execute("SELECT number FROM notes")
    cursor.fetchone()
    raise ValueError


@SQLITE
@pytest.mark.parametrize("part", ["read", "write"])
async def test_a_failed_quick_operation_keeps_no_old_snapshot(database: Database, database_url: str, part: str) -> None:
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
async def test_a_cancelled_close_does_not_cancel_waiting_operations(database: Database) -> None:
    hold = Hold()
    long = asyncio.create_task(database.write(hold.here))
    await hold.wait_until_reached()
    waits = asyncio.create_task(database.write(note(1), quick=True))
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    hold.let_go()
    assert (await long, await waits) == (1, 1)


@SQLITE
@pytest.mark.parametrize("quick", [True, False])
async def test_after_a_failed_commit_the_next_write_uses_a_new_connection(database: Database, quick: bool) -> None:
    def fails(_: Connection) -> None:
        event.remove(database.engine, "commit", fails)
        raise OperationalError("COMMIT", None, Exception("the disk is full"))

    event.listen(database.engine, "commit", fails)
    with pytest.raises(UnavailableError):
        await database.write(note(1), quick=quick)
    assert await database.write(notes, quick=quick) == []
    assert await database.write(note(1), quick=quick) == 1


@SQLITE
async def test_a_slow_operation_does_not_take_back_what_those_beside_it_wrote(database: Database) -> None:
    def longer(connection: Connection) -> object:
        require_thread()
        return note(2)(connection)

    group = [database.write(operation, quick=True) for operation in (note(1), longer, note(3))]
    assert await asyncio.gather(*group) == [1, 2, 3]
    assert await database.read(notes, quick=True) == [1, 2, 3]


@SQLITE
async def test_one_operation_that_fails_makes_the_others_commit_together_once_more(database: Database) -> None:
    commits: list[int] = []
    event.listen(database.engine, "commit", lambda _: commits.append(1))

    def fails(_: Connection) -> None:
        raise ValueError("by itself")

    written = asyncio.gather(*(database.write(note(number), quick=True) for number in range(40)))
    failed = asyncio.create_task(database.write(fails, quick=True))
    with pytest.raises(ValueError, match="by itself"):
        await failed
    assert await written == list(range(40))
    assert len(commits) == 1


@SQLITE
async def test_each_of_many_operations_that_fail_together_runs_three_times_at_most(database: Database) -> None:
    runs: list[int] = []

    def fails(_: Connection) -> None:
        runs.append(1)
        raise ValueError

    outcomes = await asyncio.gather(*(database.write(fails, quick=True) for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ValueError}
    assert len(runs) <= 150
    assert await database.write(note(1), quick=True) == 1
