"""A clock for the stand-in that stands still until a test moves it."""

from __future__ import annotations


class ManualClock:
    def __init__(self, at: float = 1_000.0) -> None:
        self.now = at

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
