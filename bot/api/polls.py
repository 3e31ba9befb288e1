"""Limits the long polls that one agent may hold at a time, so that no agent takes all connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bot.api.problems import Problem
from rules.reasons import Reason

MAX_PER_AGENT = 500
RETRY_AFTER = "5"  # seconds
FULL = "This agent already holds as many long polls as it may. Wait as Retry-After says, or read without `wait`."


class Polls:
    def __init__(self, limit: int = MAX_PER_AGENT) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, agent_id: str) -> Iterator[None]:
        """Count one poll while it waits. Beyond the limit, answer 429; reading without `wait` is always possible."""
        if self._held[agent_id] >= self._limit:
            raise Problem(Reason.RATE_LIMITED, FULL, headers={"Retry-After": RETRY_AFTER})
        self._held[agent_id] += 1
        try:
            yield
        finally:
            self._held[agent_id] -= 1
            if not self._held[agent_id]:
                del self._held[agent_id]
