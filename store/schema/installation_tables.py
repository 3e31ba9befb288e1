"""Tables outside of packages: the installation and its chain, people, policies and processes.

Rows carry columns and constraints and check nothing: the functions in `store.installation` return values of `rules`. A
change needs a migration, and a test compares both.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel


class InstallationRow(SQLModel, table=True):
    """A single row: the identity of the installation, and state that all its processes share."""

    __tablename__ = "installation"
    tenant_id: str = Field(primary_key=True)
    created_at: datetime
    frozen: bool = False
    directory_version: int = 0
    directory_as_of: datetime | None = None
    directory_read_at: datetime | None = None  # by the real clock, as Slack's events are
    policy_digest: str | None = None  # digest of the active policy's text
    workspace_url: str | None = Field(default=None, sa_type=Text)  # as Slack last named it
    mails_until: datetime | None = None  # until then somebody sends mails, so changes note whom to tell
    relieved: str | None = None  # digest of the people and absences for which all tasks were last checked
    length: int = 0  # of the tenant's chain of events
    head: str | None = None  # digest of its last event


class TenantEventRow(SQLModel, table=True):
    """An event of the tenant's chain, about agents, keys, policy texts, the freeze or absences."""

    __tablename__ = "tenant_events"
    tenant_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    event_type: str
    actor: str
    occurred_at: datetime
    body: str = Field(sa_type=Text)


class PersonRow(SQLModel, table=True):
    """A user of the workspace, as last received from Slack."""

    __tablename__ = "people"
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    name: str = ""
    email: str | None = None
    active: bool = True
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    told_at: datetime | None = None  # when the newest event about this person happened
    told_by: str | None = None  # the id of that event


class GroupRow(SQLModel, table=True):
    """A user group, and the last event that listed all its members."""

    __tablename__ = "user_groups"
    tenant_id: str = Field(primary_key=True)
    group_id: str = Field(primary_key=True)
    told_at: datetime  # when that event happened
    told_by: str  # the id of that event


class GroupMember(SQLModel, table=True):
    """A member of a user group. Former ones stay until the next reading, so that a late event cannot restore them."""

    __tablename__ = "group_members"
    tenant_id: str = Field(primary_key=True)
    group_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    is_former: bool | None = None
    told_at: datetime | None = None  # when the newest event about this membership happened
    told_by: str | None = None  # the id of that event


class Absence(SQLModel, table=True):
    """When someone was or is away. Past ones are kept, because silence does not count while nobody can object."""

    __tablename__ = "absences"
    tenant_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True)
    until: datetime
    delegate: str | None = None
    current: bool = True


class Uptime(SQLModel, table=True):
    """A span of time in which a process could have received a click and reached Slack."""

    __tablename__ = "uptimes"
    __table_args__ = (Index("ix_uptimes_until", "tenant_id", "until"),)
    tenant_id: str = Field(primary_key=True)
    process_id: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True)
    until: datetime


class PolicyText(SQLModel, table=True):
    """Every policy text that was ever active, by digest: decisions refer to it."""

    __tablename__ = "policies"
    tenant_id: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    version: str
    text: str = Field(sa_type=Text)
    first_used_at: datetime


class Presence(SQLModel, table=True):
    """A process that receives clicks: its start, last sign of life, and last proof."""

    __tablename__ = "presences"
    __table_args__ = (Index("ix_presences_alive", "tenant_id", "alive_at"),)
    tenant_id: str = Field(primary_key=True)
    process_id: str = Field(primary_key=True)
    since: datetime
    alive_at: datetime
    gone: bool = False
    proven_at: datetime | None = None
    sockets: int = 0
    nonce: str | None = None  # of the pending probe
    unreached_since: datetime | None = None  # since when this process cannot reach Slack; None: it can
    has_looked: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})  # tried since its start
    # Whether it knows if clicks reach it. Processes of earlier releases, which do not write this, always knew.
    has_listened: bool = Field(default=True, sa_column_kwargs={"server_default": text("TRUE")})
    unheard_since: datetime | None = None  # since when no click can reach this process
    undelivered_since: datetime | None = None  # since when cards wait and this process gets none through


class SlackRequestTime(SQLModel, table=True):
    """The real time of Slack's last request to a host of this service."""

    __tablename__ = "heard_at"
    tenant_id: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    at: datetime
