"""Writes that go together: statements whose results nobody reads, each sent once with all its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Executable

from store.engine.statements import Values, compile_statement, driver_cursor

_OPEN = "countersign.batch"


class Batch:
    """Kept in the order in which the statements first came. Whoever writes a row here must not read it back yet."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rows: dict[Executable, list[Values]] = {}

    def execute(self, statement: Executable, rows: Values | Sequence[Values]) -> None:
        self._rows.setdefault(statement, []).extend(rows if isinstance(rows, Sequence) else [rows])

    def send(self) -> None:
        gathered, self._rows = self._rows, {}
        dialect = self.connection.dialect
        with driver_cursor(self.connection) as cursor, _at_once(self.connection):
            for statement, rows in gathered.items():
                its = compile_statement(statement, tuple(rows[0]), dialect)
                if len(rows) == 1:
                    cursor.execute(its.text, its.put(rows[0]))
                else:
                    cursor.executemany(its.text, [its.put(row) for row in rows])


@contextmanager
def batched_writes(connection: Connection) -> Iterator[Batch]:
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


def write_row(connection: Connection, statement: Executable, row: Values) -> None:
    """At once, for a row that is read again in the same transaction, or written alone."""
    batch = Batch(connection)
    batch.execute(statement, row)
    batch.send()


def _at_once(connection: Connection) -> AbstractContextManager[Any]:
    """PostgreSQL is sent all of it before it is asked how it went. Nothing can be read in between."""
    if connection.dialect.name != "postgresql":
        return nullcontext()
    pipeline: AbstractContextManager[Any] = connection.connection.driver_connection.pipeline()  # type: ignore[union-attr]
    return pipeline
