"""Slows down guessing of API keys: requests with a wrong key are answered one after the other for each address.

Every key is looked up first, and only a wrong one is delayed. So wrong keys from an address never delay or refuse a
right key from the same address.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import structlog

from bot.metrics import Metrics

log = structlog.get_logger()

ANSWER_INTERVAL = 0.25  # seconds between two answers to one address
MAX_DELAY = 2.0  # seconds: many delayed answers must not hold connections, or the shutdown, for long
MAX_PEERS = 10_000  # addresses that are remembered
LOG_INTERVAL = 60.0  # seconds


class WrongKeys:
    """Counts wrong keys, and delays their answers. Addresses that were used long ago are forgotten first."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._next_answer_at: OrderedDict[str, float] = OrderedDict()
        self._unlogged, self._next_log_at = 0, 0.0

    async def delay_answer(self, peer: str | None) -> None:
        """Count a wrong key, and wait until its answer is due."""
        now = asyncio.get_running_loop().time()
        self._count(now)
        await asyncio.sleep(self._answer_time(peer or "", now) - now)

    def _answer_time(self, peer: str, now: float) -> float:
        answer_at = min(max(now, self._next_answer_at.pop(peer, now)), now + MAX_DELAY)
        self._next_answer_at[peer] = answer_at + ANSWER_INTERVAL
        if len(self._next_answer_at) > MAX_PEERS:
            self._next_answer_at.popitem(last=False)
        return answer_at

    def _count(self, now: float) -> None:
        """Log at most one line a minute, with the number of wrong keys since the last line."""
        self._metrics.wrong_keys.inc()
        self._unlogged += 1
        if now >= self._next_log_at:
            log.warning("http.wrong_keys", count=self._unlogged)
            self._unlogged, self._next_log_at = 0, now + LOG_INTERVAL
