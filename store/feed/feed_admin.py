"""What operators see of the feed, and how they send events again.

A receiver has a position in each chain: `sent` is the last revision that it took, `wanted` the last that the feed
knows. To send events again is to lower `sent`; the sender then finds the chain due. `countersign feed`, `countersign
doctor`, `/readyz` and `/metrics` use this module.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    update,
)

from rules.record.evidence import TENANT
from store.feed.chains import MOMENT, POSITIONS, FeedKey, FeedKind, News, list_round, news_row
from store.feed.lanes import FEEDS, TROUBLE, Lane, end_pause
from store.feed.positions import LOSSES
from store.installation.tenancy import EVENTS as TENANT_EVENTS
from store.installation.tenancy import read_tenant_id
from store.packages.events import EVENTS

_AGAIN = text(
    "INSERT INTO feed_positions (tenant_id, feed, chain_id, sent, wanted, due_at, behind_since, attempts, replayed)"
    " VALUES (:tenant, :feed, :chain, :sent, :wanted, :now, :behind_since, 0, TRUE)"
    " ON CONFLICT (tenant_id, feed, chain_id) DO UPDATE SET"
    " sent = CASE WHEN feed_positions.sent < excluded.sent THEN feed_positions.sent ELSE excluded.sent END,"
    " wanted = CASE WHEN feed_positions.wanted > excluded.wanted THEN feed_positions.wanted ELSE excluded.wanted END,"
    " replayed = (feed_positions.replayed OR feed_positions.due_at IS NULL),"
    " due_at = excluded.due_at, attempts = 0, failed_at = NULL, error = NULL,"
    " behind_since = CASE WHEN feed_positions.behind_since < excluded.behind_since"
    " THEN feed_positions.behind_since ELSE excluded.behind_since END"
).bindparams(bindparam("now", type_=MOMENT), bindparam("behind_since", type_=MOMENT))


PAGE = 10_000  # chains
_NOT_LOST = delete(LOSSES).where(
    LOSSES.c.tenant_id == bindparam("tenant"),
    LOSSES.c.feed == bindparam("feed"),
    LOSSES.c.chain_id == bindparam("chain"),
    LOSSES.c.revision > bindparam("sent"),
)


class FeedReport(NamedTuple):
    """`behind` events of `chains` chains were not taken yet; the oldest occurred at `behind_since`.

    `held` chains wait because the receiver took other events and not their next one.
    """

    feed: FeedKind
    lane: Lane
    behind: int = 0
    chains: int = 0
    behind_since: datetime | None = None
    held: int = 0
    lost: int = 0

    @property
    def is_in_trouble(self) -> bool:
        """The receiver takes nothing. One failure may be an event's own fault, but a file refuses no event."""
        return self.lane.failures >= (1 if self.feed is FeedKind.FILE else TROUBLE)

    def lag(self, now: datetime) -> timedelta:
        """How old the oldest event is that was not taken. `now` is business time."""
        return max(now - self.behind_since, timedelta(0)) if self.behind_since else timedelta(0)


class LostEvent(NamedTuple):
    """An event that was given up."""

    feed: str
    chain_id: str
    revision: int
    error: str
    given_up_at: datetime


class HeldChain(NamedTuple):
    """A chain that waits because the receiver took other events and not this one."""

    feed: str
    chain_id: str
    revision: int
    attempts: int
    retry_at: datetime
    error: str | None


_IS_HELD = (POSITIONS.c.due_at.is_not(None), POSITIONS.c.attempts > 0)


def report_feeds(connection: Connection) -> list[FeedReport]:
    """Report on each receiver that the feed has ever had."""
    tenant_id = read_tenant_id(connection)
    columns = (FEEDS.c[name] for name in ("feed", *Lane._fields))
    feeds = connection.execute(select(*columns).where(FEEDS.c.tenant_id == tenant_id).order_by(FEEDS.c.feed))
    return [_report(connection, FeedKey(tenant_id, FeedKind(row.feed)), Lane(*row[1:])) for row in feeds]


def _report(connection: Connection, key: FeedKey, lane: Lane) -> FeedReport:
    backlog = connection.execute(
        select(
            func.coalesce(func.sum(POSITIONS.c.wanted - POSITIONS.c.sent), 0),
            func.count(),
            func.min(POSITIONS.c.behind_since),
            func.coalesce(func.sum(case((POSITIONS.c.attempts > 0, 1), else_=0)), 0),
        ).where(
            POSITIONS.c.tenant_id == key.tenant_id, POSITIONS.c.feed == key.feed.value, POSITIONS.c.due_at.is_not(None)
        )
    ).one()
    of_feed = (LOSSES.c.tenant_id == key.tenant_id, LOSSES.c.feed == key.feed.value)
    lost = connection.execute(select(func.count()).select_from(LOSSES).where(*of_feed)).scalar_one()
    behind, chains, behind_since, held = backlog
    return FeedReport(key.feed, lane, behind, chains, behind_since, held, lost)


