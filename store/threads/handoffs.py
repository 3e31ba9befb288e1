"""Handoffs: a row for each, derived from its thread's record, to find them by agent and by time.

The state of a handoff is in its thread's state and nowhere else. These rows are written in the same transaction, and
the audit compares both. Agents list and look up handoffs by them, and the clock finds those that are due.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, Connection, bindparam, cast, delete, func, insert, select

from rules.authority.key_limits import PERIOD
from rules.people.directory import Agent
from rules.state.model import Bar
from rules.threads.checks import MAX_OFFERS
from rules.threads.commands import HandoffCommand, OfferHandoff
from rules.threads.handing_over import known_handoff
from rules.threads.handoff import Handoff, HandoffStatus
from rules.threads.model import ThreadState, ThreadStatus, thread_key
from rules.threads.situation import Permit
from store.agents.agent_load import count_open_of_agent
from store.agents.agents import AGENTS, load_agent
from store.commands.situation import load_package_content
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.packages.packages import PACKAGES, THREAD_RECORDS, load_package
from store.schema.tables import HandoffRow, core

HANDOFFS = core(HandoffRow)
MAX_LISTED = 50

_ADD = insert(HANDOFFS)
_THIS = (HANDOFFS.c.tenant_id == bindparam("tenant"), HANDOFFS.c.handoff_id == bindparam("handoff"))
_DROP = delete(HANDOFFS).where(*_THIS)
_OF_ITS_THREAD = (THREAD_RECORDS.c.tenant_id == HANDOFFS.c.tenant_id) & (
    THREAD_RECORDS.c.thread_key == HANDOFFS.c.thread_key
)
_USED_BY = select(HANDOFFS.c.handoff_id).where(
    HANDOFFS.c.tenant_id == bindparam("tenant"), HANDOFFS.c.decision_package_id == bindparam("permit")
)
_RECENT_OFFERS = (
    select(HANDOFFS.c.offered_at)
    .where(
        HANDOFFS.c.tenant_id == bindparam("tenant"),
        HANDOFFS.c.from_agent == bindparam("agent"),
        HANDOFFS.c.offered_at > bindparam("since", type_=HANDOFFS.c.offered_at.type),
    )
    .order_by(HANDOFFS.c.offered_at.desc())
    .limit(MAX_OFFERS)
)
_BARRED_SQLITE = func.json_extract(PACKAGES.c.state, "$.barred")
_BARRED_POSTGRESQL = cast(PACKAGES.c.state, JSON).op("->>")("barred")
_NAMED = (Bar.REQUESTER, Bar.DELEGATION_CHAIN, Bar.NAMED_IN_THREAD)  # bars of people whom an agent named
_DUE = (
    select(HANDOFFS.c.thread_id, HANDOFFS.c.handoff_id)
    .join(THREAD_RECORDS, _OF_ITS_THREAD)
    .where(
        HANDOFFS.c.tenant_id == bindparam("tenant"),
        THREAD_RECORDS.c.status == ThreadStatus.RUNNING.value,
        HANDOFFS.c.due_at <= bindparam("now", type_=HANDOFFS.c.due_at.type),
    )
    .order_by(HANDOFFS.c.due_at)
    .limit(bindparam("limit"))
)


def handoffs_of(agent_id: str) -> str:
    """The name under which changes of this agent's handoffs are announced."""
    return f"handoffs:{agent_id}"


def names_to_announce(before: ThreadState, after: ThreadState) -> tuple[str, ...]:
    """One for each agent of a handoff that changed."""
    changed = [handoff for handoff in after.handoffs if handoff not in before.handoffs]
    agents = (agent for handoff in changed for agent in (handoff.from_agent, handoff.to_agent))
    return tuple(dict.fromkeys(map(handoffs_of, agents)))


class DueHandoff(NamedTuple):
    thread_id: str
    handoff_id: str


class StoredHandoff(NamedTuple):
    """A handoff, and the thread as its agents name it."""

    thread_id: str
    handoff: Handoff


def write_handoffs(batch: Batch, before: ThreadState, after: ThreadState) -> None:
    """Replace the rows of the handoffs that changed."""
    known = {handoff.handoff_id: handoff for handoff in before.handoffs}
    for handoff in after.handoffs:
        if known.get(handoff.handoff_id) != handoff:
            if handoff.handoff_id in known:
                batch.execute(_DROP, {"tenant": after.tenant_id, "handoff": handoff.handoff_id})
            batch.execute(_ADD, handoff_row(after, handoff))


def handoff_row(thread: ThreadState, handoff: Handoff) -> dict[str, object]:
    """The row of a handoff. The audit compares it with the stored one."""
    return {
        "tenant_id": thread.tenant_id,
        "handoff_id": handoff.handoff_id,
        "thread_key": thread.thread_key,
        "thread_id": thread.thread_id,
        "from_agent": handoff.from_agent,
        "to_agent": handoff.to_agent,
        "status": handoff.status.value,
        "offered_at": handoff.offered_at,
        "due_at": handoff.due_at,
        "decision_package_id": handoff.decision_package_id,
        "body": handoff.model_dump_json(),
    }


def find_handoff(connection: Connection, tenant_id: str, handoff_id: str, agent_id: str) -> StoredHandoff | None:
    """A handoff that this agent gives or gets. An agent must not learn of others."""
    row = connection.execute(select(HANDOFFS).where(*_THIS), {"tenant": tenant_id, "handoff": handoff_id}).first()
    if row is None or agent_id not in (row.from_agent, row.to_agent):
        return None
    return StoredHandoff(row.thread_id, Handoff.model_validate_json(row.body))


