"""Looks for events that the feed does not know, at each tick: the recent ones, and a page of the *round*.

The round goes through all chains, a page at each tick, and begins again at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from store.feed import chains, lanes, positions
from store.feed.chains import FeedKey, News
from store.feed.lanes import Lane
from store.store import Store

OVERLAP = timedelta(seconds=5)  # events that are committed later than this are found by the round
AT_START = timedelta(minutes=10)  # what may have happened while no process looked
PAGE = 500  # chains that a tick looks at, of the round and of the recent ones


class _Look(NamedTuple):
    """`is_complete`: there are no more recent events. `is_any_far`: a clock that was wrong has put off a chain."""

    news: list[News]
    following: str | None
    is_complete: bool
    is_any_far: bool


class FeedDiscovery:
    """`now` is real time. Events occur in business time, which the store's clock tells."""

    def __init__(self, store: Store, key: FeedKey, now: Callable[[], datetime]) -> None:
        self._store, self._key, self._now = store, key, now
        self._begun_at: datetime | None = None
        self._looked_at: datetime | None = None
        self._after = ""

    async def look(self) -> None:
        """One tick: note the recent events, and those of the next page of the round."""
        begun_at = self._begun_at or await self._begin()
        now, business_now = self._now(), self._store.clock()
        since = max(begun_at, self._looked_at - OVERLAP if self._looked_at else business_now - AT_START)
        look = await self._store.read(
            partial(_look, key=self._key, begun_at=begun_at, since=since, after=self._after, now=now)
        )
        if look.news:
            await self._store.write(partial(chains.note_news, key=self._key, news=look.news, now=now))
        if look.is_any_far:
            await self._store.write(partial(positions.bring_back_far, key=self._key, now=now))
        self._looked_at = business_now if look.is_complete else self._looked_at
        self._after = look.following or ""

    async def _begin(self) -> datetime:
        now, real_now = self._store.clock(), self._now()
        lane = await self._store.write(partial(_begin, key=self._key, now=now, real_now=real_now))
        self._begun_at = lane.begun_at
        return lane.begun_at


def _begin(connection: Connection, key: FeedKey, now: datetime, real_now: datetime) -> Lane:
    """A process that starts tries the receiver at once: it may have been repaired, or be another one."""
    lane = lanes.begin_feed(connection, key, now)
    lanes.end_pause(connection, key, real_now)
    return lane


def _look(
    connection: Connection, *, key: FeedKey, begun_at: datetime, since: datetime, after: str, now: datetime
) -> _Look:
    page = chains.list_round(connection, key, begun_at, after, PAGE)
    recent = chains.list_recent_chains(connection, key, since, PAGE)
    news = chains.find_news(connection, key, begun_at, {*recent, *page.behind})
    return _Look(news, page.following, len(recent) < PAGE, positions.is_any_far(connection, key, now))
