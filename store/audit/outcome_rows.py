"""Compares the rows of outcomes and judgments with the record: the measures of human control count only these rows.

The rows are computed again from the events. A row that the clock has yet to count again is left out, and rows of no
package are faults of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select, text

from rules.oversight.judgments import Step
from rules.oversight.outcomes import outcome_of
from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.state.model import PackageState
from rules.threads.model import is_thread
from store.audit.tolerant_rows import select_all, stream_rows
from store.oversight.outcomes import JUDGMENTS, OUTCOMES, judgment_rows, outcome_row
from store.packages.packages import PACKAGES
from store.schema.tables import UNCOUNTED


class _OrderedRows:
    """The rows of one table in the order of the trails, so that few are in memory at a time."""

    def __init__(self, connection: Connection, tenant_id: str, table: Table) -> None:
        self._connection, self._table, self._own = connection, table, table.c.tenant_id == tenant_id
        self._of_package = (PACKAGES.c.tenant_id == table.c.tenant_id) & (PACKAGES.c.package_id == table.c.package_id)
        of_packages = select_all(table).join(PACKAGES, self._of_package).where(self._own)
        self._rows = stream_rows(connection, of_packages.order_by(PACKAGES.c.package_id))
        self._next = next(self._rows, None)

    def take(self, package_id: str) -> list[Row[Any]]:
        rows = []
        while self._next is not None and self._next.package_id == package_id:
            rows.append(self._next)
            self._next = next(self._rows, None)
        return rows

    def of_no_package(self) -> Iterator[str]:
        without = select(self._table.c.package_id).join(PACKAGES, self._of_package, isouter=True).distinct()
        rows = stream_rows(self._connection, without.where(self._own, PACKAGES.c.package_id.is_(None)))
        return (str(row.package_id) for row in rows)


class OutcomeRows:
    """One outcome for each package, and one judgment for each person who judged it."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._outcomes = _OrderedRows(connection, tenant_id, OUTCOMES)
        self._judgments = _OrderedRows(connection, tenant_id, JUDGMENTS)
        marked = select(PACKAGES.c.package_id).where(PACKAGES.c.tenant_id == tenant_id, text(UNCOUNTED))
        self._uncounted = set(connection.execute(marked).scalars())

    def check(self, trail: Trail) -> Iterator[Fault]:
        """Compare the row of a package's outcome with what its events say."""
        if is_thread(trail.package_id) or trail.claim is None:
            return
        stored, judged = self._outcomes.take(trail.package_id), self._judgments.take(trail.package_id)
        if trail.package_id in self._uncounted:
            return  # the clock replaces its row
        try:
            expected, judgments = _expected_rows(trail.claim.state, trail.events)
        except (AttributeError, KeyError, TypeError, ValueError):
            return  # another check says that the state or an event is unreadable
        if wrong := _wrong_columns(expected, stored[0] if stored else None):
            yield Fault(trail.package_id, trail.claim.length, None, f"the row of its outcome is wrong: {wrong}")
        if not _same_rows(judgments, judged):
            yield Fault(trail.package_id, trail.claim.length, None, "the rows of its judgments are wrong")

    def check_rest(self) -> Iterator[Fault]:
        for package_id in self._outcomes.of_no_package():
            yield Fault(package_id, None, None, "the row of an outcome belongs to no package")
        for package_id in self._judgments.of_no_package():
            yield Fault(package_id, None, None, "the row of a judgment belongs to no package")


_Columns = dict[str, Any]


def _expected_rows(state: Any, events: list[Any]) -> tuple[_Columns | None, list[_Columns]]:
    parsed = PackageState.model_validate(state)
    outcome = outcome_of(parsed, [_step(event) for event in events])
    return (outcome_row(parsed, outcome), judgment_rows(parsed, outcome)) if outcome else (None, [])


def _step(event: Event) -> Step:
    at = datetime.fromisoformat(event["occurred_at"])
    facts = (event[name] for name in ("decision", "package_version", "latency_ms"))
    return Step(event["event_type"], event["actor"], at, *facts)


def _wrong_columns(expected: _Columns | None, stored: Row[Any] | None) -> str:
    if expected is None:
        return "" if stored is None else "its review has not ended"
    if stored is None:
        return "it is missing"
    columns = stored._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row
    return ", ".join(name for name, value in expected.items() if columns[name] != value)


def _same_rows(expected: list[_Columns], stored: list[Row[Any]]) -> bool:
    if len(expected) != len(stored):
        return False
    ordered = sorted(stored, key=lambda row: str(row.reviewer_id))
    return not any(_wrong_columns(row, columns) for row, columns in zip(expected, ordered, strict=True))
