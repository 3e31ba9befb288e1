"""Shutdown of background tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def finish_or_cancel(under_way: Collection[asyncio.Task[Any]], within: float) -> None:
    """Waits for the tasks; those that are late are cancelled and awaited."""
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
