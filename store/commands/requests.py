"""Requests that Slack signed and that were carried out: whoever sends one again changes nothing by it.

A signature counts for five minutes, before and after its time, so a recorded request could be sent again meanwhile. For
decisions the command's own id makes it count once; for what has no such id the request is remembered, in the same
transaction as what it changes. Time here is the real one, as it is for signatures.
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
    """Whether it was carried out now. Of two replicas that get the same at once, one waits for the other's commit."""
    now = datetime.now(UTC)
    connection.execute(delete(REQUESTS).where(REQUESTS.c.tenant_id == tenant_id, REQUESTS.c.at < now - KEPT_FOR))
    remembered = connection.execute(_REMEMBER, {"tenant": tenant_id, "request": request, "at": now})
    if not remembered.rowcount:
        return False
    operation(connection)
    return True
