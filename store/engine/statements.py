"""Compiles statements once with SQLAlchemy, and runs them on the driver's cursor.

SQLAlchemy's preparation of each execution takes several times as long as reading or writing a row by its key. So use
this for the statements of every request. Run a query that is built for one question with `connection.execute`.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from sqlalchemy import Connection, Dialect, Executable, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine
from sqlmodel import UTCDateTime

Values = Mapping[str, Any]
_Writer = Callable[[Any], Any]


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Writer | None:
    return _time_writer(dialect) if isinstance(kind, UTCDateTime) else _bind_processor(kind, dialect)


def _bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> _Writer | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=8)
def _time_writer(dialect: Dialect) -> _Writer | None:
    """A command writes the same time into many rows, so formatted times are cached."""
    writer = _bind_processor(UTCDateTime(), dialect)
    return writer and lru_cache(maxsize=256)(writer)


class CompiledStatement:
    """SQL text, bind processors (positional or named), result processors and row type."""

    def __init__(self, statement: Executable, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.text = str(compiled)
        parameters = {name: parameter for parameter, name in compiled.bind_names.items()}
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._constants = {name: bind.effective_value for name, bind in parameters.items() if not bind.required}
        writers = {name: _writer(bind.type, dialect) for name, bind in parameters.items()}
        keys = enumerate(self._names) if self._names else zip(writers, writers, strict=True)
        self._writers: list[tuple[Any, _Writer]] = [(key, write) for key, name in keys if (write := writers[name])]
        columns = list(statement.selected_columns) if isinstance(statement, Select) else []
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # noqa: PYI024
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = [(place, reader) for place, reader in enumerate(readers) if reader]

    def bind(self, values: Values) -> Any:
        """The values as the driver's cursor takes them: a list or a dict."""
        named = {**self._constants, **values}
        bound: Any = [named[name] for name in self._names] if self._names else named
        for key, write in self._writers:
            bound[key] = write(bound[key])
        return bound

    def read_row(self, row: Sequence[Any]) -> Any:
        """The driver's row as a named tuple."""
        if not self._readers:
            return self._row._make(row)
        values = list(row)
        for place, reader in self._readers:
            values[place] = reader(values[place])
        return self._row._make(values)


_dialects: dict[str, Dialect] = {}


def compile_statement(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> CompiledStatement:
    """Compiled once for each kind of database, for all its connections."""
    return _compile(statement, names, _dialects.setdefault(dialect.name, dialect))


@lru_cache(maxsize=256)
def _compile(statement: Executable, names: tuple[str, ...], dialect: Dialect) -> CompiledStatement:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))  # type: ignore[attr-defined]
    if forgotten := [column.name for column in (*compiled.insert_prefetch, *compiled.update_prefetch)]:
        # SQLAlchemy would compute their defaults at each execution, which this does not do.
        raise TypeError(f"the row must say what {', '.join(forgotten)} is")
    return CompiledStatement(statement, compiled, dialect)


def fetch_all(connection: Connection, statement: Select[Any], values: Values) -> list[Any]:
    """Run a select that is defined once and used often. Its number of parameters is fixed, so no lists."""
    compiled = compile_statement(statement, tuple(values), connection.dialect)
    try:
        cursor = connection.connection.cursor()
        cursor.execute(compiled.text, compiled.bind(values))
        rows = cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as fault:
        raise_as_sqlalchemys(connection, fault)
    return [compiled.read_row(row) for row in rows]


def fetch_first(connection: Connection, statement: Select[Any], values: Values) -> Any | None:
    result = fetch_all(connection, statement, values)
    return result[0] if result else None


def run_on_driver(connection: Connection, sql: str) -> None:
    """Run a statement without parameters, past SQLAlchemy."""
    try:
        connection.connection.cursor().execute(sql)
    except connection.dialect.loaded_dbapi.Error as fault:
        raise_as_sqlalchemys(connection, fault)


def raise_as_sqlalchemys(connection: Connection, fault: Any) -> NoReturn:
    """Raise a fault of the driver as the kind of exception that SQLAlchemy raises for it."""
    dialect, kind = connection.dialect, connection.dialect.loaded_dbapi.Error
    is_lost = dialect.is_disconnect(fault, connection.connection.driver_connection, None)
    if is_lost:
        connection.invalidate(fault)
    raise DBAPIError.instance(None, None, fault, kind, connection_invalidated=is_lost, dialect=dialect) from fault
