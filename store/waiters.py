"""Wakes requests that wait for a package: directly in this process, by NOTIFY from others, and by a slow poll.

A long poll registers before it reads the package, so no change falls between reading and waiting. Waking says only
that there may be news: the request reads the package again. A lost NOTIFY costs two seconds and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import structlog

from store.engine.database import Database
from store.packages.packages import load_revisions

log = structlog.get_logger()

SLOW_POLL = 2.0  # seconds between polls
POLLED_AT_ONCE = 500  # packages in one query


class Waiter:
    """A request that has seen revision `seen` of a package and waits for a newer one."""

    def __init__(self) -> None:
        self.seen: int | None = None
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def wait_for_change(self) -> None:
        await self._news.wait()
        self._news.clear()


class Waiters:
    """The requests that wait, by package. The slow poll alone would suffice; the other ways only make it faster."""

    def __init__(self, database: Database, tenant_id: str) -> None:
        self._database, self._tenant_id = database, tenant_id
        self._waiting: dict[str, set[Waiter]] = {}
        self.released = False

    @contextmanager
    def waiting_for(self, package_id: str) -> Iterator[Waiter]:
        """Enter this before you read the package, so that no change between reading and waiting is missed."""
        waiter = Waiter()
        self._waiting.setdefault(package_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            self._waiting[package_id].discard(waiter)
            if not self._waiting[package_id]:
                del self._waiting[package_id]

    def wake(self, package_ids: Iterable[str]) -> None:
        for package_id in package_ids:
            for waiter in self._waiting.get(package_id, ()):
                waiter.wake()

    def wake_all(self) -> None:
        self.wake(list(self._waiting))

    def release(self) -> None:
        """Let nobody wait any more: the process is about to end."""
        self.released = True
        self.wake_all()

    async def poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SLOW_POLL)
            try:
                await self._poll()
            except Exception as fault:  # noqa: BLE001 - the database may be away: keep polling
                log.warning("waiters.poll_failed", error=str(fault))

    async def _poll(self) -> None:
        awaited = list(self._waiting)
        for start in range(0, len(awaited), POLLED_AT_ONCE):
            load = partial(
                load_revisions, tenant_id=self._tenant_id, package_ids=awaited[start : start + POLLED_AT_ONCE]
            )
            for package_id, revision in (await self._database.read(load)).items():
                for waiter in self._waiting.get(package_id, ()):
                    if waiter.seen != revision:
                        waiter.wake()


async def cancel_task(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
