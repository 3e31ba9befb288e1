"""Compares the names that are stopped with the record: those of takeovers, and of held or cancelled threads.

Submissions, claims and consents look only at these rows. A row too few lets a stopped agent act, and a row too many
stops one that nobody has stopped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rules.package.takeover_reach import names_held, stop_of_thread
from rules.record.evidence import Fault, Trail
from rules.threads.model import ThreadStatus, is_thread
from store.audit.tolerant_rows import select_all, stream_rows
from store.packages.threads import THREADS


class _ThreadAndRun(NamedTuple):
    """The thread and the run that a state names. The state may be damaged."""

    thread_id: Any
    run_id: Any


class StopRows:
    """All rows of the table. `check` removes those of a record, so that `check_rest` finds rows without a record."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._rows: dict[str, set[str]] = defaultdict(set)
        for row in stream_rows(connection, select_all(THREADS).where(THREADS.c.tenant_id == tenant_id)):
            self._rows[row.package_id].add(row.thread_id)

    def check(self, trail: Trail) -> Iterator[Fault]:
        """Compare the names that this package or thread stops with its rows."""
        state = trail.claim.state if trail.claim else None
        stop, names = _stop_of(trail.package_id, state or {})
        stored = self._rows.pop(stop, set())
        length = trail.claim.length if trail.claim else None
        for name in sorted(names - stored):
            yield Fault(trail.package_id, length, None, f"it stops {name}, and the table of stopped threads lacks this")
        for name in sorted(stored - names):
            yield Fault(trail.package_id, length, None, f"the table of stopped threads says that it stops {name}")

    def check_rest(self) -> Iterator[Fault]:
        for stop, names in sorted(self._rows.items()):
            for name in sorted(names):
                yield Fault(
                    stop, None, None, f"it stands in the table of stopped threads for {name}, and has no record"
                )


def _stop_of(chain_id: str, state: dict[str, Any]) -> tuple[str, set[str]]:
    """What this package or thread writes into the table."""
    if is_thread(chain_id):
        is_cancelled, names = state.get("status") == ThreadStatus.CANCELLED, state.get("stopped_names")
        return stop_of_thread(chain_id, cancelled=is_cancelled), {str(name) for name in names or ()}
    held = names_held(_ThreadAndRun(state.get("thread_id"), state.get("run_id"))) if state.get("holds_thread") else ()
    return chain_id, set(held)
