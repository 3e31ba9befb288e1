"""The clock as a process of its own, on a business time that is given to it; it may be told at which step to die.

    python -m tests.scheduler.sweeping DATABASE_URL NOW [STEP]

It says `ready`, waits for a line, looks once at what is due, and says `done`. Each transaction has two steps at which a
process can be killed: before it is committed, and before anybody hears that it was.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection

from scheduler.heart import Heart
from scheduler.sweep import Sweep
from tests.store.world import Clock, World, opened


async def main(url: str, now: str, step: str = "0") -> None:
    async with opened(url, clock=Clock(datetime.fromisoformat(now))) as world:
        heart = Heart(world.store, _there)
        await heart.tick()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        _die_at(world, int(step))
        await Sweep(world.store, heart).tick()
        sys.stdout.write("done\n")


async def _there() -> bool:
    return True


def _die_at(world: World, last: int) -> None:
    database, steps = world.store.database, count(1)
    write = database.write

    def step() -> None:
        if next(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    async def stepwise(operation: Callable[[Connection], Any]) -> Any:
        def in_the_middle(connection: Connection) -> Any:
            result = operation(connection)
            step()
            return result

        result = await write(in_the_middle)
        step()
        return result

    database.write = stepwise  # type: ignore[method-assign]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
