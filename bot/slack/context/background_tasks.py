"""Work that goes on after Slack has its answer. Tasks are referenced until they end, and are finished on shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from scheduler.common.messenger import SlackError
from store.engine.workers import UnavailableError

log = structlog.get_logger()


class BackgroundTasks:
    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(_run(name, work), name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self, within: float = 5.0) -> None:
        """Called on shutdown. Tasks that are not done within so many seconds are cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._under_way:  # a task may start another
                    await asyncio.wait(self._under_way)
        for task in self._under_way:
            task.cancel()


async def _run(name: str, work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except (SlackError, UnavailableError) as fault:
        log.warning("slack.background_task_failed", task=name, error=str(fault))
    except Exception:
        log.exception("slack.background_task_fault", task=name)
