"""Threads that a person has taken over: meanwhile no package of such a thread is accepted or claimed.

A row is a thread name that a package holds. `rules.package.takeover_reach` says which names a package holds and checks.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from rules.package.takeover_reach import HasThread, names_held, names_required
from rules.state.model import PackageState
from rules.threads.model import thread_key
from store.engine.batch import Batch
from store.schema.tables import ThreadRecordRow, ThreadRow, core

THREADS, THREAD_RECORDS = core(ThreadRow), core(ThreadRecordRow)

# The other package through which a person holds this thread. Ids start with the creation time, so the smallest is the
# oldest.
HOLDER = (
    select(func.min(THREADS.c.package_id))
    .where(
        THREADS.c.tenant_id == bindparam("tenant"),
        THREADS.c.thread_id.in_([bindparam("first"), bindparam("last")]),
        THREADS.c.package_id != bindparam("own"),
    )
    .scalar_subquery()
    .label("holder")
)
# What packages of a thread inherit once it was handed over.
LINEAGE = (
    select(THREAD_RECORDS.c.lineage)
    .where(
        THREAD_RECORDS.c.tenant_id == bindparam("tenant"),
        THREAD_RECORDS.c.thread_key == bindparam("thread_key"),
    )
    .scalar_subquery()
    .label("lineage")
)
_TAKE = insert(THREADS)
_FREE = delete(THREADS).where(
    THREADS.c.tenant_id == bindparam("tenant"),
    THREADS.c.thread_id == bindparam("thread"),
    THREADS.c.package_id == bindparam("package"),
)


def holder_values(asking: HasThread, own: str) -> dict[str, str] | None:
    """The parameters of `HOLDER` and `LINEAGE`; None if the package names neither a thread nor a run."""
    names = names_required(asking)
    key = thread_key(asking.thread_id) if asking.thread_id else ""
    return {"first": names[0], "last": names[-1], "own": own, "thread_key": key} if names else None


def write_thread_holds(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Insert or delete the rows when this package takes or releases its thread."""
    held_before = before is not None and before.holds_thread
    if after.holds_thread and not held_before:
        batch.execute(_TAKE, [_row(after, name) for name in names_held(after)])
    if held_before and not after.holds_thread:
        key = {"tenant": after.tenant_id, "package": after.decision_package_id}
        batch.execute(_FREE, [key | {"thread": name} for name in names_held(after)])


def _row(state: PackageState, name: str) -> dict[str, Any]:
    return {
        "tenant_id": state.tenant_id,
        "thread_id": name,
        "package_id": state.decision_package_id,
        "taken_at": state.updated_at,
    }
