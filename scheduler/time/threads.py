"""Lets packages follow threads that people stopped or resumed (`store.threads.follow`).

During an upgrade, replicas of an older release take in packages without the columns by which threads find them. These
are entered here.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from store.engine.workers import UnavailableError
from store.store import Store
from store.threads.follow import follow_due_thread
from store.threads.members import adopt_unnamed, is_any_unnamed
from store.threads.records import next_due_thread, set_due

log = structlog.get_logger()

RETRY_AFTER = timedelta(seconds=30)


class StoppedThreads:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> None:
        """All threads that are due, a few packages at a time, so that a click never waits for long."""
        try:
            if await self._store.read(self._is_any_unnamed):
                await self._store.write(partial(adopt_unnamed, tenant_id=self._store.installation.tenant_id))
            while key := await self._store.read(self._next_due):
                changed = await self._follow(key)
                self._store.announce((key, *changed) if changed else ())
        except UnavailableError as fault:
            log.warning("threads.database_unavailable", error=str(fault))

    def _is_any_unnamed(self, connection: Connection) -> bool:
        return is_any_unnamed(connection, self._store.installation.tenant_id)

    def _next_due(self, connection: Connection) -> str | None:
        """Reads the policy first: a process that cannot read it leaves due threads to other processes."""
        installation = self._store.installation
        installation.roster(connection)
        return next_due_thread(connection, installation.tenant_id, self._store.clock())

    async def _follow(self, key: str) -> tuple[str, ...]:
        """A thread at fault is postponed, so that it holds up no other."""
        installation, now = self._store.installation, self._store.clock()
        try:
            return await self._store.write(partial(follow_due_thread, installation=installation, key=key, now=now))
        except UnavailableError:
            raise
        except Exception:
            log.exception("threads.fault", thread=key)
            later = partial(set_due, tenant_id=installation.tenant_id, key=key, at=now + RETRY_AFTER)
            await self._store.write(later)
            return ()
