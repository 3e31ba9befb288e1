"""The exceptions to rules that held in a month, for its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, text

from rules.oversight.report import ExceptionOfMonth
from rules.state.model import PackageState, Status
from store.agents.agents import agent_names
from store.packages.exceptions import EXCEPTIONS, USES
from store.packages.packages import PACKAGES
from store.packages.states import parse_state
from store.schema.exception_tables import HOLDING

MAX_EXCEPTIONS = 200  # the newest


def exceptions_of_month(
    connection: Connection, tenant_id: str, begin: datetime, until: datetime
) -> list[ExceptionOfMonth]:
    """Exceptions granted before the end of the month that ended in it or later, the first granted first."""
    used = and_(
        USES.c.tenant_id == EXCEPTIONS.c.tenant_id,
        USES.c.exception_id == EXCEPTIONS.c.package_id,
        USES.c.used_at >= begin,
        USES.c.used_at < until,
    )
    uses = select(func.count()).select_from(USES).where(used).scalar_subquery().label("uses")
    its_package = and_(EXCEPTIONS.c.tenant_id == PACKAGES.c.tenant_id, EXCEPTIONS.c.package_id == PACKAGES.c.package_id)
    rows = connection.execute(
        select(PACKAGES.c.state, uses)
        .join_from(EXCEPTIONS, PACKAGES, its_package)
        .where(EXCEPTIONS.c.tenant_id == tenant_id, or_(text(HOLDING), EXCEPTIONS.c.changed_at >= begin))
        .order_by(EXCEPTIONS.c.changed_at.desc(), EXCEPTIONS.c.package_id)
        .limit(MAX_EXCEPTIONS)
    )
    names = agent_names(connection, tenant_id)
    lines = [line for row in rows for line in _of_package(parse_state(row.state), row.uses, names)]
    return sorted((line for line in lines if line.begins < until and line.ends >= begin), key=lambda line: line.begins)


def _of_package(state: PackageState, uses: int, names: Mapping[str, str]) -> Iterator[ExceptionOfMonth]:
    exception = state.exception
    if exception is None or exception.granted_at is None:
        return
    is_revoked = state.status is Status.REVOKED
    revoked_at = state.decision.decided_at if is_revoked and state.decision else None
    yield ExceptionOfMonth(
        package_id=state.decision_package_id,
        rule=exception.rule,
        action_types=exception.action_types,
        agents=[names.get(agent_id, agent_id) for agent_id in exception.agents],
        begins=exception.granted_at,
        ends=revoked_at or exception.ended_at or exception.end,
        is_revoked=is_revoked,
        uses=uses,
    )
