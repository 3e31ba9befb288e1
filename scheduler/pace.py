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
        self.claimed_at = 0.0  # when what is being brought now was claimed, and paid for

    async def spend(self, *keys: str) -> float:
        """When it was; or says how long there will be nothing left of them."""
        tenant_id, how = self._store.house.tenant_id, self._how()
        wait = await self._store.write(lambda connection: budgets.spend(connection, tenant_id, keys, **how))
        if wait:
            raise BusyError("the budget is spent", wait)
        return how["now"]

    @asynccontextmanager
    async def minding(self, *keys: str, spent_at: float) -> AsyncIterator[None]:
        """What Slack asks us to be patient with is left alone for so long, by all replicas.

        A call that took long to get there was counted late by Slack, and is by us.
        """
        tenant_id = self._store.house.tenant_id
        try:
            yield
        except BusyError as busy:
            how, after = self._how(), busy.after
            await self._store.write(lambda connection: budgets.pause(connection, tenant_id, keys, after, **how))
            raise
        how = self._how()
        if how["now"] - spent_at > self.rates.on_its_way:
            await self._store.write(lambda connection: budgets.late(connection, tenant_id, keys, spent_at, **how))

    def _how(self) -> Timed:
        return {"rates": self.rates, "now": self._now().timestamp()}
