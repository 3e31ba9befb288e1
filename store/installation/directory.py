"""The directory of people and groups as last read from Slack, and absences. All replicas share it.

`store.installation.directory_events` applies Slack's events between two readings.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, case, delete, insert, select, update

from rules.people.directory import Person
from rules.people.working_time import Span
from rules.state.events import TenantEventType
from store.installation.installation import ABSENCES, GROUPS, INSTALLATION, MEMBERS, PEOPLE
from store.installation.tenancy import append_tenant_event, lock_tenant

FIELDS = ("user_id", "name", "email", "active", "is_bot", "is_guest", "is_stranger")


def replace_directory(
    connection: Connection,
    people: Iterable[Person],
    groups: Mapping[str, Iterable[str]],
    as_of: datetime,
    read_at: datetime | None = None,
) -> None:
    """Replace the whole directory. Absences stay, because they do not come from Slack.

    `read_at` is the real time at which the reading began: earlier events no longer give anyone authority.
    """
    tenant_id = lock_tenant(connection)
    rows = [{"tenant_id": tenant_id, **person.model_dump(include=set(FIELDS))} for person in people]
    members = [
        {"tenant_id": tenant_id, "group_id": group, "user_id": user}
        for group, users in groups.items()
        for user in dict.fromkeys(users)
    ]
    for table, new_rows in ((PEOPLE, rows), (MEMBERS, members), (GROUPS, [])):
        connection.execute(delete(table))
        if new_rows:
            connection.execute(insert(table), new_rows)
    bump_version(connection, directory_as_of=as_of, directory_read_at=read_at)


def refresh_directory(
    connection: Connection,
    people: Iterable[Person],
    groups: Mapping[str, Iterable[str]],
    as_of: datetime,
    read_at: datetime,
    *,
    seen: int,
) -> bool:
    """Replace the directory only if its version is still `seen`: an event applied since then is newer."""
    untouched = update(INSTALLATION).where(INSTALLATION.c.directory_version == seen).values(directory_version=seen)
    done = connection.execute(untouched).rowcount == 1  # the row is locked, so nobody else changes it now
    if done:
        replace_directory(connection, people, groups, as_of, read_at)
    return done


def people_names(connection: Connection, tenant_id: str) -> dict[str, str]:
    query = select(PEOPLE.c.user_id, PEOPLE.c.name).where(PEOPLE.c.tenant_id == tenant_id)
    return {str(user_id): str(name) for user_id, name in connection.execute(query)}


def unknown_groups(connection: Connection, groups: Collection[str]) -> frozenset[str]:
    """Groups without known members."""
    return frozenset(groups).difference(connection.execute(select(MEMBERS.c.group_id).distinct()).scalars())


def mark_unread(connection: Connection) -> None:
    """Treat the directory as never read: until it is read, nobody can decide and no task escalates."""
    bump_version(connection, directory_as_of=None)


def begin_absence(connection: Connection, user_id: str, until: datetime, delegate: str | None, now: datetime) -> None:
    """Record that someone is away, and end an absence that has begun already."""
    tenant_id = lock_tenant(connection)
    _end_current(connection, user_id, now)
    row = {"tenant_id": tenant_id, "user_id": user_id, "since": now, "until": until, "delegate": delegate}
    connection.execute(insert(ABSENCES), row | {"current": True})
    append_tenant_event(
        connection, TenantEventType.PERSON_AWAY, user_id, now, until=until.isoformat(), delegate=delegate
    )
    bump_version(connection)


def end_absence(connection: Connection, user_id: str, now: datetime) -> None:
    if _end_current(connection, user_id, now):
        append_tenant_event(connection, TenantEventType.PERSON_BACK, user_id, now)
        bump_version(connection)


def _end_current(connection: Connection, user_id: str, now: datetime) -> bool:
    """End the current absence, if any. One that began only now is deleted."""
    current = (ABSENCES.c.user_id == user_id, ABSENCES.c.current)
    called_off = connection.execute(delete(ABSENCES).where(*current, ABSENCES.c.since >= now)).rowcount
    until = case((ABSENCES.c.until < now, ABSENCES.c.until), else_=now)
    ended = connection.execute(update(ABSENCES).where(*current).values(current=False, until=until)).rowcount
    return bool(called_off or ended)


def absence_spans(connection: Connection, tenant_id: str, begin: datetime, end: datetime) -> dict[str, list[Span]]:
    """Absences of each person within this time, in order."""
    within = (ABSENCES.c.tenant_id == tenant_id, ABSENCES.c.until > begin, ABSENCES.c.since < end)
    query = select(ABSENCES.c.user_id, ABSENCES.c.since, ABSENCES.c.until).where(*within).order_by(ABSENCES.c.since)
    spans: dict[str, list[Span]] = {}
    for user_id, since, until in connection.execute(query):
        spans.setdefault(user_id, []).append((max(since, begin), min(until, end)))
    return spans


def bump_version(connection: Connection, **times: datetime | None) -> None:
    """Make every process reload the directory with its next transaction.

    The version is random: after a rollback, a counter would give the same version to different directories.
    """
    connection.execute(update(INSTALLATION).values(directory_version=secrets.randbits(31), **times))
