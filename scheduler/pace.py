"""How fast we may go: what Slack is about to be asked is spent first, of a budget that all replicas share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypedDict

from scheduler.messenger import BusyError
from store import budgets
from store.budgets import Rates
from store.store import Store


class Timed(TypedDict):
    rates: Rates
    now: float


class Pace:
    def __init__(self, store: Store, rates: Rates, now: Callable[[], datetime]) -> None:
        self._store, self.rates, self._now = store, rates, now

    async def room(self, *keys: str) -> float:
        """Spends them, if there is something left of all: 0; else the seconds until there is."""
        tenant_id, how = self._store.house.tenant_id, self._how()
        return await self._store.write(lambda connection: budgets.spend(connection, tenant_id, keys, **how))

    async def spend(self, *keys: str) -> None:
        if wait := await self.room(*keys):
            raise BusyError("the budget is spent", wait)

    @asynccontextmanager
    async def minding(self, *keys: str) -> AsyncIterator[None]:
        """What Slack asks us to be patient with is left alone for so long, by all replicas."""
        tenant_id = self._store.house.tenant_id
        try:
            yield
        except BusyError as busy:
            how, after = self._how(), busy.after
            await self._store.write(lambda connection: budgets.pause(connection, tenant_id, keys, after, **how))
            raise

    def _how(self) -> Timed:
        return {"rates": self.rates, "now": self._now().timestamp()}
