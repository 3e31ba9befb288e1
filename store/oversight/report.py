"""Reads the report of a month: the measures, the cases behind them, and what changed in the policy.

Titles and reasons come from the content of events. What retention has emptied, or the policy redacts, stays out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from rules.oversight.months import Month
from rules.oversight.outcomes import Facts, Result
from rules.oversight.report import Case, Cases, PolicyChange, Report
from rules.oversight.statistics import Grouping
from rules.policy.model import Policy
from rules.record.redaction import Path, redact
from rules.scales import RiskLevel
from rules.state.commands import Verdict
from rules.state.events import TenantEventType
from rules.state.model import PackageState, Status
from store.agents.agents import agent_names
from store.installation.tenancy import EVENTS, read_tenant_id
from store.oversight.exceptions import exceptions_of_month
from store.oversight.outcomes import OUTCOMES
from store.oversight.statistics import load_statistics
from store.packages.content import load_words
from store.packages.packages import load_packages

MAX_CASES = 50
MAX_CHANGES = 50
_INSTANT = timedelta(microseconds=1)  # the measures of a period leave out its first moment and count its last

_OVERRIDES = OUTCOMES.c.facts.like(f"{Result.OVERRIDDEN}%")
_INCIDENTS = or_(OUTCOMES.c.facts.like("% incident %"), OUTCOMES.c.facts.like("% incident"))
_UNSOUND = OUTCOMES.c.facts.like(f"% {Verdict.UNSOUND}")


def load_report(connection: Connection, month: Month, now: datetime, policy: Policy) -> Report:
    """The report of a month, until `now` if it is not over. `policy` says what is redacted."""
    until = min(month.end, now)
    since, before = month.begin - _INSTANT, month.before
    hidden = [path.split(".") for path in policy.feedback.redact]

    def cases(kind: ColumnElement[bool]) -> Cases:
        return _load_cases(connection, kind, since, until - _INSTANT, hidden)

    return Report(
        month=month,
        until=until,
        made_at=now,
        statistics=load_statistics(connection, since, until - _INSTANT),
        before=load_statistics(connection, before.begin - _INSTANT, before.end - _INSTANT).figures,
        weeks=load_statistics(connection, since, until - _INSTANT, Grouping.WEEK).groups,
        types=load_statistics(connection, since, until - _INSTANT, Grouping.TYPE).groups,
        overrides=cases(_OVERRIDES),
        incidents=cases(_INCIDENTS),
        unsound=cases(_UNSOUND),
        exceptions=exceptions_of_month(connection, read_tenant_id(connection), month.begin, until),
        policy_changes=_policy_changes(connection, month.begin, until),
        policy=policy.full_version,
    )


def _load_cases(
    connection: Connection, kind: ColumnElement[bool], since: datetime, until: datetime, hidden: Sequence[Path]
) -> Cases:
    tenant_id = read_tenant_id(connection)
    these = (OUTCOMES.c.tenant_id == tenant_id, OUTCOMES.c.ended_at > since, OUTCOMES.c.ended_at <= until, kind)
    newest = select(OUTCOMES).where(*these).order_by(OUTCOMES.c.ended_at.desc(), OUTCOMES.c.package_id)
    rows = connection.execute(newest.limit(MAX_CASES)).all()
    total = connection.execute(select(func.count()).select_from(OUTCOMES).where(*these)).scalar_one()
    return Cases([*_cases(connection, tenant_id, rows, hidden)], total)


def _cases(connection: Connection, tenant_id: str, rows: Sequence[Any], hidden: Sequence[Path]) -> Iterator[Case]:
    states = {
        package_id: loaded.state
        for package_id, loaded in load_packages(connection, tenant_id, [row.package_id for row in rows]).items()
    }
    events = [event_id for state in states.values() for event_id in _events_of(state)]
    words, names = load_words(connection, tenant_id, *events), agent_names(connection, tenant_id)
    for row in rows:
        if state := states.get(row.package_id):
            title, reason = _texts(state, words, hidden)
            yield Case(
                package_id=row.package_id,
                title=title,
                agent=names.get(row.agent_id, row.agent_id),
                action_type=state.action_type,
                role=row.role,
                risk=RiskLevel(row.risk),
                ended_at=row.ended_at,
                facts=Facts.from_words(row.facts),
                execution=state.execution.state,
                is_revoked=state.status is Status.REVOKED,
                reason=reason,
            )


def _events_of(state: PackageState) -> list[str]:
    return [state.version_event_id, *([state.decision.event_id] if state.decision else [])]


def _texts(state: PackageState, words: dict[str, Any], hidden: Sequence[Path]) -> tuple[str | None, str | None]:
    """The title of the present version, and why people overrode the agent."""
    version, *decision = (words.get(event_id) or {} for event_id in _events_of(state))
    reason = decision[0].get("override_reason") if decision else None
    # Feedback has the reason in its `comment`, so what is redacted there is redacted here, too.
    visible = redact({"package": {"title": (version.get("package") or {}).get("title")}, "comment": reason}, hidden)
    package = visible["package"]
    return (package["title"] if isinstance(package, dict) else package), visible["comment"]


def _policy_changes(connection: Connection, begin: datetime, end: datetime) -> list[PolicyChange]:
    query = (
        select(EVENTS.c.occurred_at, EVENTS.c.actor, EVENTS.c.body)
        .where(
            EVENTS.c.tenant_id == read_tenant_id(connection),
            EVENTS.c.event_type == TenantEventType.POLICY_ACTIVATED.value,
            EVENTS.c.occurred_at >= begin,
            EVENTS.c.occurred_at < end,
        )
        .order_by(EVENTS.c.sequence.desc())
        .limit(MAX_CHANGES)
    )
    return [
        PolicyChange(row.occurred_at, str(json.loads(row.body)["change"]["version"]), row.actor)
        for row in connection.execute(query)
    ]
