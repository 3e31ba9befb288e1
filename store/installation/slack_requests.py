"""The time of the last request from Slack, for each host to which it was sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from store.schema.installation_tables import SlackRequestTime
from store.schema.tables import core

HEARD = core(SlackRequestTime)

_KEEP = text(
    "INSERT INTO heard_at (tenant_id, host, at) VALUES (:tenant, :host, :at)"
    " ON CONFLICT (tenant_id, host) DO UPDATE SET at = excluded.at WHERE heard_at.at < excluded.at"
).bindparams(bindparam("at", type_=HEARD.c.at.type))


def record_slack_request(connection: Connection, tenant_id: str, host: str, at: datetime) -> None:
    connection.execute(_KEEP, {"tenant": tenant_id, "host": host, "at": at})


def last_slack_request(connection: Connection, tenant_id: str, host: str) -> datetime | None:
    query = select(HEARD.c.at).where(HEARD.c.tenant_id == tenant_id, HEARD.c.host == host)
    return connection.execute(query).scalar()
