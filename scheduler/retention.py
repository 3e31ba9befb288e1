"""Empties words that have been kept as long as the policy says, a few packages at a time."""

from __future__ import annotations

import structlog

from store import retention, uptime
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

PACKAGES = 100


class Retention:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> None:
        store, policy = self._store, self._store.house.policy
        now, tenant_id = store.clock(), store.house.tenant_id
        try:
            # No silence is ever longer than a package may wait: what lies before that is asked by nobody.
            oldest = now - 2 * policy.windows.defer_at_most
            await store.write(lambda connection: uptime.forget(connection, tenant_id, oldest))
            if policy.retention.content is None:
                return
            before = now - policy.retention.content
            while count := await store.write(
                lambda connection: retention.empty(connection, tenant_id, before, PACKAGES)
            ):
                log.info("retention.emptied", packages=count)
        except UnavailableError as fault:
            log.warning("retention.database_unavailable", error=str(fault))
