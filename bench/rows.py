"""What one submission and one decision write, taken from a real run: so the baseline writes the very same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Delete, Engine, Executable, Insert, TextClause, Update, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import Dialect

from store.engine.batch import Batch
from store.engine.statements import Values


class Write(NamedTuple):
    """A statement of the driver's own, and its parameters in order."""

    sql: str
    parameters: tuple[Any, ...]

    def anew(self, old: str, new: str) -> Write:
        """The same write for another package."""
        return Write(self.sql, tuple(_anew(value, old, new) for value in self.parameters))


def _anew(value: Any, old: str, new: str) -> Any:
    return value.replace(old, new) if isinstance(value, str) else value


def dialect_of(kind: str) -> Dialect:
    return sqlite.dialect() if kind == "sqlite" else postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


@contextmanager
def watched(engine: Engine, dialect: Dialect) -> Iterator[list[Write]]:
    """The writes that pass through this engine, as the raw driver would send them."""
    seen: list[Write] = []

    def see(clause: Any, rows: Sequence[Values]) -> None:
        seen.extend(_compiled(clause, row, dialect) for row in rows)

    def watch(_: Any, clause: Any, many: Any, one: Any, __: Any) -> None:
        if _writes(clause):
            see(clause, many or [one])

    def gather(batch: Batch, clause: Executable, rows: Values | Sequence[Values]) -> None:
        see(clause, [rows] if isinstance(rows, Mapping) else rows)
        gathered(batch, clause, rows)

    gathered = Batch.execute
    event.listen(engine, "before_execute", watch)
    Batch.execute = gather  # type: ignore[assignment, method-assign]  # what goes in a batch passes SQLAlchemy by
    try:
        yield seen
    finally:
        Batch.execute = gathered  # type: ignore[method-assign]
        event.remove(engine, "before_execute", watch)


def _writes(clause: Any) -> bool:
    return isinstance(clause, Insert | Update | Delete) or (
        isinstance(clause, TextClause) and clause.text.lstrip().upper().startswith("INSERT")
    )


def _compiled(clause: Any, row: Values, dialect: Dialect) -> Write:
    compiled = clause.compile(dialect=dialect, column_keys=list(row))
    values = compiled.construct_params(dict(row))
    return Write(str(compiled), tuple(_plain(values[name], dialect) for name in compiled.positiontup))


def _plain(value: Any, dialect: Dialect) -> Any:
    if isinstance(value, datetime) and dialect.name == "sqlite":
        return value.replace(tzinfo=None).isoformat(" ")
    return value
