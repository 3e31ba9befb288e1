"""The interval jobs. They only look: what is due, or behind, or old, stands in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]

Tick = Callable[[], Awaitable[None]]


def ticking(ticks: Mapping[str, tuple[Tick, float]]) -> AsyncIOScheduler:
    """One job for each, every so many seconds. What is late runs once, and never beside itself."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for name, (tick, seconds) in ticks.items():
        scheduler.add_job(
            tick, "interval", seconds=seconds, id=name, coalesce=True, max_instances=1, misfire_grace_time=None
        )
    return scheduler
