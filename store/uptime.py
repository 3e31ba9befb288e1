"""When somebody could have been heard: the stretches of time in which a process of ours was up and Slack was there.

A process says so again and again. As long as it does, its stretch grows; after a gap it begins another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, delete, select, text, update

from rules.calendar import Span
from store.tables import Uptime, core

UPTIMES = core(Uptime)
AHEAD = timedelta(seconds=15)  # so far apart the clocks of two machines may be

_THIS = (
    UPTIMES.c.tenant_id == bindparam("tenant"),
    UPTIMES.c.process_id == bindparam("process"),
    UPTIMES.c.since == bindparam("begun", type_=UPTIMES.c.since.type),
)
# A clock that stands still, or was set back to the very moment, begins the same stretch a second time.
_BEGIN = text(
    "INSERT INTO uptimes (tenant_id, process_id, since, until) VALUES (:tenant, :process, :at, :at)"
    " ON CONFLICT (tenant_id, process_id, since) DO UPDATE SET until = excluded.until"
).bindparams(bindparam("at", type_=UPTIMES.c.since.type))
_GROW = update(UPTIMES).where(*_THIS).values(until=bindparam("at"))
# The clock was set back: what was lived by the old one has not come yet. Other machines may be a little ahead.
_NOT_YET = (
    update(UPTIMES)
    .where(UPTIMES.c.tenant_id == bindparam("tenant"), UPTIMES.c.until > bindparam("late", type_=UPTIMES.c.until.type))
    .values(
        until=case(
            (UPTIMES.c.since > bindparam("at", type_=UPTIMES.c.since.type), UPTIMES.c.since),
            else_=bindparam("at", type_=UPTIMES.c.until.type),
        )
    )
)
_WITHIN = (
    select(UPTIMES.c.since, UPTIMES.c.until)
    .where(
        UPTIMES.c.tenant_id == bindparam("tenant"),
        UPTIMES.c.until > bindparam("begin", type_=UPTIMES.c.until.type),
        UPTIMES.c.since < bindparam("end", type_=UPTIMES.c.since.type),
    )
    .order_by(UPTIMES.c.since)
)


def begin(connection: Connection, tenant_id: str, process_id: str, now: datetime) -> None:
    connection.execute(_NOT_YET, {"tenant": tenant_id, "at": now, "late": now + AHEAD})
    connection.execute(_BEGIN, {"tenant": tenant_id, "process": process_id, "at": now})


def grow(connection: Connection, tenant_id: str, process_id: str, since: datetime, now: datetime) -> None:
    key = {"tenant": tenant_id, "process": process_id, "begun": since}
    connection.execute(_GROW, key | {"at": now})


def within(connection: Connection, tenant_id: str, begin: datetime, end: datetime) -> list[Span]:
    """Of all processes: they may lie over one another."""
    rows = connection.execute(_WITHIN, {"tenant": tenant_id, "begin": begin, "end": end})
    return [(max(row.since, begin), min(row.until, end)) for row in rows]


def forget(connection: Connection, tenant_id: str, before: datetime) -> None:
    """What no open package can ask about any more."""
    connection.execute(delete(UPTIMES).where(UPTIMES.c.tenant_id == tenant_id, UPTIMES.c.until < before))
