"""How long this process leaves its own file alone. What other processes can write says nothing about it."""

from __future__ import annotations

from datetime import datetime

from scheduler.feed.receiver import Receipt
from scheduler.feed.retries import TryAgain, pause_after
from store.feed.lanes import TROUBLE, is_ahead


class OwnPause:
    """The pause grows with the failures since the last event that was taken."""

    def __init__(self) -> None:
        self._failures = 0
        self._until: datetime | None = None

    def has_ended(self, now: datetime) -> bool:
        return not is_ahead(self._until, now)

    def result_of(self, receipt: Receipt, now: datetime, chance: float) -> TryAgain | None:
        """The chain is due at once: another process may be able to write it."""
        if receipt.taken or receipt.error is None:
            self._failures, self._until = 0, None
        if receipt.error is None:
            return None
        self._until = now + pause_after(TROUBLE + self._failures, chance)
        self._failures += 1
        return TryAgain(now, 0, self._until)
