"""What a submission looks up beside packages: earlier Noes, and users by their e-mail address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class NoRow(SQLModel, table=True):
    """A person's No to one version of a package, by the event that recorded it."""

    __tablename__ = "noes"
    __table_args__ = (
        Index("ix_noes_action", "tenant_id", "action_digest", "at"),
        Index("ix_noes_type", "tenant_id", "agent_id", "action_type", "at"),
    )
    tenant_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    package_id: str
    agent_id: str
    action_type: str
    subject_digest: str | None = None
    action_digest: str
    verb: str
    reviewer_id: str
    at: datetime
    settled: bool = False


class AddressLookup(SQLModel, table=True):
    """Slack's last answer about an e-mail address: its user, or NULL. `reference` is the address's digest."""

    __tablename__ = "asked_addresses"
    tenant_id: str = Field(primary_key=True)
    reference: str = Field(primary_key=True)
    user_id: str | None = None
    asked_at: datetime
