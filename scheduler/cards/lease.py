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


def held_from(now: datetime) -> datetime:
    """Until when, if it is not renewed."""
    return now + CLAIMED_FOR


class LostError(Exception):
    """Another process has claimed the place: it is theirs to bring."""


class Hold:
    def __init__(self, store: Store, its: Claim, now: Callable[[], datetime]) -> None:
        self._store, self.its, self._now = store, its, now

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """What takes longer than the hold could be renewed for is given up: by then it may be somebody else's."""
        seconds = CLAIMED_FOR.total_seconds()
        async with asyncio.timeout(seconds) as limit:
            renewing = asyncio.create_task(self._renewed(limit, seconds))
            try:
                yield
            finally:
                await cancel_task(renewing)

    async def _renewed(self, limit: asyncio.Timeout, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds / 3)
            begun = asyncio.get_running_loop().time()
            with suppress(UnavailableError):
                await self.write(lambda _: None)
                limit.reschedule(begun + seconds)

    async def write(self, operation: Callable[[Connection], None]) -> None:
        """What belongs to the place, as long as it is ours, which it then is for as long again."""
        await self._store.write(lambda its: self._renew(its, operation), quick=True)

    def _renew(self, connection: Connection, operation: Callable[[Connection], None]) -> None:
        if not card_leases.extend_claim(connection, self.its, held_from(self._now())):
            raise LostError(self.its.place.place)
        operation(connection)

    async def rest(self, seconds: float) -> None:
        """Nobody brings it before then. Where that cannot be kept, the hold itself ends in a while."""
        until = self._now() + timedelta(seconds=seconds)
        with suppress(UnavailableError):
            await self._store.write(lambda connection: card_leases.postpone_claim(connection, self.its, until))
