"""The outcome of each package whose review has ended, for the measures of human control; filled from the record."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from rules.oversight.judgments import DecisionTimes, Step
from rules.oversight.outcomes import Outcome, outcome_of
from rules.spelling import normalize_name
from rules.state.model import PackageState

revision = "0020"
down_revision = "0019"

_AT_ONCE = 500
_MOMENT = sa.DateTime(timezone=True)
_PACKAGES = sa.table("packages", *(sa.column(name, sa.String()) for name in ("tenant_id", "package_id", "state")))
_EVENTS = sa.table(
    "events",
    *(sa.column(name, sa.String()) for name in ("tenant_id", "package_id", "event_id", "event_type", "actor")),
    sa.column("revision", sa.Integer()),
    sa.column("occurred_at", _MOMENT),
)
_VOTES = sa.table(
    "votes",
    *(sa.column(name, sa.String()) for name in ("tenant_id", "event_id", "decision")),
    *(sa.column(name, sa.Integer()) for name in ("version", "latency_ms")),
)
_STEPS = sa.select(
    _EVENTS.c.package_id,
    _EVENTS.c.event_type,
    _EVENTS.c.actor,
    _EVENTS.c.occurred_at,
    _VOTES.c.decision,
    _VOTES.c.version,
    _VOTES.c.latency_ms,
).join_from(
    _EVENTS,
    _VOTES,
    (_VOTES.c.tenant_id == _EVENTS.c.tenant_id) & (_VOTES.c.event_id == _EVENTS.c.event_id),
    isouter=True,
)


def upgrade() -> None:
    outcomes = op.create_table(
        "outcomes",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("agent_id", "action_type", "role", "risk", "facts")
        ),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in DecisionTimes._fields),
        sa.PrimaryKeyConstraint("tenant_id", "package_id"),
    )
    for rows in _outcomes(op.get_bind()):
        op.bulk_insert(outcomes, rows)
    op.create_index("ix_outcomes_time", "outcomes", ["tenant_id", "ended_at"])


def _outcomes(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """A few hundred packages at a time, in the order of their ids."""
    last = ""
    page = sa.select(_PACKAGES).order_by(_PACKAGES.c.package_id).limit(_AT_ONCE)
    while packages := connection.execute(page.where(_PACKAGES.c.package_id > last)).all():
        last = packages[-1].package_id
        if rows := list(_rows(packages, _steps(connection, packages[0].package_id, last))):
            yield rows


def _steps(connection: sa.Connection, first: str, last: str) -> dict[str, list[Step]]:
    of_page = _STEPS.where(_EVENTS.c.package_id.between(first, last))
    steps: dict[str, list[Step]] = defaultdict(list)
    for package_id, event_type, actor, at, *vote in connection.execute(
        of_page.order_by(_EVENTS.c.package_id, _EVENTS.c.revision)
    ):
        steps[package_id].append(Step(event_type, actor, _in_utc(at), *vote))
    return steps


def _in_utc(moment: datetime) -> datetime:
    """SQLite returns times without their zone, which is UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rows(packages: Any, steps: dict[str, list[Step]]) -> Iterator[dict[str, Any]]:
    for row in packages:
        with suppress(ValueError):  # an unreadable state is reported where it is read
            outcome = outcome_of(PackageState.model_validate_json(row.state), steps[row.package_id])
            if outcome:
                yield {"tenant_id": row.tenant_id, "package_id": row.package_id, **_columns(outcome)}


def _columns(outcome: Outcome) -> dict[str, Any]:
    return {
        "ended_at": outcome.ended_at,
        "agent_id": outcome.agent_id,
        "action_type": normalize_name(outcome.action_type),
        "role": outcome.role,
        "risk": outcome.risk.value,
        "facts": outcome.facts.as_words(),
        **(outcome.times._asdict() if outcome.times else dict.fromkeys(DecisionTimes._fields)),
    }
