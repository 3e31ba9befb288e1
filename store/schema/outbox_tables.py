"""Tables of what must be shown in Slack and sent to agents.

A command writes here, in its own transaction, what is out of date. `scheduler.cards` and `scheduler.callbacks` claim
these rows and bring Slack and the agents up to date. The rows say what is wanted, not what happened.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from store.schema.tables import partial_index

A_MAIL = "kind = 'mail'"
OPEN_MAIL = "kind = 'mail' AND state = 'due'"


class Card(SQLModel, table=True):
    """A place where a package is shown: the wanted revision and the one last shown."""

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
    noted_revision: int = 0  # up to which notes were posted in the thread
    # Whether a note in the thread of this message says that replies are not read.
    has_notes: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})
    failure_ts: str | None = None  # of the note that asks what to do about a failure, until that is answered
    held_until: datetime | None = None  # end of the claim, or time of the next attempt: in real time
    held_by: str | None = None  # id of the last claim
    # Whether the last attempt failed because of this place or this text, and not because Slack takes no cards.
    refused: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})


class Budget(SQLModel, table=True):
    """Recent calls to Slack, by rate limit: JSON lists of real times in seconds."""

    __tablename__ = "budgets"
    tenant_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    spent: str = Field(sa_type=Text)
    under_way: str = Field(sa_type=Text)  # calls without a result yet: when each counts as finished
    paused_until: float = 0.0


class Turn(SQLModel, table=True):
    """The real time in seconds at which an agent's card was last delivered to a channel."""

    __tablename__ = "turns"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    lane: str = Field(primary_key=True)  # a channel, or all direct messages
    served_at: float


class Trouble(SQLModel, table=True):
    """A place where Slack refuses cards permanently, until it accepts one again.

    Until `closed_until`, in real time, no card is sent there. `told`: the admins were told that it began. `ended_at`:
    when it ended; the admins have not been told yet.
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
    """The exact content of a card or page, by its digest. It is saved before it is posted."""

    __tablename__ = "renderings"
    tenant_id: str = Field(primary_key=True)
    rendering_id: str = Field(primary_key=True)
    package_id: str = Field(index=True)
    body: str | None = Field(default=None, sa_type=Text)
    created_at: datetime


class Callback(SQLModel, table=True):
    """What is sent: a callback to an agent, or a mail to a person. `callback_id` is the same in all attempts.

    At most one callback of a package is due; later ones wait. A person has at most one mail of each event type that is
    due: its `agent_id` is the person. `unanswered` counts attempts that may have arrived although no answer came.
    `text_put_off`: a mail server has refused its text for now. `words_refused`: a mail server has refused the words of
    agents and people in it. All times are real times.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        # Contains agent and address, so callbacks for those at their limit are skipped without reading the rows.
        Index("ix_callbacks_due", "tenant_id", "state", "due_at", "agent_id", "url"),
        Index("ix_callbacks_package", "tenant_id", "package_id", "revision"),
        partial_index("ix_callbacks_open_mail", "tenant_id", "agent_id", "event_type", where=OPEN_MAIL, unique=True),
        partial_index("ix_callbacks_mails", "tenant_id", "agent_id", "created_at", where=A_MAIL),
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
    kind: str = Field(default="callback", sa_column_kwargs={"server_default": "callback"})
    unanswered: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    text_put_off: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})
    words_refused: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})


class QuietAddress(SQLModel, table=True):
    """An address that asked for no callbacks: until a time, or until an operator enables it (NULL)."""

    __tablename__ = "quiet_addresses"
    tenant_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True)
    url: str = Field(primary_key=True, sa_type=Text)
    until: datetime | None = None
    since: datetime
