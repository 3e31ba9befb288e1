"""The heartbeat: as long as this process is up and Slack is there, somebody could be heard; no longer.

Silence is counted in business time, and a heart beats in real time. Where the two part, as when a clock is set, the
stretch between them proves nothing, and another one begins.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from store import uptime
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

EVERY = 5.0
MISSED = 3 * EVERY  # after so long without a beat, nobody knows what was in between


class Beat(NamedTuple):
    begun: datetime
    at: datetime
    real: float


class Heart:
    def __init__(
        self, store: Store, reachable: Callable[[], Awaitable[bool]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._reachable, self._monotonic = store, reachable, monotonic
        self._process_id = secrets.token_hex(8)
        self._last: Beat | None = None

    @property
    def beating(self) -> bool:
        """Whether somebody could be heard now."""
        return self._last is not None and self._monotonic() - self._last.real <= MISSED

    async def tick(self) -> None:
        if not await self._reachable():
            self._last = None
            return
        try:
            await self._beat(self._store.clock(), self._monotonic())
        except UnavailableError:
            self._last = None

    async def lived(self) -> None:
        """Business time was moved on by hand, with everybody at their desks: what was passed over counts as lived."""
        if self._last is not None:
            self._last = Beat(self._last.begun, self._store.clock(), self._monotonic())
            await self.tick()

    async def _beat(self, now: datetime, real: float) -> None:
        tenant_id, mine, last = self._store.house.tenant_id, self._process_id, self._last
        if last is not None and _goes_on(last, now, real):
            await self._store.write(lambda connection: uptime.grow(connection, tenant_id, mine, last.begun, now))
            self._last = Beat(last.begun, now, real)
        else:
            await self._store.write(lambda connection: uptime.begin(connection, tenant_id, mine, now))
            self._last = Beat(now, now, real)


def _goes_on(last: Beat, now: datetime, real: float) -> bool:
    passed = real - last.real
    drift = abs((now - last.at) - timedelta(seconds=passed))
    return passed <= MISSED and now >= last.at and drift <= timedelta(seconds=MISSED)
