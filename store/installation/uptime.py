"""When an objection could have been received and handled: the spans of time that each process can prove.

A process extends its span while its proofs follow closely; after a gap it begins another. Slack or a load balancer may
send a click to any present process (`store.installation.presence`), so time counts only while all of them have proof.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, delete, select, text, update

from rules.people.working_time import Span, Spans, intersection, subtract
from store.installation import presence
from store.schema.installation_tables import Uptime
from store.schema.tables import core

UPTIMES = core(Uptime)
AHEAD = timedelta(seconds=15)  # the clocks of two machines may differ by this much

_THIS = (
    UPTIMES.c.tenant_id == bindparam("tenant"),
    UPTIMES.c.process_id == bindparam("process"),
    UPTIMES.c.since == bindparam("begun", type_=UPTIMES.c.since.type),
)
# A clock that stands still, or was set back to this very time, begins the same span a second time.
_BEGIN = text(
    "INSERT INTO uptimes (tenant_id, process_id, since, until) VALUES (:tenant, :process, :at, :at)"
    " ON CONFLICT (tenant_id, process_id, since) DO UPDATE SET until = excluded.until"
).bindparams(bindparam("at", type_=UPTIMES.c.since.type))
_GROW = update(UPTIMES).where(*_THIS).values(until=bindparam("at"))
# The clock was set back: cut spans that now lie in the future. Clocks of other machines may be slightly ahead.
_CUT_FUTURE = (
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
    select(UPTIMES.c.process_id, UPTIMES.c.since, UPTIMES.c.until)
    .where(
        UPTIMES.c.tenant_id == bindparam("tenant"),
        UPTIMES.c.until > bindparam("begin", type_=UPTIMES.c.until.type),
        UPTIMES.c.since < bindparam("end", type_=UPTIMES.c.since.type),
    )
    .order_by(UPTIMES.c.since)
)


def begin_uptime(connection: Connection, tenant_id: str, process_id: str, since: datetime, now: datetime) -> None:
    connection.execute(_CUT_FUTURE, {"tenant": tenant_id, "at": now, "late": now + AHEAD})
    connection.execute(_BEGIN, {"tenant": tenant_id, "process": process_id, "at": since})


def extend_uptime(connection: Connection, tenant_id: str, process_id: str, since: datetime, until: datetime) -> None:
    key = {"tenant": tenant_id, "process": process_id, "begun": since}
    connection.execute(_GROW, key | {"at": until})


def provable_spans(connection: Connection, tenant_id: str, begin: datetime, end: datetime) -> Spans:
    """When at least one process was present, and every present one could have handled a click."""
    present, proven = defaultdict[str, list[Span]](list), defaultdict[str, list[Span]](list)
    for process_id, span in presence.presence_spans(connection, tenant_id, begin, end):
        present[process_id].append(span)
    for row in connection.execute(_WITHIN, {"tenant": tenant_id, "begin": begin, "end": end}):
        proven[row.process_id].append((row.since, row.until))
    sound = [span for process_id, spans in present.items() for span in intersection(spans, proven[process_id])]
    unsound = [span for process_id, spans in present.items() for span in subtract(spans, proven[process_id])]
    return intersection(subtract(sound, unsound), [(begin, end)])


def delete_uptimes(connection: Connection, tenant_id: str, before: datetime) -> None:
    """Delete spans that no open package needs."""
    connection.execute(delete(UPTIMES).where(UPTIMES.c.tenant_id == tenant_id, UPTIMES.c.until < before))
    presence.delete_presences(connection, tenant_id, before)
