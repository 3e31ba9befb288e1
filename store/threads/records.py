"""Loads and saves the records of threads.

A thread has no row until its first command. Until then its state is what its first package says. A command locks the
row, so commands of one thread run one after the other, and `save_thread` replaces the state only if its revision is
still the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from rules.package.takeover_reach import stop_of_thread
from rules.state.model import PackageState
from rules.threads.model import ThreadState, ThreadStatus, thread_key
from store.engine.batch import Batch
from store.engine.statements import fetch_first
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.packages.states import parse_state
from store.packages.threads import THREADS
from store.schema.tables import OPEN
from store.threads.handoffs import write_handoffs

_MAX_HELD = 50  # held threads in a list, the latest
_MAX_SEARCHED = 2_000  # open packages, the latest first, to find those that a reader sees

_THIS = (THREAD_RECORDS.c.tenant_id == bindparam("tenant"), THREAD_RECORDS.c.thread_key == bindparam("key"))
_LOAD = select(THREAD_RECORDS.c.state, THREAD_RECORDS.c.head).where(*_THIS)
_LOAD_AND_LOCK = _LOAD.with_for_update()
_ADD = insert(THREAD_RECORDS)
_CHANGED = ("revision", "head", "status", "owner_agent", "updated_at", "state", "lineage")
_CHANGE = (
    update(THREAD_RECORDS)
    .where(*_THIS, THREAD_RECORDS.c.revision == bindparam("was"))
    .values({name: bindparam(name) for name in _CHANGED})
)
_OF_THREAD = (PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.thread_key == bindparam("key"))
_FIRST = select(PACKAGES.c.state).where(*_OF_THREAD).order_by(PACKAGES.c.created_at, PACKAGES.c.package_id).limit(1)
_HELD = (
    select(THREAD_RECORDS.c.thread_key, THREAD_RECORDS.c.updated_at)
    .where(THREAD_RECORDS.c.tenant_id == bindparam("tenant"), THREAD_RECORDS.c.status == ThreadStatus.HELD.value)
    .order_by(THREAD_RECORDS.c.updated_at.desc())
    .limit(_MAX_HELD)
)
# A `stop_name` after "thread:" is that of a thread, and not of a part of a run (`takeover_reach`).
_OPEN_PACKAGES = (
    select(PACKAGES.c.thread_key, PACKAGES.c.updated_at, PACKAGES.c.state)
    .where(PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.stop_name > "thread:", text(OPEN))
    .order_by(PACKAGES.c.updated_at.desc())
    .limit(_MAX_SEARCHED)
)
_DUE = (
    select(THREAD_RECORDS.c.thread_key)
    .where(
        THREAD_RECORDS.c.tenant_id == bindparam("tenant"),
        THREAD_RECORDS.c.due_at <= bindparam("now", type_=THREAD_RECORDS.c.due_at.type),
    )
    .order_by(THREAD_RECORDS.c.due_at)
    .limit(1)
)
_SET_DUE = update(THREAD_RECORDS).where(*_THIS).values(due_at=bindparam("at"))
# A row of `threads` says that the name `thread_id` (of a thread or a part of a run) is stopped. Its `package_id` is
# then no package, but the stop of this thread (`stop_of_thread`).
_STOP = insert(THREADS)
_FREE = delete(THREADS).where(
    THREADS.c.tenant_id == bindparam("tenant"),
    THREADS.c.thread_id == bindparam("name"),
    THREADS.c.package_id == bindparam("stop"),
)


class LoadedThread(NamedTuple):
    """A thread's state, and the digest of its last event (`head`), if it has any."""

    state: ThreadState
    head: str | None = None


def load_thread(connection: Connection, tenant_id: str, thread_id: str, *, lock: bool = False) -> LoadedThread | None:
    return load_thread_by_key(connection, tenant_id, thread_key(thread_id), lock=lock)


def load_thread_record(connection: Connection, tenant_id: str, key: str) -> ThreadState | None:
    """The state of a thread; None before its first command."""
    row = fetch_first(connection, _LOAD, {"tenant": tenant_id, "key": key})
    return ThreadState.model_validate_json(row.state) if row else None


