"""Loads, lists and saves packages. A package is changed only by compare-and-set on its revision.

`state` holds the whole state as JSON. The other columns repeat what queries filter and sort by; `_row` derives them at
each save. A save that comes too late changes no row, and the insert of its event then fails, so the two must be in one
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, bindparam, insert, or_, select, tuple_, union_all, update

from rules.oversight.outcomes import standing_of
from rules.package.takeover_reach import followed_name
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from rules.threads.model import thread_key
from rules.trace_context import TraceContext
from rules.verbs.timers import next_due
from store.engine.batch import Batch
from store.engine.statements import fetch_first
from store.packages.states import parse_or_log, parse_state, serialize_state
from store.schema.tables import PackageRow, ThreadRecordRow, core

log = structlog.get_logger()

PACKAGES, THREAD_RECORDS = core(PackageRow), core(ThreadRecordRow)

_THIS = (PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.package_id == bindparam("package"))
_LOADED = tuple(PACKAGES.c[name] for name in ("state", "head", "callback_url", "traceparent", "tracestate"))
LOAD_PACKAGE = select(*_LOADED).where(*_THIS)
_THESE = (
    PACKAGES.c.tenant_id == bindparam("tenant"),
    PACKAGES.c.package_id.in_(bindparam("packages", expanding=True)),
)
_LOAD_EACH = select(PACKAGES.c.package_id, *_LOADED).where(*_THESE)
_ADD = insert(PACKAGES)
_CHANGED = (
    "revision",
    "head",
    "version",
    "status",
    "level",
    "risk",
    "due_at",
    "decided_at",
    "updated_at",
    "callback_url",
    "sampled",
    "verdict",
    "judge",
    "thread_key",
    "stop_name",
    "held_by",
    "followed",
    "state",
)
_CHANGE = (
    update(PACKAGES)
    .where(*_THIS, PACKAGES.c.revision == bindparam("was"))
    .values({name: bindparam(name) for name in _CHANGED})
    .values(uncounted=or_(PACKAGES.c.uncounted, bindparam("counts_anew")))
)
_HAND_OVER = update(PACKAGES).where(*_THIS).values(agent_id=bindparam("to_agent"))


class Loaded(NamedTuple):
    """A package's state, the digest of its last event (`head`), its callback address, and its trace."""

    state: PackageState
    head: str
    callback_url: str | None
    trace: TraceContext | None = None


class PackageSummary(NamedTuple):
    """Enough to tell whether a package has changed, and which agent owns it."""

    agent_id: str
    revision: int
    status: Status


def load_package(connection: Connection, tenant_id: str, package_id: str) -> Loaded | None:
    row = fetch_first(connection, LOAD_PACKAGE, {"tenant": tenant_id, "package": package_id})
    return parse_loaded(row) if row else None


def load_own_package(connection: Connection, tenant_id: str, package_id: str, agent_id: str) -> PackageState | None:
    """An agent's own package. An agent must not learn whether a package of another agent exists."""
    loaded = load_package(connection, tenant_id, package_id)
    return loaded.state if loaded and loaded.state.agent_id == agent_id else None


def load_packages(connection: Connection, tenant_id: str, package_ids: Sequence[str]) -> dict[str, Loaded]:
    rows = connection.execute(_LOAD_EACH, {"tenant": tenant_id, "packages": list(package_ids)})
    return {row.package_id: parse_loaded(row) for row in rows}


def parse_loaded(row) -> Loaded:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a row has its columns' names
    trace = TraceContext(row.traceparent, row.tracestate) if row.traceparent else None
    return Loaded(parse_state(row.state), row.head, row.callback_url, trace)


def save_package(batch: Batch, before: PackageState | None, saved: Loaded) -> None:
    """Replace the state if its revision is still that of `before`.

    If it is not, this changes no row. The conflict is noticed when the event is inserted, because its position in the
    chain is taken.
    """
    after = saved.state
    row = _row(after) | {"head": saved.head, "callback_url": saved.callback_url}
    counts_anew = standing_of(after) != (standing_of(before) if before else None)
    if before is None:
        parent, state = saved.trace or (None, None)
        traced = {"traceparent": parent, "tracestate": state}
        batch.execute(_ADD, row | _identity(after) | traced | {"uncounted": counts_anew})
        return
    changed = {name: row[name] for name in _CHANGED} | {"counts_anew": counts_anew}
    key = {"tenant": after.tenant_id, "package": after.decision_package_id, "was": before.revision}
    batch.execute(_CHANGE, changed | key)
    if after.agent_id != before.agent_id:
        batch.execute(_HAND_OVER, key | {"to_agent": after.agent_id})


def _row(state: PackageState) -> dict[str, Any]:
    due = next_due(state)
    return {
        "revision": state.revision,
        "version": state.version,
        "status": state.status.value,
        "level": state.level.value,
        "risk": state.risk.value,
        "due_at": due[0] if due else None,
        "decided_at": state.decision.decided_at if state.decision else None,
        "updated_at": state.updated_at,
        "sampled": state.sampled,
        "verdict": state.verdict.value if state.verdict else None,
        "judge": state.open_look.judge if state.open_look else None,
        **stop_columns(state),
        "state": serialize_state(state),
    }


def stop_columns(state: PackageState) -> dict[str, str | None]:
    """The columns by which a stopped thread finds its packages."""
    return {
        "thread_key": thread_key(state.thread_id) if state.thread_id else None,
        "stop_name": followed_name(state) if _can_follow(state) else None,
        "held_by": _held_by(state),
        "followed": state.followed if state.hold or state.is_running else None,
    }


def _can_follow(state: PackageState) -> bool:
    """If an action without a thread is already running, nothing shows what happens to its run."""
    return state.is_stoppable or (state.is_running and state.thread_id is not None)


