"""The passage of time, real and moved: whatever is due happens at its own time, with every reviewer present."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from bot.api.service import Service
from bot.demo.page.clock import MovedClock
from bot.slack.wiring import SlackSide
from scheduler.ticks import Tick, ticking
from store.packages.packages import PACKAGES

MAX_STOPS = 100  # per move; anything that is due after the last one happens together at the end of the move
NOTHING = timedelta(0)


class Passage:
    """Runs the service's own ticks, but never while time is being moved."""

    def __init__(self, service: Service, slack: SlackSide, clock: MovedClock) -> None:
        self._store, self._slack, self._clock = service.store, slack, clock
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        ticks = self._slack.clockwork.ticks
        async with ticking({name: (self._excluding_moves(tick), seconds) for name, (tick, seconds) in ticks.items()}):
            yield

    def _excluding_moves(self, tick: Tick) -> Tick:
        async def alone() -> None:
            async with self._alone:
                await tick()

        return alone

    async def move(self, span: timedelta) -> None:
        """Move from one due time to the next, because what happens at the first may cause the second."""
        async with self._alone:
            for _ in range(MAX_STOPS):
                due = await self._store.read(self._first_due)
                step = span if due is None else min(span, max(due - self._clock(), NOTHING))
                await self._advance(step)
                span -= step
                if not span:
                    return
            await self._advance(span)

    def _first_due(self, connection: Connection) -> datetime | None:
        is_ours = PACKAGES.c.tenant_id == self._store.installation.tenant_id
        return connection.execute(select(func.min(PACKAGES.c.due_at)).where(is_ours)).scalar()

    async def _advance(self, span: timedelta) -> None:
        self._clock.move(span)
        await self._slack.clockwork.heart.time_skipped()
        await self._slack.directory.tick()
        await self._slack.clockwork.sweep.tick()
        await self._slack.clockwork.consents.tick()
        await self._slack.clockwork.absences.tick()
        await self._slack.reconciler.tick()
