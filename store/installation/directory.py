"""The directory of people and groups: what Slack said when it was last read, and who is away. All replicas share it.

What Slack's events tell between two readings is learnt in `store.installation.directory_events`.
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
    """The whole directory, as of this moment. Absences are ours, not Slack's: they stay.

    `read_at` is the real time at which reading it began: events from before it no longer give anybody authority.
    """
    tenant_id = lock_tenant(connection)
    rows = [{"tenant_id": tenant_id, **person.model_dump(include=set(FIELDS))} for person in people]
    members = [
        {"tenant_id": tenant_id, "group_id": group, "user_id": user}
        for group, users in groups.items()
        for user in dict.fromkeys(users)
    ]
    for table, its in ((PEOPLE, rows), (MEMBERS, members), (GROUPS, [])):
        connection.execute(delete(table))
        if its:
            connection.execute(insert(table), its)
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
    """The same, unless the directory is no longer at the version `seen`: what was learnt since then is newer."""
    untouched = update(INSTALLATION).where(INSTALLATION.c.directory_version == seen).values(directory_version=seen)
    done = connection.execute(untouched).rowcount == 1  # and from here on nobody else changes it
    if done:
        replace_directory(connection, people, groups, as_of, read_at)
    return done


def unknown_groups(connection: Connection, groups: Collection[str]) -> frozenset[str]:
    """Those groups of which nothing is known."""
    return frozenset(groups).difference(connection.execute(select(MEMBERS.c.group_id).distinct()).scalars())


def mark_unread(connection: Connection) -> None:
    """As if it had never been read: until it is, nobody can decide, and no task moves on because nobody is known."""
    bump_version(connection, directory_as_of=None)


def begin_absence(connection: Connection, user_id: str, until: datetime, delegate: str | None, now: datetime) -> None:
    tenant_id = lock_tenant(connection)
    _ended(connection, user_id, now)
    row = {"tenant_id": tenant_id, "user_id": user_id, "since": now, "until": until, "delegate": delegate}
    connection.execute(insert(ABSENCES), row | {"current": True})
    append_tenant_event(
        connection, TenantEventType.PERSON_AWAY, user_id, now, until=until.isoformat(), delegate=delegate
    )
    bump_version(connection)


def end_absence(connection: Connection, user_id: str, now: datetime) -> None:
    if _ended(connection, user_id, now):
        append_tenant_event(connection, TenantEventType.PERSON_BACK, user_id, now)
        bump_version(connection)


def _ended(connection: Connection, user_id: str, now: datetime) -> bool:
    """Whether there was an absence to end. One that was called off in the instant it began leaves nothing."""
    current = (ABSENCES.c.user_id == user_id, ABSENCES.c.current)
    called_off = connection.execute(delete(ABSENCES).where(*current, ABSENCES.c.since >= now)).rowcount
    until = case((ABSENCES.c.until < now, ABSENCES.c.until), else_=now)
    ended = connection.execute(update(ABSENCES).where(*current).values(current=False, until=until)).rowcount
    return bool(called_off or ended)


def absence_spans(connection: Connection, tenant_id: str, begin: datetime, end: datetime) -> dict[str, list[Span]]:
    """When whom was away in this time, each in order."""
    within = (ABSENCES.c.tenant_id == tenant_id, ABSENCES.c.until > begin, ABSENCES.c.since < end)
    query = select(ABSENCES.c.user_id, ABSENCES.c.since, ABSENCES.c.until).where(*within).order_by(ABSENCES.c.since)
    found: dict[str, list[Span]] = {}
    for user_id, since, until in connection.execute(query):
        found.setdefault(user_id, []).append((max(since, begin), min(until, end)))
    return found


def bump_version(connection: Connection, **times: datetime | None) -> None:
    """Every process drops what it remembers of the directory, with its next transaction.

    The version is a number out of the blue: a count would come a second time after a transaction that was rolled back.
    """
    connection.execute(update(INSTALLATION).values(directory_version=secrets.randbits(31), **times))
