"""Rate limits: before each call of Slack, its cost is paid from a budget that all replicas share in the database.

A call that cannot be paid raises `BusyError` with the time to wait, and is made later. If Slack asks to wait, nobody
calls until then. Ends of calls are reported together with the next payment, which saves transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from scheduler.common.messenger import BusyError
from store.outbox import rate_budget
from store.outbox.rate_budget import Payment, RateBudget, Rates
from store.store import Store

T = TypeVar("T")


class Pace:
    def __init__(self, store: Store, rates: Rates, now: Callable[[], datetime]) -> None:
        self._store, self.rates, self._now = store, rates, now
        self._lock = asyncio.Lock()  # all wait for the same row: better here than holding a connection each
        self._unsettled: list[Callable[[RateBudget], None]] = []
        self._paused_until: dict[str, float] = {}

    @property
    def is_settled(self) -> bool:
        """Whether all finished calls are reported to the budget. If not, others wait longer than necessary."""
        return not self._unsettled

    async def within(self, operation: Callable[[Connection, RateBudget], T]) -> T:
        """One transaction on the budget, which first reports the calls that ended since the last one."""
        async with self._lock:
            unsettled = tuple(self._unsettled)
            result = await self._store.write(lambda connection: self._run(connection, unsettled, operation))
            del self._unsettled[: len(unsettled)]
            return result

    def _run(
        self,
        connection: Connection,
        unsettled: tuple[Callable[[RateBudget], None], ...],
        operation: Callable[[Connection, RateBudget], T],
    ) -> T:
        tenant_id = self._store.installation.tenant_id
        budget = rate_budget.lock_budget(connection, tenant_id, self.rates, self._time())
        for report in unsettled:
            report(budget)
        result = operation(connection, budget)
        rate_budget.save_budget(connection, tenant_id, budget)
        return result

    async def report_ended_calls(self) -> None:
        """Reports the calls that ended since the last transaction, and does nothing else."""
        await self.within(lambda _connection, _budget: None)

    async def spend(self, *keys: str) -> Payment:
        """Pays for a call, or raises BusyError with the time until there is budget."""
        spent, wait = await self.within(lambda _, budget: (budget.spend(keys), budget.wait(keys)))
        if spent is None:
            raise BusyError("the budget is spent", wait)
        return spent

    @asynccontextmanager
    async def calling(self, spent: Payment) -> AsyncIterator[None]:
        """Waits for its time, then runs the call. A rate limit of Slack stops further calls at all replicas."""
        try:
            await asyncio.sleep(max(0.0, spent.at - self._time()))
            self._check_not_paused(spent)
        except BaseException:
            self.report_unused(spent)
            raise
        try:
            yield
        except BusyError as busy:
            self._wait_until(spent, self._time() + busy.after)
            raise
        finally:
            self._report_end(spent, self._time())

    def report_unused(self, spent: Payment) -> None:
        self._report_end(spent, None)

    def _report_end(self, spent: Payment, at: float | None) -> None:
        self._unsettled.append(lambda budget: budget.settle(spent, at))

    def _check_not_paused(self, spent: Payment) -> None:
        """Stops calls that were paid for before Slack asked to wait."""
        wait = max(self._paused_until.get(key, 0.0) for key in spent.keys) - self._time()
        if wait > 0:
            raise BusyError("Slack asked to wait", wait)

    def _wait_until(self, spent: Payment, until: float) -> None:
        self._paused_until.update(dict.fromkeys(spent.keys, until))
        self._unsettled.append(lambda budget: budget.back_off(spent, until))

    def _time(self) -> float:
        return self._now().timestamp()
