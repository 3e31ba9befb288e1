"""A sender of the feed in its own process, which may die at a given step.

It sends `ready`, starts and stops when told to, and then sends the number of events that it delivered.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import scheduler.feed.sender
from bot import logs
from bot.callbacks.client import callback_client
from bot.settings import LogFormat
from scheduler.feed.sender import FeedSender
from scheduler.ticks import ticking
from store.commands.policies import PolicyFile
from store.feed import chains, positions
from store.feed.chains import FeedKind
from store.store import Store
from tests.fork_server import Line
from tests.rules.world import policy_text
from tests.scheduler.callbacks.rounds import LOOPBACK
from tests.scheduler.feed.stations import webhook
from tests.store.world import POLICY, Clock

# Where it dies: inside the transaction that notes news, after it, inside that of the claim, after it, after the
# response, inside the transaction of the result, after it.
STEPS = {
    "noting": (chains, "note_news", True),
    "noted": (FeedSender, "_count_due", False),
    "claiming": (positions, "claim_chain", True),
    "claimed": (FeedSender, "_send", False),
    "sent": (scheduler.feed.sender, "FeedAttempt", False),
    "settling": (scheduler.feed.sender, "write_attempt", True),
    "settled": (FeedSender, "_tell", False),
}


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(step: str) -> None:
    where, name, afterwards = STEPS[step]
    real = getattr(where, name)

    def last(*given: Any, **named: Any) -> None:
        real(*given, **named)
        die()

    setattr(where, name, last if afterwards else die)


def run_feed(url: str, receiver: str, step: str | None, line: Line) -> None:
    logs.set_up(LogFormat.JSON)
    if step:
        die_at(step)
    asyncio.run(_run_feed(url, receiver, line))


async def _run_feed(url: str, receiver: str, line: Line) -> None:
    store = await Store.open(url, PolicyFile(POLICY, policy_text(POLICY)), Clock())
    async with callback_client(LOOPBACK, keeps_connections=True) as client:
        outcomes: list[str] = []
        sender = FeedSender(store, FeedKind.WEBHOOK, webhook(client, receiver), outcomes.append)
        line.send("ready")
        await asyncio.to_thread(line.recv)
        async with ticking({"feed": (sender.tick, 0.1)}):
            await asyncio.to_thread(line.recv)
        await sender.drain(10)
        line.send(str(outcomes.count("delivered")))
    await store.close()
