"""Slack's rate limits: per method and workspace, and for posts also per channel.

Slack documents the tiers and about one post per second and channel, but not how large a burst may be. These are the
documented numbers, over windows that allow a small burst.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

TIERS = {"T1": 1, "T2": 20, "T3": 50, "T4": 100, "special": 600}  # calls of one method per minute
MINUTE = 60.0  # seconds
POSTS = 300  # per minute and workspace: "several hundred"
BURST = 5  # posts to one channel within as many seconds


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` within any `seconds`."""

    calls: int
    seconds: float


@dataclass(slots=True)
class Rates:
    """`speed=60` makes a minute of Slack's last a second. `burst=1` allows one post per second and channel."""

    speed: float = 1.0
    burst: int = BURST
    _seen: dict[tuple[str, ...], deque[float]] = field(default_factory=dict)

    def wait(self, method: str, tier: str, channel: str, now: float) -> int:
        """Seconds until the call is allowed; 0 means now, and counts the call. Refused calls do not count."""
        windows = self._windows(method, tier, channel)
        waits = [self._until_free(key, window, now) for key, window in windows.items()]
        if any(waits):
            return max(math.ceil(max(waits)), 1)
        for key in windows:
            self._seen[key].append(now)
        return 0

    def _windows(self, method: str, tier: str, channel: str) -> dict[tuple[str, ...], Window]:
        if tier != "post":
            return {(method,): Window(TIERS[tier], MINUTE / self.speed)}
        return {
            ("post",): Window(POSTS, MINUTE / self.speed),
            ("post", channel): Window(self.burst, self.burst / self.speed),
        }

    def _until_free(self, key: tuple[str, ...], window: Window, now: float) -> float:
        seen = self._seen.setdefault(key, deque())
        while seen and seen[0] <= now - window.seconds:
            seen.popleft()
        return seen[0] + window.seconds - now if len(seen) >= window.calls else 0.0
