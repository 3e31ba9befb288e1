"""Brings a database to the current schema: safe from every replica at once, and for one that is there already."""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.engine import make_url

from store.database import begin_immediate, make_engine
from store.tables import Installation, core

INSTALLATION = core(Installation)
_APPLIED = text("SELECT version_num FROM alembic_version")
_LOCK = 7_301_274_119  # any number, as long as all replicas take the same


def migrate(url: str, now: datetime) -> str:
    """Migrates, makes the installation's row where there is none, and gives the schema's revision."""
    engine = make_engine(make_url(url))
    try:
        with engine.begin() as connection:
            _alone(connection)
            if not is_current(connection):
                # Nearly every start finds nothing to do, and would wait for alembic longer than for all else here.
                from store.upgrade import upgrade  # noqa: PLC0415

                upgrade(connection)
            _install(connection, now)
    finally:
        engine.dispose()
    return head()


def head() -> str:
    """The newest revision: each file's name begins with its own."""
    versions = Path(__file__).parent.glob("migrations/versions/[0-9]*.py")
    return max(file.name for file in versions).partition("_")[0]


def is_current(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version") and connection.execute(_APPLIED).scalar() == head()


def _alone(connection: Connection) -> None:
    """Replicas that start together take their turn, however long; the later ones find nothing to do."""
    begin_immediate(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _install(connection: Connection, now: datetime) -> None:
    if connection.execute(select(INSTALLATION.c.tenant_id)).first() is None:
        tenant_id = "T" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(10))
        born = {"tenant_id": tenant_id, "created_at": now, "frozen": False, "directory_version": 0, "length": 0}
        connection.execute(insert(INSTALLATION), born)
