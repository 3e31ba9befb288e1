"""Slack's own time, for triggers, response_urls and rates. A test may stop and move it."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]


class ManualClock:
    """A clock that only tests move."""

    def __init__(self, at: float = 1_000.0) -> None:
        self.now = at

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
