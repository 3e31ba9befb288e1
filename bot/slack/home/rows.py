"""Rows of the queue. Titles are missing where retention has deleted the content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from blocks.home.queue import Row
from blocks.kit.ids import Ref
from blocks.words.status import status_label
from rules.people.directory import Roster
from rules.state.model import PackageState
from store.agents.agents import agent_names
from store.packages.content import load_words
from store.packages.queue import GivenDecision


def rows_of(connection: Connection, states: Sequence[PackageState], roster: Roster, user_id: str) -> tuple[Row, ...]:
    """The rows as this person sees them."""
    if not states:
        return ()
    tenant_id = states[0].tenant_id
    words = load_words(connection, tenant_id, *(state.version_event_id for state in states))
    agents = agent_names(connection, tenant_id)
    return tuple(
        _row(state, words.get(state.version_event_id, {}).get("package"), agents, roster, user_id) for state in states
    )


def _row(state: PackageState, package: object, agents: dict[str, str], roster: Roster, user_id: str) -> Row:
    taken = state.task.assigned_to
    return Row(
        ref=Ref(state.decision_package_id, state.version, state.task.rung),
        title=str(package["title"]) if isinstance(package, dict) else None,
        agent=agents.get(state.agent_id, state.agent_id),
        risk=state.risk,
        level=state.level,
        status=state.status,
        status_label=status_label(state),
        due_at=None if state.status.terminal else state.ends_at,
        role=state.task.required_role,
        assigned_to_me=taken == user_id,
        taken_by=roster.names.get(taken, taken) if taken and taken != user_id else None,
    )


def decided_rows(
    connection: Connection, given: Sequence[GivenDecision], roster: Roster, user_id: str
) -> tuple[Row, ...]:
    """Packages that this person decided, with the decision and its time."""
    rows = rows_of(connection, [entry.package for entry in given], roster, user_id)
    return tuple(
        replace(row, decision=entry.decision, decided_at=entry.at) for row, entry in zip(rows, given, strict=True)
    )
