"""Starts the sender of callbacks to agents and mails to people, and stops it in order. It does not need Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.callbacks.client import callback_client
from bot.keys import has_key_source, vault
from bot.mail_wiring import mail_side
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.wiring import SlackSide
from bot.tracing.tracing import Tracing
from scheduler.callbacks.sender import CallbackSender
from scheduler.ticks import ticking
from store.agents.agent_admin import leave_unsealed
from store.agents.callback_secrets import seal_unsealed
from store.store import Store
from store.waiters import cancel_task

POLL_INTERVAL = 1.0  # seconds
DRAIN_WITHIN = 10.0  # seconds at the end for calls in progress


@asynccontextmanager
async def callback_sender(
    settings: Settings, store: Store, metrics: Metrics, slack: SlackSide | None, tracing: Tracing
) -> AsyncIterator[CallbackSender]:
    """Run the sender. It begins with what was left unsent; at the end, it waits for calls in progress."""
    open_secret = await _seal_secrets(settings, store)
    async with (
        callback_client(settings.callback_allow) as client,
        mail_side(settings, store, metrics, slack) as mail,
    ):
        sender = CallbackSender(
            store,
            client,
            lambda outcome: metrics.callbacks.labels(outcome).inc(),
            decrypt=open_secret,
            mail=mail.post if mail else None,
            trace=tracing.begin_delivery,
        )
        store.on_change.append(sender.notice)
        if mail:
            mail.opener.on_opened.append(sender.notice)
        sender.notice()
        running = asyncio.create_task(sender.run_for_ever())
        try:
            async with ticking({"callbacks": (sender.tick, POLL_INTERVAL), **(mail.ticks if mail else {})}):
                yield sender
        finally:
            await sender.drain(DRAIN_WITHIN)
            await cancel_task(running)


async def _seal_secrets(settings: Settings, store: Store) -> Callable[[str], str]:
    """Seal the callback secrets that are not sealed yet, and return the function that opens them.

    A secret that no key opens stops the start.
    """
    if not has_key_source(settings):
        return leave_unsealed
    keys = vault(settings)
    now = store.clock()
    await store.write(lambda connection: seal_unsealed(connection, keys, now))
    return keys.open
