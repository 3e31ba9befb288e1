"""Who is in a channel. Slack says so less often than it takes posts: a burst of cards asks once for each channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.messenger import Messenger

REMEMBERED_FOR = timedelta(seconds=30)  # short beside the shortest silence that anybody would count


class _Asked(NamedTuple):
    answer: asyncio.Task[frozenset[str]]
    at: datetime


class Onlookers:
    def __init__(self, messenger: Messenger, now: Callable[[], datetime]) -> None:
        self._messenger, self._now = messenger, now
        self._asked: dict[str, _Asked] = {}

    async def of(self, channel: str, *, anew: bool) -> frozenset[str]:
        """Who asks meanwhile gets the same answer, be it a fault; a fault is not remembered."""
        asked = self._asked.get(channel)
        if asked is None or anew or self._now() - asked.at > REMEMBERED_FOR:
            asked = _Asked(asyncio.ensure_future(self._messenger.members(channel)), self._now())
            self._asked[channel] = asked
        try:
            return await asked.answer
        except BaseException:
            if self._asked.get(channel) is asked:
                del self._asked[channel]
            raise
