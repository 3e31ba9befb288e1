"""Clicks of this process that are not settled: those in progress, and those that failed.

A failed click may have been an objection, so its package becomes hard. If it was about a thread, it may have been a
hold, so all packages of the thread become hard. The failure is kept in memory until the database has taken these
commands. While there are failures, the process proves nothing; while a click is in progress, it proves nothing later
than the start of that click.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import structlog

from rules.reasons import Reason
from rules.state.events import Cause
from rules.state.service_commands import Harden
from rules.threads.model import is_thread
from scheduler.common import clock_commands
from store.store import Store
from store.threads.soft import list_soft_stopped_by

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
        click = object()
        self._under_way[click] = self._store.clock()
        try:
            yield
        finally:
            del self._under_way[click]

    def record_failure(self, subject: str, user_id: str) -> None:
        """`subject`: the id of the package or the key of the thread."""
        log.warning("click.failed", package=subject)
        self._failed.add((subject, user_id))

    async def settle(self) -> None:
        """Hardens the packages of failed clicks. Raises `UnavailableError` if the database is unavailable."""
        for click in tuple(self._failed):
            outcomes = [await self._store.execute(command) for command in await self._commands(*click)]
            if not any(outcome.refusal and outcome.refusal.reason is Reason.TOO_BUSY for outcome in outcomes):
                self._failed.discard(click)

    async def _commands(self, subject: str, user_id: str) -> list[Harden]:
        """Whoever may hold a thread stops the silence of all its packages, also of those that they may not decide."""
        harden = partial(clock_commands.for_package, Harden, cause=Cause.CLICK_FAILED)
        if not is_thread(subject):
            return [harden(subject, clicked_by=user_id)]
        now, installation = self._store.clock(), self._store.installation
        stopped = await self._store.read(
            lambda connection: list_soft_stopped_by(connection, installation, subject, user_id, now)
        )
        return [harden(package_id) for package_id in stopped]
