"""Writes that go together: statements whose results nobody reads, each sent once with all its rows.

They are most of what a command costs. What SQLAlchemy prepares for each execution takes several times as long as the
write itself, so each statement is spelled once, and then handed to the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

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
        dialect = self.connection.dialect
        with _driving(self.connection) as cursor:
            for statement, rows in gathered.items():
                spelled = _spelled(statement, tuple(rows[0]), dialect)
                if len(rows) == 1:
                    cursor.execute(spelled.text, spelled.values(rows[0]))
                else:
                    cursor.executemany(spelled.text, [spelled.values(row) for row in rows])


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


class _Spelled:
    """A statement as this driver takes it, and how its values are put: by place or by name."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.text = str(compiled)
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        types = {name: parameter.type.dialect_impl(dialect) for parameter, name in compiled.bind_names.items()}
        self._by_place = compiled.positional
        self._put = [(name, types[name].bind_processor(dialect)) for name in compiled.positiontup or types]

    def values(self, row: Row) -> Sequence[Any] | Row:
        its = self._constants | dict(row)
        put = [its[name] if how is None else how(its[name]) for name, how in self._put]
        return put if self._by_place else {name: value for (name, _), value in zip(self._put, put, strict=True)}


@lru_cache(maxsize=256)
def _spelled(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> _Spelled:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    return _Spelled(compiled, dialect)


@contextmanager
def _driving(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor; its faults are told as SQLAlchemy tells them.

    PostgreSQL is sent all of it before it is asked how it went. Nothing can be read in between.
    """
    driver: Any = connection.connection.driver_connection
    cursor = connection.connection.cursor()
    faults = connection.dialect.loaded_dbapi.Error
    try:
        if connection.dialect.name == "postgresql":
            with driver.pipeline():
                yield cursor
        else:
            yield cursor
    except faults as fault:
        is_lost = connection.dialect.is_disconnect(fault, driver, cursor)
        if is_lost:
            connection.invalidate(fault)
        told = DBAPIError.instance(
            None, None, fault, faults, connection_invalidated=is_lost, dialect=connection.dialect
        )
        raise told from fault
