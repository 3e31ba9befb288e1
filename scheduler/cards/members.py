"""Who is in a channel. Slack says so less often than it takes posts: a burst of cards asks once for each channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.cards.pacing import Pace
from scheduler.common.messenger import BusyError, Lookup
from store.outbox.rate_budget import MEMBERS

REMEMBERED_FOR = timedelta(seconds=30)  # short beside the shortest silence that anybody would count
GOES_ON_WITHIN = timedelta(minutes=5)  # of a reading that Slack was too busy for: after that it begins fresh


@dataclass(slots=True)
class _Reading:
    """As far as Slack has told them, page by page."""

    begun: datetime
    members: set[str] = field(default_factory=set)
    following: str | None = ""


class _Asked(NamedTuple):
    answer: asyncio.Task[frozenset[str]]
    at: datetime


class ChannelMembers:
    def __init__(self, slack: Lookup, pace: Pace, now: Callable[[], datetime]) -> None:
        self._slack, self._pace, self._now = slack, pace, now
        self._asked: dict[str, _Asked] = {}
        self._readings: dict[str, _Reading] = {}

    async def of(self, channel: str, *, fresh: bool) -> frozenset[str]:
        """Who asks meanwhile gets the same answer, be it a fault; a fault is not remembered."""
        asked = self._asked.get(channel)
        if asked is None or fresh or (asked.answer.done() and self._now() - asked.at > REMEMBERED_FOR):
            asked = _Asked(asyncio.create_task(self._read(channel)), self._now())
            self._asked[channel] = asked
        try:
            return await asyncio.shield(asked.answer)  # whoever stops waiting takes it from nobody else
        except BaseException:
            if self._asked.get(channel) is asked and asked.answer.done():
                del self._asked[channel]
            raise

    async def _read(self, channel: str) -> frozenset[str]:
        """Where Slack asks for patience in the middle of a large channel, the next one to ask goes on from there."""
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
