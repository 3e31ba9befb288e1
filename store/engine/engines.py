"""Engines for both databases, and how one operation, or a group of reads, runs on one."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import SQLAlchemyError

from store.engine.address import connect_options
from store.engine.compiled_cache import COMPILED
from store.engine.files import secure_files
from store.engine.statements import driver_cursor
from store.engine.workers import Group, Operation

T = TypeVar("T")

LOCK_TIMEOUT = 10  # seconds that anything waits for a lock: who holds one longer is stuck, and must not take us along
SYNCHRONOUS = "FULL"  # SQLite commits once the disk has it
CACHE, LOG, PAGE = 8 * 1024**2, 16 * 1024**2, 4096  # bytes of SQLite's cache for each connection, and of its log
_AGAIN = 0.005
_READ_ONLY = "25006"  # this server is a standby, or was made one


def make_engine(url: URL, *, pool_size: int = 5, idle: int = 0, patience: float | None = None) -> Engine:
    """An engine set up for its kind, for the service as for the migrations and the command line.

    `idle`: after how many seconds PostgreSQL ends a transaction in which nothing happens any more; 0: never.
    `patience`: how many seconds PostgreSQL waits for a lock; PATIENCE if not given.
    """
    if url.get_backend_name() == "sqlite":
        with suppress(OSError):  # SQLite says by itself that it cannot open the file
            secure_files(str(url.database))
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            pool_size=pool_size,
            max_overflow=0,
            execution_options={"compiled_cache": COMPILED},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    lock_timeout = (patience or LOCK_TIMEOUT) * 1000
    options = f"-c lock_timeout={lock_timeout:.0f}ms -c idle_in_transaction_session_timeout={idle}s"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=LOCK_TIMEOUT,
        connect_args={"options": options, **connect_options(url)},
        execution_options={"compiled_cache": COMPILED},
    )
    event.listen(engine, "handle_error", _leave_a_standby)
    event.listen(engine, "commit", _refuse_to_lose)
    return engine


def _leave_a_standby(context: ExceptionContext) -> None:
    """The pool's connections are closed, and the next ones look for the server that takes writes."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _refuse_to_lose(connection: Connection) -> None:
    """PostgreSQL answers the commit of a failed transaction with a rollback, and the driver raises nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status.name == "INERROR":
        raise RuntimeError("an operation ignored an error of the database: nothing of its transaction is written")


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver's own transactions begin late and deferred: two writers could both read, and one then fail.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
    _keep_a_log(connection)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = {-CACHE // 1024}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG // PAGE}")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Only the first on a new file changes anything, and here SQLite does not wait for another first by itself."""
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if not is_busy(fault) or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def is_busy(fault: object) -> bool:
    """Whether another process holds a lock that will pass. An outdated snapshot does not pass."""
    code = getattr(fault, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT


def begin_immediate(connection: Connection) -> None:
    """Starts a writing transaction on SQLite at once; PostgreSQL begins its own with the first statement."""
    if connection.dialect.name == "sqlite":
        with driver_cursor(connection) as cursor:
            cursor.execute("BEGIN IMMEDIATE")


def begin_read(connection: Connection) -> None:
    """Starts a transaction in which all is of one moment; PostgreSQL begins its own with the first statement."""
    if connection.dialect.name == "sqlite":
        with driver_cursor(connection) as cursor:
            cursor.execute("BEGIN")


def lock_table(connection: Connection, table: Table) -> None:
    """Whoever asks for a lock on a row of this table from now on waits for the caller.

    PostgreSQL gives a shared lock on a row past somebody who waits to change it: a stream of claims would keep a freeze
    or a pause waiting without end. Locks of whole tables are given in turn.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE"))


def transact(engine: Engine, operation: Operation[T]) -> T:
    """One operation, one transaction, in the caller's own thread: for the command line and the migrations."""
    with engine.begin() as connection:
        begin_immediate(connection)
        return operation(connection)


def read_group(engine: Engine, group: Group, alone: Callable[[Operation[Any]], Any]) -> None:
    """In one transaction. A fault ends it: the read that met it and those after it then run alone."""
    left = deque(group)

    def read(connection: Connection) -> None:
        while left and left[0].attempt(lambda operation: operation(connection)):
            left.popleft()

    with suppress(SQLAlchemyError):
        read_once(engine, read)
    for waiting in left:
        waiting.fault = None
        waiting.attempt(alone)


def read_once(engine: Engine, operation: Operation[T]) -> T:
    """What is read is of one moment, and leaves nothing."""
    with engine.connect() as connection:
        begin_read(connection)
        return operation(connection)
