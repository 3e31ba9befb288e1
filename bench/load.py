"""Run jobs with limited concurrency and return how many were done per second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def rate(jobs: Iterable[T], work: Callable[[T], Awaitable[object]], at_once: int) -> float:
    """Jobs per second, `at_once` at a time."""
    queue = list(jobs)
    total = len(queue)
    queue.reverse()

    async def worker() -> None:
        while queue:
            await work(queue.pop())

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return total / (time.perf_counter() - start)
