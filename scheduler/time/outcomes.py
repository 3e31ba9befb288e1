"""Counts the outcomes of packages whose review has ended, for the measures of human control."""

from __future__ import annotations

import structlog

from store.engine.workers import UnavailableError
from store.oversight.outcomes import count_all
from store.store import Store

log = structlog.get_logger()


class OutcomeCounting:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> None:
        """Counts what is marked as not counted, so a late or double run changes nothing."""
        try:
            await count_all(self._store.database)
        except UnavailableError as fault:
            log.warning("outcomes.database_unavailable", error=str(fault))
