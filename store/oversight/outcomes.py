"""Writes the outcome of a package in the transaction that ends its review, and again when it changes later.

The steps of the record come from the columns of events and votes: no event is parsed. A package that ends at once has
no earlier steps to read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from rules.oversight.outcomes import DecisionTimes, Outcome, Step, outcome_of, standing_of, steps_of
from rules.spelling import normalize_name
from rules.state.model import PackageState
from rules.state.transition import Transition
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.schema.oversight_tables import OutcomeRow
from store.schema.tables import EventRow, VoteRow, core

OUTCOMES, _EVENTS, _VOTES = core(OutcomeRow), core(EventRow), core(VoteRow)

_KEY = ("tenant_id", "package_id")
_ADD = insert(OUTCOMES)
_REPLACE = (
    update(OUTCOMES)
    .where(OUTCOMES.c.tenant_id == bindparam("tenant"), OUTCOMES.c.package_id == bindparam("package"))
    .values({column.name: bindparam(column.name) for column in OUTCOMES.c if column.name not in _KEY})
)
_OF_EVENT = (_VOTES.c.tenant_id == _EVENTS.c.tenant_id) & (_VOTES.c.event_id == _EVENTS.c.event_id)
_STEPS = (
    select(
        _EVENTS.c.event_type,
        _EVENTS.c.actor,
        _EVENTS.c.occurred_at,
        _VOTES.c.decision,
        _VOTES.c.version,
        _VOTES.c.latency_ms,
    )
    .join_from(_EVENTS, _VOTES, _OF_EVENT, isouter=True)
    .where(_EVENTS.c.tenant_id == bindparam("tenant"), _EVENTS.c.package_id == bindparam("package"))
    .order_by(_EVENTS.c.revision)
)


def write_outcome(connection: Connection, batch: Batch, transition: Transition) -> None:
    """The events of this transition are not written yet, so they come from the transition itself."""
    before, after = transition.before, transition.after
    was = standing_of(before) if before else None
    if standing_of(after) == was:
        return
    earlier = _load_steps(connection, after) if before else []
    outcome = outcome_of(after, [*earlier, *steps_of(transition.occurrences)])
    if outcome is None:
        return
    row = outcome_row(after, outcome)
    if was is None:
        batch.execute(_ADD, row)
    else:
        key = {"tenant": after.tenant_id, "package": after.decision_package_id}
        batch.execute(_REPLACE, {name: value for name, value in row.items() if name not in _KEY} | key)


def _load_steps(connection: Connection, state: PackageState) -> list[Step]:
    key = {"tenant": state.tenant_id, "package": state.decision_package_id}
    return [Step(*row) for row in fetch_all(connection, _STEPS, key)]


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
        **(outcome.times._asdict() if outcome.times else dict.fromkeys(DecisionTimes._fields)),
    }
