"""What went ahead without a person, or against the recommendation, and was picked for a second look."""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select

from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from store.packages.packages import PACKAGES, says

_LOOKED_AT = 5_000  # of the newest that may have been picked: what nobody judged in so many has been let go

UNATTENDED = PACKAGES.c.level.in_([HITLLevel.FULL_AUTO.value, HITLLevel.NOTIFY_ONLY.value])
MAY_BE_SAMPLED = or_(
    and_(UNATTENDED, PACKAGES.c.status == Status.APPROVED.value),
    PACKAGES.c.status.in_([Status.CONSENTED.value, Status.OVERRIDDEN.value]),
)


def to_judge(connection: Connection, tenant_id: str) -> list[PackageState]:
    """What nobody has judged yet, the newest first."""
    newest = (
        select(PACKAGES.c.package_id)
        .where(PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.decided_at.is_not(None), MAY_BE_SAMPLED)
        .order_by(PACKAGES.c.decided_at.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    query = (
        select(PACKAGES.c.state)
        .join_from(newest, PACKAGES, PACKAGES.c.package_id == newest.c.package_id)
        .where(PACKAGES.c.tenant_id == tenant_id, says("sampled", "true"), says("verdict", "null"))
        .order_by(PACKAGES.c.decided_at.desc())
    )
    return [PackageState.model_validate_json(row.state) for row in connection.execute(query)]
