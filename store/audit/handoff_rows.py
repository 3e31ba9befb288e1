"""Compares the rows of handoffs with the records of their threads.

Agents find their offers by these rows, and the clock finds what has timed out. A row too few hides an offer, and a
changed one shows another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row

from rules.record.evidence import Fault, Trail
from rules.threads.handoff import HandoffStatus
from rules.threads.model import ThreadState, is_thread
from store.audit.tolerant_rows import parse_or_text, select_all, stream_rows
from store.threads.handoffs import HANDOFFS, handoff_row

_OPEN = (HandoffStatus.OFFERED, HandoffStatus.ACCEPTED)


class HandoffRows:
    """All rows of the table. `check` removes those of a thread, so that `check_rest` finds rows without a thread."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._rows: dict[Any, dict[Any, Row[Any]]] = defaultdict(dict)
        for row in stream_rows(connection, select_all(HANDOFFS).where(HANDOFFS.c.tenant_id == tenant_id)):
            self._rows[row.thread_key][row.handoff_id] = row

    def check(self, trail: Trail) -> Iterator[Fault]:
        """Compare the rows of a thread's handoffs with its state."""
        if not is_thread(trail.package_id) or trail.claim is None:
            return
        stored, length = self._rows.pop(trail.package_id, {}), trail.claim.length
        try:
            state = ThreadState.model_validate(trail.claim.state)
        except ValidationError:
            return  # another check says so
        for handoff in state.handoffs:
            wrong = _wrong_columns(handoff_row(state, handoff), stored.pop(handoff.handoff_id, None))
            if wrong:
                sentence = f"the row of the handoff {handoff.handoff_id} and the thread's state disagree: {wrong}"
                yield Fault(trail.package_id, length, None, sentence)
        # The state forgets handoffs that ended long ago. Their rows stay.
        for handoff_id in sorted(name for name, row in stored.items() if row.status in _OPEN):
            sentence = f"the row of the handoff {handoff_id} is open, and the thread's state does not know it"
            yield Fault(trail.package_id, length, None, sentence)

    def check_rest(self) -> Iterator[Fault]:
        for thread_key, rows in self._rows.items():
            for handoff_id in rows:
                yield Fault(str(thread_key), None, None, f"the handoff {handoff_id} belongs to no thread")


def _wrong_columns(expected: dict[str, Any], row: Row[Any] | None) -> str:
    if row is None:
        return "it is missing"
    columns = {**row._mapping, "body": parse_or_text(row.body)}  # noqa: SLF001 - SQLAlchemy's public way to read a row
    expected = {**expected, "body": parse_or_text(expected["body"])}
    return ", ".join(name for name, value in expected.items() if columns[name] != value)
