"""Statements as the driver takes them: SQLAlchemy spells each once, and the driver is handed it from then on.

What SQLAlchemy prepares anew for each execution takes several times as long as to read or write a row by its key.
So it is for what each request does. What is put together for one question only is asked as always.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Executable, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlmodel import UTCDateTime

Values = Mapping[str, Any]
_Writer = Callable[[Any], Any]


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Writer | None:
    return _of_moments(dialect) if isinstance(kind, UTCDateTime) else _made_by(kind, dialect)


def _made_by(kind: TypeEngine[Any], dialect: Dialect) -> _Writer | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=8)
def _of_moments(dialect: Dialect) -> _Writer | None:
    """A command writes the same time into many rows: it is formatted once."""
    writer = _made_by(UTCDateTime(), dialect)
    return writer and lru_cache(maxsize=256)(writer)


class CompiledStatement:
    """Its text, how its values are put, by place or by name, and what its rows are made of."""

    def __init__(self, statement: Executable, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.text = str(compiled)
        named = {name: parameter for parameter, name in compiled.bind_names.items()}
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants = {name: its.effective_value for name, its in named.items() if not its.required}
        how = {name: _writer(its.type, dialect) for name, its in named.items()}
        by_place = enumerate(self._names) if self._names else zip(how, how, strict=True)
        self._how: list[tuple[Any, _Writer]] = [(at, it) for at, name in by_place if (it := how[name])]
        columns = list(statement.selected_columns) if isinstance(statement, Select) else []
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # noqa: PYI024
        took = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._took = [(place, how) for place, how in enumerate(took) if how]

    def put(self, values: Values) -> list[Any] | dict[str, Any]:
        named = {**self._constants, **values}
        its: Any = [named[name] for name in self._names] if self._names else named
        for at, how in self._how:
            its[at] = how(its[at])
        return cast("list[Any] | dict[str, Any]", its)

    def took(self, row: Sequence[Any]) -> Any:
        """With its columns' names."""
        if not self._took:
            return self._row._make(row)
        its = list(row)
        for place, how in self._took:
            its[place] = how(its[place])
        return self._row._make(its)


_dialects: dict[str, Dialect] = {}


def compile_statement(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> CompiledStatement:
    """Once for each kind of database, whatever connection asks."""
    return _spelled(statement, names, _dialects.setdefault(dialect.name, dialect))


@lru_cache(maxsize=256)
def _spelled(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> CompiledStatement:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    return CompiledStatement(statement, compiled, dialect)


def fetch_all(connection: Connection, statement: Select[Any], values: Values) -> list[Any]:
    """What a select finds that is written once and asked often. Its values are as many as it names, never a list."""
    its = compile_statement(statement, tuple(values), connection.dialect)
    with driver_cursor(connection) as cursor:
        cursor.execute(its.text, its.put(values))
        return [its.took(row) for row in cursor.fetchall()]


def fetch_first(connection: Connection, statement: Select[Any], values: Values) -> Any | None:
    found = fetch_all(connection, statement, values)
    return found[0] if found else None


@contextmanager
def driver_cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor; its faults are told as SQLAlchemy tells them."""
    lent, dialect = connection.connection, connection.dialect
    try:
        yield lent.cursor()
    except dialect.loaded_dbapi.Error as fault:
        is_lost = dialect.is_disconnect(fault, lent.driver_connection, None)
        if is_lost:
            connection.invalidate(fault)
        kind = dialect.loaded_dbapi.Error
        told = DBAPIError.instance(None, None, fault, kind, connection_invalidated=is_lost, dialect=dialect)
        raise told from fault
