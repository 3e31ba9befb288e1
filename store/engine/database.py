"""SQLite and PostgreSQL behind one interface: `write` and `read` run a plain function of a connection.

SQLite has one writing transaction at a time (`store.engine.sqlite`). On PostgreSQL each operation has its own
transaction in a pool of threads, but quick operations that wait at the same time share one. If one of them fails, the
shared transaction is rolled back and each operation runs alone, so a caller never sees the fault of another.

A quick operation takes about a millisecond and waits only for the database: reads by key, and commands. A contended
operation locks a row that many operations need. On PostgreSQL it runs alone, because a shared transaction would keep
the lock until its last operation is done, and two such transactions could wait for each other.

Every write may run twice: if the connection is lost during a commit, nobody knows whether it succeeded. Commands have
ids; all other writes can be repeated without harm, or check that the row is unchanged.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from store.engine.address import parse_database_url
from store.engine.engines import LOCK_TIMEOUT, make_engine, read_group, read_once, transact
from store.engine.sqlite import SqliteDatabase
from store.engine.workers import READ_GROUP, READERS, Group, Operation, UnavailableError, Workers

T = TypeVar("T")

POSTGRES_WRITERS = 8
GROUPS = 4  # some compute while others wait for the network
WRITE_GROUP = 32  # few, because the first operation waits for the last one and keeps its locks meanwhile
GROUP_TIMEOUT = 0.1  # seconds that a group waits for a lock; after them it starts no further operation
ATTEMPTS = 8
_RETRYABLE = frozenset(["40001", "40P01"])  # serialization failure, deadlock


class StaleError(Exception):
    """Another transaction changed the row first: read it again and decide again."""


class Runner(Protocol):
    """Runs an operation in a transaction of its own."""

    def __call__(self, engine: Engine, operation: Operation[T], /) -> T: ...


class Database(Protocol):
    engine: Engine

    async def write(self, operation: Operation[T], *, quick: bool = False, contended: bool = False) -> T: ...

    async def read(self, operation: Operation[T], *, quick: bool = False) -> T: ...

    async def close(self) -> None: ...


def open_database(url: str) -> Database:
    parsed = parse_database_url(url)
    return SqliteDatabase(parsed) if parsed.get_backend_name() == "sqlite" else PostgresDatabase(parsed)


class PostgresDatabase:
    """May be shared by any number of processes."""

    def __init__(self, url: URL) -> None:
        # The server ends the transaction of a replica that hangs, so that its locks are released.
        idle = 6 * LOCK_TIMEOUT
        self.engine = make_engine(url, pool_size=POSTGRES_WRITERS + READERS, idle=idle)
        self._hasty = make_engine(url, pool_size=GROUPS, idle=idle, patience=GROUP_TIMEOUT)
        self._contended = 0  # running operations whose row lock could block a whole group
        self._together = Workers("group", self._write_together, threads=GROUPS, limit=WRITE_GROUP)
        self._writers = Workers("writer", self._write_each, threads=POSTGRES_WRITERS, limit=1)
        self._readers = Workers("reader", self._read_group, threads=READERS, limit=READ_GROUP)

    async def write(self, operation: Operation[T], *, quick: bool = False, contended: bool = False) -> T:
        """Run an operation in a transaction. Quick ones may share one, unless a contended one could block them all."""
        if contended:
            self._contended += 1
            try:
                return await self._writers.submit(operation)
            finally:
                self._contended -= 1
        workers = self._together if quick and not self._contended else self._writers
        return await workers.submit(operation)

    async def read(self, operation: Operation[T], *, quick: bool = False) -> T:  # noqa: ARG002 - all wait for the network
        return await self._readers.submit(operation)

    async def close(self) -> None:
        # The writers close after `_together`, because they run what a group could not.
        for workers in (self._together, self._writers, self._readers):
            await workers.close()
        for engine in (self._hasty, self.engine):
            engine.dispose()

    def _write_together(self, group: Group) -> None:
        count = self._run_group(group)
        self._writers.take_over(group[count:])
        del group[count:]

    def _run_group(self, group: Group) -> int:
        """Run operations in one transaction; return how many of the first ones were committed, 0 after any fault."""
        until = time.monotonic() + GROUP_TIMEOUT
        count = 0
        try:
            with self._hasty.begin() as connection:
                while count < len(group) and (not count or time.monotonic() < until):
                    group[count].result = group[count].operation(connection)
                    count += 1
        except BaseException:  # noqa: BLE001 - each operation runs again alone and meets its own fault
            return 0
        return count

    def _write_each(self, group: Group) -> None:
        for job in group:
            job.attempt(lambda operation: self._persist(transact, operation))

    def _read_group(self, group: Group) -> None:
        read_group(self.engine, group, lambda operation: self._persist(read_once, operation))

    def _persist(self, run: Runner, operation: Operation[T]) -> T:
        return persist(self.engine, run, operation)


def persist(engine: Engine, run: Runner, operation: Operation[T]) -> T:
    """Retry after a deadlock, a lost connection or a `StaleError`.

    Commands have ids, so a lost commit is not applied twice.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with suppress(StaleError):
            try:
                return run(engine, operation)
            except DBAPIError as fault:
                if not _is_database_fault(fault):
                    raise
                if attempt == ATTEMPTS or not _is_transient(fault):
                    raise UnavailableError(str(fault.orig)) from fault
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads the retries
    raise StaleError


def _is_database_fault(fault: DBAPIError) -> bool:
    """Whether the database failed, not the operation."""
    return isinstance(fault, OperationalError | InterfaceError) or fault.connection_invalidated


def _is_transient(fault: DBAPIError) -> bool:
    """Whether a retry can help: after a deadlock or a lost connection."""
    return fault.connection_invalidated or getattr(fault.orig, "sqlstate", None) in _RETRYABLE
