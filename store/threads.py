"""Threads that a person holds: while they do, no package of such a thread comes in and none is claimed."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select, text

from rules.state import PackageState
from store.tables import ThreadRow, core

THREADS = core(ThreadRow)

_TAKEN = select(THREADS.c.package_id).where(
    THREADS.c.tenant_id == bindparam("tenant"), THREADS.c.thread_id == bindparam("thread")
)
_TAKE = text(
    "INSERT INTO threads (tenant_id, thread_id, package_id, taken_at) VALUES (:tenant, :thread, :package, :at)"
    " ON CONFLICT (tenant_id, thread_id) DO UPDATE SET package_id = excluded.package_id, taken_at = excluded.taken_at"
).bindparams(bindparam("at", type_=THREADS.c.taken_at.type))
_FREE = delete(THREADS).where(
    THREADS.c.tenant_id == bindparam("tenant"),
    THREADS.c.thread_id == bindparam("thread"),
    THREADS.c.package_id == bindparam("package"),
)


def taken_in(connection: Connection, tenant_id: str, thread_id: str | None) -> str | None:
    """The package through which a person holds this thread."""
    if thread_id is None:
        return None
    return connection.execute(_TAKEN, {"tenant": tenant_id, "thread": thread_id}).scalar()


def follow(connection: Connection, before: PackageState | None, after: PackageState) -> None:
    """Makes the table agree with whether this package holds its thread."""
    held = before is not None and before.holds_thread
    key = {"tenant": after.tenant_id, "thread": after.thread_id, "package": after.decision_package_id}
    if after.holds_thread and not held:
        connection.execute(_TAKE, key | {"at": after.updated_at})
    if held and not after.holds_thread:
        connection.execute(_FREE, key)
