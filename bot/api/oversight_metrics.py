"""The measures of human control in `/metrics`. Counting a busy month takes a while, so they are kept for `KEPT`."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.metrics import Metrics
from rules.oversight.measures import Figures
from store.engine.workers import UnavailableError
from store.oversight.outcomes import count_all
from store.oversight.statistics import load_statistics
from store.store import Store

PERIOD = timedelta(days=30)
KEPT = timedelta(minutes=5)


class OversightMetrics:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counted_at: datetime | None = None

    async def refresh(self, store: Store) -> None:
        """Count again if the measures are older than `KEPT`. Without the database, remove them: old ones mislead."""
        now = store.clock()
        if self._counted_at is not None and timedelta(0) <= now - self._counted_at < KEPT:
            return
        try:
            await count_all(store.database)
            statistics = await store.read(lambda connection: load_statistics(connection, now - PERIOD, now))
        except UnavailableError:
            self._counted_at = None
            self._show(Figures())
            return
        self._counted_at = now
        self._show(statistics.figures)

    def _show(self, figures: Figures) -> None:
        measures, times = self._metrics.measures, self._metrics.decision_times
        measures.clear()
        times.clear()
        shares = figures.shares if figures.ended else {}
        for measure, ratio in shares.items():
            measures.labels(measure.value, "part").set(ratio.part)
            measures.labels(measure.value, "whole").set(ratio.whole)
        for part, percentiles in dict(figures.times or ()).items():
            times.labels(part, "0.5").set(percentiles.median_ms / 1000)
            times.labels(part, "0.9").set(percentiles.p90_ms / 1000)
