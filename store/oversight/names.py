"""Whoever reads numbers under people's names is recorded in the tenant's chain before they are shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from rules.policy.model import Policy
from rules.record.chain import rfc3339
from rules.state.events import TenantEventType
from store.installation.tenancy import append_tenant_event


def record_names_read(connection: Connection, policy: Policy, reader: str, since: datetime, until: datetime) -> bool:
    """Record that this person reads the measures of this period by reviewer. False: the policy names nobody.

    Commit this before the numbers are read, so that nobody sees them without a trace.
    """
    if not policy.oversight.names:
        return False
    period = {"since": rfc3339(since), "until": rfc3339(until)}
    append_tenant_event(connection, TenantEventType.OVERSIGHT_NAMES_READ, reader, until, **period)
    return True
