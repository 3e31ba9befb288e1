"""Tables of agents, their keys and secrets, and their autonomy profiles."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel


class AgentRow(SQLModel, table=True):
    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("tenant_id", "name", name="uq_agents_name"),)
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    name: str
    owner: str
    standing: str
    callback_url: str | None = Field(default=None, sa_type=Text)
    created_at: datetime
    scope: str | None = Field(default=None, sa_type=Text)  # JSON; NULL: no restriction
    per_minute: int | None = None  # NULL: the default; 0: no limit
    max_open: int | None = None  # likewise


class AgentKey(SQLModel, table=True):
    """Only the digest of a key is stored, so someone who reads the database cannot act as the agent."""

    __tablename__ = "agent_keys"
    tenant_id: str = Field(primary_key=True)
    key_digest: str = Field(primary_key=True)
    agent_id: str = Field(index=True)
    created_at: datetime
    expires_at: datetime | None = None


class CallbackSecret(SQLModel, table=True):
    """The secret that signs callbacks, sealed with a key that the database does not contain."""

    __tablename__ = "callback_secrets"
    tenant_id: str = Field(primary_key=True)
    secret_id: str = Field(primary_key=True)
    agent_id: str = Field(index=True)
    secret: str
    created_at: datetime
    expires_at: datetime | None = None


class ProfileRow(SQLModel, table=True):
    __tablename__ = "autonomy_profiles"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    action_type: str = Field(primary_key=True)
    body: str = Field(sa_type=Text)
