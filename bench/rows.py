"""Record what one real submission and decision write, so that the baseline writes exactly the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Delete, Engine, Executable, Insert, TextClause, Update, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect

from store.engine.batch import Batch
from store.engine.statements import Values


class Write(NamedTuple):
    """A statement as the driver takes it, and its parameters in order."""

    sql: str
    parameters: tuple[Any, ...]

    def replace(self, old: str, new: str) -> Write:
        """The same write for another package."""
        return Write(self.sql, tuple(_replace(value, old, new) for value in self.parameters))


def _replace(value: Any, old: str, new: str) -> Any:
    return value.replace(old, new) if isinstance(value, str) else value


def dialect_of(kind: str) -> Dialect:
    return sqlite.dialect() if kind == "sqlite" else postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


@contextmanager
def record_writes(engine: Engine, dialect: Dialect) -> Iterator[list[Write]]:
    """Collects the writes of this engine as the raw driver would send them."""
    writes: list[Write] = []

    def record(clause: Any, rows: Sequence[Values]) -> None:
        writes.extend(_compile(clause, row, dialect) for row in rows)

    def on_execute(_: Any, clause: Any, many: Any, one: Any, __: Any) -> None:
        if _writes(clause):
            record(clause, many or [one])

    def execute(batch: Batch, clause: Executable, rows: dict[str, Any] | Sequence[Values]) -> None:
        record(clause, [rows] if isinstance(rows, dict) else rows)
        original(batch, clause, rows)

    original = Batch.execute
    event.listen(engine, "before_execute", on_execute)
    Batch.execute = execute  # type: ignore[assignment, method-assign]  # a batch bypasses SQLAlchemy's events
    try:
        yield writes
    finally:
        Batch.execute = original  # type: ignore[method-assign]
        event.remove(engine, "before_execute", on_execute)


def _writes(clause: Any) -> bool:
    return isinstance(clause, Insert | Update | Delete) or (
        isinstance(clause, TextClause) and clause.text.lstrip().upper().startswith("INSERT")
    )


def _compile(clause: Any, row: Values, dialect: Dialect) -> Write:
    compiled = clause.compile(dialect=dialect, column_keys=list(row))
    values = compiled.construct_params(dict(row))
    return Write(str(compiled), tuple(_driver_value(values[name], dialect) for name in compiled.positiontup))


def _driver_value(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, datetime) and dialect.name == "sqlite":
        return value.replace(tzinfo=None).isoformat(" ")
    return value
