"""Where Slack refuses for good to show anything: every replica can say so, and the admins are told once."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text, update

from store.outbox_tables import Trouble
from store.tables import core

TROUBLES = core(Trouble)

_OF_TENANT = TROUBLES.c.tenant_id == bindparam("tenant")
_KEEP = text(
    "INSERT INTO troubles (tenant_id, place, error, since, told) VALUES (:tenant, :place, :error, :now, false)"
    " ON CONFLICT (tenant_id, place) DO UPDATE SET error = excluded.error, told = false"
    " WHERE troubles.error <> excluded.error"
).bindparams(bindparam("now", type_=TROUBLES.c.since.type))
_READ = select(TROUBLES.c.place, TROUBLES.c.error, TROUBLES.c.since).where(_OF_TENANT).order_by(TROUBLES.c.place)
_OVER = delete(TROUBLES).where(_OF_TENANT, TROUBLES.c.place == bindparam("at"))
_UNTOLD = select(TROUBLES.c.place).where(_OF_TENANT, ~TROUBLES.c.told).limit(1)
_TELL = (
    update(TROUBLES)
    .where(_OF_TENANT, ~TROUBLES.c.told)
    .values(told=True)
    .returning(TROUBLES.c.place, TROUBLES.c.error, TROUBLES.c.since)
)

_TELL_AGAIN = update(TROUBLES).where(_OF_TENANT, TROUBLES.c.place == bindparam("at")).values(told=False)


class Known(NamedTuple):
    place: str
    error: str
    since: datetime


def keep(connection: Connection, tenant_id: str, place: str, error: str, now: datetime) -> None:
    connection.execute(_KEEP, {"tenant": tenant_id, "place": place, "error": error, "now": now})


def known(connection: Connection, tenant_id: str) -> list[Known]:
    return [Known(*row) for row in connection.execute(_READ, {"tenant": tenant_id})]


def over(connection: Connection, tenant_id: str, place: str) -> None:
    connection.execute(_OVER, {"tenant": tenant_id, "at": place})


def is_any_untold(connection: Connection, tenant_id: str) -> bool:
    """Asked at each look, and nearly always not so: to find that out, nothing is written."""
    return connection.execute(_UNTOLD, {"tenant": tenant_id}).first() is not None


def to_be_told(connection: Connection, tenant_id: str) -> list[Known]:
    """Each once: whoever takes them tells them."""
    return [Known(*row) for row in connection.execute(_TELL, {"tenant": tenant_id})]


def tell_again(connection: Connection, tenant_id: str, place: str) -> None:
    connection.execute(_TELL_AGAIN, {"tenant": tenant_id, "at": place})
