"""Delivers cards in a separate process that is killed at a given step."""

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
from tests.store.world import World, open_replica

# The call at which the process is killed: before it, or (True) after it and before its transaction commits.
STEPS: dict[str, tuple[Any, Any, bool]] = {
    "claiming": (card_leases, card_leases.claim_cards, True),
    "claimed": (Reconciler, Reconciler._attempt, False),
    "drawn": (SlackSender, SlackSender.put, False),  # the rendering is saved, and nothing was sent
    "sent": (cards, cards.record_message, False),  # the card was posted, and its message is not recorded
    "located": (CardDelivery, CardDelivery._post_notes, False),  # the message is recorded, its notes are not posted
    "notes posted": (cards, cards.record_notes, False),  # the notes are posted, and this is not recorded
    "proving": (CardDelivery, CardDelivery._prove, False),
    "noted": (scheduler.cards.delivery, scheduler.cards.delivery._write_shown, False),  # only the notes are recorded
    "recording": (scheduler.cards.delivery, scheduler.cards.delivery._write_shown, True),
    "settled": (AdminAlerts, AdminAlerts.has_untold, False),
}


def die_at(step: str) -> None:
    owner, real, afterwards = STEPS[step]

    def last(*given: Any, **named: Any) -> None:
        if afterwards:
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, real.__name__, last)


@asynccontextmanager
async def delivery(url: str, api_url: str, token: str) -> AsyncIterator[tuple[World, Reconciler]]:
    settings = read_settings(SLACK_BOT_TOKEN=token, SLACK_API_URL=api_url, _env_file=None)
    async with open_replica(url, read_policy(POLICY.encode())) as world, web_client(settings) as web:
        yield world, Reconciler(world.store, SlackClient(web, Metrics()), rates=UNLIMITED)


def deliver(url: str, api_url: str, token: str, step: str) -> None:
    """Run in a process that is killed at this step."""
    logs.set_up(LogFormat.JSON)
    die_at(step)
    asyncio.run(_deliver(url, api_url, token))


async def _deliver(url: str, api_url: str, token: str) -> None:
    async with delivery(url, api_url, token) as (_, reconciler):
        await reconciler.tick()
