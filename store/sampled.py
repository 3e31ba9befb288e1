"""What went ahead by silence, or against the recommendation, and was picked for a second look."""

from __future__ import annotations

from sqlalchemy import Connection, select

from rules.state import PackageState, Status
from store.packages import PACKAGES

_LOOKED_AT = 500  # of the newest: what nobody judged in so many has been let go


def to_judge(connection: Connection, tenant_id: str) -> list[PackageState]:
    """What nobody has judged yet, the newest first."""
    query = (
        select(PACKAGES.c.state)
        .where(
            PACKAGES.c.tenant_id == tenant_id,
            PACKAGES.c.status.in_([Status.CONSENTED.value, Status.OVERRIDDEN.value]),
            PACKAGES.c.decided_at.is_not(None),
        )
        .order_by(PACKAGES.c.decided_at.desc())
        .limit(_LOOKED_AT)
    )
    states = (PackageState.model_validate_json(row.state) for row in connection.execute(query))
    return [state for state in states if state.sampled and state.verdict is None]
