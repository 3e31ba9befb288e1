"""Migrates a database to the current schema. Replicas may do this at the same time, and repeatedly.

All replicas take one lock, so the first migrates and the others find nothing to do. An older release refuses a newer
schema instead of touching it. Alembic is imported only if there is something to migrate.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from store.engine.address import parse_database_url
from store.engine.engines import begin_immediate, make_engine
from store.schema.installation_tables import InstallationRow
from store.schema.tables import core

INSTALLATION = core(InstallationRow)
_APPLIED = text("SELECT version_num FROM alembic_version")
_NOT_ALLOWED = "42501"
_LOCK = 7_301_274_119  # any number that all replicas share


class SchemaError(Exception):
    """The schema does not match this release; the message says what to do."""


def migrate(url: str, now: datetime) -> str:
    """Migrate, create the installation's row if it is missing, and return the schema's revision."""
    engine = make_engine(parse_database_url(url))
    try:
        with _explain_missing_permission(), engine.begin() as connection:
            _lock(connection)
            if not is_current(connection):
                _refuse_newer(connection)
                # Importing alembic is slow, and nearly every start finds nothing to migrate.
                from store.migrations.upgrade import upgrade  # noqa: PLC0415

                upgrade(connection)
            _create_installation(connection, now)
    finally:
        engine.dispose()
    return newest_revision()


def newest_revision() -> str:
    """The newest revision. File names begin with their revision."""
    return max(_known_revisions())


def is_current(connection: Connection) -> bool:
    return _applied_revision(connection) == newest_revision()


def require_current(connection: Connection) -> None:
    if not is_current(connection):
        _refuse_newer(connection)
        raise SchemaError("the database does not have this program's schema; run: countersign migrate")


def _refuse_newer(connection: Connection) -> None:
    applied = _applied_revision(connection)
    if applied and applied not in _known_revisions():
        raise SchemaError(
            f"the database has schema {applied}, which is newer than this release ({newest_revision()}); "
            "run the release that migrated it, or a newer one"
        )


def _applied_revision(connection: Connection) -> str | None:
    return connection.execute(_APPLIED).scalar() if inspect(connection).has_table("alembic_version") else None


def _known_revisions() -> frozenset[str]:
    versions = Path(__file__).parent.glob("versions/[0-9]*.py")
    return frozenset(file.name.partition("_")[0] for file in versions)


@contextmanager
def _explain_missing_permission() -> Iterator[None]:
    """The service's database role may not be allowed to change the schema: then say what to do."""
    try:
        yield
    except ProgrammingError as fault:
        if getattr(fault.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        raise SchemaError(
            "the schema must be migrated, and this database role may not do that; "
            "run: countersign migrate, with COUNTERSIGN_MIGRATION_URL set to a role that may"
        ) from fault


def _lock(connection: Connection) -> None:
    """Wait for other replicas that migrate, however long. Afterwards nothing is left to do."""
    begin_immediate(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _create_installation(connection: Connection, now: datetime) -> None:
    if connection.execute(select(INSTALLATION.c.tenant_id)).first() is None:
        tenant_id = f"inst_{secrets.token_hex(10)}"  # cannot be mistaken for a Slack workspace id
        row = {"tenant_id": tenant_id, "created_at": now, "frozen": False, "directory_version": 0, "length": 0}
        connection.execute(insert(INSTALLATION), row)
