"""The two databases, behind one shape: `write` and `read` run a plain function of a connection.

On SQLite one thread writes, and commits in groups: as many operations as wait, each in its own savepoint, share one
fsync. On PostgreSQL a pool of threads each runs a transaction. An operation cannot tell on which of them it runs.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from store.address import address, connect_options
from store.compiled import COMPILED
from store.files import secure
from store.spelled import driving
from store.workers import Group, Operation, UnavailableError, Workers

T = TypeVar("T")

GROUP = 256
READ_GROUP = 16  # few, because the last of them waits for the first
READERS = 2
POSTGRES_WRITERS = 8
ATTEMPTS = 8
_AGAIN = 0.005
PATIENCE = 10  # seconds that anything waits for a lock: who holds one longer is stuck, and must not take us along
SYNCHRONOUS = "FULL"  # SQLite commits once the disk has it
_RETRYABLE = frozenset(["40001", "40P01"])  # serialization failure, deadlock
_READ_ONLY = "25006"  # this server is a standby, or was made one


class StaleError(Exception):
    """Somebody else changed the row first: read it again and decide again."""


class Database(Protocol):
    engine: Engine

    async def write(self, operation: Operation[T]) -> T: ...

    async def read(self, operation: Operation[T]) -> T: ...

    async def close(self) -> None: ...


def open_database(url: str) -> Database:
    parsed = address(url)
    return SqliteDatabase(parsed) if parsed.get_backend_name() == "sqlite" else PostgresDatabase(parsed)


def make_engine(url: URL, *, pool_size: int = 5, idle: int = 0) -> Engine:
    """An engine set up for its kind, for the service as for the migrations and the command line.

    `idle`: after how many seconds PostgreSQL ends a transaction in which nothing happens any more; 0: never.
    """
    if url.get_backend_name() == "sqlite":
        with suppress(OSError):  # SQLite says by itself that it cannot open the file
            secure(str(url.database))
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            pool_size=pool_size,
            max_overflow=0,
            execution_options={"compiled_cache": COMPILED},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    options = f"-c lock_timeout={PATIENCE}s -c idle_in_transaction_session_timeout={idle}s"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=PATIENCE,
        connect_args={"options": options, **connect_options(url)},
        execution_options={"compiled_cache": COMPILED},
    )
    event.listen(engine, "handle_error", _leave_a_standby)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """The pool's connections are closed, and the next ones look for the server that takes writes."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions begin late and deferred: two writers could both read, and one then fail.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    _keep_a_log(connection)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA foreign_keys = ON")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Only the first on a new file changes anything, and here SQLite does not wait for another first by itself."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def begin_immediate(connection: Connection) -> None:
    """Starts a writing transaction on SQLite at once; PostgreSQL begins its own with the first statement."""
    if connection.dialect.name == "sqlite":
        with driving(connection) as cursor:
            cursor.execute("BEGIN IMMEDIATE")


def transact(engine: Engine, operation: Operation[T]) -> T:
    """One operation, one transaction, in the caller's own thread: for the command line and the migrations."""
    with engine.begin() as connection:
        begin_immediate(connection)
        return operation(connection)


class SqliteDatabase:
    """One file: a single writer that commits in groups, and a few readers beside it."""

    def __init__(self, url: URL) -> None:
        self.engine = make_engine(url, pool_size=READERS + 3)
        self._writer = Workers("writer", self._write_group, threads=1, most=GROUP)
        self._readers = Workers("reader", self._read_group, threads=READERS, most=READ_GROUP)

    async def write(self, operation: Operation[T]) -> T:
        return await self._writer.ask(operation)

    async def read(self, operation: Operation[T]) -> T:
        return await self._readers.ask(operation)

    async def close(self) -> None:
        await self._writer.close()
        await self._readers.close()
        self.engine.dispose()

    def _write_group(self, group: Group) -> None:
        """Nobody is answered before the commit: what was answered is on disk."""
        with self.engine.begin() as connection:
            begin_immediate(connection)
            driver = connection.connection.cursor()  # SQLAlchemy's own way to a savepoint takes ten times as long
            for waiting in group:
                driver.execute("SAVEPOINT one")
                if not waiting.attempt(lambda operation: operation(connection)):
                    driver.execute("ROLLBACK TO one")
                driver.execute("RELEASE one")

    def _read_group(self, group: Group) -> None:
        _read_together(self.engine, group, self._read)

    def _read(self, operation: Operation[T]) -> T:
        try:
            return _read(self.engine, operation)
        except OperationalError as fault:
            raise UnavailableError(str(fault.orig)) from fault


class PostgresDatabase:
    """Any number of processes: what each writes is a transaction of its own in one of a few threads."""

    def __init__(self, url: URL) -> None:
        # A replica that froze in the middle of a transaction is cut off by the server, so that its locks do not stay.
        self.engine = make_engine(url, pool_size=POSTGRES_WRITERS + READERS, idle=6 * PATIENCE)
        self._writers = Workers("writer", self._write_group, threads=POSTGRES_WRITERS, most=1)
        self._readers = Workers("reader", self._read_group, threads=READERS, most=READ_GROUP)

    async def write(self, operation: Operation[T]) -> T:
        return await self._writers.ask(operation)

    async def read(self, operation: Operation[T]) -> T:
        return await self._readers.ask(operation)

    async def close(self) -> None:
        await self._writers.close()
        await self._readers.close()
        self.engine.dispose()

    def _write_group(self, group: Group) -> None:
        for waiting in group:
            waiting.attempt(lambda operation: self._persist(transact, operation))

    def _read_group(self, group: Group) -> None:
        _read_together(self.engine, group, lambda operation: self._persist(_read, operation))

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


def _read_together(engine: Engine, group: Group, alone: Callable[[Operation[Any]], Any]) -> None:
    """In one transaction. A fault ends it: whoever met it, and whoever came after, then reads alone."""
    left = deque(group)

    def read(connection: Connection) -> None:
        while left and left[0].attempt(lambda operation: operation(connection)):
            left.popleft()

    with suppress(SQLAlchemyError):
        _read(engine, read)
    for waiting in left:
        waiting.fault = None
        waiting.attempt(alone)


def _read(engine: Engine, operation: Operation[T]) -> T:
    """What is read is of one moment, and leaves nothing: SQLite has to be told to begin a transaction."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with driving(connection) as cursor:
                cursor.execute("BEGIN")
        return operation(connection)


def _is_away(fault: DBAPIError) -> bool:
    """Whether it is the database that failed, and not the operation."""
    return isinstance(fault, OperationalError | InterfaceError) or fault.connection_invalidated


def _passes(fault: DBAPIError) -> bool:
    """Whether trying again can help: a deadlock, or a connection that went away."""
    return fault.connection_invalidated or getattr(fault.orig, "sqlstate", None) in _RETRYABLE
