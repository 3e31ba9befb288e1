"""The main tables: only columns, keys and indexes. `rules` computes values, `store.commands.execute` writes them.

Every key begins with the tenant (the installation), so each table can be partitioned by it. What people and agents
wrote is in `content`, and as shown or sent in `renderings` and `callbacks`: retention can empty these tables without
changing the audit record.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Table, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

# Conditions of partial indexes. A query uses the index only if it repeats the condition literally.
# SQLite builds a table for a list of three or more values, for each row that it writes: so compare each value instead.
OPEN = "(status = 'pending' OR status = 'revision_requested' OR status = 'evidence_requested' OR status = 'deferred')"
SAMPLED = "sampled"
UNCOUNTED = "uncounted"
IS_MESSAGE = "event_type = 'package.message'"
IS_CHECKPOINT = "event_type = 'thread.checkpoint_reported'"
UNNAMED = "thread_id IS NOT NULL AND thread_key IS NULL"  # submitted to a replica of an older release
WAITS = "(level = 'soft_approval' OR level = 'hard_approval' OR level = 'human_takeover')"


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of few rows, which costs nothing when other rows are written."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class PackageRow(SQLModel, table=True):
    """The current state and the columns by which it is found. `state` is the result of all events."""

    __tablename__ = "packages"
    __table_args__ = (
        Index("ix_packages_own", "tenant_id", "agent_id", "created_at", "package_id"),
        partial_index("ix_packages_due", "tenant_id", "due_at", where="due_at IS NOT NULL"),
        partial_index(
            "ix_packages_subject",
            "tenant_id",
            "action_type",
            "subject_digest",
            "updated_at",
            where="subject_digest IS NOT NULL",
        ),
        Index("ix_packages_decided", "tenant_id", "decided_at", "status", "level"),
        partial_index(
            "ix_packages_thread",
            "tenant_id",
            "agent_id",
            "thread_id",
            "created_at",
            "package_id",
            where="thread_id IS NOT NULL",
        ),
        partial_index(
            "ix_packages_thread_key",
            "tenant_id",
            "thread_key",
            "created_at",
            "package_id",
            where="thread_key IS NOT NULL",
        ),
        partial_index("ix_packages_stop_name", "tenant_id", "stop_name", where="stop_name IS NOT NULL"),
        partial_index("ix_packages_held_by", "tenant_id", "held_by", where="held_by IS NOT NULL"),
        partial_index("ix_packages_unnamed", "tenant_id", where=UNNAMED),
        partial_index("ix_packages_open", "tenant_id", "agent_id", where=OPEN),
        partial_index("ix_packages_judge", "tenant_id", "judge", where="judge IS NOT NULL"),
        partial_index("ix_packages_sampled", "tenant_id", "decided_at", "verdict", where=SAMPLED),
        partial_index("ix_packages_uncounted", "tenant_id", where=UNCOUNTED),
    )
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    agent_id: str
    revision: int
    head: str  # digest of its last event
    version: int
    status: str
    level: str
    risk: str
    action_type: str
    subject_digest: str | None = None
    thread_id: str | None = None
    thread_key: str | None = None  # of the thread's record, the same for every spelling of `thread_id`
    stop_name: str | None = None  # what a stopped thread finds it by, until it has ended
    held_by: str | None = None  # the key of the thread that holds it
    followed: str | None = None  # the thread's event that it followed, as long as it is held or its action is running
    due_at: datetime | None = None
    decided_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    callback_url: str | None = Field(default=None, sa_type=Text)
    sampled: bool = Field(sa_column_kwargs={"server_default": text("FALSE")})  # picked for a second look
    verdict: str | None = None
    # The measures of human control have still to count its outcome, or a change of it.
    uncounted: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})
    traceparent: str | None = None  # of the request that submitted it
    tracestate: str | None = Field(default=None, sa_type=Text)
    judge: str | None = None  # who is asked for a blind second look, until it ends
    state: str = Field(sa_type=Text)


class VersionRow(SQLModel, table=True):
    """Each proposed version. The digest of its action finds the levels that the same action had before."""

    __tablename__ = "versions"
    __table_args__ = (
        Index("ix_versions_digest", "tenant_id", "agent_id", "action_digest", "created_at"),
        partial_index("ix_versions_waiting", "tenant_id", "agent_id", "created_at", where=WAITS),
    )
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    agent_id: str
    action_digest: str
    level: str
    event_id: str
    created_at: datetime


class EventRow(SQLModel, table=True):
    """A package's chain of events. `body` is the sealed event. The database refuses to change or delete rows."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("tenant_id", "event_id", name="uq_events_event_id"),
        Index("ix_events_time", "tenant_id", "occurred_at"),
        partial_index("ix_events_messages", "tenant_id", "package_id", "revision", where=IS_MESSAGE),
        partial_index("ix_events_messages_of", "tenant_id", "actor", "occurred_at", where=IS_MESSAGE),
        partial_index("ix_events_checkpoints", "tenant_id", "actor", "occurred_at", where=IS_CHECKPOINT),
    )
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    event_id: str
    event_type: str
    action_type: str
    actor: str
    occurred_at: datetime
    body: str = Field(sa_type=Text)


