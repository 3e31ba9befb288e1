"""Reads the record in the order of time, with what a replay of submissions needs from before.

Of two events in the same instant, the one whose id begins with the earlier time comes first. Events are read a few at a
time, and packages that no window reaches any more are forgotten, so memory does not grow with the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
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
from rules.record.chain import Event
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
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.packages.versions import VERSIONS

_OF_PACKAGES = ~EVENTS.c.package_id.startswith(KEY_PREFIX, autoescape=True)
_COLUMNS = (EVENTS.c.package_id, EVENTS.c.revision, EVENTS.c.event_id, EVENTS.c.occurred_at, EVENTS.c.body)
# Ids of events begin with the real time: "evt_" and twelve digits.
_IN_TIME = (EVENTS.c.occurred_at, func.substr(EVENTS.c.event_id, 1, 16), EVENTS.c.package_id, EVENTS.c.revision)


class Recorded(NamedTuple):
    when: When
    event: Event


def known_policies(connection: Connection, tenant_id: str) -> dict[str, Policy]:
    """Every policy that was ever in force and that this release can read, by the name that events give it."""
    policies = (_parse(stored) for stored in policy_texts(connection, tenant_id))
    return {policy.full_version: policy for policy in policies if policy}


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
    since = and_(EVENTS.c.tenant_id == tenant_id, EVENTS.c.occurred_at >= start)
    total = connection.execute(select(func.count()).select_from(EVENTS).where(since)).scalar_one()
    done = 0
    for rows in stream_batches(connection, select(*_COLUMNS).where(since, _OF_PACKAGES).order_by(*_IN_TIME)):
        _record_earlier(connection, tenant_id, rows, history)
        yield [Recorded(When.of(row.event_id, row.occurred_at), from_json(row.body)) for row in rows]
        progress(done := done + len(rows), total)


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
    earlier = select(EVENTS.c.occurred_at, EVENTS.c.body).where(EVENTS.c.tenant_id == tenant_id, or_(*begun))
    for at, body in connection.execute(earlier.order_by(EVENTS.c.package_id, EVENTS.c.revision)):
        history.record(from_json(body), at)


def earlier_profiles(connection: Connection, tenant_id: str) -> EarlierProfiles:
    bodies = connection.execute(select(PROFILES.c.body).where(PROFILES.c.tenant_id == tenant_id)).scalars()
    profiles = [AutonomyProfile.model_validate_json(body) for body in bodies]
    changes = sorted(_level_changes(connection, tenant_id), key=lambda change: change.when)
    return EarlierProfiles(profiles, changes)


def _level_changes(connection: Connection, tenant_id: str) -> Iterator[LevelChange]:
    """All changes of autonomy: a level earned long ago is the level until the next change.

    A package that was handed over changed that of the agent that had it then.
    """
    own = (VERSIONS.c.tenant_id == EVENTS.c.tenant_id) & (VERSIONS.c.package_id == EVENTS.c.package_id)
    query = select(*_COLUMNS, EVENTS.c.event_type, EVENTS.c.action_type, VERSIONS.c.agent_id)
    query = query.join(VERSIONS, own & (VERSIONS.c.version == 1))
    kinds = (EventType.AUTONOMY_CHANGED.value, EventType.PACKAGE_HANDED_OVER.value)
    query = query.where(EVENTS.c.tenant_id == tenant_id, EVENTS.c.event_type.in_(kinds))
    agents: dict[str, str] = {}
    for row in connection.execute(query.order_by(EVENTS.c.package_id, EVENTS.c.revision)):
        event = from_json(row.body)
        if row.event_type == EventType.PACKAGE_HANDED_OVER:
            agents[row.package_id] = event["change"].get("agent_id", agents.get(row.package_id, row.agent_id))
        else:
            agent_id, before = agents.get(row.package_id, row.agent_id), event["reason"].partition(" ")[0]
            when = When.of(row.event_id, row.occurred_at)
            yield LevelChange(agent_id, row.action_type, when, HITLLevel(before))


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


def newest_submissions_since(connection: Connection, tenant_id: str, since: datetime, most: int) -> datetime:
    """`since`, or a later time, so that at most about this many packages were submitted from then on."""
    newest = select(PACKAGES.c.created_at).where(PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.created_at >= since)
    oldest = newest.order_by(PACKAGES.c.created_at.desc()).offset(most - 1).limit(1)
    first: datetime | None = connection.execute(oldest).scalar_one_or_none()
    return first or since
