"""The hold that we have on a place while we bring it: renewed as long as that takes, and lost where another has it."""

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
    """Until when, if it is not renewed."""
    return now + CLAIMED_FOR


class LeaseLostError(Exception):
    """Another process has claimed the place: it is theirs to bring."""


class Lease:
    def __init__(self, store: Store, claim: Claim, now: Callable[[], datetime]) -> None:
        self._store, self.claim, self._now = store, claim, now

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """What takes longer than the hold could be renewed for is given up: by then it may be somebody else's."""
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
        """What belongs to the place, as long as it is ours, which it then is for as long again."""
        await self._store.write(lambda connection: self._renew(connection, operation), quick=True)

    def _renew(self, connection: Connection, operation: Callable[[Connection], None]) -> None:
        if not card_leases.extend_claim(connection, self.claim, lease_end(self._now())):
            raise LeaseLostError(self.claim.place.place)
        operation(connection)

    async def postpone(self, seconds: float) -> None:
        """Nobody brings it before then. Where that cannot be kept, the hold itself ends in a while."""
        until = self._now() + timedelta(seconds=seconds)
        with suppress(UnavailableError):
            await self._store.write(lambda connection: card_leases.postpone_claim(connection, self.claim, until))
