"""Access to the database for commands. The database must exist and be migrated.

`query` reads, `transaction` writes; both open the database for one call and close it. `repeatable_transaction` is for
commands that compete with the service. A fault for the operator is a `CommandError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from bot.cli.common.command_error import CommandError
from bot.demo.folder import moved_time
from bot.settings import Settings, read_settings
from store.commands.policies import active_digest
from store.engine.address import parse_database_url
from store.engine.database import persist
from store.engine.engines import make_engine, transact
from store.engine.workers import Operation
from store.installation.installation import Installation
from store.installation.policy_texts import load_policy
from store.installation.tenancy import read_tenant_id
from store.migrations.migrate import require_current

T = TypeVar("T")

OPERATOR = "operator"  # the actor in audit events


def now() -> datetime:
    """Business time: as real time, unless the database is a demo's whose time was moved."""
    return datetime.now(UTC) + moved_time(read_settings().database_url)


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """Yield the database. Its schema must be the current one."""
    with database_unchecked(settings) as engine:
        with engine.connect() as connection:
            require_current(connection)
        yield engine


@contextmanager
def database_unchecked(settings: Settings) -> Iterator[Engine]:
    """Yield the database whatever its schema is. A missing SQLite file is an error, because opening would create it."""
    url = parse_database_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        raise CommandError(f"there is no database at {url.database}; run: countersign migrate")
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def query(operation: Operation[T]) -> T:
    with database(read_settings()) as engine, engine.connect() as connection:
        return operation(connection)


def transaction(operation: Operation[T]) -> T:
    with database(read_settings()) as engine:
        return transact(engine, operation)


def load_installation(connection: Connection) -> Installation:
    """The installation under the policy in force. The policy file is not read: it may be missing or another one."""
    return Installation(read_tenant_id(connection), load_policy(connection, active_digest(connection)))


def repeat_until_done(operation: Operation[int]) -> None:
    """Repeat the operation, each time in a transaction of its own, until it finds nothing to do."""
    while transaction(operation):
        pass


def repeatable_transaction(operation: Operation[T]) -> T:
    """Repeat the operation after a deadlock, or if the service changed something meanwhile."""
    with database(read_settings()) as engine:
        return persist(engine, transact, operation)