class HandoffQuery(NamedTuple):
    """Which handoffs to list: those that the agent gets or, with `gives`, those that it gives."""

    status: HandoffStatus | None = None
    gives: bool = False
    thread_id: str | None = None


def list_handoffs(connection: Connection, tenant_id: str, agent_id: str, wanted: HandoffQuery) -> list[StoredHandoff]:
    """The newest handoffs first; if only offers are wanted, the one that waits longest, so that none is overlooked."""
    side = HANDOFFS.c.from_agent if wanted.gives else HANDOFFS.c.to_agent
    query = select(HANDOFFS.c.thread_id, HANDOFFS.c.body).where(HANDOFFS.c.tenant_id == tenant_id, side == agent_id)
    waits = wanted.status is HandoffStatus.OFFERED
    first = HANDOFFS.c.offered_at if waits else HANDOFFS.c.offered_at.desc()
    if wanted.status:
        query = query.where(HANDOFFS.c.status == wanted.status.value)
    if wanted.thread_id:
        query = query.where(HANDOFFS.c.thread_key == thread_key(wanted.thread_id))
    if waits:  # while a thread is on hold, its offer waits too, and must not keep others waiting
        query = query.join(THREAD_RECORDS, _OF_ITS_THREAD).where(THREAD_RECORDS.c.status == ThreadStatus.RUNNING.value)
    rows = connection.execute(query.order_by(first, HANDOFFS.c.handoff_id).limit(MAX_LISTED))
    return [StoredHandoff(row.thread_id, Handoff.model_validate_json(row.body)) for row in rows]


def list_due(connection: Connection, tenant_id: str, now: datetime, limit: int) -> list[DueHandoff]:
    """Handoffs whose time has passed. In a thread that is on hold, time stands still."""
    rows = connection.execute(_DUE, {"tenant": tenant_id, "now": now, "limit": limit})
    return [DueHandoff(row.thread_id, row.handoff_id) for row in rows]


def load_handoff_fields(
    connection: Connection, thread: ThreadState, command: OfferHandoff | HandoffCommand, now: datetime
) -> dict[str, Any]:
    """Fields of the situation: the agents that take part, what bars people, and what people allowed."""
    tenant_id = thread.tenant_id
    if isinstance(command, OfferHandoff):
        target = agent_named(connection, tenant_id, command.to_agent)
        giver = load_agent(connection, tenant_id, thread.owner_agent, hold=True)
        return {
            "agents": _by_id(giver, target),
            "target": target,
            "permit": _load_permit(connection, tenant_id, command.decision_package_id),
            "recent_offers": _recent_offers(connection, thread, now),
        }
    handoff = known_handoff(thread, command.handoff_id)
    ids = {thread.owner_agent, *((handoff.from_agent, handoff.to_agent) if handoff else ())}
    agents = (load_agent(connection, tenant_id, agent_id, hold=True) for agent_id in sorted(ids))
    return {
        "agents": _by_id(*agents),
        "permit": _load_permit(connection, tenant_id, handoff.decision_package_id) if handoff else None,
        "parties": parties_of_thread(connection, thread),
        "open_packages": count_open_of_agent(connection, tenant_id, handoff.to_agent) if handoff else 0,
    }


def _recent_offers(connection: Connection, thread: ThreadState, now: datetime) -> tuple[datetime, ...]:
    key = {"tenant": thread.tenant_id, "agent": thread.owner_agent, "since": now - PERIOD}
    return tuple(row.offered_at for row in fetch_all(connection, _RECENT_OFFERS, key)[::-1])


def parties_of_thread(connection: Connection, thread: ThreadState) -> tuple[str, ...]:
    """The people whom any package of the thread names, if its agent has had the thread."""
    column = _BARRED_POSTGRESQL if connection.dialect.name == "postgresql" else _BARRED_SQLITE
    query = (
        select(column)
        .distinct()
        .where(
            PACKAGES.c.tenant_id == thread.tenant_id,
            PACKAGES.c.thread_key == thread.thread_key,
            PACKAGES.c.agent_id.in_(sorted(thread.agents)),
        )
    )
    bars = (json.loads(text) for text in connection.execute(query).scalars())
    return tuple(sorted({party for barred in bars for party, bar in barred.items() if bar in _NAMED}))


def _by_id(*agents: Agent | None) -> dict[str, Agent]:
    return {agent.agent_id: agent for agent in agents if agent}


def _load_permit(connection: Connection, tenant_id: str, package_id: str | None) -> Permit | None:
    loaded = load_package(connection, tenant_id, package_id) if package_id else None
    if loaded is None:
        return None
    event_id = loaded.state.version_event_id
    package = load_package_content(connection, tenant_id, event_id)
    used_by = connection.execute(_USED_BY, {"tenant": tenant_id, "permit": package_id}).scalar()
    return Permit(loaded.state, (package and package.action_parameters) or {}, used_by)


def agent_named(connection: Connection, tenant_id: str, name: str) -> Agent | None:
    """The agent with this id or name."""
    if agent := load_agent(connection, tenant_id, name):
        return agent
    of_name = select(AGENTS.c.agent_id).where(AGENTS.c.tenant_id == tenant_id, AGENTS.c.name == name)
    agent_id = connection.execute(of_name).scalar()
    return load_agent(connection, tenant_id, agent_id) if agent_id else None
