"""Empties content that is older than the policy allows, a few packages at a time.

Also deletes delivered callbacks after a while: the audit trail has the events, and only operators look at callbacks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from store.audit import retention
from store.engine.workers import UnavailableError
from store.installation import uptime
from store.mail.lanes import end_late_needs
from store.store import Store

log = structlog.get_logger()

# In one transaction.
PACKAGES = 100
CALLBACKS = 1_000
DELIVERED_KEPT_FOR = timedelta(days=30)  # longer than anybody asks whether a callback arrived


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Retention:
    """Deliveries are dated in real time, like everything that is sent; content in business time."""

    def __init__(self, store: Store, real: Callable[[], datetime] = _utc_now) -> None:
        self._store, self._real = store, real

    async def tick(self) -> None:
        """Empties what the policy no longer keeps, a part at a time."""
        store, now, tenant_id = self._store, self._store.clock(), self._store.installation.tenant_id
        try:
            policy = (await store.read(store.installation.roster)).policy
            # No silence lasts longer than a package may wait, so earlier uptime is never read.
            oldest = now - 2 * policy.windows.defer_at_most
            await store.write(lambda connection: uptime.delete_uptimes(connection, tenant_id, oldest))
            await self._end_late_needs()
            await self._forget_callbacks(min(DELIVERED_KEPT_FOR, policy.retention.content or DELIVERED_KEPT_FOR))
            if policy.retention.content is None:
                return
            before = now - policy.retention.content
            while count := await store.write(
                lambda connection: retention.empty_content(connection, tenant_id, before, PACKAGES)
            ):
                log.info("retention.emptied", packages=count)
        except UnavailableError as fault:
            log.warning("retention.database_unavailable", error=str(fault))

    async def _end_late_needs(self) -> None:
        """Also where nobody sends mails any more."""
        ending = partial(end_late_needs, tenant_id=self._store.installation.tenant_id, now=self._real())
        if count := await self._store.write(ending):
            log.info("retention.mails_too_late", needs=count)

    async def _forget_callbacks(self, kept_for: timedelta) -> None:
        store, tenant_id, before = self._store, self._store.installation.tenant_id, self._real() - kept_for
        while count := await store.write(
            lambda connection: retention.delete_delivered_callbacks(connection, tenant_id, before, CALLBACKS)
        ):
            log.info("retention.callbacks_forgotten", callbacks=count)
        while await store.write(
            lambda connection: retention.delete_old_tellings(connection, tenant_id, before, CALLBACKS)
        ):
            pass
