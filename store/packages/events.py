"""The events of a package, as they were sealed.

`body` is the event as JSON, exactly as its digest was computed, so it is parsed and never rebuilt. A thread's events
are in the same table, with the thread's key in place of the package's id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, bindparam, func, or_, select, union_all

from rules.record.chain import Event
from rules.state.events import EventType
from store.engine.statements import fetch_all
from store.schema.tables import EventRow, core

EVENTS = core(EventRow)

_OF_PACKAGE = (
    select(EVENTS.c.body)
    .where(EVENTS.c.tenant_id == bindparam("tenant"), EVENTS.c.package_id == bindparam("package"))
    .order_by(EVENTS.c.revision)
)
_BODIES = select(EVENTS.c.event_id, EVENTS.c.body).where(
    EVENTS.c.tenant_id == bindparam("tenant"), EVENTS.c.event_id.in_(bindparam("events", expanding=True))
)
# Messages can be many: only the newest are part of the history that is shown.
_HISTORY = (
    select(EVENTS.c.body)
    .where(
        EVENTS.c.tenant_id == bindparam("tenant"),
        EVENTS.c.package_id == bindparam("package"),
        or_(EVENTS.c.event_type != EventType.PACKAGE_MESSAGE.value, EVENTS.c.revision > bindparam("messages_after")),
    )
    .order_by(EVENTS.c.revision)
)


def load_content_digests(connection: Connection, tenant_id: str, event_ids: list[str]) -> dict[str, str | None]:
    """The content digest in each of these events."""
    result = connection.execute(_BODIES, {"tenant": tenant_id, "events": event_ids})
    return {row.event_id: json.loads(row.body)["content"] for row in result}


_OF_CHAINS = (
    select(EVENTS.c.body)
    .where(EVENTS.c.tenant_id == bindparam("tenant"), EVENTS.c.package_id.in_(bindparam("chains", expanding=True)))
    .order_by(EVENTS.c.package_id, EVENTS.c.revision)
)


def load_events_of(connection: Connection, tenant_id: str, chain_ids: Iterable[str]) -> list[Event]:
    """The events of several packages or threads, oldest first."""
    rows = connection.execute(_OF_CHAINS, {"tenant": tenant_id, "chains": list(chain_ids)})
    return sorted(map(json.loads, rows.scalars()), key=lambda event: (event["occurred_at"], event["event_id"]))


def load_latest_events(
    connection: Connection, tenant_id: str, chain_ids: Iterable[str], limit: int, excluded_types: Collection[str]
) -> list[Event]:
    """The latest events of several packages or threads, oldest first. No chain is read further than needed."""
    latest = [
        select(EVENTS.c.body, EVENTS.c.occurred_at, EVENTS.c.event_id)
        .where(
            EVENTS.c.tenant_id == tenant_id, EVENTS.c.package_id == chain, EVENTS.c.event_type.not_in(excluded_types)
        )
        .order_by(EVENTS.c.revision.desc())
        .limit(limit)
        .subquery()
        .select()
        for chain in chain_ids
    ]
    rows = union_all(*latest).subquery()
    query = select(rows.c.body).order_by(rows.c.occurred_at.desc(), rows.c.event_id.desc()).limit(limit)
    return [json.loads(body) for body in connection.execute(query).scalars()][::-1]


def count_events_of(connection: Connection, tenant_id: str, chain_ids: Iterable[str]) -> int:
    of_chains = (EVENTS.c.tenant_id == tenant_id, EVENTS.c.package_id.in_(list(chain_ids)))
    return connection.execute(select(func.count()).select_from(EVENTS).where(*of_chains)).scalar_one()


def load_events(connection: Connection, tenant_id: str, package_id: str) -> list[Event]:
    key = {"tenant": tenant_id, "package": package_id}
    return [json.loads(row.body) for row in fetch_all(connection, _OF_PACKAGE, key)]


def load_history(connection: Connection, tenant_id: str, package_id: str, *, messages_after: int) -> list[Event]:
    """All events but the messages up to this revision."""
    key = {"tenant": tenant_id, "package": package_id, "messages_after": messages_after}
    return [json.loads(row.body) for row in fetch_all(connection, _HISTORY, key)]
