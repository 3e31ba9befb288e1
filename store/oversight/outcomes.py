"""Outcomes: one row for each package whose review has ended, which the measures of human control count.

Each person who judged the package also has a row in `judgments`.

A command only marks its package as uncounted, so that no decision waits for the counting. The clock, and whoever reads
the measures, derive the rows of the marked packages from the record, many at once. The steps of the record come from
the columns of events and votes: no event is parsed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from rules.oversight.judgments import DecisionTimes, Step
from rules.oversight.outcomes import Outcome, outcome_of
from rules.spelling import normalize_name
from rules.state.model import PackageState
from store.engine.database import Database
from store.installation.tenancy import read_tenant_id
from store.packages.packages import PACKAGES
from store.packages.states import parse_or_log
from store.schema.oversight_tables import JudgmentRow, OutcomeRow
from store.schema.tables import UNCOUNTED, EventRow, VoteRow, core

OUTCOMES, JUDGMENTS, _EVENTS, _VOTES = core(OutcomeRow), core(JudgmentRow), core(EventRow), core(VoteRow)

AT_ONCE = 50  # packages in one transaction: few, because a click may have to wait for all of them

_UNCOUNTED = select(PACKAGES.c.package_id, PACKAGES.c.state).where(
    PACKAGES.c.tenant_id == bindparam("tenant"), text(UNCOUNTED)
)
_ANY = _UNCOUNTED.limit(1)
# What another process counts or changes at this moment is left for the next time.
_SOME = _UNCOUNTED.limit(AT_ONCE).with_for_update(skip_locked=True)
_OF_EVENT = (_VOTES.c.tenant_id == _EVENTS.c.tenant_id) & (_VOTES.c.event_id == _EVENTS.c.event_id)
_STEPS = (
    select(
        _EVENTS.c.package_id,
        _EVENTS.c.event_type,
        _EVENTS.c.actor,
        _EVENTS.c.occurred_at,
        _VOTES.c.decision,
        _VOTES.c.version,
        _VOTES.c.latency_ms,
    )
    .join_from(_EVENTS, _VOTES, _OF_EVENT, isouter=True)
    .where(_EVENTS.c.tenant_id == bindparam("tenant"), _EVENTS.c.package_id.in_(bindparam("packages", expanding=True)))
    .order_by(_EVENTS.c.package_id, _EVENTS.c.revision)
)
_FORGET, _FORGET_JUDGMENTS, _MARK_COUNTED = (
    statement.where(
        statement.table.c.tenant_id == bindparam("tenant"),
        statement.table.c.package_id.in_(bindparam("packages", expanding=True)),
    )
    for statement in (delete(OUTCOMES), delete(JUDGMENTS), update(PACKAGES).values(uncounted=False))
)


async def count_all(database: Database) -> None:
    """Write the outcomes of all packages that are marked, a few in each transaction."""
    while await database.read(is_any_uncounted):
        counted = await database.write(count_some)
        if not counted:
            return  # another process is counting the rest


def is_any_uncounted(connection: Connection) -> bool:
    """A cheap query, because the idle clock repeats it."""
    return connection.execute(_ANY, {"tenant": read_tenant_id(connection)}).first() is not None


def count_some(connection: Connection) -> int:
    """Write the outcomes of up to `AT_ONCE` marked packages, and return how many these were."""
    tenant_id = read_tenant_id(connection)
    packages = connection.execute(_SOME, {"tenant": tenant_id}).all()
    key = {"tenant": tenant_id, "packages": [row.package_id for row in packages]}
    derived = list(_derive_outcomes(packages, _load_steps(connection, key)))
    rows = [outcome_row(state, outcome) for state, outcome in derived]
    judgments = [row for state, outcome in derived for row in judgment_rows(state, outcome)]
    for forget, table, new_rows in ((_FORGET, OUTCOMES, rows), (_FORGET_JUDGMENTS, JUDGMENTS, judgments)):
        connection.execute(forget, key)
        if new_rows:
            connection.execute(insert(table), new_rows)
    connection.execute(_MARK_COUNTED, key)
    return len(packages)


def _load_steps(connection: Connection, key: dict[str, Any]) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for package_id, *columns in connection.execute(_STEPS, key):
        steps[package_id].append(Step(*columns))
    return steps


def _derive_outcomes(packages: Iterable[Any], steps: dict[str, list[Step]]) -> Iterator[tuple[PackageState, Outcome]]:
    """An unreadable package is logged and has no outcome. The audit finds it, too."""
    for row in packages:
        state = parse_or_log(row.package_id, row.state)
        if state and (outcome := outcome_of(state, steps[row.package_id])):
            yield state, outcome


def outcome_row(state: PackageState, outcome: Outcome) -> dict[str, Any]:
    return {
        "tenant_id": state.tenant_id,
        "package_id": state.decision_package_id,
        "ended_at": outcome.ended_at,
        "agent_id": outcome.agent_id,
        "action_type": normalize_name(outcome.action_type),
        "role": outcome.role,
        "risk": outcome.risk.value,
        "facts": outcome.facts.as_words(),
        **_time_columns(outcome.times),
    }


def judgment_rows(state: PackageState, outcome: Outcome) -> list[dict[str, Any]]:
    return [
        {
            "tenant_id": state.tenant_id,
            "package_id": state.decision_package_id,
            "reviewer_id": judgment.reviewer_id,
            "ended_at": outcome.ended_at,
            "decided": judgment.decided,
            "judgment": judgment.words,
            "facts": outcome.facts.as_words(),
            **_time_columns(judgment.times),
        }
        for judgment in outcome.judgments
    ]


def _time_columns(times: DecisionTimes | None) -> dict[str, int | None]:
    return times._asdict() if times else dict.fromkeys(DecisionTimes._fields)
