"""What must be shown and told: the tables from which Slack and the agents are brought up to date."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel


class Card(SQLModel, table=True):
    """A place where a package is shown: what is wanted there, and what was last shown."""

    __tablename__ = "cards"
    __table_args__ = (Index("ix_cards_behind", "tenant_id", "behind"),)
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    wanted_revision: int
    shown_revision: int = 0
    behind: bool = True
    channel: str | None = None
    ts: str | None = None
    rendering_id: str | None = None
    noted_revision: int = 0
    held_until: datetime | None = None  # by whoever brings it, or until it is tried again: in real time
    held_by: str | None = None  # the claim that holds it, as long as nobody has claimed it anew


class Budget(SQLModel, table=True):
    """How often Slack was called lately, by what it counts: a JSON list of moments in real time, in seconds."""

    __tablename__ = "budgets"
    tenant_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    spent: str = Field(sa_type=Text)
    under_way: str = Field(sa_type=Text)  # of these it is not known yet: when they are over at the latest
    paused_until: float = 0.0


class Turn(SQLModel, table=True):
    """When a card of an agent was last brought into a channel, in real time, in seconds."""

    __tablename__ = "turns"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    lane: str = Field(primary_key=True)  # a channel, or all people who are asked one by one
    served_at: float


class Trouble(SQLModel, table=True):
    """A place where Slack refuses for good to show anything, until it shows something there again.

    While it is `closed`, in real time, nothing is tried there. `told`: the admins know of it. `ended_at`: since then it
    is over, and the admins are still to be told so.
    """

    __tablename__ = "troubles"
    tenant_id: str = Field(primary_key=True)
    place: str = Field(primary_key=True)
    error: str
    since: datetime
    told: bool = False
    closed_until: datetime | None = None
    ended_at: datetime | None = None


class Rendering(SQLModel, table=True):
    """What was shown, exactly, by its content: kept before it is posted."""

    __tablename__ = "renderings"
    tenant_id: str = Field(primary_key=True)
    rendering_id: str = Field(primary_key=True)
    package_id: str = Field(index=True)
    body: str | None = Field(default=None, sa_type=Text)
    created_at: datetime


class Callback(SQLModel, table=True):
    """What an agent is to be told. `callback_id` is the webhook's id: the same through all attempts.

    One of a package is due, or none; those after it wait. All its times are those of the transport, which are real.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        # With whom it is for: what is due to somebody who has no room is passed over without looking at the row.
        Index("ix_callbacks_due", "tenant_id", "state", "due_at", "agent_id", "url"),
        Index("ix_callbacks_package", "tenant_id", "package_id", "revision"),
    )
    tenant_id: str = Field(primary_key=True)
    callback_id: str = Field(primary_key=True)
    package_id: str
    agent_id: str
    revision: int
    event_type: str
    url: str = Field(sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    state: str
    attempts: int = 0
    due_at: datetime
    last_error: str | None = Field(default=None, sa_type=Text)
    tried_at: datetime | None = None
    created_at: datetime


class QuietAddress(SQLModel, table=True):
    """An address that asked to be left alone for a while; or for good, until an operator says otherwise."""

    __tablename__ = "quiet_addresses"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    url: str = Field(primary_key=True, sa_type=Text)
    until: datetime | None = None
    since: datetime