def _held_by(state: PackageState) -> str | None:
    if state.hold is None:
        return None
    return state.hold.thread_key or (thread_key(state.thread_id) if state.thread_id else None)


def _identity(state: PackageState) -> dict[str, Any]:
    return {
        "tenant_id": state.tenant_id,
        "package_id": state.decision_package_id,
        "agent_id": state.agent_id,
        "action_type": state.action_type,
        "subject_digest": state.subject_digest,
        "thread_id": state.thread_id,
        "created_at": state.created_at,
    }


class Cursor(NamedTuple):
    created_at: datetime
    package_id: str


def list_own(
    connection: Connection,
    tenant_id: str,
    agent_id: str,
    *,
    limit: int,
    after: Cursor | None = None,
    **wanted: str | None,
) -> tuple[list[PackageState], Cursor | None]:
    """A page of an agent's own packages, newest first, and the cursor of the next page, if there is one.

    `wanted`: status, thread_id, action_type.
    """
    query = select(PACKAGES.c.state).where(PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.agent_id == agent_id)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(PACKAGES.c[name] == value)
    place = tuple_(PACKAGES.c.created_at, PACKAGES.c.package_id)
    if after is not None:
        query = query.where(place < tuple_(after.created_at, after.package_id))
    newest = (PACKAGES.c.created_at.desc(), PACKAGES.c.package_id.desc())
    states = connection.execute(query.order_by(*newest).limit(limit + 1)).scalars().all()
    page = [PackageState.model_validate_json(state) for state in states[:limit]]
    return page, Cursor(page[-1].created_at, page[-1].decision_package_id) if len(states) > limit else None


_GLANCE = select(PACKAGES.c.agent_id, PACKAGES.c.revision, PACKAGES.c.status).where(*_THIS)


def load_summary(connection: Connection, tenant_id: str, package_id: str) -> PackageSummary | None:
    row = fetch_first(connection, _GLANCE, {"tenant": tenant_id, "package": package_id})
    return PackageSummary(row.agent_id, row.revision, Status(row.status)) if row else None


# The index on decided_at, status and level finds these packages without reading others.
_SOFT_WAITING = select(PACKAGES.c.package_id).where(
    PACKAGES.c.tenant_id == bindparam("tenant"),
    PACKAGES.c.decided_at.is_(None),
    PACKAGES.c.status == Status.PENDING.value,
    PACKAGES.c.level == HITLLevel.SOFT_APPROVAL.value,
    PACKAGES.c.held_by.is_(None),
)
_ANY_SOFT_WAITING = _SOFT_WAITING.limit(1)


def list_soft_waiting(connection: Connection, tenant_id: str) -> list[str]:
    """Pending packages to which silence would be consent. While a thread is held, it is not."""
    return list(connection.execute(_SOFT_WAITING, {"tenant": tenant_id}).scalars())


def is_any_soft_waiting(connection: Connection, tenant_id: str) -> bool:
    return connection.execute(_ANY_SOFT_WAITING, {"tenant": tenant_id}).first() is not None


_REVISIONS = union_all(
    select(PACKAGES.c.package_id, PACKAGES.c.revision).where(*_THESE),
    select(THREAD_RECORDS.c.thread_key, THREAD_RECORDS.c.revision).where(
        THREAD_RECORDS.c.tenant_id == bindparam("tenant"),
        THREAD_RECORDS.c.thread_key.in_(bindparam("packages", expanding=True)),
    ),
)


def load_revisions(connection: Connection, tenant_id: str, package_ids: list[str]) -> dict[str, int]:
    """The revision of each package or thread, for the slow poll of the waiters."""
    rows = connection.execute(_REVISIONS, {"tenant": tenant_id, "packages": package_ids})
    return {row.package_id: row.revision for row in rows}


_LATER = update(PACKAGES).where(*_THIS, PACKAGES.c.revision == bindparam("was")).values(due_at=bindparam("later"))


def postpone_due(connection: Connection, postponed: Sequence[tuple[PackageState, datetime]]) -> None:
    """Look at these packages again later, so that they do not delay others. Their next change sets a new time."""
    keys = [
        {"tenant": state.tenant_id, "package": state.decision_package_id, "was": state.revision, "later": at}
        for state, at in postponed
    ]
    connection.execute(_LATER, keys)


_DUE = (
    select(PACKAGES.c.package_id)
    .where(PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.due_at <= bindparam("now"))
    .order_by(PACKAGES.c.due_at)
    .limit(bindparam("limit"))
)
_CLAIM = (
    update(PACKAGES)
    .where(
        PACKAGES.c.tenant_id == bindparam("tenant"),
        PACKAGES.c.package_id.in_(_DUE.with_for_update(skip_locked=True).scalar_subquery()),
    )
    .values(due_at=bindparam("until"))
    .returning(PACKAGES.c.package_id, PACKAGES.c.state)
)


def is_any_due(connection: Connection, tenant_id: str, now: datetime) -> bool:
    """A cheap query, because the idle scheduler repeats it."""
    return connection.execute(_DUE, {"tenant": tenant_id, "now": now, "limit": 1}).first() is not None


def claim_due_packages(
    connection: Connection, tenant_id: str, now: datetime, until: datetime, limit: int
) -> list[PackageState]:
    """Claim due packages, the longest overdue first, until `until`.

    If the process dies, the claim expires and they are due again. An unreadable package is logged and skipped until its
    claim expires, so that it does not block the others.
    """
    key = {"tenant": tenant_id, "now": now, "limit": limit, "until": until}
    read = (parse_or_log(row.package_id, row.state) for row in connection.execute(_CLAIM, key))
    return [state for state in read if state]
