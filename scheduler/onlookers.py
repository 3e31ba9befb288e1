"""Who is in a channel. Slack says so less often than it takes posts: a burst of cards asks once for each channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.messenger import BusyError, Messenger

REMEMBERED_FOR = timedelta(seconds=30)  # short beside the shortest silence that anybody would count
GOES_ON_WITHIN = timedelta(minutes=5)  # of a reading that Slack was too busy for: after that it begins anew


@dataclass(slots=True)
class _Reading:
    """As far as Slack has told them, page by page."""

    begun: datetime
    found: set[str] = field(default_factory=set)
    following: str | None = ""


class _Asked(NamedTuple):
    answer: asyncio.Task[frozenset[str]]
    at: datetime


class Onlookers:
    def __init__(self, messenger: Messenger, now: Callable[[], datetime]) -> None:
        self._messenger, self._now = messenger, now
        self._asked: dict[str, _Asked] = {}
        self._readings: dict[str, _Reading] = {}

    async def of(self, channel: str, *, anew: bool) -> frozenset[str]:
        """Who asks meanwhile gets the same answer, be it a fault; a fault is not remembered."""
        asked = self._asked.get(channel)
        if asked is None or anew or (asked.answer.done() and self._now() - asked.at > REMEMBERED_FOR):
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
                page, reading.following = await self._messenger.members(channel, reading.following)
                reading.found |= page
        except BusyError:
            self._readings[channel] = reading
            raise
        return frozenset(reading.found)
