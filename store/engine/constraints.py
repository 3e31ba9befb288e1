"""The name of the constraint that a row violated, on both databases.

PostgreSQL's driver gives the name. SQLite gives an error code and lists the columns, so the name is looked up among the
tables. A primary key has the name that PostgreSQL gives it: `events_pkey`.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

_Key = PrimaryKeyConstraint | UniqueConstraint
_UNIQUE = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


def violated_constraint(fault: IntegrityError) -> str | None:
    if isinstance(fault.orig, sqlite3.IntegrityError):
        return _violated_in_sqlite(fault.orig)
    name: str | None = fault.orig.diag.constraint_name  # type: ignore[union-attr]  # psycopg's, imported only if used
    return name


def _violated_in_sqlite(fault: sqlite3.IntegrityError) -> str | None:
    """The error does not name a trigger, so the trigger's message, set in our migration, is used as its name."""
    message = str(fault)
    if fault.sqlite_errorcode in _UNIQUE:
        return _constraint_of(message.removeprefix("UNIQUE constraint failed: ").split(", "))
    return message if fault.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_TRIGGER else None


def _constraint_of(columns: list[str]) -> str | None:
    table = SQLModel.metadata.tables.get(columns[0].partition(".")[0])
    keys = [constraint for constraint in table.constraints if isinstance(constraint, _Key)] if table is not None else []
    names = [key.name or f"{key.table.name}_pkey" for key in keys if [str(column) for column in key.columns] == columns]
    return str(names[0]) if names else None
