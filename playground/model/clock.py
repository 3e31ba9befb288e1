"""Slack's own time, for triggers, response_urls and rates."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
