"""The end of a process, for what was set out with and not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


async def finish_or_cancel(under_way: Collection[asyncio.Task[Any]], within: float) -> None:
    """What is not done by then is cut off, and waited for until it has ended."""
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=within)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
