"""Reads the audit record on one snapshot, a few packages at a time: to verify, export and search it.

Packages come in the database's order of their ids, and the events of a few packages are loaded together. So nothing is
sorted in memory, and the result does not depend on how a database sorts text.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, exists, func, or_, select, union

from rules.record.chain import Event, rfc3339
from rules.record.earlier import EarlierExport
from rules.record.evidence import TENANT, Counts, Fault, StoredRendering, StoredWords, Trail
from rules.record.verify import Auditor
from store.audit.columns import new_trail, parse_event_row
from store.audit.handoff_rows import HandoffRows
from store.audit.outcome_rows import OutcomeRows
from store.audit.retention import RENDERINGS
from store.audit.stops import StopRows
from store.audit.tenant_record import TENANT_EVENTS, policy_texts, tenant_claim, tenant_rows
from store.audit.tolerant_rows import UNREADABLE, parse_or_text, select_all, stream_batches, stream_rows
from store.commands.write import EVENTS
from store.installation.policy_texts import POLICIES
from store.installation.tenancy import read_tenant_id
from store.oversight.outcomes import JUDGMENTS, OUTCOMES
from store.packages.content import CONTENT
from store.packages.exceptions import EXCEPTIONS, REACH, USES
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.packages.threads import THREADS
from store.packages.versions import VERSIONS
from store.threads.handoffs import HANDOFFS

_ITS_PACKAGE = (PACKAGES.c.tenant_id == EVENTS.c.tenant_id) & (PACKAGES.c.package_id == EVENTS.c.package_id)
_ITS_THREAD = (THREAD_RECORDS.c.tenant_id == EVENTS.c.tenant_id) & (THREAD_RECORDS.c.thread_key == EVENTS.c.package_id)

Progress = Callable[[int, int], None]  # called with how many are read, and how many there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Events from `since` until before `until`, of this action type, by this actor. None: no restriction.

    Events of a thread have the action types of its packages: they say why these stood still.
    """

    since: datetime | None = None
    until: datetime | None = None
    action_type: str | None = None
    reviewer: str | None = None

    @property
    def whole(self) -> bool:
        return self == EVERYTHING

    def as_json(self) -> dict[str, str | None]:
        """For the header of an export."""
        return {
            "since": _format_time(self.since),
            "until": _format_time(self.until),
            "action_type": self.action_type,
            "reviewer": self.reviewer,
        }

    def of(self, table: Table) -> Iterator[ColumnElement[bool]]:
        """The conditions of this selection on the columns of a table of events."""
        if self.since is not None:
            yield table.c.occurred_at >= self.since
        if self.until is not None:
            yield table.c.occurred_at < self.until
        if self.reviewer is not None:
            yield table.c.actor == self.reviewer
        if self.action_type is not None:
            threads = select(PACKAGES.c.thread_key).where(
                PACKAGES.c.action_type == self.action_type, PACKAGES.c.thread_key.is_not(None)
            )
            yield or_(table.c.action_type == self.action_type, table.c.package_id.in_(threads))


def _format_time(moment: datetime | None) -> str | None:
    return rfc3339(moment.astimezone(UTC)) if moment else None


EVERYTHING = Selection()


class Head(NamedTuple):
    package_id: str
    length: int
    head: str


def no_progress(_done: int, _total: int) -> None:
    """Report no progress."""


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database, while others continue to write."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection


