"""The policy texts that ever held: kept whole, because decisions name them by their digest."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from rules.policy import Policy
from store.tables import PolicyText, core
from store.tenancy import alone, happened

POLICIES = core(PolicyText)


def keep(connection: Connection, policy: Policy, text: str, now: datetime) -> None:
    """Keeps the text and says so in the tenant's chain, when it is seen for the first time."""
    tenant_id = alone(connection)
    known = select(POLICIES.c.digest).where(POLICIES.c.tenant_id == tenant_id, POLICIES.c.digest == policy.digest)
    if connection.execute(known).first():
        return
    row = {
        "tenant_id": tenant_id,
        "digest": policy.digest,
        "version": policy.version,
        "text": text,
        "first_used_at": now,
    }
    connection.execute(insert(POLICIES), row)
    happened(connection, "policy.activated", "operator", now, version=policy.version, policy_digest=policy.digest)
