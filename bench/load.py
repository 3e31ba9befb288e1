"""Runs a number of jobs, so many at a time, and says how many a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def rate(jobs: Iterable[T], work: Callable[[T], Awaitable[object]], at_once: int) -> float:
    """Jobs a second, bounded in number and so in time."""
    waiting = list(jobs)
    total = len(waiting)
    waiting.reverse()

    async def worker() -> None:
        while waiting:
            await work(waiting.pop())

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return total / (time.perf_counter() - start)
