"""Applies Slack's events about people and groups in the order in which they happened, not in which they arrive.

Slack repeats events that it could not deliver, and each event may reach another replica. So each person, membership
and group has the time, by Slack's clock, of its newest event. An older event is ignored. If the order is unknown (two
events of the same time, or an event before the last full reading), only changes that remove authority are applied, and
the caller must read the whole directory again.
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
    """The time of an event by Slack's clock, and its id, which is the same in every repetition."""

    at: datetime
    event_id: str


class Order(Enum):
    NEWER = "newer"
    OLDER = "older"
    UNKNOWN = "unknown"


def event_order(event_time: EventTime, known: EventTime | None, read_at: datetime | None) -> Order:
    """Compare an event with the newest known one of its subject, and with the last full reading."""
    if known is not None and (event_time == known or event_time.at < known.at):
        return Order.OLDER
    before_reading = read_at is not None and event_time.at <= read_at
    return Order.UNKNOWN if before_reading or (known is not None and event_time.at == known.at) else Order.NEWER


def apply_person(connection: Connection, person: Person, event_time: EventTime) -> bool:
    """Apply a change of a person. Returns False if the directory must be read again."""
    key, read_at = {"tenant_id": lock_tenant(connection), "user_id": person.user_id}, _read_at(connection)
    row = connection.execute(select(PEOPLE).filter_by(**key)).one_or_none()
    known = Person(**{name: getattr(row, name) for name in FIELDS}) if row else None
    order = event_order(event_time, _event_time(row), read_at)
    result = person if order is Order.NEWER else known and _restrict(known, person)
    if order is Order.OLDER or result is None:
        return order is Order.OLDER
    marks = _marks(event_time) if order is Order.NEWER else {}
    _upsert(connection, PEOPLE, key, result.model_dump(include=set(FIELDS) - {"user_id"}) | marks)
    if result != known:
        bump_version(connection)
    return order is Order.NEWER or person == known


def _restrict(known: Person, person: Person) -> Person:
    """The known person, with every restriction of either version."""
    against = {name: getattr(known, name) or getattr(person, name) for name in ("is_bot", "is_guest", "is_stranger")}
    return known.model_copy(update=against | {"active": known.active and person.active})


def apply_group(connection: Connection, group: str, users: Collection[str], event_time: EventTime) -> bool:
    """Apply a complete list of members. Returns False if the directory must be read again."""
    tenant_id, members = lock_tenant(connection), set(_member_rows(connection, group))
    changes = dict.fromkeys(members, False) | dict.fromkeys(users, True)
    certain = _change_members(connection, tenant_id, group, changes, event_time)
    if event_order(event_time, _last_listing(connection, group), _read_at(connection)) is Order.NEWER:
        _upsert(connection, GROUPS, {"tenant_id": tenant_id, "group_id": group}, _marks(event_time))
    return certain


def apply_group_change(
    connection: Connection, group: str, added: Iterable[str], removed: Iterable[str], event_time: EventTime
) -> bool:
    """Apply added and removed members, so that concurrent changes do not undo each other. Returns as `apply_group`."""
    changes = dict.fromkeys(added, True) | dict.fromkeys(removed, False)
    return _change_members(connection, lock_tenant(connection), group, changes, event_time)


def _change_members(
    connection: Connection, tenant_id: str, group: str, changes: Mapping[str, bool], event_time: EventTime
) -> bool:
    rows, listed, read_at = _member_rows(connection, group), _last_listing(connection, group), _read_at(connection)
    certain = True
    for user, belongs in changes.items():
        row = rows.get(user)
        newest = max(filter(None, (_event_time(row), listed)), default=None)
        order, differs = event_order(event_time, newest, read_at), belongs != bool(row and not row.is_former)
        certain = certain and not (order is Order.UNKNOWN and differs)
        if order is Order.NEWER or (order is Order.UNKNOWN and differs and not belongs):
            key = {"tenant_id": tenant_id, "group_id": group, "user_id": user}
            _upsert(
                connection,
                MEMBERS,
                key,
                {"is_former": not belongs} | (_marks(event_time) if order is Order.NEWER else {}),
            )
            if differs:
                bump_version(connection)
    return certain


def _member_rows(connection: Connection, group: str) -> dict[str, Row[Any]]:
    """Members of the group, also former ones that an event has removed since the last reading."""
    rows = connection.execute(select(MEMBERS).where(MEMBERS.c.group_id == group))
    return {row.user_id: row for row in rows}


def _last_listing(connection: Connection, group: str) -> EventTime | None:
    """The last event that listed all members of the group."""
    return _event_time(connection.execute(select(GROUPS).where(GROUPS.c.group_id == group)).one_or_none())


def _read_at(connection: Connection) -> datetime | None:
    at: datetime | None = connection.execute(select(INSTALLATION.c.directory_read_at)).scalar()
    return at


def _event_time(row: Row[Any] | None) -> EventTime | None:
    return EventTime(row.told_at, row.told_by) if row is not None and row.told_at else None


def _marks(event_time: EventTime) -> dict[str, Any]:
    return {"told_at": event_time.at, "told_by": event_time.event_id}


def _upsert(connection: Connection, table: Table, key: dict[str, str], values: dict[str, Any]) -> None:
    """The installation's row is locked, so nobody else writes between the two statements."""
    if not connection.execute(update(table).filter_by(**key).values(**values)).rowcount:
        connection.execute(insert(table).values(**key, **values))
