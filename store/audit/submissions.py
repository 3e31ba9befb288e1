"""Reads the record in the order of time, with what a replay of submissions needs from before.

Of two events in the same instant, the one whose id begins with the earlier time comes first. Events are read a few at a
time, and packages that no window reaches any more are forgotten, so memory does not grow with the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, Row, and_, func, or_, select

from rules.oversight.earlier_profiles import EarlierProfiles, LevelChange, When
from rules.oversight.history import History
from rules.people.agent_keys import KeyScope
from rules.people.autonomy import AutonomyProfile
from rules.people.lineage import Lineage
from rules.policy.model import Policy
from rules.policy.parse import PolicyError, read_policy
from rules.record.chain import Event, rfc3339
from rules.record.evidence import StoredPolicy
from rules.scales import HITLLevel
from rules.state.events import EventType, TenantEventType
from rules.threads.model import KEY_PREFIX
from store.audit.reader import Progress
from store.audit.tenant_record import TENANT_EVENTS, policy_texts
from store.audit.tolerant_rows import stream_batches
from store.commands.write import EVENTS
from store.installation.tenancy import INSTALLATION
from store.packages.autonomy import PROFILES
from store.packages.content import CONTENT
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.packages.versions import VERSIONS

_OF_PACKAGES = ~EVENTS.c.package_id.startswith(KEY_PREFIX, autoescape=True)
_COLUMNS = (
    EVENTS.c.package_id,
    EVENTS.c.revision,
    EVENTS.c.event_id,
    EVENTS.c.event_type,
    EVENTS.c.action_type,
    EVENTS.c.actor,
    EVENTS.c.occurred_at,
    EVENTS.c.body,
)
_FAULTS = (AttributeError, KeyError, TypeError, ValueError)
_CLOCKS_DIFFER = timedelta(days=1)  # replicas have clocks of their own: rather one policy too many
# Ids of events begin with the real time: "evt_" and twelve digits.
_IN_TIME = (EVENTS.c.occurred_at, func.substr(EVENTS.c.event_id, 1, 16), EVENTS.c.package_id, EVENTS.c.revision)


class Recorded(NamedTuple):
    """An event and its time. If it is not `readable`, it has only what the columns of its row say."""

    when: When
    event: Event
    readable: bool = True


def policies_since(connection: Connection, tenant_id: str, since: datetime) -> dict[str, Policy]:
    """The policies in force since then that this release can read, by the name that events give them."""
    digests = _digests_since(connection, tenant_id, since - _CLOCKS_DIFFER)
    texts = (stored for stored in policy_texts(connection, tenant_id) if stored.digest in digests)
    return {policy.full_version: policy for policy in map(_parse, texts) if policy}


def _digests_since(connection: Connection, tenant_id: str, since: datetime) -> set[str]:
    """The digests of the policies activated since then, and of the one that was in force before."""
    activated = TENANT_EVENTS.c.event_type == TenantEventType.POLICY_ACTIVATED.value
    query = select(TENANT_EVENTS.c.occurred_at, TENANT_EVENTS.c.body)
    query = query.where(TENANT_EVENTS.c.tenant_id == tenant_id, activated).order_by(TENANT_EVENTS.c.sequence)
    digests = set[str]()
    for at, body in connection.execute(query):
        if at <= since:
            digests.clear()
        digests.add(from_json(body)["change"]["policy_digest"])
    return digests


def policy_in_force(connection: Connection, tenant_id: str) -> Policy | None:
    """None: there is none, or this release cannot read it."""
    digest = connection.execute(select(INSTALLATION.c.policy_digest)).scalar_one()
    texts = (stored for stored in policy_texts(connection, tenant_id) if stored.digest == digest)
    return next(map(_parse, texts), None)


def _parse(stored: StoredPolicy) -> Policy | None:
    try:
        return read_policy(stored.text).model_copy(update={"digest": stored.digest})
    except (PolicyError, AttributeError):  # written by another release, or no text
        return None


def read_in_time(
    connection: Connection, tenant_id: str, start: datetime, history: History, progress: Progress
) -> Iterator[list[Recorded]]:
    """The events of packages since `start`, oldest first. The history knows what came before each of them."""
    since = and_(EVENTS.c.tenant_id == tenant_id, EVENTS.c.occurred_at >= start, _OF_PACKAGES)
    total = connection.execute(select(func.count()).select_from(EVENTS).where(since)).scalar_one()
    done = 0
    for rows in stream_batches(connection, select(*_COLUMNS).where(since).order_by(*_IN_TIME)):
        _record_earlier(connection, tenant_id, rows, history)
        yield [_recorded(row) for row in rows]
        progress(done := done + len(rows), total)


def _recorded(row: Any) -> Recorded:
    when, event = When.of(row.event_id, row.occurred_at), _parse_event(row.body)
    if event is not None:
        return Recorded(when, event)
    columns = {"event_id": row.event_id, "event_type": row.event_type, "action_type": row.action_type}
    ids = {"decision_package_id": row.package_id, "occurred_at": rfc3339(row.occurred_at), "actor": row.actor}
    unknown: Event = {"change": {}, "decision": None, "outcome": None}
    return Recorded(when, columns | ids | unknown, readable=False)


def _parse_event(body: str) -> Event | None:
    """The event; None if it lacks something that a replay reads."""
    try:
        event = from_json(body)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and event.keys() >= _READ and isinstance(event["change"], dict)
    return event if is_event else None


_READ = {
    "event_id", "event_type", "action_type", "decision_package_id", "occurred_at", "actor", "change", "decision",
    "outcome", "policy_version", "package_version", "hitl_level", "action_digest",
}  # fmt: skip


def agents_of(connection: Connection, tenant_id: str, packages: Iterable[str]) -> set[str]:
    """The agents that have these packages now, and those that submitted them."""
    named = list(packages)
    agents = set[str]()
    for table in (PACKAGES, VERSIONS):
        query = select(table.c.agent_id).where(table.c.tenant_id == tenant_id, table.c.package_id.in_(named))
        agents.update(connection.execute(query).scalars())
    return agents


def altered_content(connection: Connection, tenant_id: str, event_ids: Iterable[str]) -> set[str]:
    """Those of these events that have content which `load_words` withholds. Emptied content is not there at all."""
    query = select(CONTENT.c.event_id).where(CONTENT.c.tenant_id == tenant_id, CONTENT.c.words.is_not(None))
    return set(connection.execute(query.where(CONTENT.c.event_id.in_(list(event_ids)))).scalars())


def _record_earlier(connection: Connection, tenant_id: str, rows: Iterable[Row[Any]], history: History) -> None:
    """Record the earlier events of packages that the history does not know, or has forgotten."""
    first: dict[str, int] = {}
    for row in rows:
        if not history.knows(row.package_id):
            first.setdefault(row.package_id, row.revision)
    begun = [
        (EVENTS.c.package_id == package_id) & (EVENTS.c.revision < revision)
        for package_id, revision in first.items()
        if revision > 1
    ]
    if not begun:
        return
    earlier = select(EVENTS.c.package_id, EVENTS.c.occurred_at, EVENTS.c.body).where(
        EVENTS.c.tenant_id == tenant_id, or_(*begun)
    )
    for package_id, at, body in connection.execute(earlier.order_by(EVENTS.c.package_id, EVENTS.c.revision)):
        record_or_miss(history, package_id, _parse_event(body), at)


def record_or_miss(history: History, package_id: str, event: Event | None, at: datetime) -> None:
    """Record the event, or at least that the package has one that cannot be read."""
    try:
        if event is not None:
            history.record(event, at)
            return
    except _FAULTS:
        pass
    history.missed.add(package_id)


def earlier_profiles(connection: Connection, tenant_id: str) -> EarlierProfiles:
    bodies = connection.execute(select(PROFILES.c.body).where(PROFILES.c.tenant_id == tenant_id)).scalars()
    profiles = [AutonomyProfile.model_validate_json(body) for body in bodies]
    changes = sorted(_level_changes(connection, tenant_id), key=lambda change: change.when)
    return EarlierProfiles(profiles, changes)


def _level_changes(connection: Connection, tenant_id: str) -> Iterator[LevelChange]:
    """All changes of autonomy: a level earned long ago is the level until the next change.

    If the package was handed over, a change is that of the agent that had it at the time.
    """
    own = (VERSIONS.c.tenant_id == EVENTS.c.tenant_id) & (VERSIONS.c.package_id == EVENTS.c.package_id)
    query = select(*_COLUMNS, VERSIONS.c.agent_id)
    query = query.join(VERSIONS, own & (VERSIONS.c.version == 1))
    kinds = (EventType.AUTONOMY_CHANGED.value, EventType.PACKAGE_HANDED_OVER.value)
    query = query.where(EVENTS.c.tenant_id == tenant_id, EVENTS.c.event_type.in_(kinds))
    agents: dict[str, str] = {}
    for row in connection.execute(query.order_by(EVENTS.c.package_id, EVENTS.c.revision)):
        event = _recorded(row).event
        if row.event_type == EventType.PACKAGE_HANDED_OVER:
            agents[row.package_id] = event.get("change", {}).get("agent_id", agents.get(row.package_id, row.agent_id))
        else:
            agent_id, when = agents.get(row.package_id, row.agent_id), When.of(row.event_id, row.occurred_at)
            yield LevelChange(agent_id, row.action_type, when, _level_before(event))


def _level_before(event: Event) -> HITLLevel | None:
    """The reason of a change begins with the level before it."""
    try:
        return HITLLevel(str(event.get("reason")).partition(" ")[0])
    except ValueError:
        return None


class EarlierLineages:
    """What the packages of threads inherited at an earlier time. Few threads are ever handed over."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._by_thread: dict[str, list[tuple[When, Lineage | None]]] = {}
        of_thread = and_(
            THREAD_RECORDS.c.tenant_id == EVENTS.c.tenant_id, THREAD_RECORDS.c.thread_key == EVENTS.c.package_id
        )
        query = select(*_COLUMNS).join(THREAD_RECORDS, of_thread)
        query = query.where(EVENTS.c.tenant_id == tenant_id, THREAD_RECORDS.c.lineage.is_not(None))
        for row in connection.execute(query.order_by(EVENTS.c.package_id, EVENTS.c.revision)):
            change = from_json(row.body)["change"]
            if "lineage" in change:
                lineage = Lineage.model_validate(change["lineage"]) if change["lineage"] else None
                entry = (When.of(row.event_id, row.occurred_at), lineage)
                self._by_thread.setdefault(row.package_id, []).append(entry)

    def at(self, thread_key: str, now: When) -> Lineage | None:
        known = [lineage for when, lineage in self._by_thread.get(thread_key, ()) if when <= now]
        return known[-1] if known else None


