"""What Slack's events tell of people and groups, in the order in which it happened and not in which it arrives.

Slack repeats what it could not deliver, and each event may reach another replica. So each person, each member of a
group and each group keeps when, by Slack's clock, the newest event about it happened. An older event is let go. Where
the order is open (two events of one moment, or an event from before the last whole reading), only what takes authority
away is kept, and the caller is told to read everything again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, insert, select, update

from rules.people.directory import Person
from store.installation.directory import FIELDS, bump_version
from store.installation.installation import GROUPS, INSTALLATION, MEMBERS, PEOPLE
from store.installation.tenancy import lock_tenant


class EventTime(NamedTuple):
    """When an event happened by Slack's clock, and its id, which every repetition carries."""

    at: datetime
    event_id: str


class Order(Enum):
    NEWER = "newer"
    OLDER = "older"
    OPEN = "open"


def event_order(told: EventTime, known: EventTime | None, read_at: datetime | None) -> Order:
    """How an event stands to the newest one that is known of its subject, and to the last whole reading."""
    if known is not None and (told == known or told.at < known.at):
        return Order.OLDER
    before_reading = read_at is not None and told.at <= read_at
    return Order.OPEN if before_reading or (known is not None and told.at == known.at) else Order.NEWER


def apply_person(connection: Connection, person: Person, told: EventTime) -> bool:
    """Whether this is certain. If not, the directory must be read again."""
    key, read_at = {"tenant_id": lock_tenant(connection), "user_id": person.user_id}, _read_at(connection)
    row = connection.execute(select(PEOPLE).filter_by(**key)).one_or_none()
    known = Person(**{name: getattr(row, name) for name in FIELDS}) if row else None
    how = event_order(told, _told(row), read_at)
    learnt = person if how is Order.NEWER else known and _restricted(known, person)
    if how is Order.OLDER or learnt is None:
        return how is Order.OLDER
    marks = _marks(told) if how is Order.NEWER else {}
    _put(connection, PEOPLE, key, learnt.model_dump(include=set(FIELDS) - {"user_id"}) | marks)
    if learnt != known:
        bump_version(connection)
    return how is Order.NEWER or person == known


def _restricted(known: Person, person: Person) -> Person:
    """As known, with all that stands against this person in either."""
    against = {name: getattr(known, name) or getattr(person, name) for name in ("is_bot", "is_guest", "is_stranger")}
    return known.model_copy(update=against | {"active": known.active and person.active})


def apply_group(connection: Connection, group: str, users: Collection[str], told: EventTime) -> bool:
    """All members of a group, as Slack lists them. Whether this is certain."""
    tenant_id, members = lock_tenant(connection), set(_known(connection, group))
    changes = dict.fromkeys(members, False) | dict.fromkeys(users, True)
    certain = _change(connection, tenant_id, group, changes, told)
    if event_order(told, _listed(connection, group), _read_at(connection)) is Order.NEWER:
        _put(connection, GROUPS, {"tenant_id": tenant_id, "group_id": group}, _marks(told))
    return certain


def apply_group_change(
    connection: Connection, group: str, added: Iterable[str], removed: Iterable[str], told: EventTime
) -> bool:
    """The difference alone: of two changes that come at once neither undoes the other. Whether this is certain."""
    changes = dict.fromkeys(added, True) | dict.fromkeys(removed, False)
    return _change(connection, lock_tenant(connection), group, changes, told)


def _change(connection: Connection, tenant_id: str, group: str, changes: Mapping[str, bool], told: EventTime) -> bool:
    rows, listed, read_at = _known(connection, group), _listed(connection, group), _read_at(connection)
    certain = True
    for user, belongs in changes.items():
        row = rows.get(user)
        newest = max(filter(None, (_told(row), listed)), default=None)
        how, differs = event_order(told, newest, read_at), belongs != bool(row and not row.is_former)
        certain = certain and not (how is Order.OPEN and differs)
        if how is Order.NEWER or (how is Order.OPEN and differs and not belongs):
            key = {"tenant_id": tenant_id, "group_id": group, "user_id": user}
            _put(connection, MEMBERS, key, {"is_former": not belongs} | (_marks(told) if how is Order.NEWER else {}))
            if differs:
                bump_version(connection)
    return certain


def _known(connection: Connection, group: str) -> dict[str, Row[Any]]:
    """Who belongs to the group, and who did at an event that is newer than the last reading."""
    rows = connection.execute(select(MEMBERS).where(MEMBERS.c.group_id == group))
    return {row.user_id: row for row in rows}


def _listed(connection: Connection, group: str) -> EventTime | None:
    """When all members of the group were last listed by an event."""
    return _told(connection.execute(select(GROUPS).where(GROUPS.c.group_id == group)).one_or_none())


def _read_at(connection: Connection) -> datetime | None:
    at: datetime | None = connection.execute(select(INSTALLATION.c.directory_read_at)).scalar()
    return at


def _told(row: Row[Any] | None) -> EventTime | None:
    return EventTime(row.told_at, row.told_by) if row is not None and row.told_at else None


def _marks(told: EventTime) -> dict[str, Any]:
    return {"told_at": told.at, "told_by": told.event_id}


def _put(connection: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    """The installation's row is held, so nobody else writes between the two."""
    if not connection.execute(update(table).filter_by(**key).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values))
