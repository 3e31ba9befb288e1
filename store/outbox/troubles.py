"""Troubles: places where Slack refuses cards permanently. Admins are told once that one began and once that it ended.

Any replica can record a trouble. One that returns soon after its end, or that replicas see differently, is the same.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, text, update

from store.outbox.cards import CARDS
from store.schema.outbox_tables import Trouble
from store.schema.tables import core

TROUBLES = core(Trouble)

# Used instead of a place:
APP = "slack"  # Slack refuses the app itself
SOCKET = "socket"  # the Socket Mode connection, without which no click arrives
OF_THE_APP = (APP, SOCKET)
CALM = timedelta(minutes=1)  # how long a trouble must be over before admins are told

_OF_TENANT = TROUBLES.c.tenant_id == bindparam("tenant")
_TIME = TROUBLES.c.since.type
_KEEP = text(
    "INSERT INTO troubles (tenant_id, place, error, since, told, closed_until)"
    " VALUES (:tenant, :place, :error, :now, false, :closed) ON CONFLICT (tenant_id, place) DO UPDATE"
    " SET told = troubles.told AND troubles.error = excluded.error, error = excluded.error,"
    " closed_until = excluded.closed_until, ended_at = NULL"
).bindparams(bindparam("now", type_=_TIME), bindparam("closed", type_=_TIME))
_HERE = (_OF_TENANT, TROUBLES.c.place == bindparam("at"))
_ON = TROUBLES.c.ended_at.is_(None)
_ERROR = select(TROUBLES.c.error).where(*_HERE)
_CLOSED = select(TROUBLES.c.error, TROUBLES.c.closed_until).where(*_HERE, _ON)
_KNOWN = (TROUBLES.c.place, TROUBLES.c.error, TROUBLES.c.since, TROUBLES.c.ended_at)
_READ = select(*_KNOWN).where(_OF_TENANT, _ON).order_by(TROUBLES.c.place)
_THESE = (_OF_TENANT, TROUBLES.c.place.in_(bindparam("places", expanding=True)), _ON)
_OPEN = select(TROUBLES.c.place).where(*_THESE)
# The end is reported only if the beginning was. A refusal of the app itself can only be reported afterwards.
_REPORTED = or_(TROUBLES.c.told, TROUBLES.c.place == APP)
_END = update(TROUBLES).where(*_THESE, _REPORTED).values(ended_at=bindparam("now", type_=_TIME))
_FORGET = delete(TROUBLES).where(*_THESE, ~_REPORTED)
_OF_NOBODY = delete(TROUBLES).where(
    _OF_TENANT,
    TROUBLES.c.place.not_in(bindparam("named", expanding=True)),
    ~select(CARDS.c.place)
    .where(CARDS.c.tenant_id == TROUBLES.c.tenant_id, CARDS.c.behind, CARDS.c.place == TROUBLES.c.place)
    .exists(),
)
_BEGUN = and_(_OF_TENANT, ~TROUBLES.c.told, _ON, TROUBLES.c.place != APP)
_ENDED = and_(_OF_TENANT, TROUBLES.c.ended_at <= bindparam("calm", type_=_TIME))
_UNREPORTED = select(TROUBLES.c.place).where(or_(_BEGUN, _ENDED)).limit(1)
_REPORT_BEGUN = update(TROUBLES).where(_BEGUN).values(told=True).returning(*_KNOWN)
_REPORT_ENDED = delete(TROUBLES).where(_ENDED).returning(*_KNOWN)
_BEGUN_AGAIN = update(TROUBLES).where(*_HERE).values(told=False)
_ENDED_AGAIN = text(
    "INSERT INTO troubles (tenant_id, place, error, since, told, ended_at)"
    " VALUES (:tenant, :place, :error, :since, true, :ended_at) ON CONFLICT (tenant_id, place) DO NOTHING"
).bindparams(bindparam("since", type_=_TIME), bindparam("ended_at", type_=_TIME))


class TroubleReport(NamedTuple):
    place: str
    error: str
    since: datetime
    ended_at: datetime | None = None


class TroubleAt(NamedTuple):
    """The error of a place, and whether it is still closed or can be tried again."""

    error: str
    is_closed: bool


def record_trouble(
    connection: Connection,
    tenant_id: str,
    place: str,
    *,
    error: str,
    now: datetime,
    closed_until: datetime | None = None,
) -> bool:
    """Record a trouble. Returns whether its error is new."""
    before = connection.execute(_ERROR, {"tenant": tenant_id, "at": place}).scalar()
    row = {"tenant": tenant_id, "place": place, "error": error, "now": now, "closed": closed_until}
    connection.execute(_KEEP, row)
    return before != error


def trouble_at(connection: Connection, tenant_id: str, place: str, now: datetime) -> TroubleAt | None:
    row = connection.execute(_CLOSED, {"tenant": tenant_id, "at": place}).first()
    return TroubleAt(row.error, row.closed_until is not None and row.closed_until > now) if row else None


def current_troubles(connection: Connection, tenant_id: str) -> list[TroubleReport]:
    return [TroubleReport(*row) for row in connection.execute(_READ, {"tenant": tenant_id})]


def end_troubles(connection: Connection, tenant_id: str, *places: str, now: datetime) -> list[str]:
    """End the troubles of these places and return the places that had one. Nearly always none: nothing is written."""
    these = {"tenant": tenant_id, "places": places}
    ended = [row.place for row in connection.execute(_OPEN, these)]
    if ended:
        connection.execute(_FORGET, these)
        connection.execute(_END, these | {"now": now})
    return ended


def delete_unused_troubles(connection: Connection, tenant_id: str, named: Collection[str]) -> None:
    """Delete troubles of places that the policy does not name and that have no outdated card."""
    connection.execute(_OF_NOBODY, {"tenant": tenant_id, "named": [*named, *OF_THE_APP]})


def is_any_unreported(connection: Connection, tenant_id: str, now: datetime) -> bool:
    """A cheap query, because the scheduler repeats it and the answer is nearly always no."""
    return connection.execute(_UNREPORTED, {"tenant": tenant_id, "calm": now - CALM}).first() is not None


def take_unreported(connection: Connection, tenant_id: str, now: datetime) -> list[TroubleReport]:
    """Take the troubles to report to the admins. Each is given to one caller, which must report it."""
    taken = [*connection.execute(_REPORT_BEGUN, {"tenant": tenant_id})]
    taken += connection.execute(_REPORT_ENDED, {"tenant": tenant_id, "calm": now - CALM})
    return [TroubleReport(*row) for row in taken]


def report_again(connection: Connection, tenant_id: str, trouble: TroubleReport) -> None:
    """Undo `take_unreported` for a trouble that could not be reported."""
    if trouble.ended_at:
        connection.execute(_ENDED_AGAIN, trouble._asdict() | {"tenant": tenant_id})
    else:
        connection.execute(_BEGUN_AGAIN, {"tenant": tenant_id, "at": trouble.place})
