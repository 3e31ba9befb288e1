"""Finds chains with events that the feed does not know yet. Commands write nothing for the feed.

**Recent events** are found by their time. This is quick, and misses some: a transaction can commit long after the time
of its events, and clocks differ. **The round** therefore compares each chain's length with what the feed knows of it, a
page at a time, for ever. It misses nothing: a chain has no gaps, so its length says all.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    literal,
    or_,
    select,
    text,
)

from rules.record.evidence import TENANT
from rules.string_enum import StringEnum
from store.installation.tenancy import EVENTS as TENANT_EVENTS
from store.installation.tenancy import INSTALLATION
from store.packages.events import EVENTS
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.schema.feed_tables import FeedPosition
from store.schema.tables import core

POSITIONS = core(FeedPosition)  # wanted: the last revision of a chain that the feed knows
MOMENT = POSITIONS.c.due_at.type

_TENANT: BindParameter[str] = bindparam("tenant")
_FEED: BindParameter[str] = bindparam("feed")
_BEGUN_AT = bindparam("begun_at", type_=MOMENT)  # of the feed: earlier events are not sent


def _position_of(chain_id: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(POSITIONS.c.tenant_id == _TENANT, POSITIONS.c.feed == _FEED, POSITIONS.c.chain_id == chain_id)


_RECENT = (
    select(EVENTS.c.package_id)
    .join_from(EVENTS, POSITIONS, _position_of(EVENTS.c.package_id), isouter=True)
    .where(
        EVENTS.c.tenant_id == _TENANT,
        EVENTS.c.occurred_at >= bindparam("since", type_=MOMENT),
        or_(POSITIONS.c.chain_id.is_(None), POSITIONS.c.wanted < EVENTS.c.revision),
    )
    .distinct()
    .limit(bindparam("limit"))
)


def _page(table: Table, chain_id: ColumnElement[str]) -> Select[Any]:
    rows = select(chain_id.label("chain_id"), table.c.revision, table.c.updated_at)
    after = (table.c.tenant_id == _TENANT, chain_id > bindparam("after"))
    return rows.where(*after).order_by(chain_id).limit(bindparam("limit")).subquery().select()


_CHAINS = (
    _page(PACKAGES, PACKAGES.c.package_id)
    .union_all(_page(THREAD_RECORDS, THREAD_RECORDS.c.thread_key))
    .subquery()
    .select()
    .order_by(text("chain_id"))
    .limit(bindparam("limit"))
    .cte("chains")
)
_IS_BEHIND = or_(
    POSITIONS.c.wanted < _CHAINS.c.revision,
    and_(POSITIONS.c.chain_id.is_(None), _CHAINS.c.updated_at >= _BEGUN_AT),
)
_IS_LAST = _CHAINS.c.chain_id == select(func.max(_CHAINS.c.chain_id)).scalar_subquery()
_IS_FULL = bindparam("limit") == select(func.count()).select_from(_CHAINS).scalar_subquery()
# Nearly all chains are known, so most pages are one row: the last one.
_ROUND = (
    select(_CHAINS.c.chain_id, func.coalesce(_IS_BEHIND, false()).label("is_behind"))
    .add_columns(and_(_IS_LAST, _IS_FULL).label("is_last"))
    .join_from(_CHAINS, POSITIONS, _position_of(_CHAINS.c.chain_id), isouter=True)
    .where(or_(_IS_BEHIND, _IS_LAST))
)
_TENANT_IS_BEHIND = (
    select(INSTALLATION.c.length)
    .join_from(INSTALLATION, POSITIONS, _position_of(literal(TENANT)))
    .where(INSTALLATION.c.tenant_id == _TENANT, INSTALLATION.c.length > POSITIONS.c.wanted)
)


class News(NamedTuple):
    """The events of a chain that the feed does not know: the first, the last, and when the first occurred."""

    chain_id: str
    first: int
    last: int
    oldest_at: datetime


def _news(table: Table, chain_id: ColumnElement[str], revision: ColumnElement[int]) -> Select[Any]:
    unknown = or_(
        revision > POSITIONS.c.wanted,
        and_(POSITIONS.c.chain_id.is_(None), table.c.occurred_at >= _BEGUN_AT),
    )
    columns: tuple[Any, ...] = (chain_id, func.min(revision), func.max(revision), func.min(table.c.occurred_at))
    return (
        select(*columns)
        .join_from(table, POSITIONS, _position_of(chain_id), isouter=True)
        .where(table.c.tenant_id == _TENANT, unknown)
        .group_by(chain_id)
    )


_NEWS = _news(EVENTS, EVENTS.c.package_id, EVENTS.c.revision).where(
    EVENTS.c.package_id.in_(bindparam("chains", expanding=True))
)
_TENANT_NEWS = _news(TENANT_EVENTS, literal(TENANT), TENANT_EVENTS.c.sequence)
_NOTE_NEWS = text(
    "INSERT INTO feed_positions (tenant_id, feed, chain_id, sent, wanted, due_at, behind_since, attempts, replayed)"
    " VALUES (:tenant, :feed, :chain, :sent, :wanted, :now, :behind_since, 0, FALSE)"
    " ON CONFLICT (tenant_id, feed, chain_id) DO UPDATE SET wanted = excluded.wanted,"
    " due_at = coalesce(feed_positions.due_at, excluded.due_at), replayed = excluded.replayed,"
    " behind_since = coalesce(feed_positions.behind_since, excluded.behind_since)"
    " WHERE feed_positions.wanted < excluded.wanted"
).bindparams(bindparam("now", type_=MOMENT), bindparam("behind_since", type_=MOMENT))


class FeedKind(StringEnum):
    """The receivers that the settings can name."""

    WEBHOOK = "webhook"
    FILE = "file"


class FeedKey(NamedTuple):
    tenant_id: str
    feed: FeedKind

    @property
    def values(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "feed": self.feed.value}


def list_recent_chains(connection: Connection, key: FeedKey, since: datetime, limit: int) -> list[str]:
    """Chains with an event since then that the feed does not know."""
    return list(connection.execute(_RECENT, key.values | {"since": since, "limit": limit}).scalars())


class Page(NamedTuple):
    """The chains of a page that are behind, and after which chain the next page begins; None at the end of a round."""

    behind: list[str]
    following: str | None


def list_round(connection: Connection, key: FeedKey, begun_at: datetime, after: str, limit: int) -> Page:
    """The next page of the round: `limit` chains after the chain `after`."""
    values = key.values | {"begun_at": begun_at, "after": after, "limit": limit}
    rows = connection.execute(_ROUND, values).all()
    last = next((row.chain_id for row in rows if row.is_last), None)
    return Page([row.chain_id for row in rows if row.is_behind], last)


def find_news(connection: Connection, key: FeedKey, begun_at: datetime, chains: Collection[str]) -> list[News]:
    """The unknown events of these chains, and of the tenant's chain."""
    values = key.values | {"begun_at": begun_at}
    news = connection.execute(_NEWS, values | {"chains": sorted(chains)}).all() if chains else []
    if connection.execute(_TENANT_IS_BEHIND, key.values).first():
        news = [*news, *connection.execute(_TENANT_NEWS, values)]
    return [News(*row) for row in news]


def note_news(connection: Connection, key: FeedKey, news: Collection[News], now: datetime) -> None:
    """Record that these events are to be sent. Replicas may do it at once, so they lock the rows in the same order."""
    if news:
        connection.execute(_NOTE_NEWS, [news_row(key, chain, now) for chain in sorted(news)])


def news_row(key: FeedKey, news: News, now: datetime) -> dict[str, Any]:
    """The values of a new position: the events before these were sent."""
    chain_id, first, last, oldest_at = news
    return key.values | {
        "chain": chain_id,
        "sent": first - 1,
        "wanted": last,
        "behind_since": oldest_at,
        "now": now,
    }
