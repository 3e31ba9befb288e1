"""The side of the service that tells agents, put together. It needs no Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.callback_client import callback_client
from bot.metrics import Metrics
from bot.settings import Settings
from scheduler.courier import Courier
from scheduler.ticks import ticking
from store.store import Store
from store.waiters import stopped

LOOKS_EVERY = 1.0
DRAIN = 10.0  # for what is under way at the end


@asynccontextmanager
async def callback_side(settings: Settings, store: Store, metrics: Metrics) -> AsyncIterator[Courier]:
    """What was left unsent is sent first; at the end nothing new is begun, and what was begun is waited for."""
    async with callback_client(settings.callback_allow) as client:
        courier = Courier(store, client, lambda outcome: metrics.callbacks.labels(outcome).inc())
        store.on_change.append(courier.notice)
        courier.notice()
        scheduler = ticking({"callbacks": (courier.tick, LOOKS_EVERY)})
        scheduler.start()
        looking = asyncio.create_task(courier.run_for_ever())
        try:
            yield courier
        finally:
            await courier.finished(DRAIN)
            scheduler.shutdown(wait=False)
            await stopped(looking)