class Content(SQLModel, table=True):
    """The content of an event. Retention empties it together with its salt; the digest stays in the event."""

    __tablename__ = "content"
    __table_args__ = (Index("ix_content_package", "tenant_id", "package_id"),)
    tenant_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    package_id: str
    salt: str | None = None
    words: str | None = Field(default=None, sa_type=Text)
    created_at: datetime


class ReviewTaskRow(SQLModel, table=True):
    """The review queue: every rung of every escalation ladder, open or closed."""

    __tablename__ = "review_tasks"
    __table_args__ = (
        Index("ix_review_tasks_queue", "tenant_id", "open", "required_role", "priority", "due_at"),
        Index("ix_review_tasks_mine", "tenant_id", "open", "assigned_to", "priority", "due_at"),
        Index("ix_review_tasks_package", "tenant_id", "package_id", "rung"),
    )
    tenant_id: str = Field(primary_key=True)
    review_task_id: str = Field(primary_key=True)
    package_id: str
    rung: int
    required_role: str
    priority: int
    open: bool
    assigned_to: str | None = None
    created_at: datetime
    due_at: datetime


class VoteRow(SQLModel, table=True):
    """Every decision of a person, including those that no longer count."""

    __tablename__ = "votes"
    __table_args__ = (
        Index("ix_votes_reviewer", "tenant_id", "reviewer_id", "at"),
        Index("ix_votes_time", "tenant_id", "at", "decision", "latency_ms"),
        Index("ix_votes_package", "tenant_id", "package_id"),
    )
    tenant_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    package_id: str
    reviewer_id: str
    decision: str
    version: int
    rung: int
    rendering_id: str | None = None
    latency_ms: int  # since people were asked
    at: datetime


class CommandRow(SQLModel, table=True):
    """Every answered command, by its id: a repeated command gets the same answer."""

    __tablename__ = "commands"
    tenant_id: str = Field(primary_key=True)
    command_id: str = Field(primary_key=True)
    package_id: str
    content_digest: str | None = None
    refusal: str | None = Field(default=None, sa_type=Text)
    request: str | None = None
    at: datetime


class RequestRow(SQLModel, table=True):
    """A handled request from Slack, so that it is not handled twice while its signature is valid."""

    __tablename__ = "requests"
    tenant_id: str = Field(primary_key=True)
    request: str = Field(primary_key=True)
    at: datetime = Field(index=True)


class RefusalRow(SQLModel, table=True):
    """How often a person was refused for one reason in one minute: only the first attempt has an event."""

    __tablename__ = "refusals"
    tenant_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    minute: datetime = Field(primary_key=True)
    count: int


class ThreadRow(SQLModel, table=True):
    """A thread or run that is stopped: by a package that a person has taken over, or by a thread that is held.

    `package_id` says by what (`rules.package.takeover_reach`). The thread or run is free once no row is left.
    """

    __tablename__ = "threads"
    tenant_id: str = Field(primary_key=True)
    thread_id: str = Field(primary_key=True)
    package_id: str = Field(primary_key=True)
    taken_at: datetime


class ThreadRecordRow(SQLModel, table=True):
    """The current state of a thread that was given a command. Its events are in `events`, under its key.

    `due_at`: when the clock looks for packages that do not follow the thread yet.
    """

    __tablename__ = "thread_records"
    __table_args__ = (
        Index("ix_thread_records_time", "tenant_id", "updated_at"),
        partial_index("ix_thread_records_due", "tenant_id", "due_at", where="due_at IS NOT NULL"),
    )
    tenant_id: str = Field(primary_key=True)
    thread_key: str = Field(primary_key=True)
    thread_id: str = Field(sa_type=Text)
    owner_agent: str
    revision: int
    head: str
    status: str
    updated_at: datetime
    due_at: datetime | None = None
    state: str = Field(sa_type=Text)
    lineage: str | None = Field(default=None, sa_type=Text)


class HandoffRow(SQLModel, table=True):
    """A handoff of a thread, as its record has it, to find handoffs by agent and by time."""

    __tablename__ = "handoffs"
    __table_args__ = (
        Index("ix_handoffs_from_agent", "tenant_id", "from_agent", "offered_at"),
        Index("ix_handoffs_to_agent", "tenant_id", "to_agent", "offered_at"),
        partial_index(
            "ix_handoffs_permit", "tenant_id", "decision_package_id", where="decision_package_id IS NOT NULL"
        ),
        partial_index("ix_handoffs_due", "tenant_id", "due_at", where="due_at IS NOT NULL"),
    )
    tenant_id: str = Field(primary_key=True)
    handoff_id: str = Field(primary_key=True)
    thread_key: str
    thread_id: str = Field(sa_type=Text)
    from_agent: str
    to_agent: str
    status: str
    offered_at: datetime
    due_at: datetime | None
    decision_package_id: str | None = None
    body: str = Field(sa_type=Text)


def core(model: type[SQLModel]) -> Table:
    """The table of a model, for statements that are defined once and used often."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
