"""Gathers writes whose results nobody reads, and sends each statement once with all its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Executable

from store.engine.statements import Values, compile_statement, raise_as_sqlalchemys

_BATCH = "countersign.batch"


class Batch:
    """Statements stay in the order in which they were first added. A row cannot be read before the batch is sent."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rows: dict[Executable, list[Values]] = {}

    def execute(self, statement: Executable, rows: dict[str, Any] | Sequence[Values]) -> None:
        self._rows.setdefault(statement, []).extend([rows] if isinstance(rows, dict) else rows)

    def send(self) -> None:
        """Send all statements now; the batch is empty afterwards."""
        pending, self._rows = self._rows, {}
        dialect = self.connection.dialect
        try:
            with _pipeline(self.connection):
                cursor: Any = self.connection.connection.cursor()
                for statement, rows in pending.items():
                    compiled = compile_statement(statement, tuple(rows[0]), dialect)
                    if len(rows) == 1:
                        cursor.execute(compiled.text, compiled.bind(rows[0]))
                    else:
                        cursor.executemany(compiled.text, [compiled.bind(row) for row in rows])
        except dialect.loaded_dbapi.Error as fault:
            raise_as_sqlalchemys(self.connection, fault)


@contextmanager
def batched_writes(connection: Connection) -> Iterator[Batch]:
    """Send the gathered writes at the end. A nested batch is part of the outer one and is sent with it."""
    info = connection.info  # read once: a connection that is lost meanwhile has no info any more
    outer: Batch | None = info.get(_BATCH)
    if outer is not None:
        yield outer
        return
    batch = info[_BATCH] = Batch(connection)
    try:
        yield batch
        batch.send()
    finally:
        info.pop(_BATCH, None)


def write_row(connection: Connection, statement: Executable, row: dict[str, Any]) -> None:
    """Write one row at once: it is read again in the same transaction, or is the only one."""
    batch = Batch(connection)
    batch.execute(statement, row)
    batch.send()


def _pipeline(connection: Connection) -> AbstractContextManager[Any]:
    """Send everything to PostgreSQL before reading any result. Nothing can be read in between."""
    if connection.dialect.name != "postgresql":
        return nullcontext()
    pipeline: AbstractContextManager[Any] = connection.connection.driver_connection.pipeline()  # type: ignore[union-attr]
    return pipeline
