"""Writes that go together: statements whose results nobody reads, each sent once with all its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

Row = Mapping[str, Any]

_OPEN = "countersign.batch"


class Batch:
    """Kept in the order in which the statements first came. Whoever writes a row here must not read it back yet."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rows: dict[Executable, list[Row]] = {}

    def execute(self, statement: Executable, rows: Row | Sequence[Row]) -> None:
        self._rows.setdefault(statement, []).extend([rows] if isinstance(rows, Mapping) else rows)

    def send(self) -> None:
        gathered, self._rows = self._rows, {}
        with _pipelined(self.connection):
            for statement, rows in gathered.items():
                self.connection.execute(statement, rows if len(rows) > 1 else rows[0])


@contextmanager
def together(connection: Connection) -> Iterator[Batch]:
    """Sends at the end what was gathered. Inside another one it is part of that, and waits with it."""
    info = connection.info  # asked once: a connection that was lost meanwhile cannot be asked any more
    outer: Batch | None = info.get(_OPEN)
    if outer is not None:
        yield outer
        return
    batch = info[_OPEN] = Batch(connection)
    try:
        yield batch
        batch.send()
    finally:
        info.pop(_OPEN, None)


@contextmanager
def _pipelined(connection: Connection) -> Iterator[None]:
    """PostgreSQL is sent all of it before it is asked how it went. Nothing can be read in between."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        yield
        return
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as fault:
        # It comes from the driver itself, past SQLAlchemy, and has to look like any other.
        if driver.broken:
            connection.invalidate(fault)
        told = DBAPIError.instance(
            None, None, fault, psycopg.Error, connection_invalidated=driver.broken, dialect=connection.dialect
        )
        raise told from fault
