"""The state of a receiver of the feed: whether it takes events, and until when it is left alone.

After `TROUBLE` failures in a row nothing is sent before `retry_at`; then one process at a time may try the receiver
(`take_probe`). An event that is taken ends the trouble (`note_taken`). All replicas share the row, so they do not all
call a receiver that is down.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, String, bindparam, func, insert, or_, select, text, update

from rules.record.evidence import TENANT
from store.feed.chains import MOMENT, POSITIONS, FeedKey
from store.installation.tenancy import EVENTS as TENANT_EVENTS
from store.installation.tenancy import INSTALLATION
from store.schema.feed_tables import Feed
from store.schema.tables import core

FEEDS = core(Feed)
TAKEN_AT_PRECISION = timedelta(seconds=1)  # seldom written, so that processes do not wait for each other's locks
TROUBLE = 3  # failures in a row, from which the receiver is left alone for a while
LONGEST_WAIT = timedelta(hours=30)  # longer than any pause or delay: a later time was written by a clock that was wrong
BEFORE = timedelta(minutes=5)  # the feed begins so much earlier: clocks differ, and transactions take their time
FORGOTTEN_AFTER = timedelta(minutes=10)  # the trouble of a process that does not fail any more, because it is gone

_THIS = (FEEDS.c.tenant_id == bindparam("tenant"), FEEDS.c.feed == bindparam("feed_name"))
_NOW, _UNTIL = bindparam("now", type_=MOMENT), bindparam("until", type_=MOMENT)
_BEGIN = text(
    "INSERT INTO feeds (tenant_id, feed, begun_at, failures) VALUES (:tenant, :feed, :now, 0)"
    " ON CONFLICT (tenant_id, feed) DO NOTHING"
).bindparams(_NOW)
_FIRST_OF_TENANT = select(func.min(TENANT_EVENTS.c.sequence)).where(
    TENANT_EVENTS.c.tenant_id == bindparam("tenant"), TENANT_EVENTS.c.occurred_at >= _NOW
)
_LENGTH_OF_TENANT = select(INSTALLATION.c.length).where(INSTALLATION.c.tenant_id == bindparam("tenant"))
_BEGIN_TENANT = insert(POSITIONS)
_LOAD = select(
    *(FEEDS.c[name] for name in ("begun_at", "taken_at", "failures", "failing_since", "last_error", "retry_at"))
).where(*_THIS)
_LOAD_AND_LOCK = _LOAD.with_for_update()
_TAKEN = (
    update(FEEDS)
    .where(
        *_THIS,
        or_(FEEDS.c.taken_at.is_(None), FEEDS.c.taken_at < bindparam("before", type_=MOMENT), FEEDS.c.taken_at > _NOW),
    )
    .values(taken_at=_NOW)
)
_OWN = bindparam("own", type_=String)
_RECOVERED = (
    update(FEEDS)
    .where(*_THIS, FEEDS.c.failures > 0)
    .where(
        or_(
            func.substr(FEEDS.c.last_error, 1, func.length(_OWN)) == _OWN,
            FEEDS.c.retry_at < bindparam("gone", type_=MOMENT),
        )
    )
    .values(failures=0, failing_since=None, last_error=None, retry_at=None)
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
_MAY_PROBE = or_(
    FEEDS.c.retry_at.is_(None), FEEDS.c.retry_at <= _NOW, FEEDS.c.retry_at > bindparam("wrong", type_=MOMENT)
)
_PROBE = update(FEEDS).where(*_THIS, _MAY_PROBE).values(retry_at=_UNTIL)
_END_PAUSE = update(FEEDS).where(*_THIS, FEEDS.c.retry_at > _NOW).values(retry_at=_NOW)


class Lane(NamedTuple):
    """The state of a receiver. `failures` counts those since it last took an event."""

    begun_at: datetime
    taken_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    last_error: str | None = None
    retry_at: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        return is_ahead(self.retry_at, now)


def is_ahead(moment: datetime | None, now: datetime) -> bool:
    """Whether this is still to be waited for. A moment that is too far away was written by a clock that was wrong."""
    return moment is not None and now < moment <= now + LONGEST_WAIT


def begin_feed(connection: Connection, key: FeedKey, now: datetime) -> Lane:
    """The feed begins with the events of the last minutes, unless it has begun before. `now` is business time."""
    begun_at = now - BEFORE
    if connection.execute(_BEGIN, key.values | {"now": begun_at}).rowcount:
        earlier = _count_earlier(connection, key.tenant_id, begun_at)
        chain = {"tenant_id": key.tenant_id, "feed": key.feed.value, "chain_id": TENANT}
        connection.execute(_BEGIN_TENANT, chain | {"sent": earlier, "wanted": earlier, "attempts": 0})
    lane = load_lane(connection, key)
    assert lane  # noqa: S101 - it was just written
    return lane


def _count_earlier(connection: Connection, tenant_id: str, begun_at: datetime) -> int:
    """The number of events of the tenant's chain before the first one that occurred since `begun_at`."""
    first = connection.execute(_FIRST_OF_TENANT, {"tenant": tenant_id, "now": begun_at}).scalar_one()
    length: int = connection.execute(_LENGTH_OF_TENANT, {"tenant": tenant_id}).scalar_one()
    return first - 1 if first else length


def load_lane(connection: Connection, key: FeedKey, *, lock: bool = False) -> Lane | None:
    """`lock`: until the commit, so that failures at the same time are counted one after the other."""
    row = connection.execute(_LOAD_AND_LOCK if lock else _LOAD, _key(key)).first()
    return Lane(*row) if row else None


def note_taken(connection: Connection, key: FeedKey, now: datetime, own: str = "") -> None:
    """The receiver has taken an event, so its trouble has ended.

    `own` is for a receiver that each process has for itself, such as a file: only trouble whose error begins with it
    has ended.
    """
    connection.execute(_TAKEN, _key(key) | {"now": now, "before": now - TAKEN_AT_PRECISION})
    connection.execute(_RECOVERED, _key(key) | {"own": own, "gone": now - FORGOTTEN_AFTER})


def pause_lane(connection: Connection, key: FeedKey, error: str, *, since: datetime, until: datetime) -> None:
    """One more failure since the receiver last took an event."""
    connection.execute(_PAUSE, _key(key) | {"since": since, "error": error, "until": until})


def take_probe(connection: Connection, key: FeedKey, now: datetime, until: datetime) -> bool:
    """Whether the caller may try a receiver that is in trouble: one process at a time, until `until`."""
    values = {"now": now, "until": until, "wrong": now + LONGEST_WAIT}
    return connection.execute(_PROBE, _key(key) | values).rowcount == 1


def end_pause(connection: Connection, key: FeedKey, now: datetime) -> None:
    """Let the next process try the receiver at once."""
    connection.execute(_END_PAUSE, _key(key) | {"now": now})


def _key(key: FeedKey) -> dict[str, object]:
    return {"tenant": key.tenant_id, "feed_name": key.feed.value}
