"""The side of the service that tells agents, put together. It needs no Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.callbacks.client import callback_client
from bot.keys import can_have_a_key, vault
from bot.metrics import Metrics
from bot.settings import Settings
from scheduler.callbacks.sender import Courier
from scheduler.ticks import ticking
from store.agents.agent_admin import as_it_is
from store.agents.callback_secrets import seal_what_lies_open
from store.store import Store
from store.waiters import stopped

LOOKS_EVERY = 1.0
DRAIN = 10.0  # for what is under way at the end


@asynccontextmanager
async def callback_side(settings: Settings, store: Store, metrics: Metrics) -> AsyncIterator[Courier]:
    """What was left unsent is sent first; at the end nothing new is begun, and what was begun is waited for."""
    opens = await _opening(settings, store)
    async with callback_client(settings.callback_allow) as client:
        courier = Courier(store, client, lambda outcome: metrics.callbacks.labels(outcome).inc(), opens=opens)
        store.on_change.append(courier.notice)
        courier.notice()
        looking = asyncio.create_task(courier.run_for_ever())
        try:
            async with ticking({"callbacks": (courier.tick, LOOKS_EVERY)}):
                yield courier
        finally:
            await courier.finished(DRAIN)
            await stopped(looking)


async def _opening(settings: Settings, store: Store) -> Callable[[str], str]:
    """What opens secrets. Those that lie unsealed are sealed now; one that no key opens stops the start."""
    if not can_have_a_key(settings):
        return as_it_is
    ours = vault(settings)
    now = store.clock()
    await store.write(lambda connection: seal_what_lies_open(connection, ours, now))
    return ours.open
