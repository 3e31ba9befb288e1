"""The agents: added, rotated, paused and revoked by operators and admins, each time with an event."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from rules.people import AgentStanding
from store.agents import AGENTS, KEYS, key_digest
from store.house import fresh_id
from store.tables import CallbackSecret, core
from store.tenancy import happened, tenant

SECRETS = core(CallbackSecret)


class RegistryError(Exception):
    """What an operator asked for does not fit what is there; the sentence says what to do."""


class Credentials(NamedTuple):
    """Shown once, when made: the key is kept only as its digest."""

    agent_id: str
    key: str
    callback_secret: str


class Listed(NamedTuple):
    agent_id: str
    name: str
    owner: str
    standing: AgentStanding
    callback_url: str | None
    created_at: datetime
    keys: int


def add(
    connection: Connection,
    name: str,
    owner: str,
    now: datetime,
    *,
    callback_url: str | None = None,
    by: str = "operator",
) -> Credentials:
    tenant_id, agent_id = tenant(connection), f"agt_{fresh_id()}"
    row = {
        "tenant_id": tenant_id,
        "agent_id": agent_id,
        "name": name,
        "owner": owner,
        "standing": AgentStanding.ACTIVE.value,
        "callback_url": callback_url,
        "created_at": now,
    }
    try:
        connection.execute(insert(AGENTS), row)
    except IntegrityError as fault:
        raise RegistryError(
            f"there is an agent named {name!r} already; choose another name, or rotate its key"
        ) from fault
    happened(connection, "agent.added", by, now, agent_id=agent_id, owner=owner)
    return _credentials(connection, tenant_id, agent_id, now)


def rotate(
    connection: Connection, name: str, now: datetime, *, old_until: datetime, by: str = "operator"
) -> Credentials:
    """A new key and a new secret. The old ones go on until `old_until`, so that no agent has to stop."""
    agent = _unrevoked(connection, name)
    for table in (KEYS, SECRETS):
        sooner = (table.c.expires_at.is_(None)) | (table.c.expires_at > old_until)
        connection.execute(update(table).where(table.c.agent_id == agent.agent_id, sooner).values(expires_at=old_until))
    happened(connection, "agent.rotated", by, now, agent_id=agent.agent_id)
    return _credentials(connection, agent.tenant_id, agent.agent_id, now)


def set_standing(
    connection: Connection, name: str, standing: AgentStanding, now: datetime, *, by: str = "operator"
) -> None:
    agent = _unrevoked(connection, name)
    if agent.standing == standing:
        return
    connection.execute(update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(standing=standing.value))
    happened(connection, f"agent.{standing}", by, now, agent_id=agent.agent_id)


def set_callback_url(
    connection: Connection, name: str, url: str | None, now: datetime, *, by: str = "operator"
) -> None:
    """Where it is told from now on. What was to be told before goes where it was to go."""
    agent = _unrevoked(connection, name)
    if agent.callback_url == url:
        return
    connection.execute(update(AGENTS).where(AGENTS.c.agent_id == agent.agent_id).values(callback_url=url))
    happened(connection, "agent.callback_changed", by, now, agent_id=agent.agent_id)


def listed(connection: Connection, now: datetime) -> list[Listed]:
    """All agents by name, each with the number of its keys that work now."""
    works = KEYS.c.expires_at.is_(None) | (KEYS.c.expires_at > now)
    keys = select(func.count()).where(KEYS.c.agent_id == AGENTS.c.agent_id, works).scalar_subquery()
    rows = connection.execute(select(AGENTS, keys.label("keys")).order_by(AGENTS.c.name))
    return [
        Listed(
            row.agent_id, row.name, row.owner, AgentStanding(row.standing), row.callback_url, row.created_at, row.keys
        )
        for row in rows
    ]


def _unrevoked(connection: Connection, name: str) -> Any:
    row = connection.execute(select(AGENTS).where(AGENTS.c.name == name).with_for_update()).first()
    if row is None:
        raise RegistryError(f"there is no agent named {name!r}; `countersign agents list` shows them")
    if row.standing == AgentStanding.REVOKED:
        raise RegistryError(f"{name!r} is revoked, for good; add a new agent instead")
    return row


def _credentials(connection: Connection, tenant_id: str, agent_id: str, now: datetime) -> Credentials:
    key = "csk_" + secrets.token_urlsafe(32)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    born = {"tenant_id": tenant_id, "agent_id": agent_id, "created_at": now, "expires_at": None}
    connection.execute(insert(KEYS), born | {"key_digest": key_digest(key)})
    connection.execute(insert(SECRETS), born | {"secret_id": f"sec_{fresh_id()}", "secret": secret})
    return Credentials(agent_id, key, secret)
