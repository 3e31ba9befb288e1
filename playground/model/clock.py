"""Slack's own time, for triggers, response_urls and rates."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
CREATED = 1_700_000_000  # Unix time (in 2023) at which everything in the workspace was created
