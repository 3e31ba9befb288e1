"""What the audit checks in the events of a thread: each change must be in the table of threads."""

from __future__ import annotations

from typing import Any

from rules.record.fold import Folding
from rules.threads.commands import AcceptHandoff, EndHandoff, ReportCheckpoint, ReturnHandoff
from rules.threads.model import ThreadState, ThreadStatus
from rules.threads.table import THREAD_VERBS, ThreadVerbSpec

# A tuple and no set, because a forged status may be unhashable.
_STEPS = tuple(
    (row.event_type.value, was.value, (row.leads_to or was).value)
    for row in THREAD_VERBS.values()
    for was in row.taken_in
)


_HANDED_OVER = ("owner_agent", "owner", "lineage")


def _moved_by(row: ThreadVerbSpec) -> frozenset[str]:
    """What an event may change. Only the end of a handoff changes the owner.

    All but a checkpoint may change `handoffs`: they are offered and declined, and a hold stops their time.
    """
    if row.command in (AcceptHandoff, ReturnHandoff, EndHandoff):
        return frozenset([*_HANDED_OVER, "handoffs"])
    return frozenset([] if row.command is ReportCheckpoint else ["handoffs"])


def _status_fault(event_type: str, was: Any, now: Any) -> str | None:
    """Before its first event a thread is running."""
    before = ThreadStatus.RUNNING.value if was is None else was
    if (event_type, before, now) in _STEPS:
        return None
    return f"no command records {event_type} and changes the thread from {before} to {now}"


THREADS = Folding(
    subject="thread",
    model=ThreadState,
    mirrored={
        "thread_id": "thread_id",
        "tenant_id": "tenant_id",
        "revision": "revision",
        "decision_package_id": "thread_key",
        "occurred_at": "updated_at",
    },
    # What no event changes, but those that `moves` lets change it.
    fixed=("tenant_id", "thread_key", "thread_id", *_HANDED_OVER, "handoffs"),
    moves={row.event_type.value: _moved_by(row) for row in THREAD_VERBS.values()},
    status_fault=_status_fault,
)
