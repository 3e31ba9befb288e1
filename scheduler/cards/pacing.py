"""How fast we may go: what Slack is about to be asked is spent first, of a budget that all replicas share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from scheduler.common.messenger import BusyError
from store.outbox import rate_budget
from store.outbox.rate_budget import Payment, Purse, Rates
from store.store import Store

T = TypeVar("T")


class Pace:
    def __init__(self, store: Store, rates: Rates, now: Callable[[], datetime]) -> None:
        self._store, self.rates, self._now = store, rates, now
        self._alone = asyncio.Lock()  # all wait for the same row: better here than each with a connection
        self._untold: list[Callable[[Purse], None]] = []
        self._patient: dict[str, float] = {}

    @property
    def is_told(self) -> bool:
        """Whether the budget knows of all that came to an end here. If not, others wait for longer than they need."""
        return not self._untold

    async def within(self, operation: Callable[[Connection, Purse], T]) -> T:
        """One transaction with the budget in hand, which is told first what came of the calls since the last one."""
        async with self._alone:
            untold = tuple(self._untold)
            made = await self._store.write(lambda its: self._opened(its, untold, operation))
            del self._untold[: len(untold)]
            return made

    def _opened(
        self,
        connection: Connection,
        untold: tuple[Callable[[Purse], None], ...],
        operation: Callable[[Connection, Purse], T],
    ) -> T:
        tenant_id = self._store.installation.tenant_id
        purse = rate_budget.lock_purse(connection, tenant_id, self.rates, self._time())
        for tell in untold:
            tell(purse)
        made = operation(connection, purse)
        rate_budget.save_purse(connection, tenant_id, purse)
        return made

    async def spend(self, *keys: str) -> Payment:
        """Or says how long there will be nothing left of them."""
        spent, wait = await self.within(lambda _, purse: (purse.spend(keys), purse.wait(keys)))
        if spent is None:
            raise BusyError("the budget is spent", wait)
        return spent

    @asynccontextmanager
    async def calling(self, spent: Payment) -> AsyncIterator[None]:
        """When its time has come. What Slack asks us to be patient with is left alone for so long, by all replicas."""
        try:
            await asyncio.sleep(max(0.0, spent.at - self._time()))
            self._heed(spent)
        except BaseException:
            self.unused(spent)
            raise
        try:
            yield
        except BusyError as busy:
            self._be_patient(spent, self._time() + busy.after)
            raise
        finally:
            self._tell_over(spent, self._time())

    def unused(self, spent: Payment) -> None:
        self._tell_over(spent, None)

    def _tell_over(self, spent: Payment, at: float | None) -> None:
        self._untold.append(lambda purse: purse.settle(spent, at))

    def _heed(self, spent: Payment) -> None:
        """What was paid for before Slack asked for patience is not sent after it."""
        wait = max(self._patient.get(key, 0.0) for key in spent.keys) - self._time()
        if wait > 0:
            raise BusyError("Slack asked for patience", wait)

    def _be_patient(self, spent: Payment, until: float) -> None:
        self._patient.update(dict.fromkeys(spent.keys, until))
        self._untold.append(lambda purse: purse.back_off(spent, until))

    def _time(self) -> float:
        return self._now().timestamp()
