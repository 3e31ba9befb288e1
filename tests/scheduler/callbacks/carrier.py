"""A callback sender in its own process, which may die at a given step.

It sends `ready`, starts and stops when told to, and then sends the number of callbacks that it delivered.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import scheduler.callbacks.sender
from bot import logs
from bot.callbacks.client import callback_client
from bot.settings import LogFormat
from scheduler.callbacks.sender import CallbackSender
from scheduler.ticks import ticking
from store.commands.policies import PolicyFile
from store.outbox import deliveries
from store.store import Store
from tests.fork_server import Line
from tests.rules.world import policy_text
from tests.scheduler.callbacks.rounds import LOOPBACK
from tests.store.world import POLICY, Clock

# Where it dies: inside the claiming transaction, after it, after the response, inside the result transaction, after it.
STEPS = {
    "claiming": (deliveries, "claim_callbacks", True),
    "claimed": (CallbackSender, "_deliver", False),
    "sent": (CallbackSender, "_settle", False),
    "settling": (scheduler.callbacks.sender, "_write_result", True),
    "settled": (CallbackSender, "notice", False),
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


def run_sender(url: str, step: str | None, line: Line) -> None:
    logs.set_up(LogFormat.JSON)
    if step:
        die_at(step)
    asyncio.run(_run_sender(url, line))


async def _run_sender(url: str, line: Line) -> None:
    store = await Store.open(url, PolicyFile(POLICY, policy_text(POLICY)), Clock())
    async with callback_client(LOOPBACK) as client:
        delivered: list[str] = []
        courier = CallbackSender(store, client, delivered.append)
        line.send("ready")
        await asyncio.to_thread(line.recv)
        running = asyncio.create_task(courier.run_for_ever())
        async with ticking({"callbacks": (courier.tick, 0.1)}):
            await asyncio.to_thread(line.recv)
        await courier.drain(10)
        running.cancel()
        line.send(str(delivered.count("delivered")))
    await store.close()
