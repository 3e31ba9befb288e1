"""A courier in a process of its own, which may die at a given step: `python -m tests.callbacks.carrier URL STEP`.

It says `ready`, begins when it is told to, and ends when nobody listens any more; then it says what it delivered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import scheduler.courier
from bot import logs
from bot.callback_client import callback_client
from bot.settings import LogFormat
from scheduler.courier import Courier
from scheduler.ticks import ticking
from store import deliveries
from store.store import Store
from tests.callbacks.rounds import LOOPBACK
from tests.store.world import POLICY, Clock

# Where it dies: in the transaction that claims, after it, with the answer in hand, in the transaction that settles, after.
STEPS = {
    "claiming": (deliveries, "claim", True),
    "claimed": (Courier, "_deliver", False),
    "sent": (Courier, "_settle", False),
    "settling": (scheduler.courier, "_settle", True),
    "settled": (Courier, "notice", False),
}


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doomed(step: str) -> None:
    where, name, afterwards = STEPS[step]
    real = getattr(where, name)

    def last(*given: Any, **named: Any) -> None:
        real(*given, **named)
        die()

    setattr(where, name, last if afterwards else die)


async def main(url: str) -> None:
    store = await Store.open(url, POLICY, "the text of it", Clock())
    async with callback_client(LOOPBACK) as client:
        delivered: list[str] = []
        courier = Courier(store, client, delivered.append)
        print("ready", flush=True)  # noqa: T201 - whoever started it listens
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.readline()
        ticks = ticking({"callbacks": (courier.tick, 0.1)})
        ticks.start()
        running = asyncio.create_task(courier.run_for_ever())
        await reader.read()
        ticks.shutdown(wait=False)
        await courier.finished(10)
        running.cancel()
        print(delivered.count("delivered"), flush=True)  # noqa: T201
    await store.close()


if __name__ == "__main__":
    logs.set_up(LogFormat.JSON)
    if len(sys.argv) > 2:
        doomed(sys.argv[2])
    asyncio.run(main(sys.argv[1]))
