"""Wrong keys: counted, and answered one after the other for each address.

Each key is looked up first, and only a wrong one waits for its answer. So a right key is never delayed or refused
because of the wrong ones that come from the same address.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import structlog

from bot.metrics import Metrics

log = structlog.get_logger()

APART = 0.25  # seconds between two answers to one address
AT_MOST = (
    2.0  # seconds that an answer waits: a crowd must not hold its connections, or the end of the process, for long
)
REMEMBERED = 10_000  # addresses
TELLS_EVERY = 60.0


class WrongKeys:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._untold, self._tells_at = 0, 0.0

    async def met(self, peer: str | None) -> None:
        """Counts a wrong key, and waits for its turn to be answered."""
        now = asyncio.get_running_loop().time()
        self._count(now)
        await asyncio.sleep(self._turn(peer or "", now) - now)

    def _turn(self, peer: str, now: float) -> float:
        at = min(max(now, self._free_at.pop(peer, now)), now + AT_MOST)
        self._free_at[peer] = at + APART
        if len(self._free_at) > REMEMBERED:
            self._free_at.popitem(last=False)
        return at

    def _count(self, now: float) -> None:
        """One line a minute at most, with how many there were since the last one."""
        self._metrics.wrong_keys.inc()
        self._untold += 1
        if now >= self._tells_at:
            log.warning("http.wrong_keys", count=self._untold)
            self._untold, self._tells_at = 0, now + TELLS_EVERY
