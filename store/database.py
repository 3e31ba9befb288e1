"""The two databases, behind one shape: `write` and `read` run a plain function of a connection.

On SQLite one thread writes, and commits in groups: as many operations as wait, each in its own savepoint, share one
fsync. On PostgreSQL a pool of threads each runs a transaction. An operation cannot tell on which of them it runs.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

T = TypeVar("T")
Operation = Callable[[Connection], T]

log = structlog.get_logger()

GROUP = 256
ATTEMPTS = 8
READERS = 2
POSTGRES_THREADS = 8
_RETRYABLE = frozenset(["40001", "40P01"])  # serialization failure, deadlock


class StaleError(Exception):
    """Somebody else changed the row first: read it again and decide again."""


class UnavailableError(Exception):
    """The database did not answer. Nothing is known to have been written; the same command can be sent again."""


class Database(Protocol):
    engine: Engine

    async def write(self, operation: Operation[T]) -> T: ...

    async def read(self, operation: Operation[T]) -> T: ...

    async def close(self) -> None: ...


def open_database(url: str) -> Database:
    parsed = make_url(url)
    return SqliteDatabase(parsed) if parsed.get_backend_name() == "sqlite" else PostgresDatabase(parsed)


def make_engine(url: URL, *, pool_size: int = 5) -> Engine:
    """An engine set up for its kind, for the service as for the migrations and the command line."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=pool_size, max_overflow=0)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=0, pool_timeout=10)


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions begin late and deferred: two writers could both read, and one then fail.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def begin_immediate(connection: Connection) -> None:
    """Starts a writing transaction on SQLite at once; PostgreSQL begins its own with the first statement."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def transact(engine: Engine, operation: Operation[T]) -> T:
    """One operation, one transaction, in the caller's own thread: for the command line and the migrations."""
    with engine.begin() as connection:
        begin_immediate(connection)
        return operation(connection)


class SqliteDatabase:
    """One file: a single writer that commits in groups, and a few readers beside it."""

    def __init__(self, url: URL) -> None:
        self.engine = make_engine(url, pool_size=READERS + 3)
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = threading.Thread(target=self._write_for_ever, name="writer", daemon=True)
        self._writer.start()

    async def write(self, operation: Operation[T]) -> T:
        waiting = _Waiting(operation)
        self._waiting.put(waiting)
        return await asyncio.wrap_future(waiting.future)

    async def read(self, operation: Operation[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, _read, self.engine, operation)

    async def close(self) -> None:
        self._waiting.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self.engine.dispose()

    def _write_for_ever(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while len(group) < GROUP and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                group.append(following)
            self._write_group(group)

    def _write_group(self, group: list[_Waiting]) -> None:
        """Nobody is answered before the commit: what was answered is on disk."""
        try:
            with self.engine.begin() as connection:
                begin_immediate(connection)
                for waiting in group:
                    waiting.run(connection)
        except Exception as fault:  # noqa: BLE001 - a writer that died would leave everybody waiting for ever
            log.warning("database.unavailable", error=str(getattr(fault, "orig", fault)))
            for waiting in group:
                waiting.fault = UnavailableError("the database could not be written to")
        for waiting in group:
            waiting.answer()


class _Waiting:
    """An operation, and whoever waits for it. It runs in a savepoint, so that its fault is its own."""

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self.future: Future[Any] = Future()
        self._result: Any = None
        self.fault: Exception | None = None

    def run(self, connection: Connection) -> None:
        connection.exec_driver_sql("SAVEPOINT one")
        try:
            self._result = self.operation(connection)
        except Exception as fault:  # noqa: BLE001 - it is handed to the caller, whatever it is
            self.fault = fault
            connection.exec_driver_sql("ROLLBACK TO one")
        connection.exec_driver_sql("RELEASE one")

    def answer(self) -> None:
        if self.future.set_running_or_notify_cancel():
            if self.fault:
                self.future.set_exception(self.fault)
            else:
                self.future.set_result(self._result)


def _read(engine: Engine, operation: Operation[T]) -> T:
    with engine.connect() as connection:
        return operation(connection)


class PostgresDatabase:
    """Any number of processes: each operation is a transaction of its own in one of a few threads."""

    def __init__(self, url: URL) -> None:
        self.engine = make_engine(url, pool_size=POSTGRES_THREADS)
        self._threads = ThreadPoolExecutor(POSTGRES_THREADS, thread_name_prefix="postgres")

    async def write(self, operation: Operation[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._persist, transact, operation)

    async def read(self, operation: Operation[T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._persist, _read, operation)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self.engine.dispose()

    def _persist(self, run: Callable[[Engine, Operation[T]], T], operation: Operation[T]) -> T:
        """Again after a deadlock or a lost connection. Commands carry ids, so even a lost commit is not doubled."""
        for attempt in range(1, ATTEMPTS + 1):
            with suppress(StaleError):
                try:
                    return run(self.engine, operation)
                except (OperationalError, InterfaceError) as fault:
                    if attempt == ATTEMPTS or not _passes(fault):
                        raise UnavailableError(str(fault.orig)) from fault
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads the attempts
        raise StaleError


def _passes(fault: DBAPIError) -> bool:
    """Whether trying again can help: a deadlock, or a connection that went away."""
    return fault.connection_invalidated or getattr(fault.orig, "sqlstate", None) in _RETRYABLE
