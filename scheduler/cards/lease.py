"""The lease on a place during delivery: renewed as long as that takes, lost if another process claims the place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from sqlalchemy import Connection

from store.engine.workers import UnavailableError
from store.outbox import card_leases
from store.outbox.card_leases import Claim
from store.store import Store
from store.waiters import cancel_task

CLAIMED_FOR = timedelta(seconds=30)


def lease_end(now: datetime) -> datetime:
    """When a lease ends that is not renewed from now on."""
    return now + CLAIMED_FOR


class LeaseLostError(Exception):
    """Another process has claimed the place and will deliver it."""


class Lease:
    def __init__(self, store: Store, claim: Claim, now: Callable[[], datetime]) -> None:
        self._store, self.claim, self._now = store, claim, now

    @asynccontextmanager
    async def keep_renewed(self) -> AsyncIterator[None]:
        """Renews the lease in the background. Cancels the work if the lease could not be renewed in time."""
        seconds = CLAIMED_FOR.total_seconds()
        async with asyncio.timeout(seconds) as limit:
            renewal = asyncio.create_task(self._keep_renewing(limit, seconds))
            try:
                yield
            finally:
                await cancel_task(renewal)

    async def _keep_renewing(self, limit: asyncio.Timeout, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds / 3)
            begun = asyncio.get_running_loop().time()
            with suppress(UnavailableError):
                await self.write(lambda _: None)
                limit.reschedule(begun + seconds)

    async def write(self, operation: Callable[[Connection], None]) -> None:
        """Writes only while the lease is ours, and renews it in the same transaction."""
        await self._store.write(lambda connection: self._renew(connection, operation), quick=True)

    def _renew(self, connection: Connection, operation: Callable[[Connection], None]) -> None:
        if not card_leases.extend_claim(connection, self.claim, lease_end(self._now())):
            raise LeaseLostError(self.claim.place.place)
        operation(connection)

    async def postpone(self, seconds: float, *, refused: bool | None = None) -> None:
        """No process delivers the place before then. If that cannot be written, the lease itself expires soon.

        `refused`: whether the place or the text is the reason, and not Slack as a whole. None: it was not tried.
        """
        until = self._now() + timedelta(seconds=seconds)
        with suppress(UnavailableError):
            await self._store.write(
                lambda connection: card_leases.postpone_claim(connection, self.claim, until, refused=refused)
            )
