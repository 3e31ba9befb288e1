"""The packages of a thread, and those that do not follow it yet.

A stopped thread stops its own packages, and those that name only one of its runs. While a package can be stopped, its
`stop_name` is the name that stops it, and its `held_by` the thread that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, text, update

from rules.package.takeover_reach import names_held_with_thread
from rules.record.thread_document import OwnPackages
from rules.state.model import PackageState, Status
from rules.threads.model import ThreadState, ThreadStatus
from store.engine.statements import fetch_all
from store.packages.packages import PACKAGES, stop_columns
from store.packages.states import parse_or_log, parse_state
from store.packages.threads import THREADS
from store.schema.tables import UNNAMED

MAX_OPEN = 2_000  # packages that a command for the thread looks at; the clock stops all of them, a few at a time
NEWEST = 200  # packages that are read besides those that can be stopped
MAX_SHOWN = 500  # open packages and permissions, and the newest, in the document that the agent reads
_ADOPTED_AT_ONCE = 200

_TENANT = PACKAGES.c.tenant_id == bindparam("tenant")
_NEWEST_FIRST = (PACKAGES.c.created_at.desc(), PACKAGES.c.package_id.desc())
_NEWEST = (
    select(PACKAGES.c.state)
    .where(_TENANT, PACKAGES.c.thread_key == bindparam("key"))
    .order_by(*_NEWEST_FIRST)
    .limit(bindparam("limit"))
)
_STOPPABLE = (
    select(PACKAGES.c.state)
    .where(_TENANT, PACKAGES.c.stop_name.in_(bindparam("names", expanding=True)))
    .order_by(*_NEWEST_FIRST)
    .limit(MAX_OPEN)
)
# An agent may have very many packages, and few of them in this thread. `trim` changes nothing in an id; it keeps the
# database from using the index on the agent.
_OWN = (_TENANT, func.trim(PACKAGES.c.agent_id) == bindparam("agent"))
_OWN_OF_THREAD = (*_OWN, PACKAGES.c.thread_key == bindparam("key"))
_OWN_NEWEST = select(PACKAGES.c.state).where(*_OWN_OF_THREAD).order_by(*_NEWEST_FIRST).limit(NEWEST)
_OWN_STOPPABLE = (
    select(PACKAGES.c.state)
    .where(*_OWN, PACKAGES.c.stop_name == bindparam("name"))
    .order_by(*_NEWEST_FIRST)
    .limit(MAX_SHOWN)
)
_ITS_AGENT = select(PACKAGES.c.agent_id).where(
    PACKAGES.c.tenant_id == THREADS.c.tenant_id, PACKAGES.c.package_id == THREADS.c.package_id
)
_OWN_HOLDER = (
    select(THREADS.c.package_id)
    .where(
        THREADS.c.tenant_id == bindparam("tenant"),
        THREADS.c.thread_id == bindparam("name"),
        _ITS_AGENT.correlate(THREADS).scalar_subquery() == bindparam("agent"),
    )
    .limit(1)
)
_OWN_SUMS = select(
    select(func.sum(PACKAGES.c.revision)).where(*_OWN_OF_THREAD).scalar_subquery().label("revisions"),
    _OWN_HOLDER.scalar_subquery().label("holder"),
)
_UNNAMED = select(PACKAGES.c.package_id, PACKAGES.c.state).where(_TENANT, text(UNNAMED)).limit(bindparam("limit"))
_GIVE_NAME = (
    update(PACKAGES)
    .where(_TENANT, PACKAGES.c.package_id == bindparam("package"), PACKAGES.c.revision == bindparam("was"))
    .values({name: bindparam(name) for name in ("thread_key", "stop_name", "held_by", "followed")})
)
_GRANTED = [status.value for status in (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)]


def thread_packages(connection: Connection, thread: ThreadState) -> tuple[PackageState, ...]:
    """The packages that name this thread, the newest first: all that can be stopped, and the newest others."""
    stoppable = _load_stoppable(connection, thread.tenant_id, names_held_with_thread(thread.thread_id, ()))
    key = {"tenant": thread.tenant_id, "key": thread.thread_key, "limit": NEWEST}
    newest = [parse_state(row.state) for row in fetch_all(connection, _NEWEST, key)]
    return _newest_first(*newest, *stoppable)


def _newest_first(*packages: PackageState) -> tuple[PackageState, ...]:
    """Each package once."""
    known = {package.decision_package_id: package for package in packages}
    return tuple(sorted(known.values(), key=lambda state: (state.created_at, state.decision_package_id), reverse=True))


def reached_packages(connection: Connection, thread: ThreadState) -> tuple[PackageState, ...]:
    """The packages of the thread, and those that name only one of its runs: a command for the thread reaches both."""
    packages = thread_packages(connection, thread)
    return (*packages, *_packages_of_runs(connection, thread, (package.run_id for package in packages)))


def _packages_of_runs(connection: Connection, thread: ThreadState, run_ids: Iterable[str | None]) -> list[PackageState]:
    _, *runs = names_held_with_thread(thread.thread_id, run_ids)
    return _load_stoppable(connection, thread.tenant_id, runs) if runs else []


def _load_stoppable(connection: Connection, tenant_id: str, names: Sequence[str]) -> list[PackageState]:
    rows = connection.execute(_STOPPABLE, {"tenant": tenant_id, "names": list(names)})
    return [parse_state(state) for state in rows.scalars()]


def own_packages(connection: Connection, thread: ThreadState) -> OwnPackages:
    """The packages of the thread's owner. An agent must not learn what other agents do under the same name."""
    [name] = names_held_with_thread(thread.thread_id, ())
    key = {"tenant": thread.tenant_id, "agent": thread.owner_agent, "key": thread.thread_key, "name": name}
    newest, stoppable = (
        [parse_state(row.state) for row in fetch_all(connection, query, key)] for query in (_OWN_NEWEST, _OWN_STOPPABLE)
    )
    sums = fetch_all(connection, _OWN_SUMS, key)[0]
    return OwnPackages(_newest_first(*newest, *stoppable), sums.revisions or 0, hold_thread=sums.holder is not None)


