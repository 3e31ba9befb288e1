"""Lets operators and admins add, rotate, pause and revoke agents. Each change writes an event.

The events are in the tenant's chain (`store.installation.tenancy`), so the audit shows who gave which agent what. Keys
are stored as digests, secrets of callbacks sealed (`store.agents.callback_secrets`). An agent is never deleted: its
packages refer to it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rules.people.agent_keys import KeyScope, Rates
from rules.people.directory import AGENT_PREFIX, AgentStanding
from rules.state.events import TenantEventType
from store.agents.agents import AGENTS, KEYS, key_digest, parse_scope, rates_of
from store.engine.constraints import violated_constraint
from store.engine.engines import lock_table
from store.installation.installation import fresh_id
from store.installation.tenancy import append_tenant_event, read_tenant_id
from store.schema.agent_tables import CallbackSecret
from store.schema.tables import core

SECRETS = core(CallbackSecret)

Seal = Callable[[str], str]


def leave_unsealed(secret: str) -> str:
    """For a process without a key: a process with the key seals the secret when it starts."""
    return secret


FULL_SCOPE, DEFAULT_RATES = KeyScope(), Rates()
_NO_AGENT = "there is no agent named {name!r}; `countersign agents list` shows them"


class RegistryError(Exception):
    """An operator's request cannot be fulfilled; the message says what to do."""


class Credentials(NamedTuple):
    """Shown only once: the database stores a digest of the key."""

    agent_id: str
    key: str
    callback_secret: str


class ListedAgent(NamedTuple):
    """An agent as operators see it. `keys`: how many are valid now."""

    agent_id: str
    name: str
    owner: str
    standing: AgentStanding
    callback_url: str | None
    created_at: datetime
    keys: int
    scope: KeyScope
    rates: Rates


def add_agent(
    connection: Connection,
    name: str,
    owner: str,
    now: datetime,
    *,
    callback_url: str | None = None,
    scope: KeyScope = FULL_SCOPE,
    rates: Rates = DEFAULT_RATES,
    by: str = "operator",
    seal: Seal = leave_unsealed,
) -> Credentials:
    """Add an agent with a new key and callback secret. Raises `RegistryError` if the name is taken."""
    tenant_id, agent_id = read_tenant_id(connection), f"{AGENT_PREFIX}{fresh_id()}"
    row = {
        "tenant_id": tenant_id,
        "agent_id": agent_id,
        "name": name,
        "owner": owner,
        "standing": AgentStanding.ACTIVE.value,
        "callback_url": callback_url,
        "created_at": now,
        **_limit_columns(scope, rates),
    }
    try:
        connection.execute(insert(AGENTS), row)
    except IntegrityError as fault:
        if violated_constraint(fault) != "uq_agents_name":
            raise
        raise RegistryError(
            f"there is an agent named {name!r} already; choose another name, or rotate its key"
        ) from fault
    append_tenant_event(
        connection, TenantEventType.AGENT_ADDED, by, now, agent_id=agent_id, owner=owner, **_facts(scope, rates)
    )
    return _credentials(connection, tenant_id, agent_id, now, seal)


def rotate_credentials(
    connection: Connection,
    name: str,
    now: datetime,
    *,
    old_until: datetime,
    by: str = "operator",
    seal: Seal = leave_unsealed,
) -> Credentials:
    """Create a new key and secret. The old ones stay valid until `old_until`, so the agent need not stop."""
    agent = _lock_unrevoked(connection, name)
    for table in (KEYS, SECRETS):
        sooner = (table.c.expires_at.is_(None)) | (table.c.expires_at > old_until)
        connection.execute(update(table).where(table.c.agent_id == agent.agent_id, sooner).values(expires_at=old_until))
    append_tenant_event(connection, TenantEventType.AGENT_ROTATED, by, now, agent_id=agent.agent_id)
    return _credentials(connection, agent.tenant_id, agent.agent_id, now, seal)


