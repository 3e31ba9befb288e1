"""Compares the rows of outcomes with the record: the measures of human control count only these rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text

from rules.oversight.outcomes import Step, outcome_of
from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.state.model import PackageState
from rules.threads.model import is_thread
from store.audit.tolerant_rows import select_all, stream_rows
from store.oversight.outcomes import OUTCOMES, outcome_row
from store.packages.packages import PACKAGES
from store.schema.tables import UNCOUNTED

_OF_PACKAGE = (PACKAGES.c.tenant_id == OUTCOMES.c.tenant_id) & (PACKAGES.c.package_id == OUTCOMES.c.package_id)


class OutcomeRows:
    """Reads the rows beside the trails, which come in the same order, so that few are in memory."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection, self._own = connection, OUTCOMES.c.tenant_id == tenant_id
        of_packages = select_all(OUTCOMES).join(PACKAGES, _OF_PACKAGE).where(self._own).order_by(PACKAGES.c.package_id)
        self._rows = stream_rows(connection, of_packages)
        self._next = next(self._rows, None)
        marked = select(PACKAGES.c.package_id).where(PACKAGES.c.tenant_id == tenant_id, text(UNCOUNTED))
        self._uncounted = set(connection.execute(marked).scalars())

    def check(self, trail: Trail) -> Iterator[Fault]:
        """Compare the row of a package's outcome with what its events say."""
        if is_thread(trail.package_id) or trail.claim is None:
            return
        stored = self._take(trail.package_id)
        if trail.package_id in self._uncounted:
            return  # the clock replaces its row
        try:
            expected = _expected_row(trail.claim.state, trail.events)
        except (AttributeError, KeyError, TypeError, ValueError):
            return  # another check says that the state or an event is unreadable
        if wrong := _wrong_columns(expected, stored):
            yield Fault(trail.package_id, trail.claim.length, None, f"the row of its outcome is wrong: {wrong}")

    def check_rest(self) -> Iterator[Fault]:
        without = select(OUTCOMES.c.package_id).join(PACKAGES, _OF_PACKAGE, isouter=True)
        for row in stream_rows(self._connection, without.where(self._own, PACKAGES.c.package_id.is_(None))):
            yield Fault(str(row.package_id), None, None, "the row of an outcome belongs to no package")

    def _take(self, package_id: str) -> Row[Any] | None:
        row = self._next
        if row is None or row.package_id != package_id:
            return None
        self._next = next(self._rows, None)
        return row


def _expected_row(state: Any, events: list[Any]) -> dict[str, Any] | None:
    parsed = PackageState.model_validate(state)
    outcome = outcome_of(parsed, [_step(event) for event in events])
    return outcome_row(parsed, outcome) if outcome else None


def _step(event: Event) -> Step:
    at = datetime.fromisoformat(event["occurred_at"])
    facts = (event[name] for name in ("decision", "package_version", "latency_ms"))
    return Step(event["event_type"], event["actor"], at, *facts)


def _wrong_columns(expected: dict[str, Any] | None, stored: Row[Any] | None) -> str:
    if expected is None:
        return "" if stored is None else "its review has not ended"
    if stored is None:
        return "it is missing"
    columns = stored._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row
    return ", ".join(name for name, value in expected.items() if columns[name] != value)
