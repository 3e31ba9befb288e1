"""The events of a package, as they were sealed."""

from __future__ import annotations

import json

from sqlalchemy import Connection, bindparam, select

from rules.record.chain import Event
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


def load_content_digests(connection: Connection, tenant_id: str, event_ids: list[str]) -> dict[str, str | None]:
    """The content digest in each of these events."""
    result = connection.execute(_BODIES, {"tenant": tenant_id, "events": event_ids})
    return {row.event_id: json.loads(row.body)["content"] for row in result}


def load_events(connection: Connection, tenant_id: str, package_id: str) -> list[Event]:
    key = {"tenant": tenant_id, "package": package_id}
    return [json.loads(row.body) for row in fetch_all(connection, _OF_PACKAGE, key)]
