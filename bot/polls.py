"""Long polls: how many one agent may hold at a time, so that none takes the connections of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bot.problem_types import Fault
from bot.problems import Problem

EACH = 500


class Polls:
    def __init__(self, each: int = EACH) -> None:
        self._each = each
        self._of: Counter[str] = Counter()

    @contextmanager
    def held(self, agent_id: str) -> Iterator[None]:
        """Beyond the limit an agent is told to come back; it can always read without waiting."""
        if self._of[agent_id] >= self._each:
            raise Problem(Fault.RATE_LIMITED)
        self._of[agent_id] += 1
        try:
            yield
        finally:
            self._of[agent_id] -= 1
            if not self._of[agent_id]:
                del self._of[agent_id]
