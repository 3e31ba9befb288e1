"""Delivery in a process of its own, which dies at a given step."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import scheduler.cards.delivery
from bot import logs
from bot.metrics import Metrics
from bot.settings import LogFormat, read_settings
from bot.slack.outgoing.client import SlackClient, web_client
from rules.policy.parse import read_policy
from scheduler.cards.admin_alerts import AdminAlerts
from scheduler.cards.delivery import CardDelivery
from scheduler.cards.reconciler import Reconciler
from scheduler.cards.sending import SlackSender
from store.outbox import card_leases, cards
from tests.bot.slack.office import POLICY, UNLIMITED
from tests.store.world import World, opened

# Where it dies. True: after it was done, within the transaction that it belongs to; else just before it.
STEPS = {
    "claiming": (card_leases, "claim_cards", True),
    "claimed": (Reconciler, "_attempt", False),
    "drawn": (SlackSender, "put", False),  # the rendering is kept, and nothing was sent
    "sent": (cards, "record_message", False),  # the card is there, and nobody knows where
    "lying": (CardDelivery, "_post_notes", False),  # it is known where the card lies, and its thread knows nothing
    "told": (cards, "record_notes", False),  # the thread knows, and nobody knows that it does
    "proving": (CardDelivery, "_prove", False),
    "noted": (
        scheduler.cards.delivery,
        "_write_shown",
        False,
    ),  # what the thread knows is written down, and the end of it is not
    "recording": (scheduler.cards.delivery, "_write_shown", True),
    "settled": (AdminAlerts, "has_untold", False),
}


def doomed(step: str) -> None:
    where, name, afterwards = STEPS[step]
    real = getattr(where, name)

    def last(*given: Any, **named: Any) -> None:
        if afterwards:
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(where, name, last)


@asynccontextmanager
async def delivery(url: str, api_url: str, token: str) -> AsyncIterator[tuple[World, Reconciler]]:
    settings = read_settings(SLACK_BOT_TOKEN=token, SLACK_API_URL=api_url, _env_file=None)
    async with opened(url, read_policy(POLICY.encode())) as world, web_client(settings) as web:
        yield world, Reconciler(world.store, SlackClient(web, Metrics()), rates=UNLIMITED)


def deliver(url: str, api_url: str, token: str, step: str) -> None:
    """What a process does that is to die on its way."""
    logs.set_up(LogFormat.JSON)
    doomed(step)
    asyncio.run(_delivered(url, api_url, token))


async def _delivered(url: str, api_url: str, token: str) -> None:
    async with delivery(url, api_url, token) as (_, reconciler):
        await reconciler.tick()
