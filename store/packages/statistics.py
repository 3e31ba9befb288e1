"""Review statistics: open tasks, decisions, decision times, and verdicts of second looks.

The database counts them, with the same SQL on SQLite and PostgreSQL. Percentiles use the nearest rank.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from rules.record.statistics import Statistics
from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType, Verdict
from rules.state.model import Status
from store.installation.tenancy import read_tenant_id
from store.packages.packages import PACKAGES
from store.packages.queue import IS_SAMPLED, VOTES, count_waiting

_UNATTENDED = PACKAGES.c.level.in_([HITLLevel.FULL_AUTO.value, HITLLevel.NOTIFY_ONLY.value])
_TERMINAL = [status.value for status in Status if status.terminal]


def load_statistics(connection: Connection, since: datetime, now: datetime) -> Statistics:
    tenant_id = read_tenant_id(connection)
    settled, automatic = _count_settled(connection, tenant_id, since, now)
    median_ms, p90_ms = _times(connection, tenant_id, since, now)
    return Statistics(
        since=since,
        until=now,
        pending=count_waiting(connection, tenant_id, now),
        settled=settled,
        automatic=automatic,
        decisions=_decisions(connection, tenant_id, since, now),
        median_ms=median_ms,
        p90_ms=p90_ms,
        **_count_judged(connection, tenant_id, since, now)._asdict(),
    )


def _count_settled(
    connection: Connection, tenant_id: str, since: datetime, now: datetime
) -> tuple[dict[Status, int], int]:
    """Ended packages by status, and how many proceeded automatically."""
    automatic = case((_UNATTENDED, 1), else_=0).label("automatic")
    query = select(PACKAGES.c.status, automatic, func.count().label("packages"))
    query = query.where(*_ended_within(tenant_id, since, now)).group_by(PACKAGES.c.status, "automatic")
    rows = connection.execute(query).all()
    by_status = {Status(row.status): row.packages for row in rows if not row.automatic}
    return by_status, sum(row.packages for row in rows if row.automatic)


def _ended_within(tenant_id: str, since: datetime, now: datetime) -> tuple[ColumnElement[bool], ...]:
    within = (PACKAGES.c.tenant_id == tenant_id, PACKAGES.c.decided_at > since, PACKAGES.c.decided_at <= now)
    return (*within, PACKAGES.c.status.in_(_TERMINAL))


class _JudgedCounts(NamedTuple):
    sampled: int
    judged: int
    unsound: int


def _count_judged(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> _JudgedCounts:
    unsound = case((PACKAGES.c.verdict == Verdict.UNSOUND.value, 1))
    query = select(func.count(), func.count(PACKAGES.c.verdict), func.count(unsound))
    return _JudgedCounts(*connection.execute(query.where(*_ended_within(tenant_id, since, now), *IS_SAMPLED)).one())


def _decisions(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> dict[HumanDecisionType, int]:
    query = (
        select(VOTES.c.decision, func.count().label("votes"))
        .where(VOTES.c.tenant_id == tenant_id, VOTES.c.at > since, VOTES.c.at <= now)
        .group_by(VOTES.c.decision)
    )
    counts = {HumanDecisionType(decision): votes for decision, votes in connection.execute(query)}
    return {decision: counts[decision] for decision in HumanDecisionType if decision in counts}


def _times(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> tuple[int | None, int | None]:
    """Median and p90 of the time between request and decision, in milliseconds."""
    rank = func.cume_dist().over(order_by=VOTES.c.latency_ms).label("rank")
    within = (VOTES.c.tenant_id == tenant_id, VOTES.c.at > since, VOTES.c.at <= now)
    ranked = select(VOTES.c.latency_ms, rank).where(*within).subquery()
    median, p90 = (func.min(case((ranked.c.rank >= part, ranked.c.latency_ms))) for part in (0.5, 0.9))
    row = connection.execute(select(median.label("median"), p90.label("p90"))).one()
    return row.median, row.p90
