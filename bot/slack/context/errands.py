"""What is done after Slack was answered: kept hold of, so that it is neither lost nor outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog

from scheduler.common.messenger import SlackError
from store.engine.workers import UnavailableError

log = structlog.get_logger()


class Errands:
    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, name: str, errand: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(_done(name, errand), name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finished(self, within: float = 5.0) -> None:
        """For the end of the process: what is not done by then is given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self._under_way:  # one may send another
                    await asyncio.wait(self._under_way)
        for task in self._under_way:
            task.cancel()


async def _done(name: str, errand: Coroutine[Any, Any, object]) -> None:
    try:
        await errand
    except (SlackError, UnavailableError) as fault:
        log.warning("slack.errand_failed", errand=name, error=str(fault))
    except Exception:
        log.exception("slack.errand_fault", errand=name)
