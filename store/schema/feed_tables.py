"""Tables of the operators' feed: how far each chain of events was sent. Commands write nothing here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, text
from sqlmodel import Field, SQLModel

from store.schema.tables import partial_index

BEHIND = "due_at IS NOT NULL"
_ORDER_OF_CLAIMS = ("tenant_id", "feed", "replayed", "due_at", "chain_id")
_COUNTED = ("wanted", "sent", "behind_since", "attempts")  # so that a backlog is counted from the index alone


class Feed(SQLModel, table=True):
    """A receiver of the feed, and its trouble, if it has one. `begun_at` is business time; other times are real times.

    `failures` counts failures since the last event that was taken. Nothing is sent before `retry_at`.
    """

    __tablename__ = "feeds"
    tenant_id: str = Field(primary_key=True)
    feed: str = Field(primary_key=True)
    begun_at: datetime  # events from before are not sent, unless they are replayed
    taken_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = Field(default=None, sa_type=Text)
    retry_at: datetime | None = None


class FeedPosition(SQLModel, table=True):
    """`sent`: the last revision of the chain that was sent. `wanted`: the last one that the feed knows.

    `due_at`: when to send the next events, or the end of a claim; NULL: all was sent. `behind_since`: when the first
    event that was not sent occurred, in business time. `attempts`: how often the receiver did not take that event while
    it took others. `failed_at` and `error`: when it last did not take it, and why. `replayed`: an operator sends the
    events again, and no live event waits behind them.
    """

    __tablename__ = "feed_positions"
    __table_args__ = (partial_index("ix_feed_positions_due", *_ORDER_OF_CLAIMS, *_COUNTED, where=BEHIND),)
    tenant_id: str = Field(primary_key=True)
    feed: str = Field(primary_key=True)
    chain_id: str = Field(primary_key=True)
    sent: int
    wanted: int
    due_at: datetime | None = None
    replayed: bool = Field(default=False, sa_column_kwargs={"server_default": text("FALSE")})
    behind_since: datetime | None = None
    attempts: int = 0
    failed_at: datetime | None = None
    error: str | None = Field(default=None, sa_type=Text)


class FeedLoss(SQLModel, table=True):
    """An event that was given up, because the receiver took others and refused this one. A replay deletes it."""

    __tablename__ = "feed_losses"
    tenant_id: str = Field(primary_key=True)
    feed: str = Field(primary_key=True)
    chain_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    error: str = Field(sa_type=Text)
    given_up_at: datetime