def load_thread_by_key(connection: Connection, tenant_id: str, key: str, *, lock: bool = False) -> LoadedThread | None:
    """The thread or, before its first command, what its first package says. `lock`: nobody changes it meanwhile."""
    if row := fetch_first(connection, _LOAD_AND_LOCK if lock else _LOAD, {"tenant": tenant_id, "key": key}):
        return LoadedThread(ThreadState.model_validate_json(row.state), row.head)
    if row := fetch_first(connection, _FIRST, {"tenant": tenant_id, "key": key}):
        first = parse_state(row.state)
        return begin_thread(tenant_id, first.thread_id or "", first.agent_id, first.owner)
    return None


def list_threads(connection: Connection, tenant_id: str, sees: Callable[[PackageState], bool], limit: int) -> list[str]:
    """The keys of the latest held threads, and of up to `limit` threads with an open package that the reader sees.

    The latest first. `sees` is not applied to held threads: the caller checks each of them.
    """
    latest: dict[str, datetime] = {}
    for row in connection.execute(_OPEN_PACKAGES, {"tenant": tenant_id}):
        if row.thread_key and len(latest) < limit and sees(parse_state(row.state)):
            latest.setdefault(row.thread_key, row.updated_at)
    latest |= {row.thread_key: row.updated_at for row in connection.execute(_HELD, {"tenant": tenant_id})}
    return sorted(latest, key=latest.__getitem__, reverse=True)


def begin_thread(tenant_id: str, thread_id: str, owner_agent: str, owner: str) -> LoadedThread:
    """A thread before its first command."""
    key = thread_key(thread_id)
    return LoadedThread(
        ThreadState(tenant_id=tenant_id, thread_key=key, thread_id=thread_id, owner_agent=owner_agent, owner=owner)
    )


def next_due_thread(connection: Connection, tenant_id: str, now: datetime) -> str | None:
    """The key of a thread at which the clock looks now. A cheap query, because the idle clock repeats it."""
    row = fetch_first(connection, _DUE, {"tenant": tenant_id, "now": now})
    return row.thread_key if row else None


def set_due(connection: Connection, tenant_id: str, key: str, at: datetime | None) -> None:
    """Set when the clock looks at this thread again; None: never."""
    connection.execute(_SET_DUE, {"tenant": tenant_id, "key": key, "at": at})


def save_thread(batch: Batch, before: ThreadState, after: ThreadState, head: str) -> None:
    """Replace the state if its revision is still that of `before`. If not, the event's place in the chain is taken."""
    key = {"tenant_id": after.tenant_id, "thread_key": after.thread_key}
    row = {
        "revision": after.revision,
        "head": head,
        "status": after.status.value,
        "owner_agent": after.owner_agent,
        "updated_at": after.updated_at,
        "state": after.model_dump_json(),
        "lineage": after.lineage.model_dump_json() if after.lineage else None,
    }
    if before.revision == 0:
        batch.execute(_ADD, key | row | {"thread_id": after.thread_id})
    else:
        batch.execute(_CHANGE, row | {"tenant": after.tenant_id, "key": after.thread_key, "was": before.revision})
    _write_stops(batch, before, after)
    write_handoffs(batch, before, after)


def _write_stops(batch: Batch, before: ThreadState, after: ThreadState) -> None:
    """Write the stopped names, which submissions, claims and consents look up. A cancellation replaces a hold."""
    old, new = _stops(before), _stops(after)
    if gone := old - new:
        batch.execute(_FREE, [{"tenant": after.tenant_id, "name": name, "stop": stop} for name, stop in sorted(gone)])
    if added := new - old:
        batch.execute(
            _STOP,
            [
                {"tenant_id": after.tenant_id, "thread_id": name, "package_id": stop, "taken_at": after.since}
                for name, stop in sorted(added)
            ],
        )


def _stops(state: ThreadState) -> set[tuple[str, str]]:
    stop = stop_of_thread(state.thread_key, cancelled=state.status is ThreadStatus.CANCELLED)
    return {(name, stop) for name in state.stopped_names}
