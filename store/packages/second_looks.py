"""Packages picked for a second look: they proceeded without a person or against the recommendation."""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from rules.state.model import PackageState, Status
from store.packages.packages import PACKAGES
from store.schema.tables import SAMPLED

_LIMIT = 1_000  # only the newest are offered; older ones without a verdict are dropped
# A package that was revoked needs no second look.
IS_SAMPLED = (
    text(SAMPLED),
    PACKAGES.c.status.in_([Status.APPROVED.value, Status.CONSENTED.value, Status.OVERRIDDEN.value]),
)


def list_unjudged(connection: Connection, tenant_id: str) -> list[PackageState]:
    """Sampled packages without a verdict, newest first."""
    query = (
        select(PACKAGES.c.state)
        .where(PACKAGES.c.tenant_id == tenant_id, *IS_SAMPLED, PACKAGES.c.verdict.is_(None))
        .order_by(PACKAGES.c.decided_at.desc())
        .limit(_LIMIT)
    )
    return [PackageState.model_validate_json(row.state) for row in connection.execute(query)]