def verify_database(
    connection: Connection,
    counts: Counts | None = None,
    progress: Progress = no_progress,
    earlier: EarlierExport | None = None,
) -> Iterator[Fault]:
    """Yield every fault, on a `snapshot`. `counts` is updated with what was checked."""
    tenant_id = read_tenant_id(connection)
    auditor = Auditor(tenant_id, counts, earlier)
    yield from foreign_rows(connection, tenant_id)
    for row in tenant_rows(connection, tenant_id):
        event, faults = parse_event_row(row, TENANT, row.sequence)
        yield from faults
        yield from auditor.check_tenant_event(event)
    yield from auditor.check_tenant_end(tenant_claim(connection))
    yield from auditor.check_policies(list(policy_texts(connection, tenant_id)))
    tables = [rows(connection, tenant_id) for rows in (StopRows, HandoffRows, OutcomeRows)]
    for trail in read_trails(connection, tenant_id, progress=progress):
        yield from auditor.check_package(trail)
        for table in tables:
            yield from table.check(trail)
    for table in tables:
        yield from table.check_rest()
    yield from auditor.check_thread_references()
    yield from auditor.check_exceptions()
    yield from auditor.check_missing()


def read_trails(
    connection: Connection,
    tenant_id: str,
    selection: Selection = EVERYTHING,
    progress: Progress = no_progress,
    *,
    renderings: bool = True,
) -> Iterator[Trail]:
    """Complete trails of all packages and threads with a selected event; then the remains of those without a row.

    Renderings are by far the most to read, so a caller can do without.
    """
    queries = [_packages(tenant_id, selection), _threads(tenant_id, selection)]
    counts = [connection.execute(select(func.count()).select_from(query.subquery())).scalar_one() for query in queries]
    done = 0
    for query in queries:
        for rows in stream_batches(connection, query):
            yield from _load_trails(connection, tenant_id, {row.package_id: row for row in rows}, renderings=renderings)
            progress(done := done + len(rows), sum(counts))
    for rows in stream_batches(connection, _rowless(tenant_id, selection)):
        yield from _load_trails(connection, tenant_id, {row.package_id: None for row in rows}, renderings=renderings)


def read_heads(connection: Connection, tenant_id: str, selection: Selection = EVERYTHING) -> Iterator[Head]:
    """The length and head of each chain, according to the rows of packages and threads."""
    for query in (_packages(tenant_id, selection), _threads(tenant_id, selection)):
        for row in stream_rows(connection, query):
            yield Head(row.package_id, row.revision, row.head)


def matching_events(connection: Connection, tenant_id: str, selection: Selection) -> Iterator[tuple[str | None, Event]]:
    """Only the selected events, oldest first, with the agent of their package or thread.

    Tenant events are included, unless an action type is selected.
    """
    order = (EVENTS.c.occurred_at, EVENTS.c.package_id, EVENTS.c.revision)
    agent = func.coalesce(PACKAGES.c.agent_id, THREAD_RECORDS.c.owner_agent).label("agent_id")
    trails = select_all(EVENTS).add_columns(agent).join_from(EVENTS, PACKAGES, _ITS_PACKAGE, isouter=True)
    trails = trails.join(THREAD_RECORDS, _ITS_THREAD, isouter=True)
    trails = trails.where(EVENTS.c.tenant_id == tenant_id, *selection.of(EVENTS)).order_by(*order)
    streams = [stream_rows(connection, trails)]
    if selection.action_type is None:
        tenant_events = select_all(TENANT_EVENTS).where(
            TENANT_EVENTS.c.tenant_id == tenant_id, *selection.of(TENANT_EVENTS)
        )
        in_time = tenant_events.order_by(TENANT_EVENTS.c.occurred_at, TENANT_EVENTS.c.sequence)
        streams.insert(0, stream_rows(connection, in_time))
    for row in heapq.merge(*streams, key=lambda row: row.occurred_at or UNREADABLE):
        event = parse_or_text(row.body)
        yield (
            getattr(row, "agent_id", None),
            event if isinstance(event, dict) else {"reason": f"unreadable: {row.body}"},
        )


_TABLES = (
    PACKAGES,
    THREAD_RECORDS,
    THREADS,
    HANDOFFS,
    OUTCOMES,
    JUDGMENTS,
    EXCEPTIONS,
    USES,
    REACH,
    EVENTS,
    TENANT_EVENTS,
    CONTENT,
    RENDERINGS,
    POLICIES,
)