def load_unfollowing(connection: Connection, thread: ThreadState, limit: int) -> list[PackageState]:
    """Packages that do not follow the thread yet, locked until the commit. Unreadable ones are logged and left out."""
    texts: dict[str, str] = {}
    for condition in _unfollowing(thread):
        query = (
            select(PACKAGES.c.package_id, PACKAGES.c.state)
            .where(PACKAGES.c.tenant_id == thread.tenant_id, condition)
            .limit(limit)  # in any order: for a given one, a database may read all packages
            .with_for_update()
        )
        texts |= {row.package_id: row.state for row in connection.execute(query)}
    states = (parse_or_log(package_id, text) for package_id, text in list(texts.items())[:limit])
    return [state for state in states if state]


def _unfollowing(thread: ThreadState) -> Iterator[ColumnElement[bool]]:
    """Conditions of which a package that does not follow yet fulfils at least one. There is an index for each."""
    is_stopped = PACKAGES.c.stop_name.in_(thread.stopped_names)
    is_behind = PACKAGES.c.followed.is_distinct_from(thread.event_id)
    held_by_it = PACKAGES.c.held_by == thread.thread_key
    match thread.status:
        case ThreadStatus.HELD:
            yield and_(is_stopped, is_behind, or_(PACKAGES.c.held_by.is_(None), held_by_it))
        case ThreadStatus.CANCELLED:
            yield and_(is_stopped, is_behind)
        case _:
            [own_name] = names_held_with_thread(thread.thread_id, ())
            was_stopped = and_(PACKAGES.c.followed.is_not(None), is_behind)
            yield held_by_it
            yield and_(PACKAGES.c.stop_name == own_name, or_(was_stopped, *_approved_under_old_plan(thread)))


def _approved_under_old_plan(thread: ThreadState) -> list[ColumnElement[bool]]:
    """If the thread was resumed with a new plan, what was approved before must be withdrawn."""
    if not thread.has_new_plan:
        return []
    return [and_(PACKAGES.c.status.in_(_GRANTED), PACKAGES.c.decided_at <= thread.since)]


def is_any_unnamed(connection: Connection, tenant_id: str) -> bool:
    """Whether a replica of an older release accepted a package. A cheap query, because the idle clock repeats it."""
    return bool(fetch_all(connection, _UNNAMED, {"tenant": tenant_id, "limit": 1}))


def adopt_unnamed(connection: Connection, tenant_id: str) -> None:
    """Enter the names that an older release left out, so that threads find these packages."""
    rows = fetch_all(connection, _UNNAMED, {"tenant": tenant_id, "limit": _ADOPTED_AT_ONCE})
    write_names(connection, [state for row in rows if (state := parse_or_log(row.package_id, row.state))])


def write_names(connection: Connection, packages: Sequence[PackageState]) -> None:
    """Write the columns by which stopped threads find these packages, as their states say."""
    if packages:
        connection.execute(_GIVE_NAME, [_names(package) for package in packages])


def _names(package: PackageState) -> dict[str, Any]:
    key = {"tenant": package.tenant_id, "package": package.decision_package_id, "was": package.revision}
    return key | stop_columns(package)
