"""Creates engines for both databases, and runs an operation or a group of reads on one.

All differences between SQLite and PostgreSQL in transactions and locks are here and in `store.engine.sqlite`. SQLite
has one writer at a time, so a writing transaction takes its lock at the beginning; PostgreSQL locks rows.
"""

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
from store.engine.statements import run_on_driver
from store.engine.workers import Group, Operation

T = TypeVar("T")

LOCK_TIMEOUT = 10  # seconds that a transaction waits for a lock: a longer wait means that its holder hangs
SYNCHRONOUS = "FULL"  # SQLite commits once the disk has it
CACHE, LOG, PAGE = 8 * 1024**2, 16 * 1024**2, 4096  # bytes of SQLite's cache for each connection, and of its log
_WAL_RETRY = 0.005
_READ_ONLY = "25006"  # SQLSTATE: this server is a standby, or became one


def make_engine(url: URL, *, pool_size: int = 5, idle: int = 0, patience: float | None = None) -> Engine:
    """Create an engine with the settings of its database, for the service, migrations and command line.

    `idle`: seconds after which PostgreSQL ends an idle transaction; 0: never.
    `patience`: seconds that PostgreSQL waits for a lock; LOCK_TIMEOUT if not given.
    """
    if url.get_backend_name() == "sqlite":
        with suppress(OSError):  # SQLite itself raises an error if it cannot open the file
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
    event.listen(engine, "handle_error", _disconnect_from_standby)
    event.listen(engine, "commit", _raise_if_rolled_back)
    return engine


def _disconnect_from_standby(context: ExceptionContext) -> None:
    """Close the pool's connections, so that new ones find the server that accepts writes."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _raise_if_rolled_back(connection: Connection) -> None:
    """If a transaction has failed, PostgreSQL rolls back instead of committing, and the driver raises nothing."""
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status.name == "INERROR":
        raise RuntimeError("an operation ignored an error of the database: nothing of its transaction is written")


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    # The driver would begin transactions late and deferred: two writers could both read, and one would then fail.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000}")
    _enable_wal(connection)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = {-CACHE // 1024}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOG // PAGE}")


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite does not wait for another process that does the same, so retry."""
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if not is_busy(fault) or time.monotonic() > until:
                raise
            time.sleep(_WAL_RETRY)
        else:
            return


def is_busy(fault: object) -> bool:
    """Whether another process holds a lock, so that a retry can help. It cannot help an outdated snapshot."""
    code = getattr(fault, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT


def begin_immediate(connection: Connection) -> None:
    """Begin a writing transaction on SQLite; PostgreSQL begins one with the first statement."""
    if connection.dialect.name == "sqlite":
        run_on_driver(connection, "BEGIN IMMEDIATE")


def begin_read(connection: Connection) -> None:
    """Begin a reading transaction on SQLite, which sees one moment; PostgreSQL begins one with the first statement."""
    if connection.dialect.name == "sqlite":
        run_on_driver(connection, "BEGIN")


def lock_table(connection: Connection, table: Table) -> None:
    """Make every later lock on a row of this table wait for the caller.

    PostgreSQL grants shared row locks even while another transaction waits to change the row, so a stream of claims
    could block a freeze or a pause for ever. Table locks are granted in order.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE"))


def transact(engine: Engine, operation: Operation[T]) -> T:
    """Run an operation in its own transaction and in the caller's thread: for command line and migrations."""
    with engine.begin() as connection:
        begin_immediate(connection)
        return operation(connection)


def read_group(engine: Engine, group: Group, alone: Callable[[Operation[Any]], Any]) -> None:
    """Run reads in one transaction. After a fault, the failed read and the remaining ones run alone."""
    remaining = deque(group)

    def read(connection: Connection) -> None:
        while remaining and remaining[0].attempt(lambda operation: operation(connection)):
            remaining.popleft()

    with suppress(SQLAlchemyError):
        read_once(engine, read)
    for job in remaining:
        job.fault = None
        job.attempt(alone)


def read_once(engine: Engine, operation: Operation[T]) -> T:
    """Run an operation in one reading transaction, which is rolled back: nothing is changed."""
    with engine.connect() as connection:
        begin_read(connection)
        return operation(connection)