class EarlierScopes:
    """What the key of an agent allowed at an earlier time."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._by_agent: dict[str, list[tuple[datetime, KeyScope]]] = {}
        kinds = (TenantEventType.AGENT_ADDED.value, TenantEventType.AGENT_SCOPE_CHANGED.value)
        query = select(TENANT_EVENTS.c.occurred_at, TENANT_EVENTS.c.body).where(
            TENANT_EVENTS.c.tenant_id == tenant_id, TENANT_EVENTS.c.event_type.in_(kinds)
        )
        for row in connection.execute(query.order_by(TENANT_EVENTS.c.sequence)):
            facts = from_json(row.body)["change"]
            scope = KeyScope.model_validate({name: facts[name] for name in KeyScope.model_fields if name in facts})
            self._by_agent.setdefault(facts["agent_id"], []).append((row.occurred_at, scope))

    def at(self, agent_id: str, now: datetime) -> KeyScope:
        known = [scope for since, scope in self._by_agent.get(agent_id, ()) if since <= now]
        return known[-1] if known else KeyScope()


def begin_of_newest_submissions(connection: Connection, tenant_id: str, since: datetime, most: int) -> datetime:
    """`since`, or a later time, so that at most about `most` packages were submitted from then on."""
    newest = select(PACKAGES.c.created_at).where(PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.created_at >= since)
    oldest = newest.order_by(PACKAGES.c.created_at.desc()).offset(most - 1).limit(1)
    first: datetime | None = connection.execute(oldest).scalar_one_or_none()
    return first or since
