"""How far the operators' feed is, in `/readyz` and `/metrics`.

Counting a backlog of a million packages and threads takes a second. So the counts are kept for ten times as long as
counting took, and for at most ten seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from bot.metrics import Metrics
from bot.settings import Settings
from rules.record.chain import rfc3339
from store.engine.workers import UnavailableError
from store.feed import feed_admin
from store.feed.feed_admin import FeedReport
from store.store import Store

_KEPT_TIMES, _KEPT_AT_MOST = 10, 10.0  # as long as counting took; seconds
_NOT_BEGUN: dict[str, Any] = {"trouble": "it has not begun: no process of the feed has reached the database"}


class FeedReports:
    def __init__(self, settings: Settings) -> None:
        self._feeds = settings.feeds
        self._reports: list[FeedReport] = []
        self._kept_until = 0.0

    async def load_posture(self, store: Store) -> dict[str, Any]:
        """The receivers that the settings name. `/readyz` stays 200 if one fails, because it holds up no decision."""
        reports, now = await self._load(store), store.clock()
        return dict.fromkeys(self._feeds, _NOT_BEGUN) | {report.feed.value: _posture(report, now) for report in reports}

    async def write_metrics(self, store: Store, metrics: Metrics) -> None:
        try:
            for report in await self._load(store):
                lag = report.lag(store.clock()).total_seconds()
                _write(metrics, report.feed, (report.behind, lag, report.held, report.lost))
        except UnavailableError:
            for feed in self._feeds:
                _write(metrics, feed, [math.nan] * 4)

    async def _load(self, store: Store) -> list[FeedReport]:
        if self._feeds and monotonic() >= self._kept_until:
            start = monotonic()
            reports = await store.read(feed_admin.report_feeds)
            self._reports = [report for report in reports if report.feed in self._feeds]
            end = monotonic()
            self._kept_until = end + min(_KEPT_TIMES * (end - start), _KEPT_AT_MOST)
        return self._reports


def _posture(report: FeedReport, now: datetime) -> dict[str, Any]:
    since = report.lane.failing_since
    return {
        "behind": report.behind,
        "lag_seconds": round(report.lag(now).total_seconds()),
        "held": report.held,
        "lost": report.lost,
        **({"trouble": f"since {rfc3339(since)}: {report.lane.last_error}"} if report.is_in_trouble and since else {}),
    }


def _write(metrics: Metrics, feed: str, values: Sequence[float]) -> None:
    gauges = (metrics.feed_behind, metrics.feed_lag, metrics.feed_held, metrics.feed_lost)
    for gauge, value in zip(gauges, values, strict=True):
        gauge.labels(feed).set(value)
