"""Rows of exceptions, as one person sees them: what each allows, who approved it, and how often it was used."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from blocks.card.exceptions import allowance_runs
from blocks.home.queue import Row
from blocks.kit.elements import Run
from blocks.kit.text import pluralize
from blocks.words.sentences import join_names
from bot.slack.home.rows import Viewer, rows_of
from rules.authority.exceptions import why_not_in_force
from rules.state.model import PackageState
from store.agents.agents import agent_names
from store.packages.exceptions import ListedException

Entry = tuple[Row, Sequence[Run]]


def exception_rows(connection: Connection, listed: Sequence[ListedException], viewer: Viewer) -> list[Entry]:
    if not listed:
        return []
    states = [entry.state for entry in listed]
    agents = agent_names(connection, states[0].tenant_id)
    rows = rows_of(connection, states, viewer)
    return [(row, _runs(entry, viewer, agents)) for row, entry in zip(rows, listed, strict=True)]


def _runs(listed: ListedException, viewer: Viewer, agents: dict[str, str]) -> list[Run]:
    state, exception = listed.state, listed.state.exception
    if exception is None:
        return []
    names = join_names(agents.get(agent_id, agent_id) for agent_id in exception.agents)
    approvers = [viewer.roster.names.get(vote.reviewer_id, vote.reviewer_id) for vote in state.votes]
    approved = f"Approved by {join_names(approvers)}. " if approvers else ""
    used = f"Used for {pluralize(listed.uses, 'package')}." if listed.uses else "Never used."
    return [*allowance_runs(state, exception, names), f" {approved}{used}{_standing(state, viewer)}"]


def _standing(state: PackageState, viewer: Viewer) -> str:
    """Why an exception that was granted and has not ended does not hold at the moment."""
    because = why_not_in_force(state, viewer.roster, viewer.now) if state.is_granted_exception else None
    return f" It does not hold now: {because}." if because else ""
