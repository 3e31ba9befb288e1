"""Members of channels. Slack's limit for this call is low, so a burst of cards asks only once per channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.cards.pacing import Pace
from scheduler.common.messenger import BusyError, Lookup
from store.outbox.rate_budget import MEMBERS

REMEMBERED_FOR = timedelta(seconds=30)  # short compared with the shortest silence that counts
GOES_ON_WITHIN = timedelta(minutes=5)  # how long a rate limited reading can be continued


@dataclass(slots=True)
class _Reading:
    """The members read so far, page by page."""

    begun: datetime
    members: set[str] = field(default_factory=set)
    following: str | None = ""


class _CachedAnswer(NamedTuple):
    answer: asyncio.Task[frozenset[str]]
    at: datetime


class ChannelMembers:
    def __init__(self, slack: Lookup, pace: Pace, now: Callable[[], datetime]) -> None:
        self._slack, self._pace, self._now = slack, pace, now
        self._cache: dict[str, _CachedAnswer] = {}
        self._readings: dict[str, _Reading] = {}

    async def of(self, channel: str, *, fresh: bool) -> frozenset[str]:
        """Concurrent callers share one answer, even an error; errors are not remembered."""
        cached = self._cache.get(channel)
        if cached is None or fresh or (cached.answer.done() and self._now() - cached.at > REMEMBERED_FOR):
            cached = _CachedAnswer(asyncio.create_task(self._read(channel)), self._now())
            self._cache[channel] = cached
        try:
            return await asyncio.shield(cached.answer)  # a cancelled caller does not cancel the others
        except BaseException:
            if self._cache.get(channel) is cached and cached.answer.done():
                del self._cache[channel]
            raise

    async def _read(self, channel: str) -> frozenset[str]:
        """If Slack rate limits the reading of a large channel, the next caller continues from the same page."""
        reading = self._readings.pop(channel, None)
        if reading is None or self._now() - reading.begun > GOES_ON_WITHIN:
            reading = _Reading(self._now())
        try:
            while reading.following is not None:
                reading.following = await self._page(channel, reading, reading.following)
        except BusyError:
            self._readings[channel] = reading
            raise
        return frozenset(reading.members)

    async def _page(self, channel: str, reading: _Reading, page: str) -> str | None:
        spent = await self._pace.spend(MEMBERS)
        async with self._pace.calling(spent):
            members, following = await self._slack.members(channel, page)
        reading.members |= members
        return following
