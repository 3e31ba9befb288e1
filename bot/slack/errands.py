"""What is done after Slack was answered: kept hold of, so that it is neither lost nor outlives the process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from scheduler.messenger import SlackError
from store.workers import UnavailableError

log = structlog.get_logger()


class Errands:
    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, name: str, errand: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(_done(name, errand), name=name)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finished(self, within: float) -> None:
        """For the end of the process: what is not done by then is given up."""
        if self._under_way:
            _, left = await asyncio.wait(self._under_way, timeout=within)
            for task in left:
                task.cancel()


async def _done(name: str, errand: Coroutine[Any, Any, object]) -> None:
    try:
        await errand
    except (SlackError, UnavailableError) as fault:
        log.warning("slack.errand_failed", errand=name, error=str(fault))
    except Exception:
        log.exception("slack.errand_fault", errand=name)
