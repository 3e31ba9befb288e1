"""The state of a receiver of the feed: whether it takes events, and until when it is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, or_, select, text, update

from rules.record.evidence import TENANT
from store.feed.chains import MOMENT, POSITIONS, FeedKey
from store.installation.tenancy import EVENTS as TENANT_EVENTS
from store.schema.feed_tables import Feed
from store.schema.tables import core

FEEDS = core(Feed)
OFTEN = timedelta(seconds=1)  # how exactly `taken_at` is kept, so that processes do not wait for each other's locks

_THIS = (FEEDS.c.tenant_id == bindparam("tenant"), FEEDS.c.feed == bindparam("feed_name"))
_NOW, _UNTIL = bindparam("now", type_=MOMENT), bindparam("until", type_=MOMENT)
_BEGIN = text(
    "INSERT INTO feeds (tenant_id, feed, begun_at, failures) VALUES (:tenant, :feed, :now, 0)"
    " ON CONFLICT (tenant_id, feed) DO NOTHING"
).bindparams(_NOW)
_EARLIER = select(func.count()).where(
    TENANT_EVENTS.c.tenant_id == bindparam("tenant"), TENANT_EVENTS.c.occurred_at < _NOW
)
_BEGIN_TENANT = insert(POSITIONS)
_LOAD = select(
    *(FEEDS.c[name] for name in ("begun_at", "taken_at", "failures", "failing_since", "last_error", "retry_at"))
).where(*_THIS)
_LOAD_AND_LOCK = _LOAD.with_for_update()
_HEALTHY = {"failures": 0, "failing_since": None, "last_error": None, "retry_at": None}
_TAKEN = (
    update(FEEDS)
    .where(*_THIS, or_(FEEDS.c.failures > 0, FEEDS.c.taken_at.is_(None), FEEDS.c.taken_at < bindparam("before")))
    .values(taken_at=_NOW, **_HEALTHY)
)
_PAUSE = (
    update(FEEDS)
    .where(*_THIS)
    .values(
        failures=FEEDS.c.failures + 1,
        failing_since=bindparam("since", type_=MOMENT),
        last_error=bindparam("error"),
        retry_at=_UNTIL,
    )
)
_PROBE = update(FEEDS).where(*_THIS, FEEDS.c.retry_at <= _NOW).values(retry_at=_UNTIL)


class Lane(NamedTuple):
    """`failures` counts those since the last event that was taken. Nothing is sent before `retry_at`."""

    begun_at: datetime
    taken_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    retry_at: datetime | None = None


def begin_feed(connection: Connection, key: FeedKey, now: datetime) -> Lane:
    """The feed begins with the events from now on, unless it has begun before. `now` is business time."""
    if connection.execute(_BEGIN, key.values | {"now": now}).rowcount:
        earlier = connection.execute(_EARLIER, {"tenant": key.tenant_id, "now": now}).scalar_one()
        chain = {"tenant_id": key.tenant_id, "feed": key.feed.value, "chain_id": TENANT}
        connection.execute(_BEGIN_TENANT, chain | {"sent": earlier, "wanted": earlier, "attempts": 0})
    lane = load_lane(connection, key)
    assert lane  # noqa: S101 - it was just written
    return lane


def load_lane(connection: Connection, key: FeedKey, *, lock: bool = False) -> Lane | None:
    """`lock`: until the commit, so that failures at the same time are counted one after the other."""
    row = connection.execute(_LOAD_AND_LOCK if lock else _LOAD, _key(key)).first()
    return Lane(*row) if row else None


def note_taken(connection: Connection, key: FeedKey, now: datetime) -> None:
    """The receiver has taken an event, so it has no trouble."""
    connection.execute(_TAKEN, _key(key) | {"now": now, "before": now - OFTEN})


def pause_lane(connection: Connection, key: FeedKey, error: str, *, since: datetime, until: datetime) -> None:
    """One more failure since the receiver last took an event."""
    connection.execute(_PAUSE, _key(key) | {"since": since, "error": error, "until": until})


def take_probe(connection: Connection, key: FeedKey, now: datetime, until: datetime) -> bool:
    """Whether the caller may try a receiver that is in trouble: one process at a time, until `until`."""
    return connection.execute(_PROBE, _key(key) | {"now": now, "until": until}).rowcount == 1


def _key(key: FeedKey) -> dict[str, object]:
    return {"tenant": key.tenant_id, "feed_name": key.feed.value}
