"""Runs the interval jobs. A job keeps no state between runs: it reads from the database what is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]

log = structlog.get_logger()

Tick = Callable[[], Awaitable[None]]

FINISHES_WITHIN = 2.0  # seconds at shutdown


@asynccontextmanager
async def ticking(ticks: Mapping[str, tuple[Tick, float]]) -> AsyncIterator[None]:
    """One job per tick. A late job runs once, runs of a job never overlap, and a running job may finish at shutdown."""
    scheduler, turns = AsyncIOScheduler(timezone="UTC"), [asyncio.Lock() for _ in ticks]
    for turn, (name, (tick, seconds)) in zip(turns, ticks.items(), strict=True):
        scheduler.add_job(
            partial(_run_exclusively, turn, name, tick),
            "interval",
            seconds=seconds,
            id=name,
            name=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        try:
            await _wait_for_running(turns)
        finally:
            scheduler.shutdown(wait=False)


async def _run_exclusively(turn: asyncio.Lock, name: str, tick: Tick) -> None:
    async with turn:
        try:
            await tick()
        except asyncio.CancelledError:
            log.warning("tick.cancelled", tick=name, after=FINISHES_WITHIN)


async def _wait_for_running(turns: list[asyncio.Lock]) -> None:
    await asyncio.sleep(0)  # let jobs that were just started take their lock
    with suppress(TimeoutError):
        async with asyncio.timeout(FINISHES_WITHIN):
            for turn in turns:
                await turn.acquire()
