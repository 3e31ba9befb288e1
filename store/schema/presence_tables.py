"""Tables of the processes that take clicks, and of how clicks come in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class Presence(SQLModel, table=True):
    """A process that takes clicks: since when it is there, its last sign of life, and what it could prove then."""

    __tablename__ = "presences"
    __table_args__ = (Index("ix_presences_alive", "tenant_id", "alive_at"),)
    tenant_id: str = Field(primary_key=True)
    process_id: str = Field(primary_key=True)
    since: datetime
    alive_at: datetime
    gone: bool = False
    proven_at: datetime | None = None
    sockets: int = 0
    nonce: str | None = None  # of the probe that is on its way


class HeardAt(SQLModel, table=True):
    """A host of ours, as requests name it, and when one of Slack's last came in there. In real time."""

    __tablename__ = "heard_at"
    tenant_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    at: datetime
