"""Requests signed by Slack that were handled: a repeated one changes nothing.

A signature is valid for five minutes before and after its time, so a recorded request could be replayed. Decisions are
protected by their command id. For everything without such an id, the request is saved in the transaction of its change.
Time here is real time, as it is for signatures.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, text

from store.schema.tables import RequestRow, core

REQUESTS = core(RequestRow)
KEPT_FOR = timedelta(minutes=15)

_REMEMBER = text(
    "INSERT INTO requests (tenant_id, request, at) VALUES (:tenant, :request, :at)"
    " ON CONFLICT (tenant_id, request) DO NOTHING"
).bindparams(bindparam("at", type_=REQUESTS.c.at.type))


def run_once(connection: Connection, tenant_id: str, request: str, operation: Callable[[Connection], object]) -> bool:
    """Whether the operation ran now. If two replicas get the same request, one waits for the other to commit."""
    now = datetime.now(UTC)
    connection.execute(delete(REQUESTS).where(REQUESTS.c.tenant_id == tenant_id, REQUESTS.c.at < now - KEPT_FOR))
    inserted = connection.execute(_REMEMBER, {"tenant": tenant_id, "request": request, "at": now})
    if not inserted.rowcount:
        return False
    operation(connection)
    return True
