"""What the numbers say: how much waits, how people decide and how long it takes them, how good it was afterwards.

Counted in the database, in the same words for both kinds. Percentiles are by nearest rank: times that somebody took.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, false, func, or_, select

from rules.record.statistics import Statistics
from rules.state.commands import HumanDecisionType, Verdict
from rules.state.model import Status
from store.installation.tenancy import tenant
from store.packages.packages import PACKAGES, says
from store.packages.queue import VOTES, waiting
from store.packages.sampled import MAY_BE_SAMPLED, UNATTENDED

_TERMINAL = [status.value for status in Status if status.terminal]


def stats(connection: Connection, since: datetime, now: datetime) -> Statistics:
    tenant_id = tenant(connection)
    settled, automatic = _settled(connection, tenant_id, since, now)
    median_ms, p90_ms = _times(connection, tenant_id, since, now)
    return Statistics(
        since=since,
        until=now,
        pending=waiting(connection, tenant_id, now),
        settled=settled,
        automatic=automatic,
        decisions=_decisions(connection, tenant_id, since, now),
        median_ms=median_ms,
        p90_ms=p90_ms,
        **_judged(connection, tenant_id, since, now)._asdict(),
    )


def _settled(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> tuple[dict[Status, int], int]:
    """What packages came to, by status, and how many of them needed nobody."""
    automatic = case((UNATTENDED, 1), else_=0).label("automatic")
    query = select(PACKAGES.c.status, automatic, func.count().label("packages"))
    query = query.where(*_ended(tenant_id, since, now)).group_by(PACKAGES.c.status, "automatic")
    rows = connection.execute(query).all()
    by_status = {Status(row.status): row.packages for row in rows if not row.automatic}
    return by_status, sum(row.packages for row in rows if row.automatic)


def _ended(tenant_id: str, since: datetime, now: datetime) -> tuple[ColumnElement[bool], ...]:
    within = (PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.decided_at > since, PACKAGES.c.decided_at <= now)
    return (*within, PACKAGES.c.status.in_(_TERMINAL))


class _Judged(NamedTuple):
    sampled: int
    judged: int
    unsound: int


def _judged(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> _Judged:
    """Only what went ahead by itself or against the recommendation is ever sampled.

    The states of all the rest are not read, which `case` alone promises: a database tests conditions in any order.
    """
    sound, unsound = (says("verdict", f'"{verdict}"') for verdict in Verdict)
    query = select(func.count().label("sampled"), _counted(or_(sound, unsound)), _counted(unsound))
    query = query.where(*_ended(tenant_id, since, now), case((MAY_BE_SAMPLED, says("sampled", "true")), else_=false()))
    return _Judged(*connection.execute(query).one())


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _decisions(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> dict[HumanDecisionType, int]:
    query = (
        select(VOTES.c.decision, func.count().label("votes"))
        .where(VOTES.c.tenant_id == tenant_id, VOTES.c.at > since, VOTES.c.at <= now)
        .group_by(VOTES.c.decision)
    )
    found = {HumanDecisionType(decision): votes for decision, votes in connection.execute(query)}
    return {decision: found[decision] for decision in HumanDecisionType if decision in found}


def _times(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> tuple[int | None, int | None]:
    """Median and p90 of the time from being asked to having decided."""
    rank = func.cume_dist().over(order_by=VOTES.c.latency_ms).label("rank")
    within = (VOTES.c.tenant_id == tenant_id, VOTES.c.at > since, VOTES.c.at <= now)
    ranked = select(VOTES.c.latency_ms, rank).where(*within).subquery()
    median, p90 = (func.min(case((ranked.c.rank >= part, ranked.c.latency_ms))) for part in (0.5, 0.9))
    row = connection.execute(select(median.label("median"), p90.label("p90"))).one()
    return row.median, row.p90
