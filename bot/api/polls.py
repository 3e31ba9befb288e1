"""Long polls: how many one agent may hold at a time, so that none takes the connections of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bot.api.problems import Problem
from rules.reasons import Reason

EACH = 500
RETRY_AFTER = "5"
FULL = "This agent already holds as many long polls as it may. Wait as Retry-After says, or read without `wait`."


class Polls:
    def __init__(self, each: int = EACH) -> None:
        self._each = each
        self._of: Counter[str] = Counter()

    @contextmanager
    def held(self, agent_id: str) -> Iterator[None]:
        """Beyond the limit an agent is told to come back; it can always read without waiting."""
        if self._of[agent_id] >= self._each:
            raise Problem(Reason.RATE_LIMITED, FULL, headers={"Retry-After": RETRY_AFTER})
        self._of[agent_id] += 1
        try:
            yield
        finally:
            self._of[agent_id] -= 1
            if not self._of[agent_id]:
                del self._of[agent_id]
