"""Clicks of this process that are not settled: those in progress, and those that failed.

A failed click may have been an objection, so its package becomes hard. The failure is kept in memory until the database
has taken that command. While there are failures, the process proves nothing; while a click is in progress, it proves
nothing later than the start of that click.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from rules.reasons import Reason
from rules.state.events import Cause
from rules.state.service_commands import Harden
from scheduler.common import clock_commands
from store.store import Store

log = structlog.get_logger()


class UnsettledClicks:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: dict[object, datetime] = {}
        self._failed: set[tuple[str, str]] = set()

    @property
    def oldest(self) -> datetime | None:
        """When the oldest click in progress came in."""
        return min(self._under_way.values(), default=None)

    @property
    def has_failures(self) -> bool:
        """Whether a click failed and its package is not hard yet."""
        return bool(self._failed)

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """Covers a click from its arrival until it is answered."""
        this = object()
        self._under_way[this] = self._store.clock()
        try:
            yield
        finally:
            del self._under_way[this]

    def record_failure(self, package_id: str, user_id: str) -> None:
        log.warning("click.failed", package=package_id)
        self._failed.add((package_id, user_id))

    async def settle(self) -> None:
        """Hardens the packages of failed clicks. Raises `UnavailableError` if the database is unavailable."""
        for click in tuple(self._failed):
            package_id, user_id = click
            command = clock_commands.for_package(Harden, package_id, cause=Cause.CLICK_FAILED, clicked_by=user_id)
            refusal = (await self._store.execute(command)).refusal
            if refusal is None or refusal.reason is not Reason.TOO_BUSY:
                self._failed.discard(click)
