"""SQLite: one writing transaction at a time, shared by all operations that are waiting.

Quick operations run in the event loop's thread, because switching threads would take longer than most of them do.
The commit, which waits for the disk, runs in a thread, and so do operations that are not known to be quick. If one of
the operations fails, nothing of them is committed, and they run again, the failed one alone. With a savepoint for each,
SQLite would keep the old content of every page that it changes. Callers are answered after the commit, so their changes
are on disk. Reads use their own connections, so they see only committed data.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, RootTransaction
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from store.engine import engines
from store.engine.engines import begin_immediate, is_busy, make_engine, read_group, read_once
from store.engine.statements import run_on_driver
from store.engine.workers import (
    READ_GROUP,
    READERS,
    Group,
    Job,
    Operation,
    SlowError,
    UnavailableError,
    Workers,
)

log = structlog.get_logger()

T = TypeVar("T")

MAX_GROUP = 256
LOOP_SLICE = 0.005  # seconds, after which the other tasks of the loop run


class SqliteDatabase:
    """Must be used by one event loop only."""

    def __init__(self, url: URL) -> None:
        self.engine = make_engine(url, pool_size=READERS + 5)
        self._asked: deque[Job] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._thread = Workers("writer", self._run_there, threads=1, limit=1)
        self._readers = Workers("reader", self._read_group, threads=READERS, limit=READ_GROUP)
        self._writes_on: Connection | None = None
        self._reads_on: Connection | None = None
        self._reading, self._read_for = asyncio.Lock(), 0.0

    async def write(self, operation: Operation[T], *, quick: bool = False, contended: bool = False) -> T:  # noqa: ARG002 - there is one transaction at a time
        if self._closed:
            raise UnavailableError("the database was closed: this process is ending")
        job = Job(operation, asyncio.get_running_loop(), quick=quick)
        self._asked.append(job)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await job.answer  # type: ignore[no-any-return]

    async def read(self, operation: Operation[T], *, quick: bool = False) -> T:
        if quick and not self._closed:
            with suppress(OperationalError, SlowError):  # a thread can wait for a lock
                return await self._read_quickly(operation)
        return await self._readers.submit(operation)

    async def close(self) -> None:
        """Finish the operations that are waiting, and refuse new ones instead of letting them wait for ever."""
        self._closed = True
        if self._writing:
            await asyncio.wait([self._writing])  # a cancelled close does not cancel the writer
        await self._thread.close()
        await self._readers.close()
        for connection in (self._writes_on, self._reads_on):
            if connection:
                connection.close()
        self.engine.dispose()

    # ---- writing ----

    async def _write_all(self) -> None:
        while self._asked:
            group: Group = []
            try:
                await self._write_group(group)
            except OperationalError as fault:
                log.warning("database.unavailable", error=str(fault.orig))
                self._give_up(group)
            except Exception:
                log.exception("database.fault")  # the writer must not die: every caller would wait for ever
                self._give_up(group)
            for job in group:
                job.settle()

    async def _write_group(self, group: Group) -> None:
        """Run operations, add them to the group, and commit. The group is empty if its operations have to run again."""
        try:
            transaction = await self._begin()
        except Exception:
            group.extend(self._asked)
            self._asked.clear()
            raise
        if await self._run_group(transaction.connection, group):
            await self._thread.submit(lambda _: transaction.commit())
        else:
            transaction.rollback()
            self._let_go_of_the_writer()
            self._ask_again(group)

    async def _run_group(self, connection: Connection, group: Group) -> bool:
        """Run what waits now, up to the first fault; return whether there was none."""
        began = time.monotonic()
        for _ in range(min(len(self._asked), MAX_GROUP)):
            if group and (group[0].alone or self._asked[0].alone):
                break
            if time.monotonic() - began > LOOP_SLICE:
                await asyncio.sleep(0)
                began = time.monotonic()
            job = self._asked.popleft()
            group.append(job)
            if job.quick:
                _attempt(connection, job)
            else:
                await self._thread.submit(partial(_attempt, job=job))
            if job.fault:
                return False
        return True

    def _ask_again(self, group: Group) -> None:
        """Let the jobs wait again: a slow one for its thread, a failed one alone, the others together.

        If one of the others fails then, each of them runs alone: it may be the database that fails.
        """
        failed = group[-1]
        is_slow = isinstance(failed.fault, SlowError)
        if len(group) == 1 and not is_slow:
            return  # it is answered with its own fault
        failed.quick = failed.quick and not is_slow
        for job in reversed(group):
            job.result = job.fault = None
            if not is_slow:
                job.rolled_back += 1
                job.alone = job is failed or job.rolled_back > 1
            self._asked.appendleft(job)
        group.clear()

    async def _begin(self) -> RootTransaction:
        """Begin at once, or wait in a thread while another process writes."""
        connection = self._writes_on
        if connection is None:
            connection = self._writes_on = await asyncio.to_thread(self._connect)
        transaction = connection.begin()
        try:
            begin_immediate(connection)
        except OperationalError as fault:
            if not is_busy(fault.orig):
                raise
            await self._thread.submit(_begin_after_waiting)
        return transaction

    def _run_there(self, group: Group) -> None:
        for job in group:
            job.attempt(self._on_the_writer)

    def _on_the_writer(self, operation: Operation[T]) -> T:
        if self._writes_on is None:
            raise UnavailableError("the database was closed: this process is ending")
        return operation(self._writes_on)

    def _give_up(self, group: Group) -> None:
        for job in group:
            job.fault = UnavailableError("the database did not carry it out")
        self._let_go_of_the_writer()

    def _let_go_of_the_writer(self) -> None:
        """Drop the connection: the traceback of a fault keeps cursors open, and they keep an old snapshot."""
        connection, self._writes_on = self._writes_on, None
        _close(connection)

    def _connect(self) -> Connection:
        connection = self.engine.connect()
        _wait_for_locks(connection, seconds=0)
        return connection

    # ---- reading ----

    async def _read_quickly(self, operation: Operation[T]) -> T:
        """Read in the loop. Reads never suspend by themselves, so yield to other tasks from time to time."""
        if self._reads_on and self._read_for <= LOOP_SLICE and not self._reading.locked():
            return self._read_now(self._reads_on, operation)
        async with self._reading:
            if self._read_for > LOOP_SLICE:
                self._read_for = 0.0
                await asyncio.sleep(0)
            if self._closed:
                raise UnavailableError("the database was closed: this process is ending")
            if self._reads_on is None:
                self._reads_on = await asyncio.to_thread(self._connect)
            return self._read_now(self._reads_on, operation)

    def _read_now(self, connection: Connection, operation: Operation[T]) -> T:
        began = time.monotonic()
        try:
            return _read_on(connection, operation)
        except SlowError:
            raise
        except BaseException:
            self._reads_on = None
            _close(connection)  # a fault keeps its cursors, as in _let_go_of_the_writer
            raise
        finally:
            self._read_for += time.monotonic() - began

    def _read_group(self, group: Group) -> None:
        read_group(self.engine, group, self._read)

    def _read(self, operation: Operation[T]) -> T:
        try:
            return read_once(self.engine, operation)
        except OperationalError as fault:
            raise UnavailableError(str(fault.orig)) from fault


def _read_on(connection: Connection, operation: Operation[T]) -> T:
    run_on_driver(connection, "BEGIN")  # a transaction through SQLAlchemy takes several times as long
    try:
        return operation(connection)
    finally:
        if connection.in_transaction():  # the operation has run a statement through SQLAlchemy
            connection.rollback()
        elif not connection.invalidated:
            driver: Any = connection.connection.driver_connection
            driver.rollback()


def _close(connection: Connection | None) -> None:
    if connection:
        connection.invalidate()
        connection.close()


def _attempt(connection: Connection, job: Job) -> None:
    job.attempt(lambda operation: operation(connection))


def _begin_after_waiting(connection: Connection) -> None:
    _wait_for_locks(connection, seconds=engines.LOCK_TIMEOUT)
    try:
        begin_immediate(connection)
    finally:
        _wait_for_locks(connection, seconds=0)


def _wait_for_locks(connection: Connection, *, seconds: int) -> None:
    run_on_driver(connection, f"PRAGMA busy_timeout = {seconds * 1000}")
