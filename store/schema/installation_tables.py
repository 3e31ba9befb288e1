"""Tables of what belongs to no package: the installation and its chain, its people, its policies and its processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel


class InstallationRow(SQLModel, table=True):
    """One row: who this installation is, and what all its processes must agree on."""

    __tablename__ = "installation"
    tenant_id: str = Field(primary_key=True)
    created_at: datetime
    frozen: bool = False
    directory_version: int = 0
    directory_as_of: datetime | None = None
    directory_read_at: datetime | None = None  # by the real clock, as are the times of Slack's events
    policy_digest: str | None = None  # the policy in force, by the digest under which its text is kept
    relieved: str | None = None  # for which people, there and away, all tasks were last looked through
    length: int = 0
    head: str | None = None


class TenantEventRow(SQLModel, table=True):
    """The chain of what belongs to no package: agents, keys, policy texts, assignments of people, absences."""

    __tablename__ = "tenant_events"
    tenant_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    event_type: str
    actor: str
    occurred_at: datetime
    body: str = Field(sa_type=Text)


class PersonRow(SQLModel, table=True):
    """A user of the workspace, as Slack last told us."""

    __tablename__ = "people"
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    name: str = ""
    email: str | None = None
    active: bool = True
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    told_at: datetime | None = None  # when the newest event about them happened, and which one it was
    told_by: str | None = None


class GroupRow(SQLModel, table=True):
    """When an event last listed all members of a user group, and which event that was."""

    __tablename__ = "user_groups"
    tenant_id: str = Field(primary_key=True)
    group_id: str = Field(primary_key=True)
    told_at: datetime
    told_by: str


class GroupMember(SQLModel, table=True):
    """Who belongs to a user group; and, until the next reading, who does not any more."""

    __tablename__ = "group_members"
    tenant_id: str = Field(primary_key=True)
    group_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    is_former: bool | None = None
    told_at: datetime | None = None
    told_by: str | None = None


class Absence(SQLModel, table=True):
    """When somebody was, or is, away. Past ones are kept: silence did not count while nobody else was there."""

    __tablename__ = "absences"
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True)
    until: datetime
    delegate: str | None = None
    current: bool = True


class Uptime(SQLModel, table=True):
    """A stretch of time in which a process could have taken a click, and reach Slack."""

    __tablename__ = "uptimes"
    __table_args__ = (Index("ix_uptimes_until", "tenant_id", "until"),)
    tenant_id: str = Field(primary_key=True)
    process_id: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True)
    until: datetime


class PolicyText(SQLModel, table=True):
    """Every policy text that was ever in force, by its digest: a decision names the one it was made under."""

    __tablename__ = "policies"
    tenant_id: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    version: str
    text: str = Field(sa_type=Text)
    first_used_at: datetime


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


class SlackRequestTime(SQLModel, table=True):
    """A host of ours, as requests name it, and when one of Slack's last came in there. In real time."""

    __tablename__ = "heard_at"
    tenant_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    at: datetime
