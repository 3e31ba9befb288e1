"""Autonomy profiles: one for each agent and action type. Lock the agent's row before you change one.

The action type is normalized, so an agent cannot escape its failures with another spelling.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, select, text

from rules.people.autonomy import AutonomyProfile
from rules.spelling import normalize_name
from store.engine.batch import write_row
from store.engine.statements import fetch_first
from store.schema.agent_tables import ProfileRow
from store.schema.tables import core

PROFILES = core(ProfileRow)

_FIND = select(PROFILES.c.body).where(
    PROFILES.c.tenant_id == bindparam("tenant"),
    PROFILES.c.agent_id == bindparam("agent"),
    PROFILES.c.action_type == bindparam("action"),
)
_LIST = (
    select(PROFILES.c.body)
    .where(PROFILES.c.tenant_id == bindparam("tenant"), PROFILES.c.agent_id.in_(bindparam("agents", expanding=True)))
    .order_by(PROFILES.c.agent_id, PROFILES.c.action_type)
)
_PUT = text(
    "INSERT INTO autonomy_profiles (tenant_id, agent_id, action_type, body) VALUES (:tenant, :agent, :action, :body)"
    " ON CONFLICT (tenant_id, agent_id, action_type) DO UPDATE SET body = excluded.body"
)


def load_profile(connection: Connection, tenant_id: str, agent_id: str, action_type: str) -> AutonomyProfile | None:
    row = fetch_first(
        connection, _FIND, {"tenant": tenant_id, "agent": agent_id, "action": normalize_name(action_type)}
    )
    return AutonomyProfile.model_validate_json(row.body) if row else None


def list_profiles(connection: Connection, tenant_id: str, agent_ids: Collection[str]) -> list[AutonomyProfile]:
    """All track records of these agents, by agent and action type."""
    bodies = connection.execute(_LIST, {"tenant": tenant_id, "agents": list(agent_ids)}).scalars()
    return [AutonomyProfile.model_validate_json(body) for body in bodies]


def save_profile(connection: Connection, tenant_id: str, profile: AutonomyProfile) -> None:
    key = {"tenant": tenant_id, "agent": profile.agent_id, "action": normalize_name(profile.action_type)}
    write_row(connection, _PUT, key | {"body": profile.model_dump_json()})
