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
from concurrent.futures import ThreadPoolExecutor
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
PATIENCE = 10  # seconds that anything waits for a lock: who holds one longer is stuck, and must not take us along
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


def make_engine(url: URL, *, pool_size: int = 5, idle: int = 0) -> Engine:
    """An engine set up for its kind, for the service as for the migrations and the command line.

    `idle`: after how many seconds PostgreSQL ends a transaction in which nothing happens any more; 0: never.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url.set(drivername="sqlite+pysqlite"), pool_size=pool_size, max_overflow=0)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    options = f"-c lock_timeout={PATIENCE}s -c idle_in_transaction_session_timeout={idle}s"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        connect_args={"options": options},
    )


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions begin late and deferred: two writers could both read, and one then fail.
    connection.isolation_level = None
    waits = f"busy_timeout = {PATIENCE * 1000}"
    for pragma in (waits, "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def begin_immediate(connection: Connection) -> None:
    """Starts a writing transaction on SQLite at once; PostgreSQL begins its own with the first statement."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def transact(engine: Engine, operation: Operation[T]) -> T:
    """One operation, one transaction, in the caller's own thread: for the command line and the migrations."""
    with engine.begin() as connection:
        begin_immediate(connection)
        return _run(operation, connection)


def _run(operation: Operation[T], connection: Connection) -> T:
    try:
        return operation(connection)
    except StopIteration as fault:
        # A future refuses to carry this one, and whoever awaits it would wait for ever.
        raise RuntimeError("an operation let a StopIteration escape") from fault


class _Closable:
    """What is asked of a database that was closed is answered, instead of waiting for ever."""

    _closed = False

    def _must_be_open(self) -> None:
        if self._closed:
            raise UnavailableError("the database was closed: this process is ending")


class SqliteDatabase(_Closable):
    """One file: a single writer that commits in groups, and a few readers beside it."""

    def __init__(self, url: URL) -> None:
        self.engine = make_engine(url, pool_size=READERS + 3)
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        self._writer = threading.Thread(target=self._write_for_ever, name="writer", daemon=True)
        self._writer.start()

    async def write(self, operation: Operation[T]) -> T:
        self._must_be_open()
        waiting = _Waiting(operation, asyncio.get_running_loop())
        self._waiting.put(waiting)
        return await waiting.answer  # type: ignore[no-any-return]

    async def read(self, operation: Operation[T]) -> T:
        self._must_be_open()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, _read, self.engine, operation)
        except OperationalError as fault:
            raise UnavailableError(str(fault.orig)) from fault

    async def close(self) -> None:
        self._closed = True
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
        except BaseException as fault:  # noqa: BLE001 - a writer that died would leave everybody waiting for ever
            log.warning("database.unavailable", error=str(getattr(fault, "orig", fault)))
            for waiting in group:
                waiting.fault = UnavailableError("the database could not be written to")
        _answer(group)


class _Waiting:
    """An operation, and whoever waits for it. It runs in a savepoint, so that its fault is its own."""

    def __init__(self, operation: Operation[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.operation, self.loop = operation, loop
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.fault: BaseException | None = None

    def run(self, connection: Connection) -> None:
        connection.exec_driver_sql("SAVEPOINT one")
        try:
            self.result = _run(self.operation, connection)
        except BaseException as fault:  # noqa: BLE001 - it is handed to the caller, whatever it is
            self.fault = fault
            connection.exec_driver_sql("ROLLBACK TO one")
        connection.exec_driver_sql("RELEASE one")

    def settle(self) -> None:
        """In the caller's loop. A caller who has gone meanwhile is told nothing, and harms nobody."""
        if self.answer.done():
            return
        if self.fault:
            self.answer.set_exception(self.fault)
        else:
            self.answer.set_result(self.result)


def _answer(group: list[_Waiting]) -> None:
    """One call into each loop for the whole group: waking a loop costs more than what it then does."""
    for loop in {waiting.loop for waiting in group}:
        its = [waiting for waiting in group if waiting.loop is loop]
        with suppress(RuntimeError):  # the loop was closed, and with it everybody who waited there
            loop.call_soon_threadsafe(_settle, its)


def _settle(group: list[_Waiting]) -> None:
    for waiting in group:
        waiting.settle()


def _read(engine: Engine, operation: Operation[T]) -> T:
    """What is read is of one transaction, which leaves nothing: SQLite has to be told to begin one."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        return _run(operation, connection)


class PostgresDatabase(_Closable):
    """Any number of processes: each operation is a transaction of its own in one of a few threads."""

    def __init__(self, url: URL) -> None:
        # A replica that froze in the middle of a transaction is cut off by the server, so that its locks do not stay.
        self.engine = make_engine(url, pool_size=POSTGRES_THREADS, idle=6 * PATIENCE)
        self._threads = ThreadPoolExecutor(POSTGRES_THREADS, thread_name_prefix="postgres")

    async def write(self, operation: Operation[T]) -> T:
        self._must_be_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._persist, transact, operation)

    async def read(self, operation: Operation[T]) -> T:
        self._must_be_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._persist, _read, operation)

    async def close(self) -> None:
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown)
        self.engine.dispose()

    def _persist(self, run: Callable[[Engine, Operation[T]], T], operation: Operation[T]) -> T:
        """Again after a deadlock or a lost connection. Commands carry ids, so even a lost commit is not doubled."""
        for attempt in range(1, ATTEMPTS + 1):
            with suppress(StaleError):
                try:
                    return run(self.engine, operation)
                except DBAPIError as fault:
                    if not _is_away(fault):
                        raise
                    if attempt == ATTEMPTS or not _passes(fault):
                        raise UnavailableError(str(fault.orig)) from fault
            time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads the attempts
        raise StaleError


def _is_away(fault: DBAPIError) -> bool:
    """Whether it is the database that failed, and not the operation."""
    return isinstance(fault, OperationalError | InterfaceError) or fault.connection_invalidated


def _passes(fault: DBAPIError) -> bool:
    """Whether trying again can help: a deadlock, or a connection that went away."""
    return fault.connection_invalidated or getattr(fault.orig, "sqlstate", None) in _RETRYABLE
