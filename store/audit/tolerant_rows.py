"""Reads rows that someone may have corrupted: an unreadable value does not stop the audit.

Values are read without the checks of the normal types: what cannot be parsed becomes a value that matches nothing, and
the auditor names it. Rows are streamed, because a record can be larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Dialect, Row, Select, Table, select, type_coerce
from sqlmodel import UTCDateTime

from rules.record.evidence import parse_strict_json

BATCH = 200
UNREADABLE = datetime.min.replace(tzinfo=UTC)


class _Moment(UTCDateTime):
    """SQLite accepts any value in a column. A value that is not a time is read as None, which matches no event."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        reads = super().result_processor(dialect, coltype)

        def read_or_nothing(value: Any) -> Any:
            try:
                return reads(value) if reads else value
            except (AttributeError, TypeError, ValueError):
                return None

        return read_or_nothing


def select_all(table: Table) -> Select[Any]:
    columns = [
        type_coerce(column, _Moment()).label(column.name) if isinstance(column.type, UTCDateTime) else column
        for column in table.c
    ]
    return select(*columns)


def chain_length(number: Any) -> int:
    """A length that is not a number becomes -1, which matches no chain."""
    return number if isinstance(number, int) else -1


def parse_or_text(text: str) -> Any:
    """The parsed JSON, or the text itself if it is invalid; the auditor then reports that it is not an event."""
    try:
        return parse_strict_json(text)
    except ValueError:
        return text


def stream_rows(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    for rows in stream_batches(connection, query):
        yield from rows


def stream_batches(connection: Connection, query: Select[Any]) -> Iterator[list[Row[Any]]]:
    with connection.execute(query.execution_options(yield_per=BATCH)) as result:
        for rows in result.partitions():
            yield list(rows)