def foreign_rows(connection: Connection, tenant_id: str) -> Iterator[Fault]:
    """Rows of another tenant: a database holds one installation, so nothing else would check them."""
    for table in _TABLES:
        foreign = select_all(table).where(table.c.tenant_id != tenant_id)
        for row in stream_rows(connection, foreign):
            facts = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to ask a row for a column it may lack
            revision, event_id = facts.get("revision", facts.get("sequence")), facts.get("event_id")
            sentence = f"a row of {table.name} belongs to another tenant, {row.tenant_id}"
            yield Fault(facts.get("package_id", TENANT), revision, event_id, sentence)


def _packages(tenant_id: str, selection: Selection) -> Select[Any]:
    query = select_all(PACKAGES).where(PACKAGES.c.tenant_id == tenant_id).order_by(PACKAGES.c.package_id)
    return query if selection.whole else query.where(PACKAGES.c.package_id.in_(_selected_ids(tenant_id, selection)))


def _threads(tenant_id: str, selection: Selection) -> Select[Any]:
    """The records of threads, with their key as `package_id`: it names a thread's chain as the id names a package's."""
    key = THREAD_RECORDS.c.thread_key
    query = select_all(THREAD_RECORDS).add_columns(key.label("package_id"))
    query = query.where(THREAD_RECORDS.c.tenant_id == tenant_id).order_by(key)
    return query if selection.whole else query.where(key.in_(_selected_ids(tenant_id, selection)))


def _selected_ids(tenant_id: str, selection: Selection) -> Select[Any]:
    return select(EVENTS.c.package_id).where(EVENTS.c.tenant_id == tenant_id, *selection.of(EVENTS))


def _rowless(tenant_id: str, selection: Selection) -> Select[Any]:
    """Ids that still have events, content, renderings or versions, but no row of a package or thread."""

    def without_row(table: Table) -> Select[Any]:
        row = exists().where(PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.package_id == table.c.package_id)
        thread = exists().where(
            THREAD_RECORDS.c.tenant_id == tenant_id, THREAD_RECORDS.c.thread_key == table.c.package_id
        )
        return select(table.c.package_id).where(table.c.tenant_id == tenant_id, ~row, ~thread)

    if not selection.whole:
        return without_row(EVENTS).where(*selection.of(EVENTS)).distinct()
    leftovers = union(
        without_row(EVENTS),
        without_row(CONTENT),
        without_row(RENDERINGS),
        without_row(VERSIONS),
    ).subquery()
    return select(leftovers.c.package_id)


def _load_trails(
    connection: Connection, tenant_id: str, rows: dict[str, Row[Any] | None], *, renderings: bool
) -> Iterator[Trail]:
    """The trails of these packages, with events and content."""
    trails = {package_id: new_trail(package_id, row) for package_id, row in rows.items()}
    for row in connection.execute(
        select_all(EVENTS)
        .where(_of_packages(EVENTS, tenant_id, *rows))
        .order_by(EVENTS.c.package_id, EVENTS.c.revision)
    ):
        trail = trails[row.package_id]
        event, faults = parse_event_row(row, row.package_id, row.revision)
        trail.events.append(event)
        trail.noticed += faults
    for row in connection.execute(select_all(CONTENT).where(_of_packages(CONTENT, tenant_id, *rows))):
        words = parse_or_text(row.words) if row.words is not None else None
        trails[row.package_id].contents.append(StoredWords(row.event_id, row.salt, words))
    shown = select_all(RENDERINGS).where(_of_packages(RENDERINGS, tenant_id, *rows))
    for row in connection.execute(shown) if renderings else ():
        trails[row.package_id].renderings.append(StoredRendering(row.rendering_id, row.body))
    yield from trails.values()


def _of_packages(table: Table, tenant_id: str, *package_ids: str) -> ColumnElement[bool]:
    return (table.c.tenant_id == tenant_id) & table.c.package_id.in_(package_ids)
