"""Loads agents for commands, and finds an agent by its key. `store.agents.agent_admin` manages agents.

A claim locks its agent's row until the commit, so nobody can pause or revoke the agent between the check and the write.
A proposal does not, because a package of a paused agent cannot be claimed. One query loads the agent with everything
that its thread adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, or_, select

from rules.authority.key_limits import PERIOD
from rules.people.agent_keys import NO_LOAD, KeyScope, Load, Rates
from rules.people.directory import Agent, AgentStanding
from rules.people.lineage import Lineage
from store.agents import agent_load
from store.engine.statements import fetch_first
from store.packages.threads import HOLDER, LINEAGE
from store.schema.agent_tables import AgentKey, AgentRow
from store.schema.installation_tables import InstallationRow
from store.schema.tables import core

AGENTS, KEYS, INSTALLATION = core(AgentRow), core(AgentKey), core(InstallationRow)

_FIND = select(AGENTS, INSTALLATION.c.frozen).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    AGENTS.c.agent_id == bindparam("agent"),
    INSTALLATION.c.tenant_id == AGENTS.c.tenant_id,
)
# A shared lock: while a claim runs, nobody can pause the agent, so a pause that was answered is effective.
_FIND_AND_HOLD = _FIND.with_for_update(read=True)
_FIND_AND_LOCK = _FIND.with_for_update(of=AGENTS)
_FIND_IN_THREAD_AND_HOLD = _FIND.add_columns(HOLDER, LINEAGE).with_for_update(read=True, of=(AGENTS, INSTALLATION))
_FIND_PROPOSING = _FIND.add_columns(*agent_load.COLUMNS)
_FIND_PROPOSING_IN_THREAD = _FIND_PROPOSING.add_columns(HOLDER, LINEAGE)
_BY_KEY = (
    select(AGENTS, INSTALLATION.c.frozen)
    .join(KEYS, (KEYS.c.tenant_id == AGENTS.c.tenant_id) & (KEYS.c.agent_id == AGENTS.c.agent_id))
    .where(
        KEYS.c.tenant_id == bindparam("tenant"),
        KEYS.c.key_digest == bindparam("digest"),
        or_(KEYS.c.expires_at.is_(None), KEYS.c.expires_at > bindparam("now", type_=KEYS.c.created_at.type)),
        AGENTS.c.standing != AgentStanding.REVOKED.value,
        INSTALLATION.c.tenant_id == AGENTS.c.tenant_id,
    )
)


def key_digest(key: str) -> str:
    """Keys are long and random, so a fast digest is as safe as a slow one."""
    return sha256(key.encode()).hexdigest()


def agent_by_key(connection: Connection, tenant_id: str, key: str, now: datetime) -> Agent | None:
    row = fetch_first(connection, _BY_KEY, {"tenant": tenant_id, "digest": key_digest(key), "now": now})
    return _agent(row) if row else None


def load_agent(
    connection: Connection, tenant_id: str, agent_id: str, *, hold: bool = False, lock: bool = False
) -> Agent | None:
    """`hold` lets nobody change the agent's row until the commit. `lock` also lets no other command hold it."""
    query = _FIND_AND_LOCK if lock else _FIND_AND_HOLD if hold else _FIND
    row = fetch_first(connection, query, {"tenant": tenant_id, "agent": agent_id})
    return _agent(row) if row else None


_NAMED = select(AGENTS, INSTALLATION.c.frozen).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    or_(AGENTS.c.agent_id == bindparam("named"), AGENTS.c.name == bindparam("named")),
    INSTALLATION.c.tenant_id == AGENTS.c.tenant_id,
)


def load_named_agents(connection: Connection, tenant_id: str, names: Sequence[str]) -> dict[str, Agent]:
    """The agents with these names or ids. The keys are those names or ids; unknown ones are missing."""
    rows = {name: fetch_first(connection, _NAMED, {"tenant": tenant_id, "named": name}) for name in names}
    return {name: _agent(row) for name, row in rows.items() if row}


class AgentInThread(NamedTuple):
    """An agent; its load, if it proposes; what stops its thread (`holder`), and what that thread's packages inherit."""

    agent: Agent | None = None
    holder: str | None = None
    lineage: Lineage | None = None
    load: Load = NO_LOAD


def load_agent_in_thread(
    connection: Connection, tenant_id: str, agent_id: str, thread: Mapping[str, str] | None
) -> AgentInThread:
    """Load the agent and what its thread (`holder_values`) adds in one query. Its row is locked until the commit."""
    if thread is None:
        return AgentInThread(load_agent(connection, tenant_id, agent_id, hold=True))
    row = fetch_first(connection, _FIND_IN_THREAD_AND_HOLD, {"tenant": tenant_id, "agent": agent_id, **thread})
    return AgentInThread(_agent(row), row.holder, _lineage(row.lineage)) if row else AgentInThread()


def _lineage(text: str | None) -> Lineage | None:
    return Lineage.model_validate_json(text) if text else None


def load_proposing_agent(
    connection: Connection, tenant_id: str, agent_id: str, thread: Mapping[str, str] | None, now: datetime
) -> AgentInThread:
    """Load an agent that proposes a package, with its recent load, without a lock."""
    key = {"tenant": tenant_id, "agent": agent_id, "since": now - PERIOD}
    query = _FIND_PROPOSING_IN_THREAD if thread else _FIND_PROPOSING
    row = fetch_first(connection, query, {**key, **(thread or {})})
    if row is None:
        return AgentInThread()
    agent = _agent(row)
    load = agent_load.count_load(connection, row, agent.rates, key)
    return AgentInThread(agent, row.holder, _lineage(row.lineage), load) if thread else AgentInThread(agent, load=load)


def _agent(row) -> Agent:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a row has its columns' names
    return _parse_agent(*_COLUMNS_OF_AGENT(row))


_COLUMNS_OF_AGENT = attrgetter(
    "agent_id", "name", "owner", "standing", "frozen", "callback_url", "scope", "per_minute", "max_open"
)


@lru_cache(maxsize=1024)  # every request needs its agent two or three times, and there are few agents
def _parse_agent(  # noqa: PLR0917 - the columns, by which it is cached
    agent_id: str,
    name: str,
    owner: str,
    standing: str,
    frozen: bool,  # noqa: FBT001
    callback_url: str | None,
    scope: str | None,
    per_minute: int | None,
    max_open: int | None,
) -> Agent:
    return Agent(
        agent_id=agent_id,
        name=name,
        owner=owner,
        standing=AgentStanding(standing),
        frozen=frozen,
        callback_url=callback_url,
        scope=parse_scope(scope),
        rates=rates_of(per_minute, max_open),
    )


@lru_cache(maxsize=1024)
def parse_scope(text: str | None) -> KeyScope:
    return KeyScope.model_validate_json(text) if text else KeyScope()


@lru_cache(maxsize=1024)
def rates_of(per_minute: int | None, max_open: int | None) -> Rates:
    return Rates(per_minute=per_minute, max_open=max_open)


def agent_names(connection: Connection, tenant_id: str) -> dict[str, str]:
    """The names of all agents, by id: there are few of them."""
    rows = connection.execute(select(AGENTS.c.agent_id, AGENTS.c.name).where(AGENTS.c.tenant_id == tenant_id))
    return {row.agent_id: row.name for row in rows}