def set_standing(
    connection: Connection, name: str, standing: AgentStanding, now: datetime, *, by: str = "operator"
) -> None:
    """Pause, resume or revoke an agent. Nothing is written if it has this standing already."""
    agent = _lock_unrevoked(connection, name)
    if agent.standing == standing:
        return
    connection.execute(update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(standing=standing.value))
    append_tenant_event(connection, TenantEventType.of("agent", standing), by, now, agent_id=agent.agent_id)


def set_callback_url(
    connection: Connection, name: str, url: str | None, now: datetime, *, by: str = "operator"
) -> None:
    """Set the address for new callbacks. Callbacks already queued keep their address."""
    agent = _lock_unrevoked(connection, name)
    if agent.callback_url == url:
        return
    connection.execute(update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(callback_url=url))
    append_tenant_event(connection, TenantEventType.AGENT_CALLBACK_CHANGED, by, now, agent_id=agent.agent_id)


def set_allowed(
    connection: Connection, name: str, scope: KeyScope, rates: Rates, now: datetime, *, by: str = "operator"
) -> None:
    """Set what the agent's key may request. Packages that wait for review are not affected."""
    agent = _lock_unrevoked(connection, name)
    allowed = _limit_columns(scope, rates)
    if allowed == {name: getattr(agent, name) for name in allowed}:
        return
    connection.execute(update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(allowed))
    append_tenant_event(
        connection, TenantEventType.AGENT_SCOPE_CHANGED, by, now, agent_id=agent.agent_id, **_facts(scope, rates)
    )


def _limit_columns(scope: KeyScope, rates: Rates) -> dict[str, Any]:
    scope_json = None if scope == FULL_SCOPE else scope.model_dump_json()
    return {"scope": scope_json, "per_minute": rates.per_minute, "max_open": rates.max_open}


def _facts(scope: KeyScope, rates: Rates) -> dict[str, Any]:
    """The event contains only values that differ from the default."""
    return scope.model_dump(mode="json", exclude_defaults=True) | rates.model_dump(exclude_none=True)


def find_agent(connection: Connection, name: str, now: datetime) -> ListedAgent:
    agent = next((agent for agent in list_agents(connection, now) if agent.name == name), None)
    if agent is None:
        raise RegistryError(_NO_AGENT.format(name=name))
    return agent


def list_agents(connection: Connection, now: datetime) -> list[ListedAgent]:
    """All agents by name, with the number of keys that are valid now."""
    works = KEYS.c.expires_at.is_(None) | (KEYS.c.expires_at > now)
    keys = select(func.count()).where(KEYS.c.agent_id == AGENTS.c.agent_id, works).scalar_subquery()
    rows = connection.execute(select(AGENTS, keys.label("keys")).order_by(AGENTS.c.name))
    return [
        ListedAgent(
            agent_id=row.agent_id,
            name=row.name,
            owner=row.owner,
            standing=AgentStanding(row.standing),
            callback_url=row.callback_url,
            created_at=row.created_at,
            keys=row.keys,
            scope=parse_scope(row.scope),
            rates=rates_of(row.per_minute, row.max_open),
        )
        for row in rows
    ]


def _lock_unrevoked(connection: Connection, name: str) -> Any:
    lock_table(connection, AGENTS)
    row = connection.execute(select(AGENTS).where(AGENTS.c.name == name).with_for_update()).first()
    if row is None:
        raise RegistryError(_NO_AGENT.format(name=name))
    if row.standing == AgentStanding.REVOKED:
        raise RegistryError(f"{name!r} is revoked, for good; add a new agent instead")
    return row


def _credentials(connection: Connection, tenant_id: str, agent_id: str, now: datetime, seal: Seal) -> Credentials:
    key = "csk_" + secrets.token_urlsafe(32)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    row = {"tenant_id": tenant_id, "agent_id": agent_id, "created_at": now, "expires_at": None}
    connection.execute(insert(KEYS), row | {"key_digest": key_digest(key)})
    connection.execute(insert(SECRETS), row | {"secret_id": f"sec_{fresh_id()}", "secret": seal(secret)})
    return Credentials(agent_id, key, secret)
