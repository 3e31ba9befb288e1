"""Where Slack refuses for good to show anything: every replica can say so, and the admins are told once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text, update

from store.cards import CARDS
from store.outbox_tables import Trouble
from store.tables import core

TROUBLES = core(Trouble)

APP = "slack"  # in the place of a place: the app itself, which Slack does not let do anything any more

_OF_TENANT = TROUBLES.c.tenant_id == bindparam("tenant")
_KEEP = text(
    "INSERT INTO troubles (tenant_id, place, error, since, told, closed_until)"
    " VALUES (:tenant, :place, :error, :now, false, :closed) ON CONFLICT (tenant_id, place) DO UPDATE"
    " SET told = troubles.told AND troubles.error = excluded.error, error = excluded.error,"
    " closed_until = excluded.closed_until"
).bindparams(bindparam("now", type_=TROUBLES.c.since.type), bindparam("closed", type_=TROUBLES.c.closed_until.type))
_READ = select(TROUBLES.c.place, TROUBLES.c.error, TROUBLES.c.since).where(_OF_TENANT).order_by(TROUBLES.c.place)
_HERE = (_OF_TENANT, TROUBLES.c.place == bindparam("at"))
_CLOSED = select(TROUBLES.c.error, TROUBLES.c.closed_until).where(*_HERE)
_OVER = delete(TROUBLES).where(_OF_TENANT, TROUBLES.c.place.in_(bindparam("places", expanding=True)))
_OF_NOBODY = delete(TROUBLES).where(
    _OF_TENANT,
    TROUBLES.c.place.not_in(bindparam("named", expanding=True)),
    ~select(CARDS.c.place)
    .where(CARDS.c.tenant_id == TROUBLES.c.tenant_id, CARDS.c.behind, CARDS.c.place == TROUBLES.c.place)
    .exists(),
)
# That the app is gone it cannot tell anybody.
_TO_TELL = (_OF_TENANT, ~TROUBLES.c.told, TROUBLES.c.place != APP)
_UNTOLD = select(TROUBLES.c.place).where(*_TO_TELL).limit(1)
_TELL = (
    update(TROUBLES).where(*_TO_TELL).values(told=True).returning(TROUBLES.c.place, TROUBLES.c.error, TROUBLES.c.since)
)

_TELL_AGAIN = update(TROUBLES).where(*_HERE).values(told=False)


class Known(NamedTuple):
    place: str
    error: str
    since: datetime


class Closed(NamedTuple):
    """What Slack said, and whether to try it again already."""

    error: str
    still: bool


def keep(
    connection: Connection,
    tenant_id: str,
    place: str,
    *,
    error: str,
    now: datetime,
    closed_until: datetime | None = None,
) -> None:
    said = {"tenant": tenant_id, "place": place, "error": error, "now": now, "closed": closed_until}
    connection.execute(_KEEP, said)


def closed(connection: Connection, tenant_id: str, place: str, now: datetime) -> Closed | None:
    row = connection.execute(_CLOSED, {"tenant": tenant_id, "at": place}).first()
    return Closed(row.error, row.closed_until is not None and row.closed_until > now) if row else None


def known(connection: Connection, tenant_id: str) -> list[Known]:
    return [Known(*row) for row in connection.execute(_READ, {"tenant": tenant_id})]


def over(connection: Connection, tenant_id: str, *places: str) -> None:
    connection.execute(_OVER, {"tenant": tenant_id, "places": places})


def end_those_of_nobody(connection: Connection, tenant_id: str, named: Collection[str]) -> None:
    """What the policy does not name, and where nothing is to be shown, is nobody's trouble any more."""
    connection.execute(_OF_NOBODY, {"tenant": tenant_id, "named": [*named, APP]})


def is_any_untold(connection: Connection, tenant_id: str) -> bool:
    """Asked at each look, and nearly always not so: to find that out, nothing is written."""
    return connection.execute(_UNTOLD, {"tenant": tenant_id}).first() is not None


def to_be_told(connection: Connection, tenant_id: str) -> list[Known]:
    """Each once: whoever takes them tells them."""
    return [Known(*row) for row in connection.execute(_TELL, {"tenant": tenant_id})]


def tell_again(connection: Connection, tenant_id: str, place: str) -> None:
    connection.execute(_TELL_AGAIN, {"tenant": tenant_id, "at": place})