def list_lost_events(connection: Connection, limit: int) -> list[LostEvent]:
    """Events that were given up, the latest first."""
    query = (
        select(*(LOSSES.c[name] for name in LostEvent._fields))
        .where(LOSSES.c.tenant_id == read_tenant_id(connection))
        .order_by(LOSSES.c.given_up_at.desc(), LOSSES.c.chain_id, LOSSES.c.revision)
        .limit(limit)
    )
    return [LostEvent(*row) for row in connection.execute(query)]


def list_held_chains(connection: Connection, limit: int) -> list[HeldChain]:
    """Held chains, the one refused most often first."""
    query = (
        select(POSITIONS.c.feed, POSITIONS.c.chain_id, POSITIONS.c.sent + 1)
        .add_columns(*(POSITIONS.c[name] for name in ("attempts", "due_at", "error")))
        .where(POSITIONS.c.tenant_id == read_tenant_id(connection), *_IS_HELD)
        .order_by(POSITIONS.c.attempts.desc(), POSITIONS.c.chain_id)
        .limit(limit)
    )
    return [HeldChain(*row) for row in connection.execute(query)]


def skip_held_event(connection: Connection, chain_id: str, now: datetime, feed: FeedKind | None = None) -> list[str]:
    """Give up the event that is refused, so that its chain goes on. Returns the receivers that refused it."""
    tenant_id = read_tenant_id(connection)
    chain = TENANT if chain_id == tenant_id else chain_id
    of_chain = [POSITIONS.c.tenant_id == tenant_id, POSITIONS.c.chain_id == chain, *_IS_HELD]
    of_chain += [POSITIONS.c.feed == feed.value] if feed else []
    held = connection.execute(select(POSITIONS).where(*of_chain).with_for_update()).all()
    for row in held:
        place = {"tenant_id": tenant_id, "feed": row.feed, "chain_id": chain, "revision": row.sent + 1}
        error = f"{row.error}; skipped by an operator"
        connection.execute(insert(LOSSES).values(**place, error=error, given_up_at=now))
    is_last = POSITIONS.c.wanted <= POSITIONS.c.sent + 1
    connection.execute(
        update(POSITIONS)
        .where(*of_chain)
        .values(sent=POSITIONS.c.sent + 1, attempts=0, failed_at=None, error=None)
        .values(due_at=case((is_last, null()), else_=literal(now, MOMENT)))
        .values(behind_since=case((is_last, null()), else_=POSITIONS.c.behind_since))
    )
    return [row.feed for row in held]


def forget_feed(connection: Connection, feed: FeedKind) -> bool:
    """Forget how far this receiver is. If it is turned on again, its feed begins anew."""
    tenant_id = read_tenant_id(connection)
    for table in (POSITIONS, LOSSES):
        connection.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.feed == feed.value))
    this = (FEEDS.c.tenant_id == tenant_id, FEEDS.c.feed == feed.value)
    return connection.execute(delete(FEEDS).where(*this)).rowcount > 0


def count_unseen_chains(connection: Connection, feed: FeedKind, begun_at: datetime) -> int:
    """Chains with events that no sender has seen yet: few, unless no sender runs."""
    key, count, after = FeedKey(read_tenant_id(connection), feed), 0, ""
    while True:
        page = list_round(connection, key, begun_at, after, PAGE)
        count += len(page.behind)
        if not page.following:
            return count
        after = page.following


def find_stretches(connection: Connection, since: datetime | None = None, chain_id: str | None = None) -> list[News]:
    """The events since then, or all events of this chain. The tenant's id stands for its own chain."""
    tenant_id = read_tenant_id(connection)
    packages = _stretches(EVENTS, EVENTS.c.package_id, EVENTS.c.revision).where(EVENTS.c.tenant_id == tenant_id)
    tenant = _stretches(TENANT_EVENTS, literal(TENANT), TENANT_EVENTS.c.sequence).where(
        TENANT_EVENTS.c.tenant_id == tenant_id
    )
    if since:
        queries = [packages.where(EVENTS.c.occurred_at >= since), tenant.where(TENANT_EVENTS.c.occurred_at >= since)]
    else:
        queries = [tenant if chain_id == tenant_id else packages.where(EVENTS.c.package_id == chain_id)]
    return sorted(News(*row) for query in queries for row in connection.execute(query))


def _stretches(table: Table, chain_id: ColumnElement[str], revision: ColumnElement[int]) -> Select[Any]:
    columns: tuple[Any, ...] = (chain_id, func.min(revision), func.max(revision), func.min(table.c.occurred_at))
    return select(*columns).group_by(chain_id)


def send_again(connection: Connection, feed: FeedKind, stretches: Collection[News], now: datetime) -> None:
    """Send these events again, and what came after them in their chains. A claim of a chain ends.

    A chain that still has live events to send stays among the live chains.
    """
    key = FeedKey(read_tenant_id(connection), feed)
    rows = [news_row(key, stretch, now) for stretch in sorted(stretches)]
    end_pause(connection, key, now)
    connection.execute(_AGAIN, rows)
    connection.execute(_NOT_LOST, [key.values | {"chain": row["chain"], "sent": row["sent"]} for row in rows])
