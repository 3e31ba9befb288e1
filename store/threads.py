"""Threads that a person holds: while they do, no package of such a thread comes in and none is claimed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from rules.state import PackageState
from store.batch import Batch
from store.spelled import first
from store.tables import ThreadRow, core

THREADS = core(ThreadRow)

_TAKEN = (
    select(THREADS.c.package_id)
    .where(
        THREADS.c.tenant_id == bindparam("tenant"),
        THREADS.c.thread_id == bindparam("thread"),
        THREADS.c.package_id != bindparam("own"),
    )
    .order_by(THREADS.c.taken_at)
    .limit(1)
)
_TAKE = insert(THREADS)
_FREE = delete(THREADS).where(
    THREADS.c.tenant_id == bindparam("tenant"),
    THREADS.c.thread_id == bindparam("thread"),
    THREADS.c.package_id == bindparam("package"),
)


def taken_in(connection: Connection, tenant_id: str, thread_id: str | None, own: str) -> str | None:
    """The package, other than one's own, through which a person holds this thread: the first if there are several."""
    if thread_id is None:
        return None
    row = first(connection, _TAKEN, {"tenant": tenant_id, "thread": thread_id, "own": own})
    return row.package_id if row else None


def follow(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Makes the table agree with whether this package holds its thread."""
    held = before is not None and before.holds_thread
    if after.holds_thread and not held:
        batch.execute(_TAKE, _row(after))
    if held and not after.holds_thread:
        key = {"tenant": after.tenant_id, "thread": after.thread_id, "package": after.decision_package_id}
        batch.execute(_FREE, key)


def _row(state: PackageState) -> dict[str, Any]:
    return {
        "tenant_id": state.tenant_id,
        "thread_id": state.thread_id,
        "package_id": state.decision_package_id,
        "taken_at": state.updated_at,
    }
