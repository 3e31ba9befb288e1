"""The clock in its own process, at a given business time. A test can choose the step at which it dies.

It sends `ready`, waits for a message, runs one sweep, and sends `done`. Each transaction has two steps at which a
process can be killed: before the commit, and between the commit and the answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection

from scheduler.time.clicks import UnsettledClicks
from scheduler.time.due import Sweep
from scheduler.time.heartbeat import Heartbeat
from tests.fork_server import Line
from tests.scheduler.time.channel_stand_in import ChannelStandIn, consents
from tests.scheduler.time.clockwork import OpenTransport
from tests.store.world import Clock, World, open_replica


def sweep(url: str, now: datetime, step: int, line: Line) -> None:
    asyncio.run(_swept(url, now, step, line))


async def _swept(url: str, now: datetime, step: int, line: Line) -> None:
    async with open_replica(url, clock=Clock(now)) as world:
        heart = Heartbeat(world.store, _there, OpenTransport(world, time.monotonic), UnsettledClicks(world.store))
        await heart.tick()
        line.send("ready")
        await asyncio.to_thread(line.recv)
        _die_at(world, step)
        silent = consents(world.store, heart, ChannelStandIn())
        await Sweep(world.store, silent.take).tick()
        await silent.tick()
        line.send("done")


async def _there() -> bool:
    return True


def _die_at(world: World, last: int) -> None:
    database, steps = world.store.database, count(1)
    write = database.write

    def step() -> None:
        if next(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    async def stepwise(operation: Callable[[Connection], Any], **how: bool) -> Any:
        def in_the_middle(connection: Connection) -> Any:
            result = operation(connection)
            step()
            return result

        result = await write(in_the_middle, **how)
        step()
        return result

    database.write = stepwise  # type: ignore[method-assign]
